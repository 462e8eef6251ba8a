"""Tuned weights: saved with what they belong to, put back onto their base, interpolated with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import has_adapters, set_trainable

LARGEST_ALPHA = 2.0
"""How far beyond the tuned weights, which are at 1, the line from the base is followed."""

StoredType = Literal["float32", "float16"]
_STORED = {"float32": torch.float32, "float16": torch.float16}
_FORMAT = "lexclip-tuned-1"
_ROWS = "#rows"  # ends the name of the places of a matrix's stored rows


def save_tuned(tower: Tower, path: Path, *, dtype: StoredType = "float32", base: Tower | None = None) -> None:
    """Write the trained tensors of a tower, and what they belong to, as safetensors.

    Args:
        tower: A tower that `set_trainable` was called on.
        path: The file to write; replaced as a whole.
        dtype: `float16` halves the file and rounds each number to 11 bits.
        base: What it was tuned from. With it, a matrix of which training changed less than half of the rows,
            as it does with the embeddings of a large vocabulary, is stored as those rows: nothing is lost.

    Raises:
        InputError: Nothing is trainable, or the dtype is unknown.
        StorageError: The file cannot be written.
    """
    tensors = tower.state()
    if not tensors:
        problem = f"nothing is trainable in {tower.name}, so there is nothing to save"
        raise InputError(problem, "call set_trainable")
    if dtype not in _STORED:
        raise InputError(f"unknown dtype {dtype!r}", f"choose one of: {', '.join(_STORED)}")
    stored = {name: value.to(_STORED[dtype]) for name, value in tensors.items()}
    rows = _changed_rows(base, tensors) if base is not None else {}
    stored |= {name: stored[name][places] for name, places in rows.items()}
    stored |= {name + _ROWS: places for name, places in rows.items()}
    header = {
        "format": _FORMAT,
        "base": tower.name,
        "base_sha256": tower.sha256,
        "architecture": tower.spec.architecture,
        "activation": tower.spec.activation,
        "tokenizer": tower.spec.tokenizer,
        "trainable": json.dumps(tower.trainable),
        "dtype": dtype,
    }
    with storage.atomic_write(path) as temporary:
        temporary.write_bytes(save(stored, header))


def _changed_rows(base: Tower, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the places of the rows that differ from the base's, of matrices where less than half do."""
    known, found = dict(base.model.named_parameters()), {}
    for name, value in tensors.items():
        if value.ndim == 2 and name in known:
            places = (value != known[name].detach().cpu()).any(dim=1).nonzero()[:, 0]
            if 2 * len(places) < len(value):
                found[name] = places
    return found


def _read(path: Path) -> tuple[dict[str, str], dict[str, torch.Tensor]]:
    if not path.is_file():
        problem = f"there is no file of tuned weights at {path}"
        raise MissingResourceError(problem, "check the path, or tune again")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}", "restore the file or tune again") from error
    if header.get("format") != _FORMAT:
        problem = f"{path} does not hold tuned weights of lexclip"
        raise DamagedFileError(problem, "name a tuned.safetensors of a run")
    return header, tensors


def apply_tuned(tower: Tower, path: Path) -> Tower:
    """Return a copy of a base tower that carries the tuned weights of a file.

    Args:
        tower: The base, as loaded; it is left as it is.
        path: A file written by `save_tuned`.

    Raises:
        DamagedFileError: The file is damaged or its tensors are not those its header names.
        InputError: The weights were tuned from another base, or with another activation.
        MissingResourceError: There is no such file.
    """
    header, tensors = _read(path)
    _check_base(tower, header, path)
    tuned = tower.copy()
    try:
        set_trainable(tuned, json.loads(header["trainable"]))
        tuned.load_state(_whole(tensors, tuned))
    except (InputError, AttributeError, LookupError, ValueError, RuntimeError) as error:
        raise DamagedFileError(f"{path} does not hold the tensors it names: {error}", "tune again") from error
    return tuned


def _whole(tensors: Mapping[str, torch.Tensor], tower: Tower) -> dict[str, torch.Tensor]:
    """Return tensors of full shape: where rows alone are stored, the others are the tower's."""
    whole = {name: value for name, value in tensors.items() if not name.endswith(_ROWS)}
    for name in [name.removesuffix(_ROWS) for name in tensors if name.endswith(_ROWS)]:
        value = tower.model.get_parameter(name).detach().cpu().clone()
        value[tensors[name + _ROWS]] = whole[name].to(value.dtype)
        whole[name] = value
    return whole


def merged_tensors(tower: Tower) -> dict[str, torch.Tensor]:
    """Return all tensors of a tower's model under its base's names, adapters added to the weights they adapt.

    >>> from lexclip_core.towers.loading import load
    >>> tower = load("tiny-random")
    >>> names = set_trainable(tower, "lora:2")
    >>> sum("lora" in name or "base_layer" in name for name in merged_tensors(tower))
    0
    """
    merged = {
        name.replace(".base_layer.", "."): value.detach().cpu().clone()
        for name, value in tower.model.state_dict().items()
        if ".lora_" not in name
    }
    for name, part in tower.model.named_modules():
        if hasattr(part, "get_delta_weight"):
            merged[f"{name}.weight"] += part.get_delta_weight("default").detach().cpu()
    return merged


