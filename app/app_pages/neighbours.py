"""Neighbours: the words nearest to one word in the original space, before and after."""

from __future__ import annotations

import findings
import layout
import store
import streamlit as st
import thumbnails
import typed

from lexclip_core.errors import LexclipError
from lexclip_core.experiments import run_folder
from lexclip_core.figures import alt_texts, neighbours

LEAD = "Which of the run’s words lie nearest to a word, by cosine in the original space?  \n" + layout.COSINE
COLUMNS = ["neighbour", "change", "cosine_before", "cosine_after", "rank_before", "rank_after"]


def default_word(run: run_folder.Run) -> str:
    """Return a word that the run has: happy, else the first of its pairs, else its first word."""
    if "happy" in run.words:
        return "happy"
    return str(run.pairs["word_a"].iloc[0]) if len(run.pairs) else run.words[0]


summary, run = layout.begin("Neighbours", LEAD, fills="the neighbours of its words")
left, right = st.columns([2, 1])
text = left.text_input(
    "Word",
    default_word(run),
    key="word",
    bind="query-params",
    help="Any word; one the run lacks is encoded now.",
)
k = right.slider("How many", 5, 25, 10, key="k", bind="query-params")
try:
    word = typed.read_word(text)
    before, after = store.vectors(summary, (word,))
except LexclipError as error:
    layout.show_error(error)
    st.stop()
rows = store.rows_of(summary)
k = min(k, len(run.words) - 1)
itself = (run.words[rows[word]],) if word in rows else ()
table = neighbours.neighbour_table_of_vector(
    run.words, run.before, run.after, before[0], after[0], k, exclude=itself
)
layout.finding(findings.neighbours(table, word, layout.literal), picture=thumbnails.of_word(word), of=word)
figure = neighbours.neighbours_figure(table, title=f"The {k} words nearest to {word}")
layout.chart(figure, alt_texts.alt_text("neighbours", table), key="neighbours")
st.caption(
    f"Compared with the {len(run.words):,} words of this run. "
    + ("The word’s own vectors come from the run." if itself else "The word was encoded now by both towers.")
)
layout.table(thumbnails.column(table[COLUMNS], map(thumbnails.of_word, table["neighbour"])), pictures=[""])
