"""A choice among the towers on this machine, and the words to try on each, measured on it."""

from __future__ import annotations

from contextlib import suppress

import bare_towers
import known_towers
import layout
import pandas as pd
import store
import streamlit as st
import word_sets

from lexclip_core.errors import LexclipError
from lexclip_core.experiments import explorer_data


def choose(key: str) -> str:
    """Draw a choice among the towers on this machine, the shown run's first, and return the chosen one."""
    names, listing = known_towers.here(), store.listing()
    asked = st.query_params.get(key, "")
    if asked in names and asked != known_towers.called(asked):  # a whole path is an address too
        st.query_params[key] = known_towers.called(asked)
        st.session_state[key] = asked
    layout.check_address(key, [known_towers.called(name) for name in names], "tower on this machine")
    run = listing.find(st.session_state.get("run")) or next(iter(listing.summaries), None)
    usual = store.tower_name(run) if run is not None else names[0]
    names.sort(key=lambda name: name != usual)
    return st.selectbox("Tower", names, key=key, bind="query-params", format_func=known_towers.called)


def word_sets_of(name: str) -> dict[str, tuple[str, ...]]:
    """Return ready sets of words, measured on a tower.

    Raises:
        LexclipError: The tower cannot be loaded, or does not know a word.
    """
    return word_sets.ready_sets(triples_of(name))


def triples_of(name: str) -> pd.DataFrame:
    """Return held-out triples with a tower's cosines, those of a run where it was measured already."""
    summaries = sorted(store.listing().summaries, key=lambda one: store.tower_name(one) != name)
    for summary in summaries:
        with suppress(LexclipError):  # a damaged run has none
            table = store.read(summary).triples
            if table is not None and len(table):
                return table if store.tower_name(summary) == name else _measured(name, store.VERSION, table)
    return _measured(name, store.VERSION, pd.DataFrame())


@st.cache_data(max_entries=8, show_spinner="Measuring which words this tower gets wrong…")
def _measured(name: str, version: str, _table: pd.DataFrame) -> pd.DataFrame:
    table = _table if len(_table) else explorer_data.heldout_triples()
    columns = ["word", "synonym", "antonym", "pos", "count"]
    return bare_towers.measured(store.base_tower(name, version), table[columns])[2]
