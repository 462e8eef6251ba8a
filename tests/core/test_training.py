"""The training loop: it learns, moves only what it may, repeats bit for bit, and survives being killed.

Run as a program with a folder and steps, it is the trainings that get killed and go on.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_tower import tiny_tower

from lexclip_core.errors import DamagedFileError, DivergenceError, InputError, StorageError
from lexclip_core.towers import loading, trainable
from lexclip_core.towers.tower import Tower
from lexclip_core.training.loop import History, learning_rate, train
from lexclip_core.training.objectives import LexicalObjective, loss_terms
from lexclip_core.training.samplers import (
    Batch,
    ExpectedSampler,
    PairSampler,
    RelatedPairs,
    RelationPlan,
    RelationSampler,
    Sampler,
    WordSampler,
)
from lexclip_core.training.settings import MatrixSettings, RelationSettings, WordSettings

WORDS = (
    *("hot", "cold", "warm", "happy", "sad", "cheerful"),
    *("dog", "cat", "golden retriever", "run", "walk", "quickly"),
)


@lru_cache(maxsize=1)
def base() -> Tower:
    return tiny_tower()


def untouched() -> Tower:
    """Return a tower of one's own, made only once."""
    return base().copy()


def targets() -> np.ndarray:
    values = np.random.default_rng(1).random((len(WORDS), len(WORDS)))
    return (values + values.T) / 2


def experiment(**changes: object) -> MatrixSettings:
    start = MatrixSettings(
        tower="tiny-random",
        device="cpu",
        batch=11,
        epochs=2,
        optimizer="adamw",
        lr=1e-3,
        trainable="last:1",
    )
    return start.replace(**changes)


def sampler_of(settings: MatrixSettings) -> Sampler:
    common = {"epochs": settings.epochs, "seed": settings.seed}
    if settings.sampling == "expected":
        sampler = ExpectedSampler(targets(), batch=settings.batch, **common)
        sampler.steps = settings.steps
        return sampler
    if settings.sampling == "pairs":
        return PairSampler(targets(), batch=settings.batch, **common)  # 66 pairs: 6 batches an epoch
    return WordSampler(targets(), batch=len(WORDS), **common)


def fit(tower, sampler, settings, reference=None, **options: object) -> History:
    """Train on the words; the anchor is where they are, unless it is given."""
    reference = tower.encode_texts(WORDS) if reference is None else reference
    return train(tower, LexicalObjective(WORDS, sampler, settings, reference), settings, **options)


def trained(settings: WordSettings, sampler: Sampler | None = None, **options: object):
    tower = untouched()
    trainable.set_trainable(tower, settings.trainable, seed=settings.seed)
    history = fit(tower, sampler or sampler_of(settings), settings, **options)
    return tower, history


def untimed(history: History) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history.rows]


def assert_same(one, other) -> None:
    (tower, history), (twin, again) = one, other
    assert untimed(history) == untimed(again)
    state = twin.state()
    assert tower.state().keys() == state.keys()
    assert all(torch.equal(value, state[name]) for name, value in tower.state().items())


class Interrupting:
    """A sampler that does something when a step is asked for."""

    def __init__(self, sampler, step, act) -> None:
        self.sampler, self.step, self.act = sampler, step, act
        self.steps, self.steps_per_epoch = sampler.steps, sampler.steps_per_epoch
        self.lr_multiplier = sampler.lr_multiplier

    def batch(self, step: int) -> Batch:
        batch = self.sampler.batch(step)
        return (self.act(batch) or batch) if step == self.step else batch


# --- what is trained ---


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_loss_falls(optimizer):
    settings = experiment(
        sampling="full_matrix", optimizer=optimizer, epochs=25, lr=1e-2 if optimizer == "sgd" else 2e-3
    )
    _, history = trained(settings)
    first, last = history.rows[0], history.rows[-1]
    assert last["distance"] < first["distance"] / 2
    assert last["total"] < first["total"] / 2


def test_a_row_of_history_tells_the_step_and_the_terms():
    _, history = trained(experiment())
    assert [row["step"] for row in history.rows] == list(range(12))
    assert [row["epoch"] for row in history.rows] == [0] * 6 + [1] * 6
    for row in history.rows:
        assert list(row) == ["step", "epoch", "seconds", "distance", "anchor", "total"]
        assert row["total"] == row["distance"] + row["anchor"]
    seconds = [row["seconds"] for row in history.rows]
    assert seconds == sorted(seconds)
    assert history.rows[0]["anchor"] == pytest.approx(0, abs=1e-6)  # nothing has moved yet
    assert history.shown().keys() == {"distance", "anchor"}


