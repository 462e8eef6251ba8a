"""Negation and order: does a tower notice the no, or who is larger than whom, that turns a sentence round?"""

from __future__ import annotations

import layout
import probe_scores
import store
import streamlit as st
import typed

from lexclip_core.errors import LexclipError
from lexclip_core.experiments import run_folder
from lexclip_core.figures import alt_texts, scores

LEAD = (
    "A sentence, the same in other words, and one that a “no” or another order turns round. To a reader the "
    "first two belong together. Does the tower think so?"
)
BOXES = {"said": "A sentence", "again": "The same in other words", "other": "Another meaning"}
# Label of the button -> sentences; the last exchanges a thing only: the control item.
EXAMPLES = {
    "No": ("there is a dog in the picture", "we can see a dog", "there is no dog in the picture"),
    "Is a": ("every owl is a bird", "an owl is a kind of bird", "every bird is an owl"),
    "Larger than": (
        "a horse is larger than a mouse",
        "a mouse is smaller than a horse",
        "a mouse is larger than a horse",
    ),
    "Another thing": ("there is a dog in the picture", "we can see a dog", "there is a car in the picture"),
}
ABOUT_ALL = (
    "Asked about each of the {things} things that scenes are made of. An answer is right if the two "
    "sentences of one meaning are the nearest two of the three; by chance one in three would be. The "
    "control items, in which one thing is exchanged instead, show that the question can be answered."
)


def ask() -> tuple[str, ...]:
    """Draw the examples and the three boxes, and return what stands in them.

    Raises:
        InputError: A sentence cannot be used.
    """
    with st.container(horizontal=True):
        for label, sentences in EXAMPLES.items():
            st.button(label, key=f"example_{label}", on_click=_put, args=(sentences,))
    st.caption("Or type any three sentences.")
    first = next(iter(EXAMPLES.values()))
    written = [
        column.text_input(label, example, key=key, bind="query-params")
        for column, (key, label), example in zip(st.columns(3), BOXES.items(), first, strict=True)
    ]
    return tuple(
        typed.read_query(text, f"box “{label}”") for text, label in zip(written, BOXES.values(), strict=True)
    )


def _put(sentences: tuple[str, ...]) -> None:
    for key, sentence in zip(BOXES, sentences, strict=True):
        st.session_state[key] = sentence


def draw_three(summary: run_folder.RunSummary) -> None:
    """Draw how near three sentences are to one another."""
    st.header("Three sentences of your own", anchor=False)
    st.caption(layout.COSINE)
    try:
        asked = ask()
        once = tuple(dict.fromkeys(asked))
        rows = store.name_rows(summary, once, "name")
    except LexclipError as error:
        layout.show_error(error)
        return
    if "tuned" not in rows:
        layout.say_untuned(summary)
    places = [once.index(sentence) for sentence in asked]
    table = probe_scores.cosines({tower: both[places] for tower, both in rows.items()})
    layout.finding(probe_scores.finding(table))
    layout.chart(
        scores.metric_bars_figure(table, title="How near two of the sentences are", value_title="cosine"),
        alt_texts.alt_text("metric_bars", table),
        key="three",
    )


def draw_all(summary: run_folder.RunSummary) -> None:
    """Draw how often a tower is right about all things."""
    st.header("How often it is right", anchor=False)
    tests = probe_scores.probes()
    rows = store.name_rows(summary, probe_scores.texts(tests), "name")
    table = probe_scores.shares(rows, tests)
    layout.finding(probe_scores.overall(table))
    figure = scores.metric_bars_figure(
        table, title="Right answers, with 95 % intervals; the line is chance", value_title="share right"
    )
    figure.add_vline(1 / 3, line_dash="dash", line_color="#595959")
    figure.update_xaxes(tickformat=".0%")
    layout.chart(figure, alt_texts.alt_text("metric_bars", table), key="shares")
    st.caption(ABOUT_ALL.format(things=len(set(tests.images))))


summary, _ = layout.begin("Negation and order", LEAD, fills="a tuned tower to ask")
first = st.container()
with layout.part("three sentences"):  # quick, so it is drawn while all the others are still encoded
    draw_three(summary)
with first, layout.part("how often it is right"):
    draw_all(summary)
