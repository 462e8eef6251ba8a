"""Map: words of a branch of WordNet, or of one's own list, moving between before and after tuning."""

from __future__ import annotations

import background_maps
import findings
import layout
import map_words
import numpy as np
import pandas as pd
import store
import streamlit as st
import tables
import thumbnails
import word_map

from lexclip_core.errors import InputError, LexclipError
from lexclip_core.experiments import explorer_data, run_folder, word_measures
from lexclip_core.experiments.explorer_data import WideVocabulary
from lexclip_core.figures import alt_texts, maps, style

LEAD = "Near words lie near each other. Turn the dial from before tuning to after, and every word moves."
HINT = "Point at a word, or pick one. Lasso several, and their table appears below."
KEY = "map"


def other_map() -> None:
    """Forget what was chosen on the map before this one."""
    word_map.forget(KEY)


def choose(first: list[str]) -> tuple[str, str, str]:
    """Draw the choice of words; return a branch or a list, of which one is empty, and a word to colour by.

    Args:
        first: Branches that stand first in the list; the first of them opens.
    """
    left, middle, right = st.columns(3)
    offered = [*first, *(name for name in map_words.branch_names() if name not in first)]
    branch = left.selectbox(
        "Branch of WordNet",
        offered,
        index=0 if first else None,
        key="subtree",
        bind="query-params",
        accept_new_options=True,
        on_change=other_map,
        placeholder="type a word or a synset, such as emotion",
        help=f"Any of {len(offered):,} branches: type, and choose. A word without one shows that above it.",
    )
    to = word_map.cosine_box(middle)
    with right.expander("Your own words instead", expanded=bool(st.query_params.get("words"))):
        text = st.text_area(
            f"Words, one a line or with commas between, up to {map_words.MOST:,}",
            key="words",
            bind="query-params",
            height=110,
            on_change=other_map,
            placeholder="hot, cold, warm, cool, …",
        )
    return (*(("", text) if (text or "").strip() else (str(branch or ""), "")), to)


def nodes_of(branch: str, text: str) -> tuple[pd.DataFrame, str]:
    """Return the nodes that were asked for, and what is to be said of them.

    Raises:
        InputError: There is no such branch, or too few words are listed.
    """
    if text:
        words, left_out = map_words.read_list(text)
        if len(words) < maps.MIN_LAYOUT_WORDS:
            raise InputError(
                f"A map of {len(words)} words says nothing.", f"List at least {maps.MIN_LAYOUT_WORDS} words."
            )
        said = f"Your {len(words):,} words."
        return map_words.list_nodes(words), said + (
            f" {left_out:,} entries are not on the map: repeated, not a word, or beyond {map_words.MOST:,}."
            if left_out
            else ""
        )
    root, said = map_words.branch_of(branch), ""
    if root != branch.strip():
        said = f"For “{layout.literal(branch[:60])}” this is the branch {layout.literal(root)}. "
    nodes, total = map_words.branch_nodes(root)
    shortened = f"The {len(nodes):,} words nearest its root, of {total:,} synsets."
    return nodes, said + (shortened if total > len(nodes) else "")


@st.fragment(run_every=1.0)
def wait_for(laying: background_maps.Layout) -> None:
    """Say how far the map is, and draw the page again once it is there."""
    if laying.finished.is_set():
        st.rerun()
    st.progress(laying.progress(), text=f"{laying.stage} … in the background; a map once made is remembered.")


def cosines_to(
    word: str, summary: run_folder.RunSummary, words: tuple[str, ...], rows: WideVocabulary | None
) -> word_map.Cosines:
    """Return the cosines of all words on the map to a word.

    Raises:
        LexclipError: The word cannot be encoded.
    """
    rows = rows or WideVocabulary(words, *store.vectors(summary, words))
    before, after = store.rows_of_word(summary, rows, word)
    return word_map.Cosines(word, (rows.before @ before).astype(float), (rows.after @ after).astype(float))


