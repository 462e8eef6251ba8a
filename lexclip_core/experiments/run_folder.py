"""Run folders: what a run holds, written whole, read with validation, listed, and compared in a table.

A folder may come from anywhere. Reading it takes bounded time and memory, runs nothing, and ends with a run
of finite numbers and plain texts, or with a `DamagedFileError` that names the file.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import shlex
import shutil
import stat
import struct
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any, BinaryIO, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.text_files import parse_json
from lexclip_core.training.settings import CUSTOM, PRESETS, TrainingSettings, settings_class

T = TypeVar("T")

LARGEST_TENSORS = 8_000_000
"""Bytes of tuned tensors that a run folder may carry; larger ones are in the cache, which git ignores."""

HISTORY_COLUMNS = ("step", "epoch", "seconds", "total")
PAIR_COLUMNS = ("word_a", "word_b", "relation", "pos", "split", "cosine_before", "cosine_after")
LAYOUT_COLUMNS = (
    *("subtree", "word", "synset", "parent", "gloss", "x_before", "y_before", "x_after", "y_after"),
    *("trustworthiness_before", "trustworthiness_after"),
)
POSITIONS = (0, 25, 50, 75, 100)
"""Per cent of the way from the base's weights to the tuned ones at which triples are measured."""
TRIPLE_COLUMNS = (
    *("word", "synonym", "antonym", "pos", "kind", "count"),
    *(f"{other}_{percent}" for other in ("synonym", "antonym") for percent in POSITIONS),
)
TEXT_COLUMNS = (*PAIR_COLUMNS[:5], *LAYOUT_COLUMNS[:5], *TRIPLE_COLUMNS[:5])

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_COMMANDS = {
    "matrix": "lexclip tune",
    "relations": "lexclip tune",
    "paraphrases": "lexclip paraclip tune",
}
_REQUIRED_FILES = (
    *("config.json", "metrics.json", "history.csv", "embeddings.npz", "pairs.csv", "provenance.json"),
)
_TENSORS = "tuned.safetensors"
_OPTIONAL_FILES = ("layout.csv", "triples.csv", _TENSORS, "vocabulary.npz", "atlas.npz")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TEXTS = ("preset", "method", "tower", "target", "control", "image_tower", "command")
_REMEDY = "delete the folder, or make the run again with `lexclip tune`"

_MOST_BYTES = {".json": 2 << 20, ".csv": 32 << 20, ".npz": 1 << 28}  # of a file, by its suffix
_MOST_ARRAYS = 1 << 28  # bytes of the embeddings in memory: 120,000 words of 512 numbers fit
_MOST_RATIO = 64  # of packed embeddings over 16 MB: numbers pack badly, and a zip bomb is all zeros
_MOST_METRICS = 5_000
_MOST_ITEMS = 200_000  # of a JSON file, counted by commas
_HUGE = 1e30  # no measurement is larger, and figures still draw it
_HEADER = 8_192  # bytes that the header of an array or a table may have


@dataclass(frozen=True, eq=False)
class RunContent:
    """What one experiment leaves behind.

    Args:
        run_id: Folder name: letters, digits, dot, underscore, hyphen.
        config: Flat settings; `config["preset"]` names the preset.
        metrics: "split/name" to a dict with "value" and, where known, "low", "high", "n", "before", "note".
        history: Columns `HISTORY_COLUMNS` and one a loss term.
        words: n distinct words, in the order of the rows of `before` and `after`.
        before: (n, dim) unit rows of the base tower.
        after: (n, dim) unit rows of the tuned tower.
        pairs: Columns `PAIR_COLUMNS`; cosines in [-1, 1].
        layout: Columns `LAYOUT_COLUMNS`, or None where no map was drawn.
        provenance: Versions, seeds, checksums, wall time, "command".
        triples: Columns `TRIPLE_COLUMNS`, or None: held-out words, each with a synonym and an opposite, and
            their cosines at `POSITIONS`, such as `synonym_25`.
    """

    run_id: str
    config: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    history: pd.DataFrame
    words: tuple[str, ...]
    before: np.ndarray
    after: np.ndarray
    pairs: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(PAIR_COLUMNS)))
    layout: pd.DataFrame | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    triples: pd.DataFrame | None = None