def test_without_a_weight_there_is_no_anchor():
    _, history = trained(experiment(anchor_weight=0, epochs=1))
    assert "anchor" not in history.rows[0]


@pytest.mark.parametrize("setting", ["last:1", "lora:2"])
def test_only_what_is_trainable_moves(setting):
    tower = untouched()
    trainable.set_trainable(tower, setting)
    digest, before = trainable.frozen_digest(tower), tower.state()
    settings = experiment(trainable=setting)
    fit(tower, sampler_of(settings), settings)
    assert trainable.frozen_digest(tower) == digest
    assert [name for name, value in tower.state().items() if torch.equal(value, before[name])] == []


def test_two_fits_with_one_seed_are_bit_equal_and_another_seed_is_not():
    one = trained(experiment(trainable="all"))
    assert_same(one, trained(experiment(trainable="all")))
    other, history = trained(experiment(trainable="all", seed=1))
    assert untimed(history) != untimed(one[1])
    assert any(not torch.equal(value, other.state()[name]) for name, value in one[0].state().items())


def test_the_reference_may_be_given():
    settings, rows = experiment(epochs=1), untouched().encode_texts(WORDS)
    assert_same(trained(settings), trained(settings, reference=rows))
    _, moved = trained(settings, reference=np.roll(rows, 1, axis=0))
    assert moved.rows[0]["anchor"] > 0.01


def test_nothing_trainable_is_refused():
    with pytest.raises(InputError, match=r"nothing is trainable in tiny-random\n.*set_trainable"):
        fit(untouched(), sampler_of(experiment()), experiment())


def test_the_full_matrix_has_the_mean_gradient_of_all_batches_of_pairs():
    tower = untouched()
    reference = torch.from_numpy(tower.encode_texts(WORDS))
    trainable.set_trainable(tower, "all")

    def gradients(settings):
        sampler = sampler_of(settings)
        for value in tower.trainable_parameters().values():
            value.grad = None
        for step in range(sampler.steps_per_epoch):
            batch = sampler.batch(step)
            embeddings = tower.embed([WORDS[row] for row in batch.rows])
            terms = loss_terms(settings, embeddings, reference[torch.from_numpy(batch.rows)], batch)
            (sum(terms.values()) / sampler.steps_per_epoch).backward()
        return {name: value.grad for name, value in tower.trainable_parameters().items()}

    whole = gradients(experiment(sampling="full_matrix", anchor_weight=0))
    mean = gradients(experiment(sampling="pairs", anchor_weight=0))
    assert max(float(value.abs().max()) for value in whole.values()) > 1e-3
    for name, value in whole.items():
        torch.testing.assert_close(mean[name], value, atol=1e-5, rtol=0)


def test_a_few_steps_over_all_pairs_end_where_many_steps_over_some_pairs_do():
    """30 steps of eleven pairs, and 8 steps of all."""
    slow = experiment(sampling="pairs", optimizer="sgd", lr=3e-3, epochs=5, anchor="squared")
    fast = slow.replace(sampling="expected", steps=8)
    assert sampler_of(fast).lr_multiplier == 5 * 6 / 8
    ends = [trained(one)[0].encode_texts(WORDS) for one in (slow, fast)]
    start, many, few = (rows @ rows.T for rows in (untouched().encode_texts(WORDS), *ends))
    assert np.abs(many - few).mean() < np.abs(many - start).mean() / 20


def test_a_long_training_says_how_long_once_it_has_measured_some_steps(caplog, monkeypatch):
    clock = iter(range(0, 1_000_000, 30))  # every look at the clock is half a minute later
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with caplog.at_level("INFO", logger="lexclip_core.training.loop"):
        trained(experiment(epochs=4), every=7)
    [said] = [one.message for one in caplog.records if "steps that are left" in one.message]
    assert said.startswith("about 11 min 0 s for the 22 steps that are left (30 s each, measured over 1)")
    assert said.endswith("one every 7 steps")


