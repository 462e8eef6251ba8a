"""Load a tower by name, or fail saying why: never random weights, never train mode, never a hang.

What a kind of tower needs is imported when one is asked for: all-MiniLM-L6-v2 needs torch alone, CLIP
open_clip.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import torch

from lexclip_core import storage
from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.towers import sources
from lexclip_core.towers.registry import (
    EMOJI,
    GLOVE,
    MINILM,
    REGISTRY,
    TINY,
    USER_SUPPLIED,
    Precision,
    unknown_tower,
)
from lexclip_core.towers.sources import HUB, STATED
from lexclip_core.towers.tower import Tower

if TYPE_CHECKING:
    from lexclip_core.towers.images import ImageTower
    from lexclip_core.towers.open_clip import Checkpoint

ActivationPolicy = Literal["trained", "as-published"]

FOLDER = "local-dir:"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Family:
    """A layout of model folders: how one is recognised, and how it becomes a tower.

    Attributes:
        config: The file that marks a folder, or a repository of the hub, as one.
        weights: Names of its weight files, the best first.
        recognises: Folder -> whether it is of this family; reads names and JSON alone.
        load: (name, folder, device=, dtype=) -> its text tower, every tensor from the weight files; or None.
        checkpoint: Folder -> the weights of both halves of a CLIP, for open_clip's modules; or None.
    """

    config: str
    weights: Sequence[str]
    recognises: Callable[[Path], bool]
    load: Callable[..., Tower] | None = None
    checkpoint: Callable[[Path], Checkpoint] | None = None


def _from_open_clip_folder(folder: Path) -> Checkpoint:
    from lexclip_core.towers.open_clip import from_folder

    return from_folder(folder)


def _load_sentence_folder(name: str, folder: Path, *, device: torch.device, dtype: torch.dtype) -> Tower:
    from lexclip_core.towers.sentence import load_sentence_folder

    return load_sentence_folder(name, folder, device=device, dtype=dtype)


def _load_dual_folder(name: str, folder: Path, *, device: torch.device, dtype: torch.dtype) -> Tower:
    from lexclip_core.towers.hugging_face import load_dual_folder

    return load_dual_folder(name, folder, device=device, dtype=dtype)


def _from_clip_folder(folder: Path) -> Checkpoint:
    from lexclip_core.towers.hugging_face import from_clip_folder

    return from_clip_folder(folder)


FAMILIES: dict[str, Family] = {
    "open_clip": Family(
        sources.OPEN_CLIP_CONFIG,
        sources.OPEN_CLIP_WEIGHTS,
        sources.is_open_clip_folder,
        checkpoint=_from_open_clip_folder,
    ),
    "sentence-transformers": Family(
        sources.SENTENCE_CONFIG, sources.WEIGHT_NAMES, sources.is_sentence_folder, load=_load_sentence_folder
    ),
    "Hugging Face CLIP": Family(
        sources.TRANSFORMERS_CONFIG,
        sources.WEIGHT_NAMES,
        sources.is_clip_folder,
        checkpoint=_from_clip_folder,
    ),
    "Hugging Face dual encoder": Family(
        sources.TRANSFORMERS_CONFIG, sources.WEIGHT_NAMES, sources.is_dual_folder, load=_load_dual_folder
    ),
}
"""The layouts that a folder may have; the first that recognises it loads it."""


def family_of(folder: Path) -> Family:
    """Return the family of a folder.

    Raises:
        InputError: The folder is of no known layout.
        DamagedFileError: A configuration cannot be read.
    """
    for family in FAMILIES.values():
        if family.recognises(folder):
            return family
    known = [f"{name} ({family.config})" for name, family in FAMILIES.items()]
    stated = sources.model_type(folder)
    kind = f" (its config.json states the type {stated})" if stated else ""
    problem = f"{folder} does not hold a model of a known layout{kind}"
    types = f" (of the types {', '.join(sources.DUAL_ENCODERS)})" if stated else ""
    remedy = f"name the folder of a model of {', '.join(known[:-1])} or {known[-1]}{types}, or a weight file"
    raise InputError(problem, remedy)


def named_folder(name: str) -> Path | None:
    """Return the folder that a name of `load` stands for, fetched from the hub if need be; None if none.

    Raises:
        InputError: It is an address of the web, but not of a model on the hub.
        MissingResourceError: The hub's model is not cached and the hub does not answer.
    """
    if name.startswith(sources.ON_THE_HUB):
        layouts = [(family.config, family.weights) for family in FAMILIES.values()]
        return sources.hub_folder(name.removeprefix(HUB), layouts)
    local = Path(name.removeprefix(FOLDER))
    return local if name.startswith(FOLDER) or (name and local.is_dir()) else None


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
        name: A name of the registry; open_clip's `architecture/tag`; `hf-hub:owner/model` (and `@revision`),
            the address of its page or of a weight file there, or `sentence-transformers/model`; a folder of
            open_clip (open_clip_config.json), of transformers' CLIPModel or another pair of encoders
            (config.json) or of sentence-transformers (modules.json); a .safetensors, .pt, .pth or .bin file,
            `#architecture` behind it where the file does not say which it is of; or word vectors, a .txt,
            .vec or .bin file of GloVe or word2vec.
        path: The file or folder with the weights of a registered name or tag, instead of looking for them.
        architecture: open_clip architecture of a weight file; the tower's name then ends in `#architecture`.
        activation: `trained` refuses an architecture whose activation is not the one the weights were trained
            with; `as-published` runs the named architecture all the same, as both papers did.
        device: `auto` (a GPU where there is one), `cpu`, `cuda`, ...
        dtype: `float32`, or `bfloat16` for mixed precision.

    Raises:
        InputError: An unknown name, architecture, activation, device or dtype, or weights that do not fit.
        MissingResourceError: The weights are nowhere and cannot be fetched.
        DamagedFileError: The weights are not what they must be.

    >>> load("all-MiniLM-L6-v2").encode_texts(["hot", "cold"]).shape
    (2, 384)
    """
    where = chosen_device(device)
    precision = chosen_precision(dtype, where)
    _check_policy(activation)
    local = None if path is None else Path(path)
    if name == MINILM:
        from lexclip_core.towers.sentence import load_minilm

        return load_minilm(local, device=where, dtype=precision)
    if name == TINY:
        from lexclip_core.towers.open_clip import build_untrained_tower

        return build_untrained_tower(device=where, dtype=precision)
    if name == GLOVE or sources.is_vector_file(Path(name)):
        from lexclip_core.towers.static import load_static

        return load_static(name, local, device=where, dtype=precision)
    name = with_architecture(name, architecture)
    file = _bare_file(name) if path is None else None
    folder = named_folder(name) if path is None and file is None else None
    family = family_of(folder) if folder else None
    if folder and family and family.load:
        return family.load(name, folder, device=where, dtype=precision)
    checkpoint = _find(name, local, activation)
    if checkpoint is None:
        raise unknown_tower(name)
    from lexclip_core.towers.open_clip import build_tower

    return build_tower(name, checkpoint, activation=activation, device=where, dtype=precision)


