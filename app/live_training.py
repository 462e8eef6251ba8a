"""Trainings that a visitor watches: one at a time a server; the others wait, and learn their place.

A training is a call of `lexclip.tune` in a thread of its own, seen after each step. It stops when its visitor
asks for that, or has closed the tab.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lexclip_core.errors import LexclipError

if TYPE_CHECKING:
    from pathlib import Path

    from lexclip_core.towers.tower import Tower
    from lexclip_core.training.loop import History
    from lexclip_core.workbench import Result

Stage = Literal["waiting", "loading", "training", "paused", "finished", "stopped", "failed"]
PATIENCE = 60.0
"""Seconds that a paused training may make others wait."""
_LOOKS = 0.1  # seconds between two looks at a paused training

logger = logging.getLogger(__name__)


class Stopped(Exception):
    """Ends a training that nobody watches any more."""


@dataclass(frozen=True)
class Asked:
    """What a training is asked for: words, tower, and settings of method `matrix`, by their names there.

    Attributes:
        drawn: Targets drawn by hand, row by row; () takes those that `target` names.
    """

    words: tuple[str, ...]
    tower: str
    target: str = "lexical"
    control: str = "none"
    penalty: str = "square"
    c: float = 3.0
    anchor_weight: float = 0.08
    lr: float = 1e-4
    trainable: str = "last:2"
    steps: int = 30
    seed: int = 0
    drawn: tuple[tuple[float, ...], ...] = ()

    def changes(self, steps: int | None = None) -> dict[str, Any]:
        """Return the arguments of `lexclip.tune` but words and tower, for some of the steps or all."""
        left_out = {"words", "tower", "drawn", *(("target",) if self.drawn else ())}
        named = {one.name: getattr(self, one.name) for one in fields(self) if one.name not in left_out}
        named |= {"targets": [list(row) for row in self.drawn]} if self.drawn else {}
        return named | {"steps": steps or self.steps}

    def code(self, steps: int) -> str:
        """Return the lines of Python that train the same."""
        said = ", ".join(f"{name}={value!r}" for name, value in self.changes(steps).items())
        return (
            "import lexclip_core as lexclip\n"
            f"words = {list(self.words)!r}\n"
            f"result = lexclip.tune(words, tower={self.tower!r}, {said})\n"
            "print(result.pairs(), result.history)\n"
            "result.save(maps=False)  # the run folder, which this explorer then lists"
        )


class Job:
    """What takes its turn: some work, how it stands, and what went wrong.

    Args:
        alive: Whether its visitor is still there.
    """

    def __init__(self, alive: Callable[[], bool] = lambda: True) -> None:
        self.stage: Stage = "waiting"
        self.problem: LexclipError | None = None
        self._alive, self._stop = alive, threading.Event()

    @property
    def over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.stage in ("finished", "stopped", "failed")

    def stop(self) -> None:
        """End it at its next look."""
        self._stop.set()

    def look(self) -> None:
        """End the work where it was stopped, or its visitor has gone.

        Raises:
            Stopped: It has.
        """
        if self._stop.is_set() or not self._alive():
            raise Stopped

    def run(self) -> None:
        """Do the work; what goes wrong is remembered, for the page to say."""
        try:
            self.look()
            self.stage = "loading"
            self.work()
            self.stage = "finished"
        except Stopped:
            self.stage = "stopped"
        except LexclipError as error:
            self.problem, self.stage = error, "failed"
        except Exception as error:  # of whatever kind: the line must go on
            logger.exception("a training failed")
            self.problem = LexclipError(f"The training failed: {type(error).__name__}", "Try other settings.")
            self.stage = "failed"

    def work(self) -> None:
        """Do it."""


class Line:
    """Jobs in the order in which they came; one works at a time."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._lock = threading.Lock()

    def add(self, job: Job) -> None:
        """Let a job take its turn."""
        with self._lock:
            self._jobs.append(job)
            first = len(self._jobs) == 1
        if first:
            threading.Thread(target=self._work, daemon=True).start()

    def before(self, job: Job) -> int:
        """Return how many jobs come before one."""
        with self._lock:
            return self._jobs.index(job) if job in self._jobs else 0

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        with self._lock:
            return max(len(self._jobs) - 1, 0)

    def _work(self) -> None:
        while True:
            self._jobs[0].run()
            with self._lock:
                self._jobs.pop(0)
                if not self._jobs:
                    return


@lru_cache(maxsize=1)
def line() -> Line:
    """Return the line that all visitors of this server stand in."""
    return Line()


class Training(Job):
    """A training and what was seen of it.

    Args:
        asked: What is trained.
        tower: Name -> the tower, which is loaded once a server.
        alive: Whether its visitor is still there.

    Attributes:
        cosines: The words' cosines, (n, n): before training, then after each step.
        rows: The loss terms of each step.
        seconds: From the first step's start, the tower loaded, to the last one's end.
    """

    def __init__(
        self, asked: Asked, tower: Callable[[str], Tower], alive: Callable[[], bool] = lambda: True
    ) -> None:
        super().__init__(alive)
        self.asked, self._tower = asked, tower
        self.cosines: list[np.ndarray] = []
        self.rows: list[dict[str, float]] = []
        self.seconds = 0.0
        self._paused = threading.Event()

    @property
    def steps(self) -> int:
        """How many steps were seen."""
        return max(len(self.cosines) - 1, 0)

    def pause(self) -> None:
        """Wait after the next step."""
        self._paused.set()

    def go_on(self) -> None:
        """Go on after a pause."""
        self._paused.clear()

    def work(self) -> None:
        """Train."""
        import torch

        from lexclip_core.experiments import pipeline  # noqa: F401 - takes seconds, which are no training

        torch.set_num_threads(1)  # of this thread: one core of two stays with the pages
        base = self._tower(self.asked.tower)
        self._began = time.monotonic()
        self.cosines.append(_cosines(base, self.asked.words))
        self.stage = "training"
        self.tuned(base, self.asked.steps, self._see)

    def tuned(
        self, base: Tower, steps: int, watch: Callable[[Tower, History], object] | None = None
    ) -> Result:
        """Return what the library makes of what is asked, in so many steps."""
        from lexclip_core.workbench import tune

        return tune(self.asked.words, tower=base, watch=watch, **self.asked.changes(steps))

    def _see(self, tower: Tower, history: History) -> None:
        self.rows.append(history.rows[-1])
        self.cosines.append(_cosines(tower, self.asked.words))
        self.seconds = time.monotonic() - self._began
        self.look()
        since = time.monotonic()
        while self._paused.is_set() and (not line().waiting or time.monotonic() < since + PATIENCE):
            self.stage = "paused"
            time.sleep(_LOOKS)
            self.look()
        self._paused.clear()
        self.stage = "training"


class Saving(Job):
    """The run folder of a training up to a step: trained anew, which gives the same, measured, and written.

    Attributes:
        folder: The run folder, once it is there.
    """

    def __init__(self, training: Training, steps: int, tower: Callable[[str], Tower]) -> None:
        super().__init__()
        self.training, self.steps, self._tower = training, steps, tower
        self.folder: Path | None = None

    def work(self) -> None:
        """Train, measure and write; its maps are laid out where they are looked at."""
        self.stage = "training"
        self.folder = self.training.tuned(self._tower(self.training.asked.tower), self.steps).save(maps=False)


def _cosines(tower: Tower, words: tuple[str, ...]) -> np.ndarray:
    rows = tower.encode_texts(words)
    cosines: np.ndarray = rows @ rows.T
    return cosines
