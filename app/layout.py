"""The furniture of every page: run picker, title, finding, figure, table, empty state, errors, saving."""

from __future__ import annotations

import difflib
import html
import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlencode

import bare_towers
import known_towers
import pandas as pd
import plotly.graph_objects as go
import run_names
import saved_view
import store
import streamlit as st

from lexclip_core import storage
from lexclip_core.errors import InputError, LexclipError
from lexclip_core.experiments import run_folder
from lexclip_core.figures import style

COSINE = (
    "**Cosine** says how alike two vectors point: 1 is the same direction, 0 unrelated, −1 opposite. "
    "A tower turns each word into a vector."
)
PICTURE_WIDTH = 48
MAX_SKIPPED = 5
"""Damaged runs that the sidebar names one by one."""

MEANINGS = {
    "synonym": "synonyms, same meaning",
    "antonym": "antonyms, opposites",
    "similar": "similar words",
    "hypernym": "wider words",
    "unrelated": "unrelated, or stayed",
    "left": "left the nearest",
    "entered": "entered the nearest",
}
"""What the legend names, by the name of a mark."""
SHAPES = {
    **{"circle": "●", "diamond": "◆", "square": "■", "triangle-up": "▲", "triangle-down": "▼"},
    **{"pentagon": "⬟", "hexagon": "⬢", "star": "★"},
}
PRESENT = "present"
"""The parameter of an address that asks for large type and no sidebar."""
LARGER = 22 / 16
"""How much larger type is on the wall."""
LARGE_TYPE = """<style>
html { font-size: 22px; }
[data-testid="stSidebar"], [data-testid="stSidebarCollapsedControl"], [data-testid="stHeader"],
[data-testid="stExpandSidebarButton"] { display: none; }
.block-container, [data-testid="stMainBlockContainer"] { padding-top: 1.5rem; max-width: 100%; }
</style>"""
# Focus that one can see, contrast of at least 4.5, and headings one level below the title, but not as large.
FOCUS = """<style>
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] * { color: #595959; opacity: 1; }
[data-testid="stMarkdown"] code, [data-testid="stCaptionContainer"] code { color: #1f1f1f; }
[data-testid="stCode"] .token { color: #1f1f1f !important; }
[data-testid="stMain"] h2 { font-size: 1.55rem; }
[data-testid="stMain"] a:focus-visible, [data-testid="stMain"] button:focus-visible,
[data-testid="stSidebar"] a:focus-visible { outline: 3px solid #0072B2; outline-offset: 2px; }
[data-testid="stMainBlockContainer"] { padding-top: 2.6rem; }
[data-testid="stButtonGroup"] [role="radiogroup"],
[data-testid="stButtonGroup"] [role="group"] { flex-wrap: wrap; }
[data-testid="stMain"] [data-testid="stPageLink-NavLink"] p { color: #0072B2; white-space: normal; }
@media (max-width: 480px) { [data-testid="stMain"] h1 { font-size: 1.9rem; } }
</style>"""
ASSETS = Path(__file__).with_name("assets")
_DRAWN = "drawn"
UNKNOWN_PAGE = "unknown_page"
"""Where a visit remembers an address that never was, and the title of the page that is shown instead."""

logger = logging.getLogger(__name__)

_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_LINK = re.compile(r"(://|www\.|@)", re.IGNORECASE)
TEXT_TABLE = """<style>
.textrows { max-height: 560px; overflow: auto; }
.textrows table { table-layout: fixed; border-collapse: collapse; width: 100%; font-size: 0.875rem; }
.textrows th:first-child { width: 30%; }
.textrows th:nth-child(2) { width: 6.5rem; }
.textrows td { overflow-wrap: break-word; }
.textrows :is(th, td) { padding: 0.4rem 0.6rem 0.4rem 0; text-align: left; vertical-align: top; }
.textrows tr { border-bottom: 1px solid #d5d5d5; }
</style>"""
"""How a table looks whose cells are sentences: three columns, the first two narrow."""
_JOINER = "\u2060"  # invisible; keeps an address from becoming a link, which escapes do not


