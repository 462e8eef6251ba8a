"""Cosines of texts, and Spearman's rho of them with people's scores: of word pairs, of sentences by task."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np

from lexclip_core.datasets import sentence_similarity, word_similarity
from lexclip_core.datasets.sentence_similarity import SentencePairs
from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import row_cosines
from lexclip_core.evaluation.intervals import (
    CountedStatistic,
    Estimate,
    counted_bootstrap,
    metric_name,
    paired,
)
from lexclip_core.towers.encoder import Encoder, TextRows, Unknown, counted
from lexclip_core.words import normalise

FEWEST_PAIRS = 3  # two pairs correlate perfectly, whatever they are


def spearman_rho(x: np.ndarray, y: np.ndarray) -> float:
    """Return Spearman's rho of n pairs: Pearson's of average ranks; nan for constant input.

    >>> round(spearman_rho(np.array([1, 2, 3, 4]), np.array([1, 3, 2, 4])), 3)
    0.8
    """
    with np.errstate(invalid="ignore"):
        return float(counted_rho(x, y)(np.ones((len(x), 1)))[0])


def spearman(
    cosines: np.ndarray,
    scores: np.ndarray,
    *,
    split: str,
    name: str = "",
    words: Sequence[tuple[str, str]] | None = None,
) -> dict[str, Estimate]:
    """Return "split/name/spearman": rho of cosines with people's scores, bootstrapped over pairs or words.

    Of a task of sentence similarity this is the "all" aggregation, one rho over all pairs of all subsets, as
    SimCSE (Gao et al. 2021, appendix B) and ParaCLIP (claims P11) have it. On sentence embeddings it equals
    sentence-transformers' EmbeddingSimilarityEvaluator, `spearman_cosine`.

    Args:
        cosines: (n,) cosines in [-1, 1]; (2, n) of two towers, before and after tuning: then the value is the
            paired change, the second rho minus the first on the same resamples.
        scores: (n,) what people said; only its order matters.
        split: Which words the pairs are made of (heldout, seen, all, ...), or what sentences are to the
            tower: usually "test".
        name: Name of the set or task; left out of the key where empty.
        words: Both words of each pair, which are then resampled at both ends; None resamples pairs.

    Raises:
        InputError: Fewer than three pairs, lengths that differ, or a value that is not finite.

    >>> spearman(np.array([0.1, 0.5, 0.9]), np.array([1, 2, 3]), split="test", name="sts-b")[
    ...     "test/sts-b/spearman"
    ... ].value
    1.0
    """
    if len(scores) < FEWEST_PAIRS:
        raise InputError(f"{len(scores)} pairs cannot be ranked", f"give at least {FEWEST_PAIRS} pairs")

    *columns, said = paired((*np.atleast_2d(cosines), np.asarray(scores)))
    rhos = [counted_rho(one, said) for one in columns]
    return {metric_name(split, name, "spearman"): counted_bootstrap(rhos, len(said), words)}


def counted_rho(x: np.ndarray, y: np.ndarray) -> CountedStatistic:
    """Return Spearman's rho of n pairs by how often each counts; nan where a resample is constant.

    No resample is sorted.

    >>> rho = counted_rho(np.array([1, 2, 3, 4]), np.array([1, 3, 2, 4]))
    >>> rho(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 1.0], [1.0, 0.0]])).round(3).tolist()
    [0.8, -1.0]
    """
    ranks_x, ranks_y = map(_centred_ranks, (x, y))

    def rho(counts: np.ndarray) -> np.ndarray:
        (of_x, spread_x), (of_y, spread_y) = ranks_x(counts), ranks_y(counts)
        value: np.ndarray = np.einsum("nr,nr,nr->r", counts, of_x, of_y) / np.sqrt(spread_x * spread_y)
        return value

    return rho


def _centred_ranks(values: np.ndarray) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return what gives ranks less their mean, and their sum of squares, by how often values count."""
    order, (_, block) = np.argsort(values), np.unique(values, return_inverse=True)
    starts = np.searchsorted(block[order], np.arange(block.max() + 1))

    def ranks(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sizes = np.add.reduceat(counts[order], starts, axis=0)  # of equal values, which share a rank
        upto = sizes.cumsum(axis=0)
        rank = upto - sizes / 2 - upto[-1] / 2
        return rank[block], np.einsum("br,br,br->r", sizes, rank, rank)

    return ranks


def heldout_pairs(pairs: Sequence[tuple[str, str]], seen_words: Collection[str]) -> np.ndarray:
    """Return of which pairs tuning used neither word, (n,) bool; words are compared after normalisation.

    >>> heldout_pairs([("hot", "Ice_Cream"), ("warm", "cold")], {"ice cream", "hot"}).tolist()
    [False, True]
    """
    seen = {normalise(word) for word in seen_words}
    return np.array([not seen & {normalise(word) for word in pair} for pair in pairs], bool)


def macro_mean(measured: Mapping[str, Estimate], *, split: str) -> dict[str, Estimate]:
    """Return "split/sts_mean/spearman": the plain mean of the tasks' rhos, each task resampled by itself.

    Args:
        measured: "split/task/spearman" to its estimate, a task each, as `spearman` returns them.
        split: As in `spearman`.

    Raises:
        InputError: No task.

    >>> measured = {"test/sts12/spearman": Estimate(0.25, 0.2, 0.3, 9), "test/sts-b/spearman": Estimate(0.75)}
    >>> macro_mean(measured, split="test")["test/sts_mean/spearman"].value
    0.5
    """
    if not measured:
        raise InputError("there is no task to average", "give at least one")
    flat = list(measured.values())
    value = float(np.mean([estimate.value for estimate in flat]))
    # Tasks are independent samples, so the variances of their rhos add.
    half = [(estimate.value - estimate.ends[0], estimate.ends[1] - estimate.value) for estimate in flat]
    below, above = np.sqrt(np.sum(np.square(half), axis=0)) / len(flat)
    tasks = ", ".join(name.split("/")[1] for name in measured)
    note = f"mean of {tasks}; intervals combined in quadrature"
    n = sum(estimate.n or 0 for estimate in flat)
    name = metric_name(split, "sts_mean", "spearman")
    return {name: Estimate(value, value - float(below), value + float(above), n, note)}


# --- of an encoder ---


def text_cosines(encode: Encoder, texts_a: Sequence[str], texts_b: Sequence[str]) -> np.ndarray:
    """Return the cosine of each text with its partner, (n,) float64, encoding every distinct text once.

    Args:
        encode: Texts to unit rows, such as `Tower.encode_texts`.
        texts_a: First texts, (n,).
        texts_b: Second texts, (n,).

    Raises:
        InputError: The lengths differ.

    >>> rows = {"hot": [1.0, 0.0], "warm": [0.8, 0.6], "cold": [0.0, 1.0]}
    >>> text_cosines(lambda texts: np.array([rows[text] for text in texts]), ["hot", "hot"], ["warm", "cold"])
    array([0.8, 0. ])
    """
    if len(texts_a) != len(texts_b):
        raise InputError(f"{len(texts_a)} texts and {len(texts_b)} texts do not pair", "give as many of each")
    rows = TextRows(encode, [*texts_a, *texts_b])
    return row_cosines(rows(texts_a), rows(texts_b))


def measure_word_similarity(
    encode: Encoder,
    folder: Path,
    *,
    seen_words: Collection[str] | None = None,
    before: Encoder | None = None,
    unknown: Unknown = lambda _: (),
) -> dict[str, Estimate]:
    """Return rho on every word-similarity set of a folder, of all pairs or of those with no seen word.

    Args:
        encode: Texts to unit rows.
        folder: Folder of word-similarity sets.
        seen_words: The words that tuning used, whose pairs are left out; None for an encoder that was not
            tuned. A set of which too few pairs are left is left out.
        before: The encoder before tuning: then the values are paired changes.
        unknown: Tells the words without a vector, whose pairs are not counted.
    """
    result: dict[str, Estimate] = {}
    for name in word_similarity.available(folder):
        pairs = word_similarity.read(name, folder)
        words = list(zip(pairs.words_a, pairs.words_b, strict=True))
        counts = counted(words, unknown, f"pairs of {name}")
        chosen = np.flatnonzero(counts & heldout_pairs(words, seen_words or ()))
        if len(chosen) < FEWEST_PAIRS:
            continue
        encoders = [encode] if before is None else [before, encode]
        cosines = np.stack([text_cosines(one, pairs.words_a, pairs.words_b)[chosen] for one in encoders])
        split = "all" if seen_words is None else "heldout"
        left = [words[place] for place in chosen.tolist()]
        result |= spearman(cosines, pairs.scores[chosen], split=split, name=name, words=left)
    return result


def measure_sts(
    encode: Encoder,
    folder: Path | None,
    tasks: Sequence[str] = sentence_similarity.SEVEN,
    *,
    unknown: Unknown = lambda _: (),
) -> dict[str, Estimate]:
    """Return rho ("all" aggregation) of each task and, of more than one, their plain mean.

    The sentences of all tasks are encoded in one call, each once.

    Args:
        encode: Texts to unit rows.
        folder: Folder of the tasks; None asks the hub.
        tasks: Names of tasks; by default the seven that papers average.
        unknown: Tells the sentences without a vector, whose pairs are not counted; a task of which too few
            pairs are left is left out.
    """
    read = [sentence_similarity.read(name, folder) for name in tasks]
    for place, pairs in enumerate(read):
        both = list(zip(pairs.sentences_a, pairs.sentences_b, strict=True))
        read[place] = pairs.chosen(np.flatnonzero(counted(both, unknown, f"pairs of {pairs.name}")))
    read = [pairs for pairs in read if len(pairs) >= FEWEST_PAIRS]
    rows = TextRows(encode, [text for pairs in read for text in (*pairs.sentences_a, *pairs.sentences_b)])
    result: dict[str, Estimate] = {}
    for pairs in read:
        result |= sentence_rho(rows, pairs, split="dev" if pairs.name.endswith("-dev") else "test")
    return result | macro_mean(result, split="test") if len(result) > 1 else result


def sentence_rho(encode: Encoder, pairs: SentencePairs, *, split: str) -> dict[str, Estimate]:
    """Return "split/task/spearman" of one task of sentence similarity, in the "all" aggregation.

    Args:
        encode: Texts to unit rows.
        pairs: The task.
        split: What the sentences are to the encoder: usually "test".
    """
    cosines = text_cosines(encode, pairs.sentences_a, pairs.sentences_b)
    return spearman(cosines, pairs.scores, split=split, name=pairs.name)
