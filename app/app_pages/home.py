"""Home: what this is, the arrow with the chosen run's numbers, the main finding with its controls."""

from __future__ import annotations

import html

import findings
import layout
import metric_names
import pages
import store
import streamlit as st
import tables

from lexclip_core.experiments import run_folder
from lexclip_core.figures import alt_texts, scores

LEAD = (
    "CLIP’s text tower, it is reported, puts **happy** nearer to **sad** than to **cheerful**: words that "
    "stand in the same sentences get like vectors. lexclip measures that on WordNet’s words, tunes a tower, "
    "and shows what moved.  \n" + layout.COSINE
)
MAX_METRICS, MAX_RUNS = 6, 6


def arrow(summary: run_folder.RunSummary, run: run_folder.Run) -> list[tuple[str, str]]:
    """Return the stations of the arrow, each with this run's number."""
    terms = [name for name in run.history.columns if name not in run_folder.HISTORY_COLUMNS]
    steps = int(run.history["step"].max()) + 1 if len(run.history) else 0
    synsets = run.layout["synset"].nunique() if run.layout is not None else 0
    control = str(summary.config.get("control", ""))
    aims = [store.target_name(summary), control if control != "none" else ""]
    return [
        ("words", f"{len(run.words):,}"),
        ("synsets", f"{synsets:,} drawn"),
        ("targets", ", ".join(filter(None, aims)) or summary.preset or "not named"),
        ("pairs", f"{len(run.pairs):,}"),
        ("losses", ", ".join(terms) or "none recorded"),
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


def draw_finding(summary: run_folder.RunSummary) -> None:
    """Draw the main finding, what it cost, and the same measures for the other runs."""
    summaries = store.listing().summaries
    key = metric_names.headline(summary.metrics)
    if key is None:
        st.info("This run’s metrics.json names no measure on test words, so there is no finding to show.")
        return
    measured = [other for other in summaries if other.run_id != summary.run_id and key in other.metrics]
    others = sorted(measured, key=lambda other: other.config.get("control", "none") == "none")[:MAX_RUNS]
    sentences = [
        findings.headline(key, summary.metrics[key], layout.literal),
        findings.controls(key, others, layout.literal),
        findings.outside(summary, layout.literal),
    ]
    layout.finding("\n\n".join(sentence for sentence in sentences if sentence))
    rows = tables.metric_rows(others, summary, metric_names.leading(summary.metrics))
    drawn = rows[rows["key"].isin(rows["key"].unique()[:MAX_METRICS])]
    figure = scores.metric_bars_figure(drawn, title="This run and its controls, with 95 % intervals")
    layout.chart(figure, alt_texts.alt_text("metric_bars", drawn), key="finding")
    with st.expander("The same numbers as a table"):
        layout.table(tables.metric_table(rows))


summary, run = layout.begin(
    "lexclip", LEAD, fills="numbers to every page: cosines, maps, neighbours, training"
)
st.subheader("The arrow", anchor=False)
draw_arrow(arrow(summary, run))
st.subheader("What tuning did", anchor=False)
draw_finding(summary)
st.subheader("Look closer", anchor=False)
for page in pages.PAGES[1:]:
    st.page_link(
        page.file, label=f"{page.title}: {page.shows}", width="stretch", query_params={"run": summary.run_id}
    )
