"""Figures of the cosines of word pairs: one arrow a pair, and histograms by relation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.figures.style import (
    COSINE_RANGE,
    INK,
    Mark,
    checked,
    faint,
    marks_for,
    new_figure,
    opened,
    plain,
)

PAIR_COLUMNS = ("word_a", "word_b", "relation", "cosine_before", "cosine_after")
BIN_EDGES = np.linspace(-1.0, 1.0, 41)
_ARROW_FROM = 0.2  # a shorter move has no room for an arrow head between its two symbols
_MAX_NAMES = 48
SIDES = ("before", "after")


def _pair_arrows(rows: pd.DataFrame, mark: Mark) -> go.Scatter:
    gaps = np.full(len(rows), np.nan)
    x = np.column_stack([rows["cosine_before"], rows["cosine_after"], gaps]).ravel()
    y = np.column_stack([rows.index, rows.index, gaps]).ravel()
    long = (rows["cosine_after"] - rows["cosine_before"]).abs().to_numpy() >= _ARROW_FROM
    sizes = np.column_stack([0 * long, 13 * long, 0 * long]).ravel()
    head = {"symbol": "arrow", "size": sizes, "angleref": "previous", "standoff": 6}
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line={"color": mark.color, "width": 2},
        marker=head | {"color": mark.color},
        hoverinfo="skip",
        showlegend=False,
        name="movement",
    )


def _pair_points(rows: pd.DataFrame, side: str, relation: str, mark: Mark) -> go.Scatter:
    labels = [f"{plain(a)} / {plain(b)}" for a, b in zip(rows["word_a"], rows["word_b"], strict=True)]
    details = np.column_stack([labels, rows["cosine_before"].round(3), rows["cosine_after"].round(3)])
    return go.Scatter(
        x=rows[f"cosine_{side}"].to_numpy(float),
        y=rows.index.to_numpy(float),
        mode="markers",
        name=plain(relation) if side == "after" else f"{plain(relation)}, before",
        legendgroup=relation,
        showlegend=side == "after",
        marker={
            "symbol": opened(mark.symbol) if side == "before" else mark.symbol,
            "color": mark.color,
            "size": 11,
            "line": {"width": 2 if side == "before" else 1, "color": mark.color},
        },
        customdata=details,
        hovertemplate="<b>%{customdata[0]}</b><br>"
        + f"{plain(relation)}<br>before %{{customdata[1]}}, after %{{customdata[2]}}<extra></extra>",
    )


def pair_cosines(
    table: pd.DataFrame, *, title: str = "Cosine of each word pair, before and after tuning"
) -> go.Figure:
    """Draw one arrow a word pair, from its cosine before tuning to its cosine after.

    Args:
        table: Columns word_a, word_b, relation, cosine_before, cosine_after, one row a pair, drawn
            top to bottom in the order given.
        title: What the reader sees above the figure.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, PAIR_COLUMNS, "pair_cosines")
    named = len(rows) <= _MAX_NAMES
    caption = "Outlined: before. Filled: after." + ("" if named else " Hover to read the words.")
    height = 190 + (30 * len(rows) if named else 900)
    figure = new_figure(title, height=height, caption=caption)
    for relation, mark in marks_for(rows["relation"]).items():
        group = rows[rows["relation"].astype(str) == relation]
        figure.add_trace(_pair_arrows(group, mark))
        for side in SIDES:
            figure.add_trace(_pair_points(group, side, relation, mark))
    labels = [f"{plain(a, 14)} / {plain(b, 14)}" for a, b in zip(rows["word_a"], rows["word_b"], strict=True)]
    figure.update_xaxes(range=list(COSINE_RANGE), title="cosine", dtick=0.5, zeroline=True)
    ticks = {"tickvals": list(range(len(rows))), "ticktext": labels} if named else {"showticklabels": False}
    return figure.update_yaxes(range=[len(rows) - 0.4, -0.6], zeroline=False, **ticks)


