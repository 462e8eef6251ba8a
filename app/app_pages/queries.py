"""Queries: two phrasings of one intent over one set of pictures, ranked by the base and the tuned tower."""

from __future__ import annotations

from collections.abc import Mapping

import layout
import query_controls
import retrieving
import store
import streamlit as st

from lexclip_core.datasets.pictures.picture_set import PictureSet
from lexclip_core.errors import InputError, LexclipError
from lexclip_core.experiments import run_folder
from lexclip_core.figures import alt_texts, rankings

LEAD = (
    "Two people want the same picture and say it differently. Below stand the pictures that each "
    "phrasing finds, nearest first, joined where both find the same one.  \n"
    "**AO@k** (average overlap) is the mean, over the depths 1 to k, of the share that the two lists have in "
    "common: early ranks count most. **JS@k** (Jaccard similarity) is how many pictures stand in both lists, "
    "of all that stand in either."
)
SCENES_SAY = (
    "The scenes are drawn by rule from emoji: those in their own colours in a style that the image tower "
    "never saw, the tinted ones as line drawings in one that it knew. No tuning on scenes saw their things."
)
SINGLE_SAY = "One drawing a thing, in a style that the image tower never saw."
LARGE = 128
LEAST = 0.005  # the smallest change that two decimals show


def draw_numbers(retrieved: Mapping[str, retrieving.Retrieved], k: int) -> None:
    """Draw AO and JS of both towers as large numbers, the tuned one with its change."""
    base = retrieved["base"]
    for column, (name, attribute) in zip(
        st.columns(2), {f"AO@{k}": "average_overlap", f"JS@{k}": "jaccard"}.items(), strict=True
    ):
        before = getattr(base, attribute)
        with column.container(horizontal=True):
            st.metric(f"{name}, base", f"{before:.2f}")
            if "tuned" in retrieved:
                after = getattr(retrieved["tuned"], attribute)
                change = round(after, 2) - round(before, 2)  # of the two numbers that are shown
                st.metric(
                    f"{name}, tuned", f"{after:.2f}", f"{change:+.2f}" if abs(change) >= LEAST else None
                )


def draw_ribbons(
    retrieved: Mapping[str, retrieving.Retrieved], pictures: PictureSet, queries: tuple[str, str]
) -> None:
    """Draw both rankings of each tower, side by side where there is room."""
    for column, (tower, one) in zip(st.columns(len(retrieved)), retrieved.items(), strict=True):
        named = dict(zip(retrieving.QUERIES, queries, strict=True))
        shown = {
            str(place): store.thumbnail(pictures.digests[place], pictures, place) for place in one.places
        }
        with column:
            title = f"{tower} tower"
            layout.chart(
                rankings.ribbons_figure(one.table, shown, title=title.capitalize()),
                f"{title}, {named}. {alt_texts.alt_text('ribbons', one.table)}",
                key=f"ribbons_{tower}",
            )


def draw_gallery(retrieved: Mapping[str, retrieving.Retrieved], pictures: PictureSet) -> None:
    """Draw every picture that was found, large; each can be opened over the whole window."""
    st.header("The pictures that were found", anchor=False)
    places = dict.fromkeys(place for one in retrieved.values() for place in one.places)
    with st.container(horizontal=True):
        for place in places:
            title = pictures.titles[place]
            st.image(pictures.read(place), width=LARGE, caption=title, alt=title)
    st.caption("Point at a picture and press the arrows in its corner to enlarge it.")


def draw(summary: run_folder.RunSummary) -> None:
    """Draw the answer, and below it the controls and the pictures."""
    answer = st.container()
    try:
        asked = query_controls.ask()
        pictures = store.picture_rows(summary, asked.pictures)
        once = tuple(dict.fromkeys(asked.queries))
        rows = store.name_rows(summary, once, "name")
        if rows["base"].shape[1] != pictures.shape[1]:
            raise InputError(
                f"The run’s text tower gives {rows['base'].shape[1]} numbers a query, the image tower "
                f"{pictures.shape[1]} a picture: they were not trained together.",
                "Choose a run of all-MiniLM-L6-v2, or of a CLIP tower whose image half is here.",
            )
    except LexclipError as error:
        layout.show_error(error)
        return
    titles, order = asked.pictures.titles, [once.index(query) for query in asked.queries]
    retrieved = {
        tower: retrieving.retrieve(both[order], pictures, titles, min(asked.k, len(titles)))
        for tower, both in rows.items()
    }
    if "tuned" not in retrieved:
        layout.say_untuned(summary)
    with answer:
        draw_numbers(retrieved, asked.k)
        layout.finding(retrieving.finding(retrieved, asked.k))
    draw_ribbons(retrieved, asked.pictures, asked.queries)
    said = SCENES_SAY if asked.pictures.name == "emoji-scenes" else SINGLE_SAY
    st.caption(f"{len(titles):,} pictures were searched. {said}")
    draw_gallery(retrieved, asked.pictures)


summary, _ = layout.begin("Queries", LEAD, fills="a tuned tower to search pictures with")
draw(summary)
