"""Figures of measured values: metrics with intervals, and the frontier of gain against retention."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.figures.style import (
    GRID,
    INK,
    Mark,
    checked,
    faint,
    marks_for,
    new_figure,
    padded_range,
    plain,
    readable,
    wrapped,
)

METRIC_COLUMNS = ("run", "metric", "value", "low", "high")
FRONTIER_COLUMNS = ("label", "gain", "retention", "group")
_MAX_LABELS = 12


def _interval(rows: pd.DataFrame) -> dict[str, object]:
    up = (rows["high"] - rows["value"]).clip(lower=0).fillna(0)
    down = (rows["value"] - rows["low"]).clip(lower=0).fillna(0)
    return {"type": "data", "symmetric": False, "array": up.to_numpy(), "arrayminus": down.to_numpy()}


def _metric_points(rows: pd.DataFrame, y: np.ndarray, run: str, mark: Mark) -> go.Scatter:
    details = np.column_stack([rows["metric"].map(plain), rows["low"].round(4), rows["high"].round(4)])
    return go.Scatter(
        x=rows["value"].to_numpy(float),
        y=y,
        mode="markers",
        name=plain(run, 40),
        marker={"symbol": mark.symbol, "color": mark.color, "size": 10, "line": {"color": INK, "width": 0.5}},
        error_x=_interval(rows) | {"color": mark.color, "thickness": 2, "width": 4},
        customdata=details,
        hovertemplate=f"<b>%{{customdata[0]}}</b><br>{plain(run)}: %{{x:.4f}}<br>"
        "95 % interval %{customdata[1]} to %{customdata[2]}<extra></extra>",
    )


def metric_bars(
    table: pd.DataFrame, *, title: str = "Metrics with 95 % intervals", value_title: str = "value"
) -> go.Figure:
    """Draw each metric as a band with one point and interval a run.

    Args:
        table: Columns run, metric, value, low, high; low and high may be missing values.
        title: What the reader sees above the figure.
        value_title: Name of the x axis, with its unit.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, METRIC_COLUMNS, "metric_bars")
    metrics, runs = list(dict.fromkeys(rows["metric"])), list(dict.fromkeys(rows["run"]))
    band = 1 + len(runs)
    figure = new_figure(title, height=190 + 24 * band * len(metrics))
    top = rows["metric"].map({metric: band * i for i, metric in enumerate(metrics)})
    marks = marks_for(runs)
    for i, run in enumerate(runs):
        chosen = rows["run"] == run
        y = (top[chosen] + i + 1).to_numpy(float)
        figure.add_trace(_metric_points(rows[chosen], y, str(run), marks[str(run)]))
    for i, metric in enumerate(metrics):
        figure.add_annotation(
            text=f"<b>{plain(metric, 48)}</b>",
            x=0,
            xref="paper",
            xanchor="left",
            y=band * i,
            showarrow=False,
            font={"size": 12},
        )
    figure.update_xaxes(range=padded_range(rows[["value", "low", "high"]].to_numpy(float)), title=value_title)
    lines = [band * i - 0.5 for i in range(1, len(metrics))]
    shown = {"showticklabels": False, "tickvals": lines, "gridcolor": GRID, "zeroline": False}
    return figure.update_yaxes(range=[band * len(metrics) - 0.4, -0.6], **shown)


def metric_bars_alt(table: pd.DataFrame) -> str:
    """Describe `metric_bars` for a screen reader: each run's value of each metric."""
    rows = checked(table, METRIC_COLUMNS, "metric_bars")
    parts = [
        f"{metric}: " + ", ".join(f"{row.run} {row.value:.3f}" for row in group.itertuples())
        for metric, group in rows.groupby("metric", sort=False)
    ]
    return f"Metrics with intervals. {'; '.join(parts)}."


def frontier(
    table: pd.DataFrame,
    *,
    title: str = "Gain against retention",
    gain_title: str = "gain",
    retention_title: str = "retention",
    aim: tuple[float, float] | None = None,
) -> go.Figure:
    """Draw every setting as a point of gain (right is better) against retention (up is better).

    Args:
        table: Columns label, gain, retention, group; points of a group are joined in the order given.
        title: What the reader sees above the figure.
        gain_title: Name of the x axis, with its unit and split.
        retention_title: Name of the y axis, with its unit and split.
        aim: Gain and retention to be reached, drawn as dashed lines.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, FRONTIER_COLUMNS, "frontier")
    figure = new_figure(title, height=500, caption="Right and up is better.")
    labels = pd.Series(rows["label"].map(lambda label: plain(label, 20)))
    shown = readable(rows["gain"], rows["retention"], limit=_MAX_LABELS)
    for group, mark in marks_for(rows["group"]).items():
        chosen = rows[rows["group"].astype(str) == group]
        points = go.Scatter(
            x=chosen["gain"].to_numpy(float),
            y=chosen["retention"].to_numpy(float),
            mode="lines+markers+text",
            line={"color": faint(mark.color, 0.5), "dash": mark.dash, "width": 1.5},
            marker={"symbol": mark.symbol, "color": mark.color, "size": 11},
            text=labels.where(shown, "")[chosen.index],
            customdata=labels[chosen.index],
            textposition="top center",
            textfont={"size": 11},
            name=plain(group, 40),
            hovertemplate=f"<b>%{{customdata}}</b><br>{plain(group)}<br>"
            "gain %{x:.3f}, retention %{y:.3f}<extra></extra>",
        )
        figure.add_trace(points)
    x, y = rows["gain"].to_numpy(float), rows["retention"].to_numpy(float)
    if aim is not None:
        x, y = np.append(x, aim[0]), np.append(y, aim[1])
        figure.add_vline(aim[0], line={"dash": "dash", "color": INK, "width": 1})
        figure.add_hline(aim[1], line={"dash": "dash", "color": INK, "width": 1}, annotation_text="aim")
    figure.update_xaxes(title=wrapped(gain_title, 40), range=padded_range(x, 0.12), zeroline=False)
    return figure.update_yaxes(
        title=wrapped(retention_title, 40), range=padded_range(y, 0.12), zeroline=False
    )


def frontier_alt(table: pd.DataFrame) -> str:
    """Describe `frontier` for a screen reader: the settings with the most gain and the most retention."""
    rows = checked(table, FRONTIER_COLUMNS, "frontier")
    most, safest = rows.loc[rows["gain"].idxmax()], rows.loc[rows["retention"].idxmax()]
    best = f"{most['label']} ({most['group']}), gain {most['gain']:.3f} at retention {most['retention']:.3f}"
    kept = f"{safest['label']} ({safest['group']}), gain {safest['gain']:.3f} "
    kept += f"at retention {safest['retention']:.3f}"
    return f"{len(rows)} settings. Most gain: {best}. Most retention: {kept}."
