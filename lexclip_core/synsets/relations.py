"""Relations between synsets and between lemmas, as frozen arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def frozen(array: np.ndarray) -> np.ndarray:
    """Return the array, no longer writeable."""
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class Relation:
    """A relation from synsets to synsets in compressed rows: int32 `indptr` (n + 1,) and `indices` (m,)."""

    indptr: np.ndarray
    indices: np.ndarray

    def of(self, synset: int) -> np.ndarray:
        """Return the ids that one synset points to, int32."""
        return self.indices[self.indptr[synset] : self.indptr[synset + 1]]

    def inverse(self) -> Relation:
        """Return the relation read backwards, each row in ascending order of id."""
        sources = np.repeat(np.arange(len(self.indptr) - 1, dtype=np.int32), np.diff(self.indptr))
        order = np.argsort(self.indices, kind="stable")
        counts = np.bincount(self.indices, minlength=len(self.indptr) - 1)
        indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        return Relation(frozen(indptr), frozen(sources[order]))


@dataclass(frozen=True, eq=False)
class LemmaLinks:
    """Links from lemma `lemma_i` of synset `synset_i` to lemma `lemma_j` of synset `synset_j`, int32 (m,).

    Rows are sorted by `synset_i`, then `lemma_i`; lemmas are numbered from 0 within their synset.
    """

    synset_i: np.ndarray
    lemma_i: np.ndarray
    synset_j: np.ndarray
    lemma_j: np.ndarray

    def __len__(self) -> int:
        return len(self.synset_i)

    def of(self, synset: int, lemma: int | None = None) -> tuple[tuple[int, int], ...]:
        """Return the (synset, lemma) pairs that one lemma links to, or all lemmas of one synset."""
        first, last = np.searchsorted(self.synset_i, [synset, synset + 1])
        rows = range(int(first), int(last))
        return tuple(
            (int(self.synset_j[row]), int(self.lemma_j[row]))
            for row in rows
            if lemma is None or self.lemma_i[row] == lemma
        )
