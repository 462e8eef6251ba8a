"""What each training step sees, a function of the seed and the step alone.

So a run that was killed goes on with the batch that would have come next. A way to sample a matrix of targets
is one entry of `SAMPLERS`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from lexclip_core.errors import InputError

_ROUNDS = 20
_NEAREST_SENTENCES = 3  # drawn beside each sentence


@dataclass(frozen=True, eq=False)
class Batch:
    """The words of one training step and what is wanted of each pair of them.

    Attributes:
        rows: Index of each word in the vocabulary, int64 (n,), all different.
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

    @property
    def steps_per_epoch(self) -> int:
        """Return how many steps make an epoch."""

    @property
    def lr_multiplier(self) -> float:
        """Return what a step's learning rate is multiplied by: how many steps of pairs it stands for."""

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, the same one every time it is asked for."""


@lru_cache(maxsize=1)  # every step of an epoch asks for the same one
def _epoch_order(n: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng([seed, epoch]).permutation(n)


def _drawn(n: int, size: int, per_epoch: int, seed: int, step: int) -> np.ndarray:
    epoch, place = divmod(step, per_epoch)
    return _epoch_order(n, seed, epoch)[place * size : (place + 1) * size]


class PairSampler:
    """Batches of word pairs; each epoch goes once through all pairs, as the blog's released code does."""

    lr_multiplier = 1.0

    def __init__(self, targets: np.ndarray, *, batch: int, epochs: int, seed: int) -> None:
        self._targets, self._size, self._seed = _square(targets), batch, seed
        self._first, self._second = np.triu_indices(len(targets), k=1)
        self.steps_per_epoch = -(-len(self._first) // batch)
        self.steps = epochs * self.steps_per_epoch

    def batch(self, step: int) -> Batch:
        """Return the words of some pairs, each once however many pairs it is in; only those pairs count."""
        chosen = _drawn(len(self._first), self._size, self.steps_per_epoch, self._seed, step)
        pairs = np.concatenate([self._first[chosen], self._second[chosen]])
        rows, places = np.unique(pairs, return_inverse=True)
        mask = np.zeros((len(rows), len(rows)), dtype=np.float32)
        mask[tuple(places.reshape(2, -1))] = 1
        return Batch(rows, self._targets[np.ix_(rows, rows)], {"distance": mask})


class WordSampler:
    """Batches of words with all pairs within; a batch as large as the vocabulary is the full matrix."""

    lr_multiplier = 1.0

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
        rows = _drawn(self._targets.words, self._size, self.steps_per_epoch, self._seed, step)
        mask = np.triu(np.ones((len(rows), len(rows)), dtype=np.float32), k=1)
        targets = self._targets.among(rows).astype(np.float32, copy=False)
        return Batch(rows, targets, {"distance": mask})


def _full_matrix(targets: np.ndarray, *, batch: int, epochs: int, seed: int) -> WordSampler:
    return WordSampler(targets, batch=len(targets), epochs=epochs, seed=seed)


class ExpectedSampler:
    """All pairs in every step: the expected gradient of a step of `PairSampler`, at a larger learning rate.

    At a small learning rate many steps of plain SGD add up, on average, to as many expected steps. So the
    steps of all epochs of pairs are shared out evenly among `steps`, and the learning rate is multiplied by
    each one's share. A step costs one encoding of each word.
    """

    def __init__(self, targets: np.ndarray, *, batch: int, epochs: int, seed: int) -> None:
        n = len(targets)
        self._all = WordSampler(targets, batch=n, epochs=1, seed=seed).batch(0)
        self.replaced = epochs * -(-n * (n - 1) // 2 // batch)
        self._epochs, self.steps = epochs, 100

    @property
    def steps_per_epoch(self) -> int:
        """Return how many steps stand for an epoch of pairs."""
        return max(1, self.steps // self._epochs)

    @property
    def lr_multiplier(self) -> float:
        """Return how many steps of pairs a step stands for."""
        return float(self.replaced / self.steps)

    def batch(self, step: int) -> Batch:
        """Return all words and all pairs, whatever the step."""
        return self._all


SAMPLERS: dict[str, Callable[..., Sampler]] = {
    "pairs": PairSampler,
    "in_batch": WordSampler,
    "full_matrix": _full_matrix,
    "expected": ExpectedSampler,
}
"""Name -> how a matrix of targets is sampled: (targets, batch=, epochs=, seed=) -> sampler."""


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


@dataclass(frozen=True, eq=False)
class RelatedPairs:
    """Training pairs that WordNet relates, and how readily each is drawn.

    Attributes:
        first: Index of one word, int64 (m,).
        second: Index of the other, int64 (m,).
        targets: Target cosine, float32 (m,).
        opposite: Whether the pair is to be pushed apart, bool (m,).
        weights: How readily it is drawn, relative to the others of its sort, float64 (m,) >= 0. Pairs of
            weight 0 are ignored: where both words meet, their cosine is neither trained nor retained.
    """

    first: np.ndarray
    second: np.ndarray
    targets: np.ndarray
    opposite: np.ndarray
    weights: np.ndarray

    def shuffled(self, seed: int) -> RelatedPairs:
        """Return the same words and values, given to other pairs: the control of the structure."""
        order = np.random.default_rng(seed).permutation(len(self.first))
        return RelatedPairs(
            self.first, self.second, self.targets[order], self.opposite[order], self.weights[order]
        )

    def on_random_words(self, usable: np.ndarray, seed: int) -> RelatedPairs:
        """Return the same structure and values on other words: the control of the vocabulary.

        Args:
            usable: Which words may be trained on, bool (V,); each is given the place of a random one of them.
            seed: Of the exchange.
        """
        other = np.arange(len(usable))
        other[usable] = np.random.default_rng(seed).permutation(other[usable])
        first, second = np.sort([other[self.first], other[self.second]], axis=0)
        return RelatedPairs(first, second, self.targets, self.opposite, self.weights)

    def constant(self) -> RelatedPairs:
        """Return the same pairs with the mean of all targets for each: the control of the values.

        What is opposite stays so. Opposites are still only pushed down to the mean, and relatives only pulled
        up to it: this takes away the values, not the structure, which `shuffled` takes away.
        """
        mean = np.full_like(self.targets, self.targets[self.weights > 0].mean())
        return RelatedPairs(self.first, self.second, mean, self.opposite, self.weights)


@dataclass(frozen=True)
class RelationPlan:
    """How a step of `RelationSampler` is composed.

    Attributes:
        batch: Opposite pairs in a step, and as many pairs to be pulled together.
        retained: Words in a step that are only retained.
        weight_abstract: Weight of retaining a pair of which no word names a thing; other pairs count 1.
        sentences: Sentences in a step, whose cosines with each other are retained.
        associated: Associated pairs in a step, whose cosines are retained.
        neighbours: Words drawn from the surroundings of a word, so that close pairs are retained.
        surroundings: How many nearest words count as surroundings.
        near: Base cosine from which a pair counts as near.
    """

    batch: int
    retained: int
    weight_abstract: float
    sentences: int = 0
    associated: int = 0
    neighbours: int = 8
    surroundings: int = 24
    near: float = 0.35


class RelationSampler:
    """Related pairs beside words to be retained: what is not related must keep its base cosine.

    Each step draws opposites and relatives, then words from the surroundings of some of them and of other
    words, then words at random. Every pair within a step that WordNet relates is trained, whichever way it
    got in; every other pair is retained.

    Args:
        pairs: What WordNet relates, among the training words.
        reference: The base tower's unit rows of the vocabulary, float32 (V, dim).
        things: Which words name things, bool (V,): things have no opposites, so they are retained in full.
        wide: Indices of words drawn to be retained, useful ones more than once if need be.
        sentences: Indices of the texts of the vocabulary that are sentences.
        associated: Indices of the words of each associated pair, int64 (m, 2).
        plan: The composition of a step.
        steps: How many steps there are.
        seed: Of all draws.
    """

    steps_per_epoch = 1
    lr_multiplier = 1.0

    def __init__(  # noqa: PLR0913 - what a step is made of
        self,
        pairs: RelatedPairs,
        reference: np.ndarray,
        things: np.ndarray,
        wide: np.ndarray,
        *,
        sentences: np.ndarray | None = None,
        associated: np.ndarray | None = None,
        plan: RelationPlan,
        steps: int,
        seed: int,
    ) -> None:
        self.steps = steps
        self.pairs, self._reference, self._things, self._wide = pairs, reference, things, wide
        self._sentences = np.empty(0, dtype=np.int64) if sentences is None else sentences
        self._associated = np.empty((0, 2), dtype=np.int64) if associated is None else associated
        self._plan, self._seed = plan, seed
        drawn = pairs.weights > 0
        self._opposites = np.flatnonzero(pairs.opposite & drawn)
        self._relatives = np.flatnonzero(~pairs.opposite & drawn)
        for name, sort in (("opposites", self._opposites), ("relatives", self._relatives)):
            if not len(sort):
                raise InputError(f"no {name} among the training words", "give a larger vocabulary")
        self._by_first = _rows_by(pairs.first, len(reference))

    def reseeded(self, seed: int) -> RelationSampler:
        """Return the sampler of the same pairs and words whose draws have another seed."""
        other = copy.copy(self)
        other._seed = seed
        return other

    def batch(self, step: int) -> Batch:
        """Return the texts of a step with a mask for each of the terms repel, attract, near and far.

        With sentences in the plan there is a fifth, sentences.
        """
        rng = np.random.default_rng([self._seed, step])
        opposites, relatives = self._draw(rng, self._opposites), self._draw(rng, self._relatives)
        drawn = np.concatenate([opposites, relatives])
        related = np.concatenate([self.pairs.first[drawn], self.pairs.second[drawn]])
        seeds = np.concatenate([rng.choice(related, self._seeds), rng.choice(self._wide, self._seeds)])
        around = self._around(rng, seeds, np.unique(self._wide), self._plan.neighbours)
        filling = rng.choice(self._wide, max(0, self._plan.retained - len(around)))
        sentences = self._draw_sentences(rng)
        associated = self._draw_associated(rng)
        words = np.unique(np.concatenate([related, around, filling, associated.ravel()]))
        return self._composed(words, sentences, associated)

    @property
    def _seeds(self) -> int:
        return max(1, self._plan.retained // (2 * self._plan.neighbours) - 2)

    def _draw(self, rng: np.random.Generator, sort: np.ndarray) -> np.ndarray:
        weights = self.pairs.weights[sort]
        return rng.choice(sort, self._plan.batch, p=weights / weights.sum())

    def _draw_sentences(self, rng: np.random.Generator) -> np.ndarray:
        """Return some sentences and, of each, some of the nearest, so that close pairs are retained."""
        if not self._plan.sentences or not len(self._sentences):
            return self._sentences[:0]
        seeds = rng.choice(self._sentences, max(1, self._plan.sentences // (1 + _NEAREST_SENTENCES)))
        return np.unique(
            np.concatenate([seeds, self._around(rng, seeds, self._sentences, _NEAREST_SENTENCES)])
        )

    def _draw_associated(self, rng: np.random.Generator) -> np.ndarray:
        if not self._plan.associated or not len(self._associated):
            return self._associated[:0]
        return self._associated[rng.integers(len(self._associated), size=self._plan.associated)]

    def _around(
        self, rng: np.random.Generator, seeds: np.ndarray, pool: np.ndarray, count: int
    ) -> np.ndarray:
        most = min(self._plan.surroundings, len(pool))
        nearest = np.argpartition(-(self._reference[seeds] @ self._reference[pool].T), most - 1, axis=1)[
            :, :most
        ]
        return np.concatenate([rng.choice(pool[row], min(count, most)) for row in nearest])

    def _composed(self, words: np.ndarray, sentences: np.ndarray, associated: np.ndarray) -> Batch:
        rows = np.concatenate([words, sentences])
        n = len(rows)
        base = (self._reference[rows] @ self._reference[rows].T).astype(np.float32)
        place = np.full(len(self._reference), -1)
        place[rows] = np.arange(n)
        found = np.concatenate([self._by_first[row] for row in words])
        found = found[place[self.pairs.second[found]] >= 0]
        i, j = np.sort([place[self.pairs.first[found]], place[self.pairs.second[found]]], axis=0)
        opposite, drawn = self.pairs.opposite[found], self.pairs.weights[found] > 0
        near = base > self._plan.near
        base[i, j] = self.pairs.targets[found]  # elsewhere the base cosine is the target
        every = np.triu(np.ones((n, n), dtype=np.float32), k=1)
        masks = {"repel": np.zeros_like(every), "attract": np.zeros_like(every)}
        masks["repel"][i[opposite & drawn], j[opposite & drawn]] = 1
        masks["attract"][i[~opposite & drawn], j[~opposite & drawn]] = 1
        free = every.copy()
        free[i, j] = 0
        free[:, len(words) :] = 0
        things = self._things[rows]
        free *= np.where(things[:, None] | things[None, :], 1, self._plan.weight_abstract).astype(np.float32)
        masks["near"], masks["far"] = free * near, free * ~near
        if self._plan.sentences:
            every[: len(words)] = 0
            masks["sentences"] = _mean_mask(every * near) + _mean_mask(every * ~near)
        if self._plan.associated:
            masks["associated"] = np.zeros_like(free)
            masks["associated"][tuple(np.sort(place[associated], axis=1).T)] = 1
        return Batch(rows, base, masks)


def _mean_mask(mask: np.ndarray) -> np.ndarray:
    """Return a mask whose entries add up to 1, so that no part of the pairs drowns the other."""
    return mask / max(1.0, float(mask.sum()))


def _rows_by(keys: np.ndarray, n: int) -> list[np.ndarray]:
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.cumsum(np.bincount(keys, minlength=n))[:-1])


class RecordSampler:
    """Batches of records; each epoch is a new order of all of them, what is left over at its end is dropped.

    Records of one picture are kept out of one batch, where each would count the other's text as wrong:
    whatever shares a batch is swapped away at random, and where records are too few for that to succeed, they
    are spread over the batches one by one. So two are in one batch only if a picture has more records than
    there are batches.

    Args:
        images: What identifies the picture of each record, int64 (n,).
        batch: Records in a batch.
        epochs: Passes over the records.
        seed: Of the orders.
        steps: Number of steps; 0 means as many as the epochs take.

    Raises:
        InputError: There are fewer records than a batch has.
    """

    def __init__(self, images: np.ndarray, *, batch: int, epochs: int, seed: int, steps: int = 0) -> None:
        self.steps_per_epoch = len(images) // batch
        if not self.steps_per_epoch:
            raise InputError(
                f"{len(images)} records make no batch of {batch}", "lower batch, or give more records"
            )
        self.steps = steps or epochs * self.steps_per_epoch
        self._size, self._seed, self._count = batch, seed, len(images)
        labels = np.unique(images, return_inverse=True)[1]
        self._labels = labels if len(labels) and labels.max() + 1 < len(labels) else None
        self._epoch, self._order = -1, np.empty(0, dtype=np.int64)

    def rows(self, step: int) -> np.ndarray:
        """Return the places of a step's records, int64 (batch,), all different."""
        epoch, place = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._ordered(epoch)
        return self._order[place * self._size : (place + 1) * self._size]

    def _ordered(self, epoch: int) -> np.ndarray:
        rng = np.random.default_rng([self._seed, epoch])
        order = rng.permutation(self._count)
        if self._labels is None:
            return order
        for _ in range(_ROUNDS):
            doubles = self._doubles(order)
            if not len(doubles):
                return order
            others = np.setdiff1d(np.arange(self._count), doubles, assume_unique=True)
            if len(others) < len(doubles):
                break
            swapped = rng.choice(others, len(doubles), replace=False)
            order[doubles], order[swapped] = order[swapped], order[doubles]
        spread = self._spread(rng)
        return spread if len(self._doubles(spread)) < len(self._doubles(order)) else order

    def _doubles(self, order: np.ndarray) -> np.ndarray:
        """Return the places in an order whose picture stands in the same batch before."""
        assert self._labels is not None
        kept = order[: self.steps_per_epoch * self._size]
        batches = np.arange(len(kept)) // self._size
        keys = batches * (int(self._labels.max()) + 1) + self._labels[kept]
        ranked = np.argsort(keys, kind="stable")
        repeated: np.ndarray = ranked[1:][keys[ranked][1:] == keys[ranked][:-1]]
        return repeated

    def _spread(self, rng: np.random.Generator) -> np.ndarray:
        """Return an order in which the records of a picture go to as many batches as there are."""
        assert self._labels is not None
        batches = self.steps_per_epoch
        shuffled = rng.permutation(self._count)
        labels = rng.permutation(int(self._labels.max()) + 1)[self._labels[shuffled]]
        together = shuffled[np.argsort(labels, kind="stable")]  # the records of a picture side by side
        labels = np.sort(labels)
        nth = np.arange(self._count) - np.searchsorted(labels, labels)
        # what is left over is best taken from pictures that have too many
        surplus = np.lexsort((rng.random(self._count), nth >= batches))[batches * self._size :]
        cards = np.delete(together, surplus)
        hands = cards.reshape(self._size, batches).T[rng.permutation(batches)]
        return np.concatenate([hands.ravel(), together[surplus]])
