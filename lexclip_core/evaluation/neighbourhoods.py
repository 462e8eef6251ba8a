"""The geometry of a vocabulary: ranks among all its words, neighbours retained, drift, and analogies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal, get_args

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import cosine_blocks, listed_before, nearest, row_cosines, word_rows
from lexclip_core.evaluation.intervals import (
    Estimate,
    bootstrap_interval,
    mean_over_words,
    median_over_words,
    metric_name,
    wilson_interval,
)

AnalogyCandidates = Literal["without_question", "all"]
AnalogyQuestion = tuple[str, str, str, str]

_QUESTIONS = 256  # questions whose cosines are in memory at once


def neighbour_overlaps(before: np.ndarray, after: np.ndarray, *, k: int = 10) -> np.ndarray:
    """Return the share of each word's k nearest words that tuning retained, (n,) float64 in [0, 1].

    Exact, by cosine in the original space; a word is not its own neighbour.

    Args:
        before: (n, dim) unit rows.
        after: (n, dim') unit rows of the same words.
        k: Neighbours looked at, from 1 to n - 1.

    Raises:
        InputError: The rows do not pair, or k is out of range.

    >>> before = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> after = np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    >>> neighbour_overlaps(before, after, k=1)
    array([0., 0., 1.])
    """
    if before.ndim != 2 or after.ndim != 2 or len(before) != len(after):
        raise InputError(
            f"rows of shapes {before.shape} and {after.shape} do not pair", "encode the same words"
        )
    own = np.arange(len(before))
    (old, _), (new, _) = (nearest(rows, rows, k, skip=own) for rows in (before, after))
    return np.array([len(set(a) & set(b)) / k for a, b in zip(old.tolist(), new.tolist(), strict=True)])


def neighbour_overlap(
    before: np.ndarray, after: np.ndarray, *, k: int = 10, split: str
) -> dict[str, Estimate]:
    """Return "split/neighbour_overlap@k": the mean of `neighbour_overlaps`, bootstrapped over words.

    Args:
        before: (n, dim) unit rows.
        after: (n, dim') unit rows of the same words.
        k: Neighbours looked at.
        split: Which words: heldout, seen, all, ...

    Raises:
        InputError: As in `neighbour_overlaps`.
    """
    retained = neighbour_overlaps(before, after, k=k)
    return {metric_name(split, f"neighbour_overlap@{k}"): bootstrap_interval(retained)}


def drift(before: np.ndarray, after: np.ndarray, *, split: str) -> dict[str, Estimate]:
    """Return "split/drift": the mean of 1 - cosine of each word with its own vector before, in [0, 2].

    Args:
        before: (n, dim) unit rows.
        after: (n, dim) unit rows of the same words.
        split: Which words: heldout, seen, all, ...

    Raises:
        InputError: The shapes differ, or there is no word.

    >>> moved = drift(np.array([[1.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 1.0]]), split="all")
    >>> moved["all/drift"].value
    0.5
    """
    return {metric_name(split, "drift"): bootstrap_interval(1 - row_cosines(before, after))}


def neighbour_ranks(
    vectors: np.ndarray, vocabulary: Sequence[str], pairs: Sequence[tuple[str, str]]
) -> np.ndarray:
    """Return the rank of each pair's words among each other's neighbours, (2, pairs) int64, 1 is nearest.

    The first row ranks the second word among all words but the first, by cosine to the first; the second row
    the first word, by cosine to the second. Of two equally near, the one listed first counts as nearer.

    Args:
        vectors: (words, dim) unit rows of the vocabulary.
        vocabulary: The words, each once.
        pairs: Two different words of the vocabulary each.

    Raises:
        InputError: A word is not in the vocabulary, or shapes that do not fit.

    >>> vectors = np.array([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8]])
    >>> neighbour_ranks(vectors, ("hot", "warm", "mild"), [("hot", "mild")]).tolist()
    [[2], [2]]
    """
    first, second = (word_rows([pair[end] for pair in pairs], vocabulary) for end in (0, 1))
    asked, other = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.argsort(asked, kind="stable")
    words, starts = np.unique(asked[order], return_index=True)  # most stand in several pairs
    mine, ranks = np.split(order, starts[1:]), np.empty(len(asked), np.int64)
    for block, cosines in cosine_blocks(vectors[words], vectors):
        for word, row, chosen in zip(words[block], cosines, mine[block], strict=True):
            row[word] = -np.inf
            places, shared = other[chosen, None], np.broadcast_to(row, (len(chosen), len(row)))
            ranks[chosen] = 1 + listed_before(shared, row[places], places)
    return ranks.reshape(2, -1)


def rank_metrics(
    ranks: np.ndarray, pairs: Sequence[tuple[str, str]], *, split: str, name: str
) -> dict[str, Estimate]:
    """Return "split/name/median_rank", ".../mrr" (mean reciprocal rank) and ".../hits@10", over both ways.

    Intervals resample words at both ends of the pairs; a pair's two ranks are drawn together.

    Args:
        ranks: (2, n) from `neighbour_ranks`, 1 is nearest.
        pairs: Both words of each.
        split: Which words: heldout, seen, all, ...
        name: What the pairs are: synonym, antonym, ...

    Raises:
        InputError: There is no pair, or the lengths differ.

    >>> ranks = rank_metrics(np.array([[1], [4]]), [("hot", "warm")], split="all", name="synonym")
    >>> [estimate.value for estimate in ranks.values()]
    [2.5, 0.625, 1.0]
    """
    flat, words, name = ranks.ravel(), [*pairs, *pairs], metric_name(split, name)
    return {
        f"{name}/median_rank": median_over_words(flat, words),
        f"{name}/mrr": mean_over_words(1 / flat, words),
        f"{name}/hits@10": mean_over_words(flat <= 10, words),
    }


def ranks_by_kind(
    vectors: np.ndarray,
    vocabulary: Sequence[str],
    pairs: Sequence[tuple[str, str]],
    kinds: Mapping[str, np.ndarray],
    *,
    split: str,
) -> dict[str, Estimate]:
    """Return the `rank_metrics` of each kind of pairs, named by it; kinds without a pair are left out.

    Args:
        vectors: (words, dim) unit rows of the vocabulary.
        vocabulary: The words, each once.
        pairs: Two different words of the vocabulary each.
        kinds: Name -> which pairs are of that kind, bool (pairs,).
        split: Which words: heldout, seen, all, ...

    Raises:
        InputError: A word is not in the vocabulary, or shapes that do not fit.

    >>> vectors = np.array([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8]])
    >>> kinds = {"synonym": np.array([True]), "antonym": np.array([False])}
    >>> list(ranks_by_kind(vectors, ("hot", "warm", "mild"), [("hot", "mild")], kinds, split="all"))
    ['all/synonym/median_rank', 'all/synonym/mrr', 'all/synonym/hits@10']
    """
    ranks = neighbour_ranks(vectors, vocabulary, pairs)
    found: dict[str, Estimate] = {}
    for name, chosen in kinds.items():
        if chosen.any():
            some = list(compress(pairs, chosen))
            found |= rank_metrics(ranks[:, chosen], some, split=split, name=name)
    return found


def along_others(steps: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return the dot product of each step with the mean step of the other folds, (n,): above 0 is along it.

    Steps from a word to its hypernym share a direction where all others tell which end is the more general.

    Args:
        steps: (n, dim) differences of vectors.
        folds: (n,) which fold each belongs to, two or more of them.

    Raises:
        InputError: Lengths that differ, or one fold only.

    >>> along_others(np.array([[1.0, 0.0], [1.0, 1.0], [-1.0, 1.0]]), np.array([0, 1, 1])).tolist()
    [0.0, 1.0, -1.0]
    """
    if len(steps) != len(folds) or len(set(folds.tolist())) < 2:
        raise InputError(f"{len(steps)} steps in {len(set(folds.tolist()))} folds", "give two folds or more")
    along = np.empty(len(steps))
    for fold in np.unique(folds):
        here = folds == fold
        along[here] = steps[here] @ steps[~here].mean(axis=0)
    return along


