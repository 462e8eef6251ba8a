"""Wu-Palmer similarity of more synsets than a matrix of all pairs has room for, a strip of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.targets.taxonomy_index import Policy, Synset, load_taxonomy
from lexclip_core.targets.wu_palmer import wu_palmer

_STRIP_BYTES = 64 << 20


def wu_palmer_blocks(
    synsets_a: Iterable[Synset] | np.ndarray,
    synsets_b: Iterable[Synset] | np.ndarray | None = None,
    policy: Policy = "lawful",
    *,
    size: int | None = None,
    dtype: type[np.float32] | type[np.float64] = np.float32,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield `wu_palmer` of two lists strip by strip: which rows of the first list, and their strip.

    One strip is in memory at a time, and the next one is written over it: keep what you need of it, such as
    its sums. All 82,115 nouns of WordNet would fill 27 GB as float32; their strips fill 64 MB.

    Args:
        synsets_a: n synsets, as in `wu_palmer`.
        synsets_b: m synsets; `synsets_a` again if left out.
        policy: `lawful` or `nltk`.
        size: Rows in a strip, at least 1; as many as fit into 64 MB if left out.
        dtype: Of the strips.

    Yields:
        (rows, strip): a slice of 0..n, and (rows, m) similarities, valid until the next one.

    Raises:
        InputError: As in `wu_palmer`, or a size below 1.
    """
    if size is not None and size < 1:
        raise InputError(f"size is {size}", "give at least one row, or leave it out")
    taxonomy = load_taxonomy()
    rows = taxonomy.ids(synsets_a)
    cols = rows if synsets_b is None else taxonomy.ids(synsets_b)
    step = size or max(1, _STRIP_BYTES // (len(cols) * np.dtype(dtype).itemsize))
    buffer = np.empty((min(step, len(rows)), len(cols)), dtype=dtype)
    for start in range(0, len(rows), step):
        part = slice(start, min(start + step, len(rows)))
        strip = buffer[: part.stop - part.start]
        yield part, wu_palmer(rows[part], cols, policy, out=strip)
