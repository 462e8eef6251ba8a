"""What each method brings to the pipeline: training on words, and training on paraphrases."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from lexclip_core.errors import MissingResourceError
from lexclip_core.evaluation.intervals import with_baseline
from lexclip_core.experiments import paraphrase_measures, word_measures
from lexclip_core.experiments.paraphrases import Material, emoji_material, features_by
from lexclip_core.experiments.word_measures import Encoders, Metrics
from lexclip_core.experiments.words import (
    Lexicon,
    cached_embeddings,
    frequent_words,
    lexicon,
    materials,
)
from lexclip_core.figures.maps import subtree_layout
from lexclip_core.towers.loading import load_image
from lexclip_core.towers.tower import Tower
from lexclip_core.training.objectives import LexicalObjective, ParaclipObjective
from lexclip_core.training.settings import ParaphraseSettings, WordSettings

_MANY = 2_000  # frequent words kept with a run; a larger vocabulary is not kept as a whole


def word_objective(
    settings: WordSettings, base: Tower, vocabulary: Lexicon | None = None
) -> tuple[LexicalObjective, tuple[str, ...]]:
    """Return what a training on words is about, and the words it sees."""
    made = materials(settings, base, vocabulary)
    reference = cached_embeddings(base, made.words)
    return LexicalObjective(made.words, made.sampler, settings, reference), made.words


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
        self._roots, self._vocabulary = roots, vocabulary or lexicon()
        self.objective, self._seen = word_objective(settings, base, self._vocabulary)
        self.every = max(50, self.objective.steps // 20)

    def measure(self, towers: Encoders) -> tuple[Metrics, pd.DataFrame]:
        """Return inversions, separation and retention of unseen words, and the pairs of both splits."""
        seen, vocabulary = self._seen, self._vocabulary
        metrics, judged = word_measures.inversions(towers, seen, vocabulary), []
        for split in ("dev", "test"):
            judged.append(word_measures.measured_pairs(towers, split, seen, vocabulary))
            metrics |= word_measures.separation(judged[-1], split)
            metrics |= word_measures.retention(towers, split, seen, vocabulary)
        if self.test_sets:
            metrics |= word_measures.outside_sets(towers, self.test_sets, self._seen)
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
        tests: paraphrase_measures.Tests | None = None,
        material: Material | None = None,
        vocabulary: Lexicon | None = None,
    ) -> None:
        if material is None or tests is None:
            features = features_by(load_image(settings.image_tower))
            material = material or emoji_material(settings, features)
            tests = tests or paraphrase_measures.with_other_concepts(
                paraphrase_measures.emoji_tests(features, folder=test_sets), features
            )
        self.settings, self.test_sets = settings, test_sets
        self.objective = paraphrase_objective(settings, material, base)
        self._base, self._tests, self._vocabulary = base, tests, vocabulary

    def measure(self, towers: Encoders) -> tuple[Metrics, pd.DataFrame]:
        """Return Table 1's columns and the rest of the tests, and the pairs of words of the test split."""
        before = paraphrase_measures.measured_base(self._base, self._tests)
        # a sweep over the same tests finds this setting measured
        after = paraphrase_measures.measured_setting(self.settings, self._base, self._tests, towers.after)
        pairs = word_measures.measured_pairs(towers, "test", (), self._vocabulary)
        return with_baseline(before, after), pairs

    def words(self) -> tuple[str, ...]:
        """Return frequent words."""
        return frequent_words(_MANY // 2, self._vocabulary)

    def layout(self, words: tuple[str, ...], before: np.ndarray, after: np.ndarray) -> None:
        """Draw no map."""


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
