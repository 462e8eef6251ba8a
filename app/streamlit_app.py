"""The explorer: what a text tower makes of words, before and after tuning.

Start it with `make app`, or `streamlit run app/streamlit_app.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

# No request leaves the machine unless a visitor asks for a tower, and none at all where the server was
# started offline. Set before any hub client is imported.
os.environ.setdefault("LEXCLIP_OFFLINE", os.environ.get("HF_HUB_OFFLINE", "0"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import layout
import pages
import store
import streamlit as st
import tour
from streamlit.navigation.page import StreamlitPage


def moved(old: str, file: str) -> StreamlitPage:
    """Return a page without an entry that leads from an old address, with what it asks for, to a page."""
    return st.Page(
        lambda: st.switch_page(file, query_params=st.query_params.to_dict()),
        url_path=old,
        title=old,
        visibility="hidden",
    )


def unknown(path: str) -> StreamlitPage:
    """Return a page without an entry that leads from an address that never was to the nearest page."""

    def answer() -> None:
        nearest = pages.nearest(path)
        st.session_state[layout.UNKNOWN_PAGE] = (path, nearest.title)
        st.switch_page(nearest.file, query_params=st.query_params.to_dict())

    return st.Page(answer, url_path=path, title=path, visibility="hidden")


wrong = pages.unknown_path(st.context.url or "")
page = st.navigation(
    [st.Page(one.file, title=one.title, default=one is pages.PAGES[0]) for one in pages.PAGES]
    + [moved(old, file) for old, file in pages.MOVED.items()]
    + ([unknown(wrong)] if wrong else []),
    expanded=True,
)
st.set_page_config(
    page_title=f"{page.title} · lexclip",
    page_icon=str(Path(__file__).with_name("favicon.svg")),
    layout="wide",
)
layout.start()
layout.say_unknown_page()
listing = store.listing()
layout.pick_run(listing)
with tour.guided(page.title, listing), layout.part(f"the page {page.title}"):
    page.run()
layout.end()
store.warm_up(listing)
