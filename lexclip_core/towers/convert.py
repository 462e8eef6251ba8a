"""Old pickled checkpoints turned into safetensors, without running anything that is stored in them.

A checkpoint of `torch.save` is a program that names classes and functions to call. PyTorch's restricted
reader calls only those it knows to be harmless, and so refuses what training scripts used to leave beside the
tensors: an `argparse.Namespace`, a NumPy scalar. Here every name that it does not know is bound to one class
that takes anything and does nothing. What a file names is then neither imported nor called, whatever it is:
the tensors come through, the rest becomes blanks, and blanks are thrown away.
"""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.towers import published, sources
from lexclip_core.towers.architecture import (
    activation_of,
    architecture_config,
    build_image_model,
    build_text_model,
    check_activation,
)
from lexclip_core.towers.checkpoint import PICKLED, load_strictly, load_visual_strictly, plain_tensors

logger = logging.getLogger(__name__)

# What the oldest files, which are no archives and cannot be listed beforehand, are known to hold.
_USUAL = (
    "argparse.Namespace",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
)


class Blank:
    """Stands for whatever a checkpoint holds that is no tensor: takes any arguments and keeps none."""

    def __new__(cls, *args: object, **options: object) -> Blank:
        """Return a blank, whatever it is made from."""
        return object.__new__(cls)

    def __init__(self, *args: object, **options: object) -> None:
        """Keep nothing."""

    def __setstate__(self, state: object) -> None:
        """Keep nothing."""


def convert(source: Path, out: Path, architecture: str) -> tuple[str, ...]:
    """Write the tensors of a pickled checkpoint as safetensors, and return the names that were left blank.

    The file's header states the architecture and the activation, so that `load` needs neither and refuses
    another one. Both halves must fit the architecture, or nothing is written.

    Args:
        source: A .pt, .pth or .bin file.
        out: The .safetensors file to write; replaced as a whole.
        architecture: What the weights were trained as: `ViT-B-32-quickgelu` and `ViT-B-32` differ in nothing
            that a checkpoint shows, so this is a statement that only its user can make.

    Raises:
        DamagedFileError: The file cannot be read, or holds what may not even be named.
        InputError: A suffix or architecture is wrong, or a tensor does not fit.
        MissingResourceError: There is no such file.
        StorageError: The file cannot be written.
    """
    if source.suffix not in PICKLED or out.suffix != ".safetensors":
        raise InputError(
            f"{source.name} cannot be converted to {out.name}",
            f"convert a file with one of {', '.join(PICKLED)} to a .safetensors",
        )
    if not source.is_file():
        raise MissingResourceError(f"there is no weight file {source}", "check the path")
    config, digest = architecture_config(architecture), sources.checked_sha256(source)
    known = published.recognise(source, digest)
    check_activation(architecture, config, known[1] if known else None, source.name)
    blanks = _unknown_names(source)
    tensors = plain_tensors(_read_with_blanks(source, blanks), source)
    _check(tensors, config, source, architecture)
    header = {
        "architecture": architecture,
        "activation": activation_of(config),
        "converted_from": source.name,
        "converted_sha256": digest,
    }
    content = save({name: value.contiguous().clone() for name, value in tensors.items()}, header)
    with storage.atomic_write(out) as temporary:
        temporary.write_bytes(content)
    return blanks


def _unknown_names(source: Path) -> tuple[str, ...]:
    try:
        return tuple(sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(source))))
    except ValueError:  # not an archive: the format before PyTorch 1.6
        return _USUAL
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise DamagedFileError(f"{source} cannot be read: {error}", "fetch the file again") from error


def _read_with_blanks(source: Path, blanks: tuple[str, ...]) -> dict[str, Any]:
    try:
        with torch.serialization.safe_globals([(Blank, name) for name in blanks]):
            content = torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile or cut file may raise anything
        raise DamagedFileError(
            f"{source} cannot be read without running what it holds: {str(error)[:200]}",
            "save its state_dict alone where it was made",
        ) from error
    if not isinstance(content, dict):
        raise DamagedFileError(
            f"{source} holds a {type(content).__name__}, not a state_dict", "save the state_dict"
        )
    return content


def _check(tensors: dict[str, Tensor], config: dict[str, Any], source: Path, architecture: str) -> None:
    what = str(source)
    load_strictly(build_text_model(config), tensors, what=what, architecture=architecture)
    if any(name.startswith("visual.") for name in tensors):
        visual = build_image_model(config).visual
        load_visual_strictly(visual, tensors, what=what, architecture=architecture)
