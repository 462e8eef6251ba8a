"""The ledger in words, as an HTML file, on the command line, and its measurements collected."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import get_args

import nbformat
import pytest

from lexclip_core.cli.__main__ import main
from lexclip_core.notebooks import MEASURED_MIME
from lexclip_core.papers import ledger as ledger_module
from lexclip_core.papers.measurement import Conditions
from lexclip_core.papers.reported import Place
from lexclip_core.papers.verdicts import MEANINGS, SYMBOLS, Verdict

EMOJI = Conditions("emoji <first domain>", "heldout", "all-MiniLM-L6-v2", "emoji")
BLOG = Conditions("ImageNet", "heldout", "ViT-B-32/laion400m_e31", "ViT-B-32/laion400m_e31")
TUNED = Place("blog", "ImageNet", "100", "tuned replaced", "synonym")
RATE = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}
CHANGE = {"value": 0.08, "low": 0.02, "high": 0.14, "n": 30}
OURS = (
    EMOJI.measured(
        "synonym: K = 100",
        {"value": 0.6, "low": 0.55, "high": 0.65, "n": 30},
        "gain.imagenet",
        at=[TUNED, TUNED._replace(row="150")],
        change=CHANGE,
        over="pictures",
        by_seed={"value": 0.08, "low": 0.07, "high": 0.09, "n": 3},
    ),
    BLOG.measured("rate", RATE, "inversion_rate", over="triples"),
    BLOG.measured("synonyms", RATE, "name_cost.synonym", over="pictures"),
    BLOG.measured("gap", -0.0123, "antonym_gap", unit="cosine", change=-0.0123),
    EMOJI.measured("seconds", 86.5, "training_seconds", unit="number"),
)


class Rows(HTMLParser):
    """Collects the rows of the table's body, and everything that would be fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, str | None]] = []
        self.texts: list[list[str]] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.fetched += [str(found[name]) for name in ("src", "href", "action") if name in found]
        if tag == "tr" and "data-kind" in found:
            self.rows.append(found)
            self.texts.append([])
        elif tag in ("td", "th") and self.texts:
            self.texts[-1].append("")

    def handle_data(self, data):
        if self.texts and self.texts[-1]:
            self.texts[-1][-1] += data


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    path = ledger_module.write_page(tmp_path_factory.mktemp("page") / "ledger.html", OURS)
    found = Rows()
    text = path.read_text(encoding="utf-8")
    found.feed(text)
    return text, found


def row(name):
    table = ledger_module.ledger_table(OURS)
    return table[table["id"] == name].to_dict("records")[0]


def test_numbers_are_said_with_their_intervals():
    found = row(" | ".join(TUNED))
    assert ledger_module.reported_text(found) == "63.5 ± 0.3, change +7.9"
    assert ledger_module.measured_text(found) == (
        "60.0 (55.0 to 65.0), paired change +8.0 (+2.0 to +14.0); over seeds or draws (+7.0 to +9.0)"
    )
    assert ledger_module.conditions_text(found) == "all-MiniLM-L6-v2 + emoji; emoji <first domain>"
    said = [ledger_module.measured_text(row(claim)) for claim in ("B4", "B14", "B1")]
    assert said == ["-0.012, paired change -0.012", "86.5", ""]
    assert ledger_module.reported_text(row("B4")) == ""
    counted = row("blog | text | WordNet | polysemous words | WordNet 3.0")
    assert ledger_module.reported_text(counted) == "31,989"
    rate = row("paraclip | appendix A | training | learning rate | training")
    assert ledger_module.reported_text(rate) == "5e-07"


def test_the_page_has_every_row_and_fetches_nothing(written):
    text, found = written
    table = ledger_module.ledger_table(OURS)
    assert [one["data-verdict"] for one in found.rows] == table["verdict"].tolist()
    assert [one["data-claims"] for one in found.rows] == table["claims"].tolist()
    assert found.fetched == []
    assert "default-src 'none'" in text
    assert re.findall(r"url\(|@import|https?:", text) == []
    assert '<html lang="en">' in text
    assert text.count('scope="row"') == len(table)


def test_what_was_measured_stands_in_its_row_and_is_escaped(written):
    text, found = written
    at = next(i for i, one in enumerate(found.texts) if one[0] == "ImageNet: 100, tuned replaced (synonym)")
    _, claims, theirs, here, on, verdict, why = found.texts[at][:7]
    assert claims == "B21"
    assert theirs == "63.5 ± 0.3, change +7.9; next to it also 150, tuned replaced: 61.5"
    assert here.startswith("synonym: K = 100: 60.0 (55.0 to 65.0), paired change +8.0 (+2.0 to +14.0)")
    assert on == "all-MiniLM-L6-v2 + emoji; emoji <first domain>, heldout"
    assert "<first domain>" not in text
    assert verdict == "○ not judged here"
    assert "it points the stated way, interval over pictures" in why


def test_everything_next_to_a_claim_is_listed_below_it(written):
    _, found = written
    why = {one[0][:3]: one[6] for one in found.texts}
    assert "✗ rate: 50.0 (40.0 to 60.0) (on ImageNet (" in why["B5:"]
    assert "- seconds: 86.5 (shown, no ground for a verdict)" in why["B14"]
    assert why["B14"].startswith("shown by test_tuning.py::")