def test_relations_are_trained_with_the_experiments_weights():
    tower = untouched()
    rows = tower.encode_texts(WORDS)
    pairs = RelatedPairs(
        np.array([0, 0, 3, 3]),
        np.array([1, 2, 4, 5]),
        np.array([-0.5, 0.95, -0.5, 0.95], dtype=np.float32),
        np.array([True, False, True, False]),
        np.ones(4),
    )
    settings = RelationSettings(
        tower="tiny-random",
        device="cpu",
        trainable="last:1",
        steps=25,
        repel=2,
        attract=3,
        near=0.5,
        far=0.25,
        lr=2e-3,
    )
    sampler = RelationSampler(
        pairs,
        rows,
        np.zeros(len(WORDS), dtype=bool),
        np.arange(len(WORDS)),
        plan=RelationPlan(
            batch=8,
            retained=12,
            weight_abstract=settings.weight_abstract,
            neighbours=2,
            surroundings=4,
            near=float(np.median(rows @ rows.T)),
        ),
        steps=settings.steps,
        seed=0,
    )
    batch = sampler.batch(0)
    start = torch.from_numpy(rows[batch.rows])
    once = loss_terms(settings, start, start, batch)
    single = loss_terms(settings.replace(repel=1, attract=1, near=1, far=1), start, start, batch)
    assert {term: float(value) for term, value in once.items()} == pytest.approx(
        {term: getattr(settings, term) * float(value) for term, value in single.items()}
    )
    _, history = trained(settings, sampler)
    assert list(history.rows[0])[3:] == ["repel", "attract", "near", "far", "total"]
    pushed = [row["repel"] + row["attract"] for row in history.rows]
    assert pushed[0] > 0.1
    assert pushed[-1] < pushed[0] / 2


# --- the schedule ---


def test_the_learning_rate_is_constant_or_one_cycle():
    constant, cycle = experiment(lr=1), experiment(lr=1, schedule="one_cycle")
    assert [learning_rate(constant, step, 20) for step in (0, 7, 19)] == [1, 1, 1]
    # two steps of warm-up, then eighteen of half a cosine
    assert [learning_rate(cycle, step, 20) for step in (0, 1, 2)] == [1 / 2, 1, 1]
    assert learning_rate(cycle, 8, 20) == pytest.approx(3 / 4)  # 60 degrees
    assert learning_rate(cycle, 11, 20) == pytest.approx(1 / 2)
    assert learning_rate(cycle, 14, 20) == pytest.approx(1 / 4)
    assert 0 < learning_rate(cycle, 19, 20) < 1 / 100
    assert learning_rate(cycle, 0, 1) == 1


