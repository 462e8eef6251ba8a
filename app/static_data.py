"""Static data that pages read: scenes, the ledger, the trade-offs. With `store`, all that caches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import store
import streamlit as st

from lexclip_core import storage

if TYPE_CHECKING:
    from lexclip_core.datasets.emoji.scene_sets import SceneEvaluation
    from lexclip_core.datasets.pictures.picture_set import PictureSet

SCENES = 300
TRADE_OFFS = Path("paraclip") / "tradeoffs.csv"


@st.cache_resource(show_spinner="Drawing the scenes…")
def scene_set() -> tuple[SceneEvaluation, PictureSet]:
    """Return scenes that no tuning saw, with the queries that ask for them, and their pictures.

    Raises:
        MissingResourceError: The emoji or their senses are not there.
    """
    from lexclip_core.datasets.emoji.scene_sets import scene_evaluation

    made = scene_evaluation("test", seed=0, count=SCENES)
    return made, made.pictures()


def ledger_tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the ledger, one row per claim or reported number, and every measurement that bears on a claim.

    Raises:
        LexclipError: A file of theirs is missing or damaged.
    """
    from lexclip_core.papers import measurement

    return _ledger_tables(
        stamp(measurement.measured_folder(), storage.data_folder() / "reported.csv"), store.VERSION
    )


@st.cache_data(max_entries=4, show_spinner="Joining what was measured with what was reported…")
def _ledger_tables(stamp: tuple[tuple[str, int], ...], version: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    from lexclip_core.papers import ledger as ledger_module

    return ledger_module.ledger_table(), ledger_module.claim_details()


def trade_offs() -> pd.DataFrame:
    """Return the shipped sweep over loss weights and alpha, empty where there is none."""
    path = storage.data_folder() / TRADE_OFFS
    return _csv(str(path), stamp(path)) if path.is_file() else pd.DataFrame()


@st.cache_data(max_entries=4)
def _csv(path: str, stamp: tuple[tuple[str, int], ...]) -> pd.DataFrame:
    return pd.read_csv(path, keep_default_na=True)


def stamp(*paths: Path) -> tuple[tuple[str, int], ...]:
    """Return what changes when a file, or a file directly in a folder, changes."""
    files = [file for path in paths for file in (sorted(path.iterdir()) if path.is_dir() else [path])]
    return tuple((file.name, file.stat().st_mtime_ns) for file in files if file.exists())
