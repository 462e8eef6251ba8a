"""Subtree map: a branch of WordNet on one joint map, before and after tuning."""

from __future__ import annotations

import findings
import layout
import store
import streamlit as st
import tables
import thumbnails

from lexclip_core.figures import alt_texts, maps

LEAD = (
    "A branch of WordNet, drawn so that near words stay near. Both maps share one frame, so that before and "
    "after can be compared. Grey lines join a word to its parent in WordNet; point at a word for its gloss."
)
VIEWS: dict[str, tuple[maps.MapView, ...]] = {"Side by side": ("before", "after"), "Movement": ("movement",)}

summary, run = layout.begin("Subtree map", LEAD, fills="maps of WordNet branches")
if run.layout is None or run.layout.empty:
    layout.empty_state("This run drew no map. A run of the default preset does:", store.listing())
left, right = st.columns(2)
names = list(dict.fromkeys(run.layout["subtree"]))
layout.check_address("subtree", names, "branch of WordNet")
layout.check_address("view", list(VIEWS), "view")
subtree = left.selectbox("Branch of WordNet", names, key="subtree", bind="query-params")
view = right.segmented_control(
    "View", list(VIEWS), default="Side by side", required=True, key="view", bind="query-params"
)
drawn = run.layout[run.layout["subtree"] == subtree].reset_index(drop=True)
edges = tables.parent_cosines(drawn, store.rows_of(summary), run)
layout.finding(findings.subtree(maps.layout_summary(drawn), edges, layout.literal))
for column, side in zip(st.columns(len(VIEWS[view])), VIEWS[view], strict=True):
    with column:
        alt = alt_texts.alt_text("subtree_map", drawn, side)
        layout.chart(maps.subtree_map_figure(drawn, side), alt, key=f"map_{side}")
st.caption(
    "Distances on a map are not cosines: only who is near whom may be read, and only as far as the "
    "trustworthiness says. The table holds cosines in the original space, of each word with its parent."
)
shown = edges[["word", "parent", "cosine_before", "cosine_after", "synset", "gloss"]]
layout.table(thumbnails.column(shown, map(thumbnails.of_synset, shown["synset"])), pictures=[""])
