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
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.datasets.pictures.picture_set import PictureSet
from lexclip_core.errors import MissingResourceError
from lexclip_core.evaluation.intervals import with_baseline
from lexclip_core.experiments import paraphrases, word_measures
from lexclip_core.experiments.explorer_data import triple_table
from lexclip_core.experiments.paraphrases import Material, emoji_material, features_by
from lexclip_core.experiments.run_folder import (
    LARGEST_TENSORS,
    PAIR_COLUMNS,
    RunContent,
    command,
    git_commit,
    write_run,
)
from lexclip_core.experiments.word_measures import Encoders, Metrics
from lexclip_core.experiments.words import (
    Lexicon,
    cached_embeddings,
    frequent_words,
    lexicon,
    materials,
    split_rule,
)
from lexclip_core.figures.maps import subtree_layout
from lexclip_core.towers.loading import chosen_precision, load, load_image
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import set_trainable
from lexclip_core.towers.weights import apply_tuned, combine, interpolate, save_tuned
from lexclip_core.training.distributed import is_writer, join, wait_for_all
from lexclip_core.training.loop import History, Watch, train
from lexclip_core.training.objectives import LexicalObjective, Objective, ParaclipObjective
from lexclip_core.training.settings import (
    ParaphraseSettings,
    RelationSettings,
    TrainingSettings,
    WordSettings,
)

logger = logging.getLogger(__name__)

BLOG_WORDS = ("happy", "sad", "cheerful", "smart", "dumb", "intelligent")
"""Words that every run keeps: the blog's own examples."""

_HISTORY_ROWS = 1_000
_SEEDS = 2**32
_MANY = 2_000  # frequent words kept with a run; a larger vocabulary is not kept as a whole
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

    def triples(self, base: Tower, tuned: Tower) -> pd.DataFrame | None:
        """Return held-out triples with their cosines between base and tuned tower; None without."""


def word_objective(
    settings: WordSettings, base: Tower, vocabulary: Lexicon | None = None
) -> tuple[LexicalObjective, tuple[str, ...]]:
    """Return what a training on words is about, and the words it sees."""
    made = materials(settings, base, vocabulary)
    second = settings.second() if isinstance(settings, RelationSettings) else None
    plus, more = word_objective(second, base, vocabulary) if second else (None, ())
    reference = cached_embeddings(base, made.words)
    objective = LexicalObjective(made.words, made.sampler, settings, reference, plus=plus)
    return objective, tuple(dict.fromkeys([*made.words, *more]))


