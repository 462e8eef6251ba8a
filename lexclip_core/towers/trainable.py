"""Which parameters training may move, chosen by name, with a proof that the others stood still."""

from __future__ import annotations

import fnmatch
import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from lexclip_core.errors import InputError
from lexclip_core.towers.forward import is_hugging_face, text_parts
from lexclip_core.towers.static import WordRows
from lexclip_core.towers.tower import Tower

_NEVER = ("logit_scale", "logit_bias")  # they scale image-text logits; no text loss here uses them
_EMBEDDING = re.compile(r"(^|\.)(\w*embed\w*|shared|cls_emb)(\.|$)")
_COUNTED = re.compile(r"(last|lora):(\d+)")
# of BERT and RoBERTa; MPNet; DistilBERT; CLIP and SigLIP
_HUGGING_FACE_LINEARS = (
    r".*\.(query|key|value|dense|attn\.[qkvo]|[qkv]_lin|out_lin|lin[12]|[qkv]_proj|out_proj|fc[12])"
)
# Adapters on open_clip's fused attention projection would bypass the packed forward pass.
_NATIVE_LINEARS = r".*\.mlp\.(c_fc|c_proj)"
_SETTINGS = "'all', 'last:N' (N blocks and what follows them), 'lora:R' (rank R), or a list of name patterns"


def set_trainable(tower: Tower, setting: str | Sequence[str], *, seed: int = 0) -> tuple[str, ...]:
    """Let training move the parameters that `setting` names, freeze all others, and return the names.

    Args:
        tower: Changed in place.
        setting: `all`; `last:N`, the last N blocks with the final norm and projection; `lora:R`, adapters of
            rank R next to the linear layers (those of every block of a Hugging Face tower; the two of the
            feed-forward part of a native one), scaled by 2; or shell patterns over parameter names.
            `logit_scale` always stays frozen. Of static vectors `lora:R` is a map of all rows with R hidden
            units, and whatever else is no pattern means the rows themselves.
        seed: Seed of the adapters' initial values; they start as an exact no-op.

    Raises:
        InputError: The setting is unknown, matches nothing, needs transformer blocks where there are none, or
            the tower already carries adapters.

    >>> from lexclip_core.towers.loading import load
    >>> set_trainable(load("tiny-random"), ["ln_final.*"])
    ('ln_final.weight', 'ln_final.bias')
    """
    kind, count = _parsed(setting)
    if has_adapters(tower):
        if setting == tower.trainable:
            return tuple(tower.trainable_parameters())
        problem = f"{tower.name} already carries adapters ({tower.trainable})"
        raise InputError(problem, "load a fresh tower to change the setting")
    if kind in ("all", "last") and isinstance(tower.model, WordRows):
        wanted = {"rows"}  # a tower without blocks has nothing else
    elif kind == "lora":
        _add_adapters(tower, count, seed)
        wanted = {name for name, _ in tower.model.named_parameters() if ".lora_" in name}
    else:
        names = [name for name, _ in tower.model.named_parameters() if name not in _NEVER]
        wanted = _CHOICES[kind](tower, names, setting if kind == "patterns" else count)
    for name, value in tower.model.named_parameters():
        value.requires_grad = name in wanted
    tower.trainable = setting if isinstance(setting, str) else tuple(setting)
    return tuple(tower.trainable_parameters())


def _parsed(setting: str | Sequence[str]) -> tuple[str, int]:
    if not isinstance(setting, str):
        return "patterns", 0
    if setting == "all":
        return "all", 0
    counted = _COUNTED.fullmatch(setting)
    if counted is None or int(counted[2]) < 1:
        raise InputError(f"unknown trainable setting {setting!r}", f"choose {_SETTINGS}")
    return counted[1], int(counted[2])


def _last(tower: Tower, names: list[str], count: int) -> set[str]:
    prefix, depth = _blocks(tower)
    if count > depth:
        problem = f"'last:{count}' asks for more than the {depth} blocks of {tower.name}"
        raise InputError(problem, "ask for fewer")
    last = tuple(f"{prefix}.{index}." for index in range(depth - count, depth))
    after = {name for name in names if not name.startswith(f"{prefix}.") and not _EMBEDDING.search(name)}
    return after | {name for name in names if name.startswith(last)}


def _matching(tower: Tower, names: list[str], patterns: Sequence[str]) -> set[str]:
    wanted: set[str] = set()
    if not patterns:
        problem = "the list of name patterns is empty: nothing would be trained"
        raise InputError(problem, f"choose {_SETTINGS}")
    for pattern in patterns:
        matching = fnmatch.filter(names, pattern)
        if not matching:
            problem = f"no parameter of {tower.name} matches {pattern!r}"
            raise InputError(problem, f"names look like {names[-1]!r}")
        wanted.update(matching)
    return wanted


_CHOICES: dict[str, Callable[..., set[str]]] = {
    "all": lambda tower, names, count: set(names),
    "last": _last,
    "patterns": _matching,
}


def _blocks(tower: Tower) -> tuple[str, int]:
    """Return the name of the list of transformer blocks, and how many there are."""
    modules = tower.model.named_modules()
    lists = {name: len(part) for name, part in modules if isinstance(part, nn.ModuleList)}
    if not lists:
        problem = f"{tower.name} has no transformer blocks, which 'last:N' and 'lora:R' ask for"
        raise InputError(problem, "choose 'all', or a list of name patterns")
    name = max(lists, key=lambda one: lists[one])
    return name, lists[name]


def has_adapters(tower: Tower) -> bool:
    """Return whether low-rank adapters were put into the tower."""
    return any(".lora_" in name for name, _ in tower.model.named_parameters())


def _add_adapters(tower: Tower, rank: int, seed: int) -> None:
    if isinstance(tower.model, WordRows):
        tower.model.add_adapter(rank, seed)
        return
    from peft import LoraConfig, inject_adapter_in_model

    _blocks(tower)
    model: Any = tower.model
    hugging_face = is_hugging_face(model)
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        bias="none",
        target_modules=_HUGGING_FACE_LINEARS if hugging_face else _NATIVE_LINEARS,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        inject_adapter_in_model(config, model.text.transformer if hugging_face else text_parts(model).blocks)
    tower.model.to(tower.device).eval()


def frozen_digest(tower: Tower) -> str:
    """Return the sha256 over name, type, shape and bytes of every frozen tensor: equal means unmoved."""
    frozen = {name: value for name, value in tower.model.named_parameters() if not value.requires_grad}
    return tensors_digest(frozen | dict(tower.model.named_buffers()))


def tensors_digest(tensors: dict[str, torch.Tensor]) -> str:
    """Return the sha256 over name, type, shape and bytes of tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