def literal(text: object) -> str:
    """Return text that Markdown shows letter by letter, whatever a visitor or a run put into it."""
    plain = str(text).encode("utf-8", "replace").decode().replace("\n", " ")  # a name may be no UTF-8
    whole = _LINK.sub(lambda found: found[0][0] + _JOINER + found[0][1:], plain)
    return _PUNCTUATION.sub(r"\\\1", whole)


def presenting() -> bool:
    """Return whether the address asks for large type and no sidebar."""
    return st.query_params.get(PRESENT) == "1"


def start() -> None:
    """Begin a run of any page: nothing is drawn yet, and the type is as large as asked for."""
    st.session_state[_DRAWN] = saved_view.View()
    script = f"<script>{(ASSETS / 'address.js').read_text(encoding='utf-8')}</script>"
    st.html(FOCUS + (LARGE_TYPE if presenting() else "") + script, unsafe_allow_javascript=True)


def say_unknown_page() -> None:
    """Name a page of the address that does not exist, once, with the nearest one, which is shown."""
    asked, shown = st.session_state.pop(UNKNOWN_PAGE, ("", ""))
    if asked:
        nearest = f"The nearest is {literal(shown)}, shown here."
        st.warning(f"There is no page called “{literal(asked)}”. {nearest}")


def drawn() -> saved_view.View:
    """Return what this run of the page has drawn so far."""
    view: saved_view.View = st.session_state.setdefault(_DRAWN, saved_view.View())
    return view


@contextmanager
def part(name: str) -> Iterator[None]:
    """Draw a part of a page; whatever goes wrong in it is said in its place, and the rest of the page stands.

    Args:
        name: What the part shows, for the message.
    """
    try:
        yield
    except LexclipError as error:
        show_error(error)
    except Exception as error:
        logger.exception("%s could not be drawn", name)
        st.error(f"This part could not be drawn: {literal(name)} ({type(error).__name__}).")
        st.caption("The rest of the page is not affected. What went wrong is in the server’s log.")


def carried(*keys: str) -> dict[str, str]:
    """Return those parameters of the address that links carry on."""
    return {key: st.query_params[key] for key in keys if key in st.query_params}


def address(page: str = "", **query: str) -> str:
    """Return an address within the explorer that stays with the type that is shown, and the run unless named.

    `address("word", word="hot dog")` is `/word?word=hot%20dog`.
    """
    asked = {key: value for key, value in with_carried(query).items() if value}
    encoded = urlencode(asked, quote_via=quote)
    return f"/{page}" + (f"?{encoded}" if encoded else "")


def with_carried(query: dict[str, str]) -> dict[str, str]:
    """Return what an address asks for, with the type that is shown, and the run unless named."""
    return query | carried("run", PRESENT) | query  # what is asked for stands first, and wins


def word_link(word: str, shown: str | None = None) -> str:
    """Return HTML of a link to the page of a word, in the same tab."""
    target = html.escape(address("word", word=word), quote=True)
    return f'<a href="{target}" target="_self">{html.escape(shown or word)}</a>'


def words_line(before: str, words: Sequence[str]) -> None:
    """Draw words in a line, each with a link to its page."""
    links = ", ".join(word_link(word) for word in words)
    st.html(f'<p style="margin:0;line-height:1.7">{html.escape(before)}{links}</p>')


def page_link(file: str, label: str, **query: str) -> None:
    """Draw a link to a page that stays with the type that is shown, and the run unless named."""
    st.page_link(file, label=label, width="stretch", query_params=with_carried(query))


def check_address(key: str, valid: Sequence[str], what: str) -> None:
    """Name a value of the address that does not exist, with the nearest one that does.

    Call it before the widget of that key, which would correct the address without a word.

    Args:
        key: The parameter.
        valid: Its values.
        what: What it chooses, such as "branch of WordNet".
    """
    for asked in st.query_params.get_all(key):
        if asked in valid:
            continue
        near = difflib.get_close_matches(asked.casefold(), [one.casefold() for one in valid], 1, 0.4)
        hint = next((one for one in valid if near and one.casefold() == near[0]), "")
        nearest = f"The nearest is “{literal(hint)}”." if hint else f"There are {len(valid)} to choose from."
        st.warning(f"There is no {what} called “{literal(asked[:60])}”. {nearest}")