def pair_cosines_alt(table: pd.DataFrame) -> str:
    """Describe `pair_cosines` for a screen reader: counts, and the mean cosine of each relation."""
    rows = checked(table, PAIR_COLUMNS, "pair_cosines")
    parts = [
        f"{relation} ({len(group)}) mean {group['cosine_before'].mean():.2f} before, "
        f"{group['cosine_after'].mean():.2f} after"
        for relation, group in rows.groupby("relation", sort=False)
    ]
    return f"Arrows of cosine before and after tuning for {len(rows)} word pairs: {'; '.join(parts)}."


def _shares(values: pd.Series) -> np.ndarray:
    """Return the percentage of values in each bin of `BIN_EDGES`; rounding beyond 1 counts as 1."""
    counts, _ = np.histogram(values.dropna().clip(*COSINE_RANGE), bins=BIN_EDGES)
    return 100 * counts / max(counts.sum(), 1)


def _histogram_trace(values: pd.Series, relation: str, mark: Mark) -> go.Scatter:
    shares = _shares(values)
    return go.Scatter(
        x=BIN_EDGES,
        y=np.append(shares, shares[-1]),
        mode="lines",
        line={"shape": "hv", "color": mark.color, "dash": mark.dash, "width": 2},
        fill="tozeroy",
        fillcolor=faint(mark.color),
        name=plain(relation),
        legendgroup=relation,
        hovertemplate=f"{plain(relation)}<br>cosine from %{{x:.2f}}: %{{y:.1f}} %<extra></extra>",
    )


def _median_trace(values: pd.Series, relation: str, side: str, mark: Mark) -> go.Scatter:
    return go.Scatter(
        x=[values.median()],
        y=[0],
        mode="markers",
        marker={"symbol": mark.symbol, "color": mark.color, "size": 13, "line": {"color": INK, "width": 1}},
        name=f"{plain(relation)}, median {side}",
        legendgroup=relation,
        showlegend=False,
        cliponaxis=False,
        hovertemplate=f"{plain(relation)}, median %{{x:.2f}}<extra></extra>",
    )


def cosine_histogram(table: pd.DataFrame, *, title: str = "How cosines are spread") -> go.Figure:
    """Draw each relation's histogram of cosines, before above after, on shared axes.

    Args:
        table: As for `pair_cosines`.
        title: What the reader sees above the figure.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, PAIR_COLUMNS, "cosine_histogram")
    caption = "Top: before tuning. Bottom: after. The symbol on the axis is the median."
    figure = new_figure(title, height=540, caption=caption)
    figure.set_subplots(rows=2, cols=1, shared_xaxes=True, shared_yaxes="all", vertical_spacing=0.08)
    highest = 0.0
    for relation, mark in marks_for(rows["relation"]).items():
        group = rows[rows["relation"].astype(str) == relation]
        for row, side in enumerate(SIDES, start=1):
            values = group[f"cosine_{side}"]
            trace = _histogram_trace(values, relation, mark).update(showlegend=row == 1)
            highest = max(highest, max(trace.y))
            figure.add_traces([trace, _median_trace(values, relation, side, mark)], rows=row, cols=1)
    figure.update_xaxes(range=list(COSINE_RANGE), dtick=0.5)
    figure.update_xaxes(title="cosine", row=2, col=1)
    for row, side in enumerate(SIDES, start=1):
        figure.update_yaxes(title=f"{side}: % of pairs", range=[0, 1.08 * highest], row=row, col=1)
    return figure


def cosine_histogram_alt(table: pd.DataFrame) -> str:
    """Describe `cosine_histogram` for a screen reader: each relation's median before and after."""
    rows = checked(table, PAIR_COLUMNS, "cosine_histogram")
    parts = [
        f"{relation} median {group['cosine_before'].median():.2f} before, "
        f"{group['cosine_after'].median():.2f} after"
        for relation, group in rows.groupby("relation", sort=False)
    ]
    return (
        f"Histograms of the cosines of {len(rows)} word pairs, before and after tuning: {'; '.join(parts)}."
    )
