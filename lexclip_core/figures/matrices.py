"""Figure of a words x words matrix: targets or cosines."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.errors import InputError
from lexclip_core.figures.style import PALETTE, new_figure, plain

Scale = Literal["auto", "cosine", "target"]
_SCALES = {
    "cosine": (-1.0, 1.0, [[0, PALETTE["vermillion"]], [0.5, "#f7f7f7"], [1, PALETTE["blue"]]]),
    "target": (0.0, 1.0, [[0, "#f7f7f7"], [1, PALETTE["blue"]]]),
}


def _labels(words: pd.Index) -> list[str]:
    """Return short labels, or whole words where shortening would make two alike."""
    short = [plain(word, 16) for word in words]
    return short if len(set(short)) == len(words) else [plain(word) for word in words]


def matrix(frame: pd.DataFrame, title: str, *, scale: Scale = "auto") -> go.Figure:
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


def matrix_alt(frame: pd.DataFrame) -> str:
    """Describe `matrix` for a screen reader: its size, range, and highest pair of different words."""
    values = frame.to_numpy(float)
    different = np.array([[str(row) != str(column) for column in frame.columns] for row in frame.index])
    text = f"Heat map of {frame.shape[0]} by {frame.shape[1]} words, values {np.nanmin(values):.2f} to "
    text += f"{np.nanmax(values):.2f}"
    if not different.any():
        return text + "."
    row, column = np.unravel_index(np.nanargmax(np.where(different, values, -np.inf)), values.shape)
    best = f"{frame.index[row]} and {frame.columns[column]}"
    return f"{text}; highest between different words: {best}, {values[row, column]:.2f}."
