"""Splits and batches: functions of seed and step alone, every pair where it belongs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from case_tables import each
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core.errors import InputError
from lexclip_core.experiments.words import digest, split_of, split_words
from lexclip_core.training.samplers import (
    PairSampler,
    RelatedPairs,
    RelationPlan,
    RelationSampler,
    WordSampler,
)
from lexclip_core.wordnet.families import linked


def symmetric(n: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).random((n, n))
    return (values + values.T) / 2


def counted_pairs(batch) -> list[tuple[int, int]]:
    i, j = np.nonzero(batch.masks["distance"])
    return [tuple(sorted(pair)) for pair in zip(batch.rows[i].tolist(), batch.rows[j].tolist(), strict=True)]


def same(one, other) -> bool:
    return (
        np.array_equal(one.rows, other.rows)
        and np.array_equal(one.targets, other.targets)
        and one.masks.keys() == other.masks.keys()
        and all(np.array_equal(mask, other.masks[term]) for term, mask in one.masks.items())
    )


# --- splits ---


def test_a_family_is_named_by_its_smallest_member():
    # 0-3-1 hang together through 3, 2 and 4 are linked twice, 5 is alone
    assert linked(6, np.array([0, 3, 4, 2]), np.array([3, 1, 2, 4])).tolist() == [0, 0, 2, 0, 2, 5]
    nobody = np.array([], dtype=int)
    assert linked(3, nobody, nobody).tolist() == [0, 1, 2]
    assert linked(0, nobody, nobody).tolist() == []


@settings(deadline=None)
@given(st.integers(1, 25), st.data())
def test_families_are_what_following_every_link_gives(n, data):
    links = data.draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=30))
    smallest = list(range(n))
    for _ in range(n):
        for i, j in links:
            smallest[i] = smallest[j] = min(smallest[i], smallest[j])
    first, second = np.array(links, dtype=int).reshape(-1, 2).T
    assert linked(n, first, second).tolist() == smallest


@settings(deadline=None)
@given(st.lists(st.text("abcdefgh", min_size=1, max_size=6), min_size=2, max_size=30, unique=True), st.data())
def test_linked_words_are_never_parted_unless_held_out(words, data):
    place = st.integers(0, len(words) - 1)
    links = data.draw(st.lists(st.tuples(place, place), max_size=15))
    chosen = data.draw(st.sets(st.sampled_from(words)))
    first, second = np.array(links, dtype=int).reshape(-1, 2).T
    heldout = {digest(word) for word in chosen}
    split = split_words(words, first, second, heldout)
    for word, part in zip(words, split, strict=True):
        assert part == "test" or word not in chosen
    for i, j in links:
        if words[i] not in chosen and words[j] not in chosen:
            assert split[i] == split[j]


def test_a_split_is_the_same_on_every_machine():
    # sha256("lexclip-split:hot") mod 100 is 24 or more, that of "cold" below 12
    assert [split_of(word, word) for word in ("hot", "cold", "alpha", "gamma")] == [
        "train",
        "dev",
        "dev",
        "train",
    ]
    assert split_of("cold", "hot") == "train"  # the family decides


def test_a_held_out_word_is_tested_whatever_its_spelling():
    assert split_of("hot", "hot") == "train"
    assert split_of("Hot", "hot", {digest("hot")}) == "test"


def test_about_an_eighth_of_the_words_goes_to_either_side():
    nobody = np.array([], dtype=int)
    split = split_words([f"word {number}" for number in range(10_000)], nobody, nobody)
    shares = {part: float((split == part).mean()) for part in ("train", "dev", "test")}
    assert shares == pytest.approx({"train": 0.76, "dev": 0.12, "test": 0.12}, abs=0.015)


# --- batches of pairs and of words ---


@settings(deadline=None, max_examples=40)
@given(n=st.integers(2, 14), batch=st.integers(1, 30), epochs=st.integers(1, 3), seed=st.integers(0, 99))
def test_an_epoch_visits_every_pair_once(n, batch, epochs, seed):
    sampler = PairSampler(symmetric(n), batch=batch, epochs=epochs, seed=seed)
    every = sorted((i, j) for i in range(n) for j in range(i + 1, n))
    for epoch in range(epochs):
        steps = range(epoch * sampler.steps_per_epoch, (epoch + 1) * sampler.steps_per_epoch)
        assert sorted(pair for step in steps for pair in counted_pairs(sampler.batch(step))) == every
    assert sampler.steps == epochs * sampler.steps_per_epoch


def test_the_released_sample_makes_3741_steps():
    sampler = PairSampler(np.eye(274), batch=10, epochs=7, seed=0)  # 274 words, 37,401 pairs
    assert (sampler.steps_per_epoch, sampler.steps) == (3_741, 26_187)
    assert len(counted_pairs(sampler.batch(0))) == 10
    assert len(counted_pairs(sampler.batch(3_740))) == 1


def test_a_batch_of_pairs_holds_each_of_their_words_once_with_its_targets():
    targets = symmetric(6)
    batch = PairSampler(targets, batch=7, epochs=1, seed=1).batch(0)
    pairs = counted_pairs(batch)
    assert len(pairs) == batch.masks["distance"].sum() == 7
    assert batch.rows.tolist() == sorted({row for pair in pairs for row in pair})
    np.testing.assert_array_equal(batch.targets, targets.astype(np.float32)[np.ix_(batch.rows, batch.rows)])


@pytest.mark.parametrize("kind", [PairSampler, WordSampler])
def test_a_batch_is_a_function_of_seed_and_step(kind):
    def sampler(seed):
        return kind(symmetric(12), batch=5, epochs=3, seed=seed)

    one, again, other = sampler(0), sampler(0), sampler(1)
    later = [one.batch(step) for step in reversed(range(one.steps))][::-1]
    assert all(same(later[step], again.batch(step)) for step in range(one.steps))
    assert not all(same(later[step], other.batch(step)) for step in range(one.steps))
    epochs = [later[epoch * one.steps_per_epoch].rows.tolist() for epoch in range(3)]
    assert epochs[0] != epochs[1] != epochs[2]


@settings(deadline=None, max_examples=40)
@given(n=st.integers(2, 30), batch=st.integers(2, 40), seed=st.integers(0, 99))
def test_an_epoch_of_words_visits_each_once_but_for_a_last_single_one(n, batch, seed):
    sampler = WordSampler(symmetric(n), batch=batch, epochs=2, seed=seed)
    batches = [sampler.batch(step) for step in range(sampler.steps_per_epoch)]
    rows = [row for one in batches for row in one.rows.tolist()]
    assert len(rows) == len(set(rows)) == n - (n % batch == 1)
    for one in batches:
        assert len(counted_pairs(one)) == len(one.rows) * (len(one.rows) - 1) // 2 > 0


def test_a_batch_as_large_as_the_vocabulary_is_the_full_matrix():
    sampler = WordSampler(symmetric(9), batch=9, epochs=4, seed=0)
    assert (sampler.steps_per_epoch, sampler.steps) == (1, 4)
    assert sorted(counted_pairs(sampler.batch(3))) == [(i, j) for i in range(9) for j in range(i + 1, 9)]


def test_a_batch_of_one_word_is_refused():
    with pytest.raises(InputError, match=r"batch is 1\n.*at least two"):
        WordSampler(symmetric(4), batch=1, epochs=1, seed=0)


@each("kind", [PairSampler, WordSampler])
@each("shape", [(3, 4), (1, 1), (0, 0), (3,)])
def test_targets_that_are_no_square_of_words_are_refused(kind, shape):
    with pytest.raises(InputError, match=r"targets have shape .*\n.*square matrix"):
        kind(np.zeros(shape), batch=2, epochs=1, seed=0)


# --- steps that move relations and retain the rest ---

WORDS = 60


def related(seed: int = 0) -> RelatedPairs:
    rng = np.random.default_rng(seed)
    every = np.stack(np.triu_indices(WORDS, k=1), axis=1)
    first, second = every[np.sort(rng.choice(len(every), 90, replace=False))].T
    opposite = rng.random(90) < 0.4
    targets = np.where(opposite, 0.0, 0.85).astype(np.float32)
    return RelatedPairs(first, second, targets, opposite, rng.random(90) + 0.1)


def unit_rows() -> np.ndarray:
    rows = np.random.default_rng(4).normal(size=(WORDS, 6))
    rows[:, 0] += 1.5
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


THINGS = np.arange(WORDS) % 3 == 0
PLAN = RelationPlan(batch=6, retained=24, neighbours=4, surroundings=10, near=0.35, weight_abstract=0.25)


def relation_sampler(pairs: RelatedPairs | None = None, seed: int = 0) -> RelationSampler:
    wide = np.arange(0, WORDS, 2)
    return RelationSampler(pairs or related(), unit_rows(), THINGS, wide, plan=PLAN, steps=9, seed=seed)


def test_relation_masks_part_the_upper_triangle():
    sampler = relation_sampler()
    for step in range(sampler.steps):
        batch = sampler.batch(step)
        assert list(batch.masks) == ["repel", "attract", "near", "far"]
        held = np.stack([mask > 0 for mask in batch.masks.values()]).sum(axis=0)
        n = len(batch.rows)
        np.testing.assert_array_equal(held, np.triu(np.ones((n, n), dtype=int), k=1))


def test_a_relation_batch_equals_a_plain_loop():
    pairs, rows = related(), unit_rows()
    known = {
        (int(i), int(j)): (float(target), bool(opposite))
        for i, j, target, opposite in zip(
            pairs.first, pairs.second, pairs.targets, pairs.opposite, strict=True
        )
    }
    batch = relation_sampler().batch(2)
    assert batch.rows.tolist() == sorted(set(batch.rows.tolist()))
    counts = dict.fromkeys(batch.masks, 0)
    for a, i in enumerate(batch.rows.tolist()):
        for b, j in enumerate(batch.rows.tolist()[a + 1 :], start=a + 1):
            cosine = float(rows[i] @ rows[j])
            if (i, j) in known:
                target, opposite = known[i, j]
                term, weight = ("repel" if opposite else "attract"), 1.0
            else:
                target, term = cosine, "near" if cosine > PLAN.near else "far"
                weight = 1.0 if THINGS[i] or THINGS[j] else PLAN.weight_abstract
            assert batch.targets[a, b] == pytest.approx(target, abs=1e-6)
            assert batch.masks[term][a, b] == weight
            counts[term] += 1
    assert min(counts.values()) > 0  # every term was met


def test_opposites_are_only_ever_repelled():
    pairs, sampler = related(), relation_sampler()
    opposite = {
        (int(i), int(j))
        for i, j in zip(pairs.first[pairs.opposite], pairs.second[pairs.opposite], strict=True)
    }
    met = 0
    for step in range(sampler.steps):
        batch = sampler.batch(step)
        i, j = np.nonzero(batch.masks["repel"])
        repelled = set(zip(batch.rows[i].tolist(), batch.rows[j].tolist(), strict=True))
        inside = {pair for pair in opposite if set(pair) <= set(batch.rows.tolist())}
        assert repelled == inside
        met += len(repelled)
    assert met >= sampler.steps


def test_a_relation_batch_is_a_function_of_seed_and_step():
    one, again, other = relation_sampler(), relation_sampler(), relation_sampler(seed=1)
    assert same(one.batch(5), again.batch(5))
    assert not same(one.batch(5), one.batch(6))
    assert not same(one.batch(5), other.batch(5))


def test_pairs_of_a_larger_weight_are_drawn_more_often():
    pairs = related()
    relatives = np.flatnonzero(~pairs.opposite)
    weights = pairs.weights.copy()
    weights[relatives] = 1e-9
    weights[relatives[0]] = 1
    heavy = RelatedPairs(pairs.first, pairs.second, pairs.targets, pairs.opposite, weights)
    sampler = relation_sampler(heavy)
    wanted = {int(pairs.first[relatives[0]]), int(pairs.second[relatives[0]])}
    assert all(wanted <= set(sampler.batch(step).rows.tolist()) for step in range(sampler.steps))


@pytest.mark.parametrize(("keep", "missing"), [(True, "relatives"), (False, "opposites")])
def test_a_vocabulary_without_one_sort_of_pair_is_refused(keep, missing):
    pairs = related()
    rows = pairs.opposite == keep
    one_sort = RelatedPairs(
        pairs.first[rows], pairs.second[rows], pairs.targets[rows], pairs.opposite[rows], pairs.weights[rows]
    )
    with pytest.raises(InputError, match=rf"no {missing} among the training words\n.*larger vocabulary"):
        relation_sampler(one_sort)


def test_shuffled_relations_keep_the_words_and_the_values():
    pairs = related()
    dealt = pairs.shuffled(seed=1)
    np.testing.assert_array_equal(dealt.first, pairs.first)
    np.testing.assert_array_equal(dealt.second, pairs.second)

    def rows(one):
        return sorted(zip(one.targets.tolist(), one.opposite.tolist(), one.weights.tolist(), strict=True))

    assert rows(dealt) == rows(pairs)
    assert not np.array_equal(dealt.opposite, pairs.opposite)
    np.testing.assert_array_equal(dealt.targets, pairs.shuffled(seed=1).targets)


def test_constant_relations_have_the_mean_for_a_target():
    pairs = related()
    level = pairs.constant()
    np.testing.assert_allclose(level.targets, pairs.targets.mean(), rtol=1e-6)
    np.testing.assert_array_equal(level.opposite, pairs.opposite)


def test_pairs_of_weight_zero_are_neither_trained_nor_retained():
    pairs = related()
    ignored = RelatedPairs(
        pairs.first,
        pairs.second,
        pairs.targets,
        pairs.opposite,
        np.where(np.arange(len(pairs.first)) % 3, 1.0, 0.0),
    )
    sampler = relation_sampler(ignored)
    met = 0
    for step in range(sampler.steps):
        batch = sampler.batch(step)
        place = {row: index for index, row in enumerate(batch.rows.tolist())}
        anywhere = sum(batch.masks.values())
        for i, j, weight in zip(
            ignored.first.tolist(), ignored.second.tolist(), ignored.weights, strict=True
        ):
            if i in place and j in place:
                low, high = sorted((place[i], place[j]))
                assert (anywhere[low, high] > 0) == (weight > 0)
                met += weight == 0
    assert met


def test_sentences_are_retained_among_themselves_alone():
    sentences = np.arange(WORDS - 6, WORDS)
    wide = np.arange(0, WORDS - 6, 2)
    pairs = related()
    inside = (pairs.first < WORDS - 6) & (pairs.second < WORDS - 6)
    pairs = RelatedPairs(*(column[inside] for column in vars(pairs).values()))
    plan = replace(PLAN, sentences=4)
    made = RelationSampler(pairs, unit_rows(), THINGS, wide, sentences=sentences, plan=plan, steps=5, seed=3)
    batch = made.batch(1)
    is_sentence = np.isin(batch.rows, sentences)
    assert 2 <= is_sentence.sum() <= 4
    n = int(is_sentence.sum())
    assert batch.rows[-n:].tolist() == batch.rows[is_sentence].tolist()
    both = np.triu(is_sentence[:, None] & is_sentence[None, :], k=1)
    np.testing.assert_array_equal(batch.masks["sentences"] > 0, both)
    for term in ("repel", "attract", "near", "far"):
        assert not batch.masks[term][is_sentence].any()
        assert not batch.masks[term][:, is_sentence].any()
    base = unit_rows()[batch.rows] @ unit_rows()[batch.rows].T
    np.testing.assert_allclose(batch.targets[both], base[both], atol=1e-6)
    close = base > plan.near
    for part in (close, ~close):
        if (both & part).any():
            assert batch.masks["sentences"][both & part].sum() == pytest.approx(1)


def test_associated_pairs_are_retained_by_a_term_of_their_own():
    wide = np.arange(0, WORDS, 2)
    associated = np.array([[1, 5], [2, 3], [0, 7]])
    plan = replace(PLAN, associated=8)
    made = RelationSampler(
        related(), unit_rows(), THINGS, wide, associated=associated, plan=plan, steps=5, seed=3
    )
    batch = made.batch(1)
    drawn = {tuple(batch.rows[[i, j]].tolist()) for i, j in np.argwhere(batch.masks["associated"])}
    assert drawn
    assert drawn <= {(1, 5), (2, 3), (0, 7)}
    base = unit_rows()[batch.rows] @ unit_rows()[batch.rows].T
    retained = (batch.masks["associated"] > 0) & (batch.masks["near"] + batch.masks["far"] > 0)
    np.testing.assert_allclose(batch.targets[retained], base[retained], atol=1e-6)
    assert "associated" not in relation_sampler().batch(1).masks


def test_reseeded_draws_differ_and_the_first_sampler_stays():
    one = relation_sampler(seed=0)
    other = one.reseeded(7)
    assert same(other.batch(3), relation_sampler(seed=7).batch(3))
    assert same(one.batch(3), relation_sampler(seed=0).batch(3))
