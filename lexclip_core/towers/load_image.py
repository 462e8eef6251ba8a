"""Load an image tower by name, or fail saying why: never random weights, never train mode, never a hang."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from open_clip.pretrained import get_pretrained_cfg
from torch import Tensor

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.towers import published, sources
from lexclip_core.towers.architecture import Config, build_image_model, check_activation
from lexclip_core.towers.checkpoint import load_visual_strictly
from lexclip_core.towers.image_tower import ImageSpec, ImageTower
from lexclip_core.towers.load import (
    ActivationPolicy,
    Precision,
    check_policy,
    chosen_device,
    chosen_precision,
    find,
)
from lexclip_core.towers.open_clip_towers import Found, from_folder
from lexclip_core.towers.registry import MINILM, TINY, Activation
from lexclip_core.towers.tiny import load_tiny_image

EMOJI = "emoji"


def emoji_tower_folder() -> Path:
    """Return the folder of the image tower that this project trained on drawings."""
    return storage.data_folder() / "image_towers" / EMOJI


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
    runs_on = chosen_device(device), chosen_precision(dtype)
    check_policy(activation)
    local = None if path is None else Path(path)
    if name == TINY:
        return load_tiny_image(runs_on)
    found = _emoji(local) if name == EMOJI else find(name, local, architecture, activation)
    if found is None:
        raise _unknown(name)
    if activation == "trained":
        _check_activation(found, name)
    visual = build_image_model(found.config).visual
    tensors = found.read(found.weights)
    load_visual_strictly(visual, tensors, what=str(found.weights), architecture=found.architecture)
    record = ImageSpec(
        name=name,
        architecture=found.architecture,
        pretrained=found.pretrained,
        activation=_activation(found.config) or "gelu",
        dim=found.config["embed_dim"],
        source=str(found.weights),
    )
    return ImageTower(
        visual,
        record,
        preprocess=_preprocess(found),
        logit_scale=_logit_scale(tensors, found.weights),
        sha256=sources.checked_sha256(found.weights),
        runs_on=runs_on,
    )


def _emoji(path: Path | None) -> Found:
    folder = path or emoji_tower_folder()
    if not (folder / published.CONFIG).is_file():
        raise MissingResourceError(
            f"the image tower 'emoji' is not in {folder}",
            "take data/image_towers/emoji from the repository, or pass path=... with its folder",
        )
    return from_folder(folder)


def _unknown(name: str) -> InputError:
    if name == MINILM:
        return InputError(f"{MINILM} encodes texts alone", f"its pictures are encoded by {EMOJI!r}")
    return InputError(
        f"unknown image tower {name!r}",
        f"known by name: {EMOJI}, {TINY}; also open_clip's 'architecture/tag', 'hf-hub:owner/model', "
        "a folder of open_clip or of transformers' CLIPModel, or a weight file with architecture=...",
    )


def _activation(config: Config) -> Activation | None:
    """Return the activation of open_clip's own vision transformer; None for nets that bring theirs."""
    vision = config["vision_cfg"]
    if vision.get("timm_model_name") or isinstance(vision.get("layers"), (list, tuple)):
        return None
    return "quickgelu" if config.get("quick_gelu", False) else "gelu"


def _check_activation(found: Found, name: str) -> None:
    if found.folder is not None or _activation(found.config) is None:
        return  # a folder's configuration states its own
    what = name if found.pretrained else found.weights.name
    # The text half's own net, where there is one, excuses nothing here.
    check_activation(found.architecture, {**found.config, "text_cfg": {}}, found.trained, what)


def _preprocess(found: Found) -> dict[str, Any]:
    """Return how pictures were prepared in training: the folder's word, else the tag's, else the default."""
    if found.preprocess is not None:
        return found.preprocess
    if found.folder is not None:
        file = found.folder / published.CONFIG
        stated = json.loads(file.read_text(encoding="utf-8")).get("preprocess_cfg") or {}
        if not isinstance(stated, dict):
            raise DamagedFileError(f"preprocess_cfg of {file} is no table", "restore the file")
        return stated
    tag = found.pretrained.rpartition("/")[2]
    return get_pretrained_cfg(found.architecture.removesuffix("-quickgelu"), tag) or {}


def _logit_scale(tensors: dict[str, Tensor], weights: Path) -> float:
    if "logit_scale" not in tensors:
        raise InputError(
            f"{weights} holds no logit_scale: it is not all of an open_clip model",
            "save the whole state_dict",
        )
    return float(torch.exp(tensors["logit_scale"].reshape(-1)[0].float()))
