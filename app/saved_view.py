"""Save this view: what a page drew, as one HTML file that works offline, and its tables as CSV in a ZIP.

A view prints as well: with static pictures, one A4 page a view.
"""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import pandas as pd
import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from lexclip_core import storage
from lexclip_core.figures import style

MOST_ROWS = 2_000
"""Rows of a table in the HTML file; the CSV has all."""

_STYLE = (
    "body{font-family:system-ui,'Segoe UI',sans-serif;color:#1f1f1f;max-width:72rem;margin:1.5rem auto;"
    "padding:0 1rem}"
    "table{border-collapse:collapse;font-size:.85rem}td,th{padding:.2rem .6rem;border-bottom:1px solid #ddd;"
    "text-align:left}.table{max-height:28rem;overflow:auto;margin:1rem 0}"
    ".finding{border:1px solid #ccc;border-radius:8px;padding:.6rem 1rem}"
)
_PRINTED = (
    "@page{size:A4;margin:14mm}body{font:11pt/1.45 system-ui,'Segoe UI','DejaVu Sans',sans-serif;"
    "color:#1f1f1f;max-width:182mm;margin:0 auto;padding:0 1rem}section{break-after:page}"
    "section:last-child{break-after:auto}h1{font-size:20pt;line-height:1.2;margin:.2rem 0 .6rem}"
    "h2{font-size:12pt;margin:.9rem 0 .2rem}.of{color:#595959;margin:.5rem 0 0}p{margin:.35rem 0}"
    "li{margin:.3rem 0 14mm}.picture{text-align:center;margin:.6rem 0}"
    ".picture>img{max-width:100%;max-height:108mm}.picture figure{margin:0;font-size:8.5pt;line-height:1.2}"
    ".grid{display:grid;grid-template-columns:repeat(5,1fr);gap:1mm 2mm}"
    ".grid img{width:11mm;height:11mm;object-fit:contain}code{overflow-wrap:anywhere}"
    ".how{border-top:1px solid #b5b5b5;color:#595959;font-size:9pt}@media print{body{padding:0}}"
    "@media screen{section{border-bottom:1px dashed #b5b5b5;padding:1rem 0 2rem}}"
)
# The library is packed, and unpacked by the browser: a third of its size, and still nothing is fetched.
_UNPACK = (
    "const b=Uint8Array.from(atob(document.getElementById('plotly').textContent),c=>c.charCodeAt(0));"
    "const t=await new Response(new Blob([b]).stream().pipeThrough(new DecompressionStream('gzip'))).text();"
    "const s=document.createElement('script');s.textContent=t;document.head.append(s);"
    "for(const d of document.querySelectorAll('[data-figure]')){"
    "const f=JSON.parse(d.querySelector('script').textContent);"
    "d.replaceChildren();Plotly.newPlot(d,f.data,f.layout,CONFIG)}"
)


