"""Training on paraphrases: what a step holds, cached gradients, scales, both papers at once, resuming."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import pytest
import torch
from case_tables import each
from open_clip.loss import ClipLoss
from paraclip_records import picture_rows, records, settings, table
from tiny_tower import tiny_tower

from lexclip_core.errors import DivergenceError, InputError
from lexclip_core.paraphrase.records import RecordTable
from lexclip_core.towers import loading, trainable
from lexclip_core.towers.tower import Tower
from lexclip_core.training.loop import chunk_seed, learning_rate, text_chunks, train
from lexclip_core.training.losses import ALONE
from lexclip_core.training.objectives import LexicalObjective, ParaclipObjective, loss_terms
from lexclip_core.training.samplers import WordSampler
from lexclip_core.training.settings import TABLE_2, ParaphraseSettings, WordSettings

WORDS = ("hot", "cold", "warm", "happy", "sad", "cheerful", "dog", "cat")


@lru_cache(maxsize=1)
def base() -> Tower:
    return tiny_tower()


def objective_for(experiment: ParaphraseSettings, shown: RecordTable | None = None, **options: object):
    shown = shown or table()
    return ParaclipObjective(shown, experiment, pictures=picture_rows(shown), **options)


def trained(experiment: ParaphraseSettings, objective: ParaclipObjective | None = None, **options: object):
    tower = base().copy()
    trainable.set_trainable(tower, experiment.trainable, seed=experiment.seed)
    objective = objective or objective_for(experiment)
    history = train(tower, objective, experiment, **options)
    return tower, objective, history


def gradients(tower: Tower, objective: ParaclipObjective) -> dict[str, torch.Tensor]:
    both = {**tower.trainable_parameters(), **objective.scales()}
    return {name: value.grad.clone() for name, value in both.items()}


def word_objective(experiment: WordSettings, tower: Tower) -> LexicalObjective:
    values = np.random.default_rng(1).random((len(WORDS), len(WORDS)))
    sampler = WordSampler((values + values.T) / 2, batch=4, epochs=1, seed=experiment.seed)
    return LexicalObjective(WORDS, sampler, experiment, tower.encode_texts(WORDS))


# --- a step ---


def test_a_step_trains_the_texts_of_its_records_against_their_pictures():
    experiment, shown = settings(duplicates="leave"), table()
    pictures = picture_rows(shown)
    objective = ParaclipObjective(shown, experiment, pictures=pictures)
    step = objective.step(0, ALONE)
    rows = objective.sampler.rows(0)
    fields = ("caption", "paraphrase_1", "paraphrase_2")
    assert list(step.texts) == [getattr(shown[int(row)], field) for field in fields for row in rows]
    embedded = torch.from_numpy(base().encode_texts(step.texts))
    caption, first, second = embedded.split(len(rows))
    images = torch.from_numpy(pictures.rows(rows))
    loss, near, far = ClipLoss(), torch.tensor(10.0), torch.tensor(5.0)
    expected = {
        "image_paraphrase_2": loss(images, second, near),
        "caption_paraphrase": loss(caption, first, far),
        "paraphrase_paraphrase": loss(first, second, far),
    }
    for name, term in step.terms(embedded).items():
        torch.testing.assert_close(term, expected.pop(name))
    assert not expected


@each(("row", "texts"), [("L1", 8), ("L2+L3", 24), ("L1+L1'", 16), ("L1'+L2", 16), ("L1''+L2+L3", 24)])
def test_only_the_texts_that_a_term_needs_are_encoded(row, texts):
    step = objective_for(settings(**TABLE_2[row])).step(0, ALONE)
    assert len(step.texts) == texts


def test_text_text_terms_need_no_pictures_and_the_others_do():
    ParaclipObjective(table(), settings(**TABLE_2["L2+L3"]))
    with pytest.raises(InputError, match="pictures are missing"):
        ParaclipObjective(table(), settings())


def test_the_same_seed_gives_the_same_texts_and_another_seed_does_not():
    one, again = (objective_for(settings(steps=7)) for _ in range(2))
    other = objective_for(settings(steps=7, seed=1))
    assert [one.step(n, ALONE).texts for n in range(7)] == [again.step(n, ALONE).texts for n in range(7)]
    assert one.step(0, ALONE).texts != other.step(0, ALONE).texts


def test_masking_takes_copies_out_of_the_negatives():
    shown = RecordTable.of(records(1) * 8)
    masked, left = (
        objective_for(settings(duplicates=choice), shown).step(0, ALONE) for choice in ("mask", "leave")
    )
    rows = torch.from_numpy(base().encode_texts(masked.texts))
    # all eight are one another's copies, and nothing is left to tell apart
    assert float(masked.terms(rows)["caption_paraphrase"].detach()) == pytest.approx(0, abs=1e-6)
    assert float(left.terms(rows)["caption_paraphrase"].detach()) == pytest.approx(math.log(8))


def test_the_loss_falls():
    _, _, history = trained(settings(steps=25, optimizer="adamw", lr=2e-3))
    assert history.rows[-1]["total"] < history.rows[0]["total"] / 2
    assert list(history.rows[0])[3:] == [
        "image_paraphrase_2",
        "caption_paraphrase",
        "paraphrase_paraphrase",
        "total",
    ]


# --- cached gradients ---


def plainly_in_chunks(experiment: ParaphraseSettings, tower: Tower, objective: ParaclipObjective):
    """Return the plain gradient of step 0, every chunk encoded with the dropout of the cached one."""
    step = objective.step(0, ALONE)
    chunks, inverse = text_chunks(step.texts, experiment.chunk)
    rows = []
    for number, texts in enumerate(chunks):
        torch.manual_seed(chunk_seed(experiment.seed * 1_000_003, number))
        rows.append(tower.embed(texts, noise=experiment.noise))
    terms = step.terms(torch.cat(rows)[inverse])
    torch.stack(list(terms.values())).sum().backward()
    return gradients(tower, objective)


@pytest.mark.parametrize("chunk", [1, 5, 1_000])
def test_cached_gradients_are_the_plain_ones_scales_included(chunk):
    plain = gradients(*trained(settings())[:2])
    cached = gradients(*trained(settings(chunk=chunk))[:2])
    assert max(float(value.abs().max()) for value in plain.values()) > 1e-2
    assert plain.keys() == cached.keys()
    assert {"image_text", "text_text"} < plain.keys()
    for name, value in plain.items():
        torch.testing.assert_close(cached[name], value, atol=1e-5, rtol=0)


def test_cached_gradients_are_the_plain_ones_under_dropout():
    experiment = settings(tower="all-MiniLM-L6-v2", trainable="last:1", noise="dropout", chunk=10, batch=6)
    minilm, shown = loading.load("all-MiniLM-L6-v2", device="cpu"), table(12)

    def prepared():
        tower = minilm.copy()
        trainable.set_trainable(tower, experiment.trainable)
        return tower, ParaclipObjective(shown, experiment, pictures=picture_rows(shown, 384))

    tower, objective = prepared()
    train(tower, objective, experiment)
    cached = gradients(tower, objective)
    plain = plainly_in_chunks(experiment, *prepared())
    quiet = plainly_in_chunks(experiment.replace(noise="off"), *prepared())
    apart = 0.0
    for name, value in plain.items():
        torch.testing.assert_close(cached[name], value, atol=1e-5, rtol=0)
        apart = max(apart, float((quiet[name] - value).abs().max()))
    assert apart > 1e-3  # dropout was at work


def test_chunks_hold_every_text_once_and_short_ones_together():
    chunks, inverse = text_chunks(["bbb", "a", "bbb", "cc", "a"], 2)
    assert chunks == [["a", "cc"], ["bbb"]]
    assert inverse.tolist() == [2, 0, 2, 1, 0]


# --- scales ---


def test_a_shared_scale_is_one_and_separate_scales_are_two():
    separate = objective_for(settings())
    assert {name: round(float(value), 4) for name, value in separate.current_scales().items()} == {
        "image_text": 10,
        "text_text": 5,
    }
    shared = objective_for(settings(scale="shared"))
    assert list(shared.scales()) == ["image_text"]
    assert len({float(value.detach()) for value in shared.current_scales().values()}) == 1


def test_trained_scales_move_and_fixed_ones_do_not():
    _, moved, _ = trained(settings(steps=3))
    _, fixed, _ = trained(settings(steps=3, scale_training="fixed"))
    near, far = (float(value.detach()) for value in moved.current_scales().values())
    assert min(abs(near - 10), abs(far - 5)) > 1e-3
    assert [float(value.detach()) for value in fixed.current_scales().values()] == pytest.approx([10, 5])
    assert fixed.scales() == {}


@pytest.mark.parametrize(("lr", "start"), [(50.0, 99.0), (50.0, 2.0)])
def test_a_scale_stays_between_one_and_a_hundred(lr, start):
    experiment = settings(scale_start=start, scale_start_texts=start)
    objective = objective_for(experiment)
    for value in objective.scales().values():
        value.data += lr if start > 50 else -lr
    objective.limit_scales()
    expected = 100 if start > 50 else 1
    assert [float(value.detach()) for value in objective.current_scales().values()] == pytest.approx(
        [expected] * 2
    )


def test_weight_decay_leaves_the_scale_alone():
    decayed = settings(weight_decay=0.5, lr=1.0, **TABLE_2["L1"])
    _, free, _ = trained(decayed.replace(weight_decay=0.0))
    _, same, _ = trained(decayed)
    assert float(free.current_scales()["image_text"]) == float(same.current_scales()["image_text"])
    assert float(same.current_scales()["text_text"]) == pytest.approx(5)


# --- both papers ---


def test_words_and_paraphrases_train_together():
    experiment = settings(distance="blog-release", distance_weight=0.5)
    words = experiment.distance_settings().replace(sampling="in_batch")
    words_alone = word_objective(words, base())
    step = objective_for(experiment, distance=words_alone).step(0, ALONE)
    alone, only = objective_for(experiment).step(0, ALONE), words_alone.step(0, ALONE)
    assert step.texts == [*alone.texts, *only.texts]
    rows = torch.from_numpy(base().encode_texts(step.texts)).roll(1, dims=0)
    terms = step.terms(rows)
    expected = alone.terms(rows[:24]) | {name: 0.5 * value for name, value in only.terms(rows[24:]).items()}
    assert list(terms) == [*experiment.weights, "distance", "anchor"]
    assert {name: float(value) for name, value in terms.items()} == pytest.approx(
        {name: float(value) for name, value in expected.items()}
    )
    _, _, history = trained(experiment, objective_for(experiment, distance=words_alone))
    assert history.rows[0]["distance"] > 0


def test_words_alone_are_trained_as_their_own_loop_trains_them():
    experiment = settings(distance="blog-release", **TABLE_2["base"])
    words = experiment.distance_settings().replace(sampling="in_batch")
    words_alone = word_objective(words, base())
    step = ParaclipObjective(table(), experiment, distance=words_alone).step(0, ALONE)
    rows = torch.from_numpy(base().encode_texts(step.texts)).roll(1, dims=0)
    batch = words_alone.sampler.batch(0)
    expected = loss_terms(words, rows, words_alone.reference[torch.from_numpy(batch.rows)], batch)
    assert {name: float(value) for name, value in step.terms(rows).items()} == {
        name: float(value) for name, value in expected.items()
    }
    trained(experiment, ParaclipObjective(table(), experiment, distance=words_alone))


# --- the loop ---


class Stopping:
    """An objective that stops the training at a step."""

    lr_multiplier = 1.0

    def __init__(self, objective: ParaclipObjective, at: int) -> None:
        self._objective, self._at = objective, at
        self.steps, self.steps_per_epoch = objective.steps, objective.steps_per_epoch
        self.scales, self.limit_scales = objective.scales, objective.limit_scales

    def step(self, number, world):
        if number == self._at:
            raise KeyboardInterrupt
        return self._objective.step(number, world)


@pytest.mark.parametrize("chunk", [0, 7])
def test_killed_and_resumed_is_bit_equal_scales_included(chunk, tmp_path):
    experiment = settings(steps=7, optimizer="adamw", lr=1e-3, chunk=chunk)
    checkpoint = tmp_path / "checkpoint.pt"
    tower, objective, history = trained(experiment)
    with pytest.raises(KeyboardInterrupt):
        trained(experiment, Stopping(objective_for(experiment), 5), checkpoint=checkpoint, every=2)
    again, resumed, rows = trained(experiment, checkpoint=checkpoint, every=2)
    assert [row["total"] for row in rows.rows] == [row["total"] for row in history.rows]
    assert all(torch.equal(value, again.state()[name]) for name, value in tower.state().items())
    assert {name: float(value) for name, value in resumed.scales().items()} == {
        name: float(value) for name, value in objective.scales().items()
    }


def test_a_useless_loss_names_the_texts():
    experiment = settings()
    objective = objective_for(experiment)
    objective.scales()["text_text"].data.fill_(math.nan)
    with pytest.raises(DivergenceError, match=r"step 0: .*caption_paraphrase nan.*, on .* and 16 more"):
        trained(experiment, objective)


def test_the_cosine_falls_from_the_top_without_a_warm_up():
    experiment = settings(schedule="cosine", lr=1.0)
    rates = [learning_rate(experiment, step, 4) for step in range(4)]
    assert rates == pytest.approx([1, (2 + 2**0.5) / 4, 1 / 2, (2 - 2**0.5) / 4])


def test_the_frozen_part_of_the_tower_stands_still():
    tower = base().copy()
    trainable.set_trainable(tower, "last:1")
    before = trainable.frozen_digest(tower)
    experiment = settings(steps=2, lr=1.0)
    train(tower, objective_for(experiment), experiment)
    assert trainable.frozen_digest(tower) == before
