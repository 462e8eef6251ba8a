"""Cosines of many rows with many others, a block at a time, and the nearest of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lexclip_core.errors import InputError

_BLOCK = 4_000_000  # cosines held at once: 16 MB of float32
_GROUPS = 10  # groups for each of the k nearest: they rarely share one


def top_k(queries: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
    """Return the places of the k items nearest to each query, the nearest first, (queries, k) int64.

    Args:
        queries: Unit rows, (queries, dim).
        items: Unit rows, (items, dim).
        k: Between 1 and the number of items.

    Raises:
        InputError: Shapes that do not fit, a row that is not finite, or an impossible k.
    """
    check_rows(queries, items)
    if not 1 <= k <= len(items):
        raise InputError(f"k is {k} with {len(items)} items", f"choose 1 to {len(items)}")
    found = np.empty((len(queries), k), dtype=np.int64)
    for block, cosines in cosine_blocks(queries, items):
        found[block] = _nearest(cosines, k)
    return found


def cosine_blocks(rows: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield which rows, and their cosines with all others, (rows of the block, others)."""
    step = max(1, _BLOCK // len(others))
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        yield block, rows[block] @ others.T


def check_rows(rows: np.ndarray, others: np.ndarray) -> None:
    """Refuse rows of shapes that do not fit, none, or one that is not finite.

    Raises:
        InputError: As said.
    """
    shapes = np.shape(rows), np.shape(others)
    if (
        [len(shape) for shape in shapes] != [2, 2]
        or shapes[0][1] != shapes[1][1]
        or 0 in shapes[0] + shapes[1]
    ):
        raise InputError(
            f"rows of shapes {shapes[0]} and {shapes[1]} do not fit together",
            "give (queries, dim) and (items, dim) of the same dim, at least one of each",
        )
    for array in (rows, others):
        if not np.isfinite(array).all():
            row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
            raise InputError(f"row {row} is not finite", "encode it again")


def _nearest(cosines: np.ndarray, k: int) -> np.ndarray:
    """Return the first k places of a stable descending sort of each row, without sorting the rows."""
    # flatnonzero is ten times faster than nonzero of two dimensions.
    rows, places = np.divmod(np.flatnonzero(cosines >= _bound(cosines, k)[:, None]), cosines.shape[1])
    order = np.lexsort((places, -cosines[rows, places], rows))
    starts = np.searchsorted(rows, np.arange(len(cosines)))
    return places[order][starts[:, None] + np.arange(k)]


def _bound(cosines: np.ndarray, k: int) -> np.ndarray:
    """Return a number for each row that at least k, and not many more, of its cosines reach.

    The row is dealt into groups; the k-th largest of their maxima will do, since these are k cosines.
    """
    width = cosines.shape[1]
    groups = min(_GROUPS * k, width)
    dealt = width - width % groups
    maxima = cosines[:, :dealt].reshape(len(cosines), -1, groups).max(axis=1)
    return np.partition(maxima, groups - k, axis=1)[:, groups - k]
