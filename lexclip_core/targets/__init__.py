"""Target similarities: Wu-Palmer of synsets and of words, lexical targets that know antonyms, controls."""

from __future__ import annotations

from lexclip_core.targets.ladder import ATTRACTIVE, REPULSIVE, Ladder, Rung
from lexclip_core.targets.lexical import (
    Control,
    check_words,
    controlled,
    lexical_rungs,
    lexical_targets,
    pair_targets,
    random_words,
)
from lexclip_core.targets.relations import LexicalPairs, lexical_pairs
from lexclip_core.targets.streaming import wu_palmer_blocks
from lexclip_core.targets.taxonomy_index import Policy, Synset, TaxonomyIndex, load_taxonomy
from lexclip_core.targets.word_level import SenseChoice, WordPos, first_senses, word_similarity
from lexclip_core.targets.wu_palmer import wu_palmer, wu_palmer_pairs

__all__ = [
    "ATTRACTIVE",
    "REPULSIVE",
    "Control",
    "Ladder",
    "LexicalPairs",
    "Policy",
    "Rung",
    "SenseChoice",
    "Synset",
    "TaxonomyIndex",
    "WordPos",
    "check_words",
    "controlled",
    "first_senses",
    "lexical_pairs",
    "lexical_rungs",
    "lexical_targets",
    "load_taxonomy",
    "pair_targets",
    "random_words",
    "word_similarity",
    "wu_palmer",
    "wu_palmer_blocks",
    "wu_palmer_pairs",
]
