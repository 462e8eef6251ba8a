"""The tables against NLTK's own reader of the same database, on seeded samples."""

from __future__ import annotations

import random

import pytest
from case_tables import each

from bench.wu_palmer import nltk_wordnet
from lexclip_core.wordnet.tables import WordNet, load_wordnet


@pytest.fixture(scope="module")
def wordnet() -> WordNet:
    return load_wordnet()


@pytest.fixture(scope="module")
def oracle():
    return nltk_wordnet()


@pytest.fixture(scope="module")
def sample(wordnet, oracle):
    """Return 2,500 synset ids with NLTK's synset of each."""
    ids = random.Random(0).sample(range(len(wordnet)), 2_500)
    return [(k, oracle.synset_from_pos_and_offset(str(wordnet.pos[k]), int(wordnet.offsets[k]))) for k in ids]


def ids_of(wordnet: WordNet, synsets) -> tuple[int, ...]:
    """Return the ids of NLTK synsets, each once: a synset reached by two base forms comes twice there."""
    return tuple(dict.fromkeys(wordnet.index(synset.name()) for synset in synsets))


def spelt_one_way(wordnet: WordNet, words, count: int) -> list[str]:
    """Return a sample of words without a second spelling with a hyphen, which NLTK keeps apart."""
    return random.Random(1).sample([w for w in words if wordnet.lexicon.spellings(w) == (w,)], count)


def test_synset_fields(wordnet, sample):
    for k, synset in sample:
        assert wordnet.name(k) == synset.name()
        assert wordnet.pos[k] == synset.pos()
        assert wordnet.glosses[k] == synset.definition()
        assert wordnet.lexnames[k] == synset.lexname()
        assert list(wordnet.lemmas[k]) == synset.lemma_names()
        assert (wordnet.min_depth[k], wordnet.max_depth[k]) == (synset.min_depth(), synset.max_depth())
        assert wordnet.index(synset.name()) == wordnet.index(wordnet.wnid(k)) == k


def test_lemma_counts(wordnet, sample):
    for k, synset in sample:
        assert list(wordnet.lemma_counts[k]) == [lemma.count() for lemma in synset.lemmas()]
    assert any(any(wordnet.lemma_counts[k]) for k, synset in sample if synset.pos() == "s")


def test_sense_keys_written_for_nltk(wordnet, oracle, sample):
    offsets = dict(line.split()[:2] for line in oracle.open("index.sense"))
    for k, synset in sample:
        for lemma in synset.lemmas():
            assert int(offsets[lemma.key()]) == wordnet.offsets[k]


@pytest.mark.parametrize(
    ("relation", "methods"),
    [
        ("hypernyms", ["hypernyms", "instance_hypernyms"]),
        ("hyponyms", ["hyponyms", "instance_hyponyms"]),
        ("similar_to", ["similar_tos"]),
        ("also_see", ["also_sees"]),
        ("attributes", ["attributes"]),
    ],
)
def test_relations(wordnet, oracle, sample, relation, methods):
    table = getattr(wordnet, relation)
    related = [k for k in range(len(wordnet)) if table.indptr[k] < table.indptr[k + 1]]
    ids = [k for k, _ in sample[:500]] + random.Random(2).sample(related, 300)
    for k in ids:
        synset = oracle.synset(wordnet.name(k))
        found = [other for method in methods for other in getattr(synset, method)()]
        assert sorted(table.of(k).tolist()) == sorted(ids_of(wordnet, found))


@pytest.mark.parametrize(
    ("field", "method"),
    [
        ("antonym_links", "antonyms"),
        ("derivation_links", "derivationally_related_forms"),
        ("pertainym_links", "pertainyms"),
    ],
)
def test_lemma_links(wordnet, oracle, sample, field, method):
    links = getattr(wordnet, field)
    linked = random.Random(3).sample(sorted(set(links.synset_i.tolist())), 500)
    for k in [k for k, _ in sample[:200]] + linked:
        lemmas = oracle.synset(wordnet.name(k)).lemmas()
        expected = [
            [(wordnet.index(other.synset().name()), other.name()) for other in getattr(lemma, method)()]
            for lemma in lemmas
        ]
        found = [
            [(other, wordnet.lemmas[other][place]) for other, place in links.of(k, number)]
            for number in range(len(lemmas))
        ]
        assert found == expected
        assert [link for row in found for link in row] == [
            (other, wordnet.lemmas[other][place]) for other, place in links.of(k)
        ]


def test_order_of_senses(wordnet, oracle):
    words = spelt_one_way(wordnet, oracle.all_lemma_names(), 3_000)
    words += ["run", "good", "well", "light", "set", "break", "bank", "fast", "dog", "happy"]
    for word in words:
        listed = [s for s in oracle.synsets(word) if word in {lemma.lower() for lemma in s.lemma_names()}]
        assert wordnet.synsets(word) == ids_of(wordnet, listed)
        assert wordnet.morphy(word) == ids_of(wordnet, oracle.synsets(word))


@each("pos", ["n", "v", "a", "s", "r"])
def test_senses_of_one_part_of_speech(wordnet, oracle, pos):
    for word in spelt_one_way(wordnet, oracle.all_lemma_names(pos), 300):
        assert wordnet.morphy(word, pos) == ids_of(wordnet, oracle.synsets(word, pos))


def test_any_lemma_names_a_synset(wordnet, oracle, sample):
    for k, synset in sample[:500]:
        for lemma in synset.lemmas():
            pos = synset.pos()
            number = oracle.synsets(lemma.name(), pos).index(synset) + 1
            if number <= len(wordnet.lexicon.senses_as_spelt(lemma.name().lower(), pos)):
                assert wordnet.index(f"{lemma.name()}.{pos}.{number}") == k


def inflected(wordnet: WordNet, pos: str) -> list[str]:
    index = wordnet.lexicon.indexes[pos]
    endings = {"n": ["s", "es", "ses", "men"], "v": ["s", "ed", "ing", "ies"], "a": ["er", "est"], "r": ["s"]}
    rng = random.Random(4)
    regular = [word + rng.choice(endings[pos]) for word in rng.sample(sorted(index.rows), 1_000)]
    stems = [word[:-1] + rng.choice(endings[pos]) for word in rng.sample(sorted(index.rows), 500)]
    irregular = rng.sample(sorted(index.exceptions), min(700, len(index.exceptions)))
    return regular + stems + irregular


@pytest.mark.parametrize("pos", ["n", "v", "a", "r"])
def test_morphy_on_inflected_forms(wordnet, oracle, pos):
    reduced = 0
    for form in inflected(wordnet, pos):
        bases = wordnet.lexicon.base_forms(form, pos)
        assert (bases[0] if bases else None) == oracle.morphy(form, pos)
        if wordnet.lexicon.spellings(form) == (form,):
            assert wordnet.morphy(form, pos) == ids_of(wordnet, oracle.synsets(form, pos))
            reduced += bool(bases) and bases[0] != form
    assert reduced >= (3 if pos == "r" else 500)  # adverbs have no suffix rules and seven exceptions
