"""Embeddings before and after tuning -> tidy tables: pair cosines, exact neighbours, one joint layout.

Everything but the layout is computed in the original space. Embeddings are unit rows of shape
(words, dim), so that a cosine is a dot product.
"""

from lexclip_core.geometry.layout import (
    MIN_LAYOUT_WORDS,
    JointLayout,
    joint_layout,
    layout_summary,
    layout_table,
    subtree_layout,
    trustworthiness,
)
from lexclip_core.geometry.neighbourhoods import nearest, neighbour_table, neighbour_table_of_vector
from lexclip_core.geometry.pairs import pair_cosines, pair_summary, pair_table

__all__ = [
    "MIN_LAYOUT_WORDS",
    "JointLayout",
    "joint_layout",
    "layout_summary",
    "layout_table",
    "nearest",
    "neighbour_table",
    "neighbour_table_of_vector",
    "pair_cosines",
    "pair_summary",
    "pair_table",
    "subtree_layout",
    "trustworthiness",
]
