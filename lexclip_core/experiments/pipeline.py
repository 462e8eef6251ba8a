"""The one way from settings to a run folder: load, train, measure, write.

`tune` does all of it. What differs between methods is an `Experiment`: what is trained on, what is measured,
which words a run keeps and which maps it draws. A method is one entry of `EXPERIMENTS`.
"""

from __future__ import annotations

import logging
import os
import platform
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.experiments.methods import ParaphraseExperiment, WordExperiment
from lexclip_core.experiments.run_folder import RunContent, command, git_commit, write_run
from lexclip_core.experiments.word_measures import Encoders, Metrics
from lexclip_core.towers.loading import chosen_precision, load
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import set_trainable
from lexclip_core.towers.weights import apply_tuned, interpolate, save_tuned
from lexclip_core.training.distributed import is_writer, join, wait_for_all
from lexclip_core.training.loop import History, train
from lexclip_core.training.objectives import Objective
from lexclip_core.training.settings import TrainingSettings

logger = logging.getLogger(__name__)

BLOG_WORDS = ("happy", "sad", "cheerful", "smart", "dumb", "intelligent")
"""Words that every run keeps: the blog's own examples."""

_HISTORY_ROWS = 1_000
LARGEST_TENSORS = 8_000_000
"""Bytes of tuned tensors that a run folder may carry; larger ones are made again."""

_PACKAGES = ("torch", "open_clip_torch", "transformers", "peft", "nltk", "numpy", "umap-learn")


class Experiment(Protocol):
    """What a method brings: one training of a base tower, and how it is judged."""

    @property
    def settings(self) -> TrainingSettings:
        """How the tower is trained."""

    @property
    def objective(self) -> Objective:
        """What is trained."""

    @property
    def every(self) -> int:
        """Steps between two checkpoints."""

    @property
    def test_sets(self) -> Path | None:
        """Folder of outside test sets, measured as well."""

    def measure(self, towers: Encoders) -> tuple[Metrics, pd.DataFrame]:
        """Return the metrics, and the pairs of words with their cosines before and after."""

    def words(self) -> tuple[str, ...]:
        """Return the words that the run's pages show, beside the blog's; a few may stand twice."""

    def layout(self, words: tuple[str, ...], before: np.ndarray, after: np.ndarray) -> pd.DataFrame | None:
        """Return the maps that are drawn of unit rows of the run's words; None without."""


