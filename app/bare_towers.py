"""A tower as it is, without any run: what the pages take for a run of which nothing was tuned."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import known_towers
import numpy as np
import pandas as pd
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lexclip_core.experiments import explorer_data, run_folder

if TYPE_CHECKING:
    from lexclip_core.towers.tower import Tower

PREFIX = "tower:"
METHOD = "none"
WORDS = 4_000
"""Frequent words that its neighbours are taken among, where encoding more would take long."""


def is_bare(summary: run_folder.RunSummary) -> bool:
    """Return whether a summary stands for a tower that was not tuned."""
    return summary.run_id.startswith(PREFIX)


def asked() -> str:
    """Return the tower that the address, or the visit, asks for as it is; "" where it asks for a run."""
    if get_script_run_ctx() is None:  # no visitor asks
        return ""
    for run in (st.query_params.get("run"), st.session_state.get("run")):
        if run:
            name = str(run).removeprefix(PREFIX)
            return name if str(run).startswith(PREFIX) and name in known_towers.here() else ""
    return ""


def summary(name: str) -> run_folder.RunSummary:
    """Return what a list of runs shows of a tower."""
    return run_folder.RunSummary(
        run_id=f"{PREFIX}{name}",
        path=Path(),
        stamp=0,
        config={"preset": "", "method": METHOD, "tower": name},
        metrics={},
        provenance={},
        n_words=0,
        has_layout=False,
    )


def run(name: str, tower: Tower) -> run_folder.Run:
    """Return what pages read of a tower: many words with their vectors, and triples with their cosines.

    Before and after are the same rows; triples have cosines at position 0 alone.
    """
    from lexclip_core.towers.static import WordRows

    wide = explorer_data.wide_words()
    words = wide if isinstance(tower.model, WordRows) else wide[:WORDS]
    words, rows, triples = measured(tower, explorer_data.heldout_triples(), words)
    rows.flags.writeable = False
    about = summary(name)
    return run_folder.Run(
        run_id=about.run_id,
        config=about.config,
        metrics={},
        history=pd.DataFrame(),
        words=words,
        before=rows,
        after=rows,
        triples=triples,
    )


def measured(
    tower: Tower, triples: pd.DataFrame, words: Sequence[str] = ()
) -> tuple[tuple[str, ...], np.ndarray, pd.DataFrame]:
    """Return words and those of triples with their unit rows, and triples with a tower's cosines.

    What the tower does not know is left out. The cosines are at position 0, before any tuning.

    Args:
        tower: The tower.
        triples: Columns word, synonym, antonym.
        words: Words that are encoded too; they stand first.
    """
    names = ["word", "synonym", "antonym"]
    words = list(dict.fromkeys([*words, *(word for name in names for word in triples[name])]))
    unknown = set(tower.unknown_texts(words))
    known = tuple(word for word in words if word not in unknown)
    rows, place = tower.encode_texts(known), {word: row for row, word in enumerate(known)}
    triples = triples[~triples[names].isin(unknown).any(axis=1)]
    ends = {name: triples[name].map(place).to_numpy(int) for name in names}
    cosines = {f"{kind}_0": (rows[ends["word"]] * rows[ends[kind]]).sum(axis=1) for kind in names[1:]}
    return known, rows, triples.assign(**cosines)
