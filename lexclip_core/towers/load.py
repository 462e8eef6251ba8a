"""Load a text tower by name, or fail saying why: never random weights, never train mode, never a hang."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from lexclip_core.errors import InputError
from lexclip_core.towers.checkpoint import SUFFIXES
from lexclip_core.towers.folders import FOLDER, HUB, from_any_folder, named_folder
from lexclip_core.towers.minilm import is_minilm, load_minilm
from lexclip_core.towers.open_clip_towers import Found, build_tower, from_file, from_release, from_tag
from lexclip_core.towers.registry import BY_PATH, MINILM, REGISTRY, TINY, unknown_tower
from lexclip_core.towers.sentence_encoders import load_sentence_encoder
from lexclip_core.towers.sentence_parts import is_sentence_encoder
from lexclip_core.towers.tiny import load_tiny
from lexclip_core.towers.tower import Tower

ActivationPolicy = Literal["trained", "as-published"]
Precision = Literal["float32", "bfloat16"]
_PRECISIONS: dict[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_ACTIVATION_POLICIES = ("trained", "as-published")


def load(
    name: str,
    *,
    path: str | Path | None = None,
    architecture: str | None = None,
    activation: ActivationPolicy = "trained",
    device: str = "auto",
    dtype: Precision = "float32",
) -> Tower:
    """Return the text tower called `name`, in evaluation mode, every tensor of it from the weight file.

    Args:
        name: A name of the registry; open_clip's `architecture/tag`; `hf-hub:owner/model`, or
            `sentence-transformers/model`; a folder of open_clip (open_clip_config.json), of transformers'
            CLIPModel (config.json) or of sentence-transformers (modules.json); or a .safetensors, .pt, .pth
            or .bin file.
        path: The file or folder with the weights of a registered name or tag, instead of looking for them.
        architecture: open_clip architecture of a weight file.
        activation: `trained` refuses an architecture whose activation is not the one the weights were trained
            with; `as-published` runs the named architecture all the same, as both papers did.
        device: `auto` (a GPU where there is one), `cpu`, `cuda`, ...
        dtype: `float32`, or `bfloat16` for mixed precision.

    Raises:
        InputError: An unknown name, architecture, activation, device or dtype, or weights that do not fit.
        MissingResourceError: The weights are nowhere and cannot be fetched.
        DamagedFileError: The weights are not what they must be.
    """
    where, precision = chosen_device(device), chosen_precision(dtype)
    check_policy(activation)
    local = None if path is None else Path(path)
    if name == MINILM:
        return load_minilm(local, device=where, dtype=precision)
    if name == TINY:
        return load_tiny(device=where, dtype=precision)
    folder = named_folder(name) if path is None and architecture is None else None
    if folder is not None and is_minilm(folder):
        return load_minilm(folder, device=where, dtype=precision)
    if folder is not None and is_sentence_encoder(folder):
        return load_sentence_encoder(name, folder, device=where, dtype=precision)
    found = find(name, local, architecture, activation)
    if found is None:
        raise unknown_tower(name)
    return build_tower(name, found, activation=activation, device=where, dtype=precision)


def check_policy(activation: str) -> None:
    """Refuse an activation policy that is not known.

    Raises:
        InputError: It is not.
    """
    if activation not in _ACTIVATION_POLICIES:
        raise InputError(
            f"unknown activation {activation!r}", f"choose one of: {', '.join(_ACTIVATION_POLICIES)}"
        )


def find(name: str, path: Path | None, architecture: str | None, activation: str) -> Found | None:
    """Return the weights that a name of `load` means, or None for a name of no known kind.

    Raises:
        InputError: As in `load`.
        MissingResourceError: The weights are nowhere and cannot be fetched.
    """
    local = Path(name.removeprefix(FOLDER))
    if local.suffix in SUFFIXES and path is None:
        return from_file(local, architecture)
    if architecture is not None:
        raise InputError(
            f"architecture={architecture!r} has no meaning for {name!r}", "give it for a weight file"
        )
    folder = named_folder(name) if path is None else None
    if folder is not None:
        return from_any_folder(folder)
    if name in REGISTRY and name.startswith(BY_PATH):
        return from_release(name, path)
    if "/" in name and not name.startswith((HUB, FOLDER)):
        return from_tag(name, path, activation)
    return None


def chosen_precision(dtype: str) -> torch.dtype:
    """Return the type that a name of a precision means.

    Raises:
        InputError: The name is unknown.
    """
    if dtype not in _PRECISIONS:
        raise InputError(f"unknown dtype {dtype!r}", f"choose one of: {', '.join(_PRECISIONS)}")
    return _PRECISIONS[dtype]


def chosen_device(device: str) -> torch.device:
    """Return the device that a name means, after trying it; `auto` is a GPU where there is one.

    Raises:
        InputError: There is no such device.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        where = torch.device(device)
        torch.empty(1, device=where)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f"cannot compute on device {device!r}: {error}", "choose auto, cpu or cuda"
        ) from error
    return where
