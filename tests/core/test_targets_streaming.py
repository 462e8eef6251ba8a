"""Strips and batches give the numbers of the whole matrix, which is never made."""

from __future__ import annotations

import importlib
from dataclasses import replace

import numpy as np
import pytest

from lexclip_core.config import Experiment
from lexclip_core.errors import InputError
from lexclip_core.pairs import TargetsOnDemand, WordSampler
from lexclip_core.synsets import load_wordnet
from lexclip_core.targets import first_senses, load_taxonomy, word_similarity, wu_palmer, wu_palmer_blocks
from lexclip_core.tuning import matrix_materials

making = importlib.import_module("lexclip_core.tuning.materials")  # a function has the same name

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


@pytest.mark.parametrize("policy", ["lawful", "nltk"])
@pytest.mark.parametrize("size", [1, 7, 60, 1000, None])
def test_strips_laid_below_each_other_are_the_matrix(policy: str, size: int | None) -> None:
    others = DRAWN[:23]
    out, covered = np.full((60, 23), np.nan), []
    for rows, strip in wu_palmer_blocks(DRAWN, others, policy, size=size, dtype=np.float64):
        out[rows] = strip
        covered += range(rows.start, rows.stop)
    assert covered == list(range(60))
    assert np.array_equal(out, wu_palmer(DRAWN, others, policy))


def test_the_second_list_is_the_first_again_and_strips_are_small_numbers() -> None:
    out = np.concatenate([strip.copy() for _, strip in wu_palmer_blocks(DRAWN, size=11)])
    assert out.dtype == np.float32
    assert np.array_equal(out, wu_palmer(DRAWN).astype(np.float32))


def test_one_strip_is_in_memory_at_a_time() -> None:
    strips = [strip for _, strip in wu_palmer_blocks(DRAWN, size=10)]
    assert len(strips) == 6
    assert all(np.shares_memory(strips[0], strip) for strip in strips)


def test_all_nouns_of_wordnet_take_64_megabytes_a_strip() -> None:
    nouns = np.flatnonzero(load_taxonomy().kinds == ord("n"))
    rows, strip = next(wu_palmer_blocks(nouns))
    assert len(nouns) == 82_115
    assert strip.shape == (rows.stop, len(nouns))
    assert strip.nbytes <= 64 << 20
    assert np.array_equal(strip[5, :100], wu_palmer(nouns[5:6], nouns[:100]).astype(np.float32)[0])


def test_strips_refuse_what_the_matrix_refuses() -> None:
    with pytest.raises(InputError, match="size is 0"):
        next(wu_palmer_blocks(DRAWN, size=0))
    with pytest.raises(InputError, match="xyzzy"):
        next(wu_palmer_blocks(["xyzzy.n.01"]))


def test_first_senses_are_those_of_word_similarity() -> None:
    similar = word_similarity(WORDS, pos="n", how="first_sense")
    assert np.array_equal(wu_palmer(first_senses(WORDS, "n")), similar)


@pytest.mark.parametrize(
    ("target", "words", "synsets"),
    [
        ("wu_palmer", WORDS, ()),
        ("wu_palmer_nltk", WORDS, ()),
        ("wu_palmer", tuple(f"w{i}" for i in range(60)), tuple(load_taxonomy().names[i] for i in DRAWN)),
        ("lexical", MIXED, ()),
    ],
)
def test_batches_on_demand_are_those_of_the_matrix(
    target: str, words: tuple, synsets: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Experiment(target=target, sampling="in_batch", batch=5, epochs=2, seed=3)
    whole = matrix_materials(settings, words, synsets)
    monkeypatch.setattr(making, "_WHOLE", 4)
    monkeypatch.setattr(making, "_targets", None)  # nobody may make them
    lazy = matrix_materials(settings, words, synsets)
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


def test_unknown_words_are_named_before_the_first_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_WHOLE", 4)
    for target in ("wu_palmer", "lexical"):
        settings = Experiment(target=target, sampling="in_batch", batch=2)
        with pytest.raises(InputError, match="xyzzy"):
            matrix_materials(settings, (*WORDS[:6], "xyzzy"))


def test_controls_that_need_all_pairs_get_them_or_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Experiment(sampling="in_batch", batch=5, control="shuffled")
    monkeypatch.setattr(making, "_WHOLE", 4)
    assert matrix_materials(settings, WORDS).targets is not None
    assert matrix_materials(replace(settings, control="random_words"), WORDS).targets is None
    monkeypatch.setattr(making, "_MOST", 39)
    for refused in (settings, replace(settings, control="none", sampling="full_matrix")):
        with pytest.raises(InputError, match=r"all pairs of 40 words need 0 GB"):
            matrix_materials(refused, WORDS)


def test_a_sampler_on_demand_needs_two_words() -> None:
    with pytest.raises(InputError, match="there is 1 word"):
        WordSampler(TargetsOnDemand(1, lambda rows: np.ones((1, 1))), batch=2, epochs=1, seed=0)
