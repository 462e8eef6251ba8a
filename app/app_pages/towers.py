"""Towers: every known tower and whether it is here; fetched with one click, or added by its path."""

from __future__ import annotations

import bare_towers
import known_towers
import layout
import streamlit as st
from fetching import Fetch, fetches, may_fetch

from lexclip_core.towers.registry import REGISTRY
from lexclip_core.towers.sources import ON_THE_HUB

LEAD = (
    "A **tower** turns words and sentences into vectors. Those that are here can be looked at as they are, "
    "and trained on words of your own."
)
ADD_HELP = (
    "A folder of a model, a weight file (.safetensors, .pt, .bin), word vectors (.txt, .vec, .bin of GloVe "
    "or word2vec), or a model of the hub: hf-hub:owner/model. Where a weight file does not say what it is "
    "of, write its architecture behind it: epoch_32.pt#ViT-B-32-quickgelu."
)
OFFLINE = (
    "This explorer asks no other machine for anything, unless you press *Fetch*. It was started with "
    "HF_HUB_OFFLINE=1, so nothing is fetched at all."
)


def fetch(name: str) -> None:
    """Begin to fetch a tower, once a server."""
    running = fetches().get(name)
    if running is None or running.over:
        fetches()[name] = Fetch(name)


def forget(name: str) -> None:
    """Forget an added tower; its files stay."""
    fetches().pop(name, None)
    known_towers.remove(name)


def draw_add() -> None:
    """Draw the box for a tower of one's own; a new one is loaded once, and then remembered."""
    with st.form("add", border=False), st.container(horizontal=True, vertical_alignment="bottom"):
        text = st.text_input("A tower of your own: file, folder or name", key="own", help=ADD_HELP)
        pressed = st.form_submit_button("Add it")
    name = (text or "").strip()
    if pressed and name:
        if name.startswith(ON_THE_HUB) and not may_fetch():
            st.warning("It is a model of the hub, and this explorer was started offline.")
        else:
            fetch(name)
    for own in [key for key in fetches() if key not in REGISTRY]:
        draw_fetch(own)


def draw_fetch(name: str) -> None:
    """Say how the fetching of a tower stands, again and again while it runs."""
    one = fetches()[name]
    st.fragment(draw_progress, run_every=None if one.over else 1.0)(one, live=not one.over)


def draw_progress(one: Fetch, *, live: bool) -> None:
    """Say how much of a tower is here, and what went wrong."""
    name = layout.literal(known_towers.called(one.name))
    if one.over:
        if one.good and one.name not in REGISTRY and one.name not in known_towers.added():
            known_towers.add(one.name)
        if live:
            known_towers.state.clear()
            st.rerun()
        if one.problem is not None:
            layout.show_error(one.problem)
        elif one.ended:
            st.info(f"{name}: stopped. What came stays, and *Fetch* goes on from there.")
        elif one.good:
            st.success(f"{name} is here, and loads.")
            if one.name not in REGISTRY:  # what was added is looked at next
                draw_ways(one.name)
        return
    total = REGISTRY[one.name].megabytes if one.name in REGISTRY else 0
    share = min(one.megabytes / total, 0.99) if total else 0.0
    of = f" of about {total:,}" if total else ""
    st.progress(share, text=f"{name}: {one.megabytes:,.0f}{of} MB are here …")
    st.button("Stop", key=f"stop {one.name}", on_click=one.end)


def draw_tower(name: str, note: str) -> None:
    """Draw a tower that is here, with the ways to look at it."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        called = layout.literal(known_towers.called(name))
        st.markdown(f"**{called}**  \n:gray[{layout.literal(note)}]", width="stretch")
        draw_ways(name)


def draw_ways(name: str) -> None:
    """Link to the pages that look at a tower that is here."""
    for file, label, query in (
        ("app_pages/word.py", "Words", {"run": f"{bare_towers.PREFIX}{name}"}),
        ("app_pages/train.py", "Train it", {"tower": known_towers.called(name)}),
    ):
        st.page_link(file, label=label, query_params=query | layout.carried(layout.PRESENT))


def about(name: str) -> str:
    """Return one line on a tower."""
    if name not in REGISTRY:
        return "added here" if known_towers.called(name) == name else f"added here · {name}"
    record = REGISTRY[name]
    size = f"{record.dim} numbers a word"
    return " · ".join(filter(None, (record.note, size, record.licence)))


def draw_here() -> None:
    """Draw the towers that are on this machine."""
    st.header("Here", anchor=False)
    for name in known_towers.known():
        state = known_towers.state(name)
        if state.state == "here":
            draw_tower(name, f"{'' if state.verified else 'unverified weights · '}{about(name)}")
    for name in known_towers.added():
        draw_tower(name, about(name))
        st.button("Remove from this list", key=f"remove {name}", on_click=forget, args=(name,))


def draw_elsewhere() -> None:
    """Draw the towers that can be fetched with one click, and those that a person must supply."""
    states = [state for name in known_towers.known() if (state := known_towers.state(name)).state != "here"]
    on_hub = [state for state in states if state.how.startswith("fetch ") or state.state == "fetchable"]
    st.header("To fetch", anchor=False)
    if not may_fetch():
        st.caption(OFFLINE)
    for state in on_hub:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            note = about(state.name)
            st.markdown(f"**{layout.literal(state.name)}**  \n:gray[{layout.literal(note)}]", width="stretch")
            running = state.name in fetches() and not fetches()[state.name].over
            st.button(
                f"Fetch {state.megabytes:,} MB" if state.megabytes else "Fetch",
                key=f"fetch {state.name}",
                on_click=fetch,
                args=(state.name,),
                disabled=running or not may_fetch(),
            )
        if state.name in fetches():
            draw_fetch(state.name)
    st.header("To supply", anchor=False)
    st.caption("No program can fetch these. Where you have one, this is how it comes in.")
    for state in states:
        if state not in on_hub:
            with st.expander(layout.literal(state.name)):
                st.markdown(layout.literal(f"{about(state.name)}."))
                st.markdown(layout.literal(state.how[:1].upper() + state.how[1:] + "."))


def draw_cards() -> None:
    """Link to what each tower makes of words, next to others."""
    st.header("Which one knows words best?", anchor=False)
    layout.page_link(
        "app_pages/cards.py", "Their cards, next to each other: any two towers, measure by measure"
    )


layout.head("Towers", LEAD)
with layout.part("a tower of one’s own"):
    draw_add()
with layout.part("the towers that are here"):
    draw_here()
draw_cards()
with layout.part("the towers that are elsewhere"):
    draw_elsewhere()
