"""The one visible training loop: texts, terms, step; checkpointed, so that a kill costs nothing but time."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, DivergenceError, InputError
from lexclip_core.towers.tower import Tower
from lexclip_core.training.distributed import Encoder, average_gradients, join, mean_terms, wait_for_all
from lexclip_core.training.losses import Terms, World
from lexclip_core.training.objectives import Objective, Step
from lexclip_core.training.settings import Optimizer, Schedule, TrainingSettings

logger = logging.getLogger(__name__)
_NO_TERMS = ("step", "epoch", "seconds", "total")
_CHUNKS = 100_003  # far more than a batch has; keeps the seeds of chunks apart
_ABSURD = 1e6
_TIMED_STEPS, _TIMED_SECONDS = 5, 10.0  # whichever comes first, after the first step
_LONG = 60.0  # seconds from which on a training is said to be long
_RANKS = 7_919  # keeps the dropout of one process from being that of another


def _one_cycle(step: int, steps: int) -> float:
    warm_up = max(1, steps // 10)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


# (step, steps) -> share of the highest learning rate
SCHEDULES: dict[Schedule, Callable[[int, int], float]] = {
    "constant": lambda step, steps: 1.0,
    "one_cycle": _one_cycle,
    "cosine": lambda step, steps: 0.5 * (1 + math.cos(math.pi * step / steps)),
}


def learning_rate(settings: TrainingSettings, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0, under the settings's schedule."""
    return settings.lr * SCHEDULES[settings.schedule](step, steps)


OPTIMIZERS: dict[Optimizer, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adamw": torch.optim.AdamW,
}


def optimizer_for(
    settings: TrainingSettings, parameters: Sequence[nn.Parameter], scales: Sequence[nn.Parameter] = ()
) -> torch.optim.Optimizer:
    """Return the optimiser that the settings name, over a tower's parameters and trained scales.

    Scales are never decayed: they have no reason to be 1.
    """
    groups: list[dict[str, object]] = [{"params": list(parameters)}]
    if scales:
        groups.append({"params": list(scales), "weight_decay": 0.0})
    kind = OPTIMIZERS[settings.optimizer]
    return kind(groups, lr=settings.lr, weight_decay=settings.weight_decay)  # type: ignore[call-arg]


def seed_everything(seed: int) -> None:
    """Seed every source of randomness, and ask torch for repeatable arithmetic."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(mode=True, warn_only=True)


@dataclass
class History:
    """One row per step: step, epoch, seconds, each loss term, total."""

    rows: list[dict[str, float]] = field(default_factory=list)

    def add(self, step: int, epoch: int, seconds: float, terms: Terms) -> None:
        """Append the terms of a step."""
        values = {name: float(term.detach()) for name, term in terms.items()}
        row = {"step": step, "epoch": epoch, "seconds": round(seconds, 3)}
        self.rows.append(row | values | {"total": sum(values.values())})

    def append(self, later: History) -> None:
        """Append the history of a training that came after this one."""
        steps, seconds = len(self.rows), self.rows[-1]["seconds"] if self.rows else 0.0
        for row in later.rows:
            self.rows.append(row | {"step": row["step"] + steps, "seconds": row["seconds"] + seconds})

    def shown(self) -> dict[str, str]:
        """Return the terms of the last step as a progress bar shows them."""
        return {name: f"{value:.4f}" for name, value in self.rows[-1].items() if name not in _NO_TERMS}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where the state of a training is saved, and what it is the state of.

    Attributes:
        path: The file; None keeps nothing.
        tower: The tower in training.
        objective: Has scales that are trained beside it.
        optimizer: Has moments.
        settings: The settings, with which alone the file may be used.
    """

    path: Path | None
    tower: Tower
    objective: Objective
    optimizer: torch.optim.Optimizer
    settings: TrainingSettings

    def described(self) -> str:
        """Return where the last good state lies, for an error's text; empty if there is none."""
        return f"; the last good state is in {self.path}" if self.path and self.path.exists() else ""

    def write(self, history: History) -> None:
        """Write the state.

        Raises:
            StorageError: The file cannot be written.
        """
        if self.path is None:
            return
        state = {
            "settings": self.settings.flat(),
            "base": self.tower.sha256,
            "tower": self.tower.state(),
            "scales": {name: value.detach().cpu() for name, value in self.objective.scales().items()},
            "optimizer": self.optimizer.state_dict(),
            "history": history.rows,
        }
        # given a path, torch.save turns a full disk into a RuntimeError that says nothing of it
        with storage.atomic_write(self.path) as temporary, temporary.open("wb") as stream:
            torch.save(state, stream)

    def resume(self) -> History:
        """Take the state over, if there is one, and return the history up to it.

        Raises:
            InputError: The file belongs to another experiment.
            DamagedFileError: The file cannot be read.
        """
        if self.path is None or not self.path.exists():
            return History()
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
            saved, base, scales = state["settings"], state["base"], state.get("scales", {})
            tensors, moments, rows = state["tower"], state["optimizer"], state["history"]
        except Exception as error:  # torch raises many kinds for a damaged file
            raise DamagedFileError(
                f"the checkpoint {self.path} cannot be read: {error}", "delete it and start again"
            ) from error
        wanted = self.settings.flat()
        if saved != wanted or base != self.tower.sha256:
            differing = [key for key, value in wanted.items() if saved.get(key) != value] or ["tower"]
            raise InputError(
                f"the checkpoint {self.path} belongs to another experiment: {', '.join(differing)} differ",
                "delete it, or use the settings it was made with",
            )
        self.tower.load_state(tensors)
        with torch.no_grad():
            for name, parameter in self.objective.scales().items():
                parameter.copy_(scales[name])
        self.optimizer.load_state_dict(moments)
        logger.info("resuming at step %d from %s", len(rows), self.path)
        return History(rows)


