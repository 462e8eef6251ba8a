"""Steps that move related pairs and hold on to everything else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.pairs.samplers import Batch


@dataclass(frozen=True, eq=False)
class RelatedPairs:
    """Training pairs that WordNet relates, and how readily each is drawn.

    Attributes:
        first: Index of one word, int64 (m,).
        second: Index of the other, int64 (m,).
        targets: Target cosine, float32 (m,).
        opposite: Whether the pair is to be pushed apart, bool (m,).
        weights: How readily it is drawn, relative to the others of its sort, float64 (m,) > 0.
    """

    first: np.ndarray
    second: np.ndarray
    targets: np.ndarray
    opposite: np.ndarray
    weights: np.ndarray

    def shuffled(self, seed: int) -> RelatedPairs:
        """Return the same words and values, dealt out to other pairs: the control of the structure."""
        order = np.random.default_rng(seed).permutation(len(self.first))
        return RelatedPairs(
            self.first, self.second, self.targets[order], self.opposite[order], self.weights[order]
        )

    def constant(self) -> RelatedPairs:
        """Return the same pairs with the mean of all targets for each: the control of the values.

        What is opposite stays so. Opposites are still only pushed down to the mean, and relatives only pulled
        up to it: this takes away the values, not the structure, which `shuffled` takes away.
        """
        mean = np.full_like(self.targets, self.targets.mean())
        return RelatedPairs(self.first, self.second, mean, self.opposite, self.weights)


@dataclass(frozen=True)
class RelationPlan:
    """How a step of `RelationSampler` is composed.

    Attributes:
        batch: Opposite pairs in a step, and as many pairs to be pulled together.
        retained: Words in a step that are only retained.
        lenient: Weight of retaining a pair of which no word names a thing; other pairs count 1.
        neighbours: Words drawn from the surroundings of a word, so that close pairs are retained.
        surroundings: How many nearest words count as surroundings.
        near: Base cosine from which a pair counts as near.
    """

    batch: int
    retained: int
    lenient: float
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
        wide: Indices of words drawn to be retained, most useful ones more than once if wished.
        plan: The composition of a step.
        steps: How many steps there are.
        seed: Of all draws.
    """

    steps_per_epoch = 1

    def __init__(  # noqa: PLR0913 - what a step is made of
        self,
        pairs: RelatedPairs,
        reference: np.ndarray,
        things: np.ndarray,
        wide: np.ndarray,
        *,
        plan: RelationPlan,
        steps: int,
        seed: int,
    ) -> None:
        self.steps = steps
        self._pairs, self._reference, self._things, self._wide = pairs, reference, things, wide
        self._plan, self._seed = plan, seed
        self._opposites, self._relatives = np.flatnonzero(pairs.opposite), np.flatnonzero(~pairs.opposite)
        for name, sort in (("opposites", self._opposites), ("relatives", self._relatives)):
            if not len(sort):
                raise InputError(f"no {name} among the training words", "give a larger vocabulary")
        self._by_first = _rows_by(pairs.first, len(reference))

    def batch(self, step: int) -> Batch:
        """Return the words of a step with a mask for each of the terms repel, attract, near and far."""
        rng = np.random.default_rng([self._seed, step])
        opposites, relatives = self._draw(rng, self._opposites), self._draw(rng, self._relatives)
        drawn = np.concatenate([opposites, relatives])
        related = np.concatenate([self._pairs.first[drawn], self._pairs.second[drawn]])
        seeds = np.concatenate([rng.choice(related, self._seeds), rng.choice(self._wide, self._seeds)])
        around = self._around(rng, seeds)
        filling = rng.choice(self._wide, max(0, self._plan.retained - len(around)))
        return self._composed(np.unique(np.concatenate([related, around, filling])))

    @property
    def _seeds(self) -> int:
        return max(1, self._plan.retained // (2 * self._plan.neighbours) - 2)

    def _draw(self, rng: np.random.Generator, sort: np.ndarray) -> np.ndarray:
        weights = self._pairs.weights[sort]
        return rng.choice(sort, self._plan.batch, p=weights / weights.sum())

    def _around(self, rng: np.random.Generator, seeds: np.ndarray) -> np.ndarray:
        pool = np.unique(self._wide)
        most = min(self._plan.surroundings, len(pool))
        nearest = np.argpartition(-(self._reference[seeds] @ self._reference[pool].T), most - 1, axis=1)[
            :, :most
        ]
        return np.concatenate([rng.choice(pool[row], min(self._plan.neighbours, most)) for row in nearest])

    def _composed(self, rows: np.ndarray) -> Batch:
        n = len(rows)
        base = (self._reference[rows] @ self._reference[rows].T).astype(np.float32)
        place = np.full(len(self._reference), -1)
        place[rows] = np.arange(n)
        found = np.concatenate([self._by_first[row] for row in rows])
        found = found[place[self._pairs.second[found]] >= 0]
        i, j = np.sort([place[self._pairs.first[found]], place[self._pairs.second[found]]], axis=0)
        opposite, near = self._pairs.opposite[found], base > self._plan.near
        base[i, j] = self._pairs.targets[found]  # elsewhere the base cosine is the target
        free = np.triu(np.ones((n, n), dtype=np.float32), k=1)
        masks = {"repel": np.zeros_like(free), "attract": np.zeros_like(free)}
        masks["repel"][i[opposite], j[opposite]] = 1
        masks["attract"][i[~opposite], j[~opposite]] = 1
        free[i, j] = 0
        things = self._things[rows]
        free *= np.where(things[:, None] | things[None, :], 1, self._plan.lenient).astype(np.float32)
        masks["near"], masks["far"] = free * near, free * ~near
        return Batch(rows, base, masks)


def _rows_by(keys: np.ndarray, n: int) -> list[np.ndarray]:
    order = np.argsort(keys, kind="stable")
    return np.split(order, np.cumsum(np.bincount(keys, minlength=n))[:-1])
