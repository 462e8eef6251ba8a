"""Read a weight file safely and put every tensor of its text or image half into a model, or refuse."""

from __future__ import annotations

import io
import logging
import pickle
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.towers.sources import SUFFIXES, existing_file

_TEXT = ("text_projection", "positional_embedding", "token_embedding", "transformer.", "ln_final.")
_OPTIONAL = ("logit_scale", "logit_bias")
BUFFERS = ("position_ids", "attn_mask")
_NESTED = ("state_dict", "model_state_dict", "model")
_WRAPPERS = ("module.", "_orig_mod.")
# What the oldest files, which are not archives and cannot be listed beforehand, are known to hold.
_OLDEST = (
    "argparse.Namespace",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.ndarray",
    "numpy.dtype",
)
# How the names begin that training scripts leave beside the tensors; what they stand for is never made.
_USUAL = (*_OLDEST, "omegaconf.", "pathlib.PosixPath", "pathlib.WindowsPath")
OPENAI_EXTRAS = ("input_resolution", "context_length", "vocab_size")

logger = logging.getLogger(__name__)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a weight file by name, without running anything stored in it.

    Wrappings that training scripts leave (`state_dict`, a `module.` prefix) are taken off. Of a TorchScript
    archive, as OpenAI released CLIP in, the tensors are read and the program is not. What else a training
    script usually leaves beside the tensors, such as its arguments, is ignored, and a warning names it.

    Raises:
        DamagedFileError: The file is cut short, holds more than tensors, or holds none.
        InputError: The suffix is unknown.
        MissingResourceError: There is no such file.
    """
    if existing_file(path).suffix not in SUFFIXES:
        problem = f"{path.name} is not a weight file that can be read"
        raise InputError(problem, f"use one of {', '.join(SUFFIXES)}")
    try:
        if path.suffix == ".safetensors":
            content: object = load_file(path)
        else:
            content = script_tensors(path) if is_torchscript(path) else _unpickled(path)
    except (SafetensorError, RuntimeError, EOFError, OSError, ValueError, zipfile.BadZipFile) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}", "fetch or save the file again") from error
    return plain_tensors(content, path)


def plain_tensors(content: object, path: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by name, out of `state_dict`, `model_state_dict` or `model`.

    The prefixes of wrapped modules, `module.` and `_orig_mod.`, are taken off.

    Raises:
        DamagedFileError: It holds no tensors.
    """
    given = content
    while isinstance(content, Mapping) and (inner := [key for key in _NESTED if key in content]):
        if isinstance(content[inner[0]], Tensor):
            break
        content = content[inner[0]]
    if not isinstance(content, Mapping):
        what = "state_dict is null" if content is None and given is not None else "content is no state_dict"
        problem = f"{path} holds no weights: its {what} ({type(content).__name__})"
        raise DamagedFileError(problem, "save model.state_dict() where it was made")
    numbered = [name for name in content if not isinstance(name, str)]
    if numbered:
        problem = f"{path} names tensors by numbers ({numbered[0]!r}, ...), as an optimiser does, not a model"
        raise DamagedFileError(problem, "save model.state_dict() where it was made")
    tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise DamagedFileError(f"{path} holds no tensors", "name the file with the model's state_dict")
    while prefix := next((one for one in _WRAPPERS if all(name.startswith(one) for name in tensors)), ""):
        tensors = {name.removeprefix(prefix): value for name, value in tensors.items()}
    return tensors


def _unpickled(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        names = pickled_names(path)
        if all(name.startswith(_USUAL) for name in names):
            logger.warning("%s holds more than tensors; ignored, and not run: %s", path, ", ".join(names))
            return read_ignoring(path, names, path)
        listed = f" ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})"
        raise DamagedFileError(
            f"{path} holds more than tensors{listed}, and unpickling that could run anything",
            f"take the tensors alone with `lexclip models convert {path} {path.with_suffix('.safetensors')} "
            "--architecture ...`, which runs nothing of it, or save the state_dict where it was made",
        ) from error


def is_torchscript(path: Path) -> bool:
    """Return whether a file is an archive of TorchScript, which has a program beside its tensors."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


class Ignored:
    """Stands for whatever a file names that is not a tensor: takes anything, does nothing."""

    state: object = None

    def __new__(cls, *args: object, **options: object) -> Ignored:
        """Return one, whatever it is made from."""
        return object.__new__(cls)

    def __init__(self, *args: object, **options: object) -> None:
        """Keep nothing of that."""

    def __setstate__(self, state: object) -> None:
        """Keep what it had."""
        self.state = state


def read_ignoring(source: Path | io.BytesIO, names: Iterable[str], path: Path) -> object:
    """Return what a pickled file holds, every class and function of these names replaced by `Ignored`.

    Raises:
        DamagedFileError: It cannot be read so; the message names the path.
    """
    try:
        with torch.serialization.safe_globals([(Ignored, name) for name in names]):
            return torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # a hostile or cut file may raise anything
        problem = f"{path} cannot be read without running what it holds: {str(error)[:200]}"
        raise DamagedFileError(problem, "save its state_dict alone where it was made") from error


def script_tensors(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a TorchScript archive by name; its program is left out and not run.

    Raises:
        DamagedFileError: It cannot be read.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(content, "w") as rest:
        for item in archive.infolist():
            if "/code/" not in item.filename and not item.filename.endswith("/constants.pkl"):
                rest.writestr(item, archive.read(item))
    content.seek(0)
    names = torch.serialization.get_unsafe_globals_in_checkpoint(content)
    content.seek(0)
    return dict(_attributes(read_ignoring(content, names, path), ()))


def _attributes(module: object, path: tuple[str, ...]) -> Iterator[tuple[str, Tensor]]:
    if isinstance(module, Tensor):
        yield ".".join(path), module
    elif isinstance(module, Ignored) and isinstance(module.state, dict):
        for name, value in module.state.items():
            yield from _attributes(value, (*path, str(name)))


def pickled_names(path: Path) -> tuple[str, ...]:
    """Return the classes and functions that a pickled file names and PyTorch does not know to be harmless.

    Raises:
        DamagedFileError: It cannot be read.
    """
    try:
        return tuple(sorted(torch.serialization.get_unsafe_globals_in_checkpoint(str(path))))
    except ValueError:  # not an archive: the format before PyTorch 1.6, which cannot be listed
        return _OLDEST
    except (RuntimeError, EOFError, OSError, pickle.UnpicklingError) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}", "fetch the file again") from error


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
        if not name.startswith("visual.") and name not in OPENAI_EXTRAS and not name.endswith(BUFFERS)
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
        problem = f"{source} does not fit {architecture}: {'; '.join(shapes[:3])}; nothing was loaded"
        raise InputError(problem, "name the architecture it was trained with")
    ready = {
        name: given[name].reshape(value.shape) if name in given else value for name, value in wanted.items()
    }
    model.load_state_dict(ready, strict=True)


def _listed(kind: str, names: list[str]) -> str:
    shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f"{len(names)} {kind}" + (f" ({shown})" if names else "")
