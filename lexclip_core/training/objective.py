"""What the loop asks of anything that can be trained: the texts of a step, and the terms of their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from lexclip_core.losses import World
from lexclip_core.training.history import Terms


@dataclass(frozen=True, eq=False)
class Step:
    """One step as the loop sees it.

    Attributes:
        texts: The texts that this process encodes.
        terms: Their unit rows, (len(texts), dim) -> weighted terms by name. In several processes the mean
            of the terms over them is what is trained, so each must give all of them at every step.
    """

    texts: Sequence[str]
    terms: Callable[[Tensor], Terms]


class Objective(Protocol):
    """What a training is about; a step is a function of its number alone.

    Attributes:
        steps: How many there are.
        steps_per_epoch: How many make an epoch.
    """

    steps: int
    steps_per_epoch: int

    def step(self, number: int, world: World) -> Step:
        """Return this process's part of a step, the same one every time it is asked for."""

    def scales(self) -> Mapping[str, nn.Parameter]:
        """Return what is trained beside the tower, by name."""

    def settle(self) -> None:
        """Bring the scales back into their range; called after every update."""
