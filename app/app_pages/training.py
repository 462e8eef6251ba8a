"""Training: how the run was made, and what it measured."""

from __future__ import annotations

import findings
import layout
import store
import streamlit as st
import tables

from lexclip_core.figures import alt_texts, curves
from lexclip_core.training.settings import LOSS_TERMS

LEAD = (
    "Tuning moves the tower’s weights so that cosines come nearer to their targets, while other words stay "
    "where they were. Each of these aims is a term of the loss. This page shows how this run was made."
)

summary, run = layout.begin("Training", LEAD, fills="its loss terms, settings and provenance")
layout.finding(findings.history(run.history))
if len(run.history):
    layout.chart(
        curves.history_figure(run.history), alt_texts.alt_text("history", run.history), key="history"
    )
    st.caption("; ".join(f"**{term}**: {aim}" for term, aim in LOSS_TERMS.items() if term in run.history))
st.header("To make this run again", anchor=False)
st.code(store.rebuild_command(summary), language="bash", wrap_lines=True)
st.header("Metrics, with those of the other runs", anchor=False)
if summary.metrics:
    rows = tables.metric_rows(store.listing().summaries, summary, tuple(summary.metrics))
    st.caption("“before tuning” is the base tower. Every metric’s split stands in brackets.")
    layout.table(rows[["metric", "run", "value", "low", "high", "n"]])
else:
    st.info("This run measured nothing.")
left, right = st.columns(2)
with left:
    st.header("Settings", anchor=False)
    layout.table(tables.settings_table(dict(summary.config), summary.config.get("method")))
with right:
    st.header("Provenance", anchor=False)
    layout.table(tables.settings_table(dict(summary.provenance)))