def test_every_verdict_has_a_sign_a_meaning_and_a_colour(written):
    text, _ = written
    for verdict in get_args(Verdict):
        assert f"<b>{SYMBOLS[verdict]} {verdict}</b>: {MEANINGS[verdict]}" in text
        assert f'tr[data-verdict="{verdict}"]' in text
    assert len(set(SYMBOLS.values())) == len(SYMBOLS)
    assert ledger_module.tally(ledger_module.ledger_table(OURS)) in text


# --- the command line ---


@pytest.fixture
def call(capsys):
    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def executed(tmp_path):
    """A folder with an executed notebook that recorded something and one that did not."""
    bundle = {MEASURED_MIME: {"commit": "c0ffee", "measured": [one.as_dict() for one in OURS]}}
    output = nbformat.v4.new_output("display_data", bundle)
    folder = tmp_path / "executed"
    folder.mkdir()
    for name, outputs in (("12_other_names", [output]), ("99_other", [])):
        cell = nbformat.v4.new_code_cell("", outputs=outputs)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), folder / f"{name}.ipynb")
    (folder / ".12_other_names.ipynb").write_text("{")  # what a run in progress keeps with its copies
    return folder


def test_measurements_are_collected_and_shown(call, executed, tmp_path):
    folder = str(tmp_path / "measured")
    status, out, _ = call(
        "notebooks", "collect", "--executed", str(executed), "--profile", "paper", "--output", folder
    )
    assert (status, out.split()) == (0, ["notebook", "measurements", "12_other_names", "5", "99_other", "0"])
    assert sorted(one.name for one in (tmp_path / "measured").iterdir()) == [
        "12_other_names.json",
        "class_lists.json",
    ]
    status, out, _ = call("ledger", "--measured", folder)
    assert len(out.splitlines()) == 1 + 56 + 1
    assert re.search(r"^B5 .+ ✗ contradicted .+ it points the other way", out, re.MULTILINE)
    assert out.splitlines()[-1].startswith("Of 56 claims: 1 within noise, 2 contradicted")
    status, out, _ = call("ledger", "--measured", folder, "--json", "--verdict", "reproduced")
    found = json.loads(out)
    assert [one["id"].split(" | ")[-1] for one in found] == ["synonym", "mixed"]  # the lists of classes
    assert {one["profile"] for one in found} == {"paper"}
    status, out, _ = call("ledger", "--measured", folder, "--claim", "b21", "--verdict", "not judged here")
    assert [line.split()[0] for line in out.splitlines()] == ["row", "B21", "ImageNet:"]
    html = tmp_path / "book" / "ledger.html"
    assert call("ledger", "--measured", folder, "--html", str(html))[1] == f"wrote {html}\n"
    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--claim", "B31"], "nothing bears on a claim 'B31'"),
        (["--paper", "post"], "unknown paper 'post'"),
        (["--verdict", "true"], "unknown verdict 'true'"),
    ],
)
def test_what_is_not_there_is_said(call, arguments, message):
    status, _, err = call("ledger", *arguments)
    assert status == 2
    assert message in err


def test_a_folder_without_executed_notebooks_is_said(call, tmp_path):
    status, _, err = call("notebooks", "collect", "--executed", str(tmp_path))
    assert status == 1
    assert "has no executed notebook" in err
    assert "lexclip notebooks run --profile embedded" in err


# --- the page in a browser ---


@pytest.fixture(scope="module")
def opened(browser, written, tmp_path_factory):
    """Open the page in a Chromium that has no network; what it asks for besides the file is collected."""
    path = tmp_path_factory.mktemp("browser") / "ledger.html"
    path.write_text(written[0], encoding="utf-8")
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    yield page, asked
    page.close()


@pytest.mark.browser
def test_the_form_filters_the_rows_and_the_address_keeps_the_choice(opened):
    page, asked = opened
    total = len(ledger_module.ledger_table(OURS))
    said = page.locator("#shown")
    assert said.inner_text() == f"{total} of {total} rows"
    page.get_by_label("claim", exact=True).fill("b5")
    assert said.inner_text() == f"1 of {total} rows"
    assert page.locator("tbody tr:visible th").inner_text().startswith("B5: ")
    page.get_by_label("claim", exact=True).fill("")
    page.get_by_label("rows", exact=True).select_option("claim")
    page.get_by_label("paper", exact=True).select_option("blog")
    assert said.inner_text() == f"30 of {total} rows"
    assert page.url.endswith("#kind=claim&paper=blog")
    page.reload()
    assert said.inner_text() == f"30 of {total} rows"
    page.get_by_role("button", name="show all").click()
    page.wait_for_function("![...document.querySelectorAll('tbody tr')].some(row => row.hidden)")
    assert all(url.startswith("file:") for url in asked)


@pytest.mark.browser
def test_printing_shows_the_rows_without_the_form(opened):
    page, _ = opened
    page.emulate_media(media="print")
    assert not page.locator("form").is_visible()
    assert page.locator("tbody tr").first.is_visible()
    page.emulate_media(media="screen")