def pick_run(listing: store.Listing) -> None:
    """Draw the run picker in the sidebar, keep it in `?run=`, and say which runs could not be shown."""
    if listing.summaries:
        ids = [summary.run_id for summary in listing.summaries]
        named = run_names.names(listing.summaries)
        chosen = _chosen_run(ids)
        # One widget for each choice, which starts with it. When pages change, the browser may forget what a
        # widget outside the page had, and answers with what the widget started with: with one widget for
        # all, and with `bind="query-params"`, that was the first run, now and then, on a slow machine.
        picker = f"run {chosen}"
        st.sidebar.selectbox(
            "Tower tuned on",
            ids,
            index=ids.index(chosen),
            format_func=lambda one: sentence_case(named.get(str(one), str(one))),
            key=picker,
            on_change=_run_was_picked,
            args=(picker,),
            help="A run is one tuning of a text tower, stored as a folder of plain files.",
        )
        st.session_state["run"] = chosen
        if chosen == ids[0] and not chosen.startswith(bare_towers.PREFIX):
            st.query_params.pop("run", None)
        else:
            st.query_params["run"] = chosen
        st.sidebar.caption(f"{len(ids)} runs in `{_short(listing.folder)}`; this one is `{chosen}`")
    with st.sidebar.expander("What colours mean"):
        st.html(_legend())
    for entry in listing.damaged[:MAX_SKIPPED]:
        st.sidebar.warning(f"Skipped {literal(entry.path.name)}: {literal(_without_path(entry))}.")
    if len(listing.damaged) > MAX_SKIPPED:
        st.sidebar.warning(f"… and {len(listing.damaged) - MAX_SKIPPED} more: see `lexclip doctor`.")


def _legend() -> str:
    """Return the colours and shapes that mean the same in every figure, as a list."""
    marks = style.NAMED_MARKS
    rows = "".join(
        f'<li><span aria-hidden="true" style="color:{marks[name].color}">{SHAPES[marks[name].symbol]}</span>'
        f" {said}</li>"
        for name, said in MEANINGS.items()
    )
    listed = f'<ul style="list-style:none;padding:0;margin:0;line-height:1.6">{rows}</ul>'
    return f"{listed}<p>Outlined: before. Filled: after.</p>"


def sentence_case(text: str) -> str:
    """Return a text with its first letter in upper case, the others as they are."""
    return text[:1].upper() + text[1:]


def run_name(summary: run_folder.RunSummary) -> str:
    """Return what a run is called on every page."""
    return run_names.names(store.listing().summaries).get(summary.run_id, summary.run_id)


def _chosen_run(names: Sequence[str]) -> str:
    """Return the run that the address names, else the last one chosen, else the first."""
    asked = st.query_params.get("run")
    if asked and asked not in names:
        st.session_state["unknown_run"] = asked
    before = st.session_state.get("run")
    return next(str(name) for name in (asked, before, names[0]) if name in names)


def _run_was_picked(picker: str) -> None:
    st.session_state.pop("unknown_run", None)
    st.session_state["picked"] = True
    st.query_params["run"] = st.session_state["run"] = st.session_state[picker]


def _short(folder: Path) -> Path:
    root = storage.project_root()
    return folder.relative_to(root) if folder.is_relative_to(root) else folder


def _without_path(entry: run_folder.DamagedRun) -> str:
    return entry.reason.removeprefix(f"run {entry.path}: ")


def tuned_on_captions(summary: run_folder.RunSummary) -> bool:
    """Return whether a run was tuned on paraphrased captions of pictures, and answers after tuning."""
    pictures = any(summary.config.get(term) for term in run_names.PICTURE_TERMS)
    return summary.config.get("method") == "paraphrases" and pictures and summary.has_tuned


