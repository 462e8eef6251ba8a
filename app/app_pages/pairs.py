"""Pairs: any two words typed in, the strongest repairs and failures, and all pairs of the run."""

from __future__ import annotations

import findings
import layout
import numpy as np
import pandas as pd
import store
import streamlit as st
import tables
import thumbnails
import triples
import typed
import word_facts

from lexclip_core.errors import LexclipError
from lexclip_core.experiments import run_folder
from lexclip_core.figures import alt_texts, cosines
from lexclip_core.wordnet.tables import load_wordnet

LEAD = "How near are two words, before and after tuning?  \n" + layout.COSINE
BLOG = (
    "The blog post behind this project found that CLIP puts happy nearer to sad (0.80) than to cheerful "
    "(0.79), and smart nearer to dumb (0.80) than to intelligent (0.75). The same pairs in this tower, "
    "which need not have CLIP’s faults:"
)
SPLITS = "Tuning saw neither. Settings are chosen on dev words; test words are for the final measure."
GALLERY = {
    "Repaired": ("repaired", "The opposite was nearer; now the synonym is."),
    "Not repaired": ("not repaired", "The opposite was nearer, and still is."),
    "Made worse": ("made worse", "The synonym was nearer; now the opposite is."),
}
MAX_ROWS, SHOWN = 5000, 6
COLUMNS = ["word_a", "word_b", "cosine_before", "cosine_after", "change", "relation", "pos", "split"]
TRIPLE_COLUMNS = {
    **{name: name for name in ("word", "synonym", "antonym")},
    **{"synonym_0": "synonym before", "synonym_100": "synonym after"},
    **{"antonym_0": "antonym before", "antonym_100": "antonym after"},
}


def draw_typed(summary: run_folder.RunSummary) -> None:
    """Draw the two boxes, and all that is known of the pair in them."""
    left, right = st.columns(2)
    first = left.text_input("First word", key="a", bind="query-params", placeholder="hot")
    second = right.text_input("Second word", key="b", bind="query-params", placeholder="cold")
    if not first and not second:
        st.caption("Type any two words, known to WordNet or not.")
        return
    pair = typed.read_pair(first, second)
    relation, target = word_facts.relation_of(pair)
    pairs = pd.DataFrame([[*pair, word_facts.drawn_as(relation)]], columns=["word_a", "word_b", "relation"])
    table = measured(summary, pairs)
    row = table.iloc[0]
    said = (
        findings.pair(row, layout.literal)
        if np.isfinite(row["cosine_after"])
        else findings.pair_before(row, layout.literal)
    )
    layout.finding(f"{said}  \n{findings.relation_sentence(relation, target, layout.literal)}")
    if not np.isfinite(row["cosine_after"]):
        layout.say_untuned(summary)
    for column, word, text in zip((left, right), pair, (first, second), strict=True):
        with column:
            draw_word(word, text or "")
    if np.isfinite(row["cosine_after"]):
        figure = cosines.pair_cosines_figure(table, title="Their cosine, before and after")
        layout.chart(figure, alt_texts.alt_text("pair_cosines", table), key="named")


def draw_word(word: str, text: str) -> None:
    """Draw what one typed word means, with its emoji, and the link to its page."""
    wordnet = load_wordnet()
    said = word_facts.note(wordnet, text, word)
    if said:
        st.caption(layout.literal(said))
    senses = word_facts.senses(wordnet, word).head(2)
    for row in senses.itertuples():
        st.caption(f"*{row.pos}*: {layout.literal(row.gloss)}")
    if picture := thumbnails.of_word(word):
        layout.small_picture(picture, word)
    layout.words_line("Everything about ", [word])


