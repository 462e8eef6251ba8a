"""Figure of one word's nearest words, before and after tuning."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.figures.style import INK, NEUTRAL, Mark, checked, marks_for, new_figure, plain

NEIGHBOUR_COLUMNS = ("neighbour", "rank_before", "rank_after", "cosine_before", "cosine_after", "change")


def _neighbour_column(rows: pd.DataFrame, side: str, change: str, mark: Mark) -> go.Scatter:
    other = {"left": "rank_after", "entered": "rank_before"}.get(change)
    words = [plain(word, 18) for word in rows["neighbour"]]
    if other:
        words = [f"{word} ({rank})" for word, rank in zip(words, rows[other], strict=True)]
    shown = rows.assign(neighbour=rows["neighbour"].map(plain))
    details = shown[["neighbour", "rank_before", "rank_after", "cosine_before", "cosine_after"]].to_numpy()
    return go.Scatter(
        x=[0 if side == "before" else 1] * len(rows),
        y=rows[f"rank_{side}"].to_numpy(float),
        mode="markers+text",
        text=words,
        textposition="middle left" if side == "before" else "middle right",
        textfont={"color": INK, "size": 12},
        marker={"symbol": mark.symbol, "color": mark.color, "size": 10},
        name=change,
        legendgroup=change,
        showlegend=side == "after" or change == "left",
        cliponaxis=False,
        customdata=details,
        hovertemplate="<b>%{customdata[0]}</b> " + change + "<br>before: rank %{customdata[1]}, cosine "
        "%{customdata[3]:.3f}<br>after: rank %{customdata[2]}, cosine %{customdata[4]:.3f}<extra></extra>",
    )


def _depth(rows: pd.DataFrame) -> int:
    """Return the largest rank that is drawn on either side."""
    before = rows.loc[rows["change"] != "entered", "rank_before"]
    after = rows.loc[rows["change"] != "left", "rank_after"]
    return int(pd.concat([before, after]).max())


def neighbours(table: pd.DataFrame, *, title: str = "Nearest words, before and after tuning") -> go.Figure:
    """Draw the ranked neighbours of one word before (left) and after (right), joined where they stayed.

    Args:
        table: Columns neighbour, rank_before, rank_after (from 1), cosine_before, cosine_after,
            change (stayed, entered or left), one row a neighbour.
        title: What the reader sees above the figure; name the word.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, NEIGHBOUR_COLUMNS, "neighbours")
    depth = _depth(rows)
    caption = "In brackets: the rank on the other side."
    figure = new_figure(title, height=190 + 27 * depth, caption=caption)
    stayed = rows[rows["change"] == "stayed"]
    gaps = np.full(len(stayed), np.nan)
    lines = go.Scatter(
        x=np.tile([0.0, 1.0, np.nan], len(stayed)),
        y=np.column_stack([stayed["rank_before"], stayed["rank_after"], gaps]).ravel(),
        mode="lines",
        line={"color": NEUTRAL, "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
        name="rank change",
    )
    figure.add_trace(lines)
    sides = {"stayed": ("before", "after"), "left": ("before",), "entered": ("after",)}
    marks = marks_for(sides)
    for change, shown in sides.items():
        group = rows[rows["change"] == change]
        for side in shown if len(group) else ():
            figure.add_trace(_neighbour_column(group, side, change, marks[change]))
    figure.update_xaxes(range=[-1.6, 2.6], visible=False, fixedrange=True)
    for x, side, anchor in ((0, "before", "right"), (1, "after", "left")):
        heading = {"text": f"<b>{side}</b>", "xanchor": anchor, "showarrow": False}
        figure.add_annotation(x=x, y=0.1, **heading)
    return figure.update_yaxes(range=[depth + 0.7, -0.4], visible=False, fixedrange=True)


def neighbours_alt(table: pd.DataFrame) -> str:
    """Describe `neighbours` for a screen reader: how many stayed, and which words left and entered."""
    rows = checked(table, NEIGHBOUR_COLUMNS, "neighbours")

    def listed(change: str) -> str:
        words = rows.loc[rows["change"] == change, "neighbour"].astype(str).tolist()
        more = f" and {len(words) - 8} more" if len(words) > 8 else ""
        return f"{len(words)} {change}" + (f" ({', '.join(words[:8])}{more})" if words else "")

    return (
        f"Nearest words before and after tuning: {listed('stayed')}; {listed('left')}; {listed('entered')}."
    )
