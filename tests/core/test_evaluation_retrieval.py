"""Rankings and recall are right by hand, equal naive loops and torchmetrics, and obey laws."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from case_tables import each
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.retrieval import RetrievalHitRate

from lexclip_core.errors import InputError
from lexclip_core.evaluation.retrieval import (
    average_overlap,
    image_to_text_ranks,
    jaccard,
    overlaps,
    paraphrased_retrieval,
    recall_at_k,
    text_to_image_ranks,
)


def unit(rows: object) -> np.ndarray:
    array = np.asarray(rows, dtype=np.float64)
    return (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float32)


def random_rows(count: int, dim: int = 5, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, dim)))


def coarse_rows(count: int, seed: int = 0) -> np.ndarray:
    """Return rows of few different directions, so that many cosines are equal."""
    return np.eye(3, dtype=np.float32)[np.random.default_rng(seed).integers(3, size=count)]


rankings = st.integers(1, 8).flatmap(
    lambda k: st.tuples(*[st.permutations(range(12)).map(lambda p, k=k: p[:k])] * 2)
)


# Average overlap and Jaccard similarity


@each(
    ("a", "b", "ao", "js"),
    [
        ([1, 2, 3], [1, 2, 3], Fraction(1), Fraction(1)),
        ([1, 2, 3], [4, 5, 6], Fraction(0), Fraction(0)),
        # depth 1: {1} and {2}; depth 2: both; depth 3: both
        ([1, 2, 3], [2, 1, 3], (0 + Fraction(2, 2) + Fraction(3, 3)) / 3, Fraction(1)),
        ([1, 2, 3], [3, 2, 1], (0 + Fraction(1, 2) + Fraction(3, 3)) / 3, Fraction(1)),
        # the first place alone, and the last place alone: one of three pictures is shared, five in all
        ([1, 2, 3], [1, 5, 6], (1 + Fraction(1, 2) + Fraction(1, 3)) / 3, Fraction(1, 5)),
        ([1, 2, 3], [5, 6, 3], (0 + 0 + Fraction(1, 3)) / 3, Fraction(1, 5)),
        (
            [1, 2, 3, 4],
            [1, 3, 9, 2],
            (1 + Fraction(1, 2) + Fraction(2, 3) + Fraction(3, 4)) / 4,
            Fraction(3, 5),
        ),
    ],
)
def test_overlaps_counted_by_hand(a: list[int], b: list[int], ao: Fraction, js: Fraction):
    assert average_overlap(np.array(a), np.array(b)) == pytest.approx([float(ao)], abs=1e-15)
    assert jaccard(np.array(a), np.array(b)) == pytest.approx([float(js)], abs=1e-15)


def naive_average_overlap(a: list[int], b: list[int]) -> Fraction:
    return sum(Fraction(len(set(a[:d]) & set(b[:d])), d) for d in range(1, len(a) + 1)) / len(a)


@given(rankings)
def test_equal_to_a_loop_over_sets_symmetric_and_bounded(pair: tuple[list[int], list[int]]):
    a, b = pair
    [ao], [js] = average_overlap(np.array(a), np.array(b)), jaccard(np.array(a), np.array(b))
    assert ao == pytest.approx(float(naive_average_overlap(a, b)), abs=1e-12)
    assert js == pytest.approx(len(set(a) & set(b)) / len(set(a) | set(b)), abs=1e-12)
    assert 0 <= ao <= 1
    assert (ao, js) == (*average_overlap(np.array(b), np.array(a)), *jaccard(np.array(b), np.array(a)))
    assert average_overlap(np.array(a), np.array(a)) == jaccard(np.array(a), np.array(a)) == 1
    # renaming the pictures changes nothing
    renamed = np.random.default_rng(0).permutation(12)
    assert average_overlap(renamed[a], renamed[b]) == ao


@given(rankings)
def test_jaccard_is_blind_to_order_and_the_average_overlap_is_not(pair: tuple[list[int], list[int]]):
    a, b = np.array(pair[0]), np.array(pair[1])
    assert jaccard(a[::-1], b) == jaccard(a, b)
    if len(a) > 1:
        swapped = np.concatenate([a[[1, 0]], a[2:]])
        assert average_overlap(a, swapped) < 1 == jaccard(a, swapped)


@given(st.integers(2, 10), st.data())
def test_a_picture_shared_at_a_higher_place_counts_for_more(k: int, data: st.DataObject):
    high, low = sorted(data.draw(st.lists(st.integers(0, k - 1), min_size=2, max_size=2, unique=True)))
    a = np.arange(k)
    shares = []
    for place in (high, low):
        b = np.arange(100, 100 + k)
        b[place] = a[place]
        shares.append(average_overlap(a, b)[0])
    assert shares[0] > shares[1]


@each(
    ("a", "b", "message"),
    [
        ([[1, 2]], [[1, 2, 3]], r"shapes \(1, 2\) and \(1, 3\) do not pair"),
        ([[1, 2], [7, 7]], [[1, 2], [3, 4]], "ranking 1 lists 7 twice"),
        ([[]], [[]], "do not pair"),
    ],
)
def test_rankings_that_do_not_compare_are_named(a, b, message):
    for measure in (average_overlap, jaccard):
        with pytest.raises(InputError, match=message):
            measure(np.array(a), np.array(b))


def test_two_phrasings_of_an_intent_and_their_estimates():
    pictures = unit([[1, 0], [1, 1], [0, 1]])
    a, b = unit([[1, 0.1], [1, 0.1]]), unit([[1, 0.1], [0.1, 1]])
    found = overlaps(a, b, pictures, 2)
    assert found.rankings_a.tolist() == [[0, 1], [0, 1]]
    assert found.rankings_b.tolist() == [[0, 1], [2, 1]]
    assert found.average_overlap == pytest.approx([1, 1 / 4])
    assert found.jaccard == pytest.approx([1, 1 / 3])
    measured = paraphrased_retrieval(found, split="test")
    assert list(measured) == ["test/paraphrased/ao@2", "test/paraphrased/js@2"]
    assert measured["test/paraphrased/ao@2"].value == pytest.approx(5 / 8)
    assert measured["test/paraphrased/js@2"].value == pytest.approx(2 / 3)
    assert (measured["test/paraphrased/ao@2"].low, measured["test/paraphrased/ao@2"].high) == (0.25, 1)


def test_pairs_of_one_intent_are_resampled_together():
    pictures, a = random_rows(30), random_rows(40, seed=1)
    found = overlaps(a, random_rows(40, seed=2), pictures, 5)
    alone = paraphrased_retrieval(found, split="test")["test/paraphrased/ao@5"]
    intents = np.repeat(np.arange(4), 10)
    together = paraphrased_retrieval(found, split="test", intents=intents)["test/paraphrased/ao@5"]
    assert together.value == pytest.approx(alone.value)
    assert "4 intents" in together.note
    assert (together.low, together.high) != (alone.low, alone.high)


# Recall


def test_ranks_counted_by_hand():
    pictures = unit([[1, 0], [0, 1], [-1, 0]])
    # three captions of picture 0 and one of picture 1; picture 2 has none
    texts = unit([[1, 0.1], [0.1, 1], [-1, 0.1], [0.5, 1]])
    owners = np.array([0, 0, 0, 1])
    assert text_to_image_ranks(texts, pictures, owners).tolist() == [0, 1, 2, 0]
    # texts from the nearest: of picture 0: 0, 3, 1, 2; of picture 1: 1, 3, then 0 and 2
    assert image_to_text_ranks(texts, pictures, owners).tolist() == [0, 1, -1]
    measured = recall_at_k(texts, pictures, owners, split="test", ks=(1, 2))
    assert {name: estimate.value for name, estimate in measured.items()} == {
        "test/retrieval/image_r@1": 2 / 4,
        "test/retrieval/image_r@2": 3 / 4,
        "test/retrieval/text_r@1": 1 / 2,
        "test/retrieval/text_r@2": 2 / 2,
    }
    assert measured["test/retrieval/image_r@1"].n == 4
    assert measured["test/retrieval/text_r@1"].n == 2
    assert "2 pictures" in measured["test/retrieval/image_r@1"].note


def test_of_two_equally_near_the_one_listed_first_counts_as_nearer():
    rows = unit([[1, 0], [1, 0], [1, 0]])
    assert text_to_image_ranks(rows, rows, np.array([2, 0, 1])).tolist() == [2, 0, 1]
    assert image_to_text_ranks(rows, rows, np.array([2, 0, 1])).tolist() == [1, 2, 0]


@pytest.mark.parametrize("make", [random_rows, coarse_rows])
def test_ranks_equal_to_a_loop(make):
    texts, pictures = make(60, seed=3), make(15, seed=4)
    owners = np.random.default_rng(0).integers(12, size=60)
    for text, rank in enumerate(text_to_image_ranks(texts, pictures, owners)):
        order = sorted(range(15), key=lambda i, text=text: -(texts[text] @ pictures[i]))
        assert order.index(owners[text]) == rank
    for picture, rank in enumerate(image_to_text_ranks(texts, pictures, owners)):
        order = sorted(range(60), key=lambda i, picture=picture: -(texts[i] @ pictures[picture]))
        assert next((place for place, i in enumerate(order) if owners[i] == picture), -1) == rank


@pytest.mark.parametrize("k", [1, 5, 10])
def test_recall_is_torchmetrics_hit_rate(k: int):
    """CLIP benchmark's recall: a hit if any of the positives is among the k nearest."""
    texts, pictures = random_rows(100, seed=5), random_rows(25, seed=6)
    owners = np.tile(np.arange(25), 4)
    cosines = torch.from_numpy(texts @ pictures.T)
    positive = torch.from_numpy(owners[:, None] == np.arange(25))
    measured = recall_at_k(texts, pictures, owners, split="test", ks=(k,))
    for kind, scores, target in (("image", cosines, positive), ("text", cosines.T, positive.T)):
        queries = torch.arange(len(scores))[:, None].expand_as(scores)
        wanted = RetrievalHitRate(top_k=k)(scores.flatten(), target.flatten(), queries.flatten())
        assert measured[f"test/retrieval/{kind}_r@{k}"].value == pytest.approx(float(wanted), abs=1e-6)


