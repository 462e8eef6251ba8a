"""Lexical cards next to each other: one dot plot, and one page that needs nothing but a browser."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core import storage
from lexclip_core.evaluation.card import Card, card_table
from lexclip_core.figures.alt_texts import described_by
from lexclip_core.figures.style import (
    GRID,
    INK,
    MUTED,
    PALETTE,
    Mark,
    checked,
    marks_for,
    new_figure,
    padded_range,
    plain,
    wrapped,
)

CARD_COLUMNS = ("tower", "id", "title", "axis", "better", "chance", "value", "low", "high")
AXIS_TITLES = {"": "AUC, share, rho, overlap or cosine, as said", "rank": "rank, 1 is nearest, log scale"}
BETTER = {"higher": "higher is better", "lower": "lower is better", "neither": "neither end is better"}
_UNIT, _LABEL, _GAP = 11, 3.2, 7  # pixels of one line of dots; lines above the dots, and between panels


def card_dots_alt(table: pd.DataFrame) -> str:
    """Describe `card_dots_figure` for a screen reader: every tower's value of the first three measures."""
    rows = checked(table, CARD_COLUMNS, "card_dots")
    said = []
    for _, part in list(rows.groupby("id", sort=False))[:3]:
        values = ", ".join(f"{row.tower} {_number(row.value, row.axis)}" for row in part.itertuples())
        chance = part["chance"].iloc[0]
        by_chance = "" if pd.isna(chance) else f" (chance {_number(chance, part['axis'].iloc[0])})"
        said.append(f"{part['title'].iloc[0]}{by_chance}: {values}")
    return f"Lexical cards of {', '.join(dict.fromkeys(rows['tower']))}. {'; '.join(said)}."