EXPERIMENTS: dict[str, Callable[[Any, Tower, Path | None], Experiment]] = {
    "matrix": WordExperiment,
    "relations": WordExperiment,
    "paraphrases": ParaphraseExperiment,
}
"""Method -> (settings, base tower, folder of test sets) -> experiment."""


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training leaves in memory and, as a file, in the cache.

    Attributes:
        base: The tower before.
        tower: The tower after, as stored: interpolated, and rounded to float16.
        history: One row per step.
        weights: The tuned tensors.
    """

    base: Tower
    tower: Tower
    history: History
    weights: Path

    def moved_to(self, folder: Path) -> Trained:
        """Return the same training with its tensors in another folder, and nothing left in the cache."""
        weights = folder / self.weights.name
        shutil.move(self.weights, weights)
        self.remove_files()
        return replace(self, weights=weights)

    def remove_files(self) -> None:
        """Remove the tensors and the checkpoint from the cache."""
        for leftover in self.weights.parent.iterdir():
            leftover.unlink()


def tune(
    settings: TrainingSettings,
    out: Path | None = None,
    *,
    test_sets: Path | None = None,
    experiment: Callable[[Tower], Experiment] | None = None,
    base: Tower | None = None,
    largest: int = LARGEST_TENSORS,
) -> Path:
    """Tune a tower as the settings say, measure it, write its run folder and return that folder.

    A run that was killed goes on from its last checkpoint when called again with the same settings. Under
    torchrun all processes train; the first one measures and writes, and the others return early.

    Args:
        settings: Of any method.
        out: Folder of runs; the explorer's by default.
        test_sets: Folder of outside test sets (`wordsim`, `sts`, `sugarcrepe_pp`), measured as well; nothing
            is tuned on them.
        experiment: Base tower -> what is trained on and measured; by default the method's own of
            `EXPERIMENTS`.
        base: The tower to tune; by default the settings' tower is loaded.
        largest: Bytes of tuned tensors that the run folder may carry.

    Raises:
        InputError: Settings that do not go together.
        DivergenceError: The loss became useless; the last checkpoint stays.
        MissingResourceError: Something named is not there.
        StorageError: The run folder cannot be written.
    """
    began = time.monotonic()
    join()
    base = base or load(settings.tower, device=settings.device, dtype=settings.dtype)
    made = experiment(base) if experiment else EXPERIMENTS[settings.method](settings, base, test_sets)
    trained = train_tower(settings, made.objective, base, every=made.every)
    if not is_writer():
        return (out or storage.runs_folder()) / settings.run_id
    path = save_run(made, trained, out, began=began, largest=largest)
    trained.remove_files()
    return path


def train_tower(settings: TrainingSettings, objective: Objective, base: Tower, *, every: int = 50) -> Trained:
    """Train a copy of a tower and store what was tuned; a run that was killed goes on from its checkpoint.

    Args:
        settings: What may move, optimiser, schedule, seed, interpolation.
        objective: The texts of each step, and their terms.
        base: The tower; it stays as it is.
        every: Steps between two checkpoints.

    Raises:
        InputError: Settings that do not go together.
        DivergenceError: The loss became useless; the last checkpoint stays.
    """
    logger.info("%s: %d steps", settings.run_id, objective.steps)
    folder = storage.cache_folder() / "experiments" / settings.run_id
    tower, history = tuned_copy(settings, objective, base, checkpoint=folder / "checkpoint.pt", every=every)
    weights = folder / "tuned.safetensors"
    if is_writer():
        save_tuned(tower, weights, dtype="float16")
    wait_for_all()
    stored = apply_tuned(base, weights)  # what is measured is what is stored, rounding included
    wait_for_all()  # before the first process clears away what the others read
    return Trained(base, stored, history, weights)


def tuned_copy(
    settings: TrainingSettings,
    objective: Objective,
    base: Tower,
    *,
    checkpoint: Path | None = None,
    every: int = 50,
) -> tuple[Tower, History]:
    """Return a tower trained from a copy of the base and interpolated with it, and its history.

    Args:
        settings: As in `train_tower`; the arithmetic of the copy is theirs.
        objective: The texts of each step, and their terms.
        base: The tower; it stays as it is.
        checkpoint: File of the last good state; None keeps none.
        every: Steps between two checkpoints.

    Raises:
        InputError: Settings that do not go together.
        DivergenceError: The loss became useless.
    """
    tower = base.copy()
    tower.dtype = chosen_precision(settings.dtype)
    set_trainable(tower, settings.trainable, seed=settings.seed)
    history = train(tower, objective, settings, checkpoint=checkpoint, every=every)
    tuned = interpolate(base, tower, settings.alpha)
    tuned.dtype = base.dtype  # before and after are measured in one arithmetic
    return tuned, history


def save_run(
    experiment: Experiment,
    trained: Trained,
    out: Path | None = None,
    *,
    began: float | None = None,
    largest: int = LARGEST_TENSORS,
) -> Path:
    """Measure a training, write its run folder and return it.

    Args:
        experiment: What is measured, and which words and maps are kept.
        trained: The towers before and after.
        out: Folder of runs; the explorer's by default.
        began: `time.monotonic()` at the start, for the provenance; now if left out.
        largest: Bytes of tuned tensors that the run folder may carry.

    Raises:
        StorageError: The run folder cannot be written.
    """
    content = measured_run(experiment, trained, began=began)
    small = trained.weights.stat().st_size <= largest
    return write_run(out or storage.runs_folder(), content, tuned=trained.weights if small else None)


def measured_run(experiment: Experiment, trained: Trained, *, began: float | None = None) -> RunContent:
    """Measure a training and return what its run folder will hold.

    Args:
        experiment: What is measured, and which words and maps are kept.
        trained: The towers before and after.
        began: `time.monotonic()` at the start, for the provenance; now if left out.
    """
    settings = experiment.settings
    towers: Encoders = Encoders(trained.base.encode_texts, trained.tower.encode_texts)
    metrics, pairs = experiment.measure(towers)
    words = tuple(dict.fromkeys([*BLOG_WORDS, *experiment.words()]))
    before, after = towers.before(words), towers.after(words)
    layout = experiment.layout(words, before, after)
    seconds = time.monotonic() - (time.monotonic() if began is None else began)
    origin = provenance(settings, trained.base, seconds=seconds, test_sets=experiment.test_sets)
    return RunContent(
        run_id=settings.run_id,
        config=settings.flat(),
        metrics=metrics,
        history=history_table(trained.history),
        words=words,
        before=before,
        after=after,
        pairs=pairs,
        layout=layout,
        provenance=origin | dict(experiment.objective.provenance()),
    )


def history_table(history: History) -> pd.DataFrame:
    """Return the history as a table of at most 1,000 rows, each the mean of the steps it stands for."""
    table = pd.DataFrame(history.rows)
    stride = -(-len(table) // _HISTORY_ROWS)
    groups = table.groupby(np.arange(len(table)) // stride)
    ends = groups.last()
    return groups.mean().assign(step=ends["step"], epoch=ends["epoch"], seconds=ends["seconds"])


def provenance(
    settings: TrainingSettings, tower: Tower, *, seconds: float, test_sets: Path | None = None
) -> dict[str, Any]:
    """Return what a later reader needs to trust or repeat a run: versions, commit, weights, seed, time."""
    return {
        "command": command(settings, test_sets),
        "git_commit": git_commit(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "cores": os.cpu_count(),
        "device": str(tower.device),
        "seed": settings.seed,
        "weights_sha256": tower.sha256,
        "wall_seconds": round(seconds, 1),
    }