@dataclass(frozen=True)
class AnalogyAnswers:
    """What the arithmetic answered.

    Attributes:
        predictions: The nearest candidate of each question, (n,).
        ranks: Place of the right answer among the candidates, (n,) int64, 1 is best; a tie counts against it.
        candidates: Whether the question's own words could be answers.
    """

    predictions: tuple[str, ...]
    ranks: np.ndarray
    candidates: AnalogyCandidates


def answer_analogies(
    vectors: np.ndarray,
    vocabulary: Sequence[str],
    questions: Sequence[AnalogyQuestion],
    *,
    candidates: AnalogyCandidates = "without_question",
) -> AnalogyAnswers:
    """Answer "a is to b as c is to ?" by 3CosAdd: the candidate with the largest cosine to b - a + c.

    Mikolov, Yih and Zweig (2013; claim B3). Leaving the question's words out, as is usual, hides that b or c
    itself is often nearest: candidates="all" shows it.

    Args:
        vectors: (words, dim) unit rows of the vocabulary.
        vocabulary: The words, each once; answers come from here.
        questions: (a, b, c, right answer).
        candidates: "without_question" leaves a, b, c out; "all" leaves nothing out.

    Raises:
        InputError: Unknown `candidates`, no question, a word outside the vocabulary, or an answer that is
            one of the question's own words.

    >>> words, vectors = ("man", "woman", "king", "queen"), np.array([[1, 0], [0, 1], [0.8, 0.6], [0.6, 0.8]])
    >>> answers = answer_analogies(vectors, words, [("man", "woman", "king", "queen")])
    >>> answers.predictions, answers.ranks.tolist()
    (('queen',), [1])
    """
    if candidates not in get_args(AnalogyCandidates):
        choices = ", ".join(get_args(AnalogyCandidates))
        raise InputError(f"unknown candidates {candidates!r}", f"choose from {choices}")
    places = _places(vectors, vocabulary, questions)
    ranks, best = np.empty(len(places), np.int64), np.empty(len(places), np.int64)
    for start in range(0, len(places), _QUESTIONS):
        block = places[start : start + _QUESTIONS]
        a, b, c, right = block.T
        scores = (vectors[b] - vectors[a] + vectors[c]) @ vectors.T
        if candidates == "without_question":
            np.put_along_axis(scores, block[:, :3], -np.inf, axis=1)
        reached = np.take_along_axis(scores, right[:, None], axis=1)
        ranks[start : start + _QUESTIONS] = (scores >= reached).sum(axis=1)
        best[start : start + _QUESTIONS] = scores.argmax(axis=1)
    return AnalogyAnswers(tuple(vocabulary[place] for place in best.tolist()), ranks, candidates)


