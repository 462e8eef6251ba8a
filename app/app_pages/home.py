"""Home: one word, its synonym and its opposite; guess which is nearer, see it, and turn the dial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bare_towers
import dial
import known_towers
import layout
import metric_names
import pages
import pandas as pd
import run_names
import small_pictures
import store
import streamlit as st
import tour
import triples
import typed

from lexclip_core.errors import LexclipError
from lexclip_core.experiments import run_folder
from lexclip_core.figures import alt_texts, scores

TITLE = "Does it know opposites?"
LEAD = (
    "A program that understands text turns every word into a point. Words that it takes for alike lie near."
)
RATE = metric_names.INVERSION_RATE
THIS = "after tuning"
BOXES = ("word", "synonym", "opposite")
BRING = (
    "A tower of your own, or the CLIP of the papers, is tuned and shown in the same way: give its name, or "
    "the folder or file of its weights. The run then stands in the list on the left."
)
COMMANDS = (
    "lexclip models                       # every tower that has a name here\n"
    "lexclip tune --preset lexclip --set tower=ViT-B-32-quickgelu/laion400m_e31\n"
    "lexclip runs list"
)


def chosen(summary: run_folder.RunSummary, run: run_folder.Run, table: pd.DataFrame) -> triples.Triple | None:
    """Return the typed triple, else the one of the address's number; None where there is none.

    Raises:
        LexclipError: What was typed cannot be used.
    """
    said = {box: str(st.session_state.get(box) or st.query_params.get(box, "")) for box in BOXES}
    if any(text.strip() for text in said.values()):
        return typed_triple(summary, table, said)
    if table.empty:
        return None
    asked = st.query_params.get("n", "1")
    number = int(asked) if asked.isascii() and asked.isdigit() else 0
    if not 1 <= number <= len(table):
        st.warning(f"There are {len(table)} words, so there is no number “{layout.literal(asked[:20])}”.")
        number = 1
    return triples.of_row(table.iloc[number - 1])


def typed_triple(summary: run_folder.RunSummary, table: pd.DataFrame, said: dict[str, str]) -> triples.Triple:
    """Return a triple of typed words; WordNet gives what was left out."""
    word = typed.read_word(said["word"])
    given = {box: typed.read_word(said[box], name=box) if said[box].strip() else "" for box in BOXES[1:]}
    listed = triples.find(table, word, given["synonym"], given["opposite"])
    if listed is not None:
        return listed
    kind: triples.Kind = "typed"
    if not all(given.values()):
        from lexclip_core.wordnet.tables import load_wordnet

        synonym, opposite, kind = triples.from_wordnet(load_wordnet(), word)
        given = {"synonym": given["synonym"] or synonym, "opposite": given["opposite"] or opposite}
    names = (word, given["synonym"], given["opposite"])
    positions, near, far = store.triple_cosines(summary, names)
    return triples.Triple(*names, kind, positions, near, far)


def another(count: int) -> None:
    """Go on to the next triple of the list, and forget what was typed."""
    asked = st.query_params.get("n", "1")
    number = int(asked) if asked.isascii() and asked.isdigit() else 1
    st.query_params["n"] = str(number % max(count, 1) + 1)
    for box in BOXES:
        st.session_state[box] = ""


def draw_first(summary: run_folder.RunSummary, run: run_folder.Run) -> triples.Triple | None:
    """Draw the live triple, *another word*, and the boxes for one's own."""
    table = triples.of_run(run)
    place = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button("Another word", on_click=another, args=(len(table),), disabled=len(table) < 2)
        for box, label in zip(
            BOXES, ("Your own word", "its synonym (optional)", "its opposite (optional)"), strict=True
        ):
            st.text_input(label, key=box, bind="query-params", width=180)
        tour.start_button()
    with place:
        try:
            triple = chosen(summary, run, table)
        except LexclipError as error:
            layout.show_error(error)
            return None
        if triple is None:
            st.info("This run has no word with a synonym and an opposite. Type one below.")
            return None
        dial.draw(triple, revealed=typed_now(), key="dial")
        layout.drawn().pieces.append(dial.offline(triple))
        note(triple, summary)
    return triple


