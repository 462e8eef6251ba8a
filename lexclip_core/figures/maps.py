"""Figure of where words lie: the joint map of a WordNet subtree before and after tuning."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.errors import InputError
from lexclip_core.figures.style import (
    INK,
    MAP_CAPTION,
    Mark,
    checked,
    marks_for,
    new_figure,
    opened,
    padded_range,
    plain,
    readable,
    wrapped,
)

Side = Literal["before", "after", "movement"]
LAYOUT_COLUMNS = ("word", "synset", "parent", "gloss", "x_before", "y_before", "x_after", "y_after")
OTHER_BRANCHES = "other branches"
ROOT = "root"
_TITLES = {
    "before": "Map of the words before tuning",
    "after": "Map of the words after tuning",
    "movement": "How each word moved on the map",
}
_MAX_BRANCHES = 5
_MAX_LABELS = 14
_MOVERS = 6


def parent_rows(layout: pd.DataFrame) -> np.ndarray:
    """Return each row's parent as a row number, -1 where the parent is not on the map.

    The parent is looked for among the synsets; of several words of one synset the first stands for it.
    """
    first = layout.drop_duplicates("synset").reset_index().set_index("synset")["index"]
    return layout["parent"].map(first).fillna(-1).to_numpy(int)


def branches(layout: pd.DataFrame) -> pd.Series:
    """Return the branch each word hangs on: the word below the root that its line of parents passes.

    The six largest branches keep their names; the others are put together.
    """
    parents = parent_rows(layout)
    names = layout["word"].astype(str).to_numpy(object)
    branch = []
    for row in range(len(layout)):
        if parents[row] < 0:
            branch.append(ROOT)
            continue
        line, seen = row, {row}
        while parents[line] >= 0 and parents[parents[line]] >= 0 and parents[line] not in seen:
            line = parents[line]
            seen.add(line)
        branch.append(names[line])
    counts = pd.Series(branch).value_counts().drop(ROOT, errors="ignore")
    kept = set(counts.index[:_MAX_BRANCHES]) if len(counts) > _MAX_BRANCHES + 1 else set(counts.index)
    return pd.Series([name if name in kept or name == ROOT else OTHER_BRANCHES for name in branch])


def _in_drawing_order(branch: pd.Series) -> list[str]:
    """Return the branches' names, what is left over first, so that the named ones lie on top of it."""
    names = list(branch.value_counts().index)
    first, second = [[name] if name in names else [] for name in (OTHER_BRANCHES, ROOT)]
    return first + second + [name for name in names if name not in (OTHER_BRANCHES, ROOT)]


def _edges(layout: pd.DataFrame, side: str) -> go.Scatter:
    parents = parent_rows(layout)
    children = np.flatnonzero(parents >= 0)
    gaps = np.full(len(children), np.nan)
    x, y = layout[f"x_{side}"].to_numpy(float), layout[f"y_{side}"].to_numpy(float)
    return go.Scatter(
        x=np.column_stack([x[children], x[parents[children]], gaps]).ravel(),
        y=np.column_stack([y[children], y[parents[children]], gaps]).ravel(),
        mode="lines",
        line={"color": "#cfcfcf", "width": 0.8},
        hoverinfo="skip",
        showlegend=False,
        name="taxonomy",
    )


def _moves(rows: pd.DataFrame, mark: Mark) -> go.Scatter:
    gaps = np.full(len(rows), np.nan)
    head = {"symbol": "arrow", "size": np.tile([0, 10, 0], len(rows)), "angleref": "previous"}
    return go.Scatter(
        x=np.column_stack([rows["x_before"], rows["x_after"], gaps]).ravel(),
        y=np.column_stack([rows["y_before"], rows["y_after"], gaps]).ravel(),
        mode="lines+markers",
        line={"color": mark.color, "width": 1.5},
        marker=head | {"color": mark.color, "standoff": 4},
        hoverinfo="skip",
        showlegend=False,
        name="movement",
    )


