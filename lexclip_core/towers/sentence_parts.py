"""What a folder of sentence-transformers is made of: its modules, pooling, dense layers and weight files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

CONFIG = "modules.json"
WEIGHT_NAMES = ("model.safetensors", "pytorch_model.bin")
POOLINGS = ("mean", "cls")

_LEGACY_POOLERS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}


def is_sentence_encoder(folder: Path) -> bool:
    """Return whether a folder is of sentence-transformers."""
    return (folder / CONFIG).is_file()


def parts(folder: Path) -> tuple[Path, str, list[Path]]:
    """Return the encoder's folder, the pooling, and the folders of the dense layers behind it.

    Raises:
        DamagedFileError: A file cannot be read.
        InputError: There is a part that would not be computed as the library computes it.
        MissingResourceError: A file is not there.
    """
    listed = read_json(folder / CONFIG)
    try:
        kinds = [str(one["type"]).rpartition(".")[2] for one in listed]
        places = [folder / one["path"] for one in listed]
    except (TypeError, KeyError) as error:
        raise DamagedFileError(f"{folder / CONFIG} cannot be read: {error!r}", "restore the file") from error
    middle = [kind for kind in kinds[2:] if kind != "Normalize"]
    if kinds[:2] != ["Transformer", "Pooling"] or set(middle) - {"Dense"} or "Normalize" in kinds[2:-1]:
        raise InputError(
            f"{folder} is made of {', '.join(kinds)}",
            "only Transformer, Pooling, any Dense, and Normalize at the end can be loaded",
        )
    prompts = read_json(folder / "config_sentence_transformers.json", {})
    default = (prompts.get("prompts") or {}).get(prompts.get("default_prompt_name"))
    if default:
        raise InputError(
            f"{folder} puts {default!r} before every text",
            "set default_prompt_name to null in config_sentence_transformers.json, and write it yourself",
        )
    return places[0], _pooling(places[1]), places[2 : 2 + len(middle)]


def _pooling(folder: Path) -> str:
    stated = read_json(folder / "config.json")
    modes = stated.get("pooling_mode")
    if modes is None:
        on = [key for key, value in stated.items() if key.startswith("pooling_mode_") and value is True]
        modes = [_LEGACY_POOLERS.get(key, key) for key in on]
    chosen = [modes] if isinstance(modes, str) else list(modes)
    if len(chosen) != 1 or chosen[0] not in POOLINGS:
        raise InputError(
            f"{folder} pools by {' and '.join(chosen) or 'nothing'}",
            f"only one of {', '.join(POOLINGS)} can be loaded",
        )
    return chosen[0]


def weight_file(folder: Path) -> Path:
    """Return the weight file of a module's folder.

    Raises:
        MissingResourceError: There is none.
    """
    found = next((folder / name for name in WEIGHT_NAMES if (folder / name).is_file()), None)
    if found is None:
        raise MissingResourceError(
            f"{folder} holds no {' or '.join(WEIGHT_NAMES)}",
            "put it there; of weights in several shards, save the model again in one",
        )
    return found


def read_json(file: Path, default: Any = None) -> Any:
    """Return what a JSON file holds, or the default where there is one and no file.

    Raises:
        DamagedFileError: It is no JSON.
        MissingResourceError: There is no file and no default.
    """
    if default is not None and not file.is_file():
        return default
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingResourceError(f"there is no file {file}", "restore it") from error
    except ValueError as error:
        raise DamagedFileError(f"{file} cannot be read: {error}", "restore the file") from error
