"""Inversion, AUC, template consistency: by hand, against naive loops, against scikit-learn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import roc_auc_score

from lexclip_core.errors import InputError
from lexclip_core.evaluation.intervals import wilson_interval
from lexclip_core.evaluation.lexical import inversion_rate, synonym_over_antonym_auc, template_consistency

COSINES = st.integers(-4, 4).map(lambda i: i / 4)
AUC = "heldout/synonym_over_antonym_auc"
LABELLED = st.integers(2, 25).flatmap(
    lambda n: st.tuples(
        arrays(np.float64, n, elements=COSINES),
        st.lists(st.sampled_from(["synonym", "antonym"]), min_size=n, max_size=n).filter(
            lambda relations: len(set(relations)) == 2
        ),
    )
)


def test_inversion_by_hand_a_tie_counts_as_inverted():
    near, far = np.array([0.9, 0.2, 0.5, 0.1]), np.array([0.1, 0.3, 0.5, 0.0])
    result = inversion_rate(near, far, split="heldout", policy="same_synset", pos=["a", "a", "n", "n"])
    assert {name: estimate.value for name, estimate in result.items()} == {
        "heldout/inversion_rate/same_synset": 2 / 4,
        "heldout/inversion_rate/same_synset/a": 1 / 2,
        "heldout/inversion_rate/same_synset/n": 1 / 2,
    }
    assert result["heldout/inversion_rate/same_synset"].n == 4


def test_a_collapsed_encoder_is_not_perfect():
    result = inversion_rate(np.ones(9), np.ones(9), split="all", policy="also_see")
    assert result["all/inversion_rate/also_see"].value == 1


@given(st.integers(1, 40).flatmap(lambda n: arrays(np.float64, (2, n), elements=COSINES)))
def test_inversion_of_the_swap_is_the_rest(cosines):
    near, far = cosines
    name = "x/inversion_rate/same_synset"
    rate = inversion_rate(near, far, split="x", policy="same_synset")[name].value
    swapped = inversion_rate(far, near, split="x", policy="same_synset")[name].value
    assert rate + swapped == pytest.approx(1 + np.mean(near == far))


@pytest.mark.parametrize(
    ("near", "far", "message"),
    [
        (np.array([]), np.array([]), "no triple"),
        (np.zeros(2), np.zeros(3), "do not pair"),
        (np.array([np.nan]), np.array([0.0]), "not a finite number"),
    ],
)
def test_inversion_refuses_what_it_cannot_judge(near, far, message):
    with pytest.raises(InputError, match=message):
        inversion_rate(near, far, split="all", policy="same_synset")
    with pytest.raises(InputError, match="1 parts of speech for 2 triples"):
        inversion_rate(np.zeros(2), np.zeros(2), split="all", policy="same_synset", pos=["a"])


def test_auc_by_hand():
    # synonyms .9 .4, antonyms .5 .4: wins 1 + 1 + 0 + 1/2 of 4
    relations = ["synonym", "synonym", "antonym", "antonym", "unrelated"]
    result = synonym_over_antonym_auc(np.array([0.9, 0.4, 0.5, 0.4, 1]), relations, split="heldout")
    assert result[AUC].value == pytest.approx(5 / 8)
    assert result[AUC].n == 4


@given(LABELLED)
def test_auc_is_scikit_learns_and_a_naive_loops(case):
    cosines, relations = case
    value = synonym_over_antonym_auc(cosines, relations, split="heldout")[AUC].value
    is_synonym = [relation == "synonym" for relation in relations]
    assert value == pytest.approx(roc_auc_score(is_synonym, cosines), abs=1e-12)
    pairs = [
        (s > a) + (s == a) / 2
        for s, first in zip(cosines, relations, strict=True)
        for a, second in zip(cosines, relations, strict=True)
        if (first, second) == ("synonym", "antonym")
    ]
    assert value == pytest.approx(np.mean(pairs), abs=1e-12)


@given(LABELLED)
def test_auc_of_the_reverse_is_one_minus_auc(case):
    cosines, relations = case
    value = synonym_over_antonym_auc(cosines, relations, split="heldout")[AUC].value
    reverse = synonym_over_antonym_auc(-cosines, relations, split="heldout")[AUC].value
    stretched = synonym_over_antonym_auc(cosines**3, relations, split="heldout")[AUC].value
    assert reverse == pytest.approx(1 - value, abs=1e-12)
    assert stretched == pytest.approx(value, abs=1e-12)


def pairs_of_words(seed, words=40, pairs=300):
    """Return pairs of words with each word's own luck in their cosines, which relations and tuning move."""
    rng = np.random.default_rng(seed)
    ends = np.array([rng.choice(words, 2, replace=False) for _ in range(pairs)])
    relations = np.array(["synonym", "antonym"])[rng.integers(0, 2, pairs)]
    before = rng.normal(size=pairs) / 3 + rng.normal(size=words)[ends].sum(axis=1)
    after = before + 0.3 * (relations == "synonym") + rng.normal(size=pairs) / 20
    return [(f"w{a}", f"w{b}") for a, b in ends], relations, before, after


