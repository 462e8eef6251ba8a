"""Nouns of captions: base forms, counted by caption, each with a dominant sense or the lack of one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lexclip_core.datasets.captions import open_captions
from lexclip_core.errors import InputError
from lexclip_core.paraphrase.substitutes import caption_words
from lexclip_core.wordnet.tables import load_wordnet

CAPTIONS = (
    "two dogs run on the beach",
    "a dog and another dog beside an umbrella",
    "an umbrella on a table",
    "the planes fly over a picture of a book",
    "a keycap",
)


def test_nouns_are_counted_once_a_caption_and_listed_by_how_many_have_them():
    found = caption_words(CAPTIONS)
    counts = dict(zip(found.words, found.counts, strict=True))
    assert counts["dog"] == counts["umbrella"] == 2
    assert list(found.counts) == sorted(found.counts, reverse=True)
    assert dict(zip(found.words, found.synsets, strict=True))["dog"] == "dog.n.01"
    assert "run" not in counts  # a verb here
    assert "fly" not in counts


def test_what_is_left_out_is_named_with_the_reason():
    reasons = dict(caption_words(CAPTIONS).dropped)
    assert reasons["picture"] == "no dominant sense"
    assert reasons["book"] == "cannot be seen"
    assert reasons["keycap"] == "not a noun of WordNet"
    assert caption_words(CAPTIONS, least=2).words == ("dog", "umbrella")
    assert dict(caption_words(CAPTIONS, least=2).dropped)["beach"] == "too rare"


def test_of_several_senses_the_one_used_most_is_taken():
    wordnet = load_wordnet()
    found = caption_words(["a person with a key beside a house"])
    for word, synset in zip(found.words, found.synsets, strict=True):
        senses, counts = wordnet.synsets(word, "n"), wordnet.sense_counts(word, "n")
        assert wordnet.index(synset) == senses[int(counts.argmax())]
        assert len(senses) == 1 or counts.max() >= 0.6 * counts.sum()


@given(st.permutations(CAPTIONS))
def test_the_order_of_captions_changes_nothing(captions):
    assert caption_words(captions) == caption_words(CAPTIONS)


def test_captions_without_a_noun_and_a_senseless_bound_are_refused():
    with pytest.raises(InputError, match="no caption has a noun"):
        caption_words(["very quickly"])
    with pytest.raises(InputError, match="least is 0"):
        caption_words(CAPTIONS, least=0)


def test_peoples_captions_of_photographs_give_everyday_things(evaldata):
    folder = evaldata / "flickr8k_sample"
    if not folder.is_dir():
        pytest.skip(f"the sample of Flickr8k is not here: {folder}")
    found = caption_words(open_captions("flickr8k", folder).texts)
    assert {"man", "dog", "woman", "grass"} <= set(found.words[:40])
    assert len(found) > 100
