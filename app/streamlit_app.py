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
import store
import streamlit as st

st.set_page_config(
    page_title="lexclip", page_icon=str(Path(__file__).with_name("favicon.svg")), layout="wide"
)
page = st.navigation(
    [
        st.Page("app_pages/home.py", title="Home", default=True),
        st.Page("app_pages/pairs.py", title="Pair cosines"),
        st.Page("app_pages/subtree_map.py", title="Subtree map"),
        st.Page("app_pages/neighbours.py", title="Neighbours"),
        st.Page("app_pages/small_words.py", title="Small words"),
        st.Page("app_pages/names.py", title="Names"),
        st.Page("app_pages/queries.py", title="Queries"),
        st.Page("app_pages/training.py", title="Training"),
        st.Page("app_pages/trade_offs.py", title="Trade-offs"),
        st.Page("app_pages/ledger.py", title="Ledger"),
    ]
)
listing = store.listing()
layout.pick_run(listing)
page.run()
store.warm_up(listing)
