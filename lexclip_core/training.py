"""The one visible training loop: batch, terms, step; checkpointed, so that a kill costs nothing but time."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lexclip_core import storage
from lexclip_core.config import Experiment
from lexclip_core.errors import DamagedFileError, DivergenceError, InputError
from lexclip_core.losses import lexical_loss, relation_loss
from lexclip_core.pairs import Batch, Sampler
from lexclip_core.towers import Tower

logger = logging.getLogger(__name__)

Terms = dict[str, torch.Tensor]
_ABSURD = 1e6
_NO_TERMS = ("step", "epoch", "seconds", "total")


@dataclass
class History:
    """One row a step: step, epoch, seconds, each loss term, total."""

    rows: list[dict[str, float]] = field(default_factory=list)

    def add(self, step: int, epoch: int, seconds: float, terms: Terms) -> None:
        """Append the terms of a step."""
        values = {name: float(term.detach()) for name, term in terms.items()}
        row = {"step": step, "epoch": epoch, "seconds": round(seconds, 3)}
        self.rows.append(row | values | {"total": sum(values.values())})

    def shown(self) -> dict[str, str]:
        """Return the terms of the last step as a progress bar shows them."""
        return {name: f"{value:.4f}" for name, value in self.rows[-1].items() if name not in _NO_TERMS}


def learning_rate(experiment: Experiment, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0, under the experiment's schedule."""
    if experiment.schedule == "constant":
        return experiment.lr
    warm_up = max(1, steps // 10)
    if step < warm_up:
        return experiment.lr * (step + 1) / warm_up
    return experiment.lr * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


_OPTIMIZERS: dict[str, Callable[[list[torch.nn.Parameter], Experiment], torch.optim.Optimizer]] = {
    "sgd": lambda parameters, e: torch.optim.SGD(parameters, lr=e.lr, weight_decay=e.weight_decay),
    "adamw": lambda parameters, e: torch.optim.AdamW(parameters, lr=e.lr, weight_decay=e.weight_decay),
}


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


def seed_everything(seed: int) -> None:
    """Seed every source of randomness, and ask torch for repeatable arithmetic."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(mode=True, warn_only=True)


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
    """Train what is trainable in a tower, in place, and return its history.

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
    parameters = list(tower.trainable_parameters().values())
    if not parameters:
        raise InputError(f"nothing is trainable in {tower.name}", "call towers.set_trainable first")
    seed_everything(experiment.seed)
    if reference is None:
        reference = tower.encode_texts(words)  # before anything moves
    start_rows = torch.from_numpy(reference).to(tower.device)
    optimizer = _OPTIMIZERS[experiment.optimizer](parameters, experiment)
    history = _resume(checkpoint, tower, optimizer, experiment) if checkpoint else History()
    start = len(history.rows)
    began = time.monotonic() - (history.rows[-1]["seconds"] if start else 0)
    bar = storage.progress(range(start, sampler.steps), initial=start, total=sampler.steps, desc="tuning")
    for step in bar:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(experiment, step, sampler.steps)
        batch = sampler.batch(step)
        torch.manual_seed(experiment.seed * 1_000_003 + step)  # dropout, too, depends on the step alone
        embeddings = tower.embed([words[row] for row in batch.rows], noise=experiment.noise)
        terms = loss_terms(experiment, embeddings, start_rows[torch.from_numpy(batch.rows)], batch)
        total = torch.stack(list(terms.values())).sum()
        if not abs(float(total.detach())) < _ABSURD:  # catches NaN too
            raise _diverged(terms, step, [words[row] for row in batch.rows], checkpoint)
        optimizer.zero_grad(set_to_none=True)
        total.backward()
        if experiment.clip:
            torch.nn.utils.clip_grad_norm_(parameters, experiment.clip)
        optimizer.step()
        history.add(step, step // sampler.steps_per_epoch, time.monotonic() - began, terms)
        bar.set_postfix(history.shown(), refresh=False)
        if (step + 1) % every == 0 or step + 1 == sampler.steps:
            if not all(bool(value.isfinite().all()) for value in parameters):
                raise _diverged(terms, step, [words[row] for row in batch.rows], checkpoint)
            if checkpoint:
                _save(checkpoint, tower, optimizer, history, experiment)
    return history


def _diverged(terms: Terms, step: int, words: list[str], checkpoint: Path | None) -> DivergenceError:
    values = ", ".join(f"{name} {float(term.detach()):.4g}" for name, term in terms.items())
    shown = ", ".join(words[:8]) + (f" and {len(words) - 8} more" if len(words) > 8 else "")
    kept = f"; the last good state is in {checkpoint}" if checkpoint and checkpoint.exists() else ""
    return DivergenceError(
        f"the loss diverged at step {step}: {values}, on {shown}{kept}",
        "lower lr, or set clip to 1; then start again",
    )


def _save(
    path: Path, tower: Tower, optimizer: torch.optim.Optimizer, history: History, experiment: Experiment
) -> None:
    state = {
        "experiment": experiment.flat(),
        "base": tower.sha256,
        "tower": tower.state(),
        "optimizer": optimizer.state_dict(),
        "history": history.rows,
    }
    # given a path, torch.save turns a full disk into a RuntimeError that says nothing of it
    with storage.atomic_write(path) as temporary, temporary.open("wb") as stream:
        torch.save(state, stream)


def _resume(path: Path, tower: Tower, optimizer: torch.optim.Optimizer, experiment: Experiment) -> History:
    if not path.exists():
        return History()
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        kept, base = state["experiment"], state["base"]
        tensors, moments, rows = state["tower"], state["optimizer"], state["history"]
    except Exception as error:  # torch raises many kinds for a damaged file
        raise DamagedFileError(
            f"the checkpoint {path} cannot be read: {error}", "delete it and start again"
        ) from error
    if kept != experiment.flat() or base != tower.sha256:
        differing = [key for key, value in experiment.flat().items() if kept.get(key) != value] or ["tower"]
        raise InputError(
            f"the checkpoint {path} belongs to another experiment: {', '.join(differing)} differ",
            "delete it, or use the settings it was made with",
        )
    tower.load_state(tensors)
    optimizer.load_state_dict(moments)
    logger.info("resuming at step %d from %s", len(rows), path)
    return History(rows)
