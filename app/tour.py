"""The tour: which stop the address names, drawn above its page; and the printed pages of its stops.

Where a visitor is stands in the address alone, as `?tour=3`. `tour_stops` lists the stops.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

import known_towers
import layout
import pages
import saved_view
import store
import streamlit as st
from tour_stops import STOPS, Said, Scene, Stop

from lexclip_core.errors import LexclipError
from lexclip_core.experiments import run_folder

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

PARAMETER = "tour"
"""What the address says a visitor's stop with, from 1."""
LOOK = """<style>
.st-key-tour { background: #f3f8fc; border-left: 5px solid #0072B2; padding: .5rem .9rem; margin-top: .7rem; }
.st-key-tour p, .st-key-tour [data-testid="stMarkdownContainer"] { margin: 0; }
.st-key-tour a[data-testid="stPageLink-NavLink"] {
  border: 1px solid #0072B2; border-radius: 8px; background: #fff; }
</style>"""


def start_button() -> None:
    """Draw the button that begins the tour; nothing where it runs."""
    if PARAMETER not in st.query_params:
        st.button(
            "Take the tour",
            key="take_the_tour",
            on_click=_go,
            args=("1",),
            help=f"{len(STOPS)} stops, about two minutes.",
        )


def _go(number: str) -> None:
    if number:
        st.query_params[PARAMETER] = number
    else:
        st.query_params.pop(PARAMETER, None)


def scene_of(
    stop: Stop,
    summary: run_folder.RunSummary,
    listing: store.Listing,
    chosen: Mapping[str, str] | None = None,
) -> Scene:
    """Return what a stop speaks of; without an address, what the stop itself chooses.

    Raises:
        LexclipError: The run cannot be read, or what is measured cannot be.
    """
    scene = Scene(summary, store.read(summary), listing.summaries, chosen or {})
    return (
        scene if chosen is not None else Scene(scene.summary, scene.run, scene.summaries, stop.choose(scene))
    )


def said_of(stop: Stop, scene: Scene) -> Said:
    """Return what a stop says; where something is missing, what is."""
    try:
        return stop.say(scene)
    except LexclipError as error:
        return Said((f"This stop cannot be shown with this run: {layout.literal(error.problem)}. Go on.",))


def hand_out(
    number: int,
    summary: run_folder.RunSummary,
    listing: store.Listing,
    origin: str,
    asked: Mapping[str, str] | None = None,
) -> saved_view.HandOut:
    """Return the printed page of a stop.

    Args:
        number: From 1.
        summary: The run that the stop's page shows.
        listing: All runs.
        origin: Where the explorer is, such as `http://127.0.0.1:8501`.
        asked: What the address of its page chooses; None takes what the stop chooses.
    """
    stop = STOPS[number - 1]
    view = saved_view.View(stop.question)
    chosen = asked or {}
    try:
        scene = scene_of(stop, summary, listing, asked)
        chosen, said = scene.chosen, said_of(stop, scene)
        if said.picture is not None:
            view.picture(*said.picture())
        for sentence in (*said.sentences, *filter(None, (said.answer,))):
            view.text(sentence)
    except LexclipError as error:
        view.text(f"This stop cannot be shown with this run: {layout.literal(error.problem)}")
    usual = stop.prefer is not None or summary.run_id == listing.summaries[0].run_id
    query = {key: value for key, value in chosen.items() if key not in ("run", layout.PRESENT)}
    query |= {PARAMETER: str(number)} | ({} if usual else {"run": summary.run_id})
    name = "" if stop.entry is pages.PAGES[0] else stop.page
    return saved_view.HandOut(
        view,
        f"The tour, stop {number} of {len(STOPS)}: the page {stop.entry.title}",
        stop.ask,
        f"{origin}/{name}?{urlencode(query, safe=',')}",
        f"{layout.run_name(summary)}; {known_towers.called(store.tower_name(summary))}",
    )