def measured(summary: run_folder.RunSummary, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return pairs with their cosines; without tensors those after are missing where the run lacks a word.

    Raises:
        LexclipError: A tower is not here, or a word cannot be encoded.
    """
    words = tuple(dict.fromkeys([*pairs["word_a"], *pairs["word_b"]]))
    if summary.tuned_path is None and not store.rows_of(summary).keys() >= set(words):
        before = store.base_vectors(summary, words)
        return cosines.pair_table(pairs, words, before, before).assign(cosine_after=np.nan)
    return cosines.pair_table(pairs, words, *store.vectors(summary, words))


def draw_gallery(run: run_folder.Run) -> None:
    """Draw the strongest triples of one outcome."""
    st.header("The strongest repairs and failures", anchor=False)
    table = triples.of_run(run)
    if table.empty:
        st.info("This run has no word with a synonym and an opposite.")
        return
    if "antonym_100" not in table:  # of a tower that was not tuned
        wrong = table[table["outcome"] == "not repaired"]
        layout.finding(f"The opposite is nearer than the synonym for **{len(wrong)} of {len(table)}** words.")
        shown = wrong[["word", "synonym", "antonym", "synonym_0", "antonym_0"]]
        layout.table(shown, words=["word"], name="wrong")
        return
    layout.check_address("outcome", list(GALLERY), "outcome")
    there = [name for name, (outcome, _) in GALLERY.items() if (table["outcome"] == outcome).any()]
    usual = there[0] if there else "Repaired"
    chosen = st.segmented_control(
        "Outcome", list(GALLERY), default=usual, required=True, key="outcome", bind="query-params"
    )
    outcome, meaning = GALLERY[chosen]
    rows = table[table["outcome"] == outcome]
    layout.finding(
        f"{meaning} **{len(rows)} of {len(table)}** words that training never saw."
        if run.triples is not None and run.config.get("method") != "paraphrases"
        else f"{meaning} **{len(rows)} of {len(table)}** words with a synonym and an opposite."
    )
    if rows.empty:
        return
    drawn = tables.pairs_of_triples(rows.head(SHOWN))
    figure = cosines.pair_cosines_figure(drawn, title=f"{chosen}: the strongest {min(SHOWN, len(rows))}")
    layout.chart(figure, alt_texts.alt_text("pair_cosines", drawn), key="gallery")
    layout.words_line("Everything about ", list(dict.fromkeys(rows.head(SHOWN)["word"])))
    with st.expander(f"All {len(rows)}, as a table"):
        shown = rows[list(TRIPLE_COLUMNS)].rename(columns=TRIPLE_COLUMNS)
        layout.table(shown, words=["word"], name=chosen)


def draw_run_pairs(run: run_folder.Run) -> None:
    """Draw all pairs of the run, filtered by relation, as histogram and table."""
    st.header("All pairs of this run", anchor=False)
    if run.pairs.empty:
        st.info("This run lists no pairs.")
        return
    left, right = st.columns(2)
    offered = list(dict.fromkeys(run.pairs["relation"]))
    layout.check_address("relations", offered, "relation")
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
    layout.check_address("split", splits, "split")
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
    layout.table(shown[COLUMNS], name="pairs")


def draw_blog(summary: run_folder.RunSummary) -> None:
    """Draw the blog's own pairs in this run's tower."""
    with st.expander("The pairs that the blog began with"):
        st.caption(BLOG)
        table = measured(summary, tables.blog_pairs())
        if table["cosine_after"].isna().any():
            layout.say_untuned(summary)
            return
        words = table.loc[table["relation"] == "antonym", "word_a"]
        layout.finding("  \n".join(findings.triple(table, word, layout.literal) for word in words))


summary, run = layout.begin("Pairs", LEAD, fills="the cosines of its synonym and antonym pairs")
try:
    draw_typed(summary)
except LexclipError as error:
    layout.show_error(error)
with layout.part("the strongest repairs and failures"):
    draw_gallery(run)
with layout.part("all pairs of the run"):
    draw_run_pairs(run)
with layout.part("the blog’s pairs"):
    draw_blog(summary)
