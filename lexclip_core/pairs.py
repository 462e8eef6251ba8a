"""Which pairs of words a training step sees: seeded batches, a function of the step alone.

A batch depends on nothing but the seed and the number of the step, so that a run that was killed goes on
with the batch that would have come next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.words import normalise

Split = Literal["train", "dev", "test"]
_DEV, _TEST = 12, 12  # per cent of the words


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


class Sampler(Protocol):
    """Anything that knows how many steps a training takes and what each one sees."""

    steps: int
    steps_per_epoch: int

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, the same one every time it is asked for."""


def split_of(word: str, family: str, heldout: Collection[str] = ()) -> Split:
    """Return the part a word belongs to, by a hash of its family, so that antonyms fall together.

    Args:
        word: The word.
        family: A name shared by words that must not be parted (`families`).
        heldout: Digests of words that are only ever tested.
    """
    if digest(word) in heldout:
        return "test"
    place = int(hashlib.sha256(f"lexclip-split:{family}".encode()).hexdigest(), 16) % 100
    return "dev" if place < _DEV else "test" if place < _DEV + _TEST else "train"


def digest(word: str) -> str:
    """Return ten hex digits that stand for a word without showing it."""
    return hashlib.sha256(f"lexclip:{normalise(word)}".encode()).hexdigest()[:10]


def families(n: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return for each of n words the smallest index among the words it is linked to, directly or not."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(n, n))
    _, label = connected_components(links, directed=False)
    smallest = np.full(label.max(initial=-1) + 1, n)
    np.minimum.at(smallest, label, np.arange(n))
    return smallest[label]


def split_words(
    words: Sequence[str], first: np.ndarray, second: np.ndarray, heldout: Collection[str] = ()
) -> np.ndarray:
    """Return the split of each word, str (n,); words linked by `first`, `second` (antonyms) share a family.

    12 % of the families go to dev, 12 % to test; the digests in `heldout` go to test whatever their family.
    """
    roots = families(len(words), first, second)
    return np.array([split_of(word, words[root], heldout) for word, root in zip(words, roots, strict=True)])


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

    def __init__(self, targets: np.ndarray, *, batch: int, epochs: int, seed: int) -> None:
        if batch < 2:
            raise InputError(f"batch is {batch}", "a batch of words needs at least two to make a pair")
        self._targets, self._size, self._seed = _square(targets), batch, seed
        n = len(targets)
        # A last batch of one word would hold no pair; it is left to the next epoch's order.
        self.steps_per_epoch = n // batch + (n % batch >= 2)
        self.steps = epochs * self.steps_per_epoch

    def batch(self, step: int) -> Batch:
        """Return the words of a step; every unordered pair counts once."""
        epoch, place = divmod(step, self.steps_per_epoch)
        rows = _epoch_order(len(self._targets), self._seed, epoch)[
            place * self._size : (place + 1) * self._size
        ]
        mask = np.triu(np.ones((len(rows), len(rows)), dtype=np.float32), k=1)
        return Batch(rows, self._targets[np.ix_(rows, rows)], {"distance": mask})


def _square(targets: np.ndarray) -> np.ndarray:
    if targets.ndim != 2 or targets.shape[0] != targets.shape[1] or len(targets) < 2:
        raise InputError(f"targets have shape {targets.shape}", "give a square matrix of at least two words")
    return targets.astype(np.float32)
