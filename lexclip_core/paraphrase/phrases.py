"""Phrases of a caption and others that say the same, above all where things stand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from lexclip_core.paraphrase.tagging import Token
from lexclip_core.synsets import load_wordnet

#: always: wherever the words stand. still: in a sentence without a verb but be: there "over" is no way.
#: end: not before a noun or "of". participle: where the first word is an -ing form. object: with an object.
#: person, thing: with a person or animal before it, or none.
#: plural: before a plural, without a determiner.
When = Literal["always", "still", "end", "participle", "object", "person", "thing", "plural"]


@dataclass(frozen=True)
class Phrase:
    """Words that others may stand for."""

    words: tuple[str, ...]
    others: tuple[str, ...]
    when: When


_LISTED = """
always | to the left of | on the left-hand side of, on the left side of, left of
always | to the right of | on the right-hand side of, on the right side of, right of
always | on the left of | to the left of, on the left-hand side of
always | on the right of | to the right of, on the right-hand side of
always | left of | to the left of, on the left-hand side of
always | right of | to the right of, on the right-hand side of
end | on the left | on the left-hand side, at the left, to the left
end | on the right | on the right-hand side, at the right, to the right
end | at the top | in the upper half, in the upper part, up above
end | at the bottom | in the lower half, in the lower part, down below
always | above | over, higher than
always | below | under, beneath, underneath
still | over | above, higher than
still | under | below, beneath, underneath
always | beneath | under, underneath
always | underneath | under, beneath
always | next to | beside, by the side of
always | beside | next to, by the side of
always | near | close to
always | close to | near
always | on top of | atop
always | atop | on top of
always | in the middle of | in the center of
always | in the center of | in the middle of
always | each other | one another
always | one another | each other
always | across from | opposite
always | along with | together with
always | surrounded by | encircled by, ringed by
plural | a lot of | many
plural | lots of | many
plural | many | a lot of, lots of
plural | several | a number of, quite a few
plural | two | a pair of, a couple of
plural | a couple of | two, a pair of
always | a group of | a bunch of
always | a bunch of | a group of
always | filled with | full of
always | full of | filled with
always | toward | towards
always | towards | toward
always | while | as
always | whilst | while
participle | looking at | gazing at, eyeing
object | watching | observing
person | sitting down | seated
person | sitting | seated
thing | sitting | resting
participle | holding hands | hand in hand
object | wearing | sporting, dressed in
object | holding | grasping
object | carrying | holding
participle | taking a picture of | photographing
participle | sleeping | asleep
participle | laying | lying
object | eating | consuming
object | climbing | scaling
participle | getting ready to | preparing to
always | dressed in | wearing
"""


def _read() -> tuple[Phrase, ...]:
    rows = (line.split(" | ") for line in _LISTED.strip().splitlines())
    read = [Phrase(tuple(old.split()), tuple(new.split(", ")), when) for when, old, new in rows]  # type: ignore[arg-type]
    return tuple(sorted(read, key=lambda phrase: -len(phrase.words)))


PHRASES: tuple[Phrase, ...] = _read()
_BY_FIRST_WORD: dict[str, list[Phrase]] = {}
for _phrase in PHRASES:
    _BY_FIRST_WORD.setdefault(_phrase.words[0], []).append(_phrase)


def phrase_at(tokens: Sequence[Token], place: int, chance: random.Random) -> tuple[int, str] | None:
    """Return how many tokens from `place` on are a known phrase, and what may stand for them, or None."""
    for phrase in _BY_FIRST_WORD.get(tokens[place].low, ()):
        length = len(phrase.words)
        found = tuple(token.low for token in tokens[place : place + length])
        if found == phrase.words and _fits(phrase.when, tokens, place, length):
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
    """Say whether an -ing form is said of what stands before it, and of whom."""
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
