"""open_clip architectures: each half built alone, the tokenizer, and the activation they must have."""

from __future__ import annotations

import copy
import difflib
import math
from pathlib import Path
from typing import Any

import open_clip
import torch
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.pretrained import get_pretrained_cfg
from open_clip.tokenizer import HFTokenizer, SimpleTokenizer
from torch import nn

from lexclip_core.errors import InputError
from lexclip_core.towers import sources
from lexclip_core.towers.registry import Activation
from lexclip_core.towers.tokens import TextTokenizer

Config = dict[str, Any]

# Where one half is not used, the smallest one stands in while the model is built.
_SMALLEST_IMAGE = {"layers": 1, "width": 64, "head_width": 64, "image_size": 32, "patch_size": 32}
# It knows one token, so that no text can be encoded with it by accident.
PLACEHOLDER_TEXT = {"context_length": 1, "vocab_size": 1, "width": 1, "heads": 1, "layers": 1}
_QUICK = "-quickgelu"


def architecture_config(architecture: str) -> Config:
    """Return open_clip's configuration of an architecture.

    Raises:
        InputError: open_clip does not know it (the message names the nearest one), or it is a CoCa model.
    """
    config = open_clip.get_model_config(architecture)
    if config is None:
        near = difflib.get_close_matches(architecture, open_clip.list_models(), n=1, cutoff=0.3)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise InputError(
            f"unknown architecture {architecture!r}", f"{hint}open_clip.list_models() lists all of them"
        )
    if "multimodal_cfg" in config:
        raise InputError(
            f"{architecture} is no plain text encoder: CoCa also writes captions", "use a CLIP model"
        )
    return config


def activation_of(config: Config) -> Activation:
    """Return the activation the text half of an architecture computes with."""
    if config["text_cfg"].get("hf_model_name"):
        return "gelu"  # open_clip's switch reaches native halves alone
    return "quickgelu" if config.get("quick_gelu", False) else "gelu"


def trained_activation(architecture: str, tag: str) -> Activation | None:
    """Return the activation published weights were trained with, or None when the tag is unknown."""
    for name in (architecture, architecture.removesuffix(_QUICK)):
        published = get_pretrained_cfg(name, tag)
        if published:
            return "quickgelu" if published.get("quick_gelu", False) else "gelu"
    return None


def check_activation(architecture: str, config: Config, trained: Activation | None, what: str) -> None:
    """Refuse to run weights with an activation they were not trained with.

    A Hugging Face text tower carries its own activation, so there is nothing to compare.

    Raises:
        InputError: They differ; the message names the architecture that fits.
    """
    if trained is None or config["text_cfg"].get("hf_model_name") or activation_of(config) == trained:
        return
    right = architecture.removesuffix(_QUICK) + (_QUICK if trained == "quickgelu" else "")
    raise InputError(
        f"{what} was trained with {trained}, but {architecture} computes {activation_of(config)}: "
        "its vectors would be subtly wrong",
        f"name the architecture {right!r}, or pass activation='as-published' to run the mismatch on purpose",
    )


def build_text_model(config: Config, *, beside: Path | None = None) -> nn.Module:
    """Return a model with the text half of an architecture, randomly initialised, and no image half.

    Args:
        config: As `architecture_config` gives it.
        beside: A folder that may hold the files of a Hugging Face text tower.

    Raises:
        InputError: The configuration is not one that open_clip builds.
        MissingResourceError: The configuration of a Hugging Face text tower is nowhere.
    """
    config = copy.deepcopy(config)
    text = config["text_cfg"]
    custom = config.pop("custom_text", False) or bool(text.get("hf_model_name"))
    if text.get("hf_model_name"):
        text["hf_model_name"] = str(sources.hugging_face_folder(text["hf_model_name"], beside).resolve())
        text["hf_model_pretrained"] = False
    config["vision_cfg"] = _SMALLEST_IMAGE
    with torch.random.fork_rng(devices=[]):  # random initial weights must not move the caller's seed
        try:
            model = (CustomTextCLIP if custom else CLIP)(**config)
        except TypeError as error:
            raise InputError(f"the configuration has a key that open_clip does not know: {error}") from error
    _check_projection(model, config["embed_dim"])
    model.visual = None
    return model


