"""The state of a pair of synsets in one int32, and the arrays that the Wu-Palmer kernels read.

A node is the place of a synset in a topological order (parents before children); node 0 is a virtual
root above all synsets without a parent. Whatever is known about a pair of nodes at some moment is

    state = rank of the best common ancestor << 11 | its depth << 6 | 63 - distance

where distance counts the edges from both nodes up to that ancestor. So the larger of two states has
the better ancestor and, with equal ancestors, the shorter way; and one step down an edge is `- 1`. The
low 11 bits alone decide the score: `score_table` holds all of them, computed once by NumPy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

RANK_SHIFT = 11
DEPTH_SHIFT = 6
FAR = 63  # distances lie below it, so that a step never borrows from the depth
DEPTHS = 32  # depths lie below it
CODES = DEPTHS << DEPTH_SHIFT
UNRELATED = -(1 << 29) + FAR  # depth 0, for which the score table says NaN; below every state of a pair


class Scheme(NamedTuple):
    """One policy over one taxonomy, nodes in topological order; all arrays but `distance` int32.

    Attributes:
        parent_ptr: (nodes + 1,) rows of `parents`.
        parents: Parents of each node; node 0 where there is none.
        ancestor_ptr: (nodes + 1,) rows of `ancestors` and `distance`.
        ancestors: Ancestors of each node in ascending order: node 0 first, the node itself last.
        distance: uint8 edges counted from a node to each of its ancestors.
        state: (nodes,) state of a pair that meets in this node at distance 0.
        level: (ranks,) ancestors of equal level are tied, and a synset of the row wins its tie.
        fix_node: Ascending nodes for which "one more edge than the parents' way" is not the distance.
        fix_rank: Rank of the ancestor it is not the distance to.
        fix_gain: By how many edges the distance is shorter.
    """

    parent_ptr: np.ndarray
    parents: np.ndarray
    ancestor_ptr: np.ndarray
    ancestors: np.ndarray
    distance: np.ndarray
    state: np.ndarray
    level: np.ndarray
    fix_node: np.ndarray
    fix_rank: np.ndarray
    fix_gain: np.ndarray


def score_table(dtype: np.dtype) -> np.ndarray:
    """Return 2 depth / (distance + 2 depth) for the low 11 bits of every state; NaN for depth 0."""
    twice_depth = 2.0 * np.arange(DEPTHS, dtype=np.float64)[:, None]
    distance = np.arange(FAR, -1, -1, dtype=np.float64)[None, :]
    with np.errstate(invalid="ignore"):
        scores = twice_depth / (distance + twice_depth)
    scores[0] = np.nan
    return scores.ravel().astype(dtype)