Watch = Callable[[Tower, History], object]
"""Called after each step with the tower in training and the history so far; what it raises ends all."""

Accept = Callable[[Terms], Tensor]
"""Weighted terms -> their sum, after a look at whether it is any use."""


def plain(encoder: Encoder, step: Step, accept: Accept, *, seed: int) -> None:
    """Add the gradient of a step to that of every trained parameter, in one pass.

    Args:
        encoder: Encodes the texts.
        step: The texts and their terms.
        accept: Returns the sum of the terms, or raises.
        seed: Of dropout.
    """
    torch.manual_seed(seed)
    accept(step.terms(encoder(step.texts))).backward()  # type: ignore[no-untyped-call]


def cached(encoder: Encoder, step: Step, accept: Accept, *, seed: int, chunk: int) -> None:
    """Add the gradient of a step to that of every trained parameter, a chunk of texts at a time.

    A text that occurs several times is encoded once. Dropout is drawn anew for every chunk, alike in both
    passes.

    Args:
        encoder: Encodes the texts.
        step: The texts and their terms.
        accept: Returns the sum of the terms, or raises.
        seed: Of dropout.
        chunk: Texts saved at a time.
    """
    chunks, inverse = text_chunks(step.texts, chunk)
    rows = []
    for number, texts in enumerate(chunks):
        torch.manual_seed(chunk_seed(seed, number))
        rows.append(encoder.without_gradient(texts))
    unique = torch.cat(rows).requires_grad_()
    accept(step.terms(unique[inverse.to(unique.device)])).backward()  # type: ignore[no-untyped-call]
    gradient = unique.grad if unique.grad is not None else torch.zeros_like(unique)
    parts = gradient.split([len(texts) for texts in chunks])  # type: ignore[no-untyped-call]
    for number, (texts, part) in enumerate(zip(chunks, parts, strict=True)):
        torch.manual_seed(chunk_seed(seed, number))
        if number + 1 < len(chunks):
            with encoder.keep_local():
                encoder(texts).backward(part)  # type: ignore[no-untyped-call]
        else:  # where there are several processes, this one averages over them
            encoder(texts).backward(part)  # type: ignore[no-untyped-call]


def chunk_seed(seed: int, number: int) -> int:
    """Return the seed of a chunk's dropout."""
    return seed * _CHUNKS + number