def analogy_accuracy(answers: AnalogyAnswers, *, split: str) -> dict[str, Estimate]:
    """Return "split/analogies/candidates/accuracy" (Wilson) and ".../reciprocal_rank" (mean, bootstrap).

    Args:
        answers: What `answer_analogies` returned.
        split: Which words: heldout, seen, all, ...

    >>> answers = AnalogyAnswers(("queen", "aunt"), np.array([1, 4]), "all")
    >>> [estimate.value for estimate in analogy_accuracy(answers, split="all").values()]
    [0.5, 0.625]
    """
    name = metric_name(split, "analogies", answers.candidates)
    hits = int((answers.ranks == 1).sum())
    return {
        f"{name}/accuracy": wilson_interval(hits, len(answers.ranks)),
        f"{name}/reciprocal_rank": bootstrap_interval(1 / answers.ranks),
    }


def _places(
    vectors: np.ndarray, vocabulary: Sequence[str], questions: Sequence[AnalogyQuestion]
) -> np.ndarray:
    if len(vectors) != len(vocabulary):
        raise InputError(f"{len(vectors)} vectors for {len(vocabulary)} words", "encode the vocabulary")
    if len(questions) == 0:
        raise InputError("there is no question to answer", "give (a, b, c, answer)")
    place = {word: number for number, word in enumerate(vocabulary)}
    if len(place) != len(vocabulary):
        raise InputError("the vocabulary has a word twice", "give each word once")
    for question in questions:
        missing = [word for word in question if word not in place]
        if missing:
            raise InputError(f"{missing[0]!r} of {question} is not in the vocabulary", "add and encode it")
        if question[3] in question[:3]:
            raise InputError(f"the answer of {question} is one of its own words", "drop the question")
    return np.array([[place[word] for word in question] for question in questions], np.int64)
