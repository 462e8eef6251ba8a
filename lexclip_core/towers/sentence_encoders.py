"""Folders of sentence-transformers: an encoder of the BERT family, its pooling, and layers behind it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from open_clip.hf_model import ClsLastHiddenStatePooler, HFTextEncoder, MeanPooler
from torch import nn

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.towers import sources
from lexclip_core.towers.checkpoint import fit_strictly, read_tensors
from lexclip_core.towers.registry import TowerSpec
from lexclip_core.towers.sentence_parts import parts, read_json, weight_file
from lexclip_core.towers.tokens import TextTokenizer
from lexclip_core.towers.tower import Tower

# Families whose vectors are tested against the library; the positions that each keeps free of tokens.
_FREE_POSITIONS = {"bert": 0, "distilbert": 0, "roberta": 2, "xlm-roberta": 2, "mpnet": 2}
_POOLERS: dict[str, type[nn.Module]] = {"mean": MeanPooler, "cls": ClsLastHiddenStatePooler}
# A configuration names a class to import; only these names are taken, and nothing is imported by name.
_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "Tanh": nn.Tanh,
    "Identity": nn.Identity,
    "ReLU": nn.ReLU,
    "GELU": nn.GELU,
}
_UNUSED = ("position_ids",)


class SentenceEncoder(HFTextEncoder):
    """open_clip's wrapper of a Hugging Face encoder, with the pooling and layers of a sentence encoder.

    Args:
        config: transformers' configuration of the encoder.
        pooling: `mean` over the tokens, or `cls`, the first one.
        layers: What follows the pooling.
    """

    def __init__(self, config: Any, pooling: str, layers: nn.Sequential) -> None:
        nn.Module.__init__(self)  # the wrapper's own knows fewer families
        from transformers import AutoModel

        self.output_tokens = False
        self.config = config
        self.transformer = AutoModel.from_config(config)
        if getattr(self.transformer, "pooler", None) is not None:
            self.transformer.pooler = None  # trained for another task, and read by neither pooling
        self.pooler = _POOLERS[pooling]()
        self.proj = layers


class _TextModel(nn.Module):
    """The outside of an open_clip model that has a text half alone."""

    def __init__(self, text: SentenceEncoder) -> None:
        super().__init__()
        self.text = text
        self.visual = None
        self.logit_scale = nn.Parameter(torch.zeros(()))


class _Dense(nn.Module):
    def __init__(self, inputs: int, outputs: int, *, bias: bool, activation: nn.Module) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=bias)
        self.activation_function = activation

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.activation_function(self.linear(rows))


def load_sentence_encoder(name: str, folder: Path, *, device: torch.device, dtype: torch.dtype) -> Tower:
    """Return the sentence encoder of a folder as a `Tower`, every tensor of it from the weight files.

    Its vectors are unit rows whether or not the model ends in a Normalize module.

    Raises:
        DamagedFileError: A file cannot be read, or is another model's.
        InputError: The model has a part that this loader would not compute as the library does.
        MissingResourceError: A file is not there.
    """
    encoder_folder, pooling, dense = parts(folder)
    config = _encoder_config(encoder_folder)
    stated = read_json(encoder_folder / "sentence_bert_config.json", {})
    tokenizer = _tokenizer(encoder_folder, config, stated, name)
    with torch.random.fork_rng(devices=[]):  # random initial weights must not move the caller's seed
        layers = [_dense(part) for part in dense]
        encoder = SentenceEncoder(config, pooling, nn.Sequential(*layers))
    files = [weight_file(encoder_folder)]
    _fill(encoder.transformer, files[0], config)
    for layer, part in zip(layers, dense, strict=True):
        files.append(weight_file(part))
        fit_strictly(layer, read_tensors(files[-1]), what=str(files[-1]), architecture="its config.json")
    record = TowerSpec(
        name=name,
        architecture=config.model_type,
        pretrained="",
        activation="gelu",
        tokenizer=tokenizer.name,
        context_length=tokenizer.context_length,
        dim=layers[-1].linear.out_features if layers else config.hidden_size,
        source=str(folder),
    )
    return Tower(_TextModel(encoder), tokenizer, record, sha256=_digest(files), device=device, dtype=dtype)


def _dense(folder: Path) -> _Dense:
    stated = read_json(folder / "config.json")
    name = str(stated.get("activation_function", "Tanh")).rpartition(".")[2]
    asked = {"use_residual": False, "module_input_name": "sentence_embedding"}
    other = {key for key, value in asked.items() if (stated.get(key) or value) != value}
    if name not in _ACTIVATIONS or other:
        raise InputError(
            f"{folder} is a dense layer with {name}{''.join(f', {key}' for key in sorted(other))}",
            f"only plain ones with {', '.join(_ACTIVATIONS)} can be loaded",
        )
    return _Dense(
        stated["in_features"],
        stated["out_features"],
        bias=bool(stated.get("bias", True)),
        activation=_ACTIVATIONS[name](),
    )


def _encoder_config(folder: Path) -> Any:
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(str(folder), local_files_only=True)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(f"{folder / 'config.json'} cannot be read: {error}", "restore it") from error
    if config.model_type not in _FREE_POSITIONS:
        raise InputError(
            f"{folder} is an encoder of type {config.model_type}",
            f"only {', '.join(_FREE_POSITIONS)} are known to give the library's vectors here",
        )
    return config


def _fill(encoder: nn.Module, file: Path, config: Any) -> None:
    given = read_tensors(file)
    prefix = f"{getattr(encoder, 'base_model_prefix', '')}."
    if all(name.startswith((prefix, "lm_head.", "cls.")) for name in given):
        given = {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
    used = {
        name: value
        for name, value in given.items()
        if not name.startswith("pooler.") and not name.endswith(_UNUSED)
    }
    fit_strictly(encoder, used, what=str(file), architecture=f"its config.json ({config.model_type})")


def _tokenizer(folder: Path, config: Any, stated: dict[str, Any], name: str) -> TextTokenizer:
    from transformers import AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # transformers raises many kinds for a damaged or missing file
        raise DamagedFileError(f"the tokenizer of {folder} cannot be read: {error}", "restore it") from error
    if len(tokenizer) > config.vocab_size or tokenizer.pad_token_id != config.pad_token_id:
        raise DamagedFileError(
            f"the tokenizer of {folder} knows {len(tokenizer)} tokens and pads with "
            f"{tokenizer.pad_token_id}; the encoder knows {config.vocab_size} and pads with "
            f"{config.pad_token_id}",
            "put the model's own tokenizer files there",
        )
    room = config.max_position_embeddings - _FREE_POSITIONS[config.model_type]
    length = min(stated.get("max_seq_length") or tokenizer.model_max_length, room)
    lower = bool(stated.get("do_lower_case", False))

    def encode(texts: list[str]) -> list[list[int]]:
        cleaned = [text.strip().lower() if lower else text.strip() for text in texts]
        return tokenizer(cleaned, padding=False, truncation=False, verbose=False).input_ids

    return TextTokenizer(encode, context_length=length, name=name)


def _digest(files: list[Path]) -> str:
    digests = [sources.checked_sha256(file) for file in files]
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
