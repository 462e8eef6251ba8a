"""Neighbour overlap and drift: limits, hand-made cases, scikit-learn's neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from lexclip_core.errors import InputError
from lexclip_core.evaluation.neighbourhoods import drift, neighbour_overlap, neighbour_overlaps


def unit(matrix):
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float32)


def around(*degrees):
    angles = np.deg2rad(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_neighbours_by_hand():
    # On a circle: word 0 is nearest to 1, then 2; afterwards to 3, then 1.
    before, after = around(0, 10, 25, 90), around(0, 30, 100, 10)
    assert neighbour_overlaps(before, after, k=1).tolist() == [0, 0, 1, 0]
    assert neighbour_overlaps(before, after, k=2).tolist() == [1 / 2, 1 / 2, 1 / 2, 1 / 2]
    assert neighbour_overlaps(before, after, k=3).tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("k", [1, 5, 10])
def test_against_scikit_learn(k):
    rng = np.random.default_rng(k)
    before, after = unit(rng.normal(size=(1500, 6))), unit(rng.normal(size=(1500, 9)))
    sets = []
    for vectors in (before, after):
        found = NearestNeighbors(n_neighbors=k).fit(vectors).kneighbors(return_distance=False)
        sets.append([set(row) for row in found.tolist()])
    naive = [len(a & b) / k for a, b in zip(*sets, strict=True)]
    assert neighbour_overlaps(before, after, k=k) == pytest.approx(naive, abs=1e-9)
    name = f"all/neighbour_overlap@{k}"
    assert neighbour_overlap(before, after, k=k, split="all")[name].value == pytest.approx(np.mean(naive))


@given(st.integers(3, 40), st.integers(0, 5))
def test_a_rotation_keeps_every_neighbour_and_nothing_is_lost_without_tuning(n, seed):
    rng = np.random.default_rng(seed)
    before = unit(rng.normal(size=(n, 4)))
    rotation, _ = np.linalg.qr(rng.normal(size=(4, 4)))
    assert neighbour_overlaps(before, before, k=2).tolist() == [1.0] * n
    assert neighbour_overlaps(before, unit(before @ rotation), k=2).mean() > 0.99


@pytest.mark.parametrize("k", [0, 4])
def test_k_out_of_range_is_refused(k):
    vectors = around(0, 1, 2, 3)
    with pytest.raises(InputError, match=f"k is {k}, but must lie between 1 and 3"):
        neighbour_overlaps(vectors, vectors, k=k)


def test_rows_that_do_not_pair_are_refused():
    with pytest.raises(InputError, match="do not pair"):
        neighbour_overlap(around(0, 1, 2), around(0, 1), k=1, split="all")
    with pytest.raises(InputError, match="do not pair"):
        drift(around(0, 1, 2), around(0, 1), split="all")


def test_drift_by_hand():
    before, after = around(0, 0, 0), around(0, 60, 180)
    result = drift(before, after, split="heldout")["heldout/drift"]
    assert result.value == pytest.approx((0 + 1 / 2 + 2) / 3)
    assert result.n == 3


def test_no_tuning_is_no_drift():
    vectors = unit(np.random.default_rng(0).normal(size=(20, 5)))
    result = drift(vectors, vectors, split="all")["all/drift"]
    assert (result.low, result.value, result.high) == pytest.approx((0, 0, 0), abs=1e-6)
