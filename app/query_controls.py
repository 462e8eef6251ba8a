"""The Queries page's controls: pictures, two phrasings, how many results; the address holds them."""

from __future__ import annotations

from dataclasses import dataclass

import layout
import picture_choice
import static_data
import streamlit as st
import typed

from lexclip_core.datasets.pictures.picture_set import PictureSet

SCENES = "Scenes of two emoji"
SETS = {SCENES: "", "Animals and nature": "animals-nature", "All nouns": picture_choice.ALL}
KINDS = {
    "synonym": ("A synonym", "One word gives way to another for the same thing."),
    "order": ("Another order", "The same things, in the other order."),
    "word": ("One word more", "A word is added that changes nothing."),
    "expansion": ("A long sentence", "The same request in many more words."),
}
"""Kind of rewording in the evaluation set -> the button's label and help."""
FEWEST, USUAL, MOST = 3, 8, 20
EVERY = 10_000
"""More classes than any set has."""
PLAIN = {
    "synonym": ("a rabbit", "a bunny"),
    "order": ("a red apple", "an apple that is red"),
    "word": ("a dog", "it was a dog"),
    "expansion": ("a ship", "I would like to see a picture in which there is a ship"),
}
"""Queries for pictures of single things, by kind."""


@dataclass(frozen=True)
class Asked:
    """What the page is asked for.

    Args:
        pictures: The pictures to choose among.
        queries: The two phrasings.
        k: How many pictures each retrieves.
    """

    pictures: PictureSet
    queries: tuple[str, str]
    k: int


def ask() -> Asked:
    """Draw the controls and return what they say.

    Raises:
        LexclipError: A query cannot be used, or the emoji are not here.
    """
    left, right = st.columns([2, 1])
    layout.check_address("pictures", list(SETS), "set of pictures")
    title = left.selectbox(
        "Pictures", list(SETS), key="pictures", bind="query-params", on_change=_first_example
    )
    k = right.slider("How many results", FEWEST, MOST, USUAL, key="k", bind="query-params")
    _examples(title)
    first, second = example(title, "synonym", 0)
    left, right = st.columns(2)
    one = left.text_input("First query", first, key="first", bind="query-params")
    other = right.text_input("Second query", second, key="second", bind="query-params")
    queries = typed.read_query(one, "first query"), typed.read_query(other, "second query")
    return Asked(_pictures(title), queries, int(k))


def _pictures(title: str) -> PictureSet:
    if title == SCENES:
        return static_data.scene_set()[1]
    return picture_choice.choose(SETS[title], EVERY, 0, "any")


def example(title: str, kind: str, draw: int) -> tuple[str, str]:
    """Return the two queries of an example; of scenes there are hundreds, of single things one a kind."""
    if title != SCENES:
        return PLAIN[kind]
    queries = static_data.scene_set()[0].queries
    places = [place for place, one in enumerate(queries.kinds) if one == kind]
    place = places[draw % len(places)]
    return queries.queries_a[place], queries.queries_b[place]


def _first_example() -> None:
    _put("synonym")


def _put(kind: str) -> None:
    draw = int(st.session_state.get("which") or 0)
    pair = example(st.session_state.get("pictures") or SCENES, kind, draw)
    st.session_state["first"], st.session_state["second"] = pair


def _examples(title: str) -> None:
    st.markdown("**Ask for one thing in two ways, for example with…**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for kind, (label, what) in KINDS.items():
            st.button(label, key=f"example_{kind}", help=what, on_click=_put, args=(kind,))
        if title == SCENES:
            st.number_input(
                "Which example", 0, 9999, 0, key="which", width=130, help="Another number, other pictures."
            )
    st.caption(layout.literal("Or type any two sentences."))