def test_the_interval_is_that_of_a_naive_bootstrap_over_words_at_both_ends():
    words, relations, before, after = pairs_of_words(0)
    rng, naive = np.random.default_rng(5), []
    for _ in range(300):
        drawn = [f"w{one}" for one in rng.integers(0, 40, 40)]
        rows = [k for k, (a, b) in enumerate(words) for _ in range(drawn.count(a) * drawn.count(b))]
        naive.append(
            [roc_auc_score(relations[rows] == "synonym", cosines[rows]) for cosines in (before, after)]
        )
    aucs = np.array(naive)
    for cosines, found in ((after, aucs[:, 1]), (np.stack([before, after]), aucs[:, 1] - aucs[:, 0])):
        one = synonym_over_antonym_auc(cosines, relations, split="heldout", words=words)[AUC]
        assert (one.low, one.high) == pytest.approx(tuple(np.quantile(found, [0.025, 0.975])), abs=0.03)
        assert "40 words at both ends" in one.note


def test_triples_that_share_words_are_resampled_by_all_their_words():
    rng = np.random.default_rng(3)
    words = [(f"w{k % 8}", f"s{k}", f"a{k % 5}") for k in range(80)]
    inverted = (rng.normal(size=8)[np.arange(80) % 8] + rng.normal(size=80) / 3 > 0).astype(float)
    naive = []
    for _ in range(600):
        drawn = dict.fromkeys((one for row in words for one in row), 0)
        for one in rng.choice(list(drawn), len(drawn)):
            drawn[one] += 1
        weights = np.array([np.prod([drawn[one] for one in row]) for row in words])
        naive += [weights @ inverted / weights.sum()] if weights.any() else []
    rates = [
        inversion_rate(np.zeros(80), inverted - 0.5, split="all", policy="x", pos=["a"] * 80, words=one)
        for one in (words, None)
    ]
    [by_word, alone] = [one["all/inversion_rate/x"] for one in rates]
    assert by_word == rates[0]["all/inversion_rate/x/a"]
    assert by_word.value == alone.value == inverted.mean()
    assert (by_word.low, by_word.high) == pytest.approx(tuple(np.quantile(naive, [0.025, 0.975])), abs=0.04)
    assert by_word.high - by_word.low > 1.5 * (alone.high - alone.low)
    all_wrong = inversion_rate(np.zeros(9), np.ones(9), split="all", policy="x", words=words[:9])
    assert all_wrong["all/inversion_rate/x"].ends == wilson_interval(9, 9).ends


def test_a_paired_change_is_the_difference_and_narrower_than_its_levels():
    words, relations, before, after = pairs_of_words(2)
    old, new, change = (
        synonym_over_antonym_auc(one, relations, split="heldout", words=words)[AUC]
        for one in (before, after, np.stack([before, after]))
    )
    assert change.value == pytest.approx(new.value - old.value)
    assert change.high - change.low < (new.high - new.low) / 2
    assert change.low > 0  # while the intervals of the levels overlap
    assert old.high > new.low


