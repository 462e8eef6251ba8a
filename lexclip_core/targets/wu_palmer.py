"""Wu-Palmer similarity of synsets: how deep two synsets meet in the taxonomy of hypernyms.

The score of Wu and Palmer (1994), "Verb semantics and lexical selection", is

    2 depth / (distance + 2 depth)

with the depth of the lowest common ancestor in nodes from the root, and the edges from both synsets up
to it. WordNet is not a tree: a synset may have several parents, so "lowest", "depth" and "distance" need
a definition, and verbs have no common root. Two policies give one.

**symmetric** (the default). Nouns are one taxonomy, verbs another; where several synsets have no parent
(559 verbs), a virtual root stands above them. A synset is an ancestor of itself. The depth of a synset
is the number of nodes on the *longest* way from the root down to it, the distance to an ancestor the
number of edges on the *shortest* way up. Of the common ancestors the deepest counts, and of equally
deep ones the one with the smallest distance to both. Then, for all pairs:

- it is total and in (0, 1]: the root is a common ancestor; a depth is at least 1, a distance at
  least 0;
- it is symmetric: neither the set of common ancestors, nor their depths, nor the sum of the two
  distances depends on the order;
- it is reflexive, score(s, s) = 1: every step up makes the longest way from the root shorter, so all
  other ancestors of s are less deep than s, which is at distance 0 from itself;
- only a synset itself scores 1: a score of 1 needs distance 0 from both to one common ancestor, itself both;
- it depends on the graph alone, on no names and no order of parents.

**nltk**. What NLTK's `a.wup_similarity(b)` returns, bit for bit. It picks the common ancestor by the
*shortest* way from the root but takes its depth by the longest, breaks ties by name, prefers the first
synset in a tie, measures a distance that may lead up past the ancestor and down again, and lets a
virtual root win against every root verb. So 1,843 nouns score less than 1 with themselves (dog.n.01:
13/14), some ancestor-descendant pairs are not symmetric, and any two different adjectives or adverbs
score 1/2, which says nothing about them.

Dog and cat meet in carnivore, the 12th node from the root on and two edges above each, 24 / (4 + 24):

>>> wu_palmer_matrix(["dog.n.01", "cat.n.01"]).tolist() == [[1, 6 / 7], [6 / 7, 1]]
True
>>> wu_palmer_matrix(["dog.n.01", "cat.n.01"], policy="nltk").tolist() == [[13 / 14, 6 / 7], [6 / 7, 1]]
True
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.targets.taxonomy import Policy, Synset, TaxonomyIndex, load_taxonomy

_KINDS = {"n": "a noun", "v": "a verb", "a": "an adjective", "s": "an adjective", "r": "an adverb"}
_NOUN, _VERB = ord("n"), ord("v")

_STRIP_BYTES = 64 << 20


def wu_palmer_matrix(
    synsets_a: Iterable[Synset] | np.ndarray,
    synsets_b: Iterable[Synset] | np.ndarray | None = None,
    policy: Policy = "symmetric",
    *,
    out: np.ndarray | None = None,
    taxonomy: TaxonomyIndex | None = None,
) -> np.ndarray:
    """Return the Wu-Palmer similarity of every synset of one list with every synset of another.

    Args:
        synsets_a: n synsets, each by name (`dog.n.01`), wnid (`n02084071`) or number (as in `WordNet`).
        synsets_b: m synsets; `synsets_a` again if left out.
        policy: `symmetric` (reflexive as well; nouns with nouns or verbs with verbs) or `nltk` (equal to
            NLTK's value, for any parts of speech); the module's text defines both.
        out: Where to write the result: C-contiguous, (n, m), float64 or float32. Touching new memory
            takes as long as the computation, so a loop over large blocks should reuse one array.
        taxonomy: The taxonomy; WordNet 3.0 if left out.

    Returns:
        (n, m) float64 (or `out`): in (0, 1]. NaN stands where NLTK returns None: under `nltk`, for two
        nouns without a common ancestor, which WordNet 3.0 does not have.

    Raises:
        InputError: An unknown synset or policy, an empty list, an unfit `out`; under `symmetric` an
            adjective or adverb, or nouns together with verbs.

    >>> wu_palmer_matrix(["dog.n.01"], ["cat.n.01", "car.n.01"]).round(3).tolist()
    [[0.857, 0.4]]
    """
    taxonomy = taxonomy or load_taxonomy()
    policy = _known(policy)
    rows = taxonomy.ids(synsets_a)
    cols = rows if synsets_b is None else taxonomy.ids(synsets_b)
    out = _output(out, (len(rows), len(cols)))
    _BLOCKS[policy](taxonomy, rows, cols, out)
    return out


def wu_palmer_pairs(
    synsets_a: Iterable[Synset] | np.ndarray,
    synsets_b: Iterable[Synset] | np.ndarray,
    policy: Policy = "symmetric",
    *,
    taxonomy: TaxonomyIndex | None = None,
) -> np.ndarray:
    """Return the Wu-Palmer similarity of the synsets at equal positions of two lists, (n,) float64.

    Arguments, values and errors as in `wu_palmer_matrix`, but under `symmetric` a list may have nouns and
    verbs, so long as each pair is of one part of speech.

    Raises:
        InputError: As in `wu_palmer_matrix`, or the lists differ in length.

    >>> wu_palmer_pairs(["dog.n.01", "run.v.01"], ["cat.n.01", "walk.v.01"]).tolist() == [6 / 7, 4 / 7]
    True
    """
    from lexclip_core.targets.kernels import score_pairs, score_table

    taxonomy = taxonomy or load_taxonomy()
    policy = _known(policy)
    rows, cols = taxonomy.ids(synsets_a), taxonomy.ids(synsets_b)
    if len(rows) != len(cols):
        raise InputError(
            f"{len(rows)} synsets cannot be paired with {len(cols)}",
            "give two lists of one length, or call wu_palmer_matrix for every pair of both lists",
        )
    lowest = _lowest_of_pairs(taxonomy, policy, rows, cols)
    out = np.empty(len(rows))
    nodes = taxonomy.node_of[rows], taxonomy.node_of[cols]
    score_pairs(taxonomy.schemes[policy], *nodes, lowest, score_table(out.dtype), out)
    return out


def _known(policy: str) -> Policy:
    if policy not in _BLOCKS:
        renamed = "it is called 'symmetric' now; " if policy == "lawful" else ""
        raise InputError(
            f"unknown policy {policy!r} of Wu-Palmer", f"{renamed}use one of {', '.join(_BLOCKS)}"
        )
    return policy


def _output(out: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    if out is None:
        return np.empty(shape)
    if out.shape != shape or out.dtype not in (np.float64, np.float32) or not out.flags.c_contiguous:
        order = "C-contiguous" if out.flags.c_contiguous else "not C-contiguous"
        raise InputError(
            f"out is {out.dtype} of shape {out.shape}, {order}",
            f"give a C-contiguous float64 or float32 array of shape {shape}",
        )
    return out


def _lowest_of_pairs(
    taxonomy: TaxonomyIndex, policy: Policy, rows: np.ndarray, cols: np.ndarray
) -> np.ndarray:
    """Return for each pair the lowest node that may be its common ancestor: 0, the virtual root, or 1."""
    kinds_a, kinds_b = taxonomy.kinds[rows], taxonomy.kinds[cols]
    if policy == "nltk":
        return np.where((kinds_a == _NOUN) & (kinds_b == _NOUN), 1, 0).astype(np.int32)
    _refuse_without_hypernyms(taxonomy, rows, cols)
    if (mixed := np.flatnonzero(kinds_a != kinds_b)).size:
        raise _mixed(taxonomy, rows[mixed[0]], cols[mixed[0]])
    rooted = np.array([taxonomy.several_roots["v"], taxonomy.several_roots["n"]])
    return np.where(rooted[(kinds_a == _NOUN).astype(np.intp)], 0, 1).astype(np.int32)


def _block(
    taxonomy: TaxonomyIndex, policy: Policy, rows: np.ndarray, cols: np.ndarray, lowest: int, out: np.ndarray
) -> None:
    from lexclip_core.targets.kernels import score_block, score_table

    nodes = taxonomy.node_of[rows], taxonomy.node_of[cols]
    score_block(taxonomy.schemes[policy], *nodes, lowest, score_table(out.dtype), out)


def _symmetric_block(taxonomy: TaxonomyIndex, rows: np.ndarray, cols: np.ndarray, out: np.ndarray) -> None:
    _refuse_without_hypernyms(taxonomy, rows, cols)
    first = taxonomy.kinds[rows[0]]
    for synsets in (rows, cols):
        if (other := np.flatnonzero(taxonomy.kinds[synsets] != first)).size:
            raise _mixed(taxonomy, rows[0], synsets[other[0]])
    _block(taxonomy, "symmetric", rows, cols, 0 if taxonomy.several_roots[chr(first)] else 1, out)


def _nltk_block(taxonomy: TaxonomyIndex, rows: np.ndarray, cols: np.ndarray, out: np.ndarray) -> None:
    nouns_a, nouns_b = taxonomy.kinds[rows] == _NOUN, taxonomy.kinds[cols] == _NOUN
    if nouns_a.all() and nouns_b.all():
        _block(taxonomy, "nltk", rows, cols, 1, out)
        return
    _block(taxonomy, "nltk", rows, cols, 0, out)
    if nouns_a.any() and nouns_b.any():  # NLTK puts the virtual root above a pair only if one is not a noun
        nouns = np.empty((int(nouns_a.sum()), int(nouns_b.sum())), dtype=out.dtype)
        _block(taxonomy, "nltk", rows[nouns_a], cols[nouns_b], 1, nouns)
        out[np.ix_(nouns_a, nouns_b)] = nouns


def _refuse_without_hypernyms(taxonomy: TaxonomyIndex, *lists: np.ndarray) -> None:
    synsets = np.concatenate(lists)
    kinds = taxonomy.kinds[synsets]
    without = np.flatnonzero((kinds != _NOUN) & (kinds != _VERB))
    if without.size:
        synset = synsets[without[0]]
        raise InputError(
            f"{taxonomy.names[synset]} is {_KINDS[chr(taxonomy.kinds[synset])]}: WordNet has no hypernyms of "
            "adjectives and adverbs, so Wu-Palmer says nothing about them",
            "use lexclip_core.targets.relations.lexical_targets, which reads what WordNet does say about "
            "them, or policy='nltk' for the 0.5 that NLTK gives every such pair",
        )


def _mixed(taxonomy: TaxonomyIndex, one: int, other: int) -> InputError:
    both = (f"{taxonomy.names[synset]} is {_KINDS[chr(taxonomy.kinds[synset])]}" for synset in (one, other))
    return InputError(
        f"{' and '.join(both)}: they stand in different taxonomies",
        "compare nouns with nouns and verbs with verbs, or use "
        "lexclip_core.targets.relations.lexical_targets, or policy='nltk'",
    )


_BLOCKS: dict[Policy, Callable[[TaxonomyIndex, np.ndarray, np.ndarray, np.ndarray], None]] = {
    "symmetric": _symmetric_block,
    "nltk": _nltk_block,
}


def wu_palmer_blocks(
    synsets_a: Iterable[Synset] | np.ndarray,
    synsets_b: Iterable[Synset] | np.ndarray | None = None,
    policy: Policy = "symmetric",
    *,
    size: int | None = None,
    dtype: type[np.float32] | type[np.float64] = np.float32,
) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield `wu_palmer_matrix` strip by strip: which rows of the first list, and their strip.

    For more synsets than a matrix of all pairs has room for. One strip is in memory at a time, and the next
    one is written over it: take what you need of it, such as its sums. All 82,115 nouns of WordNet would
    fill 27 GB as float32; their strips fill 64 MB.

    Args:
        synsets_a: n synsets, as in `wu_palmer_matrix`.
        synsets_b: m synsets; `synsets_a` again if left out.
        policy: `symmetric` or `nltk`.
        size: Rows in a strip, at least 1; as many as fit into 64 MB if left out.
        dtype: Of the strips.

    Yields:
        (rows, strip): a slice of 0..n, and (rows, m) similarities, valid until the next one.

    Raises:
        InputError: As in `wu_palmer_matrix`, or a size below 1.

    >>> [strip.shape for _, strip in wu_palmer_blocks(["dog.n.01", "cat.n.01", "car.n.01"], size=2)]
    [(2, 3), (1, 3)]
    """
    if size is not None and size < 1:
        raise InputError(f"size is {size}", "give at least one row, or leave it out")
    taxonomy = load_taxonomy()
    rows = taxonomy.ids(synsets_a)
    cols = rows if synsets_b is None else taxonomy.ids(synsets_b)
    step = size or max(1, _STRIP_BYTES // (len(cols) * np.dtype(dtype).itemsize))
    buffer = np.empty((min(step, len(rows)), len(cols)), dtype=dtype)
    for start in range(0, len(rows), step):
        part = slice(start, min(start + step, len(rows)))
        strip = buffer[: part.stop - part.start]
        yield part, wu_palmer_matrix(rows[part], cols, policy, out=strip)
