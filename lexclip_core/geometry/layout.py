"""One map of the words before and after tuning, in one frame, with its trustworthiness beside it."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lexclip_core.errors import InputError
from lexclip_core.geometry.embeddings import both_sides, fitting, word_rows

MIN_LAYOUT_WORDS = 5

# How strongly a word on one side is tied to itself on the other. Measured on 237 nouns of all-MiniLM-L6-v2:
# at UMAP's own 0.01 two identical sides drift apart by 16 % of the map's spread, at 0.03 by 9 %; from 0.3 on
# words that really changed hardly move more than those that did not, and the side after is less trustworthy.
_ALIGNMENT = 0.03


def _spread(positions: np.ndarray) -> float:
    """Return the root mean squared distance from the centre."""
    return float(np.sqrt(((positions - positions.mean(axis=0)) ** 2).sum(axis=1).mean()))


@dataclass(frozen=True)
class JointLayout:
    """One map for both sides: positions that may be compared, and how far each side can be trusted.

    Attributes:
        before: Positions before tuning, (words, 2) float32.
        after: Positions after tuning, in the same frame.
        trustworthiness_before: In [0, 1]; 1 where every neighbour on the map is one in the original space.
        trustworthiness_after: The same after tuning.
        n_neighbors: Neighbours in the graph, as used.
        seed: The seed it was drawn with.
    """

    before: np.ndarray
    after: np.ndarray
    trustworthiness_before: float
    trustworthiness_after: float
    n_neighbors: int
    seed: int

    @property
    def relative_movement(self) -> float:
        """The mean distance moved over the spread (root mean squared distance from the centre) before."""
        return float(np.linalg.norm(self.after - self.before, axis=1).mean() / _spread(self.before))


def trustworthiness(embeddings: np.ndarray, positions: np.ndarray, n_neighbors: int) -> float:
    """Return how far a map's neighbours are neighbours in the original space by cosine, in [0, 1].

    Args:
        embeddings: Unit rows, (words, dim).
        positions: Positions on the map, (words, 2).
        n_neighbors: Neighbours looked at; lowered to what the measure allows, less than half the words.

    Returns:
        The measure of Venna and Kaski (2001); 1 is best.
    """
    from sklearn import manifold

    k = max(1, min(n_neighbors, (len(embeddings) - 1) // 2))
    return float(manifold.trustworthiness(embeddings, positions, n_neighbors=k, metric="cosine"))


def _aligned_umap(
    before: np.ndarray, after: np.ndarray, *, seed: int, n_neighbors: int, n_epochs: int | None
) -> tuple[np.ndarray, np.ndarray]:
    import umap  # compiles for a minute on a machine's first import

    mapper = umap.AlignedUMAP(
        metric="cosine",
        n_neighbors=n_neighbors,
        n_epochs=n_epochs,
        alignment_regularisation=_ALIGNMENT,
        random_state=seed,  # the neighbour graphs
        transform_seed=seed,  # the layout: AlignedUMAP draws it from this seed alone
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # one thread because of the seed; small sets
        mapper.fit([before, after], relations=[{row: row for row in range(len(before))}])
    first, second = (np.asarray(positions, dtype=np.float32) for positions in mapper.embeddings_)
    lost = np.flatnonzero(~np.isfinite(np.hstack([first, second])).all(axis=1))
    if lost.size:
        raise InputError(
            f"row {lost[0]} has no neighbour to lie near ({lost.size} such rows)", "leave it out of the map"
        )
    return first, second


def joint_layout(
    before: np.ndarray,
    after: np.ndarray,
    *,
    seed: int = 0,
    n_neighbors: int = 15,
    n_epochs: int | None = None,
) -> JointLayout:
    """Lay out both sides in one frame with AlignedUMAP, so that a word's movement can be read.

    Two separate maps would move every word by chance alone; here each word is tied to itself.

    Args:
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning; the dimension may differ.
        seed: Seeds the neighbour graph and the layout: one seed, one map on one machine.
        n_neighbors: Neighbours in the graph; lowered to words - 1 in a small set.
        n_epochs: Rounds of optimisation; 200 unless given.

    Raises:
        InputError: Fewer than five words, or the sides do not fit each other.
    """
    before, after = both_sides(before, after)
    if len(before) < MIN_LAYOUT_WORDS:
        raise InputError(
            f"a map of {len(before)} words says nothing", f"choose at least {MIN_LAYOUT_WORDS} words"
        )
    if n_neighbors < 2:
        raise InputError(f"n_neighbors is {n_neighbors}, but must be at least 2", "15 suits most sets")
    n_neighbors = min(n_neighbors, len(before) - 1)
    first, second = _aligned_umap(before, after, seed=seed, n_neighbors=n_neighbors, n_epochs=n_epochs)
    return JointLayout(
        before=first,
        after=second,
        trustworthiness_before=trustworthiness(before, first, n_neighbors),
        trustworthiness_after=trustworthiness(after, second, n_neighbors),
        n_neighbors=n_neighbors,
        seed=seed,
    )


def layout_table(nodes: pd.DataFrame, layout: JointLayout) -> pd.DataFrame:
    """Return the nodes with their positions and the map's trustworthiness beside them.

    Args:
        nodes: Columns subtree, word, synset, parent, gloss, one row a row of the layout, in its order.
        layout: What `joint_layout` returned for these nodes.

    Raises:
        InputError: There is not one position a node.
    """
    if len(nodes) != len(layout.before):
        raise InputError(f"{len(nodes)} nodes but {len(layout.before)} positions", "lay out these nodes")
    return nodes.reset_index(drop=True)[["subtree", "word", "synset", "parent", "gloss"]].assign(
        x_before=layout.before[:, 0],
        y_before=layout.before[:, 1],
        x_after=layout.after[:, 0],
        y_after=layout.after[:, 1],
        trustworthiness_before=layout.trustworthiness_before,
        trustworthiness_after=layout.trustworthiness_after,
    )


def subtree_layout(
    nodes: pd.DataFrame,
    words: Sequence[str],
    before: np.ndarray,
    after: np.ndarray,
    *,
    seed: int = 0,
    n_neighbors: int = 15,
) -> pd.DataFrame:
    """Return the joint map of one or more WordNet subtrees: the table of a run's layout.csv.

    Args:
        nodes: Columns subtree (name of its root synset), word, synset, parent (name of the parent
            synset, empty at the root) and gloss; each subtree is laid out by itself.
        words: The words of the embeddings' rows; the nodes' words are looked up among them.
        before: Unit rows before tuning, (words, dim).
        after: Unit rows after tuning, (words, dim).
        seed: As for `joint_layout`.
        n_neighbors: As for `joint_layout`.

    Returns:
        The nodes' columns, x_before, y_before, x_after, y_after, and the trustworthiness of either side.

    Raises:
        InputError: A word has no embedding, or a subtree has fewer than five words.
    """
    before, after = fitting(words, before, after)
    tables = []
    for _, group in nodes.groupby("subtree", sort=False):
        rows = word_rows(list(group["word"]), words)
        layout = joint_layout(before[rows], after[rows], seed=seed, n_neighbors=n_neighbors)
        tables.append(layout_table(group, layout))
    if not tables:
        raise InputError("there are no nodes to lay out", "choose a synset that has hyponyms")
    return pd.concat(tables, ignore_index=True)


def layout_summary(table: pd.DataFrame) -> dict[str, float | str]:
    """Return what one subtree's map says in numbers, by the columns of layout.csv.

    Returns:
        words (count), relative_movement (mean movement over the map's spread before), furthest (the
        word that moved most), trustworthiness_before and trustworthiness_after.
    """
    start, end = (table[[f"x_{side}", f"y_{side}"]].to_numpy(float) for side in ("before", "after"))
    moved = np.linalg.norm(end - start, axis=1)
    return {
        "words": len(table),
        "relative_movement": float(moved.mean() / _spread(start)),
        "furthest": str(table["word"].iloc[int(moved.argmax())]),
        "trustworthiness_before": float(table["trustworthiness_before"].iloc[0]),
        "trustworthiness_after": float(table["trustworthiness_after"].iloc[0]),
    }
