"""What a tower accepts, computes once, and cuts; and how texts are put into batches."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_tower import tiny_tower

from lexclip_core.errors import InputError
from lexclip_core.towers import loading
from lexclip_core.towers.forward import TextTokenizer, length_batches, prefix_batches
from lexclip_core.towers.loading import load
from lexclip_core.towers.registry import Precision
from lexclip_core.towers.tower import Tower


@pytest.fixture(scope="module")
def tower() -> Tower:
    return tiny_tower()


def test_no_text_is_an_error(tower: Tower) -> None:
    for call in (tower.encode_texts, tower.embed, tower.tokens):
        with pytest.raises(InputError, match="the list is empty"):
            call([])


def test_a_bare_string_is_an_error(tower: Tower) -> None:
    with pytest.raises(InputError, match=r"single text 'dog'(.|\n)*put it in a list"):
        tower.encode_texts("dog")


@pytest.mark.parametrize("intruder", [None, 3, float("nan"), ["dog"], b"dog"])
def test_what_is_no_text_is_named_by_number(tower: Tower, intruder: object) -> None:
    with pytest.raises(InputError, match=f"text number 2 is {type(intruder).__name__}"):
        tower.encode_texts(["dog", "cat", intruder])


def test_a_batch_size_below_one_is_an_error(tower: Tower) -> None:
    with pytest.raises(InputError, match="batch_size is 0"):
        tower.encode_texts(["dog"], batch_size=0)


def test_equal_texts_are_computed_once_and_get_identical_rows(tower: Tower) -> None:
    seen: list[int] = []  # the last norm gets one row for each text that is computed
    watched = tower.model.ln_final.register_forward_pre_hook(lambda norm, inputs: seen.append(len(inputs[0])))
    rows = tower.encode_texts(["dog", "cat", "dog", "Dog", "dog"])  # the tokenizer takes Dog for dog
    watched.remove()
    assert sum(seen) == 2
    assert all(np.array_equal(rows[0], rows[index]) for index in (2, 3, 4))
    assert not np.array_equal(rows[0], rows[1])
    embedded = tower.embed(["dog", "cat", "dog"]).detach().numpy()
    assert np.allclose(embedded, rows[:3], atol=1e-6)


def test_rows_stand_in_the_order_of_the_texts(tower: Tower) -> None:
    texts = ["zebra crossing", "a", "golden retriever puppy", "b", "mouse", "the opposite of good"]
    alone = np.concatenate([tower.encode_texts([text]) for text in texts])
    assert np.allclose(tower.encode_texts(texts), alone, atol=1e-6)
    assert np.allclose(tower.embed(texts).detach().numpy(), alone, atol=1e-6)
    assert np.allclose(tower.encode_texts(texts, batch_size=1), alone, atol=1e-6)


def test_long_texts_are_cut_with_the_end_token_kept_and_counted(
    tower: Tower, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        ids = tower.tokens(["dog", "dog " * 76, "dog " * 75])
    assert [len(one) for one in ids] == [3, 77, 77]
    assert all(one[-1] == 49407 for one in ids)
    assert "1 of 3 texts are longer than 77 tokens" in caplog.text


def test_a_word_of_ten_thousand_characters_is_encoded(tower: Tower) -> None:
    rows = tower.encode_texts(["x" * 10_000, "x" * 20_000])
    assert np.isfinite(rows).all()
    assert np.array_equal(rows[0], rows[1])  # the same tokens up to the cut


def test_the_memory_of_a_tokenizer_is_bounded() -> None:
    asked: list[str] = []

    def encode(texts: list[str]) -> list[list[int]]:
        asked.extend(texts)
        return [[1, len(text), 9] for text in texts]

    tokenizer = TextTokenizer(encode, context_length=5, name="counting", remembered=3)
    assert tokenizer(["a", "bb", "a"]) == [(1, 1, 9), (1, 2, 9), (1, 1, 9)]
    tokenizer(["a"])
    assert asked == ["a", "bb"]
    assert tokenizer(["ccc", "a", "dddd"]) == [(1, 3, 9), (1, 1, 9), (1, 4, 9)]
    tokenizer(["ccc", "a"])
    assert asked == ["a", "bb", "ccc", "a", "dddd"]  # it began anew with the third, and knows those three


ids = st.lists(
    st.lists(st.integers(0, 3), min_size=1, max_size=12).map(tuple), min_size=1, max_size=60, unique=True
)


@given(ids, st.integers(1, 20), st.sampled_from([length_batches, prefix_batches]))
def test_batches_cover_every_text_once_and_respect_the_size(texts, size, batches) -> None:
    made = batches(texts, size)
    assert sorted(np.concatenate(made).tolist()) == list(range(len(texts)))
    assert all(1 <= len(batch) <= size for batch in made)


@given(ids)
def test_batches_respect_the_token_budget(texts) -> None:
    padded, packed = length_batches(texts, 100, token_budget=20), prefix_batches(texts, 100, token_budget=20)
    for batch in padded:
        assert len(batch) == 1 or len(batch) * max(len(texts[index]) for index in batch) <= 20
    for batch in packed:
        assert len(batch) == 1 or sum(len(texts[index]) for index in batch) <= 20


def test_unknown_names_devices_and_types_are_named() -> None:
    with pytest.raises(InputError, match=r"unknown tower 'tiny-randm'(.|\n)*did you mean 'tiny-random'"):
        load("tiny-randm")
    with pytest.raises(InputError, match="unknown dtype 'float8'"):
        load("tiny-random", dtype="float8")
    with pytest.raises(InputError, match="cannot compute on device 'abacus'"):
        load("tiny-random", device="abacus")
    with pytest.raises(InputError, match="unknown activation 'relu'"):
        load("tiny-random", activation="relu")


def test_the_tiny_tower_is_the_same_on_every_machine(tower: Tower) -> None:
    assert tower.sha256 == "9d500be7ba7b6a0a553b49bb1cea89fcc1d1819d3a7afc36afdd4d29aa898696"
    assert "Untrained" in tower.spec.note
    assert (tower.verified, tower.title) == (True, "tiny-random")


@pytest.mark.parametrize(
    ("asked", "able", "used"),
    [
        ("bfloat16", True, torch.bfloat16),
        ("bfloat16", False, torch.float32),
        ("float32", True, torch.float32),
        ("float32", False, torch.float32),
    ],
)
def test_what_a_processor_would_only_emulate_is_not_asked_of_it(
    asked: Precision, able: bool, used: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "has_bfloat16", lambda device: able)
    assert loading.chosen_precision(asked, torch.device("cpu")) == used
    assert load("tiny-random", device="cpu", dtype=asked).dtype == used


@pytest.mark.usefixtures("bfloat16")
def test_mixed_precision_reaches_the_packed_forward_pass(tower: Tower) -> None:
    texts = ["dog", "cat", "a photo of a dog", "golden retriever"]
    mixed = load("tiny-random", device="cpu", dtype="bfloat16").encode_texts(texts)
    assert mixed.dtype == np.float32
    assert np.allclose(np.linalg.norm(mixed, axis=1), 1, atol=1e-6)
    difference = np.abs(mixed - tower.encode_texts(texts)).max()
    assert 1e-6 < difference < 0.05
