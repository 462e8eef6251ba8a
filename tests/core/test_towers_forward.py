"""Texts at their true length give the vectors and the gradients of the padded call."""

from __future__ import annotations

import open_clip
import pytest
import torch
from tiny_tower import TEXTS, random_model
from torch import Tensor, nn
from torch.nn import functional

from lexclip_core.towers import forward as forward_module
from lexclip_core.towers.forward import packed, shared_length

TEMPLATED = ["a photo of a dog", "a photo of a cat", "a photo of a golden retriever"]
KINDS = [
    {},
    {"custom": True},
    {"quick_gelu": True},
    {"ls_init_value": 0.5},
    {"proj_bias": True, "custom": True},
    {"proj_type": "none", "custom": True},
]


def padded_tokens(texts: list[str]) -> Tensor:
    return open_clip.SimpleTokenizer()(texts)


def true_length(tokens: Tensor) -> list[tuple[int, ...]]:
    lengths = [int((row == 49407).nonzero()[-1]) + 1 for row in tokens]
    return [tuple(row[:length].tolist()) for row, length in zip(tokens, lengths, strict=True)]


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {
        name: value
        for name, value in model.named_parameters()
        if "visual" not in name and "logit" not in name
    }


@pytest.mark.parametrize("texts", [TEXTS, TEMPLATED, TEXTS[:1]], ids=["mixed", "templated", "single"])
@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("forward", ["packed", "truncated"])
def test_vectors_and_gradients_equal_the_plain_call(forward: str, kind: dict, texts: list[str]) -> None:
    model = random_model(1, **kind)
    tokens = padded_tokens(texts)
    plain = model.encode_text(tokens, normalize=True)
    if forward == "packed":
        features = packed(forward_module.text_parts(model), true_length(tokens))
    else:
        features = forward_module.truncated(model, true_length(tokens))
    ours = functional.normalize(features, dim=-1)
    assert (ours - plain).abs().max() < 1e-5
    pull = torch.linspace(-1, 1, plain.numel()).reshape(plain.shape)
    parameters = weights(model)
    expected = torch.autograd.grad((plain * pull).sum(), list(parameters.values()))
    found = torch.autograd.grad((ours * pull).sum(), list(parameters.values()))
    for name, one, other in zip(parameters, expected, found, strict=True):
        assert one.abs().max() > 0, name
        assert (one - other).abs().max() < 1e-5 * max(1.0, float(one.abs().max())), name


def test_the_packed_form_is_chosen_for_plain_causal_towers() -> None:
    forward = forward_module.forward_for(random_model())
    assert forward.batches is forward_module.prefix_batches


def test_other_blocks_run_truncated() -> None:
    model = random_model(scale_heads=True)
    assert forward_module.forward_for(model).run is forward_module.truncated
    tokens = padded_tokens(TEXTS)
    difference = forward_module.truncated(model, true_length(tokens)) - model.encode_text(tokens)
    assert difference.abs().max() < 1e-5


@pytest.mark.parametrize("odd", [{"no_causal_mask": True, "pool_type": "last"}, {"pool_type": "last"}])
def test_towers_that_see_their_padding_keep_it(odd: dict) -> None:
    model = random_model(custom=True, **odd)
    assert forward_module.forward_for(model).run is forward_module.whole_context


def test_shared_length_leaves_each_text_a_token_of_its_own() -> None:
    assert shared_length([(1, 2, 3, 9), (1, 2, 4, 9)]) == 2
    assert shared_length([(1, 2, 3, 9)]) == 3
    assert shared_length([(1, 9), (1, 2, 9)]) == 1
    assert shared_length([(1, 2, 9), (3, 2, 9)]) == 0


def test_texts_that_share_nothing_can_be_packed() -> None:
    model = random_model()
    tokens = torch.tensor([[5, 7, 49407], [6, 7, 49407]])
    whole = functional.pad(tokens, (0, 74))
    features = packed(forward_module.text_parts(model), [tuple(row.tolist()) for row in tokens])
    assert (features - model.encode_text(whole)).abs().max() < 1e-5
