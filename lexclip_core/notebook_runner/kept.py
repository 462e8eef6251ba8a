"""Executed copies that need not be made again: each carries a digest of all that it was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, MissingResourceError
from lexclip_core.notebook_runner.parameters import read_notebook

_STAMP = "lexclip"  # the copy's metadata under this name
_NOT_IN_NOTEBOOKS = ("cli", "doctor")  # parts of the library that no notebook runs


@lru_cache(maxsize=4)
def code_digest(folder: Path) -> str:
    """Return the sha256 of the library's source and of the modules beside the notebooks.

    Args:
        folder: The notebooks' folder.
    """
    core = storage.project_root() / "lexclip_core"
    files = [file for file in core.rglob("*.py") if file.relative_to(core).parts[0] not in _NOT_IN_NOTEBOOKS]
    digest = hashlib.sha256()
    for file in sorted([*files, *folder.glob("*.py")]):
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def content_key(notebook: Path, parameters: Mapping[str, Any], needs: Sequence[str] = ()) -> str:
    """Return a digest of a notebook's source, its parameters, the library's code, and what it builds upon.

    Data sets and weights are not read: a run on others of the same path is asked for with `again`.

    Args:
        notebook: The notebook.
        parameters: The values it is given.
        needs: The keys of the notebooks it builds upon.
    """
    content = {
        "notebook": storage.sha256(notebook),
        "parameters": dict(parameters),
        "code": code_digest(notebook.parent),
        "needs": list(needs),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def stamp(copy: Path, *, key: str, seconds: float) -> None:
    """Write into an executed copy, complete until now but for this, what it was made from.

    Raises:
        StorageError: The copy cannot be written.
    """
    notebook = read_notebook(copy)
    notebook.metadata[_STAMP] = {"key": key, "seconds": round(seconds, 1)}
    with storage.atomic_write(copy) as temporary:
        nbformat.write(notebook, temporary)


def kept_seconds(copy: Path, key: str) -> float | None:
    """Return how long a copy took to make, if it was made from what `key` says and is whole, else None."""
    try:
        found = read_notebook(copy).metadata.get(_STAMP, {})
    except (MissingResourceError, DamagedFileError):
        return None
    return float(found["seconds"]) if found.get("key") == key else None
