"""Reading and listing run folders: a damaged one is named with the reason; nothing is ever unpickled."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.runs.content import TEXT_COLUMNS, Run, check_metrics, validate

_REQUIRED_FILES = (
    "config.json",
    "metrics.json",
    "history.csv",
    "embeddings.npz",
    "pairs.csv",
    "provenance.json",
)
_REMEDY = "delete the folder, or make the run again with `lexclip tune`"


@dataclass(frozen=True)
class RunSummary:
    """What a list of runs shows, read without touching the embeddings.

    `stamp` is the newest modification time in the folder, in nanoseconds: (run_id, stamp) is a cache key.
    """

    run_id: str
    path: Path
    stamp: int
    config: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    provenance: Mapping[str, Any]
    n_words: int
    has_layout: bool
    has_tuned: bool

    @property
    def preset(self) -> str:
        """Return the preset the run started from, "" where the config names none."""
        return str(self.config.get("preset", ""))


@dataclass(frozen=True)
class DamagedRun:
    """A folder that is not a readable run, and why."""

    path: Path
    reason: str


def read_run(path: Path) -> Run:
    """Read and validate one run folder.

    Raises:
        DamagedFileError: A file is missing, truncated or contradicts another; the message names it.
    """
    _require_files(path)
    words, before, after = _guarded(path, "embeddings.npz", _read_embeddings)
    layout = path / "layout.csv"
    tuned = path / "tuned.safetensors"
    run = Run(
        run_id=path.name,
        config=_guarded(path, "config.json", _read_json),
        metrics=_guarded(path, "metrics.json", _read_json),
        history=_guarded(path, "history.csv", _read_table),
        words=words,
        before=before,
        after=after,
        pairs=_guarded(path, "pairs.csv", _read_table),
        layout=_guarded(path, "layout.csv", _read_table) if layout.exists() else None,
        provenance=_guarded(path, "provenance.json", _read_json),
        path=path,
        tuned_path=tuned if tuned.exists() else None,
    )
    try:
        validate(run)
    except InputError as error:
        raise DamagedFileError(f"run {path}: {error.problem}", _REMEDY) from error
    return run


def list_runs(folder: Path) -> tuple[tuple[RunSummary, ...], tuple[DamagedRun, ...]]:
    """Return (readable runs, damaged runs) of a folder, sorted by name, without reading embeddings.

    Hidden folders (runs being written) and plain files are passed over; a missing folder holds no runs.
    """
    summaries, damaged = [], []
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in paths:
        if path.name.startswith(".") or not path.is_dir():
            continue
        try:
            summaries.append(summarise(path))
        except DamagedFileError as error:
            damaged.append(DamagedRun(path, error.problem))
    return tuple(summaries), tuple(damaged)


def summarise(path: Path) -> RunSummary:
    """Return one run's summary from its JSON files and the headers of its embeddings.

    Raises:
        DamagedFileError: A required file is missing or unreadable.
    """
    _require_files(path)
    metrics = _guarded(path, "metrics.json", _read_json)
    _guarded(path, "metrics.json", lambda _: check_metrics(metrics))
    return RunSummary(
        run_id=path.name,
        path=path,
        stamp=max(file.stat().st_mtime_ns for file in (path, *path.iterdir())),
        config=_guarded(path, "config.json", _read_json),
        metrics=metrics,
        provenance=_guarded(path, "provenance.json", _read_json),
        n_words=_guarded(path, "embeddings.npz", _count_words),
        has_layout=(path / "layout.csv").exists(),
        has_tuned=(path / "tuned.safetensors").exists(),
    )


def _require_files(path: Path) -> None:
    for name in _REQUIRED_FILES:
        if not (path / name).is_file():
            raise DamagedFileError(f"run {path}: {name} is missing", _REMEDY)


def _guarded(path: Path, name: str, reader: Callable[[Path], Any]) -> Any:
    try:
        return reader(path / name)
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedFileError(f"run {path}: {name} cannot be read ({reason})", _REMEDY) from error


def _read_json(path: Path) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not a JSON number")

    value = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, found {type(value).__name__}")
    return value


def _read_table(path: Path) -> pd.DataFrame:
    # "null", "nan" and "NA" are words here, so only an empty cell of a number column is a missing value.
    header = pd.read_csv(path, nrows=0).columns
    text = {column: str for column in header if column in TEXT_COLUMNS}
    missing = {column: [""] for column in header if column not in text}
    return pd.read_csv(path, dtype=text, keep_default_na=False, na_values=missing)


def _read_embeddings(path: Path) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        words, before, after = archive["words"], archive["before"], archive["after"]
    if words.ndim != 1 or words.dtype.kind != "U":
        raise ValueError("words is not a list of strings")
    return tuple(words.tolist()), _unit_rows(before), _unit_rows(after)


def _unit_rows(matrix: np.ndarray) -> np.ndarray:
    if matrix.ndim != 2 or matrix.dtype.kind != "f" or not np.isfinite(matrix).all():
        raise ValueError(f"expected a finite matrix of floats, found {matrix.dtype} {matrix.shape}")
    rows = matrix.astype(np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (norms > 0).all():
        raise ValueError("a row is all zeros")
    return rows / norms


def _count_words(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        shapes = {name: _npy_shape(archive, f"{name}.npy") for name in ("words", "before", "after")}
    if not shapes["words"][0] == shapes["before"][0] == shapes["after"][0]:
        raise ValueError(f"words, before and after differ in length: {shapes}")
    return int(shapes["words"][0])


def _npy_shape(archive: zipfile.ZipFile, name: str) -> tuple[int, ...]:
    with archive.open(name) as stream:
        if np.lib.format.read_magic(stream) == (1, 0):
            return np.lib.format.read_array_header_1_0(stream)[0]
        return np.lib.format.read_array_header_2_0(stream)[0]
