"""Words that may stand for the words of a caption, and the words of captions that WordNet knows.

A phrase gives way to another that says the same, above all where things stand; a word to one chosen by hand,
else to a synonym of its most used sense in WordNet. `caption_words` lists the nouns of captions, each with
the sense that it is most used in (claim B27).

>>> substitutes_for("couch", "n"), substitutes_for("carpet", "n")
(('sofa',), ('rug',))
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.paraphrase.grammar import Token, When, load_english, tagged
from lexclip_core.wordnet.lexicon import WordPos
from lexclip_core.wordnet.tables import WordNet, load_wordnet
from lexclip_core.words import normalise

LEAST_SHARE = 0.6
"""The share of a word's uses in WordNet's tagged texts that a sense must have, here and for a substitute."""
LEAST_USES = 2
"""A substitute must have been tagged this often with the sense."""


# --- phrases ---


def phrase_at(tokens: Sequence[Token], place: int, chance: random.Random) -> tuple[int, str] | None:
    """Return how many tokens from `place` on are a known phrase, and what may stand for them, or None."""
    for phrase in load_english().phrases:  # the longest first
        length = len(phrase.words)
        words = tuple(token.low for token in tokens[place : place + length])
        if words == phrase.words and _fits(phrase.when, tokens, place, length):
            return length, chance.choice(phrase.others)
    return None


def _fits(when: When, tokens: Sequence[Token], place: int, length: int) -> bool:
    following = tokens[place + length] if place + length < len(tokens) else None
    if when == "still":
        return not any(token.tag in "VGBP" for token in tokens)
    if when == "end":
        return following is None or (following.tag not in "NJ" and following.low != "of")
    if when == "plural":
        free = not place or tokens[place - 1].tag != "D"
        return free and any(token.penn == "NNS" for token in tokens[place + length : place + length + 2])
    return when == "always" or _acts(when, tokens, place, following)


def _acts(when: When, tokens: Sequence[Token], place: int, following: Token | None) -> bool:
    """Return whether an -ing form is said of what stands before it, and of whom."""
    if tokens[place].tag != "G" or not place or tokens[place - 1].tag == "D":
        return False
    if when == "object":
        return following is not None and following.tag in "DMNJO"
    if when == "participle":
        return True
    living = any(token.tag == "N" and _living(token.lemma) for token in tokens[:place])
    return living == (when == "person")


@lru_cache(maxsize=65_536)
def _living(noun: str) -> bool:
    wordnet = load_wordnet()
    kinds = [wordnet.lexnames[sense] for sense in wordnet.synsets(noun, "n")[:1]]
    return noun == "people" or kinds in (["noun.person"], ["noun.animal"])


# --- words ---


@lru_cache(maxsize=65_536)
def substitutes_for(lemma: str, pos: WordPos) -> tuple[str, ...]:
    """Return words and short phrases, base forms, that may stand for a lemma; none where it must stay.

    From WordNet a substitute is taken only where the word has one dominant sense that can be seen
    (`LEAST_SHARE`, and no word in use for colours or places), where the substitute is used in that sense
    (`LEAST_USES`) and mostly in that sense, and where neither contains the other.

    Args:
        lemma: Base form, lower case.
        pos: n, v or a.

    Raises:
        MissingResourceError: WordNet 3.0 can be had from nowhere.
    """
    if lemma in load_english().unchanged:
        return ()
    return load_english().everyday.get((lemma, pos)) or _from_wordnet(lemma, pos)


def dominant_sense(lemma: str, pos: WordPos) -> int | None:
    """Return the synset that a word is mostly used in (`LEAST_SHARE`), or its only one; None without one.

    Raises:
        MissingResourceError: WordNet 3.0 can be had from nowhere.

    >>> load_wordnet().name(dominant_sense("dog", "n")), dominant_sense("picture", "n")
    ('dog.n.01', None)
    """
    wordnet = load_wordnet()
    senses, counts = wordnet.synsets(lemma, pos), wordnet.sense_counts(lemma, pos)
    if not senses or counts.max(initial=0) < LEAST_SHARE * counts.sum():
        return None
    if not counts.sum() and len(senses) > 1:
        return None
    return senses[int(counts.argmax())]


def _from_wordnet(lemma: str, pos: WordPos) -> tuple[str, ...]:
    wordnet, sense = load_wordnet(), dominant_sense(lemma, pos)
    if sense is None or wordnet.lexnames[sense] not in load_english().words["visible"]:
        return ()
    pairs = zip(wordnet.lemmas[sense], wordnet.lemma_counts[sense], strict=True)
    return tuple(
        normalise(other)
        for other, uses in pairs
        if uses >= LEAST_USES and other == other.lower() and _mostly(other, pos, sense)
        if lemma not in normalise(other) and normalise(other) not in lemma
    )


def _mostly(word: str, pos: WordPos, sense: int) -> bool:
    wordnet = load_wordnet()
    counts = dict(zip(wordnet.synsets(word, pos), wordnet.sense_counts(word, pos).tolist(), strict=True))
    return bool(counts[sense] >= LEAST_SHARE * sum(counts.values()))


# --- nouns of captions ---


@dataclass(frozen=True)
class CaptionWords:
    """Nouns of captions, the most frequent first, and those left out.

    Attributes:
        words: The nouns, base forms, each once.
        synsets: The synset of each, such as `dog.n.01`.
        counts: How many captions have each.
        dropped: Nouns left out, each with the reason.
    """

    words: tuple[str, ...]
    synsets: tuple[str, ...]
    counts: tuple[int, ...]
    dropped: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.words)


def caption_words(captions: Iterable[str], *, least: int = 1) -> CaptionWords:
    """Return the nouns of captions that have one dominant sense, a thing that can be seen.

    No sense is chosen by its sentence. A noun has the sense that it is mostly used in
    (`dominant_sense`); nouns without such a sense are left out, so that few are mistaken.

    Args:
        captions: One sentence or phrase each.
        least: Captions that must have a noun for it to count.

    Raises:
        InputError: `least` is below 1, or no noun is left.
        MissingResourceError: WordNet 3.0 can be had from nowhere.

    >>> caption_words(["two dogs on a beach", "a dog in the grass"]).words
    ('dog', 'beach', 'grass')
    """
    if least < 1:
        raise InputError(f"least is {least}", "ask for at least one caption")
    counts: Counter[str] = Counter()
    for caption in storage.progress(captions, desc="captions"):
        counts.update({normalise(token.lemma) for token in tagged(caption) if token.tag == "N"})
    wordnet = load_wordnet()
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    judged = {word: _sense(wordnet, word) if counts[word] >= least else "too rare" for word in ranked if word}
    synsets = {word: sense for word, sense in judged.items() if isinstance(sense, int)}
    if not synsets:
        raise InputError("no caption has a noun with a sense of its own", "give captions in English")
    return CaptionWords(
        words=tuple(synsets),
        synsets=tuple(wordnet.name(synset) for synset in synsets.values()),
        counts=tuple(counts[word] for word in synsets),
        dropped=tuple((word, reason) for word, reason in judged.items() if isinstance(reason, str)),
    )


def _sense(wordnet: WordNet, word: str) -> int | str:
    """Return a noun's dominant synset, or why it has none."""
    if not wordnet.synsets(word, "n"):
        return "not a noun of WordNet"
    sense = dominant_sense(word, "n")
    if sense is None:
        return "no dominant sense"
    return sense if wordnet.lexnames[sense] in load_english().words["visible"] else "cannot be seen"
