"""The look that every figure shares: palette, symbols, template, and what keeps untrusted text plain."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.errors import InputError

PALETTE = {
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
}
"""The colours of Okabe and Ito (2008) that stay apart under every common colour blindness, less yellow."""

INK, MUTED, GRID, NEUTRAL = "#1f1f1f", "#595959", "#e3e3e3", "#6b6b6b"
_TITLE_SIZE = 16
WHEN = ("before", "after")
"""Before tuning and after, as columns end and figures say."""

COSINE_RANGE = (-1.0, 1.0)
"""Every cosine axis runs over this range, so that before and after can be compared by eye."""

MAP_CAPTION = "Map distances are not cosines: only who is near whom may be read."
"""The caption of every map."""

PLOTLY_CONFIG = {
    "showSendToCloud": False,
    "displaylogo": False,
    "responsive": True,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
}
"""What `st.plotly_chart(config=...)`, `Figure.show` and `write_html` take: nothing leaves the machine."""


@dataclass(frozen=True)
class Mark:
    """How one group is drawn: colour, marker symbol and line dash always differ together."""

    color: str
    symbol: str
    dash: str


MARKS = (
    Mark(PALETTE["blue"], "circle", "solid"),
    Mark(PALETTE["vermillion"], "diamond", "dash"),
    Mark(PALETTE["green"], "square", "dot"),
    Mark(PALETTE["purple"], "triangle-up", "dashdot"),
    Mark(PALETTE["orange"], "triangle-down", "longdash"),
    Mark(PALETTE["sky"], "pentagon", "longdashdot"),
    Mark(PALETTE["black"], "star", "5px,2px"),
)
"""The order in which groups without a mark of their own are given one."""

OTHER_MARK = Mark(NEUTRAL, "hexagon", "2px,4px")
"""The mark of what is left over when there are more groups than marks."""

NAMED_MARKS = {
    "synonym": MARKS[0],
    "antonym": MARKS[1],
    "similar": MARKS[2],
    "hypernym": MARKS[3],
    "unrelated": OTHER_MARK,
    "random": OTHER_MARK,
    "total": Mark(PALETTE["black"], "star", "solid"),
    "attract": MARKS[0],
    "repel": MARKS[1],
    "near": MARKS[2],
    "far": OTHER_MARK,
    "stayed": OTHER_MARK,
    "left": MARKS[4],
    "entered": MARKS[5],
    "root": MARKS[6],
    "typed": MARKS[6],
    "other branches": OTHER_MARK,
}
"""Names that look the same in every figure: one colour has one meaning there."""

_AXIS = {
    "gridcolor": GRID,
    "zerolinecolor": "#b5b5b5",
    "linecolor": "#b5b5b5",
    "automargin": True,
    "title": {"font": {"size": 13}},
}

TEMPLATE = go.layout.Template(
    layout={
        "colorway": [mark.color for mark in MARKS],
        "font": {"family": "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif", "size": 13, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "margin": {"l": 12, "r": 12, "t": 12, "b": 12},
        "autosize": True,
        "hovermode": "closest",
        "hoverlabel": {"align": "left", "bgcolor": "#ffffff", "font": {"size": 13, "color": INK}},
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "xref": "container",
            "y": 0,
            "yanchor": "bottom",
            "yref": "container",
            "font": {"size": 12},
            "bgcolor": "rgba(0,0,0,0)",
            "itemsizing": "constant",
        },
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)
"""The plotly template of every figure; the app passes `theme=None` so that it is not replaced."""


def marks_for(names: Iterable[str]) -> dict[str, Mark]:
    """Return one mark per name: known names keep theirs, the others take the unused ones in order.

    Where names outnumber `MARKS`, the last ones share `OTHER_MARK`.
    """
    names = list(dict.fromkeys(str(name) for name in names))
    taken = {NAMED_MARKS[name].color for name in names if name in NAMED_MARKS}
    free = iter([mark for mark in MARKS if mark.color not in taken])
    return {name: NAMED_MARKS.get(name) or next(free, OTHER_MARK) for name in names}


def outlined(symbol: str) -> str:
    """Return the outlined form of a filled marker symbol: outlined is before, filled is after."""
    return f"{symbol}-open"


def faint(color: str, alpha: float = 0.18) -> str:
    """Return a `#rrggbb` colour as a see-through `rgba(...)` colour."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def plain(text: object, limit: int = 200) -> str:
    """Return text that plotly shows as it is typed: no tags, no links, at most `limit` characters."""
    shown = "" if pd.isna(text) else str(text)
    shown = shown if len(shown) <= limit else shown[: limit - 1].rstrip() + "…"
    return html.escape(shown, quote=False)