def typed_now() -> bool:
    """Return whether something stands in the boxes."""
    return any(str(st.session_state.get(box) or "").strip() for box in BOXES)


def note(triple: triples.Triple, summary: run_folder.RunSummary) -> None:
    """Say where the synonym and the opposite come from, and what the dial is."""
    source = {
        "synonym": "The dictionary WordNet gives the synonym and the opposite.",
        "similar": "The dictionary WordNet gives the opposite, and a word of nearly the same meaning.",
        "typed": "You chose the words.",
    }[triple.kind]
    if bare_towers.is_bare(summary):
        st.caption(f"{source} This tower is shown as it is: nothing was tuned, so there is no after.")
        return
    steps = {
        1: " The run’s tuned weights are not here, so only before is shown.",
        2: " This run stores before and after only.",
    }.get(len(triple.positions), "")
    # Captions are not searched for the words, so of a training on captions nothing is said.
    known = typed_now() or summary.config.get("method") == "paraphrases"
    unseen = "" if known else " Training saw none of the three words."
    st.caption(f"{source}{unseen}{steps}")


def draw_how_often(summary: run_folder.RunSummary, run: run_folder.Run) -> None:
    """Draw how often the opposite is nearer: before, after, and for every control."""
    st.header("How often?", anchor=False)
    table = run.triples
    if RATE not in summary.metrics:
        if table is None or table.empty:
            st.info("This run measured no words with a synonym and an opposite.")
            return
        if "antonym_100" not in table:  # of a tower that was not tuned
            share = float((table["antonym_0"] >= table["synonym_0"]).mean())
            layout.finding(
                f"Of {len(table)} words with a synonym and an opposite, the opposite is nearer in "
                f"**{share:.0%}**."
            )
            return
        wrong = {end: float((table[f"antonym_{end}"] >= table[f"synonym_{end}"]).mean()) for end in (0, 100)}
        layout.finding(
            f"Of {len(table)} words with a synonym and an opposite, the opposite was nearer in "
            f"**{wrong[0]:.0%}** before and in **{wrong[100]:.0%}** after. "
            "Of this kind of training there is no control run."
        )
        return
    entry = summary.metrics[RATE]
    others = store.listing().summaries
    rows = _rate_rows(summary, others)
    controls = rows[rows["control"] & (rows["run"] != THIS)]
    itself = "  \nThis run is a control itself: it was trained on nonsense." if _is_control(summary) else ""
    said = ", ".join(f"{row.run.split(': ')[-1]} {row.value:.0%}" for row in controls.itertuples())
    before = f"**{entry['before']:.0%}** before and " if entry.get("before") is not None else ""
    layout.finding(
        f"Of {int(entry.get('n') or 0)} words that training never saw, the opposite was nearer in {before}"
        f"**{entry['value']:.0%}** after tuning{_within(entry)}.{itself}"
        + (f"  \nTrained alike on nonsense, as a control: {layout.literal(said)}." if said else "")
    )
    figure = scores.metric_bars_figure(
        rows, title="How often the opposite is nearer", value_title="share of words, with 95 % interval"
    )
    figure.update_xaxes(tickformat=".0%")
    layout.chart(figure, alt_texts.alt_text("metric_bars", rows), key="finding")


def _within(entry: Mapping[str, Any]) -> str:
    if entry.get("low") is None or entry.get("high") is None:
        return ""
    return f" (95 % interval {entry['low']:.0%} to {entry['high']:.0%})"


def _rate_rows(summary: run_folder.RunSummary, others: tuple[run_folder.RunSummary, ...]) -> pd.DataFrame:
    """Return the rate of this run before and after, then of every control, then of all other runs."""
    names, own = run_names.names(others), run_names.subject(summary.config)
    rows = []
    if (before := summary.metrics[RATE].get("before")) is not None:
        rows.append(("before tuning", before, None, None, False))
    for one in sorted(others, key=lambda one: (one.run_id != summary.run_id, not _is_control(one))):
        if RATE in one.metrics:
            found = one.metrics[RATE]
            name = names[one.run_id].removeprefix(f"{own}, ")
            if not name.startswith("seed"):
                name = name.replace(", seed 0", "")
            elif one.run_id != summary.run_id:
                name = f"{'the real targets' if _is_control(summary) else 'another start'}: {name}"
            name = THIS if one.run_id == summary.run_id else name
            rows.append((name, found["value"], found.get("low"), found.get("high"), _is_control(one)))
    table = pd.DataFrame(rows, columns=["run", "value", "low", "high", "control"])
    return table.assign(metric="the opposite is nearer").astype({"low": float, "high": float})