def shown_run(
    listing: store.Listing, prefer: Callable[[run_folder.RunSummary], bool] | None = None
) -> run_folder.RunSummary:
    """Return the run that a page shows: the chosen one, else the first that it prefers, else the first.

    Args:
        listing: The runs, at least one.
        prefer: As in `begin`.
    """
    summary = listing.find(st.session_state.get("run")) or listing.summaries[0]
    preferred = next((one for one in listing.summaries if prefer and prefer(one)), None)
    if preferred is not None and not st.query_params.get("run") and not st.session_state.get("picked"):
        return preferred
    return summary


def begin(
    title: str,
    lead: str,
    *,
    fills: str,
    prefer: Callable[[run_folder.RunSummary], bool] | None = None,
) -> tuple[run_folder.RunSummary, run_folder.Run]:
    """Draw the page's title and lead, and return the chosen run; end the page where there is none.

    Args:
        title: The page's heading.
        lead: One or two sentences in Markdown.
        fills: What a run would put on this page, for the empty state.
        prefer: Which runs this page opens with, until the visitor chooses one.
    """
    head(title, lead)
    listing = store.listing()
    if not listing.summaries:
        empty_state(f"There is no run yet. A run brings {fills}. Make one, then reload this page:", listing)
    say_unknown_run(listing, shown_run(listing))
    summary = shown_run(listing, prefer)
    try:
        run = store.read(summary)
    except LexclipError as error:
        show_error(error)
        st.stop()
    name = literal(sentence_case(run_name(summary)))
    tower = literal(known_towers.called(store.tower_name(summary)))
    said = f"**{name}** · {len(run.words):,} words · {tower}"
    st.caption(said)
    drawn().text(said)
    return summary, run


def head(title: str, lead: str) -> None:
    """Draw a page's title and its lead."""
    st.title(title, anchor=False)
    drawn().title = title
    if lead:
        st.markdown(lead)
        drawn().text(lead)


def check_number(key: str, low: int, high: int, what: str) -> None:
    """Name a number of the address that is out of range; call it before the widget of that key.

    Args:
        key: The parameter.
        low: The least.
        high: The most.
        what: What it says, such as "number of neighbours".
    """
    asked = st.query_params.get(key)
    if asked is not None and not (asked.isascii() and asked.isdigit() and low <= int(asked) <= high):
        st.warning(f"The {what} goes from {low} to {high}; “{literal(asked[:20])}” is not used.")


def say_unknown_run(listing: store.Listing, shown: run_folder.RunSummary) -> None:
    """Name a run of the address that does not exist, with the nearest one that does."""
    unknown = st.session_state.get("unknown_run")
    if not unknown:
        return
    near = difflib.get_close_matches(unknown, [one.run_id for one in listing.summaries], 1, 0.4)
    hint = f" The nearest is {literal(near[0])}." if near else ""
    st.warning(
        f"There is no run called “{literal(unknown[:60])}”.{hint} Showing {literal(shown.run_id)} instead."
    )


def end() -> None:
    """End a page: what it shows can be saved, and presenting can be left."""
    view = drawn()
    if view.title and (view.pieces or view.tables):
        name = "-".join(re.findall(r"[a-z0-9]+", view.title.casefold())) or "view"
        where = str(st.context.url or "")
        st.divider()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.download_button(
                "Save this view (HTML)",
                lambda: view.html(where),
                f"{name}.html",
                "text/html",
                on_click="ignore",
                key="save_html",
                help="One file that works offline. Figures also save as PNG: the camera in their corner.",
            )
            if view.tables:
                st.download_button(
                    "Its tables (CSV)",
                    view.zipped,
                    f"{name}.zip",
                    "application/zip",
                    on_click="ignore",
                    key="save_csv",
                )
            if not presenting() and st.button("Large type", key="present", help="For the wall: no sidebar."):
                st.query_params[PRESENT] = "1"
                st.rerun()
    if presenting() and st.button("Leave large type", type="tertiary"):
        st.query_params.pop(PRESENT, None)
        st.rerun()


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
    """Say that a run has no tuned tensors, with the command that makes them; or that it is a bare tower."""
    if bare_towers.is_bare(summary):
        st.caption("This tower is shown as it is: nothing was tuned, so there is no after.")
        return
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
    drawn().text(sentence, finding=True)
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


