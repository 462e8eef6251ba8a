"""Cosines of word pairs before and after tuning: their table, and figures of arrows and of histograms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import before_after_rows, row_cosines, word_rows
from lexclip_core.figures.alt_texts import described_by
from lexclip_core.figures.style import (
    COSINE_RANGE,
    INK,
    WHEN,
    Mark,
    arrows,
    checked,
    faint,
    marks_for,
    new_figure,
    outlined,
    plain,
)

SENSE_COLUMNS = ("sense", "pos", "text", "cosine_before", "cosine_after")
PAIR_COLUMNS = ("word_a", "word_b", "relation", "cosine_before", "cosine_after")
BIN_EDGES = np.linspace(-1.0, 1.0, 41)
_ARROW_FROM = 0.2  # a shorter move has no room for an arrow head between its two symbols
_MAX_NAMES = 48


def pair_table(
    pairs: pd.DataFrame, words: Sequence[str], before: np.ndarray, after: np.ndarray
) -> pd.DataFrame:
    """Return the pairs with their cosines in the columns cosine_before and cosine_after.

    Args:
        pairs: Columns word_a and word_b; any others (relation, pos, split) stay.
        words: The words of the embeddings' rows.
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning, (words, dim').

    Raises:
        InputError: A word has no embedding, or the embeddings do not fit each other or the words.

    >>> pairs = pd.DataFrame({"word_a": ["hot"], "word_b": ["cold"]})
    >>> table = pair_table(pairs, ["hot", "cold"], np.array([[1, 0], [0.6, 0.8]]), np.array([[1, 0], [0, 1]]))
    >>> table[["cosine_before", "cosine_after"]].round(2).values.tolist()
    [[0.6, 0.0]]
    """
    rows = before_after_rows(before, after, words)
    a, b = word_rows(list(pairs["word_a"]), words), word_rows(list(pairs["word_b"]), words)
    if not len(a):
        raise InputError("there are no pairs", "give at least one row with word_a and word_b")
    cosines = rows.map(lambda embeddings: row_cosines(embeddings[a], embeddings[b]))
    return pairs.reset_index(drop=True).assign(cosine_before=cosines.before, cosine_after=cosines.after)


def pair_summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per relation: pairs, mean cosine before and after, mean change, share that rose.

    Args:
        table: Columns relation, cosine_before, cosine_after, as `pair_table` returns them.

    Returns:
        Columns relation, pairs, mean_before, mean_after, mean_change, share_rose.
    """
    change = table["cosine_after"] - table["cosine_before"]
    rows = table.assign(change=change, rose=change > 0).groupby("relation", sort=False)
    return rows.agg(
        pairs=("change", "size"),
        mean_before=("cosine_before", "mean"),
        mean_after=("cosine_after", "mean"),
        mean_change=("change", "mean"),
        share_rose=("rose", "mean"),
    ).reset_index()


def pair_cosines_alt(table: pd.DataFrame) -> str:
    """Describe `pair_cosines_figure` for a screen reader: counts, and the mean cosine of each relation."""
    rows = checked(table, PAIR_COLUMNS, "pair_cosines")
    parts = _by_relation(rows, "mean", counted=True)
    return f"Arrows of cosine before and after tuning for {len(rows)} word pairs: {parts}."


def _by_relation(rows: pd.DataFrame, measure: str, *, counted: bool = False) -> str:
    groups = rows.groupby("relation", sort=False)[["cosine_before", "cosine_after"]]
    return "; ".join(
        f"{relation}{f' ({len(group)})' if counted else ''} {measure} {before:.2f} before, {after:.2f} after"
        for (relation, group), (before, after) in zip(groups, groups.agg(measure).to_numpy(), strict=True)
    )


@described_by(pair_cosines_alt)
def pair_cosines_figure(
    table: pd.DataFrame, *, title: str = "Cosine of each word pair, before and after tuning"
) -> go.Figure:
    """Draw one arrow per word pair, from its cosine before tuning to its cosine after.

    Args:
        table: Columns word_a, word_b, relation, cosine_before, cosine_after, one row per pair, drawn
            top to bottom in the order given; label, where the axis is to say something else than the words.
        title: What the reader sees above the figure.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, PAIR_COLUMNS, "pair_cosines")
    named = len(rows) <= _MAX_NAMES
    caption = "Outlined: before. Filled: after." + ("" if named else " Hover to read the words.")
    height = 190 + (30 * len(rows) if named else 900)
    figure = new_figure(title, height=height, caption=caption)
    for relation, mark in marks_for(rows["relation"]).items():
        group = rows[rows["relation"].astype(str) == relation]
        x, y = group[["cosine_before", "cosine_after"]], np.column_stack([group.index, group.index])
        long = (group["cosine_after"] - group["cosine_before"]).abs().to_numpy() >= _ARROW_FROM
        figure.add_trace(arrows(x.to_numpy(float), y, mark, head=13 * long, standoff=6, width=2))
        for when in WHEN:
            figure.add_trace(_pair_points(group, when, relation, mark))
    if "label" in rows:
        labels = [plain(text, 44) for text in rows["label"]]
    else:
        ends = zip(rows["word_a"], rows["word_b"], strict=True)
        labels = [f"{plain(a, 14)} / {plain(b, 14)}" for a, b in ends]
    figure.update_xaxes(range=list(COSINE_RANGE), title="cosine", dtick=0.5, zeroline=True)
    ticks = {"tickvals": list(range(len(rows))), "ticktext": labels} if named else {"showticklabels": False}
    return figure.update_yaxes(range=[len(rows) - 0.4, -0.6], zeroline=False, **ticks)


def _pair_points(rows: pd.DataFrame, when: str, relation: str, mark: Mark) -> go.Scatter:
    labels = [f"{plain(a)} / {plain(b)}" for a, b in zip(rows["word_a"], rows["word_b"], strict=True)]
    details = np.column_stack([labels, rows["cosine_before"].round(3), rows["cosine_after"].round(3)])
    return go.Scatter(
        x=rows[f"cosine_{when}"].to_numpy(float),
        y=rows.index.to_numpy(float),
        mode="markers",
        name=plain(relation) if when == "after" else f"{plain(relation)}, before",
        legendgroup=relation,
        showlegend=when == "after",
        marker={
            "symbol": outlined(mark.symbol) if when == "before" else mark.symbol,
            "color": mark.color,
            "size": 11,
            "line": {"width": 2 if when == "before" else 1, "color": mark.color},
        },
        customdata=details,
        hovertemplate="<b>%{customdata[0]}</b><br>"
        + f"{plain(relation)}<br>before %{{customdata[1]}}, after %{{customdata[2]}}<extra></extra>",
    )


def cosine_histogram_alt(table: pd.DataFrame) -> str:
    """Describe `cosine_histogram_figure` for a screen reader: each relation's median before and after."""
    rows = checked(table, PAIR_COLUMNS, "cosine_histogram")
    parts = _by_relation(rows, "median")
    return f"Histograms of the cosines of {len(rows)} word pairs, before and after tuning: {parts}."


@described_by(cosine_histogram_alt)
def cosine_histogram_figure(table: pd.DataFrame, *, title: str = "How cosines are spread") -> go.Figure:
    """Draw each relation's histogram of cosines, before above after, on shared axes.

    Args:
        table: As for `pair_cosines_figure`.
        title: What the reader sees above the figure.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, PAIR_COLUMNS, "cosine_histogram")
    caption = "Top: before tuning. Bottom: after. The symbol on the axis is the median."
    figure = new_figure(title, height=540, caption=caption)
    figure.set_subplots(rows=2, cols=1, shared_xaxes=True, shared_yaxes="all", vertical_spacing=0.08)
    highest = 0.0
    for relation, mark in marks_for(rows["relation"]).items():
        group = rows[rows["relation"].astype(str) == relation]
        for row, when in enumerate(WHEN, start=1):
            values = group[f"cosine_{when}"]
            trace = _histogram_trace(values, relation, mark).update(showlegend=row == 1)
            highest = max(highest, max(trace.y))
            figure.add_traces([trace, _median_trace(values, relation, when, mark)], rows=row, cols=1)
    figure.update_xaxes(range=list(COSINE_RANGE), dtick=0.5)
    figure.update_xaxes(title="cosine", row=2, col=1)
    for row, when in enumerate(WHEN, start=1):
        figure.update_yaxes(title=f"{when}: % of pairs", range=[0, 1.08 * highest], row=row, col=1)
    return figure


def _histogram_trace(values: pd.Series, relation: str, mark: Mark) -> go.Scatter:
    counts, _ = np.histogram(values.dropna().clip(*COSINE_RANGE), bins=BIN_EDGES)  # rounding beyond 1 is 1
    shares = 100 * counts / max(counts.sum(), 1)  # percent
    return go.Scatter(
        x=BIN_EDGES,
        y=np.append(shares, shares[-1]),
        mode="lines",
        line={"shape": "hv", "color": mark.color, "dash": mark.dash, "width": 2},
        fill="tozeroy",
        fillcolor=faint(mark.color),
        name=plain(relation),
        legendgroup=relation,
        hovertemplate=f"{plain(relation)}<br>cosine from %{{x:.2f}}: %{{y:.1f}} %<extra></extra>",
    )


def _median_trace(values: pd.Series, relation: str, when: str, mark: Mark) -> go.Scatter:
    return go.Scatter(
        x=[values.median()],
        y=[0],
        mode="markers",
        marker={"symbol": mark.symbol, "color": mark.color, "size": 13, "line": {"color": INK, "width": 1}},
        name=f"{plain(relation)}, median {when}",
        legendgroup=relation,
        showlegend=False,
        cliponaxis=False,
        hovertemplate=f"{plain(relation)}, median %{{x:.2f}}<extra></extra>",
    )


def senses_alt(table: pd.DataFrame, word: str) -> str:
    """Describe `senses_figure` for a screen reader: how many senses, which is nearest and which farthest."""
    rows = checked(table, SENSE_COLUMNS, "senses")
    parts = []
    for when in WHEN:
        cosines = rows[f"cosine_{when}"]
        near, far = (
            f"{rows['text'][one]} ({cosines[one]:.2f})" for one in (cosines.idxmax(), cosines.idxmin())
        )
        parts.append(f"{when} tuning the nearest is {near}, the farthest {far}")
    return f"Cosines of {len(rows)} senses of {word} with the bare word: {'; '.join(parts)}."


@described_by(senses_alt)
def senses_figure(table: pd.DataFrame, word: str) -> go.Figure:
    """Draw one arrow per sense of a word, from its cosine with the bare word before tuning to that after.

    Args:
        table: Columns sense, pos, text, cosine_before, cosine_after: `lexclip.senses(word).table` has them.
        word: The word.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, SENSE_COLUMNS, "senses")
    pairs = rows.assign(word_a=word, word_b=rows["sense"], relation=rows["pos"], label=rows["text"])
    return pair_cosines_figure(pairs, title=f"Cosine of each sense with “{plain(word, 40)}” alone")