@dataclass(frozen=True, eq=False)
class Run(RunContent):
    """A run as read from its folder: float32 unit rows, and where its files are.

    `tuned_path` is the file of its tuned tensors, in the folder or in the cache; None where it is not here.
    """

    path: Path = Path()
    tuned_path: Path | None = None


def validate_run(content: RunContent) -> None:
    """Check that the parts of a run fit each other.

    Raises:
        InputError: Naming the part that does not.
    """
    shape = (len(content.words), content.before.shape[-1])
    if not content.words:
        raise InputError("a run needs at least one word")
    counts = Counter(content.words)
    if len(counts) != len(content.words):
        raise InputError(f"words: {counts.most_common(1)[0][0]!r} stands twice")
    for name in ("before", "after"):
        matrix = getattr(content, name)
        if matrix.shape != shape:
            raise InputError(f"embeddings: {name} has shape {matrix.shape}, but the words ask for {shape}")
        if not np.allclose(np.linalg.norm(matrix.astype(np.float32), axis=1), 1, atol=5e-3):
            raise InputError(f"embeddings: {name} holds rows that are not of length 1")
    _check_columns("history", content.history, HISTORY_COLUMNS)
    _check_columns("pairs", content.pairs, PAIR_COLUMNS)
    if content.layout is not None:
        _check_columns("layout", content.layout, LAYOUT_COLUMNS)
    if content.triples is not None:
        _check_columns("triples", content.triples, TRIPLE_COLUMNS)
    check_metrics(content.metrics)


