"""Two processes that train one tower give what one process gives: paraphrases, words, and both together."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from paraclip_records import picture_rows, settings, table
from tiny_tower import tiny_tower
from torch import distributed, multiprocessing

from lexclip_core.errors import InputError
from lexclip_core.towers import trainable
from lexclip_core.towers.tower import Tower
from lexclip_core.training.distributed import is_writer, join
from lexclip_core.training.loop import train
from lexclip_core.training.losses import ALONE, World
from lexclip_core.training.objectives import LexicalObjective, Objective, ParaclipObjective
from lexclip_core.training.samplers import (
    PairSampler,
    RelatedPairs,
    RelationPlan,
    RelationSampler,
    WordSampler,
)
from lexclip_core.training.settings import (
    TABLE_2,
    MatrixSettings,
    RelationSettings,
    TrainingSettings,
    WordSettings,
)

SIZE = 2
WORDS = ("hot", "cold", "warm", "happy", "sad", "cheerful", "dog", "cat", "golden retriever")
WORD_SETTINGS = MatrixSettings(
    tower="tiny-random", device="cpu", batch=5, trainable="last:1", lr=0.1, steps=3
)
Made = tuple[TrainingSettings, Objective]


def _targets() -> np.ndarray:
    values = np.random.default_rng(1).random((len(WORDS), len(WORDS)))
    return (values + values.T) / 2


def _words(tower: Tower, **changes: Any) -> tuple[WordSettings, LexicalObjective]:
    experiment = WORD_SETTINGS.replace(**changes)
    common = {"epochs": experiment.epochs, "seed": experiment.seed}
    if experiment.sampling == "pairs":
        sampler = PairSampler(_targets(), batch=experiment.batch, **common)
    else:
        size = len(WORDS) if experiment.sampling == "full_matrix" else experiment.batch
        sampler = WordSampler(_targets(), batch=size, **common)
    sampler.steps = experiment.steps
    reference = np.roll(tower.encode_texts(WORDS), 1, axis=0)  # so that the anchor pulls from the start
    return experiment, LexicalObjective(WORDS, sampler, experiment, reference)


def _relations(tower: Tower) -> Made:
    experiment = RelationSettings(
        tower="tiny-random",
        device="cpu",
        trainable="last:1",
        optimizer="sgd",
        lr=0.1,
        steps=3,
        near=10.0,
        clip=1.0,
    )
    rows = tower.encode_texts(WORDS)
    values = np.array([-0.5, 0.95, -0.5, 0.95], dtype=np.float32)
    opposite = np.array([True, False, True, False])
    pairs = RelatedPairs(np.array([0, 0, 3, 3]), np.array([1, 2, 4, 5]), values, opposite, np.ones(4))
    plan = RelationPlan(batch=2, retained=4, weight_abstract=0.5, neighbours=2, surroundings=4, near=0.5)
    sampler = RelationSampler(
        pairs,
        rows,
        np.zeros(len(WORDS), dtype=bool),
        np.arange(len(WORDS)),
        plan=plan,
        steps=experiment.steps,
        seed=0,
    )
    return experiment, LexicalObjective(WORDS, sampler, experiment, rows)


def _records(tower: Tower, **changes: Any) -> Made:
    experiment, shown = settings(**changes), table()
    return experiment, ParaclipObjective(shown, experiment, pictures=picture_rows(shown))


def _both(tower: Tower) -> Made:
    experiment, shown = settings(distance="blog-release", distance_weight=0.5), table()
    words = _words(tower, sampling="in_batch")[1]
    return experiment, ParaclipObjective(shown, experiment, pictures=picture_rows(shown), distance=words)


CASES: dict[str, Callable[[Tower], Made]] = {
    "paraclip": lambda tower: _records(tower),
    "paraclip, duplicates left": lambda tower: _records(tower, duplicates="leave"),
    "paraclip, L1 alone": lambda tower: _records(tower, **TABLE_2["L1"]),
    "paraclip, gradients cached": lambda tower: _records(tower, chunk=5),
    "paraclip, three steps": lambda tower: _records(tower, steps=3, clip=0.5, scale="shared"),
    "paraclip with words": _both,
    "words, pairs": lambda tower: _words(tower, sampling="pairs"),
    "words, in batch": lambda tower: _words(tower, sampling="in_batch"),
    "words, relations": _relations,
    "words, full matrix": lambda tower: _words(tower, sampling="full_matrix"),
    "words, gradients cached": lambda tower: _words(tower, sampling="in_batch", chunk=2),
}


def outcome(make: Callable[[Tower], Made], start: Tower, checkpoint: Path | None = None) -> dict[str, Any]:
    """Return the last gradient, the weights and the terms after a training."""
    experiment, objective = make(start)
    tower = start.copy()
    trainable.set_trainable(tower, experiment.trainable, seed=experiment.seed)
    history = train(tower, objective, experiment, checkpoint=checkpoint, every=1)
    both = {**tower.trainable_parameters(), **objective.scales()}
    return {
        # a scale that no term uses has no gradient
        "gradient": {n: torch.zeros_like(v) if v.grad is None else v.grad for n, v in both.items()},
        "weights": {name: value.detach() for name, value in both.items()},
        "terms": [{k: v for k, v in row.items() if k != "seconds"} for row in history.rows],
    }


def process(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    place = Path(folder)
    distributed.init_process_group(
        "gloo", init_method=f"file://{place / 'meeting'}", rank=rank, world_size=SIZE
    )
    start = tiny_tower()
    found: dict[str, Any] = {name: outcome(make, start) for name, make in CASES.items()}
    found["world"] = (join().rank, join().size, is_writer())
    # a checkpoint of two processes: one of them writes it, both go on from it
    checkpoint = place / f"of_{rank}" / "checkpoint.pt"
    outcome(CASES["paraclip, three steps"], start, checkpoint)
    found["wrote"] = checkpoint.exists()
    again = outcome(CASES["paraclip, three steps"], start, place / "of_0" / "checkpoint.pt")
    found["resumed"] = again["weights"]
    try:
        _records(start, batch=7)[1].step(0, join())
    except InputError as error:
        found["refused"] = str(error)
    torch.save(found, place / f"{rank}.pt")
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("ranks")
    os.environ["LEXCLIP_PROGRESS"] = "0"
    multiprocessing.spawn(process, (str(folder),), nprocs=SIZE)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(SIZE)]


@pytest.fixture(scope="module")
def start() -> Tower:
    return tiny_tower()


@pytest.mark.parametrize("case", CASES)
def test_two_processes_give_the_gradient_and_the_weights_of_one(case, ranks, start):
    alone = outcome(CASES[case], start)
    assert max(float(value.abs().max()) for value in alone["gradient"].values()) > 1e-2
    for rank in ranks:
        for what in ("gradient", "weights"):
            assert rank[case][what].keys() == alone[what].keys()
            for name, value in alone[what].items():
                torch.testing.assert_close(rank[case][what][name], value, atol=1e-6, rtol=0)
        assert len(rank[case]["terms"]) == len(alone["terms"])
        for row, expected in zip(rank[case]["terms"], alone["terms"], strict=True):
            assert row == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("case", CASES)
def test_both_processes_end_with_the_same_bits(case, ranks):
    one, other = (rank[case]["weights"] for rank in ranks)
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_each_process_knows_its_place_and_the_first_one_writes(ranks):
    assert [rank["world"] for rank in ranks] == [(0, 2, True), (1, 2, False)]
    assert [rank["wrote"] for rank in ranks] == [True, False]


def test_a_checkpoint_is_where_both_go_on(ranks):
    for rank in ranks:
        finished = rank["paraclip, three steps"]["weights"]
        assert all(torch.equal(value, rank["resumed"][name]) for name, value in finished.items())


def test_a_batch_that_cannot_be_shared_equally_is_refused(ranks):
    for rank in ranks:
        assert "a batch of 7 is not shared equally by 2 processes" in rank["refused"]
        assert "make batch a multiple of 2" in rank["refused"]


def test_the_processes_share_out_every_text_and_none_twice():
    experiment, objective = _records(tiny_tower(), duplicates="leave")
    shares = [objective.step(0, World(rank, SIZE)).texts for rank in range(SIZE)]
    assert sorted([*shares[0], *shares[1]]) == sorted(objective.step(0, ALONE).texts)
    assert len(shares[0]) == len(shares[1]) == 3 * experiment.batch // 2
    words = _words(tiny_tower(), sampling="full_matrix")[1]
    shares = [words.step(0, World(rank, SIZE)).texts for rank in range(SIZE)]
    assert set(shares[0]) | set(shares[1]) == set(WORDS)
    assert len(shares[0]) == len(shares[1]) == 5


def test_a_process_started_alone_is_alone(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    assert join() == ALONE
    assert is_writer()