def text_chunks(texts: Sequence[str], chunk: int) -> tuple[list[list[str]], Tensor]:
    """Return the different texts in chunks, and the place of each given text among them, int64 (n,).

    Texts of about one length stand together, so that little of a chunk is padding.
    """
    unique = sorted(dict.fromkeys(texts), key=lambda text: (len(text), text))
    place = {text: number for number, text in enumerate(unique)}
    chunks = [unique[start : start + chunk] for start in range(0, len(unique), chunk)]
    return chunks, torch.tensor([place[text] for text in texts])


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
    settings: TrainingSettings,
    *,
    checkpoint: Path | None = None,
    every: int = 50,
    watch: Watch | None = None,
) -> History:
    """Train what is trainable in a tower on an objective, in place, and return its history.

    Started by torchrun, the processes train one tower together, and all return the same; one of them writes
    the checkpoint, which all must be able to read.

    Args:
        tower: A tower on which `set_trainable` was called.
        objective: The texts of each step, and their terms.
        settings: Optimiser, schedule, seed, and how many texts are encoded at a time.
        checkpoint: File of the last good state; where it exists, training goes on from it.
        every: Steps between two checkpoints.
        watch: Sees every step of this process.

    Raises:
        InputError: Nothing is trainable, or the checkpoint belongs to another experiment.
        DamagedFileError: The checkpoint cannot be read.
        DivergenceError: A loss became NaN, infinite or absurdly large; the last checkpoint stays.
    """
    parameters, scales = trainable(tower), list(objective.scales().values())
    seed_everything(settings.seed)
    world, optimizer = join(), optimizer_for(settings, parameters, scales)
    saved = Checkpoint(checkpoint, tower, objective, optimizer, settings)
    history = saved.resume()
    wait_for_all()  # nobody writes before all have read
    update = _Update(saved, world)
    start = len(history.rows)
    began = time.monotonic() - (history.rows[-1]["seconds"] if start else 0)
    steps, announced = range(start, objective.steps), False
    if world.rank == 0:
        steps = bar = storage.progress(steps, initial=start, total=objective.steps, desc="tuning")
    for step in steps:
        terms = update(step)
        history.add(step, step // objective.steps_per_epoch, time.monotonic() - began, terms)
        if watch is not None:
            watch(tower, history)
        if world.rank == 0:
            bar.set_postfix(history.shown(), refresh=False)
            announced = announced or _announced(history.rows[start:], objective.steps, every)
        if (step + 1) % every == 0 or step + 1 == objective.steps:
            update.check(step, terms)
            if world.rank == 0:
                saved.write(history)
    wait_for_all()
    return history


def _announced(rows: Sequence[dict[str, float]], steps: int, every: int) -> bool:
    """Say how long a long training will take once some steps have shown it; return whether they have.

    The first step is not timed: it sets up what the others use.
    """
    timed = len(rows) - 1
    took = rows[-1]["seconds"] - rows[0]["seconds"]
    if not timed or (timed < _TIMED_STEPS and took < _TIMED_SECONDS):
        return False
    left = steps - 1 - int(rows[-1]["step"])
    if left * took / timed > _LONG:
        logger.info(
            "about %s for the %s steps that are left (%.2g s each, measured over %d); stopped, it goes on "
            "from its last checkpoint, one every %d steps",
            duration(left * took / timed),
            f"{left:,}",
            took / timed,
            timed,
            every,
        )
    return True


def duration(seconds: float) -> str:
    """Return a time as people say it, to two places.

    >>> duration(27_538), duration(90), duration(8)
    ('7 h 38 min', '1 min 30 s', '8 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


class _Update:
    """One step of the optimiser."""

    def __init__(self, saved: Checkpoint, world: World) -> None:
        self._saved, self._world = saved, world
        self._encoder = Encoder(saved.tower, saved.settings.noise, world)
        self._scales = list(saved.objective.scales().values())
        self._parameters = [*trainable(saved.tower), *self._scales]

    def __call__(self, number: int) -> Terms:
        settings, objective, optimizer = self._saved.settings, self._saved.objective, self._saved.optimizer
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(settings, number, objective.steps) * objective.lr_multiplier
        step = objective.step(number, self._world)
        found: Terms = {}

        def accept(terms: Terms) -> Tensor:
            found.update(mean_terms(terms, self._world))
            if not abs(float(torch.stack(list(found.values())).sum())) < _ABSURD:  # catches NaN too
                raise _diverged(found, number, step, self._saved)
            return torch.stack(list(terms.values())).sum()

        optimizer.zero_grad(set_to_none=True)
        # dropout, too, depends on the step alone
        seed = settings.seed * 1_000_003 + number + _RANKS * self._world.rank
        if settings.chunk:
            cached(self._encoder, step, accept, seed=seed, chunk=settings.chunk)
        else:
            plain(self._encoder, step, accept, seed=seed)
        average_gradients(self._scales, self._world)
        if settings.clip:
            torch.nn.utils.clip_grad_norm_(self._parameters, settings.clip)
        optimizer.step()
        objective.limit_scales()
        return found

    def check(self, number: int, terms: Terms) -> None:
        """Raise if a weight is no number any more."""
        if not all(bool(value.isfinite().all()) for value in self._parameters):
            raise _diverged(terms, number, self._saved.objective.step(number, self._world), self._saved)


def _diverged(terms: Terms, number: int, step: Step, saved: Checkpoint) -> DivergenceError:
    values = ", ".join(f"{name} {float(term):.4g}" for name, term in terms.items())
    texts = step.texts
    shown = ", ".join(texts[:8]) + (f" and {len(texts) - 8} more" if len(texts) > 8 else "")
    return DivergenceError(
        f"the loss diverged at step {number}: {values}, on {shown}{saved.described()}",
        "lower lr, or set clip to 1; then start again",
    )