def _check_columns(name: str, table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise InputError(f"{name}: column {missing[0]!r} is missing; it has {list(table.columns)}")
    for column in table.columns if name == "history" else columns:
        if column in TEXT_COLUMNS or not len(table):
            continue
        if not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{name}: column {column!r} holds something that is not a number")
        values = table[column].to_numpy(float)
        if column.startswith("trustworthiness"):
            values = values[~np.isnan(values)]  # which a small map does not have
        cosine = column.startswith(("cosine", "synonym_", "antonym_"))
        if not (np.abs(values) <= (1.01 if cosine else _HUGE)).all():
            raise InputError(f"{name}: column {column!r} holds a number that cannot be")


def check_metrics(metrics: Mapping[str, Any]) -> None:
    """Check that every metric has a finite number under "value" and such numbers or nothing elsewhere.

    Raises:
        InputError: Naming the metric that does not.
    """
    if len(metrics) > _MOST_METRICS:
        raise InputError(f"metrics: {len(metrics):,} are more than any run has")
    for name, entry in metrics.items():
        if not isinstance(entry, dict) or not _is_number(entry.get("value")):
            raise InputError(f"metrics: {name!r} has no number under 'value'")
        for key in ("low", "high", "n", "before", "change", "change_low", "change_high"):
            value = entry.get(key)
            if value is not None and not (_is_number(value) and (key != "n" or value == int(value))):
                raise InputError(f"metrics: {name!r} has {value!r:.40} under {key!r}, which is not a number")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _HUGE


def write_run(
    folder: Path, content: RunContent, *, tuned: Path | None = None, largest: int = LARGEST_TENSORS
) -> Path:
    """Write a run as `folder/run_id`, whole or not at all, and return that path.

    Tuned tensors are kept whatever their size: small ones in the folder, large ones in the cache under their
    checksum, which `provenance.json` names with their size.

    Args:
        folder: The folder of runs; made if it is not there. A run of the same id is replaced.
        content: The run; checked before anything is written.
        tuned: A safetensors file of trained tensors to keep with the run.
        largest: Bytes of tensors that the folder may carry.

    Raises:
        InputError: The content contradicts itself; the message names the part.
        StorageError: The folder cannot be written.
    """
    if not _RUN_ID.fullmatch(content.run_id):
        raise InputError(f"run id {content.run_id!r} cannot name a folder", "use letters, digits, . _ and -")
    validate_run(content)
    path = folder / content.run_id
    tensors: dict[str, Any] = {}
    if tuned is not None:
        tensors = {"sha256": storage.sha256(tuned), "bytes": tuned.stat().st_size}
        if tensors["bytes"] > largest:
            with storage.atomic_write(_cached_tensors(tensors["sha256"])) as temporary:
                shutil.copyfile(tuned, temporary)
    with storage.atomic_folder(path) as target:
        origin = {**content.provenance, "tensors": tensors} if tensors else content.provenance
        for name, value in (("config", content.config), ("metrics", content.metrics), ("provenance", origin)):
            _write_json(target / f"{name}.json", value)
        content.history.to_csv(target / "history.csv", index=False, float_format="%.6g")
        content.pairs.to_csv(target / "pairs.csv", index=False, float_format="%.5f")
        if content.layout is not None:
            content.layout.to_csv(target / "layout.csv", index=False, float_format="%.5g")
        if content.triples is not None:
            write_triples(target, content.triples)
        np.savez_compressed(
            target / "embeddings.npz",
            words=np.array(content.words, dtype=np.str_),
            before=content.before.astype(np.float16),
            after=content.after.astype(np.float16),
        )
        if tuned is not None and tensors["bytes"] <= largest:
            shutil.copyfile(tuned, target / _TENSORS)
    return path


def _cached_tensors(sha256: str) -> Path:
    return storage.cache_folder() / "tuned" / f"{sha256}.safetensors"


def _tuned_path(path: Path, provenance: Mapping[str, Any]) -> Path | None:
    """Return the file of a run's tuned tensors: in its folder, else in the cache; None without."""
    if _has(path, _TENSORS):
        return path / _TENSORS
    stated = provenance.get("tensors")
    sha256 = stated.get("sha256") if isinstance(stated, dict) else None
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        return None
    file = _cached_tensors(sha256)
    return file if file.is_file() else None


def tensors_of(run: Run | RunSummary) -> Path:
    """Return the file of a run's tuned tensors.

    Raises:
        MissingResourceError: They are not on this machine; the remedy is the command that makes them.
    """
    if run.tuned_path is not None:
        return run.tuned_path
    stated = run.provenance.get("tensors")
    size = stated.get("bytes") if isinstance(stated, dict) else None
    known = f" ({size / 1e6:.0f} MB)" if isinstance(size, int | float) else ""
    raise MissingResourceError(
        f"the tuned tensors of run {run.run_id}{known} are not on this machine: neither in {run.path} nor in "
        f"the cache ({storage.cache_folder() / 'tuned'})",
        f"make the run again: {rebuild_command(run)}",
    )


def rebuild_command(run: Run | RunSummary) -> str:
    """Return the one command that makes a run again in its place, tuned tensors included."""
    known = run.provenance.get("command") or f"lexclip tune --preset {run.config.get('preset') or 'lexclip'}"
    place = run.path.parent
    elsewhere = place.resolve() != storage.runs_folder().resolve() and "--out" not in known
    return f"{known} --out {shlex.quote(str(place))}" if elsewhere else str(known)


def find_run(name: str | Path, folder: Path | None = None) -> Path:
    """Return the folder of a run.

    Args:
        name: The name of a run, or the path of its folder; of a preset, that of its lowest seed.
        folder: The folder of runs; the explorer's by default.

    Raises:
        InputError: There is no such run; the message lists those that there are.
    """
    place = folder or storage.runs_folder()
    path = next((one for one in (place / name, Path(name)) if str(name) and one.is_dir()), None)
    if path is None and name in PRESETS and (of_preset := run_of_preset(str(name), folder=place)):
        return of_preset.path
    if path is None:
        names = sorted(one.name for one in place.iterdir() if one.is_dir()) if place.is_dir() else []
        raise InputError(f"no run {str(name)!r} in {place}", f"choose one of: {', '.join(names) or '(none)'}")
    if not (path / "config.json").is_file():
        raise InputError(f"{path} is not a run: it has no config.json", "name a folder that a training wrote")
    return path


def run_of_preset(preset: str, tower: str = "", folder: Path | None = None) -> RunSummary | None:
    """Return the run of a preset, one with its tuned tensors and of the lowest seed; None without.

    Args:
        preset: Its name, such as `lexclip`.
        tower: What it was tuned from; "" takes any tower.
        folder: The folder of runs; by default the one that comes with lexclip.

    >>> run_of_preset("lexclip").config["seed"]
    0
    """
    runs = list_runs(folder or storage.data_folder() / "runs")[0]
    chosen = [one for one in runs if one.preset == preset and tower in ("", one.config.get("tower"))]
    return min(chosen, key=lambda one: (not one.has_tuned, one.config.get("seed", 0)), default=None)


def write_triples(path: Path, triples: pd.DataFrame) -> None:
    """Write the triples of a run into its folder.

    Raises:
        StorageError: The folder cannot be written.
    """
    with storage.atomic_write(path / "triples.csv") as partial:
        triples.to_csv(partial, index=False, columns=list(TRIPLE_COLUMNS), float_format="%.4f")


def command(settings: TrainingSettings, test_sets: Path | None = None) -> str:
    """Return the shell command that makes the run again, naming only what differs from its preset.

    >>> from lexclip_core.training.settings import settings_of
    >>> command(settings_of("lexclip", {"seed": 1}))
    'lexclip tune --preset lexclip --set seed=1'
    """
    known = PRESETS.get(settings.preset)
    start = known or settings_class(settings.method)()
    same = start.flat() if known else start.flat() | {"method": None}
    changed = {name: value for name, value in settings.flat().items() if same.get(name) != value}
    if known is None and settings.preset != CUSTOM:
        changed = settings.flat()  # a label of one's own goes with every setting
    parts = [_COMMANDS[settings.method], "--preset", settings.preset if known else CUSTOM]
    for name, value in changed.items():
        parts += ["--set", shlex.quote(f"{name}={value}")]
    if test_sets is not None:
        parts += ["--test-sets", shlex.quote(str(test_sets))]
    return " ".join(parts)


def git_commit() -> str:
    """Return the commit that the code stands at, or `unknown` outside of git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=storage.project_root(),
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"


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
    tuned_path: Path | None = None

    @property
    def has_tuned(self) -> bool:
        """Return whether its tuned tensors are on this machine."""
        return self.tuned_path is not None

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
        DamagedFileError: A file is missing, truncated, too large, or contradicts another; it is named.
    """
    words, before, after = _read(path, "embeddings.npz", _read_embeddings)
    texts = {name: _read_json(path, f"{name}.json") for name in ("config", "metrics", "provenance")}
    try:
        run = Run(
            run_id=path.name,
            **texts,
            history=_read(path, "history.csv", _read_table),
            words=words,
            before=before,
            after=after,
            pairs=_read(path, "pairs.csv", _read_table),
            layout=_read(path, "layout.csv", _read_table) if _has(path, "layout.csv") else None,
            triples=_read(path, "triples.csv", _read_table) if _has(path, "triples.csv") else None,
            path=path,
            tuned_path=_tuned_path(path, texts["provenance"]),
        )
        validate_run(run)
    except InputError as error:
        raise DamagedFileError(f"run {path}: {error.problem}", _REMEDY) from error
    return run


def list_runs(folder: Path) -> tuple[tuple[RunSummary, ...], tuple[DamagedRun, ...]]:
    """Return (readable runs, damaged runs) of a folder, sorted by name, without reading embeddings.

    Hidden folders (runs being written) and plain files are skipped; a missing folder holds no runs.
    """
    summaries, damaged = [], []
    try:
        storage.recover_folders(folder)
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        return (), (DamagedRun(folder, f"run {folder}: cannot be listed ({error.strerror})"),)
    for path in paths:
        if path.name.startswith(".") or not (os.path.isdir(path) or os.path.islink(path)):
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
    for name in _REQUIRED_FILES:
        if not _has(path, name):
            raise DamagedFileError(f"run {path}: {name} is missing", _REMEDY)
    texts = {name: _read_json(path, f"{name}.json") for name in ("config", "metrics", "provenance")}
    return RunSummary(
        run_id=path.name,
        path=path,
        stamp=max(_changed(path / name) for name in ("", *_REQUIRED_FILES, *_OPTIONAL_FILES)),
        **texts,
        n_words=_read(path, "embeddings.npz", lambda stream: _headers(_archive(stream))["words"].shape[0]),
        has_layout=_has(path, "layout.csv"),
        tuned_path=_tuned_path(path, texts["provenance"]),
    )


def _changed(path: Path) -> int:
    with suppress(OSError):  # it is not there, or no longer
        return path.stat().st_mtime_ns
    return 0


def _has(path: Path, name: str) -> bool:
    return os.path.isfile(path / name)  # false, and no error, for whatever else may be there


def _read(path: Path, name: str, reader: Callable[[BinaryIO], T]) -> T:
    """Return what a reader makes of a file; whatever it raises becomes an error that names the file."""
    try:
        path.name.encode()
        with open(path / name, "rb", opener=_open_at_once) as stream:
            status, most = os.fstat(stream.fileno()), _MOST_BYTES[Path(name).suffix]
            if not stat.S_ISREG(status.st_mode):
                raise ValueError("it is not a regular file")
            if status.st_size > most:
                raise ValueError(f"its {status.st_size:,} bytes are more than the {most:,} of any run")
            return reader(stream)
    except (DamagedFileError, InputError) as error:
        raise DamagedFileError(f"run {path}: {error.problem}", _REMEDY) from error
    except FileNotFoundError as error:
        raise DamagedFileError(f"run {path}: {name} is missing", _REMEDY) from error
    except Exception as error:  # of any kind: libraries differ in what they raise at hostile bytes
        reason = (str(error).splitlines() or [""])[0][:200] or type(error).__name__
        raise DamagedFileError(f"run {path}: {name} cannot be read ({reason})", _REMEDY) from error


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a named pipe would wait for a writer


def _bytes(stream: BinaryIO, suffix: str) -> bytes:
    content = stream.read(_MOST_BYTES[suffix] + 1)  # a file that grows, or tells no size
    if len(content) > _MOST_BYTES[suffix]:
        raise ValueError("it is larger than any run's")
    return content


def _read_json(path: Path, name: str) -> dict[str, Any]:
    def read(stream: BinaryIO) -> dict[str, Any]:
        content = _bytes(stream, ".json")
        if content.count(b",") > _MOST_ITEMS:
            raise ValueError("it has more items than any run")
        value = parse_json(content.decode(), name)
        if not isinstance(value, dict):
            raise ValueError(f"expected an object, found {type(value).__name__}")
        _check_plain(value)
        for key in _TEXTS:
            if not isinstance(value.get(key, ""), str | None):
                raise ValueError(f"{key} is not a text")
        if name == "metrics.json":
            check_metrics(value)
        return value

    return _read(path, name, read)


def _check_plain(value: object) -> None:
    if isinstance(value, int | float) and not abs(value) <= _HUGE:
        raise ValueError("it holds a number that is not finite, or too large")
    for child in (
        (*value.keys(), *value.values())
        if isinstance(value, dict)
        else value
        if isinstance(value, list)
        else ()
    ):
        _check_plain(child)


def _read_table(stream: BinaryIO) -> pd.DataFrame:
    content = _bytes(stream, ".csv")
    if len(content.partition(b"\n")[0]) > _HEADER:
        raise ValueError("its first line is too long")
    # "null", "nan" and "NA" are words here, so only an empty cell of a number column is a missing value.
    header = pd.read_csv(io.BytesIO(content), nrows=0).columns
    text = {column: str for column in header if column in TEXT_COLUMNS}
    missing = {column: [""] for column in header if column not in text}
    return pd.read_csv(
        io.BytesIO(content), dtype=text, keep_default_na=False, na_values=missing, low_memory=False
    )


class _Header(NamedTuple):
    """What an array in an archive announces, and where its numbers begin."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    start: int


def _archive(stream: BinaryIO) -> zipfile.ZipFile:
    """Open an archive as numpy writes it; a long list of members would be read whole before it is refused."""
    stream.seek(-42, os.SEEK_END)
    zip64, end = stream.read(20), struct.unpack("<4s4H2LH", stream.read(22))
    if zip64[:4] == b"PK\6\7" or end[0] != b"PK\5\6" or end[4] > 16 or end[5] > 1 << 16 or end[7]:
        raise ValueError("it is not an archive as numpy writes it")
    return zipfile.ZipFile(stream)


def _headers(archive: zipfile.ZipFile) -> dict[str, _Header]:
    """Return the headers of words, before and after, which fit each other, the archive and the memory."""
    members = {name: archive.getinfo(f"{name}.npy") for name in ("words", "before", "after")}
    headers = {name: _header(archive, member) for name, member in members.items()}
    words, before, after = headers.values()
    if len(words.shape) != 1 or words.dtype.kind != "U" or words.dtype.itemsize > 4_000:
        raise ValueError("words is not a list of strings")
    for one in (before, after):
        if len(one.shape) != 2 or one.dtype.kind != "f" or one.dtype.itemsize > 4:
            raise ValueError(f"expected a matrix of floats, found {one.dtype} {one.shape}")
    if not words.shape[0] == before.shape[0] == after.shape[0] or before.shape != after.shape:
        shapes = {name: one.shape for name, one in headers.items()}
        raise ValueError(f"words, before and after differ in length: {shapes}")
    size, packed = (
        sum(getattr(one, key) for one in members.values()) for key in ("file_size", "compress_size")
    )
    if size > _MOST_ARRAYS or size > max(1 << 24, _MOST_RATIO * packed):
        raise ValueError(f"it would unpack to {size:,} bytes")
    return headers


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> _Header:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("it is packed in another way than numpy does")
    with archive.open(member) as stream:
        start = io.BytesIO(stream.read(_HEADER))
    old = np.lib.format.read_magic(start) == (1, 0)
    read = np.lib.format.read_array_header_1_0 if old else np.lib.format.read_array_header_2_0
    header = _Header(*read(start, max_header_size=_HEADER), start.tell())
    if min(header.shape, default=1) < 1 or (
        math.prod(header.shape) * header.dtype.itemsize + header.start != member.file_size
    ):
        raise ValueError(
            f"{member.filename} announces {header.dtype} {header.shape}, and holds something else"
        )
    return header


def _read_embeddings(stream: BinaryIO) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    archive = _archive(stream)
    words, before, after = _unpacked(archive, _headers(archive)).values()
    return _listed(words), _unit_rows(before), _unit_rows(after)


def _unpacked(archive: zipfile.ZipFile, headers: Mapping[str, _Header]) -> dict[str, np.ndarray]:
    arrays = {}
    for name, header in headers.items():
        with archive.open(f"{name}.npy") as member:
            member.read(header.start)
            flat = np.frombuffer(member.read(), dtype=header.dtype)
        arrays[name] = flat.reshape(header.shape, order="F" if header.fortran else "C")
    return arrays


def _listed(words: np.ndarray) -> tuple[str, ...]:
    listed = tuple(words.tolist())
    "".join(listed).encode()  # half of a surrogate pair could not be shown
    return listed


def _small_arrays(stream: BinaryIO, names: Sequence[str]) -> tuple[zipfile.ZipFile, dict[str, _Header]]:
    """Return an archive and the headers of its arrays, which are small enough for the memory."""
    archive = _archive(stream)
    members = {name: archive.getinfo(f"{name}.npy") for name in names}
    if sum(member.file_size for member in members.values()) > _MOST_ARRAYS // 4:  # float32 in memory
        raise ValueError("it would unpack to more than any run's")
    return archive, {name: _header(archive, member) for name, member in members.items()}


def read_packed(path: Path, name: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the words and the int8 rows of a packed file, such as `vocabulary.npz`, of a folder.

    Raises:
        DamagedFileError: The file is missing, truncated, too large, or of another form.
    """

    def read(stream: BinaryIO) -> tuple[tuple[str, ...], np.ndarray]:
        archive, headers = _small_arrays(stream, ("words", "codes"))
        words, codes = headers.values()
        if words.dtype.kind != "U" or words.dtype.itemsize > 4_000 or codes.dtype != np.int8 or codes.fortran:
            raise ValueError("it holds something else than words and int8 rows")
        if len(words.shape) != 1 or len(codes.shape) != 2 or words.shape[0] != codes.shape[0]:
            raise ValueError(f"words {words.shape} and rows {codes.shape} differ in length")
        arrays = _unpacked(archive, headers)
        return _listed(arrays["words"]), arrays["codes"]

    return _read(path, name, read)


def read_atlas(path: Path, name: str) -> tuple[str, np.ndarray, tuple[float, float]]:
    """Return what an atlas file of a folder holds; the words themselves are not in it.

    Returns:
        The sha256 of its words, their places (words, 4) uint16: x and y before, x and y after; and how far
        they can be trusted before and after, in [0, 1].

    Raises:
        DamagedFileError: The file is missing, truncated, too large, or of another form.
    """

    def read(stream: BinaryIO) -> tuple[str, np.ndarray, tuple[float, float]]:
        archive, headers = _small_arrays(stream, ("words", "places", "trust"))
        expected = {
            "words": ("<U64", (1,)),
            "places": ("<u2", (headers["places"].shape[0], 4)),
            "trust": ("<f4", (2,)),
        }
        for key, header in headers.items():
            if (header.dtype.str, header.shape) != expected[key] or header.fortran:
                raise ValueError(f"{key} is {header.dtype} {header.shape}, not that of an atlas")
        arrays = _unpacked(archive, headers)
        digest, trust = _listed(arrays["words"])[0], arrays["trust"]
        if not _SHA256.fullmatch(digest) or not ((trust >= 0) & (trust <= 1)).all():
            raise ValueError("its digest or its trust cannot be")
        return digest, arrays["places"], (float(trust[0]), float(trust[1]))

    return _read(path, name, read)


def _unit_rows(matrix: np.ndarray) -> np.ndarray:
    rows = matrix.astype(np.float32)
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    if not (np.isfinite(norms) & (norms > 0)).all():
        raise ValueError("a row is not finite, or all zeros")
    unit: np.ndarray = rows / norms
    return unit


COMPARED = {
    "test/synonym/median_rank": "rank of a synonym among 12,000 words, median",
    "test/antonym/median_rank": "rank of an antonym, median",
    "test/synonym_over_antonym_auc/dominant": "synonym over antonym, AUC, dominant senses",
    "test/synonym_over_antonym_auc": "… all senses",
    "test/inversion_rate/same_synset": "antonym nearer than synonym, rate",
    "heldout/simlex-999/spearman": "SimLex-999, rho",
    "heldout/men/spearman": "MEN, rho",
    "heldout/rg-65/spearman": "RG-65, rho",
    "heldout/wordsim-353-similarity/spearman": "WordSim-353 similarity, rho",
    "heldout/wordsim-353-relatedness/spearman": "WordSim-353 relatedness, rho",
    "test/sts-b/spearman": "STS-B test, rho",
    "outside/sugarcrepe-pp-tot/replace_att/accuracy": "SugarCrepe++, attributes, text only",
    "retention/test/neighbour_overlap@10": "neighbours retained, of 10",
}
"""Metric -> how a reader calls it, in the order of the table."""


def comparison(summaries: Iterable[RunSummary], presets: Sequence[str] = ()) -> str:
    """Return a Markdown table: every measure before tuning and under each preset.

    Runs of one preset that differ in their seed share a column: mean, then lowest to highest; a single run
    shows its 95 % interval. "n/a" stands where a run was not measured so. Runs that were trained on pictures
    are left out, since they are measured on other things, and runs that held nothing out.

    Args:
        summaries: The runs.
        presets: The columns, in this order; () takes all.
    """
    runs_of: dict[str, list[RunSummary]] = {}
    for summary in summaries:
        if not summary.config.get("image_tower") and summary.config.get("split") != "none":
            runs_of.setdefault(summary.preset, []).append(summary)
    first = presets or ("lexclip", "lexclip-first", "blog-release")
    names = sorted(runs_of, key=lambda name: (first.index(name) if name in first else len(first), name))
    names = [name for name in names if not presets or name in presets]
    heads = ["measure", "before", *(f"`{name}`" + _seeds(runs_of[name]) for name in names)]
    lines = [_line(heads), f"|{'---|' * len(heads)}"]
    for key, label in COMPARED.items():
        cells = [_cell(runs_of[name], key) for name in names]
        if any(cell != "n/a" for cell in cells):
            lines.append(
                _line([label, _before([run for name in names for run in runs_of[name]], key), *cells])
            )
    return "\n".join(lines) + "\n"


def _seeds(runs: Sequence[RunSummary]) -> str:
    return f", {len(runs)} seeds" if len(runs) > 1 else ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(runs: Sequence[RunSummary], key: str) -> str:
    found = [run.metrics[key] for run in runs if key in run.metrics]
    if not found:
        return "n/a"
    values = [entry["value"] for entry in found]
    low, high = (min(values), max(values)) if len(found) > 1 else (found[0].get("low"), found[0].get("high"))
    shown = number_format(key)
    spread = f" ({low:{shown}}-{high:{shown}})" if low is not None and high is not None else ""
    return f"{mean(values):{shown}}{spread}"


def _before(runs: Sequence[RunSummary], key: str) -> str:
    known = [run.metrics[key].get("before") for run in runs if key in run.metrics]
    return next((f"{value:{number_format(key)}}" for value in known if value is not None), "n/a")


def number_format(metric: str) -> str:
    """Return how values of a metric are written, as a format: ranks without digits after the point.

    >>> f"{1234.5:{number_format('test/antonym/median_rank')}}", f"{0.5:{number_format('test/auc')}}"
    ('1,234', '0.500')
    """
    return ",.0f" if metric.endswith("/median_rank") else ".3f"
