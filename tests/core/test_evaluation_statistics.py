"""Intervals and tests: against closed forms, independent libraries, and their limits."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lexclip_core.errors import InputError
from lexclip_core.evaluation.intervals import (
    Estimate,
    accuracy_change,
    accuracy_of,
    bootstrap_interval,
    counted_bootstrap,
    grouped_mean,
    interval_of,
    mean_over_words,
    median_over_words,
    metric_name,
    paired_permutation,
    t_interval,
    wilson_interval,
    with_baseline,
)
from lexclip_core.evaluation.lexical import synonym_over_antonym_auc
from lexclip_core.evaluation.similarity import spearman
from tests.case_tables import each


def test_wilson_is_the_closed_form():
    estimate = wilson_interval(3, 10)
    z, p, n = stats.norm.ppf(0.975), 3 / 10, 10
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert estimate.value == 3 / 10
    assert (estimate.low, estimate.high) == pytest.approx((centre - half, centre + half), abs=1e-12)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_value_and_mirrors(case):
    successes, n = case
    one, other = wilson_interval(successes, n), wilson_interval(n - successes, n)
    assert 0 <= one.low <= one.value <= one.high <= 1
    assert one.low == pytest.approx(1 - other.high, abs=1e-12)


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_wilson_refuses_what_is_no_share(successes, n):
    with pytest.raises(InputError):
        wilson_interval(successes, n)


def test_bootstrap_of_a_mean_is_near_the_normal_interval():
    data = np.random.default_rng(0).normal(2, 3, size=400)
    estimate = bootstrap_interval(data, np.mean)
    half = 1.96 * data.std(ddof=1) / 20
    assert estimate.value == pytest.approx(data.mean())
    assert estimate.low == pytest.approx(data.mean() - half, abs=0.1 * half)
    assert estimate.high == pytest.approx(data.mean() + half, abs=0.1 * half)
    assert estimate.n == 400


def test_bootstrap_is_seeded():
    data = np.arange(20.0) ** 2
    assert bootstrap_interval(data, seed=1) == bootstrap_interval(data, seed=1)
    assert bootstrap_interval(data, seed=1) != bootstrap_interval(data, seed=2)


def test_bootstrap_keeps_paired_items_together():
    x = np.arange(50.0)
    estimate = bootstrap_interval((x, x + 1), lambda a, b, axis: np.mean(b - a, axis=axis))
    assert (estimate.low, estimate.value, estimate.high) == (1, 1, 1)


def test_constant_input_has_an_interval_of_no_width():
    estimate = bootstrap_interval(np.full(30, 0.25))
    assert (estimate.low, estimate.value, estimate.high) == (0.25, 0.25, 0.25)


def test_one_item_has_no_interval():
    assert bootstrap_interval(np.array([3.0])) == Estimate(3, 3, 3, 1, "no interval: one item")


def test_resamples_without_a_value_are_left_out():
    low, high = interval_of(np.array([math.nan, 1.0, 1.0, math.nan]), 1.0)
    assert (low, high) == (1, 1)
    assert interval_of(np.array([math.nan]), 0.5) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.array([]), "0 items"),
        ((np.zeros(2), np.zeros(3)), "not paired"),
        (np.zeros((2, 2)), "not paired"),
        (np.array([0.0, math.nan]), "value 1 is nan"),
    ],
)
def test_bootstrap_refuses_what_it_cannot_resample(samples, message):
    with pytest.raises(InputError, match=message):
        bootstrap_interval(samples)


WORDS = [(f"w{place}", f"w{place * place % 11}") for place in range(24)]
VALUES = np.random.default_rng(5).integers(0, 9, size=(2, 24)) / 8
RELATIONS = np.where(np.arange(24) % 3, "synonym", "antonym")


def counts_of(n: int, words: list[tuple[str, ...]] | None = None) -> np.ndarray:
    """Return how often each item counts in each resample, (resamples, items)."""
    seen: list[np.ndarray] = []
    counted_bootstrap([lambda counts: seen.append(counts.copy()) or counts[0]], n, words)
    return np.concatenate(seen[1:], axis=1).T.astype(int)  # the first is the value itself


def naive_auc(rows: np.ndarray) -> float:
    near, far = (VALUES[0, rows[RELATIONS[rows] == one]] for one in ("synonym", "antonym"))
    return np.mean((near[:, None] > far) + (near[:, None] == far) / 2)


def test_an_item_counts_as_often_as_its_words_were_drawn():
    counts = counts_of(5, [("a", "a"), ("b", "b"), ("c", "c"), ("a", "b"), ("b", "c")])
    a, b, c = np.sqrt(counts[:, :3]).T
    assert (a + b + c == 3).all()
    assert ((a * b == counts[:, 3]) & (b * c == counts[:, 4])).all()
    assert np.cov(a, b)[0, 1] == pytest.approx(-1 / 3, abs=0.1)  # of a multinomial
    assert np.cov(a, b)[0, 0] == pytest.approx(2 / 3, abs=0.15)
    drawn = counts_of(4)
    assert (drawn.sum(axis=1) == 4).all()
    rows = np.random.default_rng(0).integers(4, size=(1000, 4))  # as `bootstrap_interval` draws
    assert (drawn == (rows[:, :, None] == np.arange(4)).sum(axis=1)).all()


@pytest.mark.filterwarnings("ignore")  # of naive statistics that have no value
@each(
    ("ours", "naive", "drawn"),
    [
        (lambda: mean_over_words(VALUES[0], WORDS), lambda rows: VALUES[0, rows].mean(), WORDS),
        (lambda: median_over_words(VALUES[0], WORDS), lambda rows: np.median(VALUES[0, rows]), WORDS),
        (lambda: synonym_over_antonym_auc(VALUES[0], RELATIONS, split="x", words=WORDS), naive_auc, WORDS),
        (
            lambda: spearman(*VALUES, split="x", words=WORDS),
            lambda rows: stats.spearmanr(*VALUES[:, rows]).statistic,
            WORDS,
        ),
        (
            lambda: spearman(*VALUES, split="x"),
            lambda rows: stats.spearmanr(*VALUES[:, rows]).statistic,
            None,
        ),
    ],
)
def test_a_bootstrap_by_counts_is_that_of_items_written_out(ours, naive, drawn):
    counts = counts_of(24, drawn)
    found = ours()
    found = found if isinstance(found, Estimate) else next(iter(found.values()))
    written_out = [naive(np.repeat(np.arange(24), row)) for row in counts]
    assert found.ends == pytest.approx(np.nanquantile(written_out, [0.025, 0.975]), abs=1e-12)
    assert found.value == pytest.approx(naive(np.arange(24)))


def test_permutation_is_exact_for_few_items():
    before, after = np.array([1.0, 2, 3, 4, 5]), np.array([2.0, 4, 3.5, 4.2, 9])
    observed = (after - before).mean()
    means = [
        np.mean([sign * d for sign, d in zip(signs, after - before, strict=True)])
        for signs in itertools.product((1, -1), repeat=5)
    ]
    larger = np.mean([mean >= observed - 1e-12 for mean in means])
    smaller = np.mean([mean <= observed + 1e-12 for mean in means])
    assert paired_permutation(before, after) == pytest.approx(min(1, 2 * min(larger, smaller)))


def test_permutation_of_equal_scores_is_no_change():
    assert paired_permutation(np.arange(4.0), np.arange(4.0)) == 1


def test_the_t_interval_is_scipys():
    result = t_interval([1.0, 2.0, 4.0])
    t = stats.ttest_1samp([1.0, 2.0, 4.0], 0).confidence_interval(0.95)
    assert result.value == pytest.approx(7 / 3)
    assert (result.low, result.high) == pytest.approx((t.low, t.high))
    assert result.n == 3
    alone = t_interval([5.0])
    assert (alone.low, alone.value, alone.high) == (5, 5, 5)


def test_metric_names_say_their_split():
    assert metric_name("heldout", "simlex-999", "spearman") == "heldout/simlex-999/spearman"
    assert metric_name("all", "", "auc") == "all/auc"
    with pytest.raises(InputError, match="must say its split"):
        metric_name("", "auc")


def test_an_estimate_becomes_an_entry_of_metrics_json():
    entry = wilson_interval(1, 2).as_dict()
    assert list(entry) == ["value", "low", "high", "n", "note"]
    assert entry["value"] == 0.5
    assert Estimate(**entry) == wilson_interval(1, 2)


@pytest.mark.parametrize(
    ("estimate", "ends"), [(Estimate(0.5), (0.5, 0.5)), (Estimate(0.5, 0.25, 0.75), (0.25, 0.75))]
)
def test_the_ends_of_an_estimate_are_its_interval_or_its_value(estimate: Estimate, ends: tuple[float, float]):
    assert estimate.ends == ends
    assert estimate.scaled(100).ends == (100 * ends[0], 100 * ends[1])
    assert estimate.scaled(100).value == 50
    assert (estimate.scaled(100).low is None) == (estimate.low is None)


def test_values_before_stand_in_the_entries_after():
    after = {"test/auc": Estimate(0.75, 0.5, 1, 8, "Wilson")}
    assert with_baseline({"test/auc": Estimate(0.25), "all/auc": Estimate(0.5)}, after) == {
        "test/auc": {"value": 0.75, "low": 0.5, "high": 1, "n": 8, "note": "Wilson", "before": 0.25}
    }
    changed = with_baseline({"x": Estimate(0.25)}, {"x": Estimate(0.75)}, {"x": Estimate(0.5, 0.25, 0.625)})
    assert [changed["x"][name] for name in ("change", "change_low", "change_high")] == [0.5, 0.25, 0.625]


def test_items_of_one_group_are_drawn_together():
    found = grouped_mean(np.array([1, 0, 1, 1]), np.array(["a", "a", "b", "b"]), over="intents")
    assert (found.value, found.low, found.high, found.n) == (3 / 4, 1 / 2, 1, 4)
    assert found.note == "bootstrap over 2 intents, 1000 resamples"
    with pytest.raises(InputError, match=r"values \(2,\) and groups \(1,\) do not fit"):
        grouped_mean(np.ones(2), np.zeros(1), over="intents")


HITS = st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 4)), min_size=2, max_size=30)


@given(HITS)
def test_no_share_of_hits_and_no_change_of_them_has_an_interval_without_width(rows):
    before, after, labels = (np.array(column) for column in zip(*rows, strict=True))
    for groups in ("pictures", "classes"):
        count = len(rows) if groups == "pictures" else len(set(labels))
        share = accuracy_of(after, labels, groups=groups)
        change = accuracy_change(before, after, labels, groups=groups)
        assert (share.value, change.value) == pytest.approx((after.mean(), after.mean() - before.mean()))
        if count > 1:
            assert share.low < share.high
            assert change.low < change.high
            assert share.low <= share.value <= share.high
    assert accuracy_of(after, labels, groups="pictures").ends == wilson_interval(after.sum(), len(rows)).ends


def test_none_of_twenty_is_up_to_a_sixth():
    found = accuracy_of(np.zeros(20, bool), np.zeros(20, int), groups="pictures")
    assert (found.low, found.high) == (0, pytest.approx(0.161, abs=1e-3))
    alike = grouped_mean(np.ones(40), np.repeat(np.arange(8), 5), over="intents")
    assert (alike.value, alike.low, alike.n) == (1, wilson_interval(8, 8).low, 40)


@pytest.mark.parametrize("after", [1, -1])
def test_one_pair_has_two_arrangements_as_extreme(after: float) -> None:
    assert paired_permutation(np.zeros(1), np.array([after])) == 1
