"""Analogies by vector arithmetic: king - man + woman is nearest to queen, or is it (claims B3)?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from lexclip_core.errors import InputError
from lexclip_core.evaluation.statistics import (
    RESAMPLES,
    Estimate,
    bootstrap_interval,
    metric_name,
    wilson_interval,
)

Candidates = Literal["without_question", "all"]
Question = tuple[str, str, str, str]

_BLOCK = 256


@dataclass(frozen=True)
class Answers:
    """What the arithmetic answered.

    Args:
        predictions: The nearest candidate of each question, (n,).
        ranks: Place of the right answer among the candidates, (n,) int64, 1 is best; a tie counts against it.
        candidates: Whether the question's own words could be answers.
    """

    predictions: tuple[str, ...]
    ranks: np.ndarray
    candidates: Candidates


def answer(
    vectors: np.ndarray,
    vocabulary: Sequence[str],
    questions: Sequence[Question],
    *,
    candidates: Candidates = "without_question",
) -> Answers:
    """Answer "a is to b as c is to ?" by 3CosAdd: the candidate with the largest cosine to b - a + c.

    Mikolov, Yih and Zweig (2013). Leaving the question's words out, as is usual, hides that b or c itself is
    often nearest: candidates="all" shows it.

    Args:
        vectors: (words, dim) unit rows of the vocabulary.
        vocabulary: The words, each once; answers come from here.
        questions: (a, b, c, right answer).
        candidates: "without_question" leaves a, b, c out; "all" leaves nothing out.

    Raises:
        InputError: Unknown `candidates`, no question, a word outside the vocabulary, or an answer that is
            one of the question's own words.
    """
    if candidates not in get_args(Candidates):
        raise InputError(
            f"unknown candidates {candidates!r}", f"choose from {', '.join(get_args(Candidates))}"
        )
    places = _places(vectors, vocabulary, questions)
    ranks, best = np.empty(len(places), np.int64), np.empty(len(places), np.int64)
    for start in range(0, len(places), _BLOCK):
        block = places[start : start + _BLOCK]
        a, b, c, right = block.T
        scores = (vectors[b] - vectors[a] + vectors[c]) @ vectors.T
        if candidates == "without_question":
            np.put_along_axis(scores, block[:, :3], -np.inf, axis=1)
        reached = np.take_along_axis(scores, right[:, None], axis=1)
        ranks[start : start + _BLOCK] = (scores >= reached).sum(axis=1)
        best[start : start + _BLOCK] = scores.argmax(axis=1)
    return Answers(tuple(vocabulary[place] for place in best.tolist()), ranks, candidates)


def analogies(
    answers: Answers, *, split: str, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Estimate]:
    """Return "split/analogies/candidates/accuracy" (Wilson) and ".../reciprocal_rank" (mean, bootstrap).

    Args:
        answers: What `answer` returned.
        split: Which words: heldout, seen, all, ...
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.
    """
    name = metric_name(split, "analogies", answers.candidates)
    hits = int((answers.ranks == 1).sum())
    reciprocal = bootstrap_interval(1 / answers.ranks, np.mean, resamples=resamples, seed=seed)
    return {
        f"{name}/accuracy": wilson_interval(hits, len(answers.ranks)),
        f"{name}/reciprocal_rank": reciprocal,
    }


def _places(vectors: np.ndarray, vocabulary: Sequence[str], questions: Sequence[Question]) -> np.ndarray:
    if len(vectors) != len(vocabulary):
        raise InputError(f"{len(vectors)} vectors for {len(vocabulary)} words", "encode the vocabulary")
    if len(questions) == 0:
        raise InputError("there is no question to answer", "give (a, b, c, answer)")
    place = {word: number for number, word in enumerate(vocabulary)}
    if len(place) != len(vocabulary):
        raise InputError("the vocabulary holds a word twice", "give each word once")
    for question in questions:
        missing = [word for word in question if word not in place]
        if missing:
            raise InputError(f"{missing[0]!r} of {question} is not in the vocabulary", "add and encode it")
        if question[3] in question[:3]:
            raise InputError(f"the answer of {question} is one of its own words", "drop the question")
    return np.array([[place[word] for word in question] for question in questions], np.int64)
