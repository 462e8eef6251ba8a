"""Read a weight file safely and put every tensor of its text or image half into a model, or refuse."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.towers.sources import SUFFIXES, existing_file

_TEXT = ("text_projection", "positional_embedding", "token_embedding", "transformer.", "ln_final.")
_OPTIONAL = ("logit_scale", "logit_bias")
_BUFFERS = ("position_ids", "attn_mask")
_OPENAI_EXTRAS = ("input_resolution", "context_length", "vocab_size")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a weight file by name, without running anything stored in it.

    Wrappings that training scripts leave (`state_dict`, a `module.` prefix) are taken off.

    Raises:
        DamagedFileError: The file is cut short, holds more than tensors, or holds none.
        InputError: The suffix is unknown.
        MissingResourceError: There is no such file.
    """
    if existing_file(path).suffix not in SUFFIXES:
        raise InputError(
            f"{path.name} is not a weight file that can be read", f"use one of {', '.join(SUFFIXES)}"
        )
    try:
        content: object = load_file(path) if path.suffix == ".safetensors" else _unpickled(path)
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}", "fetch or save the file again") from error
    return plain_tensors(content, path)


def plain_tensors(content: object, path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by name, `state_dict` and a `module.` prefix taken off.

    Raises:
        DamagedFileError: It holds no tensors.
    """
    if isinstance(content, Mapping):
        content = content.get("state_dict", content)
    if not isinstance(content, Mapping):
        raise DamagedFileError(
            f"{path} holds a {type(content).__name__}, not a state_dict", "save the state_dict"
        )
    tensors = {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise DamagedFileError(f"{path} holds no tensors", "name the file with the model's state_dict")
    if all(name.startswith("module.") for name in tensors):
        tensors = {name.removeprefix("module."): value for name, value in tensors.items()}
    return tensors


def _unpickled(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DamagedFileError(
            f"{path} holds more than tensors{_names_in(path)}, and unpickling that could run anything",
            f"take the tensors alone with `lexclip models convert {path} {path.with_suffix('.safetensors')} "
            "--architecture ...`, which runs nothing of it, or save the state_dict where it was made",
        ) from error


def _names_in(path: Path) -> str:
    try:
        names = sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(path)))
    except Exception:  # not an archive, or a damaged one: there is nothing to list
        return ""
    return f" ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})" if names else ""


def file_metadata(path: Path) -> dict[str, str]:
    """Return the header texts of a safetensors file; empty for other files.

    Raises:
        DamagedFileError: The file is cut short.
    """
    if path.suffix != ".safetensors":
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}", "fetch or save the file again") from error


def load_text_strictly(
    model: nn.Module, tensors: Mapping[str, Tensor], *, source: str, architecture: str
) -> None:
    """Write all text tensors into a model that has no image half; image tensors are skipped.

    Raises:
        InputError: A tensor is missing, left over, or of another shape: nothing is loaded in half.
    """
    text = {
        name: value
        for name, value in tensors.items()
        if not name.startswith("visual.") and name not in _OPENAI_EXTRAS and not name.endswith(_BUFFERS)
    }
    if hasattr(model, "text") and "text_projection" in text:
        text = {f"text.{name}" if name.startswith(_TEXT) else name: value for name, value in text.items()}
    load_strictly(model, text, source=source, architecture=architecture)


def load_visual_strictly(
    visual: nn.Module, tensors: Mapping[str, Tensor], *, source: str, architecture: str
) -> None:
    """Write all image tensors (`visual.*`) into the image half of a model; all others are skipped.

    Raises:
        InputError: A tensor is missing, left over, or of another shape: nothing is loaded in half.
    """
    images = {name: value for name, value in tensors.items() if name.startswith("visual.")}
    load_strictly(nn.ModuleDict({"visual": visual}), images, source=source, architecture=architecture)


def load_strictly(model: nn.Module, given: Mapping[str, Tensor], *, source: str, architecture: str) -> None:
    """Write the given tensors into a module, every one of them and nothing else.

    Raises:
        InputError: A tensor is missing, left over, or of another shape: nothing is loaded in half.
    """
    wanted = model.state_dict()
    missing = sorted(wanted.keys() - given.keys() - set(_OPTIONAL))
    unexpected = sorted(given.keys() - wanted.keys() - set(_OPTIONAL))
    if missing or unexpected:
        raise InputError(
            f"{source} does not fit {architecture}: {_listed('missing', missing)}, "
            f"{_listed('not expected', unexpected)}; nothing was loaded",
            "name the architecture it was trained with; names must be those of an open_clip model "
            "('transformer.resblocks.0...' or 'text.transformer...'), without another prefix",
        )
    shapes = [
        f"{name} is {tuple(given[name].shape)}, not {tuple(value.shape)}"
        for name, value in wanted.items()
        if name not in _OPTIONAL and given[name].shape != value.shape
    ]
    if shapes:
        raise InputError(
            f"{source} does not fit {architecture}: {'; '.join(shapes[:3])}; nothing was loaded",
            "name the architecture it was trained with",
        )
    ready = {
        name: given[name].reshape(value.shape) if name in given else value for name, value in wanted.items()
    }
    model.load_state_dict(ready, strict=True)


def _listed(kind: str, names: list[str]) -> str:
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} {kind}" + (f" ({shown})" if names else "")