@described_by(card_dots_alt)
def card_dots_figure(table: pd.DataFrame, *, title: str = "Lexical cards") -> go.Figure:
    """Draw each measure as a band of dots with intervals, one per tower, and a line at chance.

    Ranks have an axis of their own, on a log scale.

    Args:
        table: Columns tower, id, title, axis, better, chance, value, low, high, as `card_table` gives them
            for one kind of vectors; chance, low and high may be missing values.
        title: What the reader sees above the figure.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, CARD_COLUMNS, "card_dots")
    marks, is_rank = marks_for(rows["tower"]), rows["axis"] == "rank"
    panels = [part for part in (rows[~is_rank], rows[is_rank]) if len(part)]
    band = _LABEL + 1 + len(marks)
    sizes = [band * part["id"].nunique() + _GAP for part in panels]
    caption = "Upright line: chance. Horizontal line: 95 % interval."
    figure = new_figure(title, height=int(150 + _UNIT * sum(sizes) + 22 * len(marks)), caption=caption)
    top = 1.0
    for number, (part, size) in enumerate(zip(panels, sizes, strict=True), 1):
        suffix, bottom = ("", str(number))[number > 1], top - size / sum(sizes)
        tops = {name: band * place for place, name in enumerate(dict.fromkeys(part["id"]))}
        _add_panel(figure, part, tops, marks, {"xaxis": f"x{suffix}", "yaxis": f"y{suffix}"})
        log = part["axis"].iloc[0] == "rank"
        y = {"domain": [bottom + _GAP / sum(sizes), top], "range": [band * len(tops) - 0.2, -0.4]}
        lines = {"tickvals": [one - 0.2 for one in tops.values()][1:], "gridcolor": GRID}
        x: dict[str, Any] = {"type": "log" if log else "linear", "anchor": f"y{suffix}", "zeroline": False}
        x |= {"range": padded_range(_ends(part), 0.04), "title": {"text": AXIS_TITLES["rank" if log else ""]}}
        hidden = {"showticklabels": False, "zeroline": False}
        figure.update_layout({f"yaxis{suffix}": {**y, **lines, **hidden}, f"xaxis{suffix}": x})
        top = bottom
    return figure


def _ends(rows: pd.DataFrame) -> np.ndarray:
    """Return both ends of the axis of some rows: of ranks their logarithms, of all else 0 to 1 or wider."""
    values = rows[["value", "low", "high", "chance"]].to_numpy(float)
    log = rows["axis"].iloc[0] == "rank"
    wide = np.log10(np.append(values, 1.0)) if log else np.append(values, [0.0, 1.0])
    return np.array([np.nanmin(wide), np.nanmax(wide)])


def _add_panel(
    figure: go.Figure,
    rows: pd.DataFrame,
    tops: Mapping[str, float],
    marks: Mapping[str, Mark],
    axes: Mapping[str, str],
) -> None:
    place = {tower: number for number, tower in enumerate(marks)}
    first = not figure.data
    for tower, mark in marks.items():
        chosen = rows[rows["tower"] == tower]
        y = chosen["id"].map(tops).to_numpy(float) + _LABEL + 0.3 + place[tower]
        figure.add_trace(_dots(chosen, y, tower, mark).update(showlegend=first, legendgroup=tower, **axes))
    one = rows.drop_duplicates("id")
    known = one[one["chance"].notna()]
    starts = known["id"].map(tops).to_numpy(float) + _LABEL - 0.3
    ends = np.column_stack([starts, starts + len(marks) + 0.2, np.full(len(known), np.nan)])
    x = np.repeat(known["chance"].to_numpy(float), 3)
    line = {"color": INK, "width": 2}
    figure.add_scatter(
        x=x,
        y=ends.ravel(),
        mode="lines",
        line=line,
        name="chance",
        hoverinfo="x+name",
        showlegend=first,
        **axes,
    )
    for row in one.itertuples():
        said = f"{row.axis}, {BETTER[row.better]}"
        text = f'<b>{plain(row.title, 52)}</b><br><span style="color:{MUTED}">{plain(said, 60)}</span>'
        look = {"showarrow": False, "align": "left", "font": {"size": 12}, "yanchor": "top"}
        at = {"x": 0, "xref": f"{axes['xaxis']} domain", "xanchor": "left", "yref": axes["yaxis"]}
        figure.add_annotation(text=text, y=tops[row.id], **look, **at)


def _dots(rows: pd.DataFrame, y: np.ndarray, tower: str, mark: Mark) -> go.Scatter:
    up = (rows["high"] - rows["value"]).clip(lower=0).fillna(0).to_numpy(float)
    down = (rows["value"] - rows["low"]).clip(lower=0).fillna(0).to_numpy(float)
    interval = {"type": "data", "symmetric": False, "array": up, "arrayminus": down, "color": mark.color}
    return go.Scatter(
        x=rows["value"].to_numpy(float),
        y=y,
        mode="markers",
        name=wrapped(tower, 44),
        marker={"symbol": mark.symbol, "color": mark.color, "size": 9, "line": {"color": INK, "width": 0.5}},
        error_x=interval | {"thickness": 2, "width": 3},
        customdata=np.column_stack([rows["title"].map(plain), rows["low"].round(4), rows["high"].round(4)]),
        hovertemplate=f"<b>%{{customdata[0]}}</b><br>{plain(tower)}: %{{x:.4g}}<br>"
        "95 % interval %{customdata[1]} to %{customdata[2]}<extra></extra>",
    )


def write_page(path: Path, cards: Mapping[str, Card]) -> Path:
    """Write cards as one HTML file that needs nothing else, and return its path.

    Args:
        path: The file.
        cards: By what the page calls them.

    Raises:
        StorageError: The file cannot be written.
    """
    with storage.atomic_write(path) as temporary:
        temporary.write_text(page_html(cards), encoding="utf-8")
    return path


def page_html(cards: Mapping[str, Card]) -> str:
    """Return the page of some cards: every measure with its meaning, and a line per tower."""
    table = card_table(cards)
    sections = []
    for group, rows in table.groupby("group", sort=False):
        measures = "\n".join(_measure(part, cards) for _, part in rows.groupby("id", sort=False))
        sections.append(f"<section><h2>{escape(group)}</h2>\n{measures}</section>")
    digests = {card.digest for card in cards.values()}
    parts = {
        "title": escape(", ".join(cards)),
        "towers": "".join(_tower(name, card) for name, card in cards.items()),
        "compared": "" if len(digests) == 1 else "These cards were not measured on the same words.",
        "sections": "\n".join(sections),
    }
    template = (Path(__file__).parent / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda name: parts[name[1]], template)


def _tower(name: str, card: Card) -> str:
    one = card.tower
    facts = [one.name, one.architecture, f"{one.dim} numbers", f"weights {one.sha256[:12]}"]
    facts += [f"tuned on {one.tuned_on}"] if one.tuned_on else []
    counts = ", ".join(f"{what}: {count:,}" for what, count in card.counts.items())
    facts += [f"measured on {card.split} ({counts})", f"made by: {card.command}" if card.command else ""]
    missing = "".join(
        f"<li>{escape(what)} was not measured: {escape(why)}</li>" for what, why in card.missing.items()
    )
    return f"<dt>{escape(name)}</dt><dd>{escape('; '.join(filter(None, facts)))}<ul>{missing}</ul></dd>"


def _measure(rows: pd.DataFrame, cards: Mapping[str, Card]) -> str:
    """Return one measure: its title, its meaning, and a table with a line for each tower."""
    said, log = rows.iloc[0], rows["axis"].iloc[0] == "rank"
    low, high = _ends(rows).tolist()
    chance = "" if pd.isna(said["chance"]) else f", chance {_number(said['chance'], said['axis'])}"
    ends = [f"{10**one:,.0f}" if log else f"{one:.2g}" for one in (low, high)]
    lines = []
    for tower in cards:
        found = {row.vectors: row for row in rows[rows["tower"] == tower].itertuples()}
        if "plain" in found:
            cells = "".join(f"<td>{_value(found.get(kind))}</td>" for kind in ("plain", "centred"))
            dot = _dot(found["plain"], (low, high), log=log)
            lines.append(f'<tr><th scope="row">{escape(tower)}</th><td class="dot">{dot}</td>{cells}</tr>')
    header = f"<th>tower</th><th>{ends[0]} to {ends[1]}</th><th>value (95 %)</th><th>centred</th>"
    about = f"{said['axis']}, {BETTER[said['better']]}{chance}"
    return (
        f"<article><h3>{escape(said['title'])}</h3><p class=about>{escape(about)}</p>"
        f"<p>{escape(said['meaning'])}</p><table><thead><tr>{header}</tr></thead>"
        f"<tbody>{''.join(lines)}</tbody></table></article>"
    )


def _dot(row: Any, ends: tuple[float, float], *, log: bool) -> str:
    """Return a value with its interval and the line of chance as a small picture."""

    def at(value: float) -> float:
        place = math.log10(max(value, 1.0)) if log else value
        return round(200 * (place - ends[0]) / (ends[1] - ends[0]), 1)

    low, high = (row.value if pd.isna(end) else end for end in (row.low, row.high))
    chance = "" if pd.isna(row.chance) else f'<path d="M{at(row.chance)} 1V17" stroke="{INK}"/>'
    return (
        f'<svg viewBox="-6 0 212 18" role="img" aria-label="{_number(row.value, row.axis)}">'
        f'<path d="M0 9H200" stroke="{GRID}"/>{chance}'
        f'<path d="M{at(low)} 9H{at(high)}" stroke="{PALETTE["blue"]}" stroke-width="3"/>'
        f'<circle cx="{at(row.value)}" cy="9" r="5" fill="{PALETTE["blue"]}"/></svg>'
    )


def _value(row: Any) -> str:
    if row is None:
        return "-"
    value, low, high = (_number(one, row.axis) for one in (row.value, row.low, row.high))
    return value if pd.isna(row.low) else f"{value} <small>({low} to {high})</small>"


def _number(value: float, axis: str) -> str:
    return f"{value:,.0f}" if axis == "rank" else f"{value:.3f}"