@contextmanager
def guided(title: str, listing: store.Listing) -> Iterator[None]:
    """Draw the stop that the address names above a page, which is drawn meanwhile; nothing without one.

    Args:
        title: The page's.
        listing: All runs.
    """
    asked = st.query_params.get(PARAMETER)
    if asked is None:
        yield
        return
    layout.check_number(PARAMETER, 1, len(STOPS), "stop of the tour")
    known = asked.isascii() and asked.isdigit() and 1 <= int(asked) <= len(STOPS)
    number = int(asked) if known else 1
    st.html(LOOK)
    with layout.part("the tour"), st.container(border=True, key="tour", gap="small"):
        here = known and STOPS[number - 1].entry.title == title
        _draw_way(number, listing, here=here)
        if not listing.summaries:
            st.markdown("There is no run yet, so there is nothing to show at this stop.")
        place = st.container(gap="small")
    yield
    if here and listing.summaries:
        _fill(place, number, listing)


def _draw_way(number: int, listing: store.Listing, *, here: bool) -> None:
    """Draw which stop this is, and the ways on, back, and out."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if not here:
            st.markdown(f"The tour is at another page, **{STOPS[number - 1].entry.title}**.", width="content")
            _link(number, f"To stop {number}", listing)
        else:
            st.markdown(f"Stop {number} of {len(STOPS)} · **{STOPS[number - 1].question}**", width="content")
            # The way on stands first at every stop, so that the focus stays on it from stop to stop.
            if number < len(STOPS):
                _link(number + 1, f"Next: {STOPS[number].entry.title} →", listing)
            else:
                query = layout.with_carried({})
                st.page_link("app_pages/ledger.py", label="To the Ledger →", query_params=query)
            if number > 1:
                _link(number - 1, "← Back", listing)
        st.button("End the tour", key="end_the_tour", type="tertiary", on_click=_go, args=("",))


def _link(number: int, label: str, listing: store.Listing) -> None:
    """Draw a link to a stop, with what it chooses in its address."""
    stop, chosen = STOPS[number - 1], {}
    if listing.summaries:
        with layout.part(f"the way to stop {number}"):
            chosen = dict(scene_of(stop, layout.shown_run(listing, stop.prefer), listing).chosen)
    query = layout.with_carried(chosen | {PARAMETER: str(number)})
    st.page_link(stop.entry.file, label=label, width="content", query_params=query)


def _fill(place: DeltaGenerator, number: int, listing: store.Listing) -> None:
    """Draw what a stop says, and offer its hand-out."""
    stop = STOPS[number - 1]
    with place, layout.part("what the tour says"):
        shown = [layout.shown_run(listing, one.prefer) for one in STOPS]
        scene = scene_of(stop, shown[number - 1], listing, st.query_params.to_dict())
        st.markdown(" ".join(said_of(stop, scene).sentences))
        parts = urlsplit(str(st.context.url or "http://127.0.0.1:8501"))
        origin = f"{parts.scheme}://{parts.netloc}"

        def printed(numbers: Iterable[int], asked: Mapping[str, str] | None = None) -> str:
            made = [hand_out(one, shown[one - 1], listing, origin, asked) for one in numbers]
            return saved_view.printed(made, "The tour of lexclip")

        with st.container(horizontal=True, gap="small"):
            this = "Hand-out of this stop (HTML, prints on one page)"
            _offer(this, lambda: printed([number], scene.chosen), stop.page)
            if number == len(STOPS):
                every = range(1, len(STOPS) + 1)
                _offer(f"All {len(STOPS)} hand-outs in one file", lambda: printed(every), "all")


def _offer(label: str, made: Callable[[], str], name: str) -> None:
    st.download_button(
        label,
        made,
        f"tour-{name}.html",
        "text/html",
        on_click="ignore",
        key=f"hand_out_{name}",
        type="tertiary",
    )
