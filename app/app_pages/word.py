"""Word: everything about one word on one address."""

from __future__ import annotations

import bare_towers
import findings
import layout
import numpy as np
import pandas as pd
import store
import streamlit as st
import thumbnails
import triples
import typed
import word_facts
import word_search
from background import BackgroundJob

from lexclip_core.errors import LexclipError
from lexclip_core.experiments import run_folder
from lexclip_core.experiments.explorer_data import ATLAS, WideVocabulary
from lexclip_core.figures import alt_texts, neighbours
from lexclip_core.wordnet.tables import load_wordnet

K = 10
COLUMNS = ["neighbour", "change", "why", "cosine_before", "cosine_after", "rank_before", "rank_after"]
RELATED = "What WordNet relates it to, and what training asked for"


def asked_word(summary: run_folder.RunSummary, run: run_folder.Run) -> tuple[str, str]:
    """Draw the search, and return the word as typed and as it is compared.

    Raises:
        InputError: Nothing usable was typed.
    """
    listed = triples.of_run(run)
    start = str(listed["word"].iloc[0]) if len(listed) else run.words[0]
    if st.session_state.get("word") == "" and not st.session_state.pop("word_emptied", False):
        # Home has a box of the same key, which was left empty there.
        st.session_state["word"] = st.query_params.get("word") or start
    text = st.text_input(
        "Word", start, key="word", bind="query-params", help="Any word, known to WordNet or not.",
        on_change=lambda: st.session_state.update(word_emptied=not st.session_state["word"]),
    )  # fmt: skip
    word_search.complete("Word", vocabulary(summary, run)[0].words)
    return text or "", typed.read_word(text)


def draw_senses(word: str) -> None:
    """Draw a word's senses, each with its gloss, its count and its emoji."""
    table = word_facts.senses(load_wordnet(), word)
    if table.empty:
        return
    st.header("What it means", anchor=False)
    table = table.sort_values("count", ascending=False, kind="stable")
    lines = [
        f"- **{row.pos}**: {layout.literal(row.gloss)}"
        + (f" *(also {layout.literal(row.synonyms)})*" if row.synonyms else "")
        for row in table.head(3).itertuples()
    ]
    st.markdown("\n".join(lines))
    if len(table) > 3:
        with st.expander(f"All {len(table)} senses, as a table"):
            layout.table(
                thumbnails.column(table, map(thumbnails.of_synset, table["sense"])),
                pictures=[""],
                name="senses",
            )


def vocabulary(summary: run_folder.RunSummary, run: run_folder.Run) -> tuple[WideVocabulary, bool]:
    """Return the words that neighbours are taken among, and whether they are the wide vocabulary."""
    wide = store.wide_vocabulary(summary)
    if wide is not None:
        return wide, True
    return WideVocabulary(run.words, run.before, run.after), False


def draw_neighbours(summary: run_folder.RunSummary, run: run_folder.Run, word: str) -> None:
    """Draw the nearest words before and after, with what entered, what left, and why.

    Raises:
        LexclipError: The word cannot be encoded.
    """
    among, wide = vocabulary(summary, run)
    st.header("Its neighbours, before and after", anchor=False)
    layout.check_number("k", 5, 25, "number of neighbours")
    k = st.slider("How many", 5, 25, K, key="k", bind="query-params")
    if bare_towers.is_bare(summary) or (summary.tuned_path is None and word not in among.words):
        draw_before(summary, among, word, k)
        return
    before, after = store.rows_of_word(summary, among, word)
    exclude = (word,) if word in among.words else ()
    k = min(k, len(among.words) - 1)
    table = neighbours.neighbour_table_of_vector(
        among.words, among.before, among.after, before, after, k, exclude=exclude
    )
    why = word_facts.reasons(load_wordnet(), word, table["neighbour"].tolist())
    table["why"] = [why.get(neighbour, "") for neighbour in table["neighbour"]]
    said = findings.neighbours(table, word, layout.literal) + findings.reasons(table, layout.literal)
    layout.finding(said, picture=thumbnails.of_word(word), of=word)
    figure = neighbours.neighbours_figure(table, title=f"The {k} words nearest to {word}")
    layout.chart(figure, alt_texts.alt_text("neighbours", table), key="neighbours")
    layout.words_line("To their pages: ", table["neighbour"].tolist())
    said = (
        "the {:,} most frequent words of WordNet"
        if wide
        else "this run’s {:,} words, few enough for odd ones"
    )
    st.caption(
        f"Taken among {said.format(len(among.words))}. Why, in the table: what WordNet says of the two."
    )
    with st.expander("The same as a table"):
        emoji = map(thumbnails.of_word, table["neighbour"])
        layout.table(thumbnails.column(table[COLUMNS], emoji), pictures=[""], name="neighbours")
    if not wide and summary.tuned_path is not None:
        wait_for(store.fill_vocabulary(summary))


