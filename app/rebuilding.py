"""Making a run again whose tuned tensors are not on this machine, behind the pages, with its progress."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from live_training import Job

from lexclip_core.experiments.run_folder import RunSummary

if TYPE_CHECKING:
    from lexclip_core.towers.tower import Tower
    from lexclip_core.training.loop import History


class Rebuilding(Job):
    """A run that is trained and measured again, in its place.

    Its settings are read and checked; the command that its folder names is never run.

    Args:
        summary: The run.

    Attributes:
        steps: How many steps have been made.
    """

    def __init__(self, summary: RunSummary, alive: Callable[[], bool] = lambda: True) -> None:
        super().__init__(alive)
        self.summary, self.steps = summary, 0

    @property
    def total(self) -> int:
        """How many steps there will be, 0 where the settings do not say."""
        steps = self.summary.config.get("steps")
        return steps if isinstance(steps, int) and steps > 0 else 0

    def work(self) -> None:
        """Train, measure and write."""
        from lexclip_core.experiments import pipeline
        from lexclip_core.towers.loading import load
        from lexclip_core.training.settings import TrainingSettings

        settings = TrainingSettings.from_flat(dict(self.summary.config))
        base = load(settings.tower, device=settings.device, dtype=settings.dtype)
        made = pipeline.EXPERIMENTS[settings.method](settings, base, test_sets(self.summary))
        self.stage = "training"
        with pipeline.one_training(settings):
            trained = pipeline.train_tower(settings, made.objective, base, every=made.every, watch=self._see)
            pipeline.save_run(made, trained, self.summary.path.parent)
            trained.remove_files()

    def _see(self, tower: Tower, history: History) -> None:
        self.steps += 1
        self.look()


def test_sets(summary: RunSummary) -> Path | None:
    """Return the folder of outside test sets that a run was measured on, where it is here; else None."""
    try:
        words = shlex.split(str(summary.provenance.get("command", "")))
    except ValueError:
        return None
    named = [Path(value) for option, value in pairwise(words) if option == "--test-sets"]
    return named[0] if named and named[0].is_dir() else None


@lru_cache(maxsize=1)
def rebuildings() -> dict[str, Rebuilding]:
    """Return the runs that are being made again on this server, by their id."""
    return {}
