"""The words and pairs of each training step, a function of the seed and the step alone.

So a run that was killed goes on with the batch that would have come next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from lexclip_core.errors import InputError


@dataclass(frozen=True, eq=False)
class Batch:
    """The words of one training step and what is wanted of each pair of them.

    Attributes:
        rows: Index of each word in the vocabulary, int64 (n,).
        targets: Target cosines, float32 (n, n).
        masks: Loss term -> pair weights, float32 (n, n).
    """

    rows: np.ndarray
    targets: np.ndarray
    masks: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class TargetsOnDemand:
    """Target cosines that are computed for the words of a batch alone, where a matrix of all has no room.

    Attributes:
        words: How many words the vocabulary has.
        among: Rows of the vocabulary, int64 (n,) -> their target cosines, (n, n).
    """

    words: int
    among: Callable[[np.ndarray], np.ndarray]


class Sampler(Protocol):
    """Anything that knows how many steps a training takes and what each one sees."""

    steps: int
    steps_per_epoch: int

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, the same one every time it is asked for."""


@lru_cache(maxsize=1)  # every step of an epoch asks for the same one
def _epoch_order(n: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(n)


def _slice(step: int, size: int, n: int) -> tuple[int, slice]:
    per_epoch = -(-n // size)
    epoch, place = divmod(step, per_epoch)
    return epoch, slice(place * size, (place + 1) * size)


class PairSampler:
    """Batches of word pairs; each epoch goes once through all pairs, as the blog's released code does."""

    def __init__(self, targets: np.ndarray, *, batch: int, epochs: int, seed: int) -> None:
        self._targets, self._size, self._seed = _square(targets), batch, seed
        self._first, self._second = np.triu_indices(len(targets), k=1)
        self.steps_per_epoch = -(-len(self._first) // batch)
        self.steps = epochs * self.steps_per_epoch

    def batch(self, step: int) -> Batch:
        """Return both words of each pair, one pair after the other; only those pairs count."""
        epoch, part = _slice(step, self._size, len(self._first))
        chosen = _epoch_order(len(self._first), self._seed, epoch)[part]
        rows = np.stack([self._first[chosen], self._second[chosen]], axis=1).ravel()
        mask = np.zeros((len(rows), len(rows)), dtype=np.float32)
        mask[np.arange(0, len(rows), 2), np.arange(1, len(rows), 2)] = 1
        return Batch(rows, self._targets[np.ix_(rows, rows)], {"distance": mask})


class WordSampler:
    """Batches of words with all pairs within; a batch as large as the vocabulary is the full matrix."""

    def __init__(self, targets: np.ndarray | TargetsOnDemand, *, batch: int, epochs: int, seed: int) -> None:
        if batch < 2:
            raise InputError(f"batch is {batch}", "a batch of words needs at least two to make a pair")
        self._targets, self._size, self._seed = _on_demand(targets), batch, seed
        n = self._targets.words
        # A last batch of one word would hold no pair; it is left to the next epoch's order.
        self.steps_per_epoch = n // batch + (n % batch >= 2)
        self.steps = epochs * self.steps_per_epoch

    def batch(self, step: int) -> Batch:
        """Return the words of a step; every unordered pair counts once."""
        epoch, place = divmod(step, self.steps_per_epoch)
        rows = _epoch_order(self._targets.words, self._seed, epoch)[
            place * self._size : (place + 1) * self._size
        ]
        mask = np.triu(np.ones((len(rows), len(rows)), dtype=np.float32), k=1)
        targets = self._targets.among(rows).astype(np.float32, copy=False)
        return Batch(rows, targets, {"distance": mask})


def _on_demand(targets: np.ndarray | TargetsOnDemand) -> TargetsOnDemand:
    if isinstance(targets, TargetsOnDemand):
        if targets.words < 2:
            raise InputError(f"there is {targets.words} word", "give at least two")
        return targets
    matrix = _square(targets)
    return TargetsOnDemand(len(matrix), lambda rows: matrix[np.ix_(rows, rows)])


def _square(targets: np.ndarray) -> np.ndarray:
    if targets.ndim != 2 or targets.shape[0] != targets.shape[1] or len(targets) < 2:
        raise InputError(f"targets have shape {targets.shape}", "give a square matrix of at least two words")
    return targets.astype(np.float32)
