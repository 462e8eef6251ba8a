"""Tidy tables -> plotly figures: pure functions, one palette, and an alternative text beside each figure.

Every figure function takes a table (and keywords) and returns a `plotly.graph_objects.Figure`; its
`<figure>_alt` partner says in a sentence or two what the figure shows. Only this package uses plotly.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from lexclip_core.errors import InputError
from lexclip_core.figures.cosines import (
    cosine_histogram,
    cosine_histogram_alt,
    pair_cosines,
    pair_cosines_alt,
)
from lexclip_core.figures.curves import curve, curve_alt, history, history_alt
from lexclip_core.figures.maps import subtree_map, subtree_map_alt
from lexclip_core.figures.matrices import matrix, matrix_alt
from lexclip_core.figures.neighbourhoods import neighbours, neighbours_alt
from lexclip_core.figures.rankings import rankings, rankings_alt
from lexclip_core.figures.ribbons import ribbons, ribbons_alt
from lexclip_core.figures.scores import frontier, frontier_alt, metric_bars, metric_bars_alt
from lexclip_core.figures.style import (
    COSINE_RANGE,
    MAP_CAPTION,
    MARKS,
    NAMED_MARKS,
    PALETTE,
    PLOTLY_CONFIG,
    TEMPLATE,
    marks_for,
    plotly_code,
    use_in_notebook,
)
from lexclip_core.figures.trade_offs import trade_offs, trade_offs_alt

ALT_TEXTS: dict[str, Callable[..., str]] = {
    "pair_cosines": pair_cosines_alt,
    "cosine_histogram": cosine_histogram_alt,
    "subtree_map": subtree_map_alt,
    "neighbours": neighbours_alt,
    "history": history_alt,
    "matrix": matrix_alt,
    "rankings": rankings_alt,
    "metric_bars": metric_bars_alt,
    "frontier": frontier_alt,
    "curve": curve_alt,
    "ribbons": ribbons_alt,
    "trade_offs": trade_offs_alt,
}
"""The alternative text of each figure, by the figure function's name."""


def alt_text(kind: str, table: pd.DataFrame, *arguments: str, **options: str) -> str:
    """Return one or two sentences that describe a figure for screen readers.

    Args:
        kind: The figure function's name, such as `pair_cosines`.
        table: The table that the figure was drawn from.
        *arguments: What the figure also took, such as the side of a subtree map.
        **options: The same by keyword.

    Raises:
        InputError: No figure has that name, or the table does not fit it.
    """
    if kind not in ALT_TEXTS:
        raise InputError(f"no figure is called {kind!r}", f"choose one of {', '.join(ALT_TEXTS)}")
    return ALT_TEXTS[kind](table, *arguments, **options)


__all__ = [
    "ALT_TEXTS",
    "COSINE_RANGE",
    "MAP_CAPTION",
    "MARKS",
    "NAMED_MARKS",
    "PALETTE",
    "PLOTLY_CONFIG",
    "TEMPLATE",
    "alt_text",
    "cosine_histogram",
    "curve",
    "frontier",
    "history",
    "marks_for",
    "matrix",
    "metric_bars",
    "neighbours",
    "pair_cosines",
    "plotly_code",
    "rankings",
    "ribbons",
    "subtree_map",
    "trade_offs",
    "use_in_notebook",
]
