"""Ledger: every claim and number of both papers and what was measured here, with a verdict."""

from __future__ import annotations

import layout
import pandas as pd
import static_data
import streamlit as st

from lexclip_core.errors import LexclipError
from lexclip_core.papers.ledger import measured_text, tally
from lexclip_core.papers.verdicts import MEANINGS, SYMBOLS

LEAD = (
    "For readers of the two papers who ask: does it hold? Every claim, whether it was reproduced here, and "
    "why that can or cannot be said."
)
RULE = (
    "Nothing is filled in by hand: a claim gets a verdict from the quantities that it names, on the tower "
    "and the data that it speaks of, and from nothing else. Most of ours is of small towers and emoji: it is "
    "shown, and judges nothing."
)
SHORT_COLUMNS = {"claim": "claim", "verdict": "verdict", "reason": "why"}
"""What is shown at first: column -> its heading."""
SIGNS = {verdict: f"{sign} {verdict}" for verdict, sign in SYMBOLS.items()}
PAPERS = {"Both papers": "", "Wu-Palmer (blog)": "blog", "ParaCLIP": "paraclip"}
CLAIM_COLUMNS = [
    "id",
    "verdict",
    "statement",
    "measured",
    "here",
    "direction",
    "data",
    "text_tower",
    "reason",
]
NUMBER_COLUMNS = [
    *("verdict", "paper", "statement", "reported", "neighbours", "measured", "here", "direction", "data"),
    "reason",
]
DETAIL_COLUMNS = ["verdict", "measured", "here", "over", "seeds", "direction", "data", "text_tower", "reason"]


def choose(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Draw the filters and return the rows that they leave, and their kind (claim or number)."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kinds = {"Claims": "claim", "Numbers": "number"}
        layout.check_address("rows", list(kinds), "kind of row")
        layout.check_address("paper", list(PAPERS), "paper")
        kind = st.segmented_control(
            "Rows", list(kinds), default="Claims", required=True, key="rows", bind="query-params"
        )
        paper = st.segmented_control(
            "Paper", list(PAPERS), default="Both papers", required=True, key="paper", bind="query-params"
        )
        verdicts = st.pills(
            "Verdict", list(SIGNS), selection_mode="multi", key="verdict", bind="query-params",
            help="None chosen: all are shown.",
        )  # fmt: skip
    typed = st.text_input("Search", "", key="search", bind="query-params", placeholder="synonym, STS, B21 …")
    rows = table[table["kind"] == kinds[kind]]
    if PAPERS[paper]:
        rows = rows[rows["paper"] == PAPERS[paper]]
    if verdicts:
        rows = rows[rows["verdict"].isin(verdicts)]
    words = (typed or "").casefold().split()
    text = rows[["id", "claims", "statement", "measured", "data"]].agg(" ".join, axis=1).str.casefold()
    return rows[[all(word in line for word in words) for line in text]], kinds[kind]


def draw_counts(table: pd.DataFrame) -> None:
    """Draw how many claims and numbers have each verdict, and what each means."""
    st.header("What the verdicts mean", anchor=False)
    st.markdown(RULE)
    counts = pd.crosstab(table["verdict"], table["kind"]).reindex(list(SIGNS), fill_value=0)
    rows = counts.reindex(columns=["claim", "number"], fill_value=0).set_axis(
        ["claims", "rows of numbers"], axis="columns"
    )
    shown = rows.reset_index().assign(verdict=list(SIGNS.values()), meaning=list(MEANINGS.values()))
    layout.table(shown, name="verdicts")


def draw_claim(details: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Draw every measurement that bears on one claim."""
    names = [row.id for row in rows.itertuples() if row.id in set(details["claim"])]
    if not names:
        return
    st.header("One claim closely", anchor=False)
    statements = dict(zip(rows["id"], rows["statement"], strict=True))
    layout.check_address("claim", names, "claim")
    chosen = st.selectbox(
        "Claim", names, key="claim", bind="query-params", format_func=lambda one: f"{one}: {statements[one]}"
    )
    found = with_texts(details[details["claim"] == chosen])[DETAIL_COLUMNS]
    layout.table(found.astype({"seeds": "Int64"}).dropna(axis="columns", how="all"))


def with_texts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with their verdict's sign, and what was measured here in words, intervals included."""
    here = [measured_text(row) for row in rows.to_dict("records")]
    return rows.assign(verdict=rows["verdict"].map(SIGNS).fillna("shown"), here=here)


def draw() -> None:
    """Draw the ledger, or what is wrong with it."""
    try:
        table, details = static_data.ledger_tables()
    except LexclipError as error:
        layout.show_error(error)
        return
    if details.empty:
        st.info("Nothing has been measured yet, so only the papers’ side is shown. This fills the other:")
        st.code("lexclip notebooks run --profile embedded", language="bash", wrap_lines=True)
    layout.finding(tally(table))
    rows, kind = choose(table)
    if rows.empty:
        st.info("No row is left. Choose fewer verdicts, or search for less.")
    else:
        draw_rows(rows, kind)
        if kind == "claim":
            with layout.part("one claim"):
                draw_claim(details, rows)
    draw_counts(table)


def draw_rows(rows: pd.DataFrame, kind: str) -> None:
    """Draw the rows as claim, verdict and why; every column on demand."""
    whole = with_texts(rows)
    if st.toggle("All columns", key="all_columns", bind="query-params"):
        columns = CLAIM_COLUMNS if kind == "claim" else NUMBER_COLUMNS
        layout.table(whole[columns].dropna(axis="columns", how="all"), narrow=["id"], name="ledger")
        said = (
            " “Here” has the 95 % interval over items, and what varies over training seeds or draws; "
            "“direction” says which way it points."
        )
    else:
        text = whole["id"] + ": " + whole["statement"] if kind == "claim" else whole["statement"]
        short = whole.assign(claim=text)[list(SHORT_COLUMNS)].rename(columns=SHORT_COLUMNS)
        layout.text_table(short, of=f"{kind}s", name="ledger")
        said = ""
    st.caption(f"{len(rows):,} rows.{said} `lexclip ledger --html FILE` writes all as one page.")


layout.head("Ledger", LEAD)
draw()
