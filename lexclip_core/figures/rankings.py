"""Figures of rankings: the names nearest to one picture, and what two queries retrieve, joined by ribbons."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.figures.alt_texts import described_by
from lexclip_core.figures.style import (
    GRID,
    INK,
    MUTED,
    NEUTRAL,
    PALETTE,
    Mark,
    checked,
    faint,
    marks_for,
    new_figure,
    plain,
)

RANKING_COLUMNS = ("tower", "rank", "name", "cosine", "correct")
RIBBON_COLUMNS = ("query", "rank", "picture", "title", "cosine")
RIGHT = "✓"
_NAME_LENGTH = 22
_HALF = 0.42
"""Half the height of a picture and of a ribbon's end, in ranks."""
_ROW = 58
_LOOKS = {
    "same rank": (PALETTE["blue"], "solid"),
    "other rank": (PALETTE["orange"], "dash"),
    "only here": (NEUTRAL, "dot"),
}


def rankings_alt(table: pd.DataFrame) -> str:
    """Describe `rankings_figure` for a screen reader: each tower's names, and the right one's rank."""
    rows = checked(table, RANKING_COLUMNS, "rankings")
    parts = []
    for tower, group in rows.groupby("tower", sort=False):
        shown = zip(group["rank"], group["name"], group["cosine"], strict=True)
        listed = ", ".join(f"{rank} {name} {cosine:.3f}" for rank, name, cosine in shown)
        right = group.loc[group["correct"].astype(bool), "rank"]
        stands = f"; the right name has rank {right.iloc[0]}" if len(right) else ""
        parts.append(f"{tower}: {listed}{stands}")
    return f"Names nearest to one picture by cosine. {'. '.join(parts)}."


