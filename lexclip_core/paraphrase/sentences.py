"""Turn a caption into a plain sentence, and a plain sentence into another shape; its words stay.

>>> plain("a boy rides a bike"), plain("a black cat on a sofa")
('a boy is riding a bike', 'there is a black cat on a sofa')
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from lexclip_core.paraphrase.english import load_english
from lexclip_core.paraphrase.grammar import Token, has_plural, inflect, join, tagged
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import article

Tokens = Sequence[Token]

_BE = ("is", "are")
# "at the top is a dog, and at the bottom is a cat"; "a dog on the left, a cat on the right"
_PLACES_FIRST = re.compile(
    r"^((?:on|at|in) the \w+) (is|are) (.+?),? and ((?:on|at|in) the \w+) (?:is|are) (.+)$", re.IGNORECASE
)
_PLACES_LAST = re.compile(r"^(.+? (?:on|at|in) the \w+), (.+ (?:on|at|in) the \w+)$", re.IGNORECASE)


def plain(text: str) -> str:
    """Return a caption as a plain sentence, or as it is where no rule fits.

    "a boy rides a bike" and "a boy riding a bike" become "a boy is riding a bike", which itself becomes
    "there is a boy riding a bike"; "the boy is riding a bike" becomes "the boy rides a bike"; what has no
    verb gets "there is", and loses it where it had one.
    """
    tokens = _with_article(tagged(text))
    for rule in _RULES:
        made = rule(tokens)
        if made:
            return made
    return join([token.text for token in tokens])


def reshaped(text: str, chance: random.Random) -> str:
    """Return a plain sentence in another shape, drawn by `chance`, or as it is where none is at hand."""
    tokens = tagged(text)
    words = [token.text for token in tokens]
    if tokens and tokens[0].low == "there" and len(tokens) > 2 and tokens[1].low in _BE:
        bare = join(words[2:])
        return chance.choice((bare, f"you can see {bare}", f"{bare} can be seen" if len(words) < 9 else bare))
    place = _being(tokens)
    if place and not _verbs(tokens, "V") and chance.random() < 0.5:
        return join(words[:place] + words[place + 1 :])
    return text


def _with_article(tokens: Tokens) -> Tokens:
    """Put "a" before a caption that opens with a bare singular noun: man riding a wave."""
    phrase = 0
    while phrase < len(tokens) and tokens[phrase].tag in "JN" and tokens[phrase].text == tokens[phrase].low:
        phrase += 1
    head = tokens[phrase - 1] if phrase else None
    if head is None or head.tag != "N" or head.penn != "NN" or not _counted(head.lemma):
        return tokens
    return (Token(article(tokens[0].text), "D", "a"), *tokens)


def _counted(noun: str) -> bool:
    wordnet = load_wordnet()
    senses, words = wordnet.synsets(noun, "n"), load_english().words
    return bool(senses) and (
        wordnet.lexnames[senses[0]] in words["counted"]
        and noun not in words["mass_nouns"]
        and has_plural(noun)
    )


def _verbs(tokens: Tokens, tags: str = "VX") -> list[int]:
    return [place for place, token in enumerate(tokens) if token.tag in tags]


def _be(tokens: Tokens) -> str:
    """Return "is" or "are" for a sentence's first noun phrase."""
    for place, token in enumerate(tokens):
        follows = tokens[place + 1].tag if place + 1 < len(tokens) else "U"
        if token.tag == "N" and follows != "N":
            bare = not place or tokens[place - 1].low not in ("a", "an", "one")
            return (
                "are"
                if token.penn == "NNS" or (bare and token.lemma in load_english().words["same_plural"])
                else "is"
            )
        if token.tag == "M" and token.low not in ("one", "1"):
            return "are"
    return "is"


def _being(tokens: Tokens) -> int:
    """Return the place of the only verb if it is a "be" before an -ing form, a participle or a place."""
    places = _verbs(tokens)
    if len(places) != 1 or places[0] + 1 >= len(tokens):
        return 0
    [place] = places
    relative = place > 0 and tokens[place - 1].low in ("that", "which", "who")
    fits = tokens[place].low in _BE and tokens[place + 1].tag in "GPI" and not relative
    return place if fits else 0


def _indefinite(tokens: Tokens) -> bool:
    return tokens[0].low in ("a", "an", "some", "another") or tokens[0].tag == "M" or tokens[0].penn == "NNS"


