"""Batches that are made on demand have the targets of the whole matrix, which is never made."""

from __future__ import annotations

import numpy as np
import pytest

from lexclip_core.errors import InputError
from lexclip_core.experiments.words import matrix_materials
from lexclip_core.targets.taxonomy import load_taxonomy
from lexclip_core.training.samplers import TargetsOnDemand, WordSampler
from lexclip_core.training.settings import MatrixSettings
from lexclip_core.wordnet.tables import load_wordnet

DRAWN = np.random.default_rng(0).choice(np.flatnonzero(load_taxonomy().kinds == ord("n")), 60, replace=False)
WORDS = tuple(np.random.default_rng(1).choice(sorted(load_wordnet().words("n")), 40, replace=False).tolist())
MIXED = (
    "happy",
    "sad",
    "glad",
    "dog",
    "cat",
    "run",
    "walk",
    "hot",
    "cold",
    "quickly",
    "slowly",
    "love",
    "hate",
)


@pytest.mark.parametrize(
    ("target", "words", "synsets"),
    [
        ("wu_palmer", WORDS, ()),
        ("wu_palmer_nltk", WORDS, ()),
        ("wu_palmer", tuple(f"w{i}" for i in range(60)), tuple(load_taxonomy().names[i] for i in DRAWN)),
        ("lexical", MIXED, ()),
    ],
)
def test_batches_on_demand_are_those_of_the_matrix(target: str, words: tuple, synsets: tuple) -> None:
    settings = MatrixSettings(target=target, sampling="in_batch", batch=5, epochs=2, seed=3)
    whole = matrix_materials(settings, words, synsets)
    lazy = matrix_materials(settings, words, synsets, whole=4)
    assert whole.targets is not None
    assert lazy.targets is None
    assert (lazy.sampler.steps, lazy.sampler.steps_per_epoch) == (
        whole.sampler.steps,
        whole.sampler.steps_per_epoch,
    )
    for step in range(whole.sampler.steps):
        one, other = whole.sampler.batch(step), lazy.sampler.batch(step)
        assert np.array_equal(one.rows, other.rows)
        assert np.array_equal(one.targets, other.targets)
        assert one.targets.dtype == other.targets.dtype == np.float32
        assert np.array_equal(one.masks["distance"], other.masks["distance"])


def test_unknown_words_are_named_before_the_first_batch() -> None:
    for target in ("wu_palmer", "lexical"):
        settings = MatrixSettings(target=target, sampling="in_batch", batch=2)
        with pytest.raises(InputError, match="xyzzy"):
            matrix_materials(settings, (*WORDS[:6], "xyzzy"), whole=4)


def test_controls_that_need_all_pairs_get_them_or_are_refused() -> None:
    settings = MatrixSettings(sampling="in_batch", batch=5, control="shuffled")
    assert matrix_materials(settings, WORDS, whole=4).targets is not None
    assert matrix_materials(settings.replace(control="random_words"), WORDS, whole=4).targets is None
    for refused in (settings, settings.replace(control="none", sampling="full_matrix")):
        with pytest.raises(InputError, match=r"all pairs of 40 words need 0 GB"):
            matrix_materials(refused, WORDS, whole=4, most=39)


def test_a_sampler_on_demand_needs_two_words() -> None:
    with pytest.raises(InputError, match="there is 1 word"):
        WordSampler(TargetsOnDemand(1, lambda rows: np.ones((1, 1))), batch=2, epochs=1, seed=0)