def _is_control(summary: run_folder.RunSummary) -> bool:
    return str(summary.config.get("control") or "none") != "none"


def draw_steps(summary: run_folder.RunSummary, run: run_folder.Run, triple: triples.Triple | None) -> None:
    """Draw the four steps as cards with small pictures."""
    st.header("Four steps", anchor=False)
    columns = st.columns(4)
    if triple is not None:
        with columns[0], st.container(border=True):
            st.html(small_pictures.axis(triple))
            layout.page_link("app_pages/word.py", "1. One word, closely", word=triple.word)
            st.caption(
                f"{layout.literal(triple.word)}: senses, neighbours before and after, and what pulled it."
            )
    with columns[1], st.container(border=True):
        if run.layout is not None and len(run.layout):
            st.html(small_pictures.scatter(run.layout))
        layout.page_link("app_pages/map.py", "2. A map of many words")
        st.caption("A branch of the dictionary, before and after.")
    with columns[2], st.container(border=True):
        st.html(
            small_pictures.bars(_outcome_bars(run), "Bars: how many triples were repaired, and how many not.")
        )
        layout.page_link("app_pages/pairs.py", "3. How often, and where not")
        st.caption("The strongest repairs, what was not repaired, and what was made worse.")
    with columns[3], st.container(border=True):
        cost = _cost_bars(summary)
        if cost:
            st.html(small_pictures.bars(cost, "Bars: agreement with people’s judgements before and after."))
        layout.page_link("app_pages/runs.py", "4. What it cost")
        st.caption("What else moved: agreement with people, neighbours retained, and how the run was made.")


def _outcome_bars(run: run_folder.Run) -> list[tuple[str, float]]:
    table = triples.of_run(run)
    if table.empty:
        return []
    shares = table["outcome"].value_counts(normalize=True)
    return [(name, float(shares.get(name, 0))) for name in ("repaired", "not repaired", "made worse")]


def _cost_bars(summary: run_folder.RunSummary) -> list[tuple[str, float]]:
    measured = [summary.metrics[key] for key in metric_names.outside(summary.metrics)]
    entry = next((one for one in measured if one.get("before") is not None), None)
    if entry is None:
        return []
    return [("before", max(entry["before"], 0)), ("after", max(entry["value"], 0))]


def draw_pages() -> None:
    """Link to every page; where presenting, there is no other way to them."""
    st.header("All pages", anchor=False)
    columns = st.columns(2)
    for place, page in enumerate(pages.PAGES[1:]):
        with columns[place % 2]:
            layout.page_link(page.file, f"{page.title}: {page.shows}")


def draw_bring() -> None:
    """Say how a tower of one's own comes in."""
    st.header("Bring your CLIP", anchor=False)
    st.markdown(BRING)
    st.code(COMMANDS, language="bash", wrap_lines=True)
    st.caption(
        'In Python: `import lexclip_core as lexclip; lexclip.tune(preset="lexclip", tower="…").save()`.'
    )


layout.head(TITLE, LEAD)
listing = store.listing()
if not listing.summaries:
    layout.empty_state(
        "There is no run yet. A run brings numbers to every page. Make one, then reload this page:", listing
    )
summary = listing.find(st.session_state.get("run")) or listing.summaries[0]
layout.say_unknown_run(listing, summary)
run = store.read(summary)
triple = None
with layout.part("the word with its synonym and opposite"):
    triple = draw_first(summary, run)
if not bare_towers.is_bare(summary):
    tower = known_towers.called(store.tower_name(summary))
    st.caption(layout.literal(f"Tower: {tower}, tuned on {layout.run_name(summary)}."))
with layout.part("how often"):
    draw_how_often(summary, run)
with layout.part("the four steps"):
    draw_steps(summary, run, triple)
draw_bring()
draw_pages()
