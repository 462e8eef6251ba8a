"""Figures of measured values: metrics with intervals, settings by two measures, words x words matrices."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.errors import InputError
from lexclip_core.figures.alt_texts import described_by
from lexclip_core.figures.style import (
    GRID,
    INK,
    NEUTRAL,
    PALETTE,
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
TRADE_OFF_COLUMNS = ("label", "group", "x", "y", "dominated", "chosen")
MatrixScale = Literal["auto", "cosine", "target"]
_SCALES = {
    "cosine": (-1.0, 1.0, [[0, PALETTE["vermillion"]], [0.5, "#f7f7f7"], [1, PALETTE["blue"]]]),
    "target": (0.0, 1.0, [[0, "#f7f7f7"], [1, PALETTE["blue"]]]),
}
_BASES = ("before tuning", "before", "base", "base tower")
_LABEL_WIDTH = 22  # characters of a run's name on a line next to its point
_MAX_LABELS, _MAX_LABELS_OF_TRADE_OFFS = 12, 10


def metric_bars_alt(table: pd.DataFrame) -> str:
    """Describe `metric_bars_figure` for a screen reader: each run's value of each metric."""
    rows = checked(table, METRIC_COLUMNS, "metric_bars")
    parts = [
        f"{metric}: " + ", ".join(f"{row.run} {row.value:.3f}" for row in group.itertuples())
        for metric, group in rows.groupby("metric", sort=False)
    ]
    return f"Metrics with intervals. {'; '.join(parts)}."


@described_by(metric_bars_alt)
def metric_bars_figure(
    table: pd.DataFrame, *, title: str = "Metrics with 95 % intervals", value_title: str = "value"
) -> go.Figure:
    """Draw each metric as a band with one labelled point and interval per run; before tuning is outlined.

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
    figure = new_figure(title, height=130 + 34 * band * len(metrics))
    top = rows["metric"].map({metric: band * i for i, metric in enumerate(metrics)})
    for i, run in enumerate(runs):
        chosen = rows["run"] == run
        figure.add_trace(_metric_points(rows[chosen], (top[chosen] + i + 1).to_numpy(float), str(run)))
    for i, metric in enumerate(metrics if len(metrics) > 1 else ()):  # of one, the title says what it is
        left = {"x": 0, "xref": "paper", "xanchor": "left", "align": "left", "font": {"size": 12}}
        figure.add_annotation(text=f"<b>{wrapped(metric, 34)}</b>", y=band * i, showarrow=False, **left)
    figure.update_xaxes(range=padded_range(rows[["value", "low", "high"]].to_numpy(float)), title=value_title)
    for i in range(1, len(metrics)):
        figure.add_hline(y=band * i - 0.5, line={"color": GRID, "width": 1})
    measured = {(row.metric, row.run) for row in rows.itertuples()}
    ticks = [
        (band * i + j + 1, wrapped(run, _LABEL_WIDTH))
        for i, metric in enumerate(metrics)
        for j, run in enumerate(runs)
        if (metric, run) in measured
    ]
    shown = {"tickvals": [y for y, _ in ticks], "ticktext": [text for _, text in ticks], "showgrid": False}
    return figure.update_yaxes(range=[band * len(metrics) - 0.4, -0.6], zeroline=False, **shown)


def _metric_points(rows: pd.DataFrame, y: np.ndarray, run: str) -> go.Scatter:
    details = np.column_stack([rows["metric"].map(plain), rows["low"].round(4), rows["high"].round(4)])
    up = (rows["high"] - rows["value"]).clip(lower=0).to_numpy(float)  # a missing end draws no interval
    down = (rows["value"] - rows["low"]).clip(lower=0).to_numpy(float)
    interval = {"type": "data", "symmetric": False, "array": up, "arrayminus": down}
    return go.Scatter(
        x=rows["value"].to_numpy(float),
        y=y,
        mode="markers",
        name=plain(run, 40),
        showlegend=False,
        marker={"symbol": "circle-open" if run in _BASES else "circle", "color": INK, "size": 10},
        error_x=interval | {"color": NEUTRAL, "thickness": 2, "width": 4},
        customdata=details,
        hovertemplate=f"<b>%{{customdata[0]}}</b><br>{plain(run)}: %{{x:.4f}}<br>"
        "95 % interval %{customdata[1]} to %{customdata[2]}<extra></extra>",
    )


def frontier_alt(table: pd.DataFrame) -> str:
    """Describe `frontier_figure` for a screen reader: the settings of most gain and of most retention."""
    rows = checked(table, FRONTIER_COLUMNS, "frontier")
    best, safe = (
        f"{row['label']} ({row['group']}), gain {row['gain']:.3f} at retention {row['retention']:.3f}"
        for row in (rows.loc[rows["gain"].idxmax()], rows.loc[rows["retention"].idxmax()])
    )
    return f"{len(rows)} settings. Most gain: {best}. Most retention: {safe}."


@described_by(frontier_alt)
def frontier_figure(
    table: pd.DataFrame,
    *,
    title: str = "Gain against retention",
    gain_title: str = "gain",
    retention_title: str = "retention",
) -> go.Figure:
    """Draw every setting as a point of gain (right is better) against retention (up is better).

    Args:
        table: Columns label, gain, retention, group; points of a group are joined in the order given.
        title: What the reader sees above the figure.
        gain_title: Name of the x axis, with its unit and split.
        retention_title: Name of the y axis, with its unit and split.

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
    return _axes(figure, rows["gain"], rows["retention"], gain_title, retention_title)