def test_the_schedule_reaches_the_optimiser():
    seen = []
    step = torch.optim.AdamW.step

    def watched(self, *args, **kwargs):
        seen.append(self.param_groups[0]["lr"])
        return step(self, *args, **kwargs)

    settings = experiment(schedule="one_cycle", epochs=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", watched)
        trained(settings)
    assert seen == [learning_rate(settings, step, 6) for step in range(6)]


def test_clipping_bounds_the_gradient():
    free, clipped = experiment(optimizer="sgd", lr=1, sampling="full_matrix", epochs=1), None
    clipped = free.replace(clip=1e-3)
    start = untouched()
    trainable.set_trainable(start, free.trainable)

    def moved(settings):
        state = trained(settings)[0].state()
        return (
            sum(float((value - state[name]).square().sum()) for name, value in start.state().items()) ** 0.5
        )

    assert moved(clipped) == pytest.approx(1e-3, rel=1e-2)  # one step of lr 1
    assert moved(free) > 1e-2


# --- kill and resume ---


def killed_training(checkpoint: Path, step: int, place: str) -> None:
    """Train until SIGKILL: when a step's batch is asked for, or while its checkpoint is being written."""
    settings, sampler = experiment(), sampler_of(experiment())
    die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731
    if place == "batch":
        sampler = Interrupting(sampler, step, die)
    else:
        rename, written = os.replace, []

        def replace_or_die(source, target):
            written.append(target)
            (die if len(written) > step // 2 else rename)(source, target)

        os.replace = replace_or_die
    trained(settings, sampler, checkpoint=checkpoint, every=2)


def finish_training(result: Path, checkpoint: Path | None = None) -> None:
    """Train to the end, from a checkpoint where there is one, and write what came of it."""
    tower, history = trained(experiment(), checkpoint=checkpoint, every=2)
    seconds = [row["seconds"] for row in history.rows]
    torch.save({"rows": untimed(history), "seconds": seconds, "state": dict(tower.state())}, result)


def forked(work: Callable[..., None], *arguments: Any) -> int:
    """Do work in a process of its own that has nothing to import, and return its exit code."""
    child = os.fork()
    if child == 0:
        work(*arguments)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


PLACES = ("batch", "checkpoint")


def all_trainings(folder: Path, steps: list[int]) -> None:
    """Train once to the end, and once for each place until killed and from there on, each by itself."""
    ends = [forked(finish_training, folder / "whole.pt")]
    for place, step in zip(PLACES, steps, strict=True):
        checkpoint = folder / f"{place}.checkpoint.pt"
        ends.append(forked(killed_training, checkpoint, step, place))
        shutil.copy(checkpoint, folder / f"{place}.killed.pt")
        ends.append(forked(finish_training, folder / f"{place}.pt", checkpoint))
    print(*ends)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a fork and SIGKILL of POSIX")
def test_killed_at_any_step_and_resumed_is_bit_equal(tmp_path, subtests):
    """All in processes of their own: what ran before in this one may round otherwise."""
    steps = [random.randrange(2, 12) for _ in PLACES]
    command = [sys.executable, __file__, str(tmp_path), *map(str, steps)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert done.stdout.split() == ["0", *[str(-signal.SIGKILL), "0"] * len(PLACES)], done.stderr
    whole = torch.load(tmp_path / "whole.pt", weights_only=True)
    for place, step in zip(PLACES, steps, strict=True):
        with subtests.test(place=place, step=step):
            killed = torch.load(tmp_path / f"{place}.killed.pt", weights_only=True)
            assert len(killed["history"]) == step // 2 * 2
            resumed = torch.load(tmp_path / f"{place}.pt", weights_only=True)
            assert resumed["rows"] == whole["rows"]
            assert resumed["state"].keys() == whole["state"].keys()
            assert all(torch.equal(value, whole["state"][name]) for name, value in resumed["state"].items())
            assert resumed["seconds"] == sorted(resumed["seconds"])


def stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_dropout_depends_on_the_step_alone(tmp_path):
    settings = experiment(tower="all-MiniLM-L6-v2", trainable="lora:2", noise="dropout", batch=22, epochs=1)
    base = loading.load(settings.tower, device="cpu")
    rows = base.encode_texts(WORDS)

    def run(changed=settings, sampler=None, checkpoint=None):
        tower = base.copy()
        trainable.set_trainable(tower, settings.trainable)
        sampler = sampler or sampler_of(settings)
        return tower, fit(tower, sampler, changed, reference=rows, checkpoint=checkpoint, every=1)

    whole, checkpoint = run(), tmp_path / "checkpoint.pt"
    assert len(whole[1].rows) == 3
    with pytest.raises(KeyboardInterrupt):
        run(sampler=Interrupting(sampler_of(settings), 2, stop), checkpoint=checkpoint)
    torch.rand(7)  # whatever else drew numbers in between
    assert_same(run(checkpoint=checkpoint), whole)
    quiet = run(settings.replace(noise="off"))
    assert quiet[1].rows[0]["anchor"] < 1e-3 < whole[1].rows[0]["anchor"]


def test_a_finished_training_is_not_done_again(tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    one = trained(experiment(), checkpoint=checkpoint, every=5)
    nothing = Interrupting(sampler_of(experiment()), 0, stop)
    again = trained(experiment(), nothing, checkpoint=checkpoint)
    assert_same(one, again)
    assert one[1].rows == again[1].rows
    assert list(tmp_path.iterdir()) == [checkpoint]


# --- what goes wrong ---


def spoilt(batch: Batch) -> Batch:
    return replace(batch, targets=np.full_like(batch.targets, np.nan))


def test_a_useless_loss_stops_with_the_batch_named_and_the_checkpoint_kept(tmp_path):
    checkpoint, sampler = tmp_path / "checkpoint.pt", sampler_of(experiment())
    with pytest.raises(DivergenceError) as caught:
        trained(experiment(), Interrupting(sampler, 5, spoilt), checkpoint=checkpoint, every=2)
    words = [WORDS[row] for row in sampler.batch(5).rows]
    assert "diverged at step 5: distance nan, anchor 0.0" in str(caught.value)
    assert f"on {', '.join(words[:8])} and {len(words) - 8} more; " in str(caught.value)
    assert f"the last good state is in {checkpoint}\n  Remedy: lower lr, or set clip" in str(caught.value)
    assert len(torch.load(checkpoint, weights_only=True)["history"]) == 4
    assert_same(trained(experiment(), checkpoint=checkpoint), trained(experiment()))


def test_a_growing_loss_stops_before_it_overflows():
    with pytest.raises(
        DivergenceError, match=r"diverged at step 0: distance .*e\+\d+, .*, on (?!.*last good)"
    ):
        trained(experiment(c=1e5))


def test_weights_that_are_no_numbers_are_never_a_checkpoint(tmp_path):
    settings, checkpoint = experiment(epochs=1), tmp_path / "checkpoint.pt"
    tower = untouched()
    trainable.set_trainable(tower, settings.trainable)
    parameter = next(iter(tower.trainable_parameters().values()))
    calls = []
    parameter.register_hook(lambda grad: calls.append(0) or grad * (float("nan") if len(calls) == 4 else 1))
    with pytest.raises(DivergenceError, match=rf"diverged at step 3.*last good state is in {checkpoint}"):
        fit(tower, sampler_of(settings), settings, checkpoint=checkpoint, every=2)
    kept = torch.load(checkpoint, weights_only=True)
    assert len(kept["history"]) == 2
    assert all(bool(value.isfinite().all()) for value in kept["tower"].values())


@pytest.mark.parametrize("damage", ["cut", "other", "empty"])
def test_a_damaged_checkpoint_is_named(damage, tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    trained(experiment(epochs=1), checkpoint=checkpoint)
    if damage == "cut":
        checkpoint.write_bytes(checkpoint.read_bytes()[:2_000])
    elif damage == "empty":
        checkpoint.write_bytes(b"")
    else:
        torch.save({"weights": torch.zeros(2)}, checkpoint)
    with pytest.raises(
        DamagedFileError, match=rf"{checkpoint} cannot be read: (?s:.*)delete it and start again"
    ):
        trained(experiment(epochs=1), checkpoint=checkpoint)


def test_a_checkpoint_is_never_unpickled(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "run"),)

    torch.save({"experiment": Evil()}, tmp_path / "checkpoint.pt")
    with pytest.raises(DamagedFileError):
        trained(experiment(), checkpoint=tmp_path / "checkpoint.pt")
    assert not (tmp_path / "run").exists()


def test_a_checkpoint_of_another_experiment_is_refused(tmp_path):
    checkpoint = tmp_path / "checkpoint.pt"
    trained(experiment(epochs=1), checkpoint=checkpoint)
    before = checkpoint.read_bytes()
    with pytest.raises(InputError, match=r"belongs to another experiment: lr, seed differ\n.*delete it"):
        trained(experiment(epochs=1, lr=1e-4, seed=2), checkpoint=checkpoint)
    tower = untouched()
    tower.sha256 = "0" * 64
    trainable.set_trainable(tower, "last:1")
    settings = experiment(epochs=1)
    with pytest.raises(InputError, match=r"belongs to another experiment: tower differ"):
        fit(tower, sampler_of(settings), settings, checkpoint=checkpoint)
    assert checkpoint.read_bytes() == before


def test_a_full_disk_is_said(monkeypatch, tmp_path):
    save = torch.save

    def on_a_full_disk(state, stream):
        with Path("/dev/full").open("wb") as disk:
            save(state, disk)

    monkeypatch.setattr(torch, "save", on_a_full_disk)
    with pytest.raises(
        StorageError, match=r"cannot write .*checkpoint\.pt: No space left(?s:.*)free some disk"
    ):
        trained(experiment(), checkpoint=tmp_path / "checkpoint.pt", every=1)
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_folder_is_said(monkeypatch, tmp_path):
    def refused(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(torch, "save", refused)
    with pytest.raises(StorageError, match=r"checkpoint\.pt: Read-only file system(?s:.*)can be written"):
        trained(experiment(), checkpoint=tmp_path / "checkpoint.pt", every=1)


if __name__ == "__main__":
    all_trainings(Path(sys.argv[1]), [int(step) for step in sys.argv[2:]])
