"""Similarity of words over their senses: fractions by hand, a plain loop, laws on WordNet."""

from __future__ import annotations

import numpy as np
import pytest
from case_tables import each
from mini_taxonomy import mini_index, mini_wordnet

from lexclip_core.errors import InputError
from lexclip_core.targets.word_level import WordSenses, wu_palmer_of_senses, wu_palmer_of_words
from lexclip_core.targets.wu_palmer import wu_palmer_pairs
from lexclip_core.wordnet.tables import load_wordnet

CHOICES = ("first_sense", "maximum", "expectation")


def of_mini(words, pos, how, policy="symmetric"):
    """Compare words of the mini taxonomy, where "pet" is pet.n.01 (count 1) and joy.n.01 (0)."""
    rows, cols = (WordSenses.of(some, pos, mini_wordnet()) for some in words)
    return wu_palmer_of_senses(rows, cols, how, policy, taxonomy=mini_index())


# Depths of the symmetric policy: entity 2, feeling and pet 3. So pet.n.01 and grief meet in entity, three
# edges away, 4/7;
# joy.n.01 and grief in feeling, two edges away, 6/8; pet.n.01 and joy.n.01 in entity as well, 4/7.
@pytest.mark.parametrize(
    ("how", "with_grief", "with_itself"),
    [
        ("first_sense", 4 / 7, 1),
        ("maximum", 3 / 4, 1),
        ("expectation", 2 / 3 * 4 / 7 + 1 / 3 * 3 / 4, (4 / 9 + 1 / 9) + 2 * 2 / 9 * 4 / 7),
    ],
)
def test_fractions_of_a_word_with_two_senses(how, with_grief, with_itself):
    scores = of_mini([["pet", "grief"]] * 2, "n", how)
    np.testing.assert_allclose(scores, [[with_itself, with_grief], [with_grief, 1]], rtol=1e-15)


def test_the_nltk_policy_reaches_the_senses():
    assert of_mini([["dog"], ["dog"]], "n", "maximum", "nltk") == 5 / 6
    assert of_mini([["happy"], ["sad"]], "a", "expectation", "nltk") == 1 / 2


def some_words(pos, size, seed):
    """Half of them among the words with several senses."""
    wordnet, rng = load_wordnet(), np.random.default_rng(seed)
    words = wordnet.words(pos)
    many = [word for word in words[::5] if len(wordnet.synsets(word, pos)) > 2]
    return [*rng.choice(words, size // 2), *rng.choice(many, size - size // 2)]


def plain(word_a, word_b, pos, how, policy):
    wordnet = load_wordnet()
    senses_a, senses_b = wordnet.synsets(word_a, pos), wordnet.synsets(word_b, pos)
    if how == "first_sense":
        return wu_palmer_pairs(senses_a[:1], senses_b[:1], policy)[0]
    pairs = [(i, j) for i in range(len(senses_a)) for j in range(len(senses_b))]
    scores = wu_palmer_pairs([senses_a[i] for i, _ in pairs], [senses_b[j] for _, j in pairs], policy)
    if how == "maximum":
        return max(scores)
    weights_a, weights_b = (wordnet.sense_counts(word, pos) + 1 for word in (word_a, word_b))
    weights = [weights_a[i] * weights_b[j] for i, j in pairs]
    return sum(w * s for w, s in zip(weights, scores, strict=True)) / sum(weights)


@each("how", CHOICES)
@each(("pos", "policy"), [("n", "symmetric"), ("v", "symmetric"), ("v", "nltk"), ("a", "nltk")])
def test_every_word_pair_equals_a_plain_loop(pos, policy, how):
    words_a, words_b = some_words(pos, 24, 1), some_words(pos, 17, 2)
    scores = wu_palmer_of_words(words_a, words_b, pos=pos, how=how, policy=policy)
    expected = [[plain(a, b, pos, how, policy) for b in words_b] for a in words_a]
    np.testing.assert_allclose(scores, expected, rtol=1e-14)


@pytest.mark.parametrize("how", CHOICES)
def test_blocks_of_senses_join_without_a_seam(how):
    words = some_words("n", 500, 3)
    senses = WordSenses.of(words, "n")
    assert len(senses.synsets) > 512, "more senses than one block has"
    parts = [wu_palmer_of_senses(WordSenses.of([word], "n"), senses, how) for word in words]
    np.testing.assert_array_equal(wu_palmer_of_senses(senses, senses, how), np.vstack(parts))


@each("how", CHOICES)
@each("pos", ["n", "v"])
def test_the_symmetric_policy_scores_are_symmetric_and_within_zero_and_one(pos, how):
    words = some_words(pos, 200, 4)
    scores = wu_palmer_of_words(words, pos=pos, how=how)
    np.testing.assert_allclose(scores, scores.T, rtol=1e-13)
    assert (scores > 0).all()
    assert (scores <= 1 + 1e-12).all()
    single = np.array([len(load_wordnet().synsets(word, pos)) == 1 for word in words])
    own = np.diag(scores)
    np.testing.assert_allclose(own[single], 1, rtol=1e-15)
    assert (own[~single] < 1).all() if how == "expectation" else (own == 1).all()


def test_spelling_does_not_matter():
    assert wu_palmer_of_words(["Ice_Cream", "ice-cream"], ["ice cream"], pos="n").tolist() == [[1], [1]]


@each(
    ("words", "pos", "message"),
    [
        ([], "n", "the list of words is empty"),
        ("dog", "n", r"'dog' is one word, not a list"),
        (["dog", "qwertz"], "n", "WordNet has no noun 'qwertz'\n  Remedy: leave it out"),
        (["happy"], "n", "WordNet has no noun 'happy'\n  Remedy: WordNet knows it as adjective"),
        (["dogs"], "n", "WordNet has no noun 'dogs'\n  Remedy: give its base form, as in dog.n.01"),
        (["x" * 10_000], "v", r"WordNet has no verb 'x.*\(10,000 characters\)"),
        (["dog"], "s", "unknown part of speech 's'"),
        (["happy"], "a", "happy.a.01 is an adjective: WordNet has no hypernyms"),
    ],
)
def test_what_is_no_list_of_words_is_refused(words, pos, message):
    for how in CHOICES:
        with pytest.raises(InputError, match=message):
            wu_palmer_of_words(words, pos=pos, how=how)


def test_an_unknown_choice_or_policy_is_refused():
    with pytest.raises(
        InputError, match=r"unknown choice of senses 'mean'\n.*first_sense, maximum, expectation"
    ):
        wu_palmer_of_words(["dog"], pos="n", how="mean")
    with pytest.raises(InputError, match="unknown policy 'fair'"):
        wu_palmer_of_words(["dog"], pos="n", policy="fair")
