"""What the atlas of a run shows of all words of WordNet, placed once a server."""

from __future__ import annotations

import map_words
import numpy as np
import streamlit as st
import word_map

from lexclip_core.experiments import explorer_data, run_folder
from lexclip_core.figures import style

HINT = "Click the map and zoom with the wheel: the closer, the more words are named. Find flies to a word."


@st.cache_resource(max_entries=2, show_spinner="Placing all words of WordNet…")
def points_of(
    path: str, stamp: int, version: str, _summary: run_folder.RunSummary
) -> tuple[word_map.Points, np.ndarray, tuple[float, float]] | None:
    """Return what the component draws of a run's atlas, the words' rows, and its trust; None without."""
    words = explorer_data.atlas_words()
    stored = explorer_data.stored_atlas(_summary, words)
    if stored is None:
        return None
    facts = map_words.atlas_facts()
    order = map_words.atlas_order(facts)
    synsets = facts.synset[order]
    about, speech = map_words.domains(synsets), map_words.parts_of_speech(synsets)
    deep = map_words.depths(synsets)
    ways = [
        word_map.names("what it is about", about, map_words.marks(about, map_words.DOMAINS)),
        word_map.names("part of speech", speech, map_words.marks(speech, map_words.SPEECH)),
        word_map.scale("depth in WordNet", deep, "top", f"{deep.max()} steps below"),
    ]
    trust = (stored.trust_before, stored.trust_after)
    alt = (
        f"Map of {len(words):,} words of WordNet as points, coloured by what they are about; the dial moves "
        f"each from its place before tuning to that after. {style.MAP_CAPTION}"
    )
    listed = [words[row] for row in order.tolist()]
    places = np.hstack([stored.before, stored.after])[order]
    return word_map.points(listed, places, ways, alt=alt, tuned=True, hint=HINT), order, trust
