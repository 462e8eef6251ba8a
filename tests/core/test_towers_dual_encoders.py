"""The text halves of SigLIP and other pairs of encoders give transformers' own vectors, or are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedTokenizerFast

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.towers.loading import load, load_image
from lexclip_core.towers.sources import DUAL_ENCODERS
from lexclip_core.towers.trainable import set_trainable

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "dog", "cat", "a", "photo", "of", "happy")
TEXTS = ["dog", "a photo of a cat", "happy", "wug", "a " * 40, "dog"]
LENGTH = 16

SIZES = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "vocab_size": len(WORDS) + 2,  # SigLIP 2 adds some of its own
    "max_position_embeddings": LENGTH,
    "bos_token_id": 2,
    "eos_token_id": 3,
    "pad_token_id": 0,
}
VISION = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "image_size": 8,
    "patch_size": 4,
}
EFFICIENT = {
    "image_size": 32,
    "width_coefficient": 0.1,
    "depth_coefficient": 0.1,
    "hidden_dim": 16,
    "kernel_sizes": [3],
    "in_channels": [32],
    "out_channels": [16],
    "strides": [1],
    "num_block_repeats": [1],
    "expand_ratios": [1],
    "depthwise_padding": [],
}


def saved(folder: Path, kind: str) -> nn.Module:
    """Save a small pair of encoders with random weights and a tokenizer; return it."""
    text = dict(SIZES)
    if kind.startswith("siglip"):
        text["projection_size"] = 20
    vision = EFFICIENT if kind == "align" else VISION
    config = AutoConfig.for_model(kind, text_config=text, vision_config=vision, projection_dim=20)
    if kind.startswith("siglip"):
        config.vision_config.hidden_size = 24
    torch.manual_seed(5)
    model = AutoModel.from_config(config).eval()
    with torch.no_grad():
        for value in model.parameters():  # norms and biases too, or a forgotten one would not show
            value += 0.05 * torch.randn(value.shape)
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = [("[CLS]", 2), ("[SEP]", 3)]
    tokenizer.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", None, special)
    padding = {"clipseg": "[SEP]", "siglip": "[SEP]"}.get(kind, "[PAD]")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=LENGTH,
        pad_token=padding,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        eos_token="[SEP]",
    ).save_pretrained(folder)
    return model


def rows(model: nn.Module, folder: Path, kind: str) -> np.ndarray:
    """Return transformers' own vectors, each text encoded by itself."""
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    padding = "max_length" if DUAL_ENCODERS[kind] else True
    found = []
    for text in TEXTS:
        options = {"padding": padding, "truncation": True, "max_length": LENGTH, "return_tensors": "pt"}
        tokens = dict(tokenizer([text], **options))
        tokens.pop("token_type_ids", None)
        if DUAL_ENCODERS[kind]:
            del tokens["attention_mask"]  # the padding is attended to, as it was in training
        with torch.no_grad():
            found.append(model.get_text_features(**tokens).pooler_output)
    return functional.normalize(torch.cat(found), dim=-1).numpy()


@pytest.mark.parametrize("kind", DUAL_ENCODERS)
def test_texts_get_the_vectors_of_transformers(tmp_path: Path, kind: str) -> None:
    model = saved(tmp_path, kind)
    tower = load(str(tmp_path), device="cpu")
    expected = rows(model, tmp_path, kind)
    assert np.abs(tower.encode_texts(TEXTS) - expected).max() < 1e-5
    assert (tower.dim, tower.spec.context_length, tower.spec.architecture) == (
        expected.shape[1],
        LENGTH,
        kind,
    )
    assert not any("vision" in name or "logit" in name for name, _ in tower.model.text.named_parameters())


@pytest.mark.parametrize("setting", ["all", "last:1", "lora:2"])
def test_one_is_tuned_like_any_other(tmp_path: Path, setting: str) -> None:
    saved(tmp_path, "siglip")
    tower = load(str(tmp_path), device="cpu")
    names = set_trainable(tower, setting)
    before = tower.encode_texts(TEXTS)
    (1 - (tower.embed(["dog"]) * tower.embed(["cat"])).sum()).backward()
    moved = {name for name, value in tower.trainable_parameters().items() if value.grad is not None}
    assert moved == set(names)
    with torch.no_grad():
        for value in tower.trainable_parameters().values():
            value -= 0.1 * torch.randn(value.shape)
    assert np.abs(tower.encode_texts(TEXTS) - before).max() > 1e-3


def test_tensors_and_tokenizers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    saved(tmp_path, "siglip")
    with pytest.raises(InputError, match="no pictures are encoded with it"):
        load_image(str(tmp_path))
    tensors = load_file(tmp_path / "model.safetensors")
    save_file(
        {name: value for name, value in tensors.items() if "text_model.head.bias" not in name},
        tmp_path / "model.safetensors",
    )
    with pytest.raises(InputError, match=r"1 missing \(text_model\.head\.bias\)"):
        load(str(tmp_path))
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["vocab_size"] = 4
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(DamagedFileError, match="knows 10 tokens, the tower 4"):
        load(str(tmp_path))


def test_another_pair_of_encoders_is_refused_by_its_type(tmp_path: Path) -> None:
    saved(tmp_path, "altclip")
    with pytest.raises(InputError, match="states the type altclip") as refused:
        load(str(tmp_path))
    assert "of the types align, chinese_clip" in refused.value.remedy
