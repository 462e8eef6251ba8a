"""The book of executed notebooks: its pages, its contents, and that nothing in it asks for a network."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from handmade import entry

from lexclip_core.notebooks import METRICS_MIME
from tools.notebook_runner.book import FIGURE_MIME, write_book

FIGURE = {
    "data": [{"type": "scatter", "x": [1], "y": [2], "text": ["</script><b>no tag</b>"]}],
    "layout": {"height": 321, "title": {"text": "Curve"}},
}
RECORDED = nbformat.v4.new_output("display_data", {METRICS_MIME: {}, "text/plain": "heldout/auc: 0.75 < 1"})


def write_executed(path: Path, *outputs: nbformat.NotebookNode) -> None:
    cells = [
        nbformat.v4.new_markdown_cell("# Heading\n\n**Question.** Is it so?"),
        nbformat.v4.new_markdown_cell("## The `first` part"),
        nbformat.v4.new_code_cell("answer = 6 * 7", outputs=list(outputs)),
        nbformat.v4.new_code_cell("record(metrics)", metadata={"tags": ["record"]}, outputs=[RECORDED]),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


class Links(HTMLParser):
    """All that a page refers to, and all the names it gives."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.names: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [str(given[key]) for key in ("href", "src") if key in given]
        self.names += [str(given["id"])] if "id" in given else []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A book of three notebooks: one with a figure and a table, one that failed, one that was skipped."""
    output = nbformat.v4.new_output
    table = output("execute_result", {"text/html": "<table><tr><td>42</td></tr></table>"})
    write_executed(tmp_path / "00_a.ipynb", output("display_data", {FIGURE_MIME: FIGURE}), table)
    write_executed(
        tmp_path / "01_b.ipynb", output("error", ename="KeyError", evalue="'x'", traceback=["KeyError: 'x'"])
    )
    statuses = {"00_a": "12 s", "01_b": "failed: KeyError", "02_c": "skipped: it needs 01_b"}
    entries = [entry(f"{stem}.ipynb", title="a <title>") for stem in statuses]
    assert write_book(entries, statuses, tmp_path, "embedded") == tmp_path / "index.html"
    return tmp_path


def test_the_contents_link_each_notebook_and_its_parts_and_say_what_became_of_it(folder: Path):
    index = (folder / "index.html").read_text(encoding="utf-8")
    assert "profile embedded" in index
    assert "00_a: a &lt;title&gt;" in index
    assert "Is it so?" in index
    assert "B4, P2" in index
    assert ">12 s<" in index
    assert '<span class="failed">failed: KeyError</span>' in index
    assert '<span class="failed">skipped: it needs 01_b</span>' in index
    assert Links(index).links.count("00_a.html") == 1
    assert "02_c.html" not in index


def test_every_link_leads_somewhere_within_the_book(folder: Path):
    pages = {path.name: Links(path.read_text(encoding="utf-8")) for path in folder.glob("*.html")}
    assert set(pages) == {"index.html", "00_a.html", "01_b.html"}
    for page in pages.values():
        for link in page.links:
            file, _, place = link.partition("#")
            assert not re.match(r"\w+:|//", link), f"{link} leaves the book"
            assert not file or (folder / file).is_file(), link
            assert not place or place in (pages[file] if file else page).names, link
    assert "00_a.html#The-first-part" in pages["index.html"].links


def test_a_figure_is_drawn_by_the_one_script_that_all_pages_share(folder: Path):
    page = (folder / "00_a.html").read_text(encoding="utf-8")
    assert len(page) < 100_000, "plotly's code is not in the page"
    assert "plotly.min.js" in Links(page).links
    assert (folder / "plotly.min.js").stat().st_size > 1_000_000
    assert 'Plotly.newPlot("figure-1", [{' in page
    assert '<div id="figure-1" style="height:321px">' in page
    assert page.count("</script>") == 2, "a text of the figure does not end the script"
    assert "<table><tr><td>42</td></tr></table>" in page


def test_the_record_is_folded_and_nothing_else_is(folder: Path):
    page = (folder / "00_a.html").read_text(encoding="utf-8")
    opened, *folded = [part.partition("</details>")[0] for part in page.split("<details>")]
    assert [">record<" in part for part in folded] == [True, False]
    assert "heldout/auc: 0.75 &lt; 1" in folded[1]
    assert ">answer<" in opened
    assert "Plotly.newPlot" in opened


def test_a_failed_notebook_shows_its_traceback(folder: Path):
    assert "KeyError" in (folder / "01_b.html").read_text(encoding="utf-8")


def test_a_page_asks_for_nothing_from_outside(folder: Path):
    for path in folder.glob("*.html"):
        assert not re.search(r"(src|href)=[\"'](https?:)?//", path.read_text(encoding="utf-8"))
        assert "require.min.js" not in path.read_text(encoding="utf-8")
    assert "url(" not in (folder / "book.css").read_text(encoding="utf-8")
