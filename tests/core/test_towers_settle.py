"""An interpolation that is fixed before saving encodes like the one that is made from both ends."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_tower import TEXTS, tiny_tower

from lexclip_core.errors import InputError
from lexclip_core.towers import apply_tuned, interpolate, save_tuned, set_trainable, settle

SETTINGS = ["all", "last:1", "lora:4"]


def moved(setting: str):
    """Return a base and a tower tuned from it by made-up steps."""
    base = tiny_tower()
    tuned = base.copy()
    set_trainable(tuned, setting)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for value in tuned.trainable_parameters().values():
            value += 0.05 * torch.randn(value.shape, generator=generator)
    return base, tuned


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_a_settled_tower_encodes_like_the_interpolation(setting, alpha):
    base, tuned = moved(setting)
    settled = settle(base, tuned, alpha)
    expected = interpolate(base, tuned, alpha).encode_texts(TEXTS)
    np.testing.assert_allclose(settled.encode_texts(TEXTS), expected, atol=2e-6)
    if 0 < alpha < 1:
        for end in (base, tuned):
            assert np.abs(end.encode_texts(TEXTS) - expected).max() > 1e-3


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_ends_are_exact_and_nothing_else_moves(setting):
    base, tuned = moved(setting)
    before = tuned.state()
    np.testing.assert_array_equal(settle(base, tuned, 0).encode_texts(TEXTS), base.encode_texts(TEXTS))
    np.testing.assert_array_equal(settle(base, tuned, 1).encode_texts(TEXTS), tuned.encode_texts(TEXTS))
    assert all(torch.equal(value, before[name]) for name, value in tuned.state().items())


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_settled_tower_can_be_saved_like_the_tuned_one(setting, tmp_path):
    base, tuned = moved(setting)
    settled = settle(base, tuned, 0.5)
    assert settled.trainable == tuned.trainable
    save_tuned(settled, tmp_path / "half.safetensors")
    again = apply_tuned(base, tmp_path / "half.safetensors")
    np.testing.assert_array_equal(again.encode_texts(TEXTS), settled.encode_texts(TEXTS))


@pytest.mark.parametrize("alpha", [-0.1, 1.5, float("nan")])
def test_an_alpha_outside_the_line_is_refused(alpha):
    base, tuned = moved("last:1")
    with pytest.raises(InputError, match=rf"alpha is {alpha}\n.*0 \(base\) and 1 \(tuned\)"):
        settle(base, tuned, alpha)
