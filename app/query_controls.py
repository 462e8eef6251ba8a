"""The Queries page's controls: pictures, two phrasings, how many results; the address holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import layout
import picture_choice
import static_data
import streamlit as st
import typed

from lexclip_core.datasets.pictures.picture_set import PictureSet
from lexclip_core.errors import LexclipError

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
MOST_EXAMPLES = 60
EVERY = 10_000
"""More classes than any set has."""
PLAIN = {
    "synonym": ("a rabbit", "a bunny", "rabbit"),
    "order": ("a red apple", "an apple that is red", "red apple"),
    "word": ("a dog", "it was a dog", "dog"),
    "expansion": ("a ship", "I would like to see a picture in which there is a ship", "ship"),
}
"""Queries for pictures of single things by kind, and the title of the picture that they want."""
Ranked = Callable[[str], Sequence[int]]
"""Kind of rewording -> the places of its examples, those in which most happens first."""


@dataclass(frozen=True)
class Asked:
    """What the page is asked for.

    Args:
        pictures: The pictures to choose among.
        queries: The two phrasings.
        k: How many pictures each retrieves.
        wanted: Place of the picture that both ask for; -1 where that is not known.
    """

    pictures: PictureSet
    queries: tuple[str, str]
    k: int
    wanted: int = -1


def ask(ranked: Ranked) -> Asked:
    """Draw the controls and return what they say.

    Args:
        ranked: The order of the examples.

    Raises:
        LexclipError: A query cannot be used, or the emoji are not here.
    """
    left, right = st.columns([2, 1])
    layout.check_address("pictures", list(SETS), "set of pictures")
    title = left.selectbox(
        "Pictures", list(SETS), key="pictures", bind="query-params", on_change=_put, args=("synonym", ranked)
    )
    k = right.slider("How many results", FEWEST, MOST, USUAL, key="k", bind="query-params")
    _examples(title, ranked)
    first, second = example(title, "synonym", 0, ranked)
    left, right = st.columns(2)
    one = left.text_input("First query", first, key="first", bind="query-params")
    other = right.text_input("Second query", second, key="second", bind="query-params")
    queries = typed.read_query(one, "first query"), typed.read_query(other, "second query")
    pictures = _pictures(title)
    return Asked(pictures, queries, int(k), wanted(title, pictures, queries))


def _pictures(title: str) -> PictureSet:
    if title == SCENES:
        return static_data.scene_set()[1]
    return picture_choice.choose(SETS[title], EVERY, 0, "any")


def examples(kind: str) -> list[int]:
    """Return the places of the examples of a kind among the queries for scenes; at most 60."""
    queries = static_data.scene_set()[0].queries
    return [place for place, one in enumerate(queries.kinds) if one == kind][:MOST_EXAMPLES]


def example(title: str, kind: str, draw: int, ranked: Ranked = examples) -> tuple[str, str]:
    """Return the two queries of an example; of scenes there are dozens, of single things one a kind."""
    if title != SCENES:
        return PLAIN[kind][:2]
    queries, places = static_data.scene_set()[0].queries, ranked(kind)
    place = places[draw % len(places)]
    return queries.queries_a[place], queries.queries_b[place]


def wanted(title: str, pictures: PictureSet, asked: tuple[str, str]) -> int:
    """Return the place of the picture that two queries ask for, where they are an example; else -1."""
    if title != SCENES:
        titles = [one[2] for one in PLAIN.values() if one[:2] == asked]
        return pictures.titles.index(titles[0]) if titles and titles[0] in pictures.titles else -1
    made = static_data.scene_set()[0]
    pairs = zip(made.queries.queries_a, made.queries.queries_b, strict=True)
    places = [place for place, pair in enumerate(pairs) if pair == asked]
    return int(made.queries.places(made.names())[places[0]]) if places else -1


def _put(kind: str, ranked: Ranked) -> None:
    draw = int(st.session_state.get("which") or 0)
    title = st.session_state.get("pictures") or SCENES
    try:
        pair = example(title, kind, draw, ranked)
    except LexclipError:  # the page says it
        pair = example(title, kind, draw)
    st.session_state["first"], st.session_state["second"] = pair


def _examples(title: str, ranked: Ranked) -> None:
    st.markdown("**Ask for one thing in two ways, for example with…**")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        for kind, (label, what) in KINDS.items():
            st.button(label, key=f"example_{kind}", help=what, on_click=_put, args=(kind, ranked))
        if title == SCENES:
            st.number_input(
                "Which example", 0, 9999, 0, key="which", width=130, help="Another number, other pictures."
            )
    st.caption(layout.literal("Or type any two sentences."))
