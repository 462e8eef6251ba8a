"""Towers from open_clip weights: a published tag, a local file, a local folder, or a model of the hub."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.towers import published, sources
from lexclip_core.towers.architecture import (
    PLACEHOLDER_TEXT,
    Config,
    activation_of,
    architecture_config,
    build_text_model,
    build_tokenizer,
    check_activation,
    trained_activation,
)
from lexclip_core.towers.checkpoint import file_metadata, load_strictly, read_tensors
from lexclip_core.towers.registry import REGISTRY, Activation, TowerSpec
from lexclip_core.towers.tokens import TextTokenizer
from lexclip_core.towers.tower import Tower

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """Weights that were found, and how they are read.

    Attributes:
        weights: The file.
        config: open_clip's configuration of the architecture it is for.
        architecture: Its name.
        pretrained: The tag; empty when there is none.
        trained: The activation it was trained with; None when nobody says.
        folder: The folder that brought its own configuration.
        read: File -> tensors under open_clip's names.
        tokenizer: Makes the model's tokenizer, where the configuration does not say which it is.
        preprocess: How pictures were prepared, where the layout keeps that in its own way.
    """

    weights: Path
    config: Config
    architecture: str
    pretrained: str = ""
    trained: Activation | None = None
    folder: Path | None = None
    read: Callable[[Path], dict[str, Tensor]] = read_tensors
    tokenizer: Callable[[], TextTokenizer] | None = None
    preprocess: dict[str, Any] | None = None


def from_tag(name: str, path: Path | None, activation: str) -> Found:
    """Return the weights of `architecture/tag`, from the given file or folder or wherever they are found.

    Raises:
        InputError: No such tag, an architecture with another activation, or another tag's file.
        MissingResourceError: The weights are nowhere.
    """
    architecture, tag = published.split_tag(name)
    config, trained = architecture_config(architecture), trained_activation(architecture, tag)
    if activation == "trained":
        check_activation(architecture, config, trained, name)  # before anything is fetched
    if path is None:
        weights = published.find_weights(architecture, tag)
    else:
        weights = published.weights_in(path) if path.is_dir() else path
        if not weights.is_file():
            raise MissingResourceError(f"there is no weight file {weights}", "check the path")
    known = published.recognise(weights, sources.checked_sha256(weights))
    if known and known[0] != f"{architecture.removesuffix('-quickgelu')}/{tag}":
        raise InputError(f"{weights} holds the weights of {known[0]}, not of {name}", f"load {known[0]!r}")
    return Found(weights, config, architecture, tag, trained)


def from_release(name: str, path: Path | None) -> Found:
    """Return the weights of a registered name that only its user can bring, from the given file or folder.

    Raises:
        InputError: It is a file of another published model.
        MissingResourceError: There is no file, and none was brought.
    """
    record, by_hand = REGISTRY[name], sources.weights_folder() / name
    if path is None and not by_hand.is_dir():
        raise sources.missing(
            f"the weights of {name}",
            [str(by_hand)],
            f"get them from {record.source}, and put the file into {by_hand}, or pass path=... with the file",
        )
    place = path or by_hand
    weights = published.weights_in(place) if place.is_dir() else place
    if not weights.is_file():
        raise MissingResourceError(f"there is no weight file {weights}", "check the path")
    known = published.recognise(weights, sources.checked_sha256(weights))
    if known:
        raise InputError(f"{weights} holds the weights of {known[0]}, not of {name}", f"load {known[0]!r}")
    stated = _stated_activation(weights) or record.activation
    config = architecture_config(record.architecture)
    return Found(weights, config, record.architecture, record.pretrained, stated)


def from_file(path: Path, architecture: str | None) -> Found:
    """Return the weights of a local file for a named architecture.

    Raises:
        InputError: No architecture was named: a weight file does not say what it is.
    """
    if not path.is_file():
        raise MissingResourceError(f"there is no weight file {path}", "check the path")
    architecture = architecture or _header(path).get("architecture")
    if architecture is None:
        raise InputError(
            f"{path.name} does not say which architecture it is for",
            "pass architecture=..., for example architecture='ViT-B-32-quickgelu'",
        )
    known = published.recognise(path, sources.checked_sha256(path))
    trained = known[1] if known else _stated_activation(path)
    if trained is None:
        logger.warning(
            "%s does not say which activation it was trained with; %s computes %s",
            path.name,
            architecture,
            activation_of(architecture_config(architecture)),
        )
    return Found(path, architecture_config(architecture), architecture, known[0] if known else "", trained)


def _header(path: Path) -> dict[str, str]:
    try:
        return file_metadata(path)
    except (SafetensorError, OSError) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}", "fetch or save the file again") from error


def _stated_activation(path: Path) -> Activation | None:
    stated = _header(path).get("activation")
    if stated == "gelu":
        return "gelu"
    return "quickgelu" if stated == "quickgelu" or "quickgelu" in path.name.lower() else None


def from_folder(folder: Path) -> Found:
    """Return the weights of a folder with open_clip_config.json.

    Raises:
        InputError: There is no such folder or no configuration in it.
        DamagedFileError: The configuration cannot be read.
    """
    file = folder / published.CONFIG
    if not file.is_file():
        raise InputError(f"{folder} holds no {published.CONFIG}", "name the folder of an open_clip model")
    try:
        config = json.loads(file.read_text(encoding="utf-8"))["model_cfg"]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedFileError(f"{file} cannot be read: {error!r}", "restore the file") from error
    return Found(published.weights_in(folder), config, folder.name, "", activation_of(config), folder)


def build_tower(
    name: str, found: Found, *, activation: str, device: torch.device, dtype: torch.dtype
) -> Tower:
    """Return the tower of weights that were found, every text tensor of it loaded.

    Raises:
        InputError: The activation or a tensor does not fit the architecture.
    """
    if found.config["text_cfg"] == PLACEHOLDER_TEXT:
        raise InputError(
            f"{found.folder} holds an image tower alone",
            f"load the text tower it was trained against by name ({published.CONFIG} there says which)",
        )
    what = name if found.pretrained else found.weights.name
    if activation == "trained":
        check_activation(found.architecture, found.config, found.trained, what)
    model = build_text_model(found.config, beside=found.folder)
    load_strictly(model, found.read(found.weights), what=str(found.weights), architecture=found.architecture)
    tokenizer = found.tokenizer() if found.tokenizer else build_tokenizer(found.config, beside=found.folder)
    known = REGISTRY.get(name)
    record = TowerSpec(
        name=name,
        architecture=found.architecture,
        pretrained=found.pretrained,
        activation=activation_of(found.config),
        tokenizer=tokenizer.name,
        context_length=tokenizer.context_length,
        dim=found.config["embed_dim"],
        source=str(found.weights),
        licence=known.licence if known else "",
        note=known.note if known else "",
        image_size=known.image_size if known else 0,
    )
    digest = sources.checked_sha256(found.weights)
    return Tower(model, tokenizer, record, sha256=digest, device=device, dtype=dtype)