def load_image(
    name: str = EMOJI,
    *,
    path: str | Path | None = None,
    architecture: str | None = None,
    activation: ActivationPolicy = "trained",
    device: str = "auto",
    dtype: Precision = "float32",
) -> ImageTower:
    """Return the image tower called `name`, in evaluation mode, every tensor of it from the weight file.

    Its pictures are comparable with the texts of the text tower it was trained with: `load` of the same name,
    or all-MiniLM-L6-v2 for `emoji`. Weights of the text half are neither needed nor read.

    Args:
        name: `emoji`; `tiny-random`, for tests; or, as in `load`, a registered CLIP, open_clip's
            `architecture/tag`, `hf-hub:owner/model`, a folder of open_clip or of transformers'
            CLIPModel, or a weight file.
        path: The file or folder with the weights of a tag, or the folder of `emoji`, instead of looking.
        architecture: open_clip architecture of a weight file.
        activation: `trained` or `as-published`, as in `load`.
        device: `auto` (a GPU where there is one), `cpu`, `cuda`, ...
        dtype: `float32`, or `bfloat16` for mixed precision.

    Raises:
        InputError: An unknown name, architecture, activation, device or dtype, or weights that do not fit.
        MissingResourceError: The weights are nowhere and cannot be fetched.
        DamagedFileError: The weights are not what they must be.
    """
    where = chosen_device(device)
    runs_on = where, chosen_precision(dtype, where)
    _check_policy(activation)
    local = None if path is None else Path(path)
    if name == TINY:
        from lexclip_core.towers.images import build_untrained_image_tower

        return build_untrained_image_tower(runs_on)
    name = with_architecture(name, architecture)
    checkpoint = _emoji(local) if name == EMOJI else _find(name, local, activation)
    if checkpoint is None:
        raise _unknown_image_tower(name)
    from lexclip_core.towers.images import build_image_tower

    return build_image_tower(name, checkpoint, activation=activation, runs_on=runs_on)


def checkpoint_of(name: str) -> Checkpoint | None:
    """Return the weight file that a name of `load` stands for, and how it is read; None if it is no CLIP's.

    Raises:
        InputError: No such tag, or a folder of a text encoder alone.
        MissingResourceError: The weights are nowhere.
    """
    return _find(name, None, "trained")


def _check_policy(activation: str) -> None:
    if activation not in get_args(ActivationPolicy):
        problem = f"unknown activation {activation!r}"
        raise InputError(problem, f"choose one of: {', '.join(get_args(ActivationPolicy))}")


