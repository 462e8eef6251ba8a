"""Cosines of word pairs before and after tuning, and what they come to by relation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lexclip_core.errors import InputError
from lexclip_core.geometry.embeddings import both_sides, fitting, word_rows


def pair_cosines(
    before_a: np.ndarray, before_b: np.ndarray, after_a: np.ndarray, after_b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the row-by-row cosines before and after tuning, float64 of shape (pairs,) in [-1, 1].

    Args:
        before_a: Unit rows of the pairs' first words before tuning, (pairs, dim).
        before_b: Unit rows of the pairs' second words before tuning.
        after_a: As `before_a`, after tuning; the dimension may differ.
        after_b: As `before_b`, after tuning.

    Raises:
        InputError: The arrays do not have the same number of rows, or a row is not of length 1.
    """
    sides = []
    for left, right in ((before_a, before_b), (after_a, after_b)):
        left, right = both_sides(left, right)
        sides.append(np.clip(np.einsum("nd,nd->n", left, right, dtype=np.float64), -1.0, 1.0))
    if len(sides[0]) != len(sides[1]):
        raise InputError(
            f"{len(sides[0])} pairs before and {len(sides[1])} after", "encode the same pairs on both sides"
        )
    return sides[0], sides[1]


def pair_table(
    pairs: pd.DataFrame, words: Sequence[str], before: np.ndarray, after: np.ndarray
) -> pd.DataFrame:
    """Return the pairs with their cosines beside them, in the columns cosine_before and cosine_after.

    Args:
        pairs: Columns word_a and word_b, with any others (relation, pos, split) kept.
        words: The words of the embeddings' rows.
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning, (words, dim).

    Raises:
        InputError: A word has no embedding, or the embeddings do not fit each other or the words.
    """
    before, after = fitting(words, before, after)
    a, b = word_rows(list(pairs["word_a"]), words), word_rows(list(pairs["word_b"]), words)
    if not len(a):
        raise InputError("there are no pairs", "give at least one row with word_a and word_b")
    cosine_before, cosine_after = pair_cosines(before[a], before[b], after[a], after[b])
    return pairs.reset_index(drop=True).assign(cosine_before=cosine_before, cosine_after=cosine_after)


def pair_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a relation: pairs, mean cosine before and after, mean change, share that rose.

    Args:
        table: Columns relation, cosine_before, cosine_after, as `pair_table` returns them.
    """
    change = table["cosine_after"] - table["cosine_before"]
    rows = table.assign(change=change, rose=change > 0).groupby("relation", sort=False)
    return rows.agg(
        pairs=("change", "size"),
        mean_before=("cosine_before", "mean"),
        mean_after=("cosine_after", "mean"),
        mean_change=("change", "mean"),
        share_rose=("rose", "mean"),
    ).reset_index()
