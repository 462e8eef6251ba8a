"""Figures of lines: the loss terms of a training history, and curves with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.figures.alt_texts import described_by
from lexclip_core.figures.style import Mark, checked, faint, marks_for, new_figure, plain, wrapped

NOT_TERMS = frozenset({"step", "epoch", "seconds"})
_MAX_STEPS = 600


def _terms(table: pd.DataFrame) -> list[str]:
    numbers = table.select_dtypes("number").columns
    return [str(name) for name in numbers if name not in NOT_TERMS]


def history_alt(table: pd.DataFrame) -> str:
    """Describe `history_figure` for a screen reader: each term's first and last value."""
    rows = checked(table, ("step",), "history")
    parts = [f"{term} from {rows[term].iloc[0]:.3g} to {rows[term].iloc[-1]:.3g}" for term in _terms(rows)]
    return f"Loss over {len(rows)} recorded training steps: {'; '.join(parts)}."


@described_by(history_alt)
def history_figure(table: pd.DataFrame, *, title: str = "Loss terms during training") -> go.Figure:
    """Draw one line per loss term over the training steps, on a log axis unless a value is negative.

    Args:
        table: Columns step and one per term (total among them); epoch and seconds are not drawn.
            More than 600 steps are drawn as means of consecutive steps.
        title: What the reader sees above the figure.

    Raises:
        InputError: The column step is missing or there is no row.
    """
    rows = checked(table, ("step",), "history")
    terms = _terms(rows)
    width = -(-len(rows) // _MAX_STEPS)
    drawn = rows[["step", *terms]].groupby(np.arange(len(rows)) // width).mean()
    values = drawn[terms].to_numpy(float)
    logarithmic = bool(np.nanmin(values) >= 0 and np.nanmax(values) > 0)
    notes = [f"Each point is the mean of {width} steps."] if width > 1 else []
    notes += ["A value of zero is not drawn on the log axis."] if logarithmic and (values == 0).any() else []
    figure = new_figure(title, height=460, caption=" ".join(notes))
    for term, mark in marks_for(terms).items():
        y = drawn[term].astype(float)
        line = go.Scatter(
            x=drawn["step"].to_numpy(float),
            y=y.where(y > 0).to_numpy() if logarithmic else y.to_numpy(),
            mode="lines" if len(drawn) > 1 else "markers",
            line={"color": mark.color, "dash": mark.dash, "width": 2.5 if term == "total" else 2},
            name=plain(term),
            hovertemplate=f"{plain(term)}<br>step %{{x:.0f}}: %{{y:.4g}}<extra></extra>",
        )
        figure.add_trace(line)
    figure.update_xaxes(title="training step")
    scale = {"type": "log", "tickformat": "~g", "dtick": "D2"} if logarithmic else {"type": "linear"}
    return figure.update_yaxes(title="loss (log scale)" if logarithmic else "loss", **scale)


def _band(rows: pd.DataFrame, x: str, interval: Sequence[str], mark: Mark) -> go.Scatter:
    low, high = interval
    return go.Scatter(
        x=np.concatenate([rows[x], rows[x][::-1]]),
        y=np.concatenate([rows[high], rows[low][::-1]]),
        fill="toself",
        fillcolor=faint(mark.color),
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        showlegend=False,
        name="interval",
    )


def curve_alt(table: pd.DataFrame, x: str, y: str, *, group: str | None = None) -> str:
    """Describe `curve_figure` for a screen reader: where each line starts and ends."""
    rows = checked(table, [x, y, *([group] if group else [])], "curve")
    names = rows[group].astype(str) if group else pd.Series([y] * len(rows))
    parts = [
        f"{name} from {chosen[y].iloc[0]:.3f} at {chosen[x].iloc[0]} "
        f"to {chosen[y].iloc[-1]:.3f} at {chosen[x].iloc[-1]}"
        for name, chosen in rows.groupby(names, sort=False)
    ]
    return f"Curve of {y} over {x}: {'; '.join(parts)}."


@described_by(curve_alt)
def curve_figure(
    table: pd.DataFrame,
    x: str,
    y: str,
    *,
    title: str,
    interval: tuple[str, str] | None = None,
    group: str | None = None,
) -> go.Figure:
    """Draw a line of `y` over `x`, with an interval as a band and one line per group where named.

    Args:
        table: The columns named by the other arguments, one row per point, in drawing order.
        x: Column of the x axis; also its title.
        y: Column of the y axis; also its title.
        title: What the reader sees above the figure.
        interval: Columns of the interval's low and high end.
        group: Column whose values are one line each.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, [x, y, *(interval or ()), *([group] if group else [])], "curve")
    names = rows[group].astype(str) if group else pd.Series([y] * len(rows))
    figure = new_figure(title, height=460, showlegend=group is not None)
    for name, mark in marks_for(names).items():
        chosen = rows[names == name]
        if interval:
            figure.add_trace(_band(chosen, x, interval, mark))
        line = go.Scatter(
            x=chosen[x].to_numpy(),
            y=chosen[y].to_numpy(float),
            mode="lines+markers",
            line={"color": mark.color, "dash": mark.dash, "width": 2},
            marker={"symbol": mark.symbol, "size": 8},
            name=plain(name, 40),
            hovertemplate=f"{plain(name)}<br>{plain(x)} %{{x}}: %{{y:.3f}}<extra></extra>",
        )
        figure.add_trace(line)
    return figure.update_xaxes(title=wrapped(x, 40)).update_yaxes(title=wrapped(y, 40))
