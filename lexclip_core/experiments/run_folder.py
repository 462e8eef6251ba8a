"""Run folders: what a run holds, written whole, read with validation, listed, and compared in a table."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.training.settings import CUSTOM, PRESETS, TrainingSettings, settings_class

HISTORY_COLUMNS = ("step", "epoch", "seconds", "total")
PAIR_COLUMNS = ("word_a", "word_b", "relation", "pos", "split", "cosine_before", "cosine_after")
LAYOUT_COLUMNS = (
    "subtree",
    "word",
    "synset",
    "parent",
    "gloss",
    "x_before",
    "y_before",
    "x_after",
    "y_after",
    "trustworthiness_before",
    "trustworthiness_after",
)
TEXT_COLUMNS = (
    "word_a",
    "word_b",
    "relation",
    "pos",
    "split",
    "subtree",
    "word",
    "synset",
    "parent",
    "gloss",
)

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_COMMANDS = {
    "matrix": "lexclip tune",
    "relations": "lexclip tune",
    "paraphrases": "lexclip paraclip tune",
}
_REQUIRED_FILES = (
    "config.json",
    "metrics.json",
    "history.csv",
    "embeddings.npz",
    "pairs.csv",
    "provenance.json",
)
_REMEDY = "delete the folder, or make the run again with `lexclip tune`"


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


@dataclass(frozen=True, eq=False)
class Run(RunContent):
    """A run as read from its folder: float32 unit rows, and where its files are."""

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
    if len(set(content.words)) != len(content.words):
        twice = next(word for i, word in enumerate(content.words) if word in content.words[:i])
        raise InputError(f"words: {twice!r} stands twice")
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
    check_metrics(content.metrics)


def _check_columns(name: str, table: pd.DataFrame, columns: tuple[str, ...]) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise InputError(f"{name}: column {missing[0]!r} is missing; it has {list(table.columns)}")
    for column in columns:
        if column not in TEXT_COLUMNS and len(table) and not pd.api.types.is_numeric_dtype(table[column]):
            raise InputError(f"{name}: column {column!r} holds something that is not a number")


def check_metrics(metrics: Mapping[str, Any]) -> None:
    """Check that every metric has a number under "value" and numbers or nothing elsewhere.

    Raises:
        InputError: Naming the metric that does not.
    """
    for name, entry in metrics.items():
        numbers = (
            {key: entry.get(key) for key in ("low", "high", "n", "before")} if isinstance(entry, dict) else {}
        )
        if not isinstance(entry, dict) or not _is_number(entry.get("value")):
            raise InputError(f"metrics: {name!r} has no number under 'value'")
        for key, value in numbers.items():
            if value is not None and not _is_number(value):
                raise InputError(f"metrics: {name!r} has {value!r} under {key!r}, which is not a number")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
    validate_run(content)
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
        validate_run(run)
    except InputError as error:
        raise DamagedFileError(f"run {path}: {error.problem}", _REMEDY) from error
    return run


def list_runs(folder: Path) -> tuple[tuple[RunSummary, ...], tuple[DamagedRun, ...]]:
    """Return (readable runs, damaged runs) of a folder, sorted by name, without reading embeddings.

    Hidden folders (runs being written) and plain files are skipped; a missing folder holds no runs.
    """
    summaries, damaged = [], []
    storage.recover_folders(folder)
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
    unit: np.ndarray = rows / norms
    return unit


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


COMPARED = {
    "test/synonym_over_antonym_auc": "synonym over antonym, AUC",
    "test/synonym_over_antonym_auc/adjectives": "… adjectives",
    "test/synonym_over_antonym_auc/nouns": "… nouns",
    "test/synonym_over_antonym_auc/verbs": "… verbs",
    "test/inversion_rate/same_synset": "antonym nearer than synonym, rate",
    "heldout/simlex-999/spearman": "SimLex-999, rho",
    "heldout/men/spearman": "MEN, rho",
    "heldout/rg-65/spearman": "RG-65, rho",
    "heldout/wordsim-353-similarity/spearman": "WordSim-353 similarity, rho",
    "heldout/wordsim-353-relatedness/spearman": "WordSim-353 relatedness, rho",
    "test/sts-b/spearman": "STS-B test, rho",
    "retention/test/neighbour_overlap@10": "neighbours retained, of 10",
}
"""Metric -> how a reader calls it, in the order of the table."""


def comparison(summaries: Iterable[RunSummary]) -> str:
    """Return a Markdown table: every measure before tuning and under each preset.

    Runs of one preset that differ in their seed share a column: mean, then lowest to highest; a single run
    shows its 95 % interval. "n/a" stands where a run was not measured so. Runs that were trained on pictures
    are left out: they are measured on other things.
    """
    presets: dict[str, list[RunSummary]] = {}
    for summary in summaries:
        if not summary.config.get("image_tower"):
            presets.setdefault(summary.preset, []).append(summary)
    names = sorted(presets, key=lambda name: (name != "lexclip", name))
    heads = ["measure", "before", *(f"`{name}`" + _seeds(presets[name]) for name in names)]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for key, label in COMPARED.items():
        cells = [_cell(presets[name], key) for name in names]
        if any(cell != "n/a" for cell in cells):
            lines.append(
                _line([label, _before([run for name in names for run in presets[name]], key), *cells])
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
    spread = f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else ""
    return f"{mean(values):.3f}{spread}"


def _before(runs: Sequence[RunSummary], key: str) -> str:
    known = [run.metrics[key].get("before") for run in runs if key in run.metrics]
    return next((f"{value:.3f}" for value in known if value is not None), "n/a")
