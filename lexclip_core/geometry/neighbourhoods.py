"""Exact neighbours by cosine in the original space, and how tuning changed them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lexclip_core.errors import InputError
from lexclip_core.geometry.embeddings import fitting, unit_rows, unit_vector, word_rows

_BLOCK = 1024


def nearest(
    embeddings: np.ndarray, rows: Sequence[int] | np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the exact k nearest other rows by cosine, nearest first, ties by row number.

    Args:
        embeddings: Unit rows, (words, dim).
        rows: The rows whose neighbours are wanted; a row is never its own neighbour.
        k: How many neighbours, 1 to words - 1.

    Returns:
        Row numbers (rows, k) int64 and their cosines (rows, k) float32.

    Raises:
        InputError: k is out of range, or a row is not of length 1.
    """
    embeddings = unit_rows(embeddings, "embeddings")
    rows = np.asarray(rows, dtype=int)
    _check_k(k, len(embeddings) - 1)
    indices = np.empty((len(rows), k), dtype=np.int64)
    cosines = np.empty((len(rows), k), dtype=np.float32)
    for start in range(0, len(rows), _BLOCK):
        block = rows[start : start + _BLOCK]
        scores = embeddings[block] @ embeddings.T
        scores[np.arange(len(block)), block] = -np.inf
        edge = np.partition(scores, -k, axis=1)[:, -k]
        for i, score in enumerate(scores):
            near = np.flatnonzero(score >= edge[i])
            order = near[np.argsort(-score[near], kind="stable")][:k]
            indices[start + i], cosines[start + i] = order, score[order]
    return indices, np.clip(cosines, -1.0, 1.0)


def _check_k(k: int, most: int) -> None:
    if not 1 <= k <= most:
        raise InputError(f"k is {k}, but must lie between 1 and {most}", "ask for fewer neighbours")


def neighbour_table(
    words: Sequence[str], before: np.ndarray, after: np.ndarray, word: str, k: int = 10
) -> pd.DataFrame:
    """Return the nearest words of one word before and after tuning: what stayed, entered and left.

    Args:
        words: The words of the embeddings' rows.
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning, (words, dim).
        word: The word whose neighbours are wanted; it is not its own neighbour.
        k: How many neighbours on either side.

    Returns:
        Columns neighbour, rank_before, rank_after (among all words, from 1), cosine_before,
        cosine_after in [-1, 1], change; rows by rank after, then those that left by rank before.

    Raises:
        InputError: The word has no embedding, or k is out of range.
    """
    row = int(word_rows([word], words)[0])
    before, after = fitting(words, before, after)
    return neighbour_table_of_vector(words, before, after, before[row], after[row], k, exclude=(word,))


def neighbour_table_of_vector(  # noqa: PLR0913 - two spaces, two vectors, and the words they are held against
    words: Sequence[str],
    before: np.ndarray,
    after: np.ndarray,
    vector_before: np.ndarray,
    vector_after: np.ndarray,
    k: int = 10,
    *,
    exclude: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the neighbour table of a text that was encoded by itself, such as a word typed by hand.

    Args:
        words: The words of the embeddings' rows.
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning, (words, dim).
        vector_before: The text's unit vector before tuning, (dim,).
        vector_after: The text's unit vector after tuning, (dim,).
        k: How many neighbours on either side.
        exclude: Words that are not to count as neighbours, such as the text itself.

    Returns:
        The table of `neighbour_table`.

    Raises:
        InputError: k is out of range, or the arrays do not fit each other.
    """
    before, after = fitting(words, before, after)
    names = np.asarray(list(words), dtype=object)
    kept = np.flatnonzero(~np.isin(names, list(exclude)))
    _check_k(k, len(kept))
    sides: dict[str, np.ndarray] = {}
    for side, rows, vector in (("before", before, vector_before), ("after", after, vector_after)):
        query = unit_vector(vector, f"vector_{side}", rows.shape[1])
        cosine = np.clip((rows @ query)[kept], -1.0, 1.0).astype(np.float64)
        rank = np.empty(len(kept), dtype=np.int64)
        rank[np.argsort(-cosine, kind="stable")] = np.arange(1, len(kept) + 1)
        sides |= {f"rank_{side}": rank, f"cosine_{side}": cosine}
    table = pd.DataFrame({"neighbour": names[kept], **sides})
    near_before, near_after = table["rank_before"] <= k, table["rank_after"] <= k
    table["change"] = np.select([near_before & near_after, near_after], ["stayed", "entered"], "left")
    table = table[near_before | near_after]
    first = np.where(table["change"] == "left", k + table["rank_before"], table["rank_after"])
    columns = ["neighbour", "rank_before", "rank_after", "cosine_before", "cosine_after", "change"]
    return table.iloc[np.argsort(first, kind="stable")][columns].reset_index(drop=True)
