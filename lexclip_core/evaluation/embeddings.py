"""Unit rows of words, texts or pictures: what they must be, cosines of pairs, and exact nearest neighbours.

Every embedding of this project is a float32 row of length 1, so that a dot product is a cosine. All functions
here take arrays and need numpy alone.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from lexclip_core.errors import InputError

T = TypeVar("T")
U = TypeVar("U")

_UNIT_TOLERANCE = 1e-2
_BLOCK = 4_000_000  # cosines in memory at once: 16 MB of float32
_GROUPS = 10  # groups for each of the k nearest: they rarely share one


class BeforeAfter(NamedTuple, Generic[T]):
    """One thing under the base tower and under the tuned one: an encoder, embeddings, a cosine.

    >>> BeforeAfter(0.25, 0.75).map(lambda cosine: 1 - cosine)
    BeforeAfter(before=0.75, after=0.25)
    """

    before: T
    after: T

    def map(self, function: Callable[[T], U]) -> BeforeAfter[U]:
        """Return what a function makes of either."""
        return BeforeAfter(function(self.before), function(self.after))


def unit_rows(embeddings: np.ndarray, name: str) -> np.ndarray:
    """Return embeddings as float32, (words, dim), once they are known to be finite unit rows.

    Args:
        embeddings: (words, dim).
        name: What an error calls them.

    Raises:
        InputError: They are not a matrix, or a row is not of length 1.
    """
    rows = np.asarray(embeddings, dtype=np.float32)
    if rows.ndim != 2 or not rows.size:
        raise InputError(f"{name}: expected a (words, dim) array, got shape {rows.shape}", "encode the words")
    lengths = np.linalg.norm(rows, axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= _UNIT_TOLERANCE))
    if wrong.size:
        raise InputError(
            f"{name}: row {wrong[0]} has length {lengths[wrong[0]]:.4g}, not 1 ({wrong.size} such rows)",
            "divide each row by its Euclidean norm; a row of zeros or with missing values cannot be used",
        )
    return rows


def before_after_rows(
    before: np.ndarray, after: np.ndarray, words: Sequence[str] | None = None
) -> BeforeAfter[np.ndarray]:
    """Return embeddings before and after tuning as float32 unit rows of as many words; dimensions may differ.

    Args:
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning, (words, dim').
        words: The words of the rows, where they are known.

    Raises:
        InputError: A row is not of length 1, or the numbers of rows and words differ.
    """
    rows = BeforeAfter(unit_rows(before, "before"), unit_rows(after, "after"))
    if len(rows.before) != len(rows.after):
        raise InputError(
            f"before has {len(rows.before)} rows and after has {len(rows.after)}",
            "encode the same words before and after",
        )
    if words is not None and len(words) != len(rows.before):
        raise InputError(f"{len(words)} words but {len(rows.before)} embeddings", "give one row per word")
    return rows


def word_rows(wanted: Sequence[str], words: Sequence[str]) -> np.ndarray:
    """Return the row number of each wanted word, (wanted,) int64.

    Args:
        wanted: Words to look up.
        words: The words of the embeddings' rows.

    Raises:
        InputError: A word has no row; the message names the first five, and words spelled nearly like them.

    >>> word_rows(["cold", "hot"], ["hot", "warm", "cold"])
    array([2, 0])
    """
    rows = {word: row for row, word in enumerate(words)}
    missing = [str(word) for word in dict.fromkeys(wanted) if word not in rows]
    if missing:
        near = difflib.get_close_matches(missing[0], list(rows), n=3)
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        shown = ", ".join(repr(word[:60]) for word in missing[:5])
        hint = f"; near {missing[0][:60]!r}: {', '.join(near)}" if near else ""
        raise InputError(
            f"no embedding for {shown}{more}", f"choose among the {len(rows)} words encoded{hint}"
        )
    return np.array([rows[word] for word in wanted], dtype=int)


def row_cosines(rows_a: np.ndarray, rows_b: np.ndarray) -> np.ndarray:
    """Return the cosine of each row of one matrix with the same row of another, (n,) float64 in [-1, 1].

    Args:
        rows_a: (n, dim) unit rows.
        rows_b: (n, dim) unit rows.

    Raises:
        InputError: The shapes differ.

    >>> row_cosines(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.6, 0.8], [0.6, 0.8]]))
    array([0.6, 0.8])
    """
    if rows_a.shape != rows_b.shape or rows_a.ndim != 2:
        raise InputError(f"rows of shapes {rows_a.shape} and {rows_b.shape} do not pair", "encode both texts")
    cosines: np.ndarray = np.einsum("nd,nd->n", rows_a, rows_b, dtype=np.float64)
    return cosines.clip(-1, 1)


def nearest(
    queries: np.ndarray, items: np.ndarray, k: int, *, skip: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k items nearest to each query by cosine, the nearest first, and their cosines.

    Exact; of two items equally near, the one listed first counts as nearer.

    Args:
        queries: Unit rows, (queries, dim).
        items: Unit rows, (items, dim).
        k: How many, from 1 to the number of items to choose from.
        skip: (queries,) the place of one item for each query that it may not return: itself, where the
            queries are rows of the items.

    Returns:
        Places (queries, k) int64, and cosines (queries, k) in [-1, 1].

    Raises:
        InputError: Shapes that do not fit, a row that is not finite, or an impossible k.

    >>> items = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    >>> nearest(items[:1], items, 2, skip=np.array([0]))
    (array([[1, 2]]), array([[0.6, 0. ]]))
    """
    check_rows(queries, items)
    check_depth(k, len(items) - (skip is not None))
    places = np.empty((len(queries), k), dtype=np.int64)
    nearness = np.empty((len(queries), k), dtype=np.result_type(queries, items))
    for block, cosines in cosine_blocks(queries, items):
        if skip is not None:
            cosines[np.arange(len(cosines)), skip[block]] = -np.inf
        places[block] = _first(cosines, k)
        nearness[block] = np.take_along_axis(cosines, places[block], axis=1)
    return places, nearness.clip(-1, 1)


