"""Training: how the run was made, and what it measured."""

from __future__ import annotations

import layout
import store
import streamlit as st
import tables
import takeaways

from lexclip_core import figures

LEAD = (
    "Tuning moves the tower’s weights so that cosines come nearer to their targets, while other words stay "
    "where they were. Each wish is a term of the loss. This page shows how this run was made."
)
TERMS = {
    "distance": "cosines should equal their targets",
    "anchor": "each word should stay where it was",
    "repel": "opposites should lie apart",
    "attract": "related words should lie close",
    "near": "other pairs that were close should keep their cosine",
    "far": "all other pairs should keep their cosine",
}

summary, run = layout.begin("Training", LEAD, fills="its loss terms, settings and provenance")
layout.takeaway(takeaways.history(run.history))
if len(run.history):
    layout.chart(figures.history(run.history), figures.alt_text("history", run.history), key="history")
    st.caption("; ".join(f"**{term}**: {wish}" for term, wish in TERMS.items() if term in run.history))
st.subheader("To make this run again", anchor=False)
st.code(store.rebuild_command(summary), language="bash", wrap_lines=True)
st.subheader("Metrics, beside the other runs", anchor=False)
if summary.metrics:
    rows = tables.metric_rows(store.listing().summaries, summary, tuple(summary.metrics))
    st.caption("“before tuning” is the base tower. Every metric’s split stands in brackets.")
    layout.table(rows[["metric", "run", "value", "low", "high", "n"]])
else:
    st.info("This run measured nothing.")
left, right = st.columns(2)
with left:
    st.subheader("Settings", anchor=False)
    layout.table(tables.settings_table(dict(summary.config)))
with right:
    st.subheader("Provenance", anchor=False)
    layout.table(tables.settings_table(dict(summary.provenance)))
