"""Home: what this is, the arrow with the chosen run's numbers, the main finding beside its controls."""

from __future__ import annotations

import html

import layout
import store
import streamlit as st
import tables
import takeaways

from lexclip_core import figures, runs

LEAD = (
    "A text tower often puts **happy** as near to **sad** as to **cheerful**: both stand in the same "
    "sentences. lexclip measures that on WordNet’s words, tunes the tower, and shows what moved.  \n"
    + layout.COSINE
)
MAX_METRICS = 8


def arrow(summary: runs.RunSummary, run: runs.Run) -> list[tuple[str, str]]:
    """Return the stations of the arrow, each with this run's number."""
    terms = [name for name in run.history.columns if name not in runs.HISTORY_COLUMNS]
    steps = int(run.history["step"].max()) if len(run.history) else 0
    synsets = run.layout["synset"].nunique() if run.layout is not None else 0
    target, control = (str(summary.config.get(name, "")) for name in ("target", "control"))
    aims = [target, control if control != "none" else ""]
    return [
        ("words", f"{len(run.words):,}"),
        ("synsets", f"{synsets:,} drawn"),
        ("targets", ", ".join(filter(None, aims)) or summary.preset or "not named"),
        ("pairs", f"{len(run.pairs):,}"),
        ("losses", ", ".join(terms) or "none kept"),
        ("tower", f"{store.tower_name(summary)}, {run.before.shape[1]} numbers a word"),
        ("training", f"{steps:,} steps"),
        ("evaluation", f"{len(summary.metrics)} metrics"),
        ("geometry", f"{run.layout['subtree'].nunique() if run.layout is not None else 0} maps"),
    ]


def draw_arrow(stations: list[tuple[str, str]]) -> None:
    """Draw the arrow as a list that wraps on a narrow screen, an arrowhead between stations."""
    head = '<span aria-hidden="true" style="color:#0072B2;padding-left:.4rem">→</span>'
    items = "".join(
        '<li style="display:flex;align-items:center;margin:0">'
        '<div style="border:1px solid #d0d0d0;border-radius:8px;padding:.35rem .7rem">'
        f'<div style="font-weight:600">{html.escape(name)}</div>'
        f'<div style="color:#595959;font-size:.85rem">{html.escape(value)}</div></div>'
        f"{head if index < len(stations) - 1 else ''}</li>"
        for index, (name, value) in enumerate(stations)
    )
    st.html(
        f'<ol style="display:flex;flex-wrap:wrap;gap:.4rem;list-style:none;padding:0;margin:0">{items}</ol>'
    )


def draw_finding(summary: runs.RunSummary) -> None:
    """Draw the main finding, what it cost, and the same measures for the other runs."""
    summaries = store.listing().summaries
    key = takeaways.headline_key(summary)
    if key is None:
        st.info("This run's metrics.json names no measure on test words, so there is no finding to show.")
        return
    others = [other for other in summaries if other.run_id != summary.run_id]
    sentences = [
        takeaways.headline(key, summary.metrics[key]),
        takeaways.controls(key, summary, others, layout.literal),
        takeaways.retention(summary, tables.metric_label, layout.literal),
    ]
    layout.takeaway("\n\n".join(sentence for sentence in sentences if sentence))
    shared = tables.common_metrics(summaries, summary)
    ordered = [key, *(name for name in shared if name != key)]
    rows = tables.metric_rows(summaries, summary, ordered)
    drawn = rows[rows["key"].isin(ordered[:MAX_METRICS])]
    figure = figures.metric_bars(drawn, title="This run beside its controls, with 95 % intervals")
    layout.chart(figure, figures.alt_text("metric_bars", drawn), key="finding")
    with st.expander("All shared metrics as a table"):
        layout.table(tables.metric_table(rows))


summary, run = layout.begin(
    "lexclip", LEAD, fills="numbers to every page: cosines, maps, neighbours, training"
)
st.subheader("The arrow", anchor=False)
draw_arrow(arrow(summary, run))
st.subheader("What tuning did", anchor=False)
draw_finding(summary)
st.subheader("Look closer", anchor=False)
for page, label in (
    ("app_pages/pairs.py", "Pair cosines: type any two words"),
    ("app_pages/subtree_map.py", "Subtree map: a branch of WordNet before and after"),
    ("app_pages/neighbours.py", "Neighbours: who came, who went"),
    ("app_pages/training.py", "Training: how this run was made"),
):
    st.page_link(page, label=label, width="stretch", query_params={"run": summary.run_id})
