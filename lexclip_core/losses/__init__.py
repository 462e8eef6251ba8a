"""Losses on embeddings: pure functions of tensors, each returning named, already weighted terms.

Encoding never happens here: every function can be checked with a handful of two-dimensional vectors.
"""

from lexclip_core.losses.contrastive import (
    ALONE,
    PARACLIP_TERMS,
    PairedTerm,
    World,
    concept_contrast,
    info_nce,
    paraclip_loss,
)
from lexclip_core.losses.lexical import (
    Anchor,
    Kind,
    anchor_distance,
    cosine_matrix,
    lexical_loss,
    relation_loss,
)

__all__ = [
    "ALONE",
    "PARACLIP_TERMS",
    "Anchor",
    "Kind",
    "PairedTerm",
    "World",
    "anchor_distance",
    "concept_contrast",
    "cosine_matrix",
    "info_nce",
    "lexical_loss",
    "paraclip_loss",
    "relation_loss",
]