def with_architecture(name: str, architecture: str | None) -> str:
    """Return a weight file's name with the architecture behind it that was named elsewhere.

    >>> with_architecture("epoch_32.pt", "ViT-B-32-quickgelu")
    'epoch_32.pt#ViT-B-32-quickgelu'

    Raises:
        InputError: The name is not a weight file's, or has another architecture behind it.
    """
    file, _, stated = name.partition(STATED)
    if architecture is None or stated == architecture:
        return name
    if stated or not _bare_file(name):
        problem = f"architecture={architecture!r} has no meaning for {name!r}"
        raise InputError(problem, "give it for a weight file that does not say it")
    return f"{file}{STATED}{architecture}"


def _bare_file(name: str) -> tuple[str, str | None] | None:
    """Return the place of a weight file and its architecture, where a name of `load` means one."""
    place, _, architecture = name.partition(STATED)
    local = Path(place.removeprefix(FOLDER))
    is_file = local.suffix in sources.SUFFIXES and "://" not in place and not local.is_dir()
    is_only_file = local.is_dir() and sources.is_bare_folder(local)
    return (place, architecture or None) if is_file or is_only_file or sources.is_hub_file(place) else None


def _find(name: str, path: Path | None, activation: str) -> Checkpoint | None:
    """Return the weights that a name of `load` means, or None for a name of an unknown kind."""
    file = _bare_file(name) if path is None else None
    if file is not None:
        from lexclip_core.towers.conversion import from_file

        place, architecture = file
        on_hub = sources.is_hub_file(place)
        local = sources.hub_file(place) if on_hub else sources.weight_file(Path(place.removeprefix(FOLDER)))
        return from_file(local, architecture)
    folder = named_folder(name) if path is None else None
    if folder is not None:
        read = family_of(folder).checkpoint
        if read is None:
            problem = f"{folder} is loaded as a text encoder alone: no pictures are encoded with it"
            raise InputError(problem, "load it as text tower")
        return read(folder)
    if name.startswith(("/", "./", "../", "~")):
        raise MissingResourceError(f"there is no folder or weight file {name}", "check the path")
    if "/" not in name or name.startswith((HUB, FOLDER)):
        return None
    from lexclip_core.towers.open_clip import from_release, from_tag

    if name in REGISTRY and name.startswith(USER_SUPPLIED):
        return from_release(name, path)
    return from_tag(name, path, activation)


def has_bfloat16(device: torch.device) -> bool:
    """Tell whether a device computes in bfloat16 itself: where it is emulated, it takes many times as long.

    >>> isinstance(has_bfloat16(torch.device("cpu")), bool)
    True
    """
    if device.type == "cpu":
        asked = getattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", None)  # not in every build
        return asked is not None and bool(asked())
    return device.type != "cuda" or torch.cuda.is_bf16_supported(including_emulation=False)


def chosen_precision(dtype: str, device: torch.device) -> torch.dtype:
    """Return the type to compute in: what the name means, or float32 on a device that would only emulate it.

    Raises:
        InputError: The name is unknown.

    >>> chosen_precision("float32", torch.device("cpu"))
    torch.float32
    """
    if dtype not in get_args(Precision):
        raise InputError(f"unknown dtype {dtype!r}", f"choose one of: {', '.join(get_args(Precision))}")
    if dtype == "bfloat16" and not has_bfloat16(device):
        logger.info("%s does not compute in bfloat16 itself: float32 takes its place", device.type)
        return torch.float32
    precision: torch.dtype = getattr(torch, dtype)
    return precision


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
        problem = f"cannot compute on device {device!r}: {error}"
        raise InputError(problem, "choose auto, cpu or cuda") from error
    return where


def emoji_tower_folder() -> Path:
    """Return the folder of the image tower that this project trained on drawings."""
    return storage.data_folder() / "image_towers" / EMOJI


def _emoji(path: Path | None) -> Checkpoint:
    folder = path or emoji_tower_folder()
    if not sources.is_open_clip_folder(folder):
        remedy = "take data/image_towers/emoji from the repository, or pass path=... with its folder"
        raise MissingResourceError(f"the image tower 'emoji' is not in {folder}", remedy)
    return _from_open_clip_folder(folder)


def _unknown_image_tower(name: str) -> InputError:
    if name == MINILM:
        return InputError(f"{MINILM} encodes texts alone", f"its pictures are encoded by {EMOJI!r}")
    return InputError(
        f"unknown image tower {name!r}",
        f"known by name: {EMOJI}, {TINY}; also open_clip's 'architecture/tag', 'hf-hub:owner/model', "
        "a folder of open_clip or of transformers' CLIPModel, or a weight file with architecture=...",
    )
