"""Figure of one picture's nearest names: a band of bars a tower."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.figures.style import GRID, INK, Mark, checked, marks_for, new_figure, plain

RANKING_COLUMNS = ("tower", "rank", "name", "cosine", "correct")
RIGHT = "✓"
_NAME_LENGTH = 22


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


def rankings(table: pd.DataFrame, *, title: str = "The nearest names") -> go.Figure:
    """Draw the names nearest to one picture, a band of bars a tower, the right name ticked.

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
    room = 0.16 * ((high - low) or 1.0)  # for the numbers beside the bars
    figure.update_xaxes(range=[low - room * (low < 0), high + room], title="cosine", zeroline=True)
    ticks = {"tickvals": y.tolist(), "ticktext": _labels(rows), "gridcolor": GRID, "showgrid": False}
    return figure.update_yaxes(range=[last + 0.6, -0.6], fixedrange=True, **ticks)


def rankings_alt(table: pd.DataFrame) -> str:
    """Describe `rankings` for a screen reader: each tower's names, and the right one's rank."""
    rows = checked(table, RANKING_COLUMNS, "rankings")
    parts = []
    for tower, group in rows.groupby("tower", sort=False):
        shown = zip(group["rank"], group["name"], group["cosine"], strict=True)
        listed = ", ".join(f"{rank} {name} {cosine:.3f}" for rank, name, cosine in shown)
        right = group.loc[group["correct"].astype(bool), "rank"]
        stands = f"; the right name has rank {right.iloc[0]}" if len(right) else ""
        parts.append(f"{tower}: {listed}{stands}")
    return f"Names nearest to one picture by cosine. {'. '.join(parts)}."
