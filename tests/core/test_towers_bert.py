"""The encoder in plain torch is transformers' BertModel bit for bit: numbers, gradients, dropout, names."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from transformers import BertConfig, BertModel

from lexclip_core import storage
from lexclip_core.towers.sentence import Bert

SIZES = {
    "vocab_size": 60,
    "hidden_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 96,
    "max_position_embeddings": 20,
    "type_vocab_size": 2,
    "pad_token_id": 0,
    "layer_norm_eps": 1e-12,
    "hidden_dropout_prob": 0.1,
    "attention_probs_dropout_prob": 0.2,
}


@pytest.fixture(scope="module")
def pair() -> tuple[Bert, BertModel]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = BertModel(BertConfig(**SIZES), add_pooling_layer=False)
        with torch.no_grad():
            for value in theirs.parameters():  # norms and biases too, or a forgotten one would not show
                value += 0.1 * torch.randn(value.shape)
    ours = Bert(SimpleNamespace(**SIZES))
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours, theirs


def batch(texts: int, tokens: int, *, padded: bool) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(texts)
    ids = torch.randint(1, 60, (texts, tokens), generator=generator)
    lengths = torch.randint(1, tokens + 1, (texts, 1), generator=generator) if padded else tokens
    mask = (torch.arange(tokens)[None] < lengths).expand(texts, tokens).long()
    return ids * mask, mask


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "dropout"])
@pytest.mark.parametrize(
    ("texts", "tokens", "padded"), [(5, 9, True), (5, 9, False), (1, 20, False), (40, 3, True)]
)
def test_states_and_gradients_are_bit_equal(
    pair: tuple[Bert, BertModel], texts: int, tokens: int, padded: bool, training: bool, dtype: torch.dtype
) -> None:
    ids, mask = batch(texts, tokens, padded=padded)
    results = []
    for model in pair:
        model.train(training)
        with (
            torch.random.fork_rng(),
            torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16),
        ):
            torch.manual_seed(3)
            states = model(input_ids=ids, attention_mask=mask).last_hidden_state
        gradients = torch.autograd.grad((states.float() ** 2).sum(), list(model.parameters()))
        results.append((states, gradients))
    (ours, our_gradients), (theirs, their_gradients) = results
    assert torch.equal(ours, theirs)
    assert all(torch.equal(one, other) for one, other in zip(our_gradients, their_gradients, strict=True))


def test_names_are_those_of_transformers(pair: tuple[Bert, BertModel]) -> None:
    ours, theirs = pair
    assert [name for name, _ in ours.named_parameters()] == [name for name, _ in theirs.named_parameters()]
    assert [name for name, _ in ours.named_buffers()] == [name for name, _ in theirs.named_buffers()]
    linear = [[name for name, part in one.named_modules() if type(part) is torch.nn.Linear] for one in pair]
    assert linear[0] == linear[1]


NEVER = ("open_clip", "timm", "torchvision", "transformers", "peft", "scipy", "sklearn", "pandas")


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import lexclip_core.towers.registry, lexclip_core.towers.sources", ("torch", *NEVER)),
        ("import lexclip_core.towers.encoder", ("torch", *NEVER)),
        (
            "from lexclip_core.datasets.pictures.imagenet import openai_templates; assert openai_templates()",
            ("torch", *NEVER),
        ),
        (
            "from lexclip_core.towers.loading import load; load('all-MiniLM-L6-v2').encode_texts(['dog'])",
            NEVER,
        ),
    ],
)
def test_only_the_library_that_is_needed_is_imported(code: str, absent: tuple[str, ...]) -> None:
    seen = f"{code}\nimport json, sys; print(json.dumps([one for one in {absent!r} if one in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", seen], capture_output=True, text=True, check=True, cwd=storage.project_root()
    )
    assert json.loads(done.stdout.splitlines()[-1]) == []
