"""Queries: two phrasings of one intent over one set of pictures, ranked by the base and the tuned tower."""

from __future__ import annotations

from collections.abc import Mapping

import layout
import query_controls
import retrieving
import static_data
import store
import streamlit as st

from lexclip_core.datasets.pictures.picture_set import PictureSet
from lexclip_core.errors import InputError, LexclipError
from lexclip_core.experiments import run_folder
from lexclip_core.figures import alt_texts, rankings

LEAD = (
    "Two people want the same picture and say it differently. Do they find the same pictures, and the one "
    "they want?"
)
TERMS = (
    "Each list stands nearest first, joined where both find the same picture. "
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


def draw_numbers(retrieved: Mapping[str, retrieving.Retrieved], k: int, wanted: int) -> None:
    """Draw AO, JS and the wanted picture's ranks as large numbers, for both towers."""
    base, columns = retrieved["base"], st.columns(3)
    with columns[2].container(horizontal=True):
        for tower, one in retrieved.items() if wanted >= 0 else ():
            ranks = (str(rank) if rank else "–" for rank in retrieving.wanted_ranks(one.table, wanted))
            st.metric(f"Wanted picture at, {tower}", ", ".join(ranks))
    for column, (name, attribute) in zip(
        columns, {f"AO@{k}": "average_overlap", f"JS@{k}": "jaccard"}.items(), strict=False
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
        asked = query_controls.ask(lambda kind: ranked(summary, kind))
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
        layout.finding(
            f"“{layout.literal(asked.queries[0])}” and “{layout.literal(asked.queries[1])}”:  \n"
            + retrieving.finding(retrieved, asked.k, asked.wanted)
        )
        draw_numbers(retrieved, asked.k, asked.wanted)
        with layout.part("the rankings"):
            draw_ribbons(retrieved, asked.pictures, asked.queries)
    said = SCENES_SAY if asked.pictures.name == "emoji-scenes" else SINGLE_SAY
    st.caption(f"{len(titles):,} pictures were searched. {said} {TERMS}")
    with st.expander("The pictures that were found, large"), layout.part("the pictures"):
        draw_gallery(retrieved, asked.pictures)


def ranked(summary: run_folder.RunSummary, kind: str) -> list[int]:
    """Return the examples of a kind, those in which most happens with this run first."""
    places, made = query_controls.examples(kind), static_data.scene_set()
    queries = made[0].queries
    both = [[part[place] for place in places] for part in (queries.queries_a, queries.queries_b)]
    once = tuple(dict.fromkeys([*both[0], *both[1]]))
    row = {query: number for number, query in enumerate(once)}
    order = [[row[query] for query in part] for part in both]
    rows = {tower: encoded[order] for tower, encoded in store.name_rows(summary, once, "name").items()}
    pictures = store.picture_rows(summary, made[1])
    if next(iter(rows.values())).shape[-1] != pictures.shape[1]:
        return places
    wanted = queries.places(made[0].names())[places]
    return [places[place] for place in retrieving.telling(rows, pictures, wanted, query_controls.USUAL)]


summary, _ = layout.begin(
    "Queries", LEAD, fills="a tuned tower to search pictures with", prefer=layout.tuned_on_captions
)
draw(summary)
