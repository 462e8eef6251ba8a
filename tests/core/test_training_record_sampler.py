"""Batches of records: a function of the seed and the step, no picture twice where that can be."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core.errors import InputError
from lexclip_core.training.samplers import RecordSampler


def batches(sampler: RecordSampler, epoch: int = 0) -> list[list[int]]:
    start = epoch * sampler.steps_per_epoch
    return [sampler.rows(start + step).tolist() for step in range(sampler.steps_per_epoch)]


def test_an_epoch_holds_every_record_once_and_drops_the_rest():
    sampler = RecordSampler(np.arange(23), batch=5, epochs=3, seed=0)
    assert (sampler.steps_per_epoch, sampler.steps) == (4, 12)
    seen = [row for batch in batches(sampler) for row in batch]
    assert len(seen) == len(set(seen)) == 20
    assert set(seen) < set(range(23))
    assert batches(sampler) != batches(sampler, 1)


def test_a_batch_is_a_function_of_the_seed_and_the_step():
    images = np.arange(60) // 3
    one, other = (RecordSampler(images, batch=7, epochs=4, seed=2) for _ in range(2))
    backwards = [other.rows(step).tolist() for step in reversed(range(one.steps))][::-1]
    assert [one.rows(step).tolist() for step in range(one.steps)] == backwards
    assert batches(RecordSampler(images, batch=7, epochs=4, seed=3)) != batches(one)


def test_the_steps_may_be_given_and_go_beyond_an_epoch():
    sampler = RecordSampler(np.arange(10), batch=5, epochs=1, seed=0, steps=7)
    assert sampler.steps == 7
    assert len(set(sampler.rows(6))) == 5


def test_too_few_records_for_a_batch_are_refused():
    with pytest.raises(InputError, match=r"3 records make no batch of 4\n.*lower batch"):
        RecordSampler(np.arange(3), batch=4, epochs=1, seed=0)


@settings(deadline=None, max_examples=150)
@given(
    counts=st.lists(st.integers(1, 9), min_size=2, max_size=30),
    batch=st.integers(2, 12),
    seed=st.integers(0, 3),
)
def test_no_picture_is_twice_in_a_batch_where_that_can_be(counts, batch, seed):
    images = np.repeat(np.arange(len(counts)) * 7 - 30, counts)
    if len(images) < batch:
        return
    sampler = RecordSampler(images, batch=batch, epochs=2, seed=seed)
    most = max(counts)
    for epoch in range(2):
        seen = batches(sampler, epoch)
        rows = [row for one in seen for row in one]
        assert len(set(rows)) == len(rows) == sampler.steps_per_epoch * batch
        doubles = [max(Counter(images[one].tolist()).values()) for one in seen]
        if most <= sampler.steps_per_epoch:
            assert max(doubles) == 1


def test_five_captions_a_picture_are_dealt_when_every_batch_needs_every_picture():
    images = np.repeat(np.arange(40), 5)
    for one in batches(RecordSampler(images, batch=40, epochs=1, seed=0)):
        assert sorted(images[one].tolist()) == list(range(40))


def test_records_that_share_no_picture_are_simply_shuffled():
    order = [
        row for batch in batches(RecordSampler(np.arange(50), batch=10, epochs=1, seed=4)) for row in batch
    ]
    assert order == np.random.default_rng([4, 0]).permutation(50).tolist()
