"""Maps of any words, laid out behind the pages: once a server, one at a time, with progress, and cached."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import store
import streamlit as st
import typed
from background import BackgroundJob

from lexclip_core.cache import ARRAYS, cached
from lexclip_core.experiments import run_folder

if TYPE_CHECKING:
    from lexclip_core.figures.maps import Places
    from lexclip_core.towers.tower import Tower

BATCH = 256
"""Words that are encoded between two steps of the progress."""
ENCODING = 0.4  # of the bar
_AT_A_TIME = threading.Lock()


class LaidOut(NamedTuple):
    """Words on a map, with their unit rows before and after, which are the same where there is no after."""

    places: Places
    before: np.ndarray
    after: np.ndarray


class Layout(BackgroundJob[LaidOut]):
    """A map that is being laid out: what is done now, how far it is, and what came of it."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.stage, self.share = "Waiting for another map", 0.0
        self._began, self._expected = 0.0, 12 + words / 60  # seconds: to compile, and to lay out

    def progress(self) -> float:
        """Return how far it is, in [0, 1]; while it is laid out, by the time that such maps take."""
        if not self._began:
            return self.share
        waited = (time.monotonic() - self._began) / self._expected
        return float(ENCODING + (0.98 - ENCODING) * (1 - np.exp(-1.5 * waited)))

    def lay_out(self, encode: Callable[[Layout], tuple[np.ndarray, np.ndarray | None]]) -> LaidOut:
        """Encode and lay out, one map at a time."""
        with _AT_A_TIME:
            return self._placed(*encode(self))

    def _placed(self, before: np.ndarray, after: np.ndarray | None) -> LaidOut:
        from lexclip_core.figures import maps

        self.stage, self._began = f"Laying out {len(before):,} words", time.monotonic()
        digests = [
            "" if rows is None else hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()
            for rows in (before, after)
        ]

        def make() -> dict[str, np.ndarray]:
            places = maps.word_places(before, after)
            return {"at": np.stack(places[:2]), "trust": np.array(places[2:])}

        stored = cached("layouts", {"rows": digests}, make, codec=ARRAYS)
        places = maps.Places(*stored["at"], *(float(one) for one in stored["trust"]))
        return LaidOut(places, before, before if after is None else after)


@st.cache_resource(max_entries=8, show_spinner=False)
def _layout(of: tuple[str, str, int, str], words: tuple[str, ...]) -> Layout:
    return Layout(len(words))


def laid_out(summary: run_folder.RunSummary, words: tuple[str, ...]) -> Layout:
    """Begin to lay out words by a run's towers, unless that has begun, and return how it stands.

    Words that are all in the run need no tower. Without tuned tensors other words are laid out before only.
    """
    of = (str(summary.path), store.tower_name(summary), summary.stamp, store.VERSION)
    layout = _layout(of, words)
    encode = _known(summary, words) or (lambda one: _encoded(one, summary, words))
    layout.begin(lambda: layout.lay_out(encode))
    return layout


def _known(
    summary: run_folder.RunSummary, words: tuple[str, ...]
) -> Callable[[Layout], tuple[np.ndarray, np.ndarray | None]] | None:
    rows = store.rows_of(summary)
    if not all(word in rows for word in words):
        return None
    run, at = store.read(summary), [rows[word] for word in words]
    return lambda _: (run.before[at], run.after[at])


def _encoded(
    layout: Layout, summary: run_folder.RunSummary, words: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray | None]:
    name, version = store.tower_name(summary), store.VERSION
    layout.stage = "Loading the tower"
    towers: list[Tower] = [store.base_tower(name, version)]
    typed.refuse_unknown(towers[0], words)
    if summary.tuned_path is not None:
        towers.append(store.tuned_tower(name, str(Path(summary.tuned_path)), summary.stamp, version))
    made = []
    for number, tower in enumerate(towers):
        parts = []
        for start in range(0, len(words), BATCH):
            layout.stage = f"Encoding {len(words):,} words {('before', 'after')[number]} tuning"
            layout.share = ENCODING * (number + start / len(words)) / len(towers)
            parts.append(tower.encode_texts(words[start : start + BATCH]))
        made.append(np.concatenate(parts))
    return made[0], made[1] if len(made) > 1 else None
