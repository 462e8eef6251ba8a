"""Which words are tuned on and which are only ever tested: a split by word, the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lexclip_core.words import normalise

Split = Literal["train", "dev", "test"]
_DEV, _TEST = 12, 12  # per cent of the words


def split_of(word: str, family: str, heldout: Collection[str] = ()) -> Split:
    """Return the part a word belongs to, by a hash of its family, so that antonyms fall together.

    Args:
        word: The word.
        family: A name shared by words that must not be parted (`families`).
        heldout: Digests of words that are only ever tested.
    """
    if digest(word) in heldout:
        return "test"
    place = int(hashlib.sha256(f"lexclip-split:{family}".encode()).hexdigest(), 16) % 100
    return "dev" if place < _DEV else "test" if place < _DEV + _TEST else "train"


def digest(word: str) -> str:
    """Return the first 10 hex digits of the sha256 of "lexclip:" and the normalised word.

    A digest keeps the lists out of the repository; it is no secret, since any word can be tried.
    40 bits are enough: 150,000 lemmas against 4,000 evaluation words give 0.0006 chance collisions
    on average, and one would only keep a word too many out of tuning.
    """
    return hashlib.sha256(f"lexclip:{normalise(word)}".encode()).hexdigest()[:10]


def families(n: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return for each of n words the smallest index among the words it is linked to, directly or not."""
    links = coo_array((np.ones(len(first), dtype=np.int8), (first, second)), shape=(n, n))
    _, label = connected_components(links, directed=False)
    smallest = np.full(label.max(initial=-1) + 1, n)
    np.minimum.at(smallest, label, np.arange(n))
    return smallest[label]


def split_words(
    words: Sequence[str], first: np.ndarray, second: np.ndarray, heldout: Collection[str] = ()
) -> np.ndarray:
    """Return the split of each word, str (n,); words linked by `first`, `second` (antonyms) share a family.

    12 % of the families go to dev, 12 % to test; the digests in `heldout` go to test whatever their family.
    """
    roots = families(len(words), first, second)
    return np.array([split_of(word, words[root], heldout) for word, root in zip(words, roots, strict=True)])
