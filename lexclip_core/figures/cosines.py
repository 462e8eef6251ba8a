"""Figures of the cosines of word pairs: one arrow a pair, and histograms by relation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from lexclip_core.figures.style import (
    COSINE_RANGE,
    INK,
    TEMPLATE,
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
SIDES = ("before", "after")


def _pair_arrows(rows: pd.DataFrame, mark: Mark) -> go.Scatter:
    gaps = np.full(len(rows), np.nan)
    x = np.column_stack([rows["cosine_before"], rows["cosine_after"], gaps]).ravel()
    y = np.column_stack([rows.index, rows.index, gaps]).ravel()
    head = {"symbol": "arrow", "size": np.tile([0, 9, 0], len(rows)), "angleref": "previous", "standoff": 6}
    return go.Scatter(
        x=x,
        y=y,
        mode="lines+markers",
        line={"color": mark.color, "width": 2, "dash": mark.dash},
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
        name=f"{plain(relation)}, {side}",
        legendgroup=relation,
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
    figure = new_figure(
        title, height=min(190 + 30 * len(rows), 1600), caption="Outlined: before. Filled: after."
    )
    for relation, mark in marks_for(rows["relation"]).items():
        group = rows[rows["relation"].astype(str) == relation]
        figure.add_trace(_pair_arrows(group, mark))
        for side in SIDES:
            figure.add_trace(_pair_points(group, side, relation, mark))
    labels = [f"{plain(a, 16)} / {plain(b, 16)}" for a, b in zip(rows["word_a"], rows["word_b"], strict=True)]
    figure.update_xaxes(range=list(COSINE_RANGE), title="cosine", dtick=0.5, zeroline=True)
    figure.update_yaxes(
        range=[len(rows) - 0.4, -0.6], tickvals=list(range(len(rows))), ticktext=labels, zeroline=False
    )
    return figure


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


def cosine_histogram(
    table: pd.DataFrame, *, title: str = "How cosines are spread, before (top) and after (bottom)"
) -> go.Figure:
    """Draw each relation's histogram of cosines, before above after, on shared axes.

    Args:
        table: As for `pair_cosines`.
        title: What the reader sees above the figure.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, PAIR_COLUMNS, "cosine_histogram")
    panels = make_subplots(rows=2, cols=1, shared_xaxes=True, shared_yaxes="all", vertical_spacing=0.1)
    figure = new_figure(title, height=520, caption="The symbol on the axis is the median.")
    figure = go.Figure(panels).update_layout(figure.layout, overwrite=False)
    figure.update_layout(template=TEMPLATE)
    for relation, mark in marks_for(rows["relation"]).items():
        group = rows[rows["relation"].astype(str) == relation]
        for row, side in enumerate(SIDES, start=1):
            values = group[f"cosine_{side}"]
            trace = _histogram_trace(values, relation, mark).update(showlegend=row == 1)
            figure.add_trace(trace, row=row, col=1)
            median = go.Scatter(
                x=[values.median()],
                y=[0],
                mode="markers",
                marker={
                    "symbol": mark.symbol,
                    "color": mark.color,
                    "size": 13,
                    "line": {"color": INK, "width": 1},
                },
                name=f"{plain(relation)}, median {side}",
                legendgroup=relation,
                showlegend=False,
                cliponaxis=False,
                hovertemplate=f"{plain(relation)}, median %{{x:.2f}}<extra></extra>",
            )
            figure.add_trace(median, row=row, col=1)
    figure.update_xaxes(range=list(COSINE_RANGE), dtick=0.5)
    figure.update_xaxes(title="cosine", row=2, col=1)
    figure.update_yaxes(title="before: % of pairs", rangemode="tozero", row=1, col=1)
    figure.update_yaxes(title="after: % of pairs", rangemode="tozero", row=2, col=1)
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
