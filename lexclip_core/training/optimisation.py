"""How far each step goes: the schedule and the optimiser that the settings name, and all seeds."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from lexclip_core.config import TrainingSettings


def _one_cycle(step: int, steps: int) -> float:
    warm_up = max(1, steps // 10)
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


# (step, steps) -> share of the highest learning rate
_SCHEDULES: dict[str, Callable[[int, int], float]] = {
    "constant": lambda step, steps: 1.0,
    "one_cycle": _one_cycle,
    "cosine": lambda step, steps: 0.5 * (1 + math.cos(math.pi * step / steps)),
}


def learning_rate(experiment: TrainingSettings, step: int, steps: int) -> float:
    """Return the learning rate of a step, counted from 0, under the experiment's schedule."""
    return experiment.lr * _SCHEDULES[experiment.schedule](step, steps)


_OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}


def optimizer_for(
    experiment: TrainingSettings, parameters: Sequence[nn.Parameter], scales: Sequence[nn.Parameter] = ()
) -> torch.optim.Optimizer:
    """Return the optimiser that the settings name, over a tower's parameters and trained scales.

    Scales are never decayed: they have no reason to be 1.
    """
    groups: list[dict[str, object]] = [{"params": list(parameters)}]
    if scales:
        groups.append({"params": list(scales), "weight_decay": 0.0})
    kind = _OPTIMIZERS[experiment.optimizer]
    return kind(groups, lr=experiment.lr, weight_decay=experiment.weight_decay)  # type: ignore[call-arg]


def seed_everything(seed: int) -> None:
    """Seed every source of randomness, and ask torch for repeatable arithmetic."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(mode=True, warn_only=True)
