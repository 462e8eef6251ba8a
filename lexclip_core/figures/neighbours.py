"""One word's nearest words in the original space, before and after tuning: their table and their figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import (
    BeforeAfter,
    before_after_rows,
    check_depth,
    unit_rows,
    word_rows,
)
from lexclip_core.figures.alt_texts import described_by
from lexclip_core.figures.style import INK, NEUTRAL, WHEN, Mark, checked, gapped, marks_for, new_figure, plain

NEIGHBOUR_COLUMNS = ("neighbour", "rank_before", "rank_after", "cosine_before", "cosine_after", "change")
_SHOWN = {"stayed": WHEN, "left": WHEN[:1], "entered": WHEN[1:]}
"""Change -> where such a neighbour is among the k nearest."""


def neighbour_table(
    words: Sequence[str], before: np.ndarray, after: np.ndarray, word: str, k: int = 10
) -> pd.DataFrame:
    """Return the nearest words of one word before and after tuning: what stayed, entered and left.

    Args:
        words: The words of the embeddings' rows.
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning, (words, dim).
        word: The word whose neighbours are wanted; it is not its own neighbour.
        k: How many neighbours before and after.

    Returns:
        Columns neighbour, rank_before, rank_after (among all words, from 1), cosine_before,
        cosine_after in [-1, 1], change; rows by rank after, then those that left by rank before.

    Raises:
        InputError: The word has no embedding, or k is out of range.

    >>> words, before = ["hot", "warm", "cold"], np.array([[1, 0], [0.6, 0.8], [0.8, 0.6]])
    >>> table = neighbour_table(words, before, before[[0, 2, 1]], "hot", k=1)
    >>> table[["neighbour", "change"]].values.tolist()
    [['warm', 'entered'], ['cold', 'left']]
    """
    row = int(word_rows([word], words)[0])
    before, after = before_after_rows(before, after, words)
    return neighbour_table_of_vector(words, before, after, before[row], after[row], k, exclude=(word,))


def neighbour_table_of_vector(  # noqa: PLR0913 - two spaces, two vectors, and the words they are compared with
    words: Sequence[str],
    before: np.ndarray,
    after: np.ndarray,
    vector_before: np.ndarray,
    vector_after: np.ndarray,
    k: int = 10,
    *,
    exclude: Sequence[str] = (),
) -> pd.DataFrame:
    """Return the neighbour table of a text that was encoded by itself, such as a typed word.

    Args:
        words: The words of the embeddings' rows.
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning, (words, dim).
        vector_before: The text's unit vector before tuning, (dim,).
        vector_after: The text's unit vector after tuning, (dim,).
        k: How many neighbours before and after.
        exclude: Words that are not to count as neighbours, such as the text itself.

    Returns:
        The table of `neighbour_table`.

    Raises:
        InputError: k is out of range, or the arrays do not fit each other.
    """
    rows = before_after_rows(before, after, words)
    names = np.asarray(list(words), dtype=object)
    allowed = np.flatnonzero(~np.isin(names, list(exclude)))
    check_depth(k, len(allowed))
    columns: dict[str, np.ndarray] = {}
    for when, vector in BeforeAfter(vector_before, vector_after)._asdict().items():
        space = getattr(rows, when)
        cosine = np.clip((space @ _unit_vector(vector, f"vector_{when}", space.shape[1]))[allowed], -1.0, 1.0)
        rank = np.empty(len(allowed), dtype=np.int64)
        rank[np.argsort(-cosine.astype(np.float64), kind="stable")] = np.arange(1, len(allowed) + 1)
        columns |= {f"rank_{when}": rank, f"cosine_{when}": cosine.astype(np.float64)}
    table = pd.DataFrame({"neighbour": names[allowed], **columns})
    near_before, near_after = table["rank_before"] <= k, table["rank_after"] <= k
    table["change"] = np.select([near_before & near_after, near_after], ["stayed", "entered"], "left")
    table = table[near_before | near_after]
    first = np.where(table["change"] == "left", k + table["rank_before"], table["rank_after"])
    return table.iloc[np.argsort(first, kind="stable")][list(NEIGHBOUR_COLUMNS)].reset_index(drop=True)


def _unit_vector(vector: np.ndarray, name: str, dim: int) -> np.ndarray:
    row: np.ndarray = unit_rows(np.reshape(vector, (1, -1)), name)[0]
    if len(row) != dim:
        raise InputError(
            f"{name} has {len(row)} dimensions, the words have {dim}", "encode both with one tower"
        )
    return row


def neighbours_alt(table: pd.DataFrame) -> str:
    """Describe `neighbours_figure` for a screen reader: how many stayed, and which words left and entered."""
    rows = checked(table, NEIGHBOUR_COLUMNS, "neighbours")

    def listed(change: str) -> str:
        words = rows.loc[rows["change"] == change, "neighbour"].astype(str).tolist()
        more = f" and {len(words) - 8} more" if len(words) > 8 else ""
        return f"{len(words)} {change}" + (f" ({', '.join(words[:8])}{more})" if words else "")

    return (
        f"Nearest words before and after tuning: {listed('stayed')}; {listed('left')}; {listed('entered')}."
    )


@described_by(neighbours_alt)
def neighbours_figure(
    table: pd.DataFrame, *, title: str = "Nearest words, before and after tuning"
) -> go.Figure:
    """Draw the ranked neighbours of one word before (left) and after (right), joined where they stayed.

    Args:
        table: Columns neighbour, rank_before, rank_after (from 1), cosine_before, cosine_after,
            change (stayed, entered or left), one row per neighbour.
        title: What the reader sees above the figure; name the word.

    Raises:
        InputError: A column is missing or there is no row.
    """
    rows = checked(table, NEIGHBOUR_COLUMNS, "neighbours")
    drawn = {"before": rows["change"] != "entered", "after": rows["change"] != "left"}
    depth = int(max(rows.loc[here, f"rank_{when}"].max() for when, here in drawn.items() if here.any()))
    caption = "In brackets: the rank on the other side."
    figure = new_figure(title, height=190 + 27 * depth, caption=caption)
    stayed = rows[rows["change"] == "stayed"]
    lines = go.Scatter(
        x=np.tile([0.0, 1.0, np.nan], len(stayed)),
        y=gapped(stayed[["rank_before", "rank_after"]].to_numpy()),
        mode="lines",
        line={"color": NEUTRAL, "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
        name="rank change",
    )
    figure.add_trace(lines)
    marks = marks_for(_SHOWN)
    for change, shown in _SHOWN.items():
        group = rows[rows["change"] == change]
        for when in shown if len(group) else ():
            figure.add_trace(_neighbour_column(group, when, change, marks[change]))
    figure.update_xaxes(range=[-1.6, 2.6], visible=False, fixedrange=True)
    for x, when, anchor in ((0, "before", "right"), (1, "after", "left")):
        heading = {"text": f"<b>{when}</b>", "xanchor": anchor, "showarrow": False}
        figure.add_annotation(x=x, y=0.1, **heading)
    return figure.update_yaxes(range=[depth + 0.7, -0.4], visible=False, fixedrange=True)


def _neighbour_column(rows: pd.DataFrame, when: str, change: str, mark: Mark) -> go.Scatter:
    other = {"left": "rank_after", "entered": "rank_before"}.get(change)
    words = [plain(word, 18) for word in rows["neighbour"]]
    if other:
        words = [f"{word} ({rank})" for word, rank in zip(words, rows[other], strict=True)]
    shown = rows.assign(neighbour=rows["neighbour"].map(plain))
    details = shown[["neighbour", "rank_before", "rank_after", "cosine_before", "cosine_after"]].to_numpy()
    return go.Scatter(
        x=[0 if when == "before" else 1] * len(rows),
        y=rows[f"rank_{when}"].to_numpy(float),
        mode="markers+text",
        text=words,
        textposition="middle left" if when == "before" else "middle right",
        textfont={"color": INK, "size": 12},
        marker={"symbol": mark.symbol, "color": mark.color, "size": 10},
        name=change,
        legendgroup=change,
        showlegend=when == "after" or change == "left",
        cliponaxis=False,
        customdata=details,
        hovertemplate="<b>%{customdata[0]}</b> " + change + "<br>before: rank %{customdata[1]}, cosine "
        "%{customdata[3]:.3f}<br>after: rank %{customdata[2]}, cosine %{customdata[4]:.3f}<extra></extra>",
    )