def _points(rows: pd.DataFrame, side: str, branch: str, mark: Mark) -> go.Scatter:
    hover = [
        f"<b>{plain(word)}</b> {plain(synset)}<br>{wrapped(gloss, 48)}"
        for word, synset, gloss in zip(rows["word"], rows["synset"], rows["gloss"], strict=True)
    ]
    return go.Scatter(
        x=rows[f"x_{side}"].to_numpy(float),
        y=rows[f"y_{side}"].to_numpy(float),
        mode="markers",
        name=plain(branch, 24),
        legendgroup=branch,
        legendrank=2000 if branch == OTHER_BRANCHES else None,  # last in the legend
        marker={
            "symbol": opened(mark.symbol) if side == "before" else mark.symbol,
            "color": mark.color,
            "size": 10,
            "line": {"color": mark.color if side == "before" else "#ffffff", "width": 1.5},
        },
        customdata=rows["word"].astype(str).to_numpy(object),
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _by_importance(layout: pd.DataFrame, side: str) -> np.ndarray:
    """Return rows in the order in which their words deserve a label.

    Movement: the words that moved furthest. Else the root, the heads of the branches, all others.
    """
    if side == "movement":
        moved = np.hypot(layout["x_after"] - layout["x_before"], layout["y_after"] - layout["y_before"])
        return np.argsort(-moved.to_numpy(), kind="stable")[:_MOVERS]
    parents = parent_rows(layout)
    depth = np.where(parents < 0, 0, np.where(parents[parents] < 0, 1, 2))
    return np.argsort(depth, kind="stable")


def _labels(layout: pd.DataFrame, side: str) -> go.Scatter:
    end = "before" if side == "before" else "after"
    rows = layout.iloc[_by_importance(layout, side)]
    x, y = rows[f"x_{end}"].to_numpy(float), rows[f"y_{end}"].to_numpy(float)
    shown = readable(x, y, limit=_MAX_LABELS)
    return go.Scatter(
        x=x[shown],
        y=y[shown],
        mode="markers+text",
        marker={"size": 12, "opacity": 0},  # unseen: it only holds the text off the point
        text=[plain(word, 18) for word in rows["word"][shown]],
        textposition="top center",
        textfont={"size": 12, "color": INK},
        hoverinfo="skip",
        showlegend=False,
        name="labels",
    )


def _trust(layout: pd.DataFrame, side: str) -> str:
    """Return how far the map's neighbours can be trusted, where the layout says so."""
    found = [name for name in ("before", "after") if f"trustworthiness_{name}" in layout.columns]
    shown = [
        f"{name} {layout[f'trustworthiness_{name}'].iloc[0]:.2f}"
        for name in found
        if side in (name, "movement")
    ]
    return f" Trustworthiness {', '.join(shown)} (of 1)." if shown else ""


def subtree_map(layout: pd.DataFrame, side: Side, *, title: str | None = None) -> go.Figure:
    """Draw the joint map of a WordNet subtree with its taxonomy edges, for one side or as movement.

    All three sides of one layout share axis ranges, branch colours and symbols. Outlined points are
    before tuning, filled points after.

    Args:
        layout: Columns word, synset, parent (the parent's synset), gloss, x_before, y_before,
            x_after, y_after and, where known, trustworthiness_before and trustworthiness_after.
        side: `before`, `after`, or `movement`: an arrow a word from before to after.
        title: What the reader sees above the figure.

    Raises:
        InputError: A column is missing, there is no row, or the side is unknown.
    """
    rows = checked(layout, LAYOUT_COLUMNS, "subtree_map")
    if side not in _TITLES:
        raise InputError(f"subtree_map: unknown side {side!r}", f"choose one of {', '.join(_TITLES)}")
    figure = new_figure(title or _TITLES[side], height=560, caption=MAP_CAPTION + _trust(rows, side))
    branch = branches(rows)
    if side != "movement":
        figure.add_trace(_edges(rows, side))
    for name, mark in marks_for(_in_drawing_order(branch)).items():
        group = rows[branch == name]
        if side == "movement":
            figure.add_trace(_moves(group, mark))
            figure.add_trace(_points(group, "before", name, mark).update(showlegend=False))
        figure.add_trace(_points(group, "after" if side == "movement" else side, name, mark))
    figure.add_trace(_labels(rows, side))
    hidden = {"showticklabels": False, "ticks": "", "zeroline": False, "showgrid": False, "title": None}
    figure.update_xaxes(range=padded_range(rows[["x_before", "x_after"]].to_numpy(), 0.1), **hidden)
    figure.update_yaxes(range=padded_range(rows[["y_before", "y_after"]].to_numpy()), **hidden)
    return figure.update_xaxes(showline=True, mirror=True).update_yaxes(showline=True, mirror=True)


def subtree_map_alt(layout: pd.DataFrame, side: Side) -> str:
    """Describe `subtree_map` for a screen reader: its words, branches, and what may not be read off it."""
    rows = checked(layout, LAYOUT_COLUMNS, "subtree_map")
    names = [name for name in branches(rows).value_counts().index if name not in (OTHER_BRANCHES, ROOT)]
    text = f"{_TITLES[side]}: {len(rows)} words with their taxonomy; largest branches {', '.join(names[:4])}."
    if side == "movement":
        moved = np.hypot(rows["x_after"] - rows["x_before"], rows["y_after"] - rows["y_before"])
        text = f"{_TITLES[side]}: {len(rows)} arrows from before to after; "
        text += f"{rows['word'].iloc[int(moved.argmax())]} moved furthest."
    return f"{text}{_trust(rows, side)} {MAP_CAPTION}"
