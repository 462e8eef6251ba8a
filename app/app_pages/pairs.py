"""Pair cosines: the blog's own pairs, any pair typed in, and all pairs of the run."""

from __future__ import annotations

import findings
import layout
import pandas as pd
import store
import streamlit as st
import tables
import thumbnails
import typed

from lexclip_core.errors import LexclipError
from lexclip_core.experiments import run_folder
from lexclip_core.figures import alt_texts, cosines

LEAD = "How near are two words, before and after tuning?  \n" + layout.COSINE
BLOG = (
    "The blog post behind this project found that CLIP puts happy nearer to sad (0.80) than to cheerful "
    "(0.79), and smart nearer to dumb (0.80) than to intelligent (0.75). Here are the same pairs in this "
    "run’s tower. Type two words to compare them with these."
)
SPLITS = "Tuning saw neither. Settings are chosen on dev words; test words are for the final measure."
MAX_ROWS = 5000
COLUMNS = ["word_a", "word_b", "cosine_before", "cosine_after", "change", "relation", "pos", "split"]


def typed_pair() -> tuple[str, str] | None:
    """Read the two text boxes; None while they are empty or hold nothing usable."""
    left, right = st.columns(2)
    first = left.text_input("First word", key="a", bind="query-params", placeholder="hot")
    second = right.text_input("Second word", key="b", bind="query-params", placeholder="cold")
    if not first and not second:
        return None
    try:
        return typed.read_pair(first, second)
    except LexclipError as error:
        layout.show_error(error)
        return None


def named_pairs(summary: run_folder.RunSummary, pair: tuple[str, str] | None) -> pd.DataFrame:
    """Return the blog's pairs and the typed one with their cosines, less those that cannot be encoded."""
    table = tables.blog_pairs()
    if pair:
        table.loc[len(table)] = [*pair, "typed"]
    parts, failures = [], {}
    for _, group in table.groupby([table["relation"] == "typed", "word_a"], sort=False):
        words = tuple(dict.fromkeys([*group["word_a"], *group["word_b"]]))
        try:
            parts.append(cosines.pair_table(group, words, *store.vectors(summary, words)))
        except LexclipError as error:
            failures[error.problem] = error
    for failure in failures.values():
        layout.show_error(failure)
    return pd.concat(parts, ignore_index=True) if parts else table.iloc[:0]


def draw_named(summary: run_folder.RunSummary) -> None:
    """Draw the blog's pairs and the typed pair as one picture."""
    st.subheader("The pairs it began with, and yours", anchor=False)
    st.caption(BLOG)
    table = named_pairs(summary, typed_pair())
    if table.empty:
        return
    sentences = []
    for word in table.loc[table["relation"] == "antonym", "word_a"]:
        sentences.append(findings.triple(table, word, layout.literal))
    sentences += [
        findings.pair(row, layout.literal) for _, row in table[table["relation"] == "typed"].iterrows()
    ]
    layout.finding("  \n".join(sentences))
    draw_typed_pictures(table[table["relation"] == "typed"])
    layout.chart(cosines.pair_cosines_figure(table), alt_texts.alt_text("pair_cosines", table), key="named")


def draw_typed_pictures(rows: pd.DataFrame) -> None:
    """Draw the emoji of the typed words that have one."""
    words = [word for pair in rows[["word_a", "word_b"]].itertuples(index=False) for word in pair]
    found = {word: picture for word in words if (picture := thumbnails.of_word(word))}
    if found:
        with st.container(horizontal=True):
            for word, picture in found.items():
                layout.small_picture(picture, word)


def draw_run_pairs(run: run_folder.Run) -> None:
    """Draw all pairs of the run, filtered by relation, as histogram and table."""
    st.subheader("All pairs of this run", anchor=False)
    if run.pairs.empty:
        st.info("This run lists no pairs.")
        return
    left, right = st.columns(2)
    offered = list(dict.fromkeys(run.pairs["relation"]))
    with left:
        chosen = st.pills(
            "Relations",
            offered,
            selection_mode="multi",
            default=offered,
            key="relations",
            bind="query-params",
        )
    splits = sorted(set(run.pairs["split"]), key=lambda split: (split != "test", split))
    split = right.segmented_control(
        "Split", splits, default=splits[0], required=True, key="split", bind="query-params", help=SPLITS
    )
    rows = run.pairs[run.pairs["relation"].isin(chosen) & (run.pairs["split"] == split)]
    if rows.empty:
        st.info("Choose at least one relation.")
        return
    layout.finding(findings.relations(cosines.pair_summary(rows), layout.literal))
    layout.chart(
        cosines.cosine_histogram_figure(rows), alt_texts.alt_text("cosine_histogram", rows), key="histogram"
    )
    shown = rows.assign(change=rows["cosine_after"] - rows["cosine_before"]).head(MAX_ROWS)
    st.caption(f"{len(shown):,} of {len(rows):,} pairs; click a column to sort.")
    layout.table(shown[COLUMNS])


summary, run = layout.begin("Pair cosines", LEAD, fills="the cosines of its synonym and antonym pairs")
draw_named(summary)
draw_run_pairs(run)
