"""The furniture of every page: run picker, headline, finding, picture, empty state, error."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import plotly.graph_objects as go
import store
import streamlit as st

from lexclip_core import storage
from lexclip_core.errors import InputError, LexclipError
from lexclip_core.experiments import run_folder
from lexclip_core.figures import style
from lexclip_core.targets.registry import TARGETS

COSINE = (
    "**Cosine** says how alike two vectors point: 1 is the same direction, 0 unrelated, −1 opposite. "
    "A tower turns each word into a vector."
)
CONTROLS = {
    "shuffled": "a control: the same targets, shuffled",
    "constant": "a control: one constant target",
    "random_words": "a control: random words",
}
PICTURE_WIDTH = 48
MAX_SKIPPED = 5
"""Damaged runs that the sidebar names one by one."""

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_LINK = re.compile(r"(://|www\.|@)", re.IGNORECASE)
_JOINER = "\u2060"  # invisible; keeps an address from becoming a link, which escapes do not


def literal(text: object) -> str:
    """Return text that Markdown shows letter by letter, whatever a visitor or a run put into it."""
    plain = str(text).encode("utf-8", "replace").decode().replace("\n", " ")  # a name may be no UTF-8
    whole = _LINK.sub(lambda found: found[0][0] + _JOINER + found[0][1:], plain)
    return _PUNCTUATION.sub(r"\\\1", whole)


def pick_run(listing: store.Listing) -> None:
    """Draw the run picker in the sidebar, keep it in `?run=`, and say which runs could not be shown."""
    if listing.summaries:
        names = [summary.run_id for summary in listing.summaries]
        chosen = _chosen_run(names)
        # One widget for each choice, which starts with it. When pages change, the browser may forget what a
        # widget outside the page had, and answers with what the widget started with: with one widget for
        # all, and with `bind="query-params"`, that was the first run, now and then, on a slow machine.
        picker = f"run {chosen}"
        st.sidebar.selectbox(
            "Run",
            names,
            index=names.index(chosen),
            key=picker,
            on_change=_run_was_picked,
            args=(picker,),
            help="A run is one tuning of a text tower, kept as a folder of plain files.",
        )
        st.session_state["run"] = chosen
        if chosen == names[0]:
            st.query_params.pop("run", None)
        else:
            st.query_params["run"] = chosen
        st.sidebar.caption(f"{len(names)} runs in `{_short(listing.folder)}`")
    for entry in listing.damaged[:MAX_SKIPPED]:
        st.sidebar.warning(f"Skipped {literal(entry.path.name)}: {literal(_without_path(entry))}.")
    if len(listing.damaged) > MAX_SKIPPED:
        st.sidebar.warning(f"… and {len(listing.damaged) - MAX_SKIPPED} more: see `lexclip doctor`.")


def _chosen_run(names: Sequence[str]) -> str:
    """Return the run that the address names, else the last one chosen, else the first."""
    asked = st.query_params.get("run")
    if asked and asked not in names:
        st.session_state["unknown_run"] = asked
    before = st.session_state.get("run")
    return next(str(name) for name in (asked, before, names[0]) if name in names)


def _run_was_picked(picker: str) -> None:
    st.session_state.pop("unknown_run", None)
    st.query_params["run"] = st.session_state["run"] = st.session_state[picker]


def _short(folder: Path) -> Path:
    root = storage.project_root()
    return folder.relative_to(root) if folder.is_relative_to(root) else folder


def _without_path(entry: run_folder.DamagedRun) -> str:
    return entry.reason.removeprefix(f"run {entry.path}: ")


def begin(title: str, lead: str, *, fills: str) -> tuple[run_folder.RunSummary, run_folder.Run]:
    """Draw the page's title and lead, and return the chosen run; end the page where there is none.

    Args:
        title: The page's heading.
        lead: One or two sentences in Markdown.
        fills: What a run would put on this page, for the empty state.
    """
    st.title(title, anchor=False)
    st.markdown(lead)
    listing = store.listing()
    if not listing.summaries:
        empty_state(f"There is no run yet. A run brings {fills}. Make one, then reload this page:", listing)
    unknown = st.session_state.get("unknown_run")
    summary = listing.find(st.session_state.get("run")) or listing.summaries[0]
    if unknown:
        st.warning(
            f"There is no run called “{literal(unknown[:60])}”. Showing {literal(summary.run_id)} instead."
        )
    try:
        run = store.read(summary)
    except LexclipError as error:
        show_error(error)
        st.stop()
    st.caption(f"Run **{literal(summary.run_id)}** · {literal(describe(summary))}")
    return summary, run


def aim(summary: run_folder.RunSummary) -> str:
    """Return what cosines were tuned towards, "" where the run's settings name no target."""
    target = TARGETS.get(store.target_name(summary))
    return target.meaning if target else ""