def points_of(drawn: pd.DataFrame, branch: str, *, tuned: bool) -> word_map.Points:
    """Return what the component draws of a layout."""
    synsets = map_words.synsets_of(drawn)
    domains, speech = map_words.domains(synsets), map_words.parts_of_speech(synsets)
    about = map_words.marks(domains, map_words.DOMAINS)
    ways = [word_map.names("what it is about", domains, about)]
    if branch:
        lines = maps.branches(drawn).tolist()
        order = sorted(
            dict.fromkeys(lines), key=lambda name: (name in (maps.ROOT, maps.OTHER_BRANCHES), name)
        )
        ways = [word_map.names("branch", lines, style.marks_for(order))]
    deepest = map_words.depths(synsets)
    ways += [
        word_map.scale(
            "depth in WordNet", deepest, f"{deepest.min()} steps below the top", f"{deepest.max()}"
        ),
        word_map.names("part of speech", speech, map_words.marks(speech, map_words.SPEECH)),
    ]
    before, after = (drawn[[f"x_{when}", f"y_{when}"]].to_numpy(float) for when in style.WHEN)
    places = maps.Places(before, after, 1.0, 1.0)  # trust is said next to it
    alt = alt_texts.alt_text("subtree_map", drawn, "before") + (
        " The dial moves each word to its place after tuning." if tuned else ""
    )
    return word_map.points(
        [str(word) for word in drawn["word"]], explorer_data.pack_places(places), ways, alt=alt, tuned=tuned,
        hint=HINT, parents=maps.parent_rows(drawn).tolist(), notes=[str(gloss) for gloss in drawn["gloss"]],
    )  # fmt: skip


def draw_map(
    summary: run_folder.RunSummary, run: run_folder.Run, drawn: pd.DataFrame, branch: str,
    rows: WideVocabulary | None, to: str,
) -> None:  # fmt: skip
    """Draw the sentence, the map, and the table of what is chosen on it."""
    known, vectors = (
        (store.rows_of(summary), run) if rows is None
        else ({word: row for row, word in enumerate(rows.words)}, rows)
    )  # fmt: skip
    edges = tables.parent_cosines(drawn, known, vectors)
    shown = points_of(drawn, branch, tuned=rows is None or rows.after is not rows.before)
    chosen, cosines = word_map.draw_with_cosines(
        shown, key=KEY, cosines_to=lambda word: cosines_to(word, summary, tuple(drawn["word"]), rows), to=to
    )
    layout.finding(findings.subtree(maps.layout_summary(drawn), edges, layout.literal))
    st.caption(
        "Distances on a map are not cosines: only who is near whom may be read, and only as far as the "
        "trustworthiness says. Grey lines join a word to its parent, the next wider word. The table holds "
        "cosines in the original space, of each word with its parent."
    )
    moved = np.hypot(drawn["x_after"] - drawn["x_before"], drawn["y_after"] - drawn["y_before"])
    edges["moved"] = moved / (moved.max() or 1.0)
    if cosines is not None:
        for when, values in (("before", cosines.before), ("after", cosines.after)):
            edges[f"to {cosines.word} {when}"] = values
    picked = edges[edges["word"].isin(chosen)] if chosen else edges
    st.markdown(
        f"**{len(picked):,} chosen words**"
        if chosen
        else f"**All {len(edges):,} words**; lasso some to see them alone"
    )
    columns = [
        "word",
        "parent",
        "cosine_before",
        "cosine_after",
        "moved",
        *edges.columns[edges.columns.str.startswith("to ")],
        "synset",
        "gloss",
    ]
    table = thumbnails.column(picked[columns], map(thumbnails.of_synset, picked["synset"]))
    layout.table(table, pictures=[""], words=["word"], name="map")


def draw() -> None:
    """Draw the page."""
    summary, run = layout.begin("Map", LEAD, fills="maps of WordNet branches")
    stored = [] if run.layout is None else list(dict.fromkeys(run.layout["subtree"]))
    # A run that was kept on the page Train has stored none: what others store is laid out here.
    branch, text, to = choose(stored or (list(word_measures.SUBTREES) if summary.has_tuned else []))
    if not branch and not text:
        st.info("This run has stored no map. Choose a branch, or paste words: it is then laid out here.")
        return
    if branch in stored:
        drawn = run.layout[run.layout["subtree"] == branch].reset_index(drop=True)  # type: ignore[index]
        draw_map(summary, run, drawn, branch, None, to)
        return
    try:
        nodes, said = nodes_of(branch, text)
    except LexclipError as error:
        layout.show_error(error)
        return
    if said:
        st.caption(said)
    laying = background_maps.laid_out(summary, tuple(nodes["word"]))
    if not laying.finished.is_set():
        wait_for(laying)
    elif laying.made is None:
        st.error(f"The map could not be laid out: {layout.literal(laying.problem[:300])}")
    else:
        made = laying.made
        if made.after is made.before:
            layout.say_untuned(summary)
        rows = WideVocabulary(tuple(nodes["word"]), made.before, made.after)
        draw_map(summary, run, maps.layout_table(nodes, made.places), branch, rows, to)


draw()
