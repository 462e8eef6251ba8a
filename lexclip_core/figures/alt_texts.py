"""Every figure with its alternative text: figure functions register here, and no other file lists them.

A figure function is called `<thing>_figure`, takes a table (and keywords) and returns a plotly Figure. It is
registered as `<thing>` together with `<thing>_alt`, which says in a sentence or two what the figure shows:

    @described_by(pair_cosines_alt)
    def pair_cosines_figure(table): ...
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import pandas as pd
import plotly.graph_objects as go

from lexclip_core.errors import InputError

F = TypeVar("F", bound=Callable[..., go.Figure])


class DescribedFigure(NamedTuple):
    """A figure function, and the function of its alternative text."""

    draw: Callable[..., go.Figure]
    describe: Callable[..., str]


_FIGURES: dict[str, DescribedFigure] = {}


def described_by(describe: Callable[..., str]) -> Callable[[F], F]:
    """Register a figure function with the function of its alternative text.

    Args:
        describe: Takes what the figure takes, less what is only looks (titles, intervals).

    Raises:
        InputError: The functions are not called `<thing>_figure` and `<thing>_alt`.
    """

    def register(draw: F) -> F:
        name = draw.__name__.removesuffix("_figure")
        if (draw.__name__, describe.__name__) != (f"{name}_figure", f"{name}_alt"):
            raise InputError(
                f"{draw.__name__} is described by {describe.__name__}",
                f"call them {name}_figure and {name}_alt",
            )
        _FIGURES[name] = DescribedFigure(draw, describe)
        return draw

    return register


def figures() -> dict[str, DescribedFigure]:
    """Return every figure of this package by its name.

    >>> figures()["matrix"].draw.__name__
    'matrix_figure'
    """
    for module in pkgutil.iter_modules([str(Path(__file__).parent)], "lexclip_core.figures."):
        importlib.import_module(module.name)
    return dict(_FIGURES)


def alt_text(kind: str, table: pd.DataFrame, *arguments: str, **options: str) -> str:
    """Return one or two sentences that describe a figure for screen readers.

    Args:
        kind: The figure's name, such as `pair_cosines`.
        table: The table that the figure was drawn from.
        *arguments: What the figure also took, such as the side of a subtree map.
        **options: The same by keyword.

    Raises:
        InputError: Unknown figure, or the table does not fit it.

    >>> alt_text("history", pd.DataFrame({"step": [1, 2], "total": [0.5, 0.25]}))
    'Loss over 2 recorded training steps: total from 0.5 to 0.25.'
    """
    known = figures()
    if kind not in known:
        raise InputError(f"unknown figure {kind!r}", f"choose one of {', '.join(known)}")
    return known[kind].describe(table, *arguments, **options)