def draw_before(summary: run_folder.RunSummary, among: WideVocabulary, word: str, k: int) -> None:
    """Draw the nearest words before tuning alone: the run lacks the word, and has no tensors here."""
    cosines = among.before @ store.base_vectors(summary, (word,))[0]
    order = [among.words[place] for place in np.argsort(-cosines, kind="stable")[: k + 1]]
    nearest = [one for one in order if one != word][:k]
    layout.finding(
        f"Before tuning, the nearest to **{layout.literal(word)}** is **{layout.literal(nearest[0])}**."
    )
    layout.words_line("The nearest before: ", nearest)
    layout.say_untuned(summary)


def draw_related(summary: run_folder.RunSummary, among: WideVocabulary, word: str) -> None:
    """Draw related words with their targets next to the cosines reached, and what pulled the word."""
    st.header(RELATED, anchor=False)
    with st.spinner("Reading WordNet’s relations…"):
        settings = word_facts.relation_settings(summary.config)
        table, split = word_facts.related(word, among, settings), word_facts.split_of(word, settings)
    on_relations = summary.config.get("method") == "relations"
    control = summary.config.get("control", "none") != "none"
    layout.finding(pulled(table, word, split, on_relations=on_relations, control=control))
    if table.empty:
        return
    shown = table if on_relations and not control else table.drop(columns="trained")
    layout.table(shown, words=["word"], name="related")
    st.caption(
        "Target: the cosine that training on WordNet’s relations asks for. Those that pulled most stand "
        "first: drawn often, and far from their target. Cosines are shown of words in the vocabulary above."
    )


def pulled(table: pd.DataFrame, word: str, split: str, *, on_relations: bool, control: bool) -> str:
    """Return which training pairs pulled a word most, or why none did."""
    say = layout.literal
    if not split:
        return f"WordNet relates **{say(word)}** to nothing that training could use."
    if control:
        return f"This run is a control: its targets say nothing of **{say(word)}**."
    if not on_relations:
        return (
            f"This run was not trained on WordNet’s relations; here is what it reached for **{say(word)}**."
        )
    if split != "train":
        return (
            f"Training never saw **{say(word)}**: it is held out ({split}). What moved, moved by what the "
            "tower learned from other words."
        )
    drawn = table[table["trained"]].head(3)
    if drawn.empty:
        return f"No training pair holds **{say(word)}**; it was among the words to be retained, or unseen."
    parts = [
        f"{say(row.word)} ({row.relation}, target {findings.number(row.target)})"
        for row in drawn.itertuples()
    ]
    return f"What pulled **{say(word)}** most in training: {', '.join(parts)}."


def draw_place(run: run_folder.Run, word: str) -> None:
    """Link to the word's place on the maps of this run, and in its atlas."""
    rows = run.layout[run.layout["word"] == word]["subtree"] if run.layout is not None else []
    for subtree in dict.fromkeys(rows):
        label = f"Its place on the map of {subtree}"
        layout.page_link("app_pages/map.py", label, subtree=subtree, sel=word)
    if (run.path / ATLAS).is_file() and load_wordnet().synsets(word):
        layout.page_link("app_pages/atlas.py", "Its place among all words of WordNet", sel=word)


@st.fragment(run_every=2.0)
def wait_for(filling: BackgroundJob[WideVocabulary]) -> None:
    """Say that the wide vocabulary is being encoded, and draw the page again once it is."""
    if filling.finished.is_set():
        if not filling.problem:
            st.rerun()
        st.caption(f"The wide vocabulary could not be encoded: {layout.literal(filling.problem[:200])}")
        return
    st.caption(
        "Encoding 12,000 words with both towers, in the background; better neighbours appear in a minute."
    )


def draw() -> None:
    """Draw the page."""
    asked = str(st.session_state.get("word") or st.query_params.get("word") or "").strip()[: typed.MAX_LENGTH]
    summary, run = layout.begin(f"Word: {asked}" if asked else "Word", "", fills="the neighbours of words")
    try:
        text, word = asked_word(summary, run)
    except LexclipError as error:
        layout.show_error(error)
        return
    layout.drawn().title = f"Word {word}"
    st.set_page_config(page_title=f"{word} · Word · lexclip")
    said = word_facts.note(load_wordnet(), text, word)
    if said:
        st.info(layout.literal(said))
    with layout.part("the senses"):
        draw_senses(word)
    with layout.part("the neighbours"):
        draw_neighbours(summary, run, word)
    draw_place(run, word)
    if not bare_towers.is_bare(summary):
        with layout.part("related words"):
            draw_related(summary, vocabulary(summary, run)[0], word)
    st.header("In the dictionary", anchor=False)
    with layout.part("the dictionary"):
        word_search.draw_column(word)


draw()
