"""Which words may stand for a word of a caption: chosen by hand, else from its most used sense in WordNet."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from lexclip_core.paraphrase.everyday import EVERYDAY
from lexclip_core.synsets import load_wordnet
from lexclip_core.words import normalise

Pos = Literal["n", "v", "a"]

#: A sense must have this share of a word's uses in WordNet's tagged texts, for the word and its substitute.
LEAST_SHARE = 0.6
#: A substitute must have been tagged this often with the sense.
LEAST_USES = 2

_NOUNS = "animal artifact body food location object person plant phenomenon substance Tops"
_VERBS = "body consumption contact creation motion perception"
#: Lexicographer files whose senses can be seen in a picture; words of other senses stay as they are.
VISIBLE = frozenset(
    ("adj.all", *(f"noun.{name}" for name in _NOUNS.split()), *(f"verb.{name}" for name in _VERBS.split()))
)

# Colours carry the meaning of attribute scenes; the second block is half function words; the third has a
# dominant sense in WordNet's texts that is not the one of captions.
_COLOURS = """red orange yellow green blue purple pink brown grey gray black white tan gold golden silver
beige violet turquoise maroon"""
_HALF = """next other same own such first second last left right top bottom front back side middle center
centre single be have do make take get go come put set use hold keep show see wear near"""
_MISLEADING = """bearded collar color colour effect fence food frog haired hedgehog husky inflated lush pant
plain plant prop reflective sunny surround thing toad toilet area pitcher lean cross curved attached"""
KEPT = frozenset(f"{_COLOURS} {_HALF} {_MISLEADING}".split())


@lru_cache(maxsize=65_536)
def substitutes(lemma: str, pos: Pos) -> tuple[str, ...]:
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
    if lemma in KEPT:
        return ()
    return EVERYDAY.get((lemma, pos)) or _from_wordnet(lemma, pos)


def dominant_sense(lemma: str, pos: Pos) -> int | None:
    """Return the synset that a word is mostly used in (`LEAST_SHARE`), or its only one; None without one.

    Raises:
        MissingResourceError: WordNet 3.0 can be had from nowhere.
    """
    wordnet = load_wordnet()
    senses, counts = wordnet.synsets(lemma, pos), wordnet.sense_counts(lemma, pos)
    if not senses or counts.max(initial=0) < LEAST_SHARE * counts.sum():
        return None
    if not counts.sum() and len(senses) > 1:
        return None
    return senses[int(counts.argmax())]


def _from_wordnet(lemma: str, pos: Pos) -> tuple[str, ...]:
    wordnet, sense = load_wordnet(), dominant_sense(lemma, pos)
    if sense is None or wordnet.lexnames[sense] not in VISIBLE:
        return ()
    pairs = zip(wordnet.lemmas[sense], wordnet.lemma_counts[sense], strict=True)
    return tuple(
        normalise(other)
        for other, uses in pairs
        if uses >= LEAST_USES and other == other.lower() and _mostly(other, pos, sense)
        if lemma not in normalise(other) and normalise(other) not in lemma
    )


def _mostly(word: str, pos: Pos, sense: int) -> bool:
    wordnet = load_wordnet()
    counts = dict(zip(wordnet.synsets(word, pos), wordnet.sense_counts(word, pos).tolist(), strict=True))
    return counts[sense] >= LEAST_SHARE * sum(counts.values())
