"""The objective of tuning on words: cosines towards their targets, or related pairs beside retained words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lexclip_core.config import Experiment
from lexclip_core.losses import World, lexical_loss, relation_loss
from lexclip_core.pairs import Batch, Sampler
from lexclip_core.towers import Tower
from lexclip_core.training.distributed import gather
from lexclip_core.training.history import History, Terms
from lexclip_core.training.loop import train, trainable
from lexclip_core.training.objective import Step
from lexclip_core.training.optimisation import seed_everything


def loss_terms(
    experiment: Experiment, embeddings: torch.Tensor, reference: torch.Tensor, batch: Batch
) -> Terms:
    """Return the weighted loss terms of one batch under the experiment's loss.

    Args:
        experiment: Names the loss and its weights.
        embeddings: Unit rows of the batch, shape (n, dim).
        reference: The base tower's rows of the same words, shape (n, dim).
        batch: Targets and masks.
    """
    device = embeddings.device
    targets = torch.from_numpy(batch.targets).to(device)
    masks = {term: torch.from_numpy(mask).to(device) for term, mask in batch.masks.items()}
    if experiment.sampling == "relations":
        weights = {term: getattr(experiment, term) for term in masks}
        return relation_loss(embeddings, targets, masks, weights)
    return lexical_loss(
        embeddings,
        targets,
        reference if experiment.weight else None,
        c=experiment.c,
        weight=experiment.weight,
        kind=experiment.kind,
        anchor=experiment.anchor,
        mask=masks["distance"],
    )


class LexicalObjective:
    """Batches of words with their targets.

    In several processes each encodes an equal share of a step's different words; the rows are gathered, and
    every process computes the terms of the whole batch. So the result is that of one process whatever is
    sampled, and what is shared out is the encoding, which is what costs.

    Args:
        words: The vocabulary that the sampler's rows point into.
        sampler: The batches.
        experiment: Names the loss and its weights.
        reference: The base tower's unit rows of the words, float32 (V, dim).
    """

    def __init__(
        self, words: Sequence[str], sampler: Sampler, experiment: Experiment, reference: np.ndarray
    ) -> None:
        self._words, self._sampler, self._experiment = words, sampler, experiment
        self._reference = torch.from_numpy(reference)
        self.steps, self.steps_per_epoch = sampler.steps, sampler.steps_per_epoch

    def step(self, number: int, world: World) -> Step:
        """Return this process's words of a step."""
        batch = self._sampler.batch(number)
        if world.size == 1:
            return Step([self._words[row] for row in batch.rows], partial(self._terms, batch))
        unique, inverse = np.unique(batch.rows, return_inverse=True)
        share = -(-len(unique) // world.size)
        # equal shares: the last ones repeat a word, and what is repeated is cut off after the gathering
        own = np.arange(world.rank * share, (world.rank + 1) * share).clip(max=len(unique) - 1)
        places = torch.from_numpy(inverse)
        return Step(
            [self._words[row] for row in unique[own]],
            lambda rows: self._terms(batch, gather(rows, world)[places.to(rows.device)]),
        )

    def _terms(self, batch: Batch, rows: Tensor) -> Terms:
        reference = self._reference[torch.from_numpy(batch.rows)].to(rows.device)
        return loss_terms(self._experiment, rows, reference, batch)

    def scales(self) -> Mapping[str, nn.Parameter]:
        """Return nothing: cosines have no scale."""
        return {}

    def settle(self) -> None:
        """Do nothing."""


def fit(  # noqa: PLR0913 - a tower, its batches, and where to keep them
    tower: Tower,
    words: tuple[str, ...],
    sampler: Sampler,
    experiment: Experiment,
    *,
    reference: np.ndarray | None = None,
    checkpoint: Path | None = None,
    every: int = 50,
) -> History:
    """Train what is trainable in a tower on words, in place, and return its history.

    Args:
        tower: A tower on which `set_trainable` was called.
        words: The vocabulary that the sampler's rows point into.
        sampler: The batches.
        experiment: Loss, optimiser, schedule, seed.
        reference: The untouched tower's unit rows of the words, (V, dim); encoded if left out.
        checkpoint: File of the last good state; where it exists, training goes on from it.
        every: Steps between two checkpoints.

    Raises:
        InputError: Nothing is trainable, or the checkpoint belongs to another experiment.
        DamagedFileError: The checkpoint cannot be read.
        DivergenceError: A loss became NaN, infinite or absurdly large; the last checkpoint stays.
    """
    trainable(tower)
    seed_everything(experiment.seed)
    if reference is None:
        reference = tower.encode_texts(words)  # before anything moves
    objective = LexicalObjective(words, sampler, experiment, reference)
    return train(tower, objective, experiment, checkpoint=checkpoint, every=every)
