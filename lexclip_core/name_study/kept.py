"""Results kept on disk by what they were made from, so that a study goes on where it was stopped."""

from __future__ import annotations

import hashlib
import json
import logging
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lexclip_core import storage
from lexclip_core.errors import StorageError
from lexclip_core.towers import Tower
from lexclip_core.towers.freeze import tensors_digest

logger = logging.getLogger(__name__)

Rows = list[dict[str, Any]]
Arrays = dict[str, np.ndarray]
_FORMAT = 2  # raise it with every change of what the rows hold or how they are made


def tower_digest(tower: Tower) -> str:
    """Return a digest of what a tower computes: its weights as they are now, their base, its arithmetic."""
    tensors = tensors_digest(dict(tower.model.named_parameters()))
    return f"{tower.sha256} {tensors} {tower.dtype} {tower.device.type}"


def array_digest(array: np.ndarray) -> str:
    """Return the sha256 of an array's type, shape and bytes."""
    digest = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def kept_rows(content: Mapping[str, Any], make: Callable[[], Rows]) -> Rows:
    """Return the rows kept for a content, or make and keep them.

    A damaged file is made anew with a warning; where nothing can be written, the rows are only returned.

    Args:
        content: All that decides the rows, as plain values.
        make: Makes the rows: lists of plain values by column.
    """
    key = _key(content)
    path = storage.cache_folder() / "name_study" / f"{key}.json"
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["key"] == key:
            return kept["rows"]
        raise ValueError(f"it belongs to {kept['key']!r}")
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("the kept result %s cannot be read (%s): making it again", path, error)
    rows = make()
    try:
        with storage.atomic_write(path) as temporary:
            temporary.write_text(json.dumps({"key": key, "rows": rows}), encoding="utf-8")
    except StorageError as error:
        logger.warning("the result is not kept: %s", error)
    return rows


def kept_arrays(content: Mapping[str, Any], make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays kept for a content, or make and keep them; as `kept_rows`."""
    path = storage.cache_folder() / "name_study" / f"{_key(content)}.npz"
    try:
        with np.load(path, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except FileNotFoundError:
        pass
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("the kept arrays %s cannot be read (%s): making them again", path, error)
    arrays = make()
    try:
        with storage.atomic_write(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
    except StorageError as error:
        logger.warning("the arrays are not kept: %s", error)
    return arrays


def _key(content: Mapping[str, Any]) -> str:
    text = json.dumps({"format": _FORMAT} | dict(content), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
