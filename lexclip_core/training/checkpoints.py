"""The last good state of a training, in a file that is read without unpickling."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lexclip_core import storage
from lexclip_core.config import TrainingSettings
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.towers import Tower
from lexclip_core.training.history import History
from lexclip_core.training.objective import Objective

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where the state of a training is kept, and what it is the state of.

    Attributes:
        path: The file; None keeps nothing.
        tower: The tower in training.
        objective: Has scales that are trained beside it.
        optimizer: Has moments.
        experiment: The settings, with which alone the file may be used.
    """

    path: Path | None
    tower: Tower
    objective: Objective
    optimizer: torch.optim.Optimizer
    experiment: TrainingSettings

    def told(self) -> str:
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
            "experiment": self.experiment.flat(),
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
            kept, base, scales = state["experiment"], state["base"], state.get("scales", {})
            tensors, moments, rows = state["tower"], state["optimizer"], state["history"]
        except Exception as error:  # torch raises many kinds for a damaged file
            raise DamagedFileError(
                f"the checkpoint {self.path} cannot be read: {error}", "delete it and start again"
            ) from error
        wanted = self.experiment.flat()
        if kept != wanted or base != self.tower.sha256:
            differing = [key for key, value in wanted.items() if kept.get(key) != value] or ["tower"]
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