@given(st.integers(0, 1000))
def test_recall_grows_with_k_and_is_whole_in_the_end(seed: int):
    texts, pictures = random_rows(12, seed=seed), random_rows(4, seed=seed + 1)
    owners = np.repeat(np.arange(4), 3)
    for ranks in (text_to_image_ranks(texts, pictures, owners), image_to_text_ranks(texts, pictures, owners)):
        assert (ranks >= 0).all()
    assert (text_to_image_ranks(texts, pictures, owners) < 4).all()
    assert (image_to_text_ranks(texts, pictures, owners) < 12 - 2).all()


@each(
    ("call", "message"),
    [
        (lambda r: overlaps(r, r[:2], r, 1), "do not pair"),
        (lambda r: text_to_image_ranks(r, r, np.arange(3)), r"owners of shape \(3,\) .* for 4 texts"),
        (lambda r: text_to_image_ranks(r, r, np.ones(4)), "type float64"),
        (lambda r: image_to_text_ranks(r, r, np.array([0, 1, 2, 4])), "picture is 4 of 4"),
        (lambda r: recall_at_k(r, r, np.arange(4), split="test", ks=(0,)), r"depths are \[0\]"),
        (lambda r: recall_at_k(r, r, np.arange(4), split=" "), "say its split"),
    ],
)
def test_calls_that_make_no_sense_are_named(call, message):
    with pytest.raises(InputError, match=message):
        call(random_rows(4, 3))