@dataclass
class View:
    """What one run of a page has drawn so far, in order: pieces of HTML, and tables by name."""

    title: str = ""
    pieces: list[str] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    charts: int = 0

    def text(self, markdown: str, *, finding: bool = False) -> None:
        """Add a paragraph of Markdown."""
        self.pieces.append(f'<p class="{"finding" if finding else ""}">{as_html(markdown)}</p>')

    def chart(self, figure: go.Figure, alt: str) -> None:
        """Add a figure, with what it shows in words."""
        self.charts += 1
        spec = (figure.to_json() or "{}").replace("<", "\\u003c")
        self.pieces.append(
            f'<div data-figure role="figure" aria-label="{html.escape(alt, quote=True)}">'
            f'<script type="application/json">{spec}</script></div>'
        )

    def picture(self, drawn: go.Figure | str, alt: str) -> None:
        """Add a picture that does not move.

        Args:
            drawn: A figure, of which a static picture is drawn; or HTML.
            alt: What it shows, in words.
        """
        if isinstance(drawn, str):
            self.pieces.append(f'<div class="picture">{drawn}</div>')
            return
        packed = base64.b64encode(_static(drawn)).decode()
        said = html.escape(alt, quote=True)
        self.pieces.append(
            f'<div class="picture"><img src="data:image/png;base64,{packed}" alt="{said}"></div>'
        )

    def table(self, frame: pd.DataFrame, name: str) -> None:
        """Add a table under a name."""
        plain = frame[[column for column in frame if not _pictures(frame[column])]]
        self.tables[f"{len(self.tables) + 1}-{_slug(name)}"] = plain
        shown = plain.head(MOST_ROWS).to_html(index=False, border=0, float_format=lambda one: f"{one:.3f}")
        self.pieces.append(f'<div class="table" tabindex="0">{shown}</div>')

    def html(self, address: str) -> str:
        """Return the page as one file.

        Args:
            address: Where it was seen, such as `/pairs?a=hot&b=cold`.
        """
        script = ""
        if self.charts:
            config = json.dumps(style.PLOTLY_CONFIG)
            script = (
                f'<script type="text/plain" id="plotly">{_packed_plotly()}</script>'
                f'<script type="module">{_UNPACK.replace("CONFIG", config)}</script>'
            )
        return (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(self.title)}</title>'
            f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
            f"<h1>{html.escape(self.title)}</h1>{''.join(self.pieces)}"
            f"<hr><p>Saved from lexclip, <code>{html.escape(address)}</code>.</p>{script}</html>"
        )

    def zipped(self) -> bytes:
        """Return the tables as CSV files in one ZIP archive."""
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, frame in self.tables.items():
                archive.writestr(f"{name}.csv", frame.to_csv(index=False))
        return stream.getvalue()


@dataclass(frozen=True)
class HandOut:
    """One printed page: what a view shows, with questions for a class.

    Args:
        view: Text, and pictures that do not move; its title is the question above them.
        of: What the page belongs to, such as "Stop 3 of 7".
        questions: What to talk about.
        address: Where it was seen, `http://...`.
        run: What it was measured on.
    """

    view: View
    of: str
    questions: tuple[str, ...]
    address: str
    run: str

    def section(self) -> str:
        """Return the page as a part of a document."""
        asked = "".join(f"<li>{as_html(one)}</li>" for one in self.questions)
        return (
            f'<section><p class="of">{html.escape(self.of)}</p><h1>{html.escape(self.view.title)}</h1>'
            f"{''.join(self.view.pieces)}<h2>Two questions for the class</h2><ol>{asked}</ol>"
            f'<p class="how">To see it live: start lexclip with <code>make app</code>, then open '
            f"<code>{html.escape(self.address)}</code>.<br>Measured on: {html.escape(self.run)}.</p>"
            "</section>"
        )


def printed(pages: Sequence[HandOut], title: str) -> str:
    """Return hand-outs as one HTML file that needs no network and prints on one A4 page each."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_PRINTED}</style>'
        f"{''.join(page.section() for page in pages)}</html>"
    )


def _static(figure: go.Figure) -> bytes:
    if (root := str(storage.project_root())) not in sys.path:
        sys.path.append(root)  # `tools.notebook_runner` lies there
    from tools.notebook_runner.static_pictures import static_picture

    return static_picture(figure)


def as_html(markdown: str) -> str:
    r"""Return a paragraph of the pages' Markdown (bold, code, line ends, escapes) as HTML.

    >>> as_html("**hot** is \\\\*near\\\\*  \\ncold")
    '<b>hot</b> is *near*<br>cold'
    """
    text = re.sub(r"\\([!-/:-@\[-`{-~])", lambda found: f"&#{ord(found[1])};", markdown)
    text = re.sub(r"&(?!#\d+;)", "&amp;", text).replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", text)
    text = re.sub(r"`(.+?)`", r"<code>\1</code>", text)
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    text = re.sub(r" *\n+", "<br>", text.strip())
    return re.sub(
        r"&#(4[2-7]|3[3-79]|9[1-6]|12[3-6]|5[89]|6[134]|40|41);", lambda found: chr(int(found[1])), text
    )


def _pictures(column: pd.Series) -> bool:
    return bool(column.astype(str).str.startswith("data:").any())


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-") or "table"


@cache
def _packed_plotly() -> str:
    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9)).decode()
