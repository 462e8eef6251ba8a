"""Relations between synsets and between lemmas, as frozen arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lexclip_core.errors import InputError


def frozen(array: np.ndarray) -> np.ndarray:
    """Return the array, no longer writeable."""
    array.flags.writeable = False
    return array


def parents_first(parents: Sequence[Sequence[int]]) -> list[int]:
    """Return the numbers of all nodes, parents before children, and children soon after their parents.

    Args:
        parents: The parents of each node, by number. Of nodes without one, the lower number comes first.

    Raises:
        InputError: The hypernyms run in a circle.

    >>> parents_first([[1], [], [1, 0]])
    [1, 0, 2]
    """
    children: list[list[int]] = [[] for _ in parents]
    waiting = [len(row) for row in parents]
    for child, row in enumerate(parents):
        for parent in row:
            children[parent].append(child)
    ready = [node for node, row in enumerate(parents) if not len(row)][::-1]
    order = []
    while ready:
        node = ready.pop()
        order.append(node)
        for child in children[node]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    if len(order) < len(parents):
        raise InputError("the hypernyms run in a circle", "give a graph without cycles")
    return order


@dataclass(frozen=True, eq=False)
class Relation:
    """A relation from synsets to synsets in compressed rows: int32 `indptr` (n + 1,) and `indices` (m,).

    >>> relation = Relation(np.array([0, 1, 3]), np.array([1, 0, 1]))
    >>> relation.of(1).tolist(), relation.inverse().of(1).tolist()
    ([0, 1], [0, 1])
    """

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
