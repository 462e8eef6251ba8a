"""Tests of composition are counted right by hand, ties are misses, and macro is the mean of the groups."""

from __future__ import annotations

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from lexclip_core.errors import InputError
from lexclip_core.evaluation.composition import (
    ARO_RELATIONS,
    composition_accuracy,
    prefers_both,
    prefers_paraphrase,
    prefers_true,
)


def angles(*degrees: float) -> np.ndarray:
    """Return unit rows at these angles: the nearer the angles, the higher the cosine."""
    return np.stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))], axis=1)


def test_the_picture_decides_between_true_and_false():
    pictures, true, false = angles(0, 0, 0), angles(10, 30, 20), angles(20, 10, 20)
    assert prefers_true(pictures, true, false).tolist() == [True, False, False]  # the last is a tie


def test_both_true_captions_must_beat_the_false_one():
    pictures, false = angles(0, 0, 0, 0), angles(20, 20, 20, 20)
    true, paraphrase = angles(10, 10, 30, 30), angles(15, 30, 10, 30)
    assert prefers_both(pictures, true, paraphrase, false).tolist() == [True, False, False, False]


def test_true_captions_must_be_nearer_to_each_other_than_either_to_the_false_one():
    true, paraphrase = angles(0, 0, 0, 0), angles(20, 20, 20, 20)
    # far from both; near the second; near the first; between them
    false = angles(50, 35, -15, 10)
    assert prefers_paraphrase(true, paraphrase, false).tolist() == [True, False, False, False]


@given(st.lists(st.tuples(*[st.integers(0, 90)] * 3), min_size=1, max_size=6))
def test_the_text_only_test_does_not_ask_which_caption_came_first(items: list[tuple[int, int, int]]):
    true, paraphrase, false = (angles(*column) for column in zip(*items, strict=True))
    found = prefers_paraphrase(true, paraphrase, false)
    assert (found == prefers_paraphrase(paraphrase, true, false)).all()
    expected = [abs(a - b) < min(abs(a - c), abs(b - c)) for a, b, c in items]
    clear = [len({abs(a - b), abs(a - c), abs(b - c)}) == 3 for a, b, c in items]
    assert [bool(x) for x, sure in zip(found, clear, strict=True) if sure] == [
        x for x, sure in zip(expected, clear, strict=True) if sure
    ]


HITS = np.array([True, True, False, True, False, False])
GROUPS = ["on", "on", "on", "under", "under", "near"]


def test_micro_counts_items_and_macro_counts_groups():
    measured = composition_accuracy(HITS, GROUPS, split="test", name="vg-relation")
    assert list(measured)[:2] == ["test/vg-relation/micro", "test/vg-relation/macro"]
    assert measured["test/vg-relation/micro"].value == 3 / 6
    macro = measured["test/vg-relation/macro"]
    assert macro.value == pytest.approx(float((Fraction(2, 3) + Fraction(1, 2) + 0) / 3))
    assert macro.low <= macro.value <= macro.high
    assert macro.n == 6


def test_rare_groups_and_those_left_out_count_in_micro_alone():
    for options, expected in (
        ({"fewest": 2}, (Fraction(2, 3) + Fraction(1, 2)) / 2),
        ({"macro_over": {"under", "near", "beside"}}, (Fraction(1, 2) + 0) / 2),
    ):
        measured = composition_accuracy(HITS, GROUPS, split="test", name="x", **options)
        assert measured["test/x/macro"].value == pytest.approx(float(expected))
        assert measured["test/x/micro"].value == 3 / 6


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), min_size=1, max_size=30))
def test_macro_is_scikit_learns_balanced_accuracy(items: list[tuple[bool, str]]):
    hits, groups = np.array([hit for hit, _ in items]), [group for _, group in items]
    said = [group if hit else f"not {group}" for hit, group in items]
    macro = composition_accuracy(hits, groups, split="test", name="x")["test/x/macro"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a single label
        assert macro.value == pytest.approx(balanced_accuracy_score(groups, said))


def test_the_interval_of_macro_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(0)
    truth = np.array([0.9, 0.5, 0.7])
    groups = np.repeat(["a", "b", "c"], [200, 30, 80])
    covered = 0
    for _ in range(200):
        hits = rng.random(310) < np.repeat(truth, [200, 30, 80])
        macro = composition_accuracy(hits, list(groups), split="test", name="x")["test/x/macro"]
        covered += macro.low <= truth.mean() <= macro.high
    assert 178 <= covered <= 199


def test_every_group_has_its_accuracy():
    measured = composition_accuracy(HITS, GROUPS, split="test", name="sugarcrepe")
    assert {name: estimate.value for name, estimate in list(measured.items())[2:]} == {
        "test/sugarcrepe/near/accuracy": 0,
        "test/sugarcrepe/on/accuracy": 2 / 3,
        "test/sugarcrepe/under/accuracy": 1 / 2,
    }


def test_aro_has_48_relations_and_none_of_them_reads_the_same_both_ways():
    assert len(ARO_RELATIONS) == 48
    assert "standing by" in ARO_RELATIONS
    assert not ARO_RELATIONS & {"near", "next to", "beside", "with", "by", "of", "around", "on the side of"}


@pytest.mark.parametrize(
    ("hits", "groups", "options", "message"),
    [
        (HITS, GROUPS[:3], {}, r"hits of shape \(6,\) and 3 groups"),
        (HITS[:0], [], {}, "do not pair"),
        (HITS, GROUPS, {"fewest": 4}, r"none of 3 groups counts in macro; the largest has 3 items"),
        (HITS, GROUPS, {"macro_over": {"wearing"}}, "widen `macro_over`"),
    ],
)
def test_items_that_do_not_count_are_named(hits, groups, options, message):
    with pytest.raises(InputError, match=message):
        composition_accuracy(hits, groups, split="test", name="x", **options)


def test_rows_that_do_not_pair_are_named():
    with pytest.raises(InputError, match="do not pair"):
        prefers_true(angles(0, 1), angles(0), angles(0, 1))
