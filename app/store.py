"""Everything the pages read: run folders, and live encodings of typed words. The only file with `st.cache_*`.

Cache keys are run ids, paths and modification times; a model or a matrix is never an argument that is hashed.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from lexclip_core import runs, storage
from lexclip_core.config import PRESETS, Experiment
from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.words import normalise

if TYPE_CHECKING:
    from lexclip_core.towers import Tower

VERSION = metadata.version("lexclip")
DEFAULT_PRESET = "lexclip"
UNWRITTEN = ("\U00013000", "\U00013001")
"""Two hieroglyphs: a tokenizer that cannot tell them apart has one token for all that it does not know."""


@dataclass(frozen=True)
class Listing:
    """The runs there are, the default first, and the folders that could not be read."""

    folder: Path
    summaries: tuple[runs.RunSummary, ...]
    damaged: tuple[runs.DamagedRun, ...]

    def find(self, run_id: str | None) -> runs.RunSummary | None:
        """Return the run of that id, or None."""
        return next((summary for summary in self.summaries if summary.run_id == run_id), None)


def listing() -> Listing:
    """Return what lies in the folder of runs now; only small files are read."""
    folder = storage.runs_folder()
    summaries, damaged = runs.list_runs(folder)
    return Listing(folder, tuple(sorted(summaries, key=_default_first)), damaged)


def _default_first(summary: runs.RunSummary) -> tuple[bool, bool, bool, str]:
    # A visitor's own experiments may start from the default preset too: its unchanged settings come first.
    unchanged = summary.run_id == PRESETS[DEFAULT_PRESET].run_id
    control = summary.config.get("control", "none") != "none"
    return (not unchanged, summary.preset != DEFAULT_PRESET, control, summary.run_id)


def read(summary: runs.RunSummary) -> runs.Run:
    """Return a whole run, shared between visitors: never change what it holds.

    Raises:
        DamagedFileError: The run cannot be read.
    """
    return _read(str(summary.path), summary.stamp, VERSION)


@st.cache_resource(max_entries=6, show_spinner=False)
def _read(path: str, stamp: int, version: str) -> runs.Run:
    run = runs.read_run(Path(path))
    run.before.flags.writeable = run.after.flags.writeable = False
    return run


def rows_of(summary: runs.RunSummary) -> dict[str, int]:
    """Return each word of the run, normalised, with its row in the embeddings."""
    return _rows_of(str(summary.path), summary.stamp, VERSION)


@st.cache_resource(max_entries=6, show_spinner=False)
def _rows_of(path: str, stamp: int, version: str) -> dict[str, int]:
    rows: dict[str, int] = {}
    for row, word in enumerate(_read(path, stamp, version).words):
        rows.setdefault(normalise(word), row)
    return rows


def tower_name(summary: runs.RunSummary) -> str:
    """Return the registry name of the run's base tower."""
    return str(summary.config.get("tower") or Experiment.tower)


def vectors(summary: runs.RunSummary, words: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit rows (before, after) of normalised words, each of shape (len(words), dim).

    Words of the run come from its folder; the others are encoded now by the base and the tuned tower.

    Raises:
        InputError: The tokenizer knows no piece of a word.
        MissingResourceError: A tower is needed and its weights are not here.
        DamagedFileError: The tuned tensors do not fit.
    """
    run, known = read(summary), rows_of(summary)
    fresh = tuple(word for word in dict.fromkeys(words) if word not in known)
    live = dict(zip(fresh, zip(*_encode(summary, fresh), strict=True), strict=True)) if fresh else {}
    before = [live[word][0] if word in live else run.before[known[word]] for word in words]
    after = [live[word][1] if word in live else run.after[known[word]] for word in words]
    return np.stack(before), np.stack(after)


def _encode(summary: runs.RunSummary, words: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    tuned = summary.path / "tuned.safetensors"
    if not tuned.exists():
        raise MissingResourceError(
            f"Run {summary.run_id} keeps no tuned tensors, so it can show its own words only.",
            f"Make it again: {rebuild_command(summary)}",
        )
    return _encode_both(tower_name(summary), str(tuned), summary.stamp, words, VERSION)


def rebuild_command(summary: runs.RunSummary) -> str:
    """Return the one command that makes the run again, as its provenance names it."""
    command = summary.provenance.get("command")
    return str(
        command or f"lexclip tune --preset {summary.preset or DEFAULT_PRESET} --out {summary.path.parent}"
    )


@st.cache_data(max_entries=256, show_spinner="Encoding with the base and the tuned tower…")
def _encode_both(
    name: str, tuned: str, stamp: int, words: tuple[str, ...], version: str
) -> tuple[np.ndarray, np.ndarray]:
    base = _base_tower(name, version)
    _refuse_unknown(base, words)
    after = _tuned_tower(name, tuned, stamp, version)
    return base.encode_texts(words), after.encode_texts(words)


@st.cache_resource(max_entries=2, show_spinner="Loading the base tower (once)…")
def _base_tower(name: str, version: str) -> Tower:
    from lexclip_core import towers

    return towers.load(name, device="cpu")


@st.cache_resource(max_entries=3, show_spinner="Loading the tuned tower (once)…")
def _tuned_tower(name: str, tuned: str, stamp: int, version: str) -> Tower:
    from lexclip_core import towers

    return towers.apply_tuned(_base_tower(name, version), Path(tuned))


def _refuse_unknown(tower: Tower, words: tuple[str, ...]) -> None:
    for word in words:
        first, second = (" ".join(letter for _ in word.split()) for letter in UNWRITTEN)
        nothing, unknown, other, found = tower.tokens(["", first, second, word])
        if found == nothing or found == unknown == other:
            raise InputError(
                f"The tower’s tokenizer has no piece for “{word}”: it cannot tell it from other such words.",
                "Type a word in the Latin alphabet.",
            )