class WordExperiment:
    """A training on words, judged on words that it never saw.

    Args:
        settings: Of method `matrix` or `relations`.
        base: The tower that is tuned.
        test_sets: Folder with `wordsim` and `sts`, measured as well; nothing is tuned on them.
        roots: WordNet subtrees to draw.
        vocabulary: The words to train on and to judge by; by default WordNet's.

    Raises:
        InputError: Settings that do not go together, or words that the target is not defined for.
        MissingResourceError: The folder of test sets has no `wordsim`.
    """

    def __init__(
        self,
        settings: WordSettings,
        base: Tower,
        test_sets: Path | None = None,
        *,
        roots: tuple[str, ...] = word_measures.SUBTREES,
        vocabulary: Lexicon | None = None,
    ) -> None:
        if test_sets and not (test_sets / "wordsim").is_dir():
            raise MissingResourceError(f"{test_sets} has no folder wordsim", "name the folder that holds it")
        self.settings, self.test_sets = settings, test_sets
        self._roots, self._given, self._base = roots, vocabulary, base
        self.objective, self._seen = word_objective(settings, base, vocabulary)
        self.every = max(50, self.objective.steps // 20)

    def measure(self, towers: Encoders) -> tuple[Metrics, pd.DataFrame]:
        """Return inversions, separation and retention of unseen words, and the pairs of both splits."""
        seen, vocabulary = self._left_out, self._vocabulary
        if (vocabulary.split == "train").all():  # nothing was held out: sentences are all that is left
            unknown = self._base.unknown_texts
            metrics = word_measures.sentence_sets(towers, self.test_sets, unknown) if self.test_sets else {}
            return metrics, pd.DataFrame(columns=list(PAIR_COLUMNS))
        metrics, judged = word_measures.inversions(towers, seen, vocabulary), []
        for split in ("dev", "test"):
            judged.append(word_measures.measured_pairs(towers, split, seen, vocabulary))
            metrics |= word_measures.separation(judged[-1], split)
            metrics |= word_measures.retrieval(towers, judged[-1], split, vocabulary)
            metrics |= word_measures.retention(towers, split, seen, vocabulary)
        if self.test_sets:
            metrics |= word_measures.outside_sets(
                towers, self.test_sets, self._seen, self._base.unknown_texts
            )
        return metrics, pd.concat(judged, ignore_index=True)

    def words(self) -> tuple[str, ...]:
        """Return the words trained on, where they are few, those of the maps, and frequent ones."""
        own = self._seen if len(self._seen) <= _MANY else ()
        return (*own, *self._drawn["word"], *frequent_words(_MANY, self._vocabulary))

    def layout(self, words: tuple[str, ...], before: np.ndarray, after: np.ndarray) -> pd.DataFrame | None:
        """Return the joint maps of the subtrees."""
        if not self._roots:
            return None
        return subtree_layout(self._drawn, words, before, after, seed=self.settings.seed)

    def triples(self, base: Tower, tuned: Tower) -> pd.DataFrame | None:
        """Return triples of words that it never saw, with their cosines at five weights."""
        return triple_table(base, tuned, self._left_out, self._vocabulary)

    @cached_property
    def _vocabulary(self) -> Lexicon:  # takes seconds, and words of one's own are trained on without it
        return self._given or lexicon(split_rule(self.settings))

    @cached_property
    def _left_out(self) -> tuple[str, ...]:
        """The words that are not measured: those that it saw, and those that the tower has no vector for."""
        return (*self._seen, *self._base.unknown_texts(self._vocabulary.words))

    @cached_property
    def _drawn(self) -> pd.DataFrame:
        return word_measures.nodes(self._roots) if self._roots else pd.DataFrame({"word": []})


class ParaphraseExperiment:
    """A training on captions, paraphrases and pictures, judged on held-out pictures and on sentences.

    Args:
        settings: Of method `paraphrases`.
        base: The tower that is tuned.
        test_sets: Folder with `sts` and `sugarcrepe_pp`, measured as well; nothing is chosen by them.
        tests: What is measured; the test scenes of emoji by default.
        material: What is trained on; emoji by default.
        vocabulary: The words to judge by; by default WordNet's.

    Raises:
        InputError: Settings that do not go together, or fewer records than a batch has.
        MissingResourceError: The image tower or the emoji are not there.
    """

    every = 10

    def __init__(
        self,
        settings: ParaphraseSettings,
        base: Tower,
        test_sets: Path | None = None,
        *,
        tests: paraphrases.Tests | None = None,
        material: Material | None = None,
        vocabulary: Lexicon | None = None,
    ) -> None:
        if settings.records and material is None and tests is None:

            def needed(pictures: PictureSet) -> np.ndarray:  # shards may bring no picture that is not cached
                return features_by(load_image(settings.image_tower))(pictures)

            material, tests = paraphrases.own_material(settings, needed, test_sets)
        if material is None or tests is None:
            features = features_by(load_image(settings.image_tower))
            material = material or emoji_material(settings, features)
            tests = tests or paraphrases.with_other_concepts(
                paraphrases.emoji_tests(features, folder=test_sets), features
            )
        self.settings, self.test_sets = settings, test_sets
        self.objective = paraphrase_objective(settings, material, base)
        self._base, self._tests, self._vocabulary = base, tests, vocabulary
        self._left_out = base.unknown_texts((vocabulary or lexicon()).words)

    def measure(self, towers: Encoders) -> tuple[Metrics, pd.DataFrame]:
        """Return Table 1's columns and the rest of the tests, and the pairs of words of the test split."""
        before = paraphrases.measured_base(self._base, self._tests).metrics
        if self.settings.records:  # a file may change and keep its name
            after = paraphrases.measure_tower(towers.after, self._tests)
        else:  # a sweep over the same tests finds this setting measured
            after = paraphrases.measured_setting(self.settings, self._base, self._tests, towers.after).metrics
        pairs = word_measures.measured_pairs(towers, "test", self._left_out, self._vocabulary)
        return with_baseline(before, after), pairs

    def words(self) -> tuple[str, ...]:
        """Return frequent words."""
        return frequent_words(_MANY // 2, self._vocabulary)

    def layout(self, words: tuple[str, ...], before: np.ndarray, after: np.ndarray) -> None:
        """Draw no map."""

    def triples(self, base: Tower, tuned: Tower) -> pd.DataFrame | None:
        """Return triples of words held out from trainings on words, with their cosines at five weights."""
        return triple_table(base, tuned, self._left_out, self._vocabulary)


def paraphrase_objective(settings: ParaphraseSettings, material: Material, base: Tower) -> ParaclipObjective:
    """Return what a training on paraphrases is about, with the words whose terms are added to it."""
    words = settings.distance_settings()
    return ParaclipObjective(
        material.records,
        settings,
        pictures=material.pictures,
        distance=word_objective(words, base)[0] if words else None,
        device=base.device,
    )


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
        tower: The tower after, as stored: interpolated, and rounded to float16 where a run folder then has
            room for it.
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
        largest: Bytes of tuned tensors that the run folder may carry; larger ones go to the cache.

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
    with one_training(settings):
        trained = train_tower(settings, made.objective, base, every=made.every, largest=largest)
        if not is_writer():
            return (out or storage.runs_folder()) / settings.run_id
        path = save_run(made, trained, out, began=began, largest=largest)
        trained.remove_files()
    return path


def one_training(settings: TrainingSettings) -> AbstractContextManager[None]:
    """Return a context in which no other process trains with these settings: they share one checkpoint.

    Under torchrun the first process holds the lock for all of them.
    """
    lock = storage.cache_folder() / "experiments" / f".{settings.run_id}.lock"
    return storage.one_at_a_time(lock) if is_writer() else nullcontext()


def train_tower(
    settings: TrainingSettings,
    objective: Objective,
    base: Tower,
    *,
    every: int = 50,
    largest: int = LARGEST_TENSORS,
    watch: Watch | None = None,
) -> Trained:
    """Train a copy of a tower and store what was tuned; a run that was killed goes on from its checkpoint.

    What was tuned is stored at half precision where a run folder then has room for it, else exactly.

    Args:
        settings: What may move, optimiser, schedule, seed, interpolation.
        objective: The texts of each step, and their terms.
        base: The tower; it stays as it is.
        every: Steps between two checkpoints.
        largest: Bytes of tuned tensors that a run folder may carry.
        watch: Sees every step; a watched training has no checkpoint, so that it is seen from its start.

    Raises:
        InputError: Settings that do not go together.
        DivergenceError: The loss became useless; the last checkpoint stays.
    """
    logger.info("%s: %d steps", settings.run_id, objective.steps)
    folder = storage.cache_folder() / "experiments" / settings.run_id
    checkpoint = folder / "checkpoint.pt" if watch is None else None
    tower, history = tuned_copy(settings, objective, base, checkpoint=checkpoint, every=every, watch=watch)
    weights = folder / "tuned.safetensors"
    if is_writer():
        save_tuned(tower, weights, dtype="float16", base=base)
        if weights.stat().st_size > largest:
            save_tuned(tower, weights, base=base)
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
    watch: Watch | None = None,
) -> tuple[Tower, History]:
    """Return a tower trained from a copy of the base and interpolated with it, and its history.

    Where the settings ask for several runs, the weights of all are averaged ("model soups", Wortsman et al.,
    2022); where they name a second recipe, its change is added. The history has one training after the other.

    Args:
        settings: As in `train_tower`; the arithmetic of the copy is theirs.
        objective: The texts of each step, and their terms.
        base: The tower; it stays as it is.
        checkpoint: File of the last good state; None keeps none.
        every: Steps between two checkpoints.
        watch: Sees every step, of several runs one after the other.

    Raises:
        InputError: Settings that do not go together.
        DivergenceError: The loss became useless.
    """
    members = _members(settings, objective)
    towers, history = [], History()
    for number, (one, part, _) in enumerate(members):
        tower = base.copy()
        tower.dtype = chosen_precision(one.dtype, tower.device)
        set_trainable(tower, one.trainable, seed=one.seed)
        path = checkpoint.with_stem(f"{checkpoint.stem}-{number}") if checkpoint and number else checkpoint
        history.append(train(tower, part, one, checkpoint=path, every=every, watch=watch))
        towers.append(tower)
    if len(towers) == 1:  # exact at alpha = 1, where a share of the change is rounded
        tuned = interpolate(base, towers[0], settings.alpha)
    else:
        tuned = combine(base, towers, [share for *_, share in members])
    tuned.dtype = base.dtype  # before and after are measured in one arithmetic
    return tuned, history


def _members(
    settings: TrainingSettings, objective: Objective
) -> list[tuple[TrainingSettings, Objective, float]]:
    """Return the trainings whose changes are added, each with its share; mostly there is one."""
    if not isinstance(settings, RelationSettings) or not isinstance(objective, LexicalObjective):
        return [(settings, objective, settings.alpha)]
    recipes = [(settings, objective, settings.alpha)]
    if (second := settings.second()) and objective.plus:
        recipes.append((second, objective.plus, settings.plus_alpha))
    if (runs := settings.runs) == 1:
        return [*recipes]
    seeds = [(settings.seed * runs + number) % _SEEDS for number in range(runs)]  # no two soups share one
    return [
        (recipe.replace(seed=seed), part.reseeded(seed), share / runs)
        for seed in seeds
        for recipe, part, share in recipes
    ]


def save_run(
    experiment: Experiment,
    trained: Trained,
    out: Path | None = None,
    *,
    began: float | None = None,
    largest: int = LARGEST_TENSORS,
    maps: bool = True,
) -> Path:
    """Measure a training, write its run folder and return it.

    Args:
        experiment: What is measured, and which words and maps are kept.
        trained: The towers before and after.
        out: Folder of runs; the explorer's by default.
        began: `time.monotonic()` at the start, for the provenance; now if left out.
        largest: Bytes of tuned tensors that the run folder may carry; larger ones go to the cache.
        maps: Whether its maps are laid out.

    Raises:
        StorageError: The run folder cannot be written.
    """
    settings = experiment.settings
    towers: Encoders = Encoders(trained.base.encode_texts, trained.tower.encode_texts)
    metrics, pairs = experiment.measure(towers)
    words = tuple(dict.fromkeys([*BLOG_WORDS, *experiment.words()]))
    before, after = towers.before(words), towers.after(words)
    layout = experiment.layout(words, before, after) if maps else None
    seconds = time.monotonic() - (time.monotonic() if began is None else began)
    origin = provenance(settings, trained.base, seconds=seconds, test_sets=experiment.test_sets)
    content = RunContent(
        run_id=settings.run_id,
        config=settings.flat(),
        metrics=metrics,
        history=history_table(trained.history),
        words=words,
        before=before,
        after=after,
        pairs=pairs,
        layout=layout,
        triples=experiment.triples(trained.base, trained.tower),
        provenance=origin | dict(experiment.objective.provenance()),
    )
    return write_run(out or storage.runs_folder(), content, tuned=trained.weights, largest=largest)


def history_table(history: History) -> pd.DataFrame:
    """Return the history as a table of at most 1,000 rows, each the mean of the steps it stands for.

    A term that one of several trainings does not have adds 0 to its loss.
    """
    table = pd.DataFrame(history.rows).fillna(0.0)
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
        "dtype": str(chosen_precision(settings.dtype, tower.device)).removeprefix("torch."),
        "seed": settings.seed,
        "weights_sha256": tower.sha256,
        "weights_verified": tower.verified,
        "wall_seconds": round(seconds, 1),
    }
