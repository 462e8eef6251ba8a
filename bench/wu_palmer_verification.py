"""Compare policy `nltk` with NLTK on millions of pairs, and check the laws of `symmetric` on all pairs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.table import Row
from bench.wu_palmer import imagenet_wnids, nltk_wordnet
from lexclip_core import storage
from lexclip_core.targets.taxonomy import load_taxonomy
from lexclip_core.targets.wu_palmer import wu_palmer_matrix, wu_palmer_pairs
from lexclip_core.wordnet.tables import load_wordnet

BLOCK = 4096
DIAGONAL = 500  # pairs computed on the diagonal of one block

Pairs = tuple[np.ndarray, np.ndarray]


def pair_sets() -> Iterator[tuple[str, Pairs]]:
    """Yield named sets of pairs of synset numbers, seeded."""
    taxonomy, hypernyms = load_taxonomy(), load_wordnet().hypernyms
    rng = np.random.default_rng(3)
    nouns, verbs = (np.flatnonzero(taxonomy.kinds == ord(kind)) for kind in "nv")
    parents = np.diff(hypernyms.indptr)
    several = {"nouns": nouns[parents[nouns] > 1], "verbs": verbs[parents[verbs] > 1]}
    imagenet = taxonomy.ids(imagenet_wnids())
    yield "all pairs of the ImageNet synsets", (np.repeat(imagenet, 1000), np.tile(imagenet, 1000))
    yield "random nouns", tuple(rng.choice(nouns, (2, 200_000)))
    yield "random verbs", tuple(rng.choice(verbs, (2, 200_000)))
    for name, synsets in several.items():
        a, b = rng.choice(synsets, (2, 10_000))
        yield f"{name} with several parents, both ways", (np.append(a, b), np.append(b, a))
    everything = np.concatenate([nouns, verbs])
    yield "all nouns and verbs with themselves", (everything, everything)
    below = np.concatenate([rng.choice(nouns[1:], 20_000), verbs[parents[verbs] > 0]])
    above = np.array([_some_ancestor(rng, int(synset)) for synset in below])
    yield "ancestors, both ways", (np.append(above, below), np.append(below, above))
    yield "any parts of speech", tuple(rng.choice(len(taxonomy), (2, 50_000)))


def _some_ancestor(rng: np.random.Generator, synset: int) -> int:
    scheme, taxonomy = load_taxonomy().schemes["nltk"], load_taxonomy()
    node = taxonomy.node_of[synset]
    above = scheme.ancestors[scheme.ancestor_ptr[node] + 1 : scheme.ancestor_ptr[node + 1]]
    return int(np.argsort(taxonomy.node_of)[rng.choice(above) - 1])


def _nltk_scores(name: str, pairs: Pairs) -> np.ndarray:
    reader, names = nltk_wordnet(), load_taxonomy().names
    synsets = {synset: reader.synset(names[synset]) for synset in np.unique(np.concatenate(pairs)).tolist()}
    both = zip(*(side.tolist() for side in pairs), strict=True)
    progress = storage.progress(both, desc=name, total=len(pairs[0]))
    scores = [synsets[a].wup_similarity(synsets[b]) for a, b in progress]
    return np.array([np.nan if score is None else score for score in scores])


def _mismatches(name: str, pairs: Pairs) -> int:
    """Count the values of `wu_palmer_pairs` and of `wu_palmer` that differ from NLTK's in any bit."""
    wanted = _nltk_scores(name, pairs)
    a, b = pairs
    blocks = [
        wu_palmer_matrix(a[k : k + DIAGONAL], b[k : k + DIAGONAL], "nltk").diagonal()
        for k in range(0, len(a), DIAGONAL)
    ]
    found = [wu_palmer_pairs(a, b, "nltk"), np.concatenate(blocks)]
    if len(wanted) == 1_000_000:  # the whole block at once as well
        found.append(wu_palmer_matrix(imagenet_wnids(), policy="nltk").ravel())
    return sum(int((values.view(np.int64) != wanted.view(np.int64)).sum()) for values in found)


def _broken_laws(kind: str) -> tuple[int, int]:
    """Return how many ordered pairs of a part of speech there are, and how many break a law."""
    synsets = np.flatnonzero(load_taxonomy().kinds == ord(kind))
    blocks = [synsets[start : start + BLOCK] for start in range(0, len(synsets), BLOCK)]
    broken = 0
    for i, a in enumerate(storage.progress(blocks, desc=f"laws, {kind}")):
        for b in blocks[i:]:
            there, back = wu_palmer_matrix(a, b), wu_palmer_matrix(b, a)
            same = a[:, None] == b[None, :]
            broken += int((there != back.T).sum() + (same != (there == 1)).sum())
            broken += int((~((there > 0) & (there <= 1))).sum())
    return len(synsets) ** 2, broken


def verify() -> list[Row]:
    """Return one row a set of pairs: how many of its values are not bit-equal, or break a law."""
    measured = [
        (f"not bit-equal to NLTK: {name}", len(p[0]), _mismatches(name, p)) for name, p in pair_sets()
    ]
    for kind, name in (("n", "nouns"), ("v", "verbs")):
        measured.append((f"symmetric, broken laws: all pairs of {name}", *_broken_laws(kind)))
    return [
        {
            "name": f"{name} ({size:,})",
            "value": wrong,
            "unit": "pairs",
            "baseline": None,
            "ratio": None,
            "target": "<= 0",
        }
        for name, size, wrong in measured
    ]
