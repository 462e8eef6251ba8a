"""Runs: what was tuned and measured; any two next to each other; how one was made, and made again."""

from __future__ import annotations

import bare_towers
import findings
import layout
import live_training
import metric_names
import run_comparing
import run_names
import store
import streamlit as st
import tables
from rebuilding import Rebuilding, rebuildings

from lexclip_core.errors import LexclipError
from lexclip_core.experiments import run_folder
from lexclip_core.figures import alt_texts, curves, scores
from lexclip_core.training.settings import LOSS_TERMS

LEAD = (
    "A **run** is one tuning of a tower, with everything that was measured of it. Here any two stand next to "
    "each other; below, how the run in the list on the left was made."
)


def other_run(listing: store.Listing, summary: run_folder.RunSummary) -> run_folder.RunSummary | None:
    """Draw the choice of a run to compare with: at first a control that measured the same; None without."""
    names = run_names.names(listing.summaries)
    others = [one for one in listing.summaries if one.run_id != summary.run_id]
    others.sort(
        key=lambda one: (
            not run_comparing.shared_measures(summary, one),
            one.config.get("method") != summary.config.get("method"),
            str(one.config.get("control", "none")) == "none",
        )
    )
    if not others:
        return None
    called = {layout.sentence_case(names[one.run_id]): one for one in others}  # the address has these names
    layout.check_address("with", list(called), "run")
    return called[st.selectbox("Compare it with", list(called), key="with", bind="query-params")]


def draw_comparison(
    summary: run_folder.RunSummary, run: run_folder.Run, other: run_folder.RunSummary
) -> None:
    """Draw two runs next to each other: the paired difference, the first measures, and all of them."""
    names = layout.literal(layout.run_name(summary)), layout.literal(layout.run_name(other))
    keys = run_comparing.shared_measures(summary, other)
    try:
        paired = run_comparing.paired_inversions(store.read(other), run)
    except LexclipError as error:
        st.caption(f"What it measured word by word cannot be read: {layout.literal(error.problem)}")
        paired = None
    if paired is not None:
        layout.finding(run_comparing.paired_sentence(paired, names[::-1]))
    if not keys:
        st.info("The two runs have no measure in common.")
        draw_own(summary)
        return
    labels = {metric_names.full_label(key): key for key in keys}
    layout.check_address("measure", list(labels), "measure")
    chosen = st.multiselect(
        "Measures", list(labels), list(labels)[: run_comparing.FIRST], key="measure", bind="query-params"
    )
    if chosen:
        short = run_comparing.short_names(layout.run_name(summary), layout.run_name(other))
        both = dict(zip(short, (summary, other), strict=True))
        rows = run_comparing.bars(both, [labels[label] for label in chosen])
        figure = scores.metric_bars_figure(
            rows, title="Two runs, with 95 % intervals", value_title="value of the measure"
        )
        layout.chart(figure, alt_texts.alt_text("metric_bars", rows), key="compared")
    with st.expander(f"All {len(keys)} measures that both have"):
        layout.table(run_comparing.table(summary, other, keys), name="compared")
        st.caption(f"First: {names[0]}. Second: {names[1]}. Every measure’s split stands in brackets.")


def draw_own(summary: run_folder.RunSummary) -> None:
    """Draw what a run measured, alone."""
    if not summary.metrics:
        st.info("This run measured nothing.")
        return
    rows = tables.metric_rows((), summary, tuple(summary.metrics))
    layout.table(rows[["metric", "run", "value", "low", "high", "n"]], name="measures")


def draw_loss(summary: run_folder.RunSummary, run: run_folder.Run) -> None:
    """Draw the loss terms, and say what each asks for."""
    if not len(run.history):
        return
    st.header("How its loss fell", anchor=False)
    layout.finding(findings.history(run.history))
    figure = curves.history_figure(run.history)
    layout.chart(figure, alt_texts.alt_text("history", run.history), key="history")
    terms = {term: aim for term, aim in LOSS_TERMS.items() if term in run.history}
    st.markdown("\n".join(f"- **{term}**: {aim}" for term, aim in terms.items()))
    if len(terms) > 1:
        st.caption("The terms are weighted; training lowers their sum, the total.")


def draw_origin(summary: run_folder.RunSummary) -> None:
    """Draw the settings, where the run came from, and how to make it again."""
    if bare_towers.is_bare(summary):
        layout.say_untuned(summary)
        return
    st.header("How it was made", anchor=False)
    st.code(store.rebuild_command(summary), language="bash", wrap_lines=True)
    draw_rebuilding(summary)
    left, right = st.columns(2)
    with left, st.expander("Its settings, and what each means"):
        layout.table(
            tables.settings_table(dict(summary.config), summary.config.get("method")), name="settings"
        )
    with right, st.expander("Where it comes from: versions, checksums, time"):
        layout.table(tables.settings_table(dict(summary.provenance)), name="provenance")


def draw_rebuilding(summary: run_folder.RunSummary) -> None:
    """Offer to make the run again where its tensors are missing, and say how that stands."""
    job = rebuildings().get(summary.run_id)
    if job is not None:
        watch = st.fragment(draw_job, run_every=None if job.over else 1.0)
        watch(job, live=not job.over)
    elif not summary.has_tuned:
        st.caption("Its tuned tensors are not on this machine, so typed words have no answer after tuning.")
    if (job is None or job.over) and not summary.has_tuned and st.button("Make it again now", key="rebuild"):
        rebuildings()[summary.run_id] = job = Rebuilding(summary)
        live_training.line().add(job)
        st.rerun()


def draw_job(job: Rebuilding, *, live: bool) -> None:
    """Say how the making of a run stands."""
    if job.over:
        if live:
            st.rerun()
        if job.problem is not None:
            layout.show_error(job.problem)
        elif job.stage == "finished":
            st.success("It was made again, and is shown above.")
        else:
            st.info("It was stopped; the run is as it was.")
        return
    first, total = live_training.line().before(job), job.total
    said = f"{first} before it" if first else f"step {job.steps}" + (f" of {total}" if total else "")
    if total and job.steps >= total:
        said = "trained; now it is measured"
    st.progress(min(job.steps / total, 1.0) if total else 0.0, text=f"Making it again: {said}.")
    st.button("Stop", key="stop_rebuild", on_click=job.stop)


def draw_list(listing: store.Listing) -> None:
    """Draw every run as a row of a table."""
    st.header("All runs", anchor=False)
    names = {key: layout.sentence_case(one) for key, one in run_names.names(listing.summaries).items()}
    table = run_comparing.overview(listing.summaries, names)
    table["open"] = [layout.address("runs", run=one) for one in table["id"]]
    layout.drawn().table(table.drop(columns="open"), "runs")
    columns = {
        "open": st.column_config.LinkColumn("", display_text="open", width="small"),
        "before": st.column_config.NumberColumn(format="%.3f"),
        "after": st.column_config.NumberColumn(format="%.3f"),
    }
    st.dataframe(
        table[["open", *table.columns[:-1]]], hide_index=True, width="stretch", column_config=columns
    )


summary, run = layout.begin("Runs", LEAD, fills="measures, loss terms and provenance")
listing = store.listing()
with layout.part("the comparison"):
    other = None if bare_towers.is_bare(summary) else other_run(listing, summary)
    if other is None:
        draw_own(summary)
    else:
        draw_comparison(summary, run, other)
with layout.part("the loss"):
    draw_loss(summary, run)
with layout.part("how it was made"):
    draw_origin(summary)
with layout.part("the list of runs"):
    draw_list(listing)
