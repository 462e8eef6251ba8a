"""Ledger: every claim and number of both papers and what was measured here, with a verdict."""

from __future__ import annotations

import layout
import pandas as pd
import static_data
import streamlit as st

from lexclip_core.errors import LexclipError

LEAD = (
    "What two papers claim and report, and what this project’s notebooks measured. Nothing here is filled in "
    "by hand: a notebook that runs writes what it found, and the verdict is computed from it. Most of ours "
    "is of small towers and emoji, where a direction can be compared but a value cannot; each row says which."
)
SIGNS = {
    "reproduced": "✓ reproduced",
    "within noise": "≈ within noise",
    "contradicted": "✗ contradicted",
    "not runnable here": "– not runnable here",
}
PAPERS = {"Both papers": "", "Wu-Palmer (blog)": "blog", "ParaCLIP": "paraclip"}
CLAIM_COLUMNS = [
    "id",
    "verdict",
    "statement",
    "measured",
    "ours",
    "low",
    "high",
    "unit",
    "data",
    "text_tower",
    "reason",
]
NUMBER_COLUMNS = [
    "verdict",
    "paper",
    "statement",
    "reported",
    "ours",
    "low",
    "high",
    "unit",
    "comparison",
    "data",
    "reason",
]


def choose(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Draw the filters and return the rows that they leave, and their kind (claim or number)."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kinds = {"Claims": "claim", "Numbers": "number"}
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
    """Draw how many claims and numbers have each verdict."""
    counts = table.groupby("kind")["verdict"].value_counts()
    for column, (verdict, sign) in zip(st.columns(len(SIGNS)), SIGNS.items(), strict=True):
        claims, numbers = counts.get(("claim", verdict), 0), counts.get(("number", verdict), 0)
        column.metric(sign, f"{claims} claims")
        column.caption(f"{numbers} reported numbers")


def draw_claim(details: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Draw every measurement that bears on one claim."""
    names = [row.id for row in rows.itertuples() if row.id in set(details["claim"])]
    if not names:
        return
    st.subheader("One claim closely", anchor=False)
    statements = dict(zip(rows["id"], rows["statement"], strict=True))
    chosen = st.selectbox(
        "Claim", names, key="claim", bind="query-params", format_func=lambda one: f"{one}: {statements[one]}"
    )
    found = details[details["claim"] == chosen].drop(columns="claim")
    layout.table(found.assign(verdict=found["verdict"].map(SIGNS)).dropna(axis="columns", how="all"))


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
    draw_counts(table)
    rows, kind = choose(table)
    if rows.empty:
        st.info("No row is left. Choose fewer verdicts, or search for less.")
        return
    columns = CLAIM_COLUMNS if kind == "claim" else NUMBER_COLUMNS
    shown = rows.assign(verdict=rows["verdict"].map(SIGNS))[columns]
    layout.table(shown.dropna(axis="columns", how="all"), narrow=["id", "unit"])
    st.caption(
        f"{len(rows):,} rows. “Ours”, with its 95 % interval, is of the measurement that decides the "
        "verdict; the reason says by which rule. `lexclip ledger --html FILE` writes all of it as one page."
    )
    if kind == "claim":
        draw_claim(details, rows)


st.title("Ledger", anchor=False)
st.markdown(LEAD)
draw()