def build_image_model(config: Config) -> CLIP:
    """Return a model with the image half of an architecture, randomly initialised, and no text half to use.

    Args:
        config: As `architecture_config` gives it; of `text_cfg` nothing is read.

    Raises:
        InputError: The configuration is not one that open_clip builds.
    """
    vision = {**config["vision_cfg"], "timm_model_pretrained": False}
    with torch.random.fork_rng(devices=[]):
        try:
            return CLIP(
                config["embed_dim"],
                vision,
                dict(PLACEHOLDER_TEXT),
                quick_gelu=config.get("quick_gelu", False),
            )
        except (TypeError, RuntimeError, ValueError, AssertionError) as error:
            raise InputError(
                f"open_clip builds no image tower of this configuration: {error}", "mend its vision_cfg"
            ) from error


def _check_projection(model: nn.Module, dim: int) -> None:
    text = getattr(model, "text", None)
    if hasattr(text, "config") and not hasattr(text, "proj"):
        raise InputError(
            f"the text tower has no projection to the embedding's {dim} numbers",
            "set hf_proj_type to 'linear' or 'mlp' in the configuration, as it was in training",
        )


def build_tokenizer(config: Config, *, beside: Path | None = None) -> TextTokenizer:
    """Return the tokenizer an architecture was trained with, or fail: never another vocabulary in its place.

    Raises:
        MissingResourceError: The files of a Hugging Face tokenizer are nowhere.
    """
    text = config["text_cfg"]
    length = text.get("context_length", 77)
    options = dict(text.get("tokenizer_kwargs") or {})
    name = text.get("hf_tokenizer_name")
    if name:
        folder = sources.hugging_face_folder(name, beside)
        tokenizer = HFTokenizer(
            str(folder), context_length=length, tokenizer_mode=text.get("tokenizer_mode"), **options
        )
    else:
        tokenizer = SimpleTokenizer(context_length=length, **options)
    _check_vocabulary(tokenizer, text)
    if _attends_to_padding(text):
        return TextTokenizer(
            lambda texts: tokenizer(texts).tolist(), context_length=length, name=name or "clip-bpe"
        )
    encode = _hugging_face_ids(tokenizer) if name else _clip_ids(tokenizer)
    return TextTokenizer(encode, context_length=length, name=name or "clip-bpe")


def _attends_to_padding(text: Config) -> bool:
    return not text.get("hf_model_name") and (
        bool(text.get("no_causal_mask")) or text.get("pool_type", "argmax") != "argmax"
    )


def _check_vocabulary(tokenizer: Any, text: Config) -> None:
    size = getattr(tokenizer, "vocab_size", None) or len(getattr(tokenizer, "tokenizer", ()))
    expected = text.get("vocab_size", math.inf if text.get("hf_model_name") else 49408)
    if size > expected:
        raise InputError(
            f"the tokenizer knows {size} tokens but the text tower only {expected}: it is another model's",
            "put the model's own tokenizer files beside its weights",
        )


def _clip_ids(tokenizer: SimpleTokenizer) -> Any:
    start, end = tokenizer.sot_token_id, tokenizer.eot_token_id
    return lambda texts: [[start, *tokenizer.encode(text), end] for text in texts]


def _hugging_face_ids(tokenizer: HFTokenizer) -> Any:
    def encode(texts: list[str]) -> list[list[int]]:
        cleaned = [tokenizer.clean_fn(text) for text in texts]
        return tokenizer.tokenizer(cleaned, padding=False, truncation=False, verbose=False).input_ids

    return encode