def describe(summary: run_folder.RunSummary) -> str:
    """Return what the run was tuned towards, how many words it holds, and its tower."""
    control = str(summary.config.get("control", ""))
    meaning = CONTROLS.get(control) or aim(summary) or summary.preset or "targets not named"
    return f"{meaning} · {summary.n_words:,} words · {store.tower_name(summary)}"


def empty_state(message: str, listing: store.Listing) -> NoReturn:
    """Say what is missing, with the command that makes it, and end the page."""
    st.info(message)
    st.code(
        f"lexclip tune --preset {store.DEFAULT_PRESET} --out {_short(listing.folder)}",
        language="bash",
        wrap_lines=True,
    )
    st.caption("It takes minutes on a laptop and needs no network.")
    st.stop()


def say_untuned(summary: run_folder.RunSummary) -> None:
    """Say that a run has no tuned tensors, with the command that makes them."""
    st.info(
        f"Run {literal(summary.run_id)} has no tuned tensors, so only its base tower is shown. "
        "This command makes them:"
    )
    st.code(store.rebuild_command(summary), language="bash", wrap_lines=True)


def show_error(error: LexclipError) -> None:
    """Show an expected failure as problem and remedy."""
    (st.warning if isinstance(error, InputError) else st.error)(literal(error.problem))
    if error.remedy:
        st.caption(literal(error.remedy))


def finding(sentence: str, *, picture: str | None = None, of: str = "") -> None:
    """Draw the sentence that a reader should leave with, with a small picture where there is one.

    Args:
        sentence: Markdown.
        picture: The `data:` address of a picture.
        of: What the picture shows.
    """
    with st.container(border=True, horizontal=picture is not None, vertical_alignment="center"):
        if picture is not None:
            small_picture(picture, of)
        st.markdown(sentence)


def small_picture(address: str, of: str) -> None:
    """Draw a picture of a `data:` address, 48 pixels wide.

    Args:
        address: The address.
        of: What the picture shows, for those who do not see it.
    """
    st.image(address, width=PICTURE_WIDTH, alt=f"Emoji of {of}")


def chart(figure: go.Figure, alt: str, *, key: str) -> None:
    """Draw a picture that says in words what it shows."""
    st.plotly_chart(figure, key=key, alt=alt, theme=None, config=style.PLOTLY_CONFIG, width="stretch")


def table(frame: pd.DataFrame, *, pictures: Sequence[str] = (), narrow: Sequence[str] = ()) -> None:
    """Draw a sortable table; numbers with three decimals, columns of `data:` addresses as pictures."""
    shown = frame.rename(columns=lambda name: str(name).replace("_", " "))
    columns: dict[str, Any] = {
        name: st.column_config.NumberColumn(format="%.3f") for name in shown.select_dtypes("floating")
    }
    columns |= {name: st.column_config.ImageColumn(name, width=PICTURE_WIDTH) for name in pictures}
    columns |= {name: st.column_config.TextColumn(width="small") for name in narrow}
    st.dataframe(shown, hide_index=True, width="stretch", column_config=columns)
