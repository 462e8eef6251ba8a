"""What training may move is chosen by name; what it may not move is proven to stand still."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_tower import tiny_tower

from lexclip_core.errors import InputError
from lexclip_core.towers.loading import load
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import frozen_digest, set_trainable

WORDS = ["happy", "sad", "a photo of a dog", "hot"]
SETTINGS = ["all", "last:1", "lora:4", ["*.mlp.c_fc.weight", "text_projection"]]
MINILM_SETTINGS = ["all", "last:2", "lora:4", ["text.transformer.encoder.layer.5.*"]]


@pytest.fixture(scope="module")
def minilm() -> Tower:
    return load("all-MiniLM-L6-v2", device="cpu")


def base(kind: str, minilm: Tower) -> Tower:
    return minilm.copy() if kind == "minilm" else tiny_tower()


CASES = [("tiny", one) for one in SETTINGS] + [("minilm", one) for one in MINILM_SETTINGS]


def step(tower: Tower, rate: float = 0.1) -> None:
    optimiser = torch.optim.SGD(list(tower.trainable_parameters().values()), lr=rate)
    rows = tower.embed(WORDS)
    ((rows @ rows.T) ** 2).sum().backward()
    optimiser.step()
    optimiser.zero_grad()


def test_a_fresh_tower_is_frozen() -> None:
    tower = tiny_tower()
    assert tower.trainable_parameters() == {}
    assert not tower.embed(WORDS).requires_grad


@pytest.mark.parametrize(("kind", "setting"), CASES, ids=str)
def test_training_moves_what_was_named_and_nothing_else(kind: str, setting: object, minilm: Tower) -> None:
    tower = base(kind, minilm)
    before = tower.encode_texts(WORDS)
    names = set_trainable(tower, setting)
    assert names == tuple(tower.trainable_parameters())
    assert "logit_scale" not in names
    assert np.array_equal(tower.encode_texts(WORDS), before)
    frozen = {
        name: value.clone() for name, value in tower.model.named_parameters() if not value.requires_grad
    }
    digest, state = frozen_digest(tower), tower.state()
    step(tower)
    step(tower)  # the first step of adapters moves only one of each pair
    assert frozen_digest(tower) == digest
    assert all(torch.equal(tower.model.get_parameter(name), value) for name, value in frozen.items())
    moved = {name for name, value in tower.state().items() if not torch.equal(value, state[name])}
    never_asked = {"text.transformer.embeddings.token_type_embeddings.weight"} if kind == "minilm" else set()
    assert set(names) - moved <= never_asked
    assert np.abs(tower.encode_texts(WORDS) - before).max() > 1e-4


def test_the_digest_notices_one_bit() -> None:
    tower = tiny_tower()
    digest = frozen_digest(tower)
    with torch.no_grad():
        weight = tower.model.token_embedding.weight
        weight[0, 0] = torch.nextafter(weight[0, 0], torch.tensor(9.0))
    assert frozen_digest(tower) != digest


def test_all_means_every_text_parameter_but_the_logit_scale(minilm: Tower) -> None:
    tower = tiny_tower()
    everything = {name for name, _ in tower.model.named_parameters()}
    assert everything - set(set_trainable(tower, "all")) == {"logit_scale"}


def test_last_means_the_last_blocks_and_what_follows_them(minilm: Tower) -> None:
    names = set_trainable(tiny_tower(), "last:1")
    assert {name.split(".")[0] for name in names} == {"transformer", "ln_final", "text_projection"}
    assert {name.split(".")[2] for name in names if name.startswith("transformer")} == {"1"}
    names = set_trainable(minilm.copy(), "last:2")
    assert {name.rsplit("layer.", 1)[1][0] for name in names} == {"4", "5"}
    assert len(names) == 2 * 16


def test_patterns_are_matched_against_whole_names() -> None:
    assert set_trainable(tiny_tower(), ["*.1.ln_2.*"]) == (
        "transformer.resblocks.1.ln_2.weight",
        "transformer.resblocks.1.ln_2.bias",
    )


def test_adapters_are_small_seeded_and_start_as_nothing(minilm: Tower) -> None:
    first, second, other = minilm.copy(), minilm.copy(), minilm.copy()
    torch.manual_seed(1)
    set_trainable(first, "lora:4", seed=5)
    torch.manual_seed(2)
    drawn = torch.rand(1)
    torch.manual_seed(2)
    set_trainable(second, "lora:4", seed=5)
    assert torch.equal(torch.rand(1), drawn)  # the caller's seed is left alone
    set_trainable(other, "lora:4", seed=6)
    assert all(torch.equal(value, second.state()[name]) for name, value in first.state().items())
    assert not all(torch.equal(value, other.state()[name]) for name, value in first.state().items())
    per_layer = 4 * (4 * (384 + 384) + 2 * (384 + 1536))
    assert sum(value.numel() for value in first.state().values()) == 6 * per_layer


def test_setting_the_same_adapters_again_keeps_them() -> None:
    tower = tiny_tower()
    names = set_trainable(tower, "lora:2")
    step(tower)
    state = tower.state()
    assert set_trainable(tower, "lora:2") == names
    assert all(torch.equal(value, state[name]) for name, value in tower.state().items())
    with pytest.raises(InputError, match="already carries adapters"):
        set_trainable(tower, "all")


def test_another_setting_replaces_the_one_before() -> None:
    tower = tiny_tower()
    set_trainable(tower, "all")
    assert set_trainable(tower, ["text_projection"]) == ("text_projection",)
    assert set(tower.trainable_parameters()) == {"text_projection"}


@pytest.mark.parametrize("setting", ["some", "last", "last:0", "last:x", "lora:-1", "", "text_projection"])
def test_unknown_settings_are_named(setting: str) -> None:
    with pytest.raises(InputError, match=f"unknown trainable setting '{setting}'(.|\n)*'last:N'"):
        set_trainable(tiny_tower(), setting)


def test_settings_that_fit_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="more than the 2 blocks"):
        set_trainable(tiny_tower(), "last:3")
    with pytest.raises(InputError, match=r"no parameter of tiny-random matches 'visual\.\*'"):
        set_trainable(tiny_tower(), ["text_projection", "visual.*"])
    with pytest.raises(InputError, match="matches 'logit_scale'"):
        set_trainable(tiny_tower(), ["logit_scale"])
    with pytest.raises(InputError, match="list of name patterns is empty"):
        set_trainable(tiny_tower(), [])


def test_a_copy_is_independent_and_trains_the_same() -> None:
    tower = tiny_tower()
    set_trainable(tower, "last:1")
    other = tower.copy()
    assert tuple(other.trainable_parameters()) == tuple(tower.trainable_parameters())
    before = tower.encode_texts(WORDS)
    step(other)
    assert np.array_equal(tower.encode_texts(WORDS), before)
    step(tower)
    assert np.array_equal(tower.encode_texts(WORDS), other.encode_texts(WORDS))


def test_a_saved_state_resumes_bit_for_bit() -> None:
    tower = tiny_tower()
    set_trainable(tower, "last:1")
    step(tower)
    state, expected = tower.state(), tower.encode_texts(WORDS)
    step(tower)
    assert not np.array_equal(tower.encode_texts(WORDS), expected)
    tower.load_state(state)
    assert np.array_equal(tower.encode_texts(WORDS), expected)


def test_a_state_of_another_setting_is_refused() -> None:
    tower = tiny_tower()
    set_trainable(tower, "last:1")
    state = tower.state()
    set_trainable(tower, ["text_projection"])
    with pytest.raises(InputError, match="do not fit what is trainable"):
        tower.load_state(state)
    with pytest.raises(InputError, match="text_projection"):
        tower.load_state({"text_projection": torch.zeros(2, 2)})
