"""One training on paraphrases, from settings to a run folder that the explorer can open."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lexclip_core import runs, storage, towers
from lexclip_core.config import ParaclipExperiment
from lexclip_core.errors import InputError
from lexclip_core.paraclip import kept, measuring
from lexclip_core.paraclip.material import Material, emoji_material, features_by
from lexclip_core.towers import Tower
from lexclip_core.training import (
    History,
    LexicalObjective,
    ParaclipObjective,
    is_writer,
    join,
    train,
    wait_for_all,
)
from lexclip_core.tuning import materials
from lexclip_core.tuning.embedding_cache import cached_embeddings
from lexclip_core.tuning.lexicon import lexicon
from lexclip_core.tuning.measuring import Sides, measured_pairs
from lexclip_core.tuning.provenance import provenance

logger = logging.getLogger(__name__)

_VOCABULARY = 1_000  # frequent words kept with a run, beside those that its pages speak of
_BLOG_WORDS = ("happy", "sad", "cheerful", "smart", "dumb", "intelligent")
_CHECKPOINT_STEPS = 10
_LARGEST = 8_000_000  # bytes of tuned tensors that a run folder may carry


@dataclass(frozen=True, eq=False)
class Trained:
    """What a training leaves in memory and, as a file, in the cache.

    Args:
        base: The tower before.
        tower: The tower after, as stored: rounded to float16 and interpolated.
        history: One row a step.
        weights: The tuned tensors.
        scales: The inverse temperatures at the end, by kind of term.
    """

    base: Tower
    tower: Tower
    history: History
    weights: Path
    scales: dict[str, float]


def train_on(experiment: ParaclipExperiment, material: Material, base: Tower) -> Trained:
    """Train a copy of a tower on some material; a run that was killed goes on from its last checkpoint.

    Args:
        experiment: The settings.
        material: What to train on.
        base: The tower that the experiment names.

    Raises:
        InputError: Settings that do not go together, or fewer records than a batch has.
        DivergenceError: The loss became useless; the last checkpoint stays.
    """
    tower = base.copy()
    towers.set_trainable(tower, experiment.trainable, seed=experiment.seed)
    objective = ParaclipObjective(
        material.records,
        experiment,
        pictures=material.pictures,
        distance=_distance(experiment, base),
        device=tower.device,
    )
    logger.info("%s: %d records, %d steps", experiment.run_id, len(material.records), objective.steps)
    folder = storage.cache_folder() / "paraclip" / experiment.run_id
    history = train(
        tower, objective, experiment, checkpoint=folder / "checkpoint.pt", every=_CHECKPOINT_STEPS
    )
    weights = folder / "tuned.safetensors"
    if is_writer():
        towers.save_tuned(towers.settle(base, tower, experiment.alpha), weights, dtype="float16")
    wait_for_all()
    scales = {name: float(value.detach()) for name, value in objective.current_scales().items()}
    # What is measured is what is stored, rounding included.
    return Trained(base, towers.apply_tuned(base, weights), history, weights, scales)


def tune(
    experiment: ParaclipExperiment,
    out: Path | None = None,
    *,
    test_sets: Path | None = None,
    tests: measuring.Tests | None = None,
    material: Material | None = None,
) -> Path:
    """Train on paraphrases, measure before and after, write a run folder and return it.

    Args:
        experiment: The settings.
        out: Folder of runs; the explorer's by default.
        test_sets: Folder with `sts` and `sugarcrepe_pp`, measured as well; nothing is chosen by them.
        tests: What is measured; the test scenes of emoji by default.
        material: What is trained on; emoji by default.

    Raises:
        InputError: Settings that do not go together.
        DivergenceError: The loss became useless; the last checkpoint stays.
        MissingResourceError: Something named is not there.
        StorageError: The run folder cannot be written.
    """
    began = time.monotonic()
    join()
    base = towers.load(experiment.tower, device=experiment.device, dtype=experiment.dtype)
    if material is None or tests is None:
        features = features_by(towers.load_image(experiment.image_tower))
        material = material or emoji_material(experiment, features)
        tests = tests or measuring.with_other_concepts(
            measuring.emoji_tests(features, folder=test_sets), features
        )
    trained = train_on(experiment, material, base)
    wait_for_all()  # before the first process clears away what the others read
    if not is_writer():
        return (out or storage.runs_folder()) / experiment.run_id
    before = kept.measured_base(base, tests)
    # A sweep over the same tests finds this setting measured.
    numbers = kept.folder_of(tests, base) / kept.file_of(experiment, experiment.alpha)
    after = kept.once(numbers, lambda: measuring.measure(trained.tower.encode_texts, tests))
    content = _content(experiment, trained, measuring.beside(before, after), began)
    small = trained.weights.stat().st_size <= _LARGEST
    path = runs.write_run(out or storage.runs_folder(), content, tuned=trained.weights if small else None)
    for leftover in trained.weights.parent.iterdir():
        leftover.unlink()
    return path


def _distance(experiment: ParaclipExperiment, base: Tower) -> LexicalObjective | None:
    words = experiment.distance_experiment()
    if words is None:
        return None
    made = materials(words, base)
    if made.sampler is None:
        raise InputError(f"{experiment.distance} has no batches", "choose another preset of tuning on words")
    return LexicalObjective(made.words, made.sampler, words, cached_embeddings(base, made.words))


def _content(
    experiment: ParaclipExperiment, trained: Trained, metrics: measuring.Metrics, began: float
) -> runs.RunContent:
    sides = Sides(trained.base.encode_texts, trained.tower.encode_texts)
    words = _kept_words()
    before, after = cached_embeddings(trained.base, words), sides.after(words)
    origin = provenance(experiment, trained.base, seconds=time.monotonic() - began)
    return runs.RunContent(
        run_id=experiment.run_id,
        config=experiment.flat(),
        metrics=metrics,
        history=pd.DataFrame(trained.history.rows),
        words=words,
        before=before,
        after=after,
        pairs=measured_pairs(sides, "test", ()),
        provenance=origin | {"scales": trained.scales},
    )


def _kept_words() -> tuple[str, ...]:
    """Return the words that a run keeps: the blog's, and frequent ones as neighbours; no map is drawn."""
    vocabulary = lexicon()
    frequent = np.argsort(-vocabulary.counts, kind="stable")[:_VOCABULARY]
    words = [*_BLOG_WORDS, *(vocabulary.words[index] for index in frequent)]
    return tuple(dict.fromkeys(words))
