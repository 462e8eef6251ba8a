"""Executed notebooks as pages of one book, with a table of contents, readable without a network."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from lexclip_core import figures, storage
from lexclip_core.errors import DamagedFileError, MissingResourceError
from lexclip_core.notebook_runner.experiments import Experiment
from lexclip_core.notebook_runner.parameters import read_notebook

FIGURE = "application/vnd.plotly.v1+json"
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
.failed { color: #a33d00; font-weight: 600; }
"""


@dataclass(frozen=True)
class Page:
    """One notebook of the book.

    Attributes:
        experiment: The notebook.
        copy: Its executed copy; where there is none, the book says so.
        state: What came of it, in a few words.
    """

    experiment: Experiment
    copy: Path
    state: str

    @property
    def address(self) -> str:
        """The page's file name."""
        return f"{self.experiment.stem}.html"


def write_book(pages: Sequence[Page], folder: Path, profile: str) -> Path:
    """Write `index.html` and a page for each notebook, and return the index.

    Figures share one file of plotly's code beside the pages; the folder can be moved and needs no network.

    Args:
        pages: The notebooks in reading order.
        folder: Where to.
        profile: The profile they were run with.

    Raises:
        StorageError: A file cannot be written.
    """
    _write(folder / _SCRIPT, figures.plotly_code())
    _write(folder / _STYLE, _CSS + _highlighting())
    found = {}
    for page in pages:
        try:
            found[page.address] = read_notebook(page.copy)
        except (MissingResourceError, DamagedFileError):  # not begun, or ended before its first cell
            continue
    shown = [page for page in pages if page.address in found]
    for place, page in enumerate(shown):
        before, after = shown[place - 1 : place], shown[place + 1 : place + 2]
        body = _navigation(before, after) + _body(found[page.address])
        _write(
            folder / page.address,
            _html(f"{page.experiment.stem}: {page.experiment.title}", body, figure=True),
        )
    index = folder / "index.html"
    _write(index, _html(f"lexclip notebooks, {profile}", _contents(pages, found, profile)))
    return index


def _write(path: Path, text: str) -> None:
    with storage.atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _html(title: str, body: str, *, figure: bool = False) -> str:
    script = f'<script src="{_SCRIPT}"></script>\n' if figure else ""
    return _PAGE.format(title=html.escape(title), style=_STYLE, script=script, body=body)


def _highlighting() -> str:
    from pygments.formatters import HtmlFormatter

    return str(HtmlFormatter(style="default").get_style_defs(".highlight"))


def _navigation(before: Sequence[Page], after: Sequence[Page]) -> str:
    links = ['<a href="index.html">Contents</a>']
    links += [f'<a href="{page.address}" rel="prev">Before: {page.experiment.stem}</a>' for page in before]
    links += [f'<a href="{page.address}" rel="next">Next: {page.experiment.stem}</a>' for page in after]
    return f"<nav>{' '.join(links)}</nav>\n"


def _body(notebook: nbformat.NotebookNode) -> str:
    """Return a notebook's cells and outputs as HTML, each figure as a call of plotly."""
    from nbconvert.exporters import HTMLExporter

    number = 0
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if FIGURE in data:
                number += 1
                output["data"] = {"text/html": _figure(data[FIGURE], f"figure-{number}")}
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    return str(body)


def _figure(content: Any, name: str) -> str:
    layout = content.get("layout", {})
    parts = (content.get("data", []), layout, content.get("config", figures.PLOTLY_CONFIG))
    # "</" would end the script, wherever it stands.
    values = ", ".join(json.dumps(part, allow_nan=False).replace("</", "<\\/") for part in parts)
    height = int(layout.get("height") or 450)
    call = f'<script>Plotly.newPlot("{name}", {values});</script>'
    return f'<div id="{name}" style="height:{height}px"></div>\n{call}'


def _contents(pages: Sequence[Page], found: dict[str, nbformat.NotebookNode], profile: str) -> str:
    rows = "\n".join(_row(page, found.get(page.address)) for page in pages)
    header = "".join(f"<th>{column}</th>" for column in ("notebook", "question", "claims", "run"))
    return (
        f"<h1>The notebooks, profile {html.escape(profile)}</h1>\n"
        f'<table class="contents">\n<thead><tr>{header}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>'
    )


def _row(page: Page, notebook: nbformat.NotebookNode | None) -> str:
    one = page.experiment
    name = html.escape(f"{one.stem}: {one.title}")
    link = f'<a href="{page.address}">{name}</a>' if notebook is not None else name
    sections = "" if notebook is None else _sections(page.address, notebook)
    state = html.escape(page.state)
    if page.state.startswith(("failed", "not run")):
        state = f'<span class="failed">{state}</span>'
    cells = (link + sections, html.escape(one.question), ", ".join(one.claims), state)
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _sections(address: str, notebook: nbformat.NotebookNode) -> str:
    """Return links to a notebook's second-level headings, under the names that nbconvert gives them."""
    headings = [
        line.removeprefix("## ").strip()
        for cell in notebook.cells
        if cell.cell_type == "markdown"
        for line in cell.source.splitlines()
        if line.startswith("## ")
    ]
    items = "".join(
        f'<li><a href="{address}#{_anchor(text)}">{html.escape(_bare(text))}</a></li>' for text in headings
    )
    return f"<ul>{items}</ul>" if items else ""


def _bare(text: str) -> str:
    return re.sub(r"[`*_]", "", text)


def _anchor(text: str) -> str:
    return html.escape(_bare(text).replace(" ", "-"), quote=True)
