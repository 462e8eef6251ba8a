"""Spearman over word pairs: against scipy, against tau's invariances, held-out by word."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from lexclip_core.errors import InputError
from lexclip_core.evaluation.similarity import (
    heldout_pairs,
    spearman,
    spearman_rho,
)

VALUES = st.integers(-5, 5).map(float)
PAIRS = st.integers(3, 30).flatmap(
    lambda n: st.tuples(arrays(np.float64, n, elements=VALUES), arrays(np.float64, n, elements=VALUES))
)


@given(PAIRS)
def test_rho_is_scipys_with_ties(pair):
    x, y = pair
    assume(np.ptp(x) > 0 and np.ptp(y) > 0)
    assert spearman_rho(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)


@given(PAIRS)
def test_rho_knows_order_only(pair):
    x, y = pair
    assume(np.ptp(x) > 0 and np.ptp(y) > 0)
    rho = spearman_rho(x, y)
    assert spearman_rho(np.exp(x), 3 * y + 7) == pytest.approx(rho, abs=1e-12)
    assert spearman_rho(-x, y) == pytest.approx(-rho, abs=1e-12)
    assert spearman_rho(y, x) == pytest.approx(rho, abs=1e-12)


def test_rho_by_hand():
    # ranks 1 2 3 4 against 1 3 2 4: 1 - 6 (0 + 1 + 1 + 0) / (4 (16 - 1)) = 4/5
    assert spearman_rho(np.array([1, 2, 3, 4]), np.array([1, 3, 2, 4])) == pytest.approx(4 / 5)


def test_constant_input_has_no_rho():
    assert np.isnan(spearman_rho(np.ones(3), np.arange(3.0)))


def test_the_interval_holds_the_value_and_narrows_with_pairs():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=2000)
    cosines = scores + rng.normal(size=2000)
    few = spearman(cosines[:50], scores[:50], split="heldout", name="made-up")["heldout/made-up/spearman"]
    many = spearman(cosines, scores, split="heldout")["heldout/spearman"]
    for estimate in (few, many):
        assert estimate.low < estimate.value < estimate.high
    assert many.high - many.low < (few.high - few.low) / 3
    assert (few.n, many.n) == (50, 2000)


def test_the_interval_is_that_of_a_naive_bootstrap():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=40), rng.normal(size=40)
    y += x
    naive = []
    for _ in range(3000):
        drawn = rng.integers(0, 40, 40)
        naive.append(stats.spearmanr(x[drawn], y[drawn]).statistic)
    low, high = np.quantile(naive, [0.025, 0.975])
    estimate = spearman(x, y, split="all")["all/spearman"]
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=0.02)


def test_words_are_resampled_at_both_ends():
    rng = np.random.default_rng(4)
    ends = np.array([rng.choice(30, 2, replace=False) for _ in range(150)])
    words = [(f"w{a}", f"w{b}") for a, b in ends]
    luck = rng.normal(size=30)[ends].sum(axis=1)
    x, y = luck + rng.normal(size=150), luck + rng.normal(size=150)
    naive = []
    for _ in range(800):
        drawn = np.bincount(rng.integers(0, 30, 30), minlength=30)
        rows = np.repeat(np.arange(150), drawn[ends].prod(axis=1))
        naive.append(stats.spearmanr(x[rows], y[rows]).statistic)
    found = spearman(x, y, split="all", words=words)["all/spearman"]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(naive, [0.025, 0.975])), abs=0.03)
    by_pair = spearman(x, y, split="all")["all/spearman"]
    assert found.value == by_pair.value
    assert found.high - found.low > 1.3 * (by_pair.high - by_pair.low)


def test_constant_cosines_have_no_rho_and_no_crash():
    estimate = spearman(np.ones(5), np.arange(5.0), split="all")["all/spearman"]
    assert np.isnan(estimate.value)
    assert "constant" in estimate.note


def test_too_few_or_unpaired_values_are_refused():
    with pytest.raises(InputError, match="2 pairs cannot be ranked"):
        spearman(np.zeros(2), np.zeros(2), split="all")
    with pytest.raises(InputError, match="not paired"):
        spearman(np.zeros(4), np.zeros(3), split="all")
    with pytest.raises(InputError, match="value 1 is nan"):
        spearman(np.array([0, np.nan, 1]), np.arange(3.0), split="all")


def test_change_is_after_minus_before_and_zero_for_the_same_cosines():
    rng = np.random.default_rng(1)
    scores = rng.normal(size=200)
    before, after = scores + 3 * rng.normal(size=200), scores + 0.5 * rng.normal(size=200)
    change = spearman(np.stack([before, after]), scores, split="heldout", name="s")["heldout/s/spearman"]
    expected = stats.spearmanr(after, scores).statistic - stats.spearmanr(before, scores).statistic
    assert change.value == pytest.approx(expected)
    assert 0 < change.low < change.value < change.high
    # a monotone map of all cosines is no change, whichever pairs are drawn
    same = spearman(np.stack([before, np.tanh(before / 9)]), scores, split="x")["x/spearman"]
    assert (same.low, same.value, same.high) == pytest.approx((0, 0, 0), abs=1e-12)


def test_a_pair_is_held_out_only_if_tuning_used_neither_word():
    pairs = [("wug", "dax"), ("Wug", "blick"), ("ice-cream", "wug"), ("fep", "blick")]
    assert heldout_pairs(pairs, {"wug", "Ice_Cream", "dax"}).tolist() == [False, False, False, True]
    assert heldout_pairs(pairs, ()).all()
    assert len(heldout_pairs([], {"wug"})) == 0