def own_ranks(rows: np.ndarray, others: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return how many others are nearer to each row than its own, (rows,) int64: 0 is best.

    Of two equally near, the one listed first counts as nearer.

    Args:
        rows: Unit rows, (rows, dim).
        others: Unit rows, (others, dim).
        own: (rows,) the place of each row's own among the others.

    >>> own_ranks(np.array([[0.8, 0.6], [0.8, 0.6]]), np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 1]))
    array([0, 1])
    """
    ranks = np.empty(len(rows), dtype=np.int64)
    for block, cosines in cosine_blocks(rows, others):
        mine = own[block, None]
        ranks[block] = listed_before(cosines, np.take_along_axis(cosines, mine, axis=1), mine)
    return ranks


def listed_before(cosines: np.ndarray, own: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return how many of each row's cosines are larger than its own, or as large and listed before, (rows,).

    Args:
        cosines: (rows, others).
        own: (rows, 1) the cosine of each row with its own.
        place: (rows, 1) where that stands.
    """
    ahead: np.ndarray = np.count_nonzero(cosines > own, axis=1)
    tied = np.flatnonzero(np.count_nonzero(cosines >= own, axis=1) > ahead + 1)
    if len(tied):
        earlier = np.arange(cosines.shape[1]) < place[tied]
        ahead[tied] += ((cosines[tied] == own[tied]) & earlier).sum(axis=1)
    return ahead


def cosine_blocks(rows: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield which rows, and their cosines with all others, (rows of the block, others), 16 MB at a time.

    Args:
        rows: Unit rows, (rows, dim).
        others: Unit rows, (others, dim).
    """
    step = max(1, _BLOCK // len(others))
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        yield block, rows[block] @ others.T


def check_rows(rows: np.ndarray, others: np.ndarray) -> None:
    """Refuse rows of shapes that do not fit, an empty matrix, or a row that is not finite.

    Raises:
        InputError: As said.
    """
    shapes = np.shape(rows), np.shape(others)
    matrices = [len(shape) for shape in shapes] == [2, 2] and 0 not in shapes[0] + shapes[1]
    if not matrices or shapes[0][1] != shapes[1][1]:
        raise InputError(
            f"rows of shapes {shapes[0]} and {shapes[1]} do not fit together",
            "give (queries, dim) and (items, dim) of the same dim, at least one of each",
        )
    for array in (rows, others):
        if not np.isfinite(array).all():
            row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
            raise InputError(f"row {row} is not finite", "encode it again")


def check_depth(k: int, most: int) -> None:
    """Refuse a number of neighbours that cannot be had.

    Raises:
        InputError: k is not between 1 and `most`.
    """
    if not 1 <= k <= most:
        raise InputError(
            f"k is {k}, but must lie between 1 and {most}", "ask for fewer neighbours, and at least one"
        )


def _first(cosines: np.ndarray, k: int) -> np.ndarray:
    """Return the first k places of a stable descending sort of each row, without sorting the rows."""
    # flatnonzero is ten times faster than nonzero of two dimensions.
    rows, places = np.divmod(np.flatnonzero(cosines >= _bound(cosines, k)[:, None]), cosines.shape[1])
    order = np.lexsort((places, -cosines[rows, places], rows))
    starts = np.searchsorted(rows, np.arange(len(cosines)))
    first: np.ndarray = places[order][starts[:, None] + np.arange(k)]
    return first


def _bound(cosines: np.ndarray, k: int) -> np.ndarray:
    """Return a number for each row that at least k, and not many more, of its cosines reach.

    The row is divided into groups; the k-th largest of their maxima will do, since these are k cosines.
    """
    width = cosines.shape[1]
    groups = min(_GROUPS * k, width)
    divided = width - width % groups
    maxima = cosines[:, :divided].reshape(len(cosines), -1, groups).max(axis=1)
    return np.partition(maxima, groups - k, axis=1)[:, groups - k]
