"""Unit rows: cosines of pairs, exact nearest neighbours and ranks, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from case_tables import each
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import (
    BeforeAfter,
    before_after_rows,
    cosine_blocks,
    nearest,
    own_ranks,
    row_cosines,
    word_rows,
)


def unit(rows: object) -> np.ndarray:
    array = np.asarray(rows, dtype=np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


def random_rows(count: int, dim: int = 16, seed: int = 0) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, dim)))


def coarse_rows(count: int, seed: int = 0) -> np.ndarray:
    """Unit rows of few directions, so that many cosines are exactly equal."""
    axes = np.concatenate([np.eye(4), -np.eye(4)]).astype(np.float32)
    return axes[np.random.default_rng(seed).integers(8, size=count)]


def at_angles(*degrees: float) -> np.ndarray:
    radians = np.radians(degrees)
    return np.column_stack([np.cos(radians), np.sin(radians)]).astype(np.float32)


def test_row_cosines_are_the_diagonal_of_the_product():
    a, b = random_rows(6, 5, 2), random_rows(6, 5, 3)
    cosines = row_cosines(a, b)
    assert cosines.dtype == np.float64
    assert cosines == pytest.approx(np.diag(a @ b.T), abs=1e-6)
    assert row_cosines(a, a).max() <= 1
    with pytest.raises(InputError, match="do not pair"):
        row_cosines(a, b[:3])


@each("k", [1, 3, 40])
@each("make", [random_rows, coarse_rows])
def test_the_nearest_are_those_of_a_stable_sort(make, k: int):
    queries, items = make(30), make(40, seed=1)
    wanted = [sorted(range(40), key=lambda i, row=row: -(row @ items[i]))[:k] for row in queries]
    places, cosines = nearest(queries, items, k)
    assert places.tolist() == wanted
    assert cosines == pytest.approx(np.take_along_axis(queries @ items.T, places, axis=1), abs=1e-6)


def test_neighbours_equal_an_independent_exact_search():
    rows = random_rows(300)
    places, cosines = nearest(rows, rows, 7, skip=np.arange(300))
    oracle = NearestNeighbors(n_neighbors=8, metric="cosine", algorithm="brute").fit(rows)
    distances, expected = oracle.kneighbors(rows)
    np.testing.assert_array_equal(places, expected[:, 1:])
    np.testing.assert_allclose(cosines, 1 - distances[:, 1:], atol=1e-5)


def test_ties_are_broken_by_place_and_a_row_is_not_its_own_neighbour():
    rows = at_angles(0, 0, 30, -30, 0)
    places, cosines = nearest(rows[[0, 2]], rows, 3, skip=np.array([0, 2]))
    assert places.tolist() == [[1, 4, 2], [0, 1, 4]]
    np.testing.assert_allclose(cosines[0], [1, 1, np.sqrt(3) / 2], atol=1e-6)
    assert nearest(rows[[0, 2]], rows, 4, skip=np.array([0, 2]))[0].tolist() == [[1, 4, 2, 3], [0, 1, 4, 3]]


def test_blocks_change_nothing():
    rows, others = coarse_rows(2500), coarse_rows(2100, seed=1)
    assert len(list(cosine_blocks(rows, others))) == 2
    places = nearest(rows, others, 7)[0]
    assert (places[::500] == [nearest(row[None], others, 7)[0][0] for row in rows[::500]]).all()
    own = np.random.default_rng(0).integers(2100, size=2500)
    ranks = own_ranks(rows, others, own)
    alone = [own_ranks(rows[i : i + 1], others, own[i : i + 1])[0] for i in range(0, 2500, 500)]
    assert ranks[::500].tolist() == alone


@given(st.integers(0, 1000), st.sampled_from([random_rows, coarse_rows]))
def test_a_rank_below_k_is_a_place_among_the_k_nearest(seed: int, make):
    rows, others = make(8, seed=seed), make(9, seed=seed + 1)
    own = np.random.default_rng(seed).integers(9, size=8)
    ranks = own_ranks(rows, others, own)
    for k in (1, 4, 9):
        among = (nearest(rows, others, k)[0] == own[:, None]).any(axis=1)
        assert among.tolist() == (ranks < k).tolist()


@each(
    ("call", "message"),
    [
        (lambda r: nearest(r, r[:, :2], 1), r"shapes \(4, 3\) and \(4, 2\) do not fit"),
        (lambda r: nearest(r, r, 5), "k is 5, but must lie between 1 and 4"),
        (lambda r: nearest(r, r, 0), "k is 0, but must lie between 1 and 4"),
        (lambda r: nearest(r, r, 4, skip=np.arange(4)), "k is 4, but must lie between 1 and 3"),
        (lambda r: nearest(r[:0], r, 1), "at least one of each"),
        (lambda r: nearest(np.where(np.arange(4)[:, None] == 2, np.nan, r), r, 1), "row 2 is not finite"),
    ],
)
def test_neighbours_that_cannot_be_had_are_named(call, message: str):
    with pytest.raises(InputError, match=message):
        call(random_rows(4, 3))


def test_before_and_after_unpack_and_map():
    before, after = before_after_rows(at_angles(0, 30), np.pad(at_angles(60, 90), ((0, 0), (0, 3))), "ab")
    assert (before.shape, after.shape) == ((2, 2), (2, 5))
    assert BeforeAfter(before, after).map(len) == BeforeAfter(2, 2)


def test_words_are_looked_up_in_the_order_wanted():
    assert word_rows(["cold", "hot", "cold"], ("hot", "warm", "cold")).tolist() == [2, 0, 2]
    with pytest.raises(InputError, match=r"no embedding for 'colds'\n.*3 words encoded; near 'colds': cold"):
        word_rows(["hot", "colds"], ("hot", "warm", "cold"))
    with pytest.raises(InputError, match="no embedding for '0', '1', '2', '3', '4' and 5 more"):
        word_rows([str(number) for number in range(10)], ("hot",))
