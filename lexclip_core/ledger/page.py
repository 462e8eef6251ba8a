"""The ledger as one HTML file that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, get_args

import pandas as pd

from lexclip_core import storage
from lexclip_core.ledger.joining import details, table
from lexclip_core.ledger.measurement import Measurement
from lexclip_core.ledger.verdicts import Verdict
from lexclip_core.ledger.wording import SYMBOLS, made_on, ours, theirs

_PAPERS = {
    "blog": "the blog (Gao, 2025)",
    "paraclip": "ParaCLIP (Kim et al., 2024)",
    "open_clip": "open_clip's own results",
    "clip_benchmark": "CLIP_benchmark's results",
}
_HEADER = ("row", "claims", "the paper", "here", "measured on", "verdict", "why")
_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 96rem; padding: 0 1rem; }
body { background: #fff; color: #1a1a1a; }
h1 { margin-bottom: .2rem; }
form { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0; }
form div { display: flex; flex-direction: column; justify-content: flex-end; font-size: .9rem; }
select, input { font: inherit; padding: .25rem; min-width: 11rem; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; padding: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .5rem; border-bottom: 1px solid #c8c8c8; }
thead th { position: sticky; top: 0; background: #fff; border-bottom: 2px solid #1a1a1a; }
tbody th { font-weight: 600; }
td.verdict { white-space: nowrap; font-weight: 600; border-left: .5rem solid transparent; }
tr[data-verdict="reproduced"] td.verdict { border-left-color: #0072b2; }
tr[data-verdict="within noise"] td.verdict { border-left-color: #f0e442; }
tr[data-verdict="contradicted"] td.verdict { border-left-color: #d55e00; }
tr[data-verdict="not runnable here"] td.verdict { border-left-color: #b5b5b5; }
details { font-size: .9rem; }
details ul { margin: .2rem 0; padding-left: 1.2rem; }
@media print {
  form { display: none; }
  body { font-size: 9pt; margin: 0; max-width: none; }
  thead { display: table-header-group; }
  thead th { position: static; }
  tr { break-inside: avoid; }
  td.verdict { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""
_SCRIPT = """
const form = document.querySelector('form'), rows = [...document.querySelectorAll('tbody tr')];
const shown = document.getElementById('shown');
function filter() {
  const wanted = Object.fromEntries(new FormData(form)), words = wanted.words.toLowerCase().trim();
  const claim = wanted.claim.toUpperCase().trim();
  let count = 0;
  for (const row of rows) {
    const keep = ['kind', 'paper', 'verdict'].every(name => [row.dataset[name], ''].includes(wanted[name]))
      && (!claim || row.dataset.claims.split(' ').includes(claim))
      && (!words || row.textContent.toLowerCase().includes(words));
    row.hidden = !keep;
    count += keep;
  }
  shown.textContent = `${count} of ${rows.length} rows`;
}
function changed() {
  const chosen = [...new FormData(form)].filter(([, value]) => value);
  history.replaceState(null, '', '#' + new URLSearchParams(chosen));
  filter();
}
for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
  if (form.elements[name]) form.elements[name].value = value;
}
form.addEventListener('input', changed);
form.addEventListener('submit', event => event.preventDefault());
form.addEventListener('reset', () => setTimeout(changed));
filter();
"""


def write_page(path: Path, measurements: Sequence[Measurement] | None = None) -> Path:
    """Write the ledger as one HTML file and return its path.

    Args:
        path: The file.
        measurements: Ours; those committed in `data/measured` unless given.

    Raises:
        StorageError: The file cannot be written.
    """
    with storage.atomic_write(path) as temporary:
        temporary.write_text(page(table(measurements), details(measurements)), encoding="utf-8")
    return path


def page(rows: pd.DataFrame, tests: pd.DataFrame) -> str:
    """Return the page of a ledger: what `table` and `details` gave."""
    counts = rows.groupby("kind")["verdict"].value_counts()
    summary = "; ".join(
        f"{kind}s: " + ", ".join(f"{counts.get((kind, one), 0)} {one}" for one in get_args(Verdict))
        for kind in ("claim", "number")
    )
    by_claim = {claim: group.to_dict("records") for claim, group in tests.groupby("claim")}
    body = "\n".join(_row(row, by_claim.get(row["id"], [])) for row in rows.to_dict("records"))
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEADER)
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>Ledger: two papers beside lexclip</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Ledger</h1>
<p>Every claim and every number of two papers, and what lexclip measured. On the paper's own model and data
the value is compared; on others, such as emoji and a sentence encoder, only the direction of an effect, and
the row says so. Intervals are 95 %. A claim that several measurements bear on is contradicted by one of
them.</p>
<p>{escape(summary)}.</p>
<form>
{_select("kind", "rows", {"claim": "claims", "number": "numbers"})}
{_select("paper", "paper", _PAPERS)}
{_select("verdict", "verdict", {one: f"{SYMBOLS[one]} {one}" for one in get_args(Verdict)})}
<div><label for="claim">claim</label><input name="claim" id="claim" placeholder="B4"></div>
<div><label for="words">words</label><input name="words" id="words" placeholder="hypernym"></div>
<div><input type="reset" value="show all"></div>
</form>
<table>
<caption><span id="shown" aria-live="polite">{len(rows)} rows</span></caption>
<thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _select(name: str, label: str, options: Mapping[str, str]) -> str:
    listed = "".join(
        f'<option value="{escape(key)}">{escape(said)}</option>' for key, said in options.items()
    )
    select = f'<select name="{name}" id="{name}"><option value="">all</option>{listed}</select>'
    return f'<div><label for="{name}">{label}</label>{select}</div>'


def _row(row: Mapping[str, Any], tests: Sequence[Mapping[str, Any]]) -> str:
    data = {name: row[name] for name in ("kind", "paper", "verdict", "claims")}
    attributes = " ".join(f'data-{name}="{escape(str(value))}"' for name, value in data.items())
    first = f"{row['id']}: {row['statement']}" if row["kind"] == "claim" else row["statement"]
    on = ", ".join(filter(None, [made_on(row), row["split"], row["notebook"] if row["measured"] else ""]))
    here = ": ".join(filter(None, [row["measured"], ours(row)]))
    cells = (row["claims"], theirs(row), here, on)
    verdict = f"{SYMBOLS[row['verdict']]} {row['verdict']}"
    listed = _tests(row, tests) if row["kind"] == "claim" else ""
    return (
        f'<tr {attributes}><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + f'<td class="verdict">{escape(verdict)}</td><td>{escape(row["reason"])}{listed}</td></tr>'
    )


def _tests(row: Mapping[str, Any], tests: Sequence[Mapping[str, Any]]) -> str:
    if len(tests) < 2:
        return ""
    said = [f"{one['measured']}: {ours(one)} ({one['reason']})" for one in tests]
    signs = [SYMBOLS[one["verdict"]] for one in tests]
    items = "".join(f"<li>{sign} {escape(one)}</li>" for sign, one in zip(signs, said, strict=True))
    return f"<details><summary>{escape(row['tests'])}</summary><ul>{items}</ul></details>"