def _listed(tokens: Tokens) -> str:
    text = join([token.text for token in tokens])
    if match := _PLACES_FIRST.match(text):
        place, be, first, other_place, second = match.groups()
        return f"{first} {be} {place.lower()} and {second} {be} {other_place}"
    match = _PLACES_LAST.match(text)
    if match and not _verbs(tokens):
        return f"there {_be(tokens)} {match[1]} and {match[2]}"
    return ""


def _without_there(tokens: Tokens) -> str:
    if len(tokens) < 3 or tokens[0].low != "there" or tokens[1].low not in _BE:
        return ""
    rest = tokens[2:]
    return _progressive(rest) or join([token.text for token in rest])


def _with_there(tokens: Tokens) -> str:
    place = _being(tokens)
    if not place or not _indefinite(tokens):
        return ""
    words = [token.text for token in tokens]
    be = "is" if tokens[0].low in ("a", "an", "one") else tokens[place].low
    return join(["there", be, *words[:place], *words[place + 1 :]])


def _continuous(tokens: Tokens) -> str:
    """Turn the simple present into the continuous: rides -> is riding."""
    places = _verbs(tokens, "V")
    verbs = [tokens[place] for place in places]
    if (
        not places
        or _verbs(tokens, "XB")
        or any(
            verb.lemma in load_english().words["stative_verbs"]
            or verb.penn == "VBD"
            or not inflect(verb.lemma, "VBG")
            for verb in verbs
        )
    ):
        return ""
    if any(_misread(tokens, place, first=place == places[0]) for place in places):
        return ""
    words = [token.text for token in tokens]
    for place in places:
        form = inflect(tokens[place].lemma, "VBG") or ""
        joined = place and tokens[place - 1].low in ("and", "or") and place != places[0]
        be = "is" if tokens[place].penn == "VBZ" else "are"
        words[place] = form if joined else f"{be} {form}"
    return join(words)


def _misread(tokens: Tokens, place: int, *, first: bool) -> bool:
    """Return whether a word taken for a verb is hardly one: window and sink, a stop sign."""
    before = tokens[place - 1] if place else None
    if before is None or (first and before.tag in "CU"):
        return True
    plural = before.lemma in load_english().words["same_plural"] or any(
        token.low == "and" for token in tokens[:place]
    )
    return tokens[place].penn == "VBP" and before.penn == "NN" and not plural


def _simple(tokens: Tokens) -> str:
    """Turn the continuous into the simple present: is riding -> rides."""
    place = _being(tokens)
    if not place or tokens[place + 1].tag != "G" or any(token.low == "and" for token in tokens[place:]):
        return ""
    verb = inflect(tokens[place + 1].lemma, "VBZ" if tokens[place].low == "is" else "VBP")
    if verb is None:
        return ""
    words = [token.text for token in tokens]
    return join([*words[:place], verb, *words[place + 2 :]])


def _progressive(tokens: Tokens) -> str:
    """Put is or are before the first -ing form or participle that says what the subject does."""
    if _verbs(tokens):
        return ""
    for place in range(1, len(tokens)):
        if tokens[place].tag in "GP" and tokens[place - 1].tag == "N" and not _modifies(tokens, place):
            if any(token.low in ("with", "of") for token in tokens[max(0, place - 4) : place]):
                return ""  # a dog with its tongue hanging out
            words = [token.text for token in tokens]
            plural = any(token.low == "and" and token.tag == "C" for token in tokens[:place])
            be = "are" if plural else _be(tokens)
            return join([*words[:place], be, *words[place:]])
    return ""


def _modifies(tokens: Tokens, place: int) -> bool:
    """Return whether a participle belongs to the noun after it: a tree lined street."""
    return tokens[place].tag == "P" and place + 1 < len(tokens) and tokens[place + 1].tag in "NJ"


def _nominal(tokens: Tokens) -> str:
    if _verbs(tokens) or not _verbs(tokens, "N") or tokens[0].tag not in "DMJN":
        return ""
    if tokens[0].low in ("the", "this", "that", "his", "her"):
        return ""
    return join(["there", _be(tokens), *(token.text for token in tokens)])


_RULES: tuple[Callable[[Tokens], str], ...] = (
    _listed,
    _without_there,
    _with_there,
    _simple,
    _continuous,
    _progressive,
    _nominal,
)