def wrapped(text: object, width: int = 44) -> str:
    """Return plain text broken into lines of `width` characters, which fit a 360 pixel screen."""
    return _wrapped("" if pd.isna(text) else str(text), width)


@lru_cache(maxsize=20_000)  # the glosses of a large map are wrapped again before and after
def _wrapped(text: str, width: int) -> str:
    shown = text if len(text) <= 400 else text[:399] + "…"
    lines = textwrap.wrap(shown, width, break_long_words=True)
    return "<br>".join(html.escape(line, quote=False) for line in lines)


def gapped(values: np.ndarray) -> np.ndarray:
    """Return the rows of a matrix one after the other with a gap (nan) after each: many lines in one trace.

    >>> gapped(np.array([[0, 1], [2, 3]])).tolist()
    [0.0, 1.0, nan, 2.0, 3.0, nan]
    """
    return np.column_stack([values, np.full(len(values), np.nan)]).ravel()


def arrows(
    x: np.ndarray, y: np.ndarray, mark: Mark, *, head: np.ndarray, standoff: int, width: float
) -> go.Scatter:
    """Return arrows as one trace.

    Args:
        x: (arrows, 2) from and to.
        y: The same of the other axis.
        mark: Whose colour they have.
        head: (arrows,) size of each head, 0 for none.
        standoff: Pixels between the head and its point.
        width: Width of the lines.
    """
    none = np.zeros_like(head)
    look = {"symbol": "arrow", "size": np.column_stack([none, head, none]).ravel(), "angleref": "previous"}
    return go.Scatter(
        x=gapped(x),
        y=gapped(y),
        mode="lines+markers",
        line={"color": mark.color, "width": width},
        marker=look | {"color": mark.color, "standoff": standoff},
        hoverinfo="skip",
        showlegend=False,
        name="movement",
    )


def new_figure(title: str, *, height: int, caption: str = "", **layout: object) -> go.Figure:
    """Return an empty figure in the house style, `height` pixels high and as wide as its container.

    Title and caption stand above the plot; the room they take is counted in lines, because plotly's own
    automatic margin clips a title of two lines.
    """
    lines = [wrapped(title, 40)]
    if caption:
        small = f'<span style="font-size:12px;color:{MUTED}">'
        lines += [f"{small}{line}</span>" for line in wrapped(caption, 52).split("<br>")]
    text = "<br>".join(lines)
    heading = {
        "text": text,
        "x": 0,
        "xref": "container",
        "xanchor": "left",
        "y": 1,
        "yref": "container",
        "yanchor": "top",
        "pad": {"t": 22 if "<br>" in text else 14, "l": 12},  # plotly lifts a text of several lines
        "font": {"size": _TITLE_SIZE},
    }
    top = 24 + int(1.3 * _TITLE_SIZE * (1 + text.count("<br>")))
    figure = go.Figure()
    margin = {"l": 12, "r": 16, "t": top, "b": 12}
    return figure.update_layout(template=TEMPLATE, title=heading, height=height, margin=margin, **layout)


def checked(table: pd.DataFrame, columns: Sequence[str], figure: str) -> pd.DataFrame:
    """Return the table with a fresh index, once it is known to have rows and the columns named.

    Raises:
        InputError: A column is missing or there is no row.
    """
    missing = [name for name in columns if name not in table.columns]
    if missing:
        present = ", ".join(map(str, table.columns)) or "none"
        raise InputError(
            f"{figure}: the table lacks the column(s) {', '.join(missing)}; it has {present}",
            "name the columns as the figure's description does",
        )
    if table.empty:
        raise InputError(f"{figure}: the table has no rows", "choose words that the run has")
    return table.reset_index(drop=True)


def padded_range(values: np.ndarray, share: float = 0.06) -> list[float]:
    """Return `[low, high]` around all finite values with a margin of `share` on either side."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    margin = (high - low) * share or 0.5
    return [low - margin, high + margin]


def readable(x: np.ndarray, y: np.ndarray, *, limit: int) -> np.ndarray:
    """Return which points can carry a label without hiding another's, the first points served first.

    Args:
        x: Horizontal positions.
        y: Vertical positions.
        limit: The most labels; one needs 16 % of the positions' width and 5 % of their height.

    Returns:
        True where the label is to be written.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    width, height = 0.16 * (np.ptp(x) or 1.0), 0.05 * (np.ptp(y) or 1.0)
    chosen: list[int] = []
    for i in range(len(x)):
        free = all(abs(x[i] - x[j]) >= width or abs(y[i] - y[j]) >= height for j in chosen)
        if free and len(chosen) < limit:
            chosen.append(i)
    return np.isin(np.arange(len(x)), chosen)
