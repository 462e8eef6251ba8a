"""Atlas: every word of WordNet on one map, before and after tuning."""

from __future__ import annotations

import atlas_points
import layout
import map_words
import numpy as np
import store
import streamlit as st
import thumbnails
import word_facts
import word_map

from lexclip_core.experiments import explorer_data, run_folder
from lexclip_core.wordnet.tables import load_wordnet

LEAD = (
    "All {:,} words of WordNet on one map, those of like meaning near each other. Type a word to fly there; "
    "turn the dial from before to after."
)
KEY = "atlas"


def cosines_to(word: str, summary: run_folder.RunSummary, order: np.ndarray) -> word_map.Cosines | None:
    """Return the cosines to a word of the words whose vectors are at hand; None where none are.

    Raises:
        LexclipError: The word cannot be encoded.
    """
    wide = store.wide_vocabulary(summary)
    if wide is None:
        st.caption("This run does not store the vectors of many words, so there is no cosine to colour by.")
        return None
    own = store.rows_of_word(summary, wide, word)
    place_of = {word: row for row, word in enumerate(explorer_data.atlas_words())}
    rows = np.array([place_of.get(one, -1) for one in wide.words])
    found = []
    for space, one in zip((wide.before, wide.after), own, strict=True):
        values = np.full(len(place_of), np.nan)
        values[rows[rows >= 0]] = (space @ one)[rows >= 0]
        found.append(values[order])
    note = f"known of {len(wide.words):,} words, the others are grey"
    return word_map.Cosines(word, found[0], found[1], note)


def draw_chosen(chosen: list[str]) -> None:
    """Draw the table of the chosen words."""
    if not chosen:
        return
    nodes = map_words.list_nodes(chosen[: map_words.MOST])
    nodes["part_of_speech"] = map_words.parts_of_speech(map_words.synsets_of(nodes))
    st.markdown(f"**{len(nodes):,} chosen words**")
    table = thumbnails.column(
        nodes[["word", "part_of_speech", "synset", "gloss"]], map(thumbnails.of_synset, nodes["synset"])
    )
    layout.table(table, pictures=[""], words=["word"], name="atlas")


def draw() -> None:
    """Draw the page."""
    lead = LEAD.format(len(explorer_data.atlas_words()))
    summary, _ = layout.begin("Atlas", lead, fills="an atlas of all words")
    made = atlas_points.points_of(str(summary.path), summary.stamp, store.VERSION, summary)
    if made is None:
        st.info("This run stores no atlas. With its tuned tensors this command makes one, in minutes:")
        st.code(f"lexclip runs complete {summary.run_id} --atlas", language="bash", wrap_lines=True)
        having = [one for one in store.listing().summaries if (one.path / explorer_data.ATLAS).is_file()]
        for one in having[:3]:
            st.markdown(
                f"An atlas is stored with **{layout.literal(layout.run_name(one))}**: choose it on the left."
            )
        return
    shown, order, trust = made
    said = (
        f"**{len(order):,} words** before and after tuning, in one frame. Trustworthiness of the map, "
        f"measured on 3,000 of them: {trust[0]:.2f} before, {trust[1]:.2f} after (1 is best, chance 0.50)."
    )
    to = word_map.cosine_box()
    chosen, _ = word_map.draw_with_cosines(
        shown, key=KEY, cosines_to=lambda word: cosines_to(word, summary, order), to=to
    )
    layout.finding(said)
    unknown = [word for word in chosen if not load_wordnet().synsets(word)]
    for word in unknown[:1]:
        st.info(
            layout.literal(word_facts.note(load_wordnet(), word, word) or f"“{word}” is not in the atlas.")
        )
    st.caption(
        "Distances on the map are not cosines: only who is near whom may be read, and only as far as the "
        f"trustworthiness says. {explorer_data.LANDMARKS:,} words were laid out together; each other word "
        "lies among those of them that are nearest to it. A word has the colour of its most used sense."
    )
    draw_chosen([word for word in chosen if word not in unknown])


draw()
