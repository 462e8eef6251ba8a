"""What every part of the geometry asks of embeddings: unit rows, the same words on both sides."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from lexclip_core.errors import InputError

_UNIT_TOLERANCE = 1e-2


def unit_rows(embeddings: np.ndarray, name: str) -> np.ndarray:
    """Return the embeddings as float32 once they are known to be finite unit rows."""
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


def both_sides(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both sides as float32, once they are known to be unit rows of as many words."""
    before, after = unit_rows(before, "before"), unit_rows(after, "after")
    if len(before) != len(after):
        raise InputError(
            f"before has {len(before)} rows and after has {len(after)}", "encode the same words on both sides"
        )
    return before, after


def word_rows(wanted: Sequence[str], words: Sequence[str]) -> np.ndarray:
    """Return the row of each wanted word, or raise naming the first five that are not there."""
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


def fitting(words: Sequence[str], before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both sides as `both_sides` does, once there is one row a word."""
    before, after = both_sides(before, after)
    if len(words) != len(before):
        raise InputError(f"{len(words)} words but {len(before)} embeddings", "give one row a word")
    return before, after


def unit_vector(vector: np.ndarray, name: str, dim: int) -> np.ndarray:
    """Return one text's vector as float32, once it is known to be of length 1 and of the words' dimension."""
    row = unit_rows(np.reshape(vector, (1, -1)), name)[0]
    if len(row) != dim:
        raise InputError(
            f"{name} has {len(row)} dimensions, the words have {dim}", "encode both with one tower"
        )
    return row
