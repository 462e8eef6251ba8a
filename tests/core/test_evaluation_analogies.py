"""Analogies: on a plane where the answer is known, against a naive loop."""

from __future__ import annotations

import numpy as np
import pytest

from lexclip_core.errors import InputError
from lexclip_core.evaluation.neighbourhoods import analogy_accuracy, answer_analogies

WORDS = ("man", "woman", "king", "queen", "apple")
# Axes: royalty, gender, fruit. king - man + woman = (1, -1, 0) up to scale: queen.
VECTORS = np.array([[0, 1, 0], [0, -1, 0], [1, 0.5, 0], [1, -0.5, 0], [0, 0, 1]])
VECTORS = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)


def test_king_minus_man_plus_woman():
    answers = answer_analogies(VECTORS, WORDS, [("man", "king", "woman", "queen")])
    assert answers.predictions == ("queen",)
    assert answers.ranks.tolist() == [1]
    result = analogy_accuracy(answers, split="heldout")
    assert result["heldout/analogies/without_question/accuracy"].value == 1
    assert result["heldout/analogies/without_question/reciprocal_rank"].value == 1


def test_leaving_question_words_in_can_change_the_answer():
    # far apart genders: b - a + c stays nearest to c itself
    question = [("king", "man", "queen", "apple")]
    inside = answer_analogies(VECTORS, WORDS, question, candidates="all")
    outside = answer_analogies(VECTORS, WORDS, question)
    assert inside.predictions[0] in question[0][:3]
    assert outside.predictions[0] not in question[0][:3]
    assert inside.ranks[0] > outside.ranks[0]


@pytest.mark.parametrize("candidates", ["without_question", "all"])
def test_against_a_naive_loop(candidates):
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(40, 8))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    words = [f"w{i}" for i in range(40)]
    questions = [tuple(words[i] for i in rng.choice(40, 4, replace=False)) for _ in range(600)]
    answers = answer_analogies(vectors, words, questions, candidates=candidates)
    place = {word: i for i, word in enumerate(words)}
    for number, (a, b, c, right) in enumerate(questions):
        target = vectors[place[b]] - vectors[place[a]] + vectors[place[c]]
        scores = {
            word: vectors[place[word]] @ target / np.linalg.norm(target)
            for word in words
            if candidates == "all" or word not in (a, b, c)
        }
        assert answers.predictions[number] == max(scores, key=scores.get)
        assert answers.ranks[number] == 1 + sum(score > scores[right] for score in scores.values())


def test_accuracy_and_reciprocal_rank_by_hand():
    answers = answer_analogies(
        VECTORS, WORDS, [("man", "king", "woman", "queen"), ("man", "king", "woman", "apple")]
    )
    assert answers.ranks.tolist() == [1, 2]
    result = analogy_accuracy(answers, split="all")
    assert result["all/analogies/without_question/accuracy"].value == 1 / 2
    assert result["all/analogies/without_question/reciprocal_rank"].value == pytest.approx(3 / 4)


def test_a_tie_counts_against_the_answer():
    answers = answer_analogies(np.tile([1.0, 0.0], (5, 1)), WORDS, [("man", "king", "woman", "queen")])
    assert answers.ranks.tolist() == [2]


@pytest.mark.parametrize(
    ("question", "message"),
    [
        (("man", "king", "woman", "wug"), "'wug' of .* is not in the vocabulary"),
        (("man", "king", "woman", "king"), "is one of its own words"),
    ],
)
def test_questions_that_cannot_be_asked(question, message):
    with pytest.raises(InputError, match=message):
        answer_analogies(VECTORS, WORDS, [question])


def test_other_bad_input():
    question = [("man", "king", "woman", "queen")]
    with pytest.raises(InputError, match="without_question, all"):
        answer_analogies(VECTORS, WORDS, question, candidates="strict")
    with pytest.raises(InputError, match="5 vectors for 4 words"):
        answer_analogies(VECTORS, WORDS[:4], question)
    with pytest.raises(InputError, match="no question"):
        answer_analogies(VECTORS, WORDS, [])
    with pytest.raises(InputError, match="has a word twice"):
        answer_analogies(VECTORS, (*WORDS[:4], "man"), question)
