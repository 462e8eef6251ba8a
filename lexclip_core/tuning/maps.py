"""The WordNet subtrees that a run draws before and after tuning."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from lexclip_core.geometry import subtree_layout
from lexclip_core.synsets import WordNet, load_wordnet
from lexclip_core.words import normalise

SUBTREES = ("feeling.n.01", "carnivore.n.01", "vehicle.n.01")
_MOST = 120


def subtree_nodes(wordnet: WordNet, root: str, most: int = _MOST) -> pd.DataFrame:
    """Return the synsets below a root, nearest first, each drawn under its first lemma.

    Returns:
        Columns subtree, word, synset, parent (name of the parent drawn, empty at the root), gloss; a word
        stands once, for the synset nearest the root.
    """
    rows: dict[str, dict[str, str]] = {}
    drawn: set[str] = set()
    for synset in wordnet.subtree(wordnet.index(root), most).tolist():
        word, name = normalise(wordnet.lemmas[synset][0]), wordnet.name(synset)
        if word in rows:
            continue
        parents = [wordnet.name(parent) for parent in wordnet.hypernyms.of(synset).tolist()]
        parent = next((one for one in parents if one in drawn), "")
        gloss = wordnet.glosses[synset]
        rows[word] = {"subtree": root, "word": word, "synset": name, "parent": parent, "gloss": gloss}
        drawn.add(name)
    return pd.DataFrame(list(rows.values()))


def nodes(roots: Sequence[str] = SUBTREES) -> pd.DataFrame:
    """Return the nodes of all subtrees, one after the other."""
    wordnet = load_wordnet()
    return pd.concat([subtree_nodes(wordnet, root) for root in roots], ignore_index=True)


def layout(
    drawn: pd.DataFrame, words: Sequence[str], before: np.ndarray, after: np.ndarray, *, seed: int
) -> pd.DataFrame:
    """Return the joint maps of the subtrees: the table of a run's layout.csv."""
    return subtree_layout(drawn, words, before, after, seed=seed)
