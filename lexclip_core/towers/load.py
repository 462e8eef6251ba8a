"""Load a text tower by name, or fail saying why: never random weights, never train mode, never a hang."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch

from lexclip_core.errors import InputError
from lexclip_core.towers.registry import MINILM, spec
from lexclip_core.towers.tower import Tower

Precision = Literal["float32", "bfloat16"]
_PRECISIONS: dict[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def load(
    name: str, *, path: str | Path | None = None, device: str = "auto", dtype: Precision = "float32"
) -> Tower:
    """Return the text tower called `name`, in evaluation mode, every tensor of it from the weight file.

    Args:
        name: A name of the registry.
        path: A local folder or file with the weights.
        device: `auto` (a GPU where there is one), `cpu`, `cuda`, ...
        dtype: `float32`, or `bfloat16` for mixed precision.

    Raises:
        InputError: An unknown name, device or dtype, or a path without the model.
        MissingResourceError: The weights are nowhere and cannot be fetched.
        DamagedFileError: The weights are not what they must be.
    """
    where, precision = _device(device), _precision(dtype)
    local = None if path is None else Path(path)
    if spec(name).name == MINILM:
        from lexclip_core.towers.minilm import load_minilm

        return load_minilm(local, device=where, dtype=precision)
    raise InputError(f"{name} cannot be loaded yet")


def _precision(dtype: str) -> torch.dtype:
    if dtype not in _PRECISIONS:
        raise InputError(f"unknown dtype {dtype!r}", f"choose one of: {', '.join(_PRECISIONS)}")
    return _PRECISIONS[dtype]


def _device(device: str) -> torch.device:
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
