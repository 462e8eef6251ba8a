"""The one visible training loop: texts, terms, step; checkpointed, so that a kill costs nothing but time."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from torch import Tensor, nn

from lexclip_core import storage
from lexclip_core.config import ParaclipExperiment, TrainingSettings
from lexclip_core.errors import DivergenceError, InputError
from lexclip_core.losses import World
from lexclip_core.towers import Tower
from lexclip_core.training import gradients
from lexclip_core.training.checkpoints import Checkpoint
from lexclip_core.training.distributed import Encoder, average_gradients, join, mean_terms, wait_for_all
from lexclip_core.training.history import History, Terms
from lexclip_core.training.objective import Objective, Step
from lexclip_core.training.optimisation import learning_rate, optimizer_for, seed_everything

_ABSURD = 1e6
_RANKS = 7_919  # keeps the dropout of one process from being that of another


def trainable(tower: Tower) -> list[nn.Parameter]:
    """Return the parameters that training moves.

    Raises:
        InputError: There are none.
    """
    parameters = list(tower.trainable_parameters().values())
    if not parameters:
        raise InputError(f"nothing is trainable in {tower.name}", "call towers.set_trainable first")
    return parameters


def train(
    tower: Tower,
    objective: Objective,
    experiment: TrainingSettings,
    *,
    checkpoint: Path | None = None,
    every: int = 50,
) -> History:
    """Train what is trainable in a tower on an objective, in place, and return its history.

    Started by torchrun, the processes train one tower together, and all return the same; one of them writes
    the checkpoint, which all must be able to read.

    Args:
        tower: A tower on which `set_trainable` was called.
        objective: The texts of each step, and their terms.
        experiment: Optimiser, schedule, seed, and for paraphrases how many texts are encoded at a time.
        checkpoint: File of the last good state; where it exists, training goes on from it.
        every: Steps between two checkpoints.

    Raises:
        InputError: Nothing is trainable, or the checkpoint belongs to another experiment.
        DamagedFileError: The checkpoint cannot be read.
        DivergenceError: A loss became NaN, infinite or absurdly large; the last checkpoint stays.
    """
    parameters, scales = trainable(tower), list(objective.scales().values())
    seed_everything(experiment.seed)
    world, optimizer = join(), optimizer_for(experiment, parameters, scales)
    kept = Checkpoint(checkpoint, tower, objective, optimizer, experiment)
    history = kept.resume()
    wait_for_all()  # nobody writes before all have read
    update = _Update(tower, objective, experiment, optimizer, world)
    start = len(history.rows)
    began = time.monotonic() - (history.rows[-1]["seconds"] if start else 0)
    steps = range(start, objective.steps)
    if world.rank == 0:
        steps = bar = storage.progress(steps, initial=start, total=objective.steps, desc="tuning")
    for step in steps:
        terms = update(step, kept)
        history.add(step, step // objective.steps_per_epoch, time.monotonic() - began, terms)
        if world.rank == 0:
            bar.set_postfix(history.shown(), refresh=False)
        if (step + 1) % every == 0 or step + 1 == objective.steps:
            update.check(step, terms, kept)
            if world.rank == 0:
                kept.write(history)
    wait_for_all()
    return history


class _Update:
    """One step of the optimiser."""

    def __init__(
        self,
        tower: Tower,
        objective: Objective,
        experiment: TrainingSettings,
        optimizer: torch.optim.Optimizer,
        world: World,
    ) -> None:
        self._objective, self._experiment, self._optimizer, self._world = (
            objective,
            experiment,
            optimizer,
            world,
        )
        self._encoder = Encoder(tower, experiment.noise, world)
        self._scales = list(objective.scales().values())
        self._parameters = [*trainable(tower), *self._scales]
        self._chunk = experiment.chunk if isinstance(experiment, ParaclipExperiment) else 0

    def __call__(self, number: int, kept: Checkpoint) -> Terms:
        experiment = self._experiment
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate(experiment, number, self._objective.steps)
        step = self._objective.step(number, self._world)
        found: Terms = {}

        def accept(terms: Terms) -> Tensor:
            found.update(mean_terms(terms, self._world))
            if not abs(float(torch.stack(list(found.values())).sum())) < _ABSURD:  # catches NaN too
                raise _diverged(found, number, step, kept)
            return torch.stack(list(terms.values())).sum()

        self._optimizer.zero_grad(set_to_none=True)
        # dropout, too, depends on the step alone
        seed = experiment.seed * 1_000_003 + number + _RANKS * self._world.rank
        if self._chunk:
            gradients.cached(self._encoder, step, accept, seed=seed, chunk=self._chunk)
        else:
            gradients.plain(self._encoder, step, accept, seed=seed)
        average_gradients(self._scales, self._world)
        if experiment.clip:
            torch.nn.utils.clip_grad_norm_(self._parameters, experiment.clip)
        self._optimizer.step()
        self._objective.settle()
        return found

    def check(self, number: int, terms: Terms, kept: Checkpoint) -> None:
        """Raise if a weight is no number any more."""
        if not all(bool(value.isfinite().all()) for value in self._parameters):
            raise _diverged(terms, number, self._objective.step(number, self._world), kept)


def _diverged(terms: Terms, number: int, step: Step, kept: Checkpoint) -> DivergenceError:
    values = ", ".join(f"{name} {float(term):.4g}" for name, term in terms.items())
    texts = step.texts
    shown = ", ".join(texts[:8]) + (f" and {len(texts) - 8} more" if len(texts) > 8 else "")
    return DivergenceError(
        f"the loss diverged at step {number}: {values}, on {shown}{kept.told()}",
        "lower lr, or set clip to 1; then start again",
    )
