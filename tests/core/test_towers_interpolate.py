"""Between a base and what was tuned from it every weight is on the line; the ends are exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_tower import ARCHITECTURE, TEXTS, random_model, register_architectures, save_checkpoint, tiny_tower

from lexclip_core.errors import InputError
from lexclip_core.towers.loading import load
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import set_trainable
from lexclip_core.towers.weights import apply_tuned, combine, interpolate, merged_tensors, save_tuned

SETTINGS = ["all", "last:1", "lora:4", ["*.mlp.c_fc.weight"]]


def moved(setting: str | list[str], base: Tower | None = None) -> tuple[Tower, Tower]:
    """Return a base and a tower tuned from it by made-up steps."""
    base = base or tiny_tower()
    tuned = base.copy()
    set_trainable(tuned, setting)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for value in tuned.trainable_parameters().values():
            value += 0.05 * torch.randn(value.shape, generator=generator)
    return base, tuned


MOVED = [moved("last:1"), moved("lora:2")]


@settings(max_examples=5, deadline=None)
@given(st.floats(0, 2))
def test_every_weight_is_on_the_line(alpha: float) -> None:
    for base, tuned in MOVED:
        between, end = merged_tensors(interpolate(base, tuned, alpha)), merged_tensors(tuned)
        for name, value in base.model.named_parameters():
            expected = (1 - alpha) * value.double() + alpha * end[name].double()
            assert (between[name].double() - expected).abs().max() < 1e-6, name


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_the_ends_are_exact_and_neither_tower_moves(setting: str | list[str]) -> None:
    base, tuned = moved(setting)
    before, state = base.encode_texts(TEXTS), tuned.state()
    start, end = interpolate(base, tuned, 0), interpolate(base, tuned, 1)
    np.testing.assert_array_equal(start.encode_texts(TEXTS), before)
    np.testing.assert_array_equal(end.encode_texts(TEXTS), tuned.encode_texts(TEXTS))
    np.testing.assert_array_equal(base.encode_texts(TEXTS), before)
    assert all(torch.equal(value, state[name]) for name, value in tuned.state().items())
    for name, value in base.model.named_parameters():
        assert torch.equal(merged_tensors(start)[name], value), name


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_half_way_it_encodes_like_neither_end_and_can_be_saved(
    setting: str | list[str], tmp_path: Path
) -> None:
    base, tuned = moved(setting)
    half = interpolate(base, tuned, 0.5)
    rows = half.encode_texts(TEXTS)
    for end in (base, tuned):
        assert np.abs(end.encode_texts(TEXTS) - rows).max() > 1e-3
    assert half.trainable == tuned.trainable
    save_tuned(half, tmp_path / "half.safetensors")
    again = apply_tuned(base, tmp_path / "half.safetensors")
    np.testing.assert_array_equal(again.encode_texts(TEXTS), rows)


@pytest.mark.parametrize("alpha", [-0.1, 2.1, float("nan"), float("inf")])
def test_an_alpha_outside_the_line_is_refused(alpha: float) -> None:
    with pytest.raises(InputError, match=rf"alpha is {alpha}\n.*0 \(base\), 1 \(tuned\) and 2"):
        interpolate(*MOVED[0], alpha)


def test_towers_of_different_bases_are_refused(tmp_path: Path) -> None:
    register_architectures(tmp_path)
    file = str(save_checkpoint(random_model(), tmp_path / "base.pt"))
    base, tuned = moved("last:1", load(file, architecture=ARCHITECTURE))
    quick = load(file, architecture=f"{ARCHITECTURE}-quickgelu")
    for other in (quick, tiny_tower()):
        with pytest.raises(InputError, match="was not tuned from this"):
            interpolate(other, tuned, 0.5)
    assert interpolate(base, tuned, 0.5).name == base.name


def test_a_base_with_adapters_is_refused() -> None:
    _, tuned = moved("lora:2")
    with pytest.raises(InputError, match="carries adapters"):
        interpolate(tuned, tuned, 0.5)


@pytest.mark.parametrize("setting", ["last:1", "lora:3"])
def test_combined_towers_moved_by_shares_of_what_each_moved(setting: str) -> None:
    base, first = moved(setting)
    second = first.copy()
    with torch.no_grad():
        for value in second.trainable_parameters().values():
            value -= 0.03 * torch.randn(value.shape, generator=torch.Generator().manual_seed(6))
    start, one, other = (merged_tensors(tower) for tower in (base, first, second))
    mean = merged_tensors(combine(base, [first, second], [1 / 2, 1 / 2]))
    both = merged_tensors(combine(base, [first, second], [11 / 10, 1 / 2]))
    for name in one:
        np.testing.assert_allclose(mean[name], (one[name] + other[name]) / 2, atol=1e-6)
        expected = start[name] + 11 / 10 * (one[name] - start[name]) + 1 / 2 * (other[name] - start[name])
        np.testing.assert_allclose(both[name], expected, atol=1e-6)


def test_towers_that_were_tuned_otherwise_are_not_combined() -> None:
    base, tuned = moved("lora:2")
    for towers in ([], [tuned, moved("lora:3")[1]], [base, tuned]):
        with pytest.raises(InputError, match="not tuned alike"):
            combine(base, towers, [1.0] * len(towers))
    with pytest.raises(InputError, match=r"1 shares for 2 towers\n.*one share per tower"):
        combine(base, [tuned, tuned.copy()], [1.0])
