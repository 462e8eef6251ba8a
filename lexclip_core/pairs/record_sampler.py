"""The records of each training step, a function of the seed and the step alone."""

from __future__ import annotations

import numpy as np

from lexclip_core.errors import InputError

_ROUNDS = 20


class RecordSampler:
    """Batches of records; each epoch is a new order of all of them, what is left over at its end is dropped.

    Records of one picture are kept out of one batch, where each would count the other's text as wrong:
    whatever shares a batch is swapped away at random, and where records are too few for that to succeed, they
    are dealt like cards. So two are in one batch only if a picture has more records than there are batches.

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
        dealt = self._dealt(rng)
        return dealt if len(self._doubles(dealt)) < len(self._doubles(order)) else order

    def _doubles(self, order: np.ndarray) -> np.ndarray:
        """Return the places in an order whose picture stands in the same batch before."""
        assert self._labels is not None
        kept = order[: self.steps_per_epoch * self._size]
        batches = np.arange(len(kept)) // self._size
        keys = batches * (int(self._labels.max()) + 1) + self._labels[kept]
        ranked = np.argsort(keys, kind="stable")
        return ranked[1:][keys[ranked][1:] == keys[ranked][:-1]]

    def _dealt(self, rng: np.random.Generator) -> np.ndarray:
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
