"""Tuned weights: saved with what they belong to, put back onto their base, interpolated with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import has_adapters, set_trainable

StoredType = Literal["float32", "float16"]
_STORED = {"float32": torch.float32, "float16": torch.float16}
_FORMAT = "lexclip-tuned-1"


def save_tuned(tower: Tower, path: Path, *, dtype: StoredType = "float32") -> None:
    """Write the trained tensors of a tower, and what they belong to, as safetensors.

    Args:
        tower: A tower that `set_trainable` was called on.
        path: The file to write; replaced as a whole.
        dtype: `float16` halves the file and rounds each number to 11 bits.

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
    content = save({name: value.to(_STORED[dtype]) for name, value in tensors.items()}, header)
    with storage.atomic_write(path) as temporary:
        temporary.write_bytes(content)


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
        tuned.load_state(tensors)
    except (InputError, KeyError, ValueError) as error:
        raise DamagedFileError(f"{path} does not hold the tensors it names: {error}", "tune again") from error
    return tuned


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


def interpolate(base: Tower, tuned: Tower, alpha: float) -> Tower:
    """Return a tower that can be saved like `tuned`, its weights at `alpha` on the line from base to tuned.

    Adapters add `B A` to a weight, so scaling `B` by alpha interpolates exactly; other trained tensors are
    taken at alpha on the line from the base's (Wortsman et al., 2022, "Robust fine-tuning of zero-shot
    models"). At 0 the tower encodes like the base bit for bit, at 1 like the tuned one.

    Args:
        base: The tower before tuning.
        tuned: A tower tuned from it; it is left as it is.
        alpha: Between 0 and 1.

    Raises:
        InputError: `alpha` is outside [0, 1], or the towers have different bases.

    >>> from lexclip_core.towers.loading import load
    >>> base, tuned = load("tiny-random"), load("tiny-random")
    >>> names = set_trainable(tuned, ["text_projection"])
    >>> tuned.load_state({"text_projection": base.model.text_projection + 1})
    >>> moved = interpolate(base, tuned, 0.5).model.text_projection - base.model.text_projection
    >>> float(moved.detach().mean().round(decimals=3))
    0.5
    """
    if not 0 <= alpha <= 1:
        raise InputError(f"alpha is {alpha}", "give a number between 0 (base) and 1 (tuned)")
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
