"""Numbers -> the sentence a reader should leave with, in Markdown; `say` escapes words for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
from name_scores import Measured

Say = Callable[[object], str]
CHANGES = ("stayed", "left", "entered")


def number(value: float, digits: int = 2) -> str:
    """Return a number with a true minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def interval(entry: Mapping[str, Any]) -> str:
    """Return " (95 % interval low to high)", or nothing where there is none, or none with a width."""
    low, high = (None if entry.get(end) is None else number(entry[end]) for end in ("low", "high"))
    return "" if low is None or high is None or low == high else f" (95 % interval {low} to {high})"


def triple(table: pd.DataFrame, word: str, say: Say) -> str:
    """Say whether a word lies nearer its synonym or its antonym, before and after.

    Args:
        table: Columns word_a, word_b, relation, cosine_before, cosine_after.
        word: A `word_a` with one synonym and one antonym in the table.
        say: Escapes a word for Markdown.
    """
    rows = table[table["word_a"] == word].set_index("relation")
    synonym, antonym = rows.loc["synonym"], rows.loc["antonym"]
    parts = []
    for column, when in (("cosine_before", "before tuning"), ("cosine_after", "after")):
        near, far = sorted((synonym, antonym), key=lambda row: -row[column])
        nearest = f"**{say(near['word_b'])}** ({number(near[column])})"
        parts.append(f"{when} it is nearer to {nearest} than to {say(far['word_b'])} ({number(far[column])})")
    return f"**{say(word)}**: {parts[0]}; {parts[1]}."


def pair(row: pd.Series, say: Say) -> str:
    """Say one pair's cosine before and after."""
    before, after = number(row["cosine_before"]), number(row["cosine_after"])
    return f"**{say(row['word_a'])} – {say(row['word_b'])}**: cosine {before} before, **{after}** after."


def pair_before(row: pd.Series, say: Say) -> str:
    """Say one pair's cosine before, where what came after is not stored."""
    before = number(row["cosine_before"])
    return (
        f"**{say(row['word_a'])} – {say(row['word_b'])}**: cosine **{before}** before; after is not stored."
    )


def relation_sentence(relation: str, target: float | None, say: Say) -> str:
    """Say how WordNet relates a typed pair, and its target."""
    if target is None:
        return "WordNet lacks one of the two, so it says nothing of the pair."
    known = {
        "unrelated": "WordNet is silent about the two",
        "taxonomy": "WordNet relates them only by its tree of wider words",
    }.get(relation, f"WordNet relates them as **{say(relation)}**")
    return f"{known}; training on its relations asks for a cosine of {number(target)}."


def relations(summary: pd.DataFrame, say: Say) -> str:
    """Say each relation's mean cosine before and after, from `geometry.pair_summary`."""
    parts = [
        f"**{say(row.relation)}** {number(row.mean_before)} → {number(row.mean_after)} ({row.pairs:,} pairs)"
        for row in summary.itertuples()
    ]
    return f"Mean cosine, before → after: {', '.join(parts)}."


def neighbours(table: pd.DataFrame, word: str, say: Say) -> str:
    """Say how many neighbours stayed, and name some that left and entered."""
    names = {change: list(table.loc[table["change"] == change, "neighbour"]) for change in CHANGES}

    def some(change: str) -> str:
        shown = ", ".join(say(name) for name in names[change][:3]) + (", …" if len(names[change]) > 3 else "")
        return f"{len(names[change])} {change}" + (f" ({shown})" if names[change] else "")

    stayed, total = len(names["stayed"]), len(names["stayed"]) + len(names["left"])
    return (
        f"Of the {total} words nearest to **{say(word)}**, **{stayed}** stayed, {some('left')} "
        f"and {some('entered')}."
    )


def reasons(table: pd.DataFrame, say: Say) -> str:
    """Say what WordNet calls the neighbours that entered and left; "" where it is silent.

    Args:
        table: Columns neighbour, change, why.
        say: Escapes a word for Markdown.
    """
    parts = []
    for change in ("left", "entered"):
        rows = table[(table["change"] == change) & (table["why"] != "")].head(4)
        if len(rows):
            named = ", ".join(f"{say(row.neighbour)} ({row.why})" for row in rows.itertuples())
            parts.append(f"of those that {change}: {named}")
    return f" By WordNet, {'; '.join(parts)}." if parts else ""


def subtree(summary: Mapping[str, Any], edges: pd.DataFrame, say: Say) -> str:
    """Say how close words lie to their parents in the original space, and how far the map can be trusted.

    Args:
        summary: What `geometry.layout_summary` says of the map.
        edges: What `tables.parent_cosines` says of the original space.
        say: Escapes a word for Markdown.
    """
    known = edges.dropna(subset=["cosine_before", "cosine_after"])
    text = f"{summary['words']} words; **{say(summary['furthest'])}** moved furthest on the map. "
    if len(known):
        before, after = (number(known[f"cosine_{side}"].mean()) for side in ("before", "after"))
        text += (
            f"Mean cosine of a word with its parent, in the original space: **{before}** before, "
            f"**{after}** after ({len(known)} edges). "
        )
    trust = [summary[f"trustworthiness_{side}"] for side in ("before", "after")]
    if not any(pd.isna(trust)):
        text += (
            f"Trustworthiness of the map: {number(trust[0])} before, {number(trust[1])} after (1 is best)."
        )
    return text


def names(measured: Measured) -> str:
    """Say how often each tower is right with the original names and with the names now, and the change."""
    sentences = []
    for tower, rows in measured.rows.groupby("metric", sort=False):
        parts = [
            f"**{number(row.value)}** with the {row.run}{interval({'low': row.low, 'high': row.high})}"
            for row in rows.itertuples()
        ]
        sentence = f"Share of pictures that the **{tower}** names right: {', '.join(parts)}"
        change = measured.changes.get(str(tower).removesuffix(" tower"))
        if change is not None:
            sign = "+" if change.value > 0 else ""
            p = f"; p = {change.p:.2g}" if change.p is not None else ""
            within = interval({"low": change.low, "high": change.high})
            sentence += f". Change {sign}{number(change.value)}{within}{p}"
        sentences.append(f"{sentence}.")
    return "  \n".join(sentences)


def history(table: pd.DataFrame) -> str:
    """Say how far the loss fell between the first and the last tenth, in how many steps and seconds."""
    if table.empty:
        return "This run has no history."
    tenth = max(1, len(table) // 10)
    first, last = (part["total"].mean() for part in (table.head(tenth), table.tail(tenth)))
    steps, seconds = int(table["step"].max()) + 1, table["seconds"].max()
    return (
        f"Mean loss over the first tenth of the steps **{first:.3g}**, over the last tenth **{last:.3g}**; "
        f"{steps:,} steps in {seconds:,.0f} seconds."
    )
