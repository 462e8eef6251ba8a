"""Cards: what towers make of words, measure by measure, next to each other."""

from __future__ import annotations

from collections.abc import Mapping

import layout
import pandas as pd
import run_names
import store
import streamlit as st

from lexclip_core import storage
from lexclip_core.evaluation.card import Card, card_table, cards_folder, read_cards
from lexclip_core.figures import alt_texts
from lexclip_core.figures.cards import card_dots_figure, page_html

LEAD = (
    "A **lexical card** says what a tower makes of words: every measure with its 95 % interval, what chance "
    "would give, and what it means. All towers are measured on the same words, held out from tuning on words."
)
VECTORS = {"as they are": "plain", "centred": "centred"}
MOST = 7  # cards in one picture: as many as there are marks
FIRST = ("all-MiniLM-L6-v2", "lexclip", "lexclip-shuffled", "lexclip-constant")  # towers, and presets of runs
MAIN, ALL = "the main ones", "all"


def called(cards: Mapping[str, Card]) -> dict[str, Card]:
    """Return the cards by what people call them: a run's by its readable name, a tower's by its own."""
    runs = run_names.names(store.listing().summaries)
    names = {key: runs.get(card.tower.run, card.tower.label) for key, card in cards.items()}
    twice = [name for name in names.values() if list(names.values()).count(name) > 1]
    presets = {key: card.tower.run.rpartition("-")[0] or key for key, card in cards.items()}
    first = sorted(cards, key=lambda key: [*FIRST, presets[key]].index(presets[key]))
    return {f"{names[key]} ({key})" if names[key] in twice else names[key]: cards[key] for key in first}


def choose(cards: Mapping[str, Card]) -> tuple[dict[str, Card], pd.DataFrame]:
    """Draw the choices, and return the chosen cards by their names, and the rows to draw."""
    layout.check_address("card", list(cards), "card")
    usual = list(cards)[: len(FIRST)]
    chosen = st.multiselect("Cards", list(cards), usual, max_selections=MOST, key="card", bind="query-params")
    if not chosen:
        st.info("Choose at least one card.")
        st.stop()
    shown = {name: cards[name] for name in chosen}
    table = card_table(shown)
    left, right = st.columns(2)
    groups = [MAIN, *dict.fromkeys(table["group"]), ALL]
    group = left.selectbox("Measures", groups, key="measures", bind="query-params")
    vectors = right.segmented_control(
        "Vectors",
        list(VECTORS),
        default="as they are",
        required=True,
        key="vectors",
        bind="query-params",
        help="Cosines of CLIP’s texts hardly fall below 0.6: all its vectors point one way. Centred: less "
        "the vocabulary’s mean, which takes away what all words have in common; pictures are not centred.",
    )
    rows = table[table["vectors"] == VECTORS[vectors]]
    if group != ALL:
        rows = rows[rows["main"]] if group == MAIN else rows[rows["group"] == group]
    return shown, rows


def finding(rows: pd.DataFrame) -> str:
    """Return what the first measure says of the towers: which does best by it, and which worst; Markdown."""
    first = rows[rows["id"] == rows["id"].iloc[0]].sort_values(
        "value", ascending=rows["better"].iloc[0] == "lower"
    )
    best, worst = (
        f"**{layout.literal(row.tower)}** ({row.value:,.3g})" for row in (first.iloc[0], first.iloc[-1])
    )
    by_chance = "" if pd.isna(first["chance"].iloc[0]) else f" Chance is {first['chance'].iloc[0]:,.3g}."
    measure = layout.sentence_case(layout.literal(first["title"].iloc[0]))
    said = f"best {best}, worst {worst}" if len(first) > 1 else best
    return f"{measure}: {said}.{by_chance}"


def draw(cards: Mapping[str, Card]) -> None:
    """Draw the chosen cards as one dot plot, and what the measures mean."""
    shown, rows = choose(called(cards))
    if rows.empty:
        st.info("There is no centred value of these measures.")
        return
    layout.finding(finding(rows))
    layout.chart(
        card_dots_figure(rows, title="What towers make of words"),
        alt_texts.alt_text("card_dots", rows),
        key="cards",
    )
    if len({card.digest for card in shown.values()}) > 1:
        st.caption(
            "These cards were not measured on quite the same words: a tower did not know some of them, or a "
            "run held out others."
        )
    st.header("What the measures mean", anchor=False)
    lines = [
        f"- **{layout.literal(row.title)}**: {layout.literal(row.meaning)}"
        for row in rows.drop_duplicates("id").itertuples()
    ]
    st.markdown("\n".join(lines))
    st.header("Every number", anchor=False)
    layout.table(rows[["tower", "title", "value", "low", "high", "n"]].rename(columns={"title": "measure"}))
    st.header("Whose cards these are", anchor=False)
    for name, card in shown.items():
        tuned = f" Tuned on {card.tower.tuned_on}." if card.tower.tuned_on else ""
        st.markdown(f"**{layout.literal(name)}**: measured on {layout.literal(card.split + '.' + tuned)}")
        for measure, reason in card.missing.items():
            st.caption(layout.literal(f"{measure} was not measured: {reason}"))
    st.download_button("Save as one page", page_html(shown), "cards.html", "text/html")


layout.head("Cards", LEAD)
known, problems = read_cards(cards_folder(), storage.build_folder() / "cards")
for problem in problems[: layout.MAX_SKIPPED]:
    st.warning(f"Skipped {layout.literal(problem)}.")
if known:
    draw(known)
else:
    st.info("There is no card yet. This command makes one, and this page then shows it:")
st.caption("Make the card of another tower, a weight file, or a run of yours; it then stands here too:")
st.code("lexclip card TOWER", language="bash", wrap_lines=True)