def _check_base(tower: Tower, header: Mapping[str, str], path: Path) -> None:
    if has_adapters(tower):
        raise InputError(f"{tower.name} already carries adapters", "apply the file to a fresh base")
    if header["base_sha256"] != tower.sha256:
        raise InputError(
            f"{path} was tuned from {header['base']} (sha256 {header['base_sha256'][:12]}...), "
            f"not from {tower.name} (sha256 {tower.sha256[:12]}...)",
            f"load {header['base']}",
        )
    if header["activation"] != tower.spec.activation:
        problem = f"{path} was tuned with activation {header['activation']}, not {tower.spec.activation}"
        raise InputError(problem, "load the base the way it was loaded for tuning")


def combine(base: Tower, towers: Sequence[Tower], shares: Sequence[float]) -> Tower:
    """Return the base with a share of the change of each tower that was tuned from it.

    This is the "task arithmetic" of Ilharco et al. (2023). Equal shares that sum to 1 average the weights.
    Adapters of rank r of n towers become adapters of rank n r that add exactly the shares of what they
    added.

    Args:
        base: The tower before tuning, as loaded.
        towers: Tuned towers with the same `trainable` setting.
        shares: How much of the change of each is taken, 1 for all of it.

    Raises:
        InputError: There is none, they differ in base or in what was trained, or not each has its share.

    >>> from lexclip_core.towers.loading import load
    >>> base, tuned = load("tiny-random"), load("tiny-random")
    >>> names = set_trainable(tuned, "lora:2")
    >>> combine(base, [tuned, tuned.copy()], [1.1, 0.5]).trainable
    'lora:4'
    """
    settings = {tower.trainable for tower in towers}
    if len(settings) != 1 or {tower.sha256 for tower in towers} != {base.sha256}:
        problem = "the towers were not tuned alike from this base"
        raise InputError(problem, "give towers of one base and one setting")
    if len(shares) != len(towers):
        raise InputError(f"{len(shares)} shares for {len(towers)} towers", "give one share per tower")
    trainable, states = towers[0].trainable, [tower.state() for tower in towers]
    lora = isinstance(trainable, str) and trainable.startswith("lora:")
    combined = base.copy()
    combined.dtype = towers[0].dtype
    set_trainable(combined, f"lora:{int(str(trainable)[5:]) * len(towers)}" if lora else trainable)
    known = dict(base.model.named_parameters())
    made = {}
    for name in states[0]:
        values = [state[name] for state in states]
        if ".lora_A." in name:
            made[name] = torch.cat(values, dim=0)
        elif ".lora_B." in name:
            parts = [share * value for share, value in zip(shares, values, strict=True)]
            made[name] = torch.cat(parts, dim=1)
        else:
            start = known[name].detach().cpu()
            moved = (share * (value - start) for share, value in zip(shares, values, strict=True))
            made[name] = start + sum(moved, start=torch.zeros_like(start))
    combined.load_state(made)
    return combined


def interpolate(base: Tower, tuned: Tower, alpha: float) -> Tower:
    """Return a tower that can be saved like `tuned`, its weights at `alpha` on the line from base to tuned.

    Between 0 and 1 that is interpolation; up to 2 the same line is followed beyond the tuned weights.

    Adapters add `B A` to a weight, so scaling `B` by alpha interpolates exactly; other trained tensors are
    taken at alpha on the line from the base's (Wortsman et al., 2022, "Robust fine-tuning of zero-shot
    models"). At 0 the tower encodes like the base bit for bit, at 1 like the tuned one.

    Args:
        base: The tower before tuning.
        tuned: A tower tuned from it; it is left as it is.
        alpha: Between 0 and `LARGEST_ALPHA`.

    Raises:
        InputError: `alpha` is outside [0, 2], or the towers have different bases.

    >>> from lexclip_core.towers.loading import load
    >>> base, tuned = load("tiny-random"), load("tiny-random")
    >>> names = set_trainable(tuned, ["text_projection"])
    >>> tuned.load_state({"text_projection": base.model.text_projection + 1})
    >>> moved = interpolate(base, tuned, 0.5).model.text_projection - base.model.text_projection
    >>> float(moved.detach().mean().round(decimals=3))
    0.5
    """
    if not 0 <= alpha <= LARGEST_ALPHA:
        problem = f"give a number between 0 (base), 1 (tuned) and {LARGEST_ALPHA:g} (as far again)"
        raise InputError(f"alpha is {alpha}", problem)
    if base.sha256 != tuned.sha256 or base.spec.activation != tuned.spec.activation:
        problem = f"{tuned.name} was not tuned from this {base.name}"
        raise InputError(problem, "give the base it was tuned from")
    if has_adapters(base):
        raise InputError(f"the base {base.name} carries adapters", "give the base as loaded")
    mixed = tuned.copy()
    with torch.no_grad():
        for name, value in mixed.trainable_parameters().items():
            if ".lora_B." in name:
                value.mul_(alpha)
            elif ".lora_A." not in name:
                value.copy_(torch.lerp(base.model.get_parameter(name), value, alpha))
    return mixed
