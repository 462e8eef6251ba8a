"""Strips of a matrix that is too large to be made at once give its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from case_tables import each

from lexclip_core.errors import InputError
from lexclip_core.targets.taxonomy import load_taxonomy
from lexclip_core.targets.word_level import first_senses, wu_palmer_of_words
from lexclip_core.targets.wu_palmer import wu_palmer_blocks, wu_palmer_matrix
from lexclip_core.wordnet.tables import load_wordnet

DRAWN = np.random.default_rng(0).choice(np.flatnonzero(load_taxonomy().kinds == ord("n")), 60, replace=False)
WORDS = tuple(np.random.default_rng(1).choice(sorted(load_wordnet().words("n")), 40, replace=False).tolist())


@each("policy", ["symmetric", "nltk"])
@each("size", [1, 7, 60, 1000, None])
def test_strips_laid_below_each_other_are_the_matrix(policy: str, size: int | None) -> None:
    others = DRAWN[:23]
    out, covered = np.full((60, 23), np.nan), []
    for rows, strip in wu_palmer_blocks(DRAWN, others, policy, size=size, dtype=np.float64):
        out[rows] = strip
        covered += range(rows.start, rows.stop)
    assert covered == list(range(60))
    assert np.array_equal(out, wu_palmer_matrix(DRAWN, others, policy))


def test_the_second_list_is_the_first_again_and_strips_are_small_numbers() -> None:
    out = np.concatenate([strip.copy() for _, strip in wu_palmer_blocks(DRAWN, size=11)])
    assert out.dtype == np.float32
    assert np.array_equal(out, wu_palmer_matrix(DRAWN).astype(np.float32))


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
    assert np.array_equal(strip[5, :100], wu_palmer_matrix(nouns[5:6], nouns[:100]).astype(np.float32)[0])


def test_strips_refuse_what_the_matrix_refuses() -> None:
    with pytest.raises(InputError, match="size is 0"):
        next(wu_palmer_blocks(DRAWN, size=0))
    with pytest.raises(InputError, match="xyzzy"):
        next(wu_palmer_blocks(["xyzzy.n.01"]))


def test_first_senses_are_those_of_word_similarity() -> None:
    similar = wu_palmer_of_words(WORDS, pos="n", how="first_sense")
    assert np.array_equal(wu_palmer_matrix(first_senses(WORDS, "n")), similar)
