"""The 1,000 ImageNet classes as WordNet synsets; no picture is needed for what the text side asks."""

from __future__ import annotations

import numpy as np
from timm.data import ImageNetInfo

from lexclip_core.errors import InputError
from lexclip_core.synsets import WordNet
from lexclip_core.words import normalise, unique_subset


def wnids() -> tuple[str, ...]:
    """Return the wnids of the 1,000 classes in the order of the challenge, as timm lists them."""
    return tuple(ImageNetInfo("imagenet-1k").label_names())


def synonym_classes(wordnet: WordNet, classes: int, *, seed: int) -> dict[str, tuple[str, ...]]:
    """Return wnid -> (class name, synonyms...) of classes drawn at random, no word in two of them.

    The name is the first lemma of the synset, as in the blog's released lists; classes without a synonym
    are left out, and so are synonyms that differ from the name in case or spelling only (claims D15, D18).

    Raises:
        InputError: Fewer classes have synonyms than are asked for.
    """
    lemmas = {wnid: wordnet.lemmas[wordnet.index(wnid)] for wnid in wnids()}
    spelt = {wnid: tuple(dict.fromkeys(normalise(lemma) for lemma in row)) for wnid, row in lemmas.items()}
    kept = unique_subset({wnid: row for wnid, row in spelt.items() if len(row) > 1}).kept
    if classes > len(kept):
        raise InputError(
            f"{classes} classes are asked for", f"{len(kept)} have synonyms of their own: ask for fewer"
        )
    chosen = np.random.default_rng(seed).choice(sorted(kept), classes, replace=False)
    return {wnid: kept[wnid] for wnid in sorted(chosen.tolist())}
