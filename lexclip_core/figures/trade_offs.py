"""Figure of settings by two measures: those that another setting beats in both are grey."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.figures.style import (
    INK,
    NEUTRAL,
    checked,
    faint,
    marks_for,
    new_figure,
    padded_range,
    plain,
    readable,
    wrapped,
)

TRADE_OFF_COLUMNS = ("label", "group", "x", "y", "dominated", "chosen")
_MAX_LABELS = 10


def trade_offs(
    table: pd.DataFrame, *, title: str, x_title: str, y_title: str, base: tuple[float, float] | None = None
) -> go.Figure:
    """Draw every setting as a point; more is better on both axes, and a dominated point is small and grey.

    Args:
        table: Columns label, group (one mark each), x, y, dominated (another setting is at least as good in
            both and better in one), chosen (drawn with a ring).
        title: What the reader sees above the figure.
        x_title: Name of the x axis, with its unit and split.
        y_title: The same for the y axis.
        base: x and y before tuning, drawn as dashed lines.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, TRADE_OFF_COLUMNS, "trade_offs")
    figure = new_figure(title, height=520, caption="Right and up is better. Grey: beaten in both by another.")
    labels = pd.Series(rows["label"].map(lambda label: plain(label, 44)))
    dominated = rows["dominated"].to_numpy(bool)
    x, y = rows["x"].to_numpy(float), rows["y"].to_numpy(float)
    served = np.argsort(dominated, kind="stable")
    shown = np.zeros(len(rows), dtype=bool)
    shown[served] = readable(x[served], y[served], limit=_MAX_LABELS)
    shown &= ~dominated
    for group, mark in marks_for(rows["group"]).items():
        chosen = (rows["group"].astype(str) == group).to_numpy()
        figure.add_trace(
            go.Scatter(
                x=x[chosen],
                y=y[chosen],
                mode="markers+text",
                marker={
                    "symbol": mark.symbol,
                    "color": np.where(dominated[chosen], faint(NEUTRAL, 0.55), mark.color),
                    "size": np.where(dominated[chosen], 8, 13),
                    "line": {
                        "color": INK,
                        "width": np.where(rows["chosen"].to_numpy(bool)[chosen], 3, 0),
                    },
                },
                text=labels.where(shown, "")[chosen],
                customdata=labels[chosen],
                textposition="top center",
                textfont={"size": 11},
                cliponaxis=False,
                name=plain(group, 40),
                hovertemplate="<b>%{customdata}</b><br>x %{x:.4f}, y %{y:.4f}<extra></extra>",
            )
        )
    if base is not None:
        x, y = np.append(x, base[0]), np.append(y, base[1])
        line = {"dash": "dash", "color": INK, "width": 1}
        figure.add_vline(base[0], line=line)
        figure.add_hline(
            base[1], line=line, annotation_text="before tuning", annotation_position="bottom right"
        )
    figure.update_xaxes(title=wrapped(x_title, 40), range=padded_range(x, 0.12), zeroline=False)
    return figure.update_yaxes(title=wrapped(y_title, 40), range=padded_range(y, 0.12), zeroline=False)


def trade_offs_alt(table: pd.DataFrame) -> str:
    """Describe `trade_offs` for a screen reader: which settings no other beats in both measures."""
    rows = checked(table, TRADE_OFF_COLUMNS, "trade_offs")
    best = rows[~rows["dominated"].astype(bool)].sort_values("x", ascending=False)
    listed = "; ".join(f"{row.label}: {row.x:.3f} and {row.y:.3f}" for row in best.itertuples())
    return f"{len(rows)} settings by two measures. Not beaten in both by another: {listed}."