def _axes(figure: go.Figure, x: np.ndarray, y: np.ndarray, x_title: str, y_title: str) -> go.Figure:
    figure.update_xaxes(title=wrapped(x_title, 40), range=padded_range(x, 0.12), zeroline=False)
    return figure.update_yaxes(title=wrapped(y_title, 40), range=padded_range(y, 0.12), zeroline=False)


def trade_offs_alt(table: pd.DataFrame) -> str:
    """Describe `trade_offs_figure` for a screen reader: which settings no other beats in both measures."""
    rows = checked(table, TRADE_OFF_COLUMNS, "trade_offs")
    best = rows[~rows["dominated"].astype(bool)].sort_values("x", ascending=False)
    listed = "; ".join(f"{row.label}: {row.x:.3f} and {row.y:.3f}" for row in best.itertuples())
    return f"{len(rows)} settings by two measures. Not beaten in both by another: {listed}."


@described_by(trade_offs_alt)
def trade_offs_figure(
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
    shown[served] = readable(x[served], y[served], limit=_MAX_LABELS_OF_TRADE_OFFS)
    shown &= ~dominated
    along = (x - x.min()) / (np.ptp(x) or 1.0)  # a label at either end stays within a narrow picture
    sides = np.select([along > 0.7, along < 0.3], ["top left", "top right"], "top center")
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
                    "line": {"color": INK, "width": np.where(rows["chosen"].to_numpy(bool)[chosen], 3, 0)},
                },
                text=labels.where(shown, "")[chosen],
                customdata=labels[chosen],
                textposition=sides[chosen],
                textfont={"size": 11},
                cliponaxis=False,
                name=wrapped(group, 44),
                hovertemplate="<b>%{customdata}</b><br>x %{x:.4f}, y %{y:.4f}<extra></extra>",
            )
        )
    if base is not None:
        x, y = np.append(x, base[0]), np.append(y, base[1])
        line = {"dash": "dash", "color": INK, "width": 1}
        figure.add_vline(base[0], line=line)
        note = {"annotation_text": "before tuning", "annotation_position": "bottom right"}
        figure.add_hline(base[1], line=line, **note)
    return _axes(figure, x, y, x_title, y_title)


def matrix_alt(frame: pd.DataFrame) -> str:
    """Describe `matrix_figure` for a screen reader: its size, range, and highest pair of different words."""
    values = frame.to_numpy(float)
    different = np.array([[str(row) != str(column) for column in frame.columns] for row in frame.index])
    text = f"Heat map of {frame.shape[0]} by {frame.shape[1]} words, values {np.nanmin(values):.2f} to "
    text += f"{np.nanmax(values):.2f}"
    if not different.any():
        return text + "."
    row, column = np.unravel_index(np.nanargmax(np.where(different, values, -np.inf)), values.shape)
    best = f"{frame.index[row]} and {frame.columns[column]}"
    return f"{text}; highest between different words: {best}, {values[row, column]:.2f}."


@described_by(matrix_alt)
def matrix_figure(frame: pd.DataFrame, title: str, *, scale: MatrixScale = "auto") -> go.Figure:
    """Draw a words x words table as a heat map on a fixed colour range.

    Args:
        frame: Values with words as index and columns, cosines in [-1, 1] or targets in [0, 1].
        title: What the reader sees above the figure.
        scale: `cosine` is [-1, 1] and diverging, `target` is [0, 1] and sequential; `auto` takes
            `cosine` where any value is negative. Name it when two matrices are to be compared.

    Raises:
        InputError: The frame is empty or the scale is unknown.
    """
    if frame.empty:
        raise InputError("matrix: the table has no rows", "choose at least one word")
    if scale not in ("auto", *_SCALES):
        raise InputError(f"matrix: unknown scale {scale!r}", "choose auto, cosine or target")
    values = frame.to_numpy(float)
    if scale == "auto":
        scale = "cosine" if np.nanmin(values) < 0 else "target"
    low, high, colors = _SCALES[scale]
    figure = new_figure(title, height=int(np.clip(200 + 30 * len(frame), 340, 900)))
    figure.add_trace(
        go.Heatmap(
            z=values,
            x=_labels(frame.columns),
            y=_labels(frame.index),
            zmin=low,
            zmax=high,
            colorscale=colors,
            xgap=1,
            ygap=1,
            texttemplate="%{z:.2f}" if len(frame.columns) <= 8 else None,
            hovertemplate="%{y} / %{x}<br>%{z:.3f}<extra></extra>",
            colorbar={"orientation": "h", "thickness": 12, "y": 0, "yref": "container", "yanchor": "bottom"},
        )
    )
    figure.update_xaxes(type="category", tickangle=-45, showgrid=False)
    return figure.update_yaxes(type="category", showgrid=False, autorange="reversed")


def _labels(words: pd.Index) -> list[str]:
    """Return short labels, or whole words where shortening would make two alike."""
    short = [plain(word, 16) for word in words]
    return short if len(set(short)) == len(words) else [plain(word) for word in words]
