"""Writing a run folder whole or not at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.runs.content import RunContent, validate

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def write_run(folder: Path, content: RunContent, *, tuned: Path | None = None) -> Path:
    """Write a run as `folder/run_id`, whole or not at all, and return that path.

    Args:
        folder: The folder of runs; made if it is not there. A run of the same id is replaced.
        content: The run; checked before anything is written.
        tuned: A safetensors file of trained tensors to keep with the run.

    Raises:
        InputError: The content contradicts itself; the message names the part.
        StorageError: The folder cannot be written.
    """
    if not _RUN_ID.fullmatch(content.run_id):
        raise InputError(f"run id {content.run_id!r} cannot name a folder", "use letters, digits, . _ and -")
    validate(content)
    path = folder / content.run_id
    with storage.atomic_folder(path) as target:
        for name in ("config", "metrics", "provenance"):
            _write_json(target / f"{name}.json", getattr(content, name))
        content.history.to_csv(target / "history.csv", index=False, float_format="%.6g")
        content.pairs.to_csv(target / "pairs.csv", index=False, float_format="%.5f")
        if content.layout is not None:
            content.layout.to_csv(target / "layout.csv", index=False, float_format="%.5g")
        np.savez_compressed(
            target / "embeddings.npz",
            words=np.array(content.words, dtype=np.str_),
            before=content.before.astype(np.float16),
            after=content.after.astype(np.float16),
        )
        if tuned is not None:
            shutil.copyfile(tuned, target / "tuned.safetensors")
    return path


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    try:
        text = json.dumps(dict(value), indent=1, sort_keys=True, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise InputError(f"{path.name}: {error}", "store plain numbers, strings, lists and dicts") from error
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} {value!r} has no JSON form")
