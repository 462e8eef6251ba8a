"""The small pictures on Home's cards, drawn as SVG from a run's own numbers."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence

import pandas as pd
import triples

from lexclip_core.figures import style

WIDTH, HEIGHT = 220, 96
SYNONYM, ANTONYM = style.NAMED_MARKS["synonym"].color, style.NAMED_MARKS["antonym"].color


def svg(body: str, alt: str) -> str:
    """Return a drawing as an image of a page, with what it shows in words."""
    opening = (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" xmlns="http://www.w3.org/2000/svg" font-family="sans-serif">'
    )
    packed = base64.b64encode(f"{opening}{body}</svg>".encode()).decode()
    said = html.escape(alt, quote=True)
    return f'<img src="data:image/svg+xml;base64,{packed}" alt="{said}" style="width:100%">'


def axis(triple: triples.Triple) -> str:
    """Return one triple on its axis, before above after."""
    body = ""
    for y, place, when in ((34, 0, "before"), (74, -1, "after")):
        body += f'<line x1="8" x2="212" y1="{y}" y2="{y}" stroke="{style.NEUTRAL}"/>'
        body += f'<text x="8" y="{y - 12}" font-size="11" fill="{style.MUTED}">{when}</text>'
        near, far = (8 + 204 * max(values[place], 0) for values in (triple.near, triple.far))
        body += f'<circle cx="{near:.0f}" cy="{y}" r="7" fill="{SYNONYM}"/>'
        turned = f'transform="rotate(45 {far:.0f} {y})"'
        body += f'<rect x="{far - 6:.0f}" y="{y - 6}" width="12" height="12" fill="{ANTONYM}" {turned}/>'
        body += f'<rect x="206" y="{y - 6}" width="12" height="12" fill="{style.INK}"/>'
    return svg(body, "Two axes: where the synonym and the opposite lie before, and after.")


def scatter(layout: pd.DataFrame) -> str:
    """Return the words of a branch where the map has them, before and after joined by lines."""
    part = layout[layout["subtree"] == layout["subtree"].iloc[0]].head(60)
    xs, ys = part[["x_before", "x_after"]], part[["y_before", "y_after"]]
    left, right, low, high = xs.min().min(), xs.max().max(), ys.min().min(), ys.max().max()
    x = 8 + 204 * (xs - left) / max(right - left, 1e-9)
    y = 8 + 80 * (ys - low) / max(high - low, 1e-9)
    rows = zip(x.to_numpy().tolist(), y.to_numpy().tolist(), strict=True)
    body = "".join(
        f'<line x1="{a:.0f}" y1="{c:.0f}" x2="{b:.0f}" y2="{d:.0f}" stroke="#b5b5b5"/>'
        f'<circle cx="{b:.0f}" cy="{d:.0f}" r="3.2" fill="{style.PALETTE["purple"]}"/>'
        for (a, b), (c, d) in rows
    )
    return svg(body, "Dots: words of one branch of WordNet, each with a line from where it lay before.")


def bars(values: Sequence[tuple[str, float]], alt: str) -> str:
    """Return shares from 0 to 1 as bars, each with its name and number.

    Args:
        values: (name, share), at most four.
        alt: What the picture shows.
    """
    step = min(30, 92 // max(len(values), 1))
    body = ""
    for place, (name, value) in enumerate(values):
        y = 3 + place * step
        body += f'<rect x="78" y="{y}" width="{100 * value:.0f}" height="{step - 8}" fill="{style.NEUTRAL}"/>'
        look = f'y="{y + step - 13}" font-size="11" fill="{style.INK}"'
        body += f'<text x="72" text-anchor="end" {look}>{name}</text>'
        body += f'<text x="{84 + 100 * value:.0f}" {look}>{value:.2f}</text>'
    return svg(body, alt)