def chart(figure: go.Figure, alt: str, *, key: str, clicks: bool = False) -> str:
    """Draw a picture that says in words what it shows.

    Args:
        figure: The picture.
        alt: What it shows, in words.
        key: Its name on the page.
        clicks: Whether a click on a point is answered.

    Returns:
        The text that the clicked point carries; "" without one.
    """
    drawn().chart(figure, alt)
    title, _, caption = (figure.layout.title.text or "").partition("<br><span")
    if title:  # a title in the figure cannot wrap with the window, and lies under the toolbar
        said = html.unescape(title.replace("<br>", " "))
        notes = " ".join(re.sub(r"<[^>]*>", " ", part) for part in caption.split(">", 1)[1:])
        st.markdown(
            f"**{literal(said)}**"
            + (f"  \n:gray[{literal(' '.join(html.unescape(notes).split()))}]" if notes else "")
        )
        room = int(figure.layout.margin.t or 0) - 34
        figure = go.Figure(figure).update_layout(
            title_text="", margin_t=34, height=(figure.layout.height or 400) - max(room, 0)
        )
    if presenting():
        figure = _enlarged(figure)
    same: Any = {"key": key, "alt": alt, "theme": None, "config": style.PLOTLY_CONFIG, "width": "stretch"}
    if not clicks:
        st.plotly_chart(figure, **same)
        return ""
    points = st.plotly_chart(figure, **same, on_select="rerun", selection_mode="points").selection.points
    return str(points[0].get("customdata", "")) if points else ""


def _enlarged(figure: go.Figure) -> go.Figure:
    """Return a figure for the wall: taller, and what is written in it larger, as the page's own type is."""
    spec = figure.to_dict()
    _enlarge(spec)
    height, below = figure.layout.height or 400, int(figure.layout.margin.b or 0)
    return go.Figure(spec).update_layout(height=int(1.3 * height), margin_b=int(LARGER * below) or None)


def _enlarge(part: Any) -> None:
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ():
        _enlarge(value)
    for name in part if isinstance(part, dict) else ():
        size = part[name].get("size") if name.endswith("font") and isinstance(part[name], dict) else None
        if isinstance(size, int | float):
            part[name]["size"] = round(LARGER * size)


def table(
    frame: pd.DataFrame,
    *,
    pictures: Sequence[str] = (),
    narrow: Sequence[str] = (),
    words: Sequence[str] = (),
    name: str = "table",
) -> None:
    """Draw a sortable table; numbers with three decimals.

    Args:
        frame: The table.
        pictures: Columns of `data:` addresses.
        narrow: Columns of little width.
        words: Columns of words, each of which links to its page.
        name: What the file of its rows is called.
    """
    drawn().table(frame, name)
    shown = frame.rename(columns=lambda column: str(column).replace("_", " "))
    columns: dict[str, Any] = {
        column: st.column_config.NumberColumn(format="%.3f") for column in shown.select_dtypes("floating")
    }
    columns |= {column: st.column_config.ImageColumn(column, width=PICTURE_WIDTH) for column in pictures}
    columns |= {column: st.column_config.TextColumn(width="small") for column in narrow}
    for column in (one.replace("_", " ") for one in words):
        shown[column] = [address("word", word=str(word)) for word in shown[column]]
        columns[column] = st.column_config.LinkColumn(column, display_text=r"word=([^&]*)")
    st.dataframe(shown, hide_index=True, width="stretch", column_config=columns)


def text_table(frame: pd.DataFrame, *, of: str, name: str = "table") -> None:
    """Draw rows of text, all of it, in a region that scrolls; a grid would cut what is long.

    Args:
        frame: The table.
        of: What its rows are, for those who do not see it.
        name: What the file of its rows is called.
    """
    drawn().table(frame, name)
    rows = frame.to_html(index=False, border=0, justify="left")
    region = f'tabindex="0" role="region" aria-label="{html.escape(of, quote=True)}"'
    st.html(f'{TEXT_TABLE}<div class="textrows" {region}>{rows}</div>')
