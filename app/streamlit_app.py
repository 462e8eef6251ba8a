"""The explorer: what a text tower makes of words, before and after tuning.

Start it with `make app`, or `streamlit run app/streamlit_app.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault(
    "HF_HUB_OFFLINE", "1"
)  # no request leaves the machine; set before any hub client is imported

import layout
import pages
import store
import streamlit as st

page = st.navigation(
    [st.Page(one.file, title=one.title, default=one is pages.PAGES[0]) for one in pages.PAGES]
)
st.set_page_config(
    page_title=f"{page.title} · lexclip",
    page_icon=str(Path(__file__).with_name("favicon.svg")),
    layout="wide",
)
layout.start()
listing = store.listing()
layout.pick_run(listing)
with layout.part(f"the page {page.title}"):
    page.run()
layout.end()
store.warm_up(listing)