def test_pairs_that_share_words_widen_the_interval():
    rng = np.random.default_rng(1)
    words = [(f"a{k // 20}", f"b{k}") for k in range(600)]
    relations = np.repeat(["synonym", "antonym"] * 15, 20)
    cosines = np.repeat(rng.normal(size=30), 20) + rng.normal(size=600) / 9
    by_word = synonym_over_antonym_auc(cosines, relations, split="heldout", words=words)[AUC]
    by_pair = synonym_over_antonym_auc(cosines, relations, split="heldout")[AUC]
    assert by_word.value == by_pair.value
    assert by_word.high - by_word.low > 2 * (by_pair.high - by_pair.low)


def test_auc_refuses_one_relation_alone_and_unpaired_input():
    with pytest.raises(InputError, match="2 synonym pairs against 0 antonym pairs"):
        synonym_over_antonym_auc(np.zeros(2), ["synonym"] * 2, split="all")
    with pytest.raises(InputError, match="do not pair"):
        synonym_over_antonym_auc(np.zeros(2), ["synonym"] * 3, split="all")
    with pytest.raises(InputError, match="not a finite number"):
        synonym_over_antonym_auc(np.array([np.inf, 0]), ["synonym", "antonym"], split="all")


def naive_consistency(near, far, count):
    """Mean over every subset of t templates of the share of triples on which they all agree."""
    templates, n = near.shape
    values = []
    for size in range(1, templates + 1):
        shares = []
        for subset in itertools.combinations(range(templates), size):
            orders = [[near[t, i] > far[t, i] for t in subset] for i in range(n)]
            agree = [all(o) or (count == "same" and not any(o)) for o in orders]
            shares.append(np.mean(agree))
        values.append(np.mean(shares))
    return values


@pytest.mark.parametrize("count", ["same", "expected"])
def test_consistency_is_the_mean_over_all_template_subsets(count):
    near, far = np.random.default_rng(0).normal(size=(2, 6, 30))
    curve = template_consistency(near, far, count=count, subsets=50)
    assert curve["templates"].tolist() == [1, 2, 3, 4, 5, 6]
    assert curve["value"].tolist() == pytest.approx(naive_consistency(near, far, count), abs=1e-12)
    assert (curve["n"] == 30).all()
    assert ((curve["low"] <= curve["value"] + 1e-12) & (curve["value"] <= curve["high"] + 1e-12)).all()
    # with all templates there is one subset and nothing to vary
    last = curve.iloc[-1]
    assert last["low"] == pytest.approx(last["value"]) == last["high"]


def test_consistency_by_hand():
    # triple 1: synonym nearer under both templates; triple 2: under neither; triple 3: under one
    near, far = np.array([[1.0, 0, 1], [1, 0, 0]]), np.full((2, 3), 0.5)
    assert template_consistency(near, far)["value"].tolist() == pytest.approx([1, 2 / 3])
    expected = template_consistency(near, far, count="expected")["value"].tolist()
    assert expected == pytest.approx([1 / 2, 1 / 3])


@given(st.integers(1, 5).flatmap(lambda t: arrays(np.float64, (2, t, 7), elements=COSINES)))
def test_consistency_falls_with_templates(cosines):
    for count in ("same", "expected"):
        values = template_consistency(*cosines, count=count, subsets=2)["value"].to_numpy()
        assert (np.diff(values) <= 1e-12).all()
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()


def test_consistency_is_seeded_and_holds_eighty_templates():
    near, far = np.random.default_rng(2).normal(size=(2, 80, 40))
    one, same, other = (template_consistency(near, far, subsets=20, seed=seed) for seed in (0, 0, 1))
    assert one.equals(same)
    assert not one["low"].equals(other["low"])
    assert np.isfinite(one.to_numpy()).all()


def test_consistency_refuses_unknown_counts_and_shapes():
    with pytest.raises(InputError, match="choose from expected, same"):
        template_consistency(np.zeros((2, 2)), np.zeros((2, 2)), count="all")
    with pytest.raises(InputError, match="do not pair"):
        template_consistency(np.zeros(2), np.zeros(2))
