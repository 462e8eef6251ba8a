"""Executed notebooks as pages of one book, with a table of contents, readable without a network."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from plotly.offline import get_plotlyjs

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, MissingResourceError
from lexclip_core.figures.style import PLOTLY_CONFIG
from lexclip_core.notebooks import METRICS_MIME
from tools.notebook_runner.catalogue import NotebookEntry, read_notebook

FIGURE_MIME = "application/vnd.plotly.v1+json"
_SCRIPT, _STYLE = "plotly.min.js", "book.css"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{style}">
{script}</head>
<body>
{body}
</body>
</html>
"""
_TEMPLATE = """{%- extends "basic/index.html.j2" -%}
{% block input_group %}
{% if "record" in cell.metadata.get("tags", []) %}
<details><summary>Code of the record</summary>{{ super() }}</details>
{% else %}{{ super() }}{% endif %}
{% endblock input_group %}
"""
_CSS = """
body { font: 16px/1.5 system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif; color: #1f1f1f; max-width: 62rem;
  margin: 0 auto; padding: 1rem; }
a { color: #00558a; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; padding: .5rem 0;
  border-bottom: 1px solid #d0d0d0; }
pre { overflow-x: auto; padding: .5rem .75rem; margin: .25rem 0; background: #f6f6f6; font-size: .85rem; }
.jp-InputPrompt, .jp-OutputPrompt, .anchor-link { display: none; }
.jp-OutputArea-output { overflow-x: auto; margin: .5rem 0; }
.jp-OutputArea-output pre { background: none; padding: 0; }
table { border-collapse: collapse; font-size: .85rem; margin: .5rem 0; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #e3e3e3; text-align: right; vertical-align: top; }
thead th { border-bottom: 1px solid #595959; }
.contents td, .contents th { text-align: left; font-size: 1rem; padding: .5rem .6rem; }
.contents ul { margin: .25rem 0; padding-left: 1.2rem; font-size: .85rem; }
summary { color: #595959; font-size: .85rem; cursor: pointer; }
.failed { color: #a33d00; font-weight: 600; }
"""


def write_book(
    entries: Sequence[NotebookEntry], statuses: Mapping[str, str], folder: Path, profile: str
) -> Path:
    """Write `index.html` and a page for each notebook next to the executed notebooks, and return the index.

    Figures share one file of plotly's code; the folder can be moved and needs no network.

    Args:
        entries: The notebooks in reading order; one without an executed notebook has no page.
        statuses: What came of each in a few words, by stem; in the colour of a failure where it begins with
            "failed" or "skipped".
        folder: The folder of the executed notebooks.
        profile: The profile they were run with.

    Raises:
        StorageError: A file cannot be written.
    """
    from pygments.formatters import HtmlFormatter

    _write(folder / _SCRIPT, str(get_plotlyjs()))
    _write(folder / _STYLE, _CSS + HtmlFormatter(style="default").get_style_defs(".highlight"))
    notebooks = {}
    for entry in entries:
        try:
            notebooks[entry.stem] = read_notebook(folder / entry.file)
        except (MissingResourceError, DamagedFileError):  # not started, or ended before its first cell
            continue
    shown = [entry for entry in entries if entry.stem in notebooks]
    script = f'<script src="{_SCRIPT}"></script>\n'
    for place, entry in enumerate(shown):
        links = ['<a href="index.html">Contents</a>']
        links += [_link(one, "prev", "Previous") for one in shown[max(place - 1, 0) : place]]
        links += [_link(one, "next", "Next") for one in shown[place + 1 : place + 2]]
        body = f"<nav>{' '.join(links)}</nav>\n{_body(notebooks[entry.stem])}"
        _write(folder / f"{entry.stem}.html", _html(_heading(entry), body, script=script))
    index, title = folder / "index.html", f"The notebooks, profile {profile}"
    rows = "\n".join(_row(entry, statuses[entry.stem], notebooks.get(entry.stem)) for entry in entries)
    header = "".join(f"<th>{column}</th>" for column in ("notebook", "question", "claims", "run"))
    table = f'<table class="contents">\n<thead><tr>{header}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>'
    _write(index, _html(title, f"<h1>{html.escape(title)}</h1>\n{table}"))
    return index


def _write(path: Path, text: str) -> None:
    with storage.atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _html(title: str, body: str, *, script: str = "") -> str:
    return _PAGE.format(title=html.escape(title), style=_STYLE, script=script, body=body)


def _heading(entry: NotebookEntry) -> str:
    return f"{entry.stem}: {entry.title}"


def _link(entry: NotebookEntry, relation: str, text: str) -> str:
    return f'<a href="{entry.stem}.html" rel="{relation}">{text}: {entry.stem}</a>'


def _body(notebook: nbformat.NotebookNode) -> str:
    """Return a notebook's cells and outputs as HTML, each figure as a call of plotly, the record folded."""
    from nbconvert.exporters import HTMLExporter

    shown = [
        output["data"] for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output
    ]
    for number, data in enumerate(data for data in shown if FIGURE_MIME in data):
        content = data[FIGURE_MIME]
        data.clear()
        data["text/html"] = _figure(content, f"figure-{number + 1}")
    for data in (data for data in shown if METRICS_MIME in data):
        recorded = html.escape(data["text/plain"])
        data["text/html"] = f"<details><summary>What is recorded</summary><pre>{recorded}</pre></details>"
    exporter = HTMLExporter(template_name="basic", raw_template=_TEMPLATE)  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(notebook)
    return str(body)


def _figure(content: Any, name: str) -> str:
    layout = content.get("layout", {})
    parts = (content.get("data", []), layout, content.get("config", PLOTLY_CONFIG))
    # "</" would end the script, wherever it is.
    values = ", ".join(json.dumps(part, allow_nan=False).replace("</", "<\\/") for part in parts)
    height = int(layout.get("height") or 450)
    call = f'<script>Plotly.newPlot("{name}", {values});</script>'
    return f'<div id="{name}" style="height:{height}px"></div>\n{call}'


def _row(entry: NotebookEntry, status: str, notebook: nbformat.NotebookNode | None) -> str:
    name = html.escape(_heading(entry))
    if notebook is not None:
        name = f'<a href="{entry.stem}.html">{name}</a>{_sections(f"{entry.stem}.html", notebook)}'
    kind = ' class="failed"' if status.startswith(("failed", "skipped")) else ""
    status = f"<span{kind}>{html.escape(status)}</span>"
    cells = (name, html.escape(entry.question), ", ".join(entry.claims), status)
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _sections(file: str, notebook: nbformat.NotebookNode) -> str:
    """Return links to a notebook's second-level headings, under the names that nbconvert gives them."""
    markdown = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    items = ""
    for heading in re.findall(r"^## (.+)$", markdown, re.MULTILINE):
        text = re.sub(r"[`*_]", "", heading.strip())
        anchor = html.escape(text.replace(" ", "-"), quote=True)
        items += f'<li><a href="{file}#{anchor}">{html.escape(text)}</a></li>'
    return f"<ul>{items}</ul>" if items else ""