@described_by(rankings_alt)
def rankings_figure(table: pd.DataFrame, *, title: str = "The nearest names") -> go.Figure:
    """Draw the names nearest to one picture, a band of bars per tower, the right name ticked.

    Cosines of pictures with words are small, so the axis runs from 0 (or the lowest cosine below it) to the
    highest, the same for all towers.

    Args:
        table: Columns tower, rank (from 1), name, cosine, correct (whether it is the picture's own
            name; false throughout where that is unknown), in drawing order.
        title: What the reader sees above the figure; name the picture.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, RANKING_COLUMNS, "rankings")
    towers = rows["tower"].astype(str)
    starts = towers != towers.shift()
    y = np.arange(len(rows)) + starts.cumsum().to_numpy()  # a free line above each band carries its heading
    last = int(y[-1])
    ticked = bool(rows["correct"].any())
    figure = new_figure(
        title, height=120 + 27 * (last + 1), caption=f"{RIGHT}: its own name." if ticked else ""
    )
    for tower, mark in marks_for(towers).items():
        chosen = (towers == tower).to_numpy()
        figure.add_trace(_bars(rows[chosen], y[chosen], tower, mark))
    for tower, place in zip(towers[starts], y[starts.to_numpy()], strict=True):
        figure.add_annotation(
            text=f"<b>{plain(tower, 40)}</b>", x=0, xref="paper", xanchor="left", y=place - 1, showarrow=False
        )
    low, high = min(0.0, float(rows["cosine"].min())), max(0.0, float(rows["cosine"].max()))
    room = 0.16 * ((high - low) or 1.0)  # for the numbers next to the bars
    figure.update_xaxes(range=[low - room * (low < 0), high + room], title="cosine", zeroline=True)
    ticks = {"tickvals": y.tolist(), "ticktext": _labels(rows), "gridcolor": GRID, "showgrid": False}
    return figure.update_yaxes(range=[last + 0.6, -0.6], fixedrange=True, **ticks)


def _labels(rows: pd.DataFrame) -> list[str]:
    """Return `1 dog`, and `✓ 1 dog` in bold where it is right: the sign is there without the colour."""
    words = [
        f"{rank} {plain(name, _NAME_LENGTH)}" for rank, name in zip(rows["rank"], rows["name"], strict=True)
    ]
    return [
        f"<b>{RIGHT} {word}</b>" if right else word
        for word, right in zip(words, rows["correct"], strict=True)
    ]


def _bars(rows: pd.DataFrame, y: np.ndarray, tower: str, mark: Mark) -> go.Bar:
    right = rows["correct"].to_numpy(bool)
    return go.Bar(
        x=rows["cosine"].to_numpy(float),
        y=y,
        orientation="h",
        name=plain(tower, 40),
        width=0.72,
        marker={
            "color": mark.color,
            "opacity": np.where(right, 1.0, 0.55),
            "line": {"color": INK, "width": np.where(right, 2.0, 0.0)},
        },
        text=[f"{cosine:.3f}".replace("-", "\N{MINUS SIGN}") for cosine in rows["cosine"]],
        textposition="outside",
        textfont={"color": INK, "size": 12},
        cliponaxis=False,
        customdata=rows["name"].map(plain),
        hovertemplate=f"<b>%{{customdata}}</b><br>{plain(tower)}: %{{x:.4f}}<extra></extra>",
        showlegend=False,
    )


def ribbons_alt(table: pd.DataFrame) -> str:
    """Describe `ribbons_figure` for a screen reader: each ranking, and how many pictures both share."""
    queries, rows = _paired(table)
    parts = []
    for query in queries:
        listed = ", ".join(f"{row.rank} {row.title}" for row in rows[rows["query"] == query].itertuples())
        parts.append(f"{query}: {listed}")
    first = rows[rows["query"] == queries[0]]
    both, same = int((first["look"] != "only here").sum()), int((first["look"] == "same rank").sum())
    return f"Two rankings; {both} pictures stand in both, {same} at the same rank. {'. '.join(parts)}."


@described_by(ribbons_alt)
def ribbons_figure(
    table: pd.DataFrame, pictures: Mapping[str, str], *, title: str = "Two phrasings, two rankings"
) -> go.Figure:
    """Draw what two queries retrieve as two columns of pictures, the nearest on top.

    Args:
        table: Columns query (two of them, the left one first), rank (from 1), picture (its name), title,
            cosine.
        pictures: Picture name -> its `data:` address; a picture that is missing is a labelled point.
        title: What the reader sees above the figure; name the tower.

    Raises:
        InputError: A column is missing or there is no row.
    """
    queries, rows = _paired(table)
    last = int(rows["rank"].max())
    figure = new_figure(
        title,
        height=130 + _ROW * last,
        caption="Rank and cosine next to each. Solid: same rank. Dashed: another. None: one query only.",
    )
    places = dict(zip(queries, (0.0, 1.0), strict=False))
    first = rows[rows["query"] == queries[0]]
    for row in first[first["look"] != "only here"].itertuples():
        figure.add_shape(_ribbon(row.rank, row.other, row.look))
    for row in rows.itertuples():
        if source := pictures.get(row.picture):
            box = {"x": places[row.query], "y": row.rank, "sizex": 0.24, "sizey": 2 * _HALF}
            figure.add_layout_image(
                source=source, xref="x", yref="y", xanchor="center", yanchor="middle", layer="above", **box
            )
    for query, place in places.items():
        figure.add_trace(_points(rows[rows["query"] == query], place))
        figure.add_annotation(
            text=f"<b>{plain(query, 34)}</b>", x=place, y=0.2, showarrow=False,
            xanchor="left" if place == 0 else "right", xshift=-26 if place == 0 else 26, font={"size": 12},
        )  # fmt: skip
    figure.update_xaxes(range=[-0.2, 1.2], visible=False, fixedrange=True)
    return figure.update_yaxes(range=[last + 0.6, -0.2], visible=False, fixedrange=True)


def _paired(table: pd.DataFrame) -> tuple[list[str], pd.DataFrame]:
    rows = checked(table, RIBBON_COLUMNS, "ribbons")
    queries = list(dict.fromkeys(rows["query"].astype(str)))
    other = {query: rows[rows["query"] != query].set_index("picture")["rank"].to_dict() for query in queries}
    rows["other"] = [
        other[query].get(name) for query, name in zip(rows["query"], rows["picture"], strict=True)
    ]
    rows["look"] = [
        "only here" if pd.isna(there) else "same rank" if there == here else "other rank"
        for here, there in zip(rows["rank"], rows["other"], strict=True)
    ]
    return queries, rows


def _ribbon(left: float, right: float, look: str) -> dict[str, object]:
    """Return a band that swings from one rank to the other."""
    color, dash = _LOOKS[look]
    start, end, half = 0.14, 0.86, _HALF / 2
    path = (
        f"M {start},{left - half} C 0.5,{left - half} 0.5,{right - half} {end},{right - half} "
        f"L {end},{right + half} C 0.5,{right + half} 0.5,{left + half} {start},{left + half} Z"
    )
    line = {"color": color, "width": 1, "dash": dash}
    return {"type": "path", "path": path, "fillcolor": faint(color, 0.35), "line": line, "layer": "below"}


def _points(rows: pd.DataFrame, place: float) -> go.Scatter:
    cosines = [f"{cosine:.2f}".replace("-", "\N{MINUS SIGN}") for cosine in rows["cosine"]]
    texts = [f"<b>{rank}</b><br>{cosine}" for rank, cosine in zip(rows["rank"], cosines, strict=True)]
    notes = [
        "not among those of the other query" if pd.isna(other) else f"rank {int(other)} under the other query"
        for other in rows["other"]
    ]
    return go.Scatter(
        x=[place] * len(rows),
        y=rows["rank"].to_numpy(),
        mode="markers+text",
        marker={
            "size": 46,
            "symbol": "square",
            "color": "rgba(0,0,0,0)",
            "line": {"width": 2, "color": [_LOOKS[look][0] for look in rows["look"]]},
        },
        text=texts,
        textposition="middle left" if place == 0 else "middle right",
        textfont={"size": 11, "color": MUTED},
        customdata=list(zip(rows["title"].map(plain), notes, rows["cosine"], strict=True)),
        hovertemplate="<b>%{customdata[0]}</b><br>rank %{y}, cosine %{customdata[2]:.3f}<br>"
        "%{customdata[1]}<extra></extra>",
        hoverlabel={"font": {"color": INK}},
        cliponaxis=False,
        showlegend=False,
        name=plain(rows["query"].iloc[0], 40),
    )
