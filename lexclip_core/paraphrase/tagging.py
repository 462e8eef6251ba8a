"""Parts of speech of a caption's words, from dictionary readings, WordNet's counts and what may follow what.

No trained model: it is made for captions, which are short, in the present tense, and about what can be seen.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from lexclip_core.paraphrase.function_words import FUNCTION_WORDS
from lexclip_core.paraphrase.inflection import readings
from lexclip_core.synsets import Pos, load_wordnet

_TOKEN = re.compile(r"\w+(?:['.\-]\w+)*|[^\w\s]")

#: Tags of open classes: N noun, J adjective, R adverb, V finite verb, B infinitive, G -ing, P participle.
_TAG_OF = {
    **dict.fromkeys(("NN", "NNS"), "N"),
    **dict.fromkeys(("JJ", "JJR", "JJS"), "J"),
    **dict.fromkeys(("RB", "RBR", "RBS"), "R"),
    **dict.fromkeys(("VBZ", "VBP", "VBD"), "V"),
    **{"VB": "B", "VBG": "G", "VBN": "P"},
}
_TAGS = "UDMJNVBGPXIOCRT"  # U is a mark, the start or the end

# Cost of a tag (row: the one before; column: in the order of _TAGS) in nats, set by hand: 0 to 7.
#             U    D    M    J    N    V    B    G    P    X    I    O    C    R    T
_COSTS = """
U             1    0    0   .8    1    3    4    1  1.5    1   .7   .3   .7    1    2
D             5    2  1.5    0    0    7    7  1.5  1.5    7    5    4    6    2    7
M             2    3  1.5   .3    0    5    7    2    2    3  1.5    4    3    3    5
J             1    4    3   .7    0  5.5    6    3    3    3  1.5    5    1    3    2
N            .3  2.5    3  3.5  1.2   .7    5   .7    1   .3    0  1.5   .3    1    1
V             1    0   .5  1.2  1.5    5    6  1.5    2    4    0   .5    1   .5   .5
B            .7    0   .5  1.2  1.2    5    6    2    2    4    0   .5    1   .5   .7
G            .5    0   .5    1    1    4    6    3    2    3    0   .5   .7   .5   .5
P            .5  1.5    2    2  1.5    3    6    3    4    3    0    3   .7   .7    1
X             2   .3    1   .5    2    5    1    0    0    1   .5    1    3   .5    1
I             2    0   .3   .4   .4    6    6  1.2    2    5    1    0    2    2    2
O            .5    2    2    2  2.5   .3    4    1    1    0   .5    3   .5    1    1
C             3    0   .3   .5   .3   .8    4   .5    1    1    1   .5    3    1    2
R            .3   .7    1   .5    2   .7    3   .5   .5    1   .5    1   .7    1    1
T             3    0    1    1    1    6    0    3    5    5    3   .3    4    2    6
"""
_COST = {
    (before, after): float(cost)
    for before, *costs in (line.split() for line in _COSTS.strip().splitlines())
    for after, cost in zip(_TAGS, costs, strict=True)
}


# WordNet lists "little dog" (a star) and "young man"; in captions the adjective is a word of its own.
_FREE = """little young old big small large tall long red orange yellow green blue purple pink brown grey gray
black white dark light bright good wild open wet dry"""
_FREE_ADJECTIVES = frozenset(_FREE.split())


_THINGS = frozenset(
    ["building", "railing", "painting", "clothing", "ceiling", "drawing", "wedding", "crossing"]
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word or mark of a caption.

    Attributes:
        text: As it is written.
        tag: One letter; see `function_words` and `tagging`.
        lemma: Base form, lower case.
        penn: Form within its part of speech, such as NNS or VBG; "" for function words and marks.
    """

    text: str
    tag: str
    lemma: str
    penn: str = ""

    @property
    def low(self) -> str:
        """The text in lower case."""
        return self.text.lower()


Reading = tuple[str, str, str, float]  # tag, lemma, Penn tag, cost


def split(text: str) -> list[str]:
    """Return the words and marks of a text."""
    return _TOKEN.findall(text)


def join(words: Sequence[str]) -> str:
    """Return words and marks as running text."""
    text = " ".join(word for word in words if word)
    return re.sub(r"\s+([,.;:!?)%])", r"\1", text.replace("( ", "("))


def tagged(text: str) -> tuple[Token, ...]:
    """Return the words and marks of a text with the parts of speech that fit together best.

    Raises:
        MissingResourceError: WordNet 3.0 can be had from nowhere.
    """
    words = _compounds(split(text))
    best: dict[str, tuple[float, tuple[Token, ...]]] = {"U": (0.0, ())}
    for word in words:
        following: dict[str, tuple[float, tuple[Token, ...]]] = {}
        for tag, lemma, penn, cost in _readings(word):
            total, path = min(
                (
                    (spent + _COST[before, tag] + _disagreement(made, penn), made)
                    for before, (spent, made) in best.items()
                ),
                key=lambda one: one[0],
            )
            if tag not in following or total + cost < following[tag][0]:
                following[tag] = (total + cost, (*path, Token(word, tag, lemma, penn)))
        best = following
    return min(((spent + _COST[tag, "U"], path) for tag, (spent, path) in best.items()), key=lambda o: o[0])[
        1
    ]


def _disagreement(made: tuple[Token, ...], penn: str) -> float:
    """Return the cost of a verb's number beside the noun before it: "note stand" is hardly a sentence."""
    before = made[-1].penn if made else ""
    if penn == "VBP":
        return 2.5 if before == "NN" and made[-1].lemma != "people" else 0.0 if before == "NNS" else 0.7
    return 1.5 if penn == "VBZ" and before == "NNS" else 0.0


def _compounds(words: list[str]) -> list[str]:
    """Join neighbours that WordNet lists as one noun: teddy bear, parking meters."""
    joined: list[str] = []
    place = 0
    while place < len(words):
        length = next((n for n in (3, 2) if _compound(tuple(words[place : place + n]), n)), 1)
        joined.append(" ".join(words[place : place + length]))
        place += length
    return joined


@lru_cache(maxsize=65_536)
def _compound(words: tuple[str, ...], length: int) -> str:
    """Return the lemma of a noun of several words, or ""."""
    if len(words) < length or not all(word[0].isalpha() for word in words):
        return ""
    if any(word.lower() in FUNCTION_WORDS for word in words) or words[0].lower() in _FREE_ADJECTIVES:
        return ""
    found = load_wordnet().lexicon.base_forms("_".join(words).lower(), "n")
    return found[0].replace("_", " ") if found else ""


@lru_cache(maxsize=65_536)
def _readings(word: str) -> tuple[Reading, ...]:
    low = word.lower()
    if not word[0].isalnum():
        return (("U", word, "", 0.0),)
    if " " in low:
        lemma = _compound(tuple(word.split(" ")), low.count(" ") + 1)
        return (("N", lemma, "NN" if lemma == low else "NNS", 0.0),)
    if low in FUNCTION_WORDS:
        return ((FUNCTION_WORDS[low], low, "", 0.0),)
    if low[0].isdigit():
        return (("M", low, "", 0.0),)
    if low.endswith(("'s", "s'")):
        return (("J", low, "", 0.0),)  # a possessive stands where an adjective could
    known = readings(low)
    if not known:
        return (("N", low, "NN", 0.0), ("J", low, "JJ", 2.5))
    weights = {(lemma, pos): _used(lemma, pos) for lemma, pos, _ in known}
    most = sum(weights.values())
    return tuple(
        (
            _TAG_OF[penn],
            lemma,
            penn,
            # captions are in the present tense: "dressed" is a participle, "rose" a flower
            -0.7 * math.log(weights[lemma, pos] / most)
            + 2.0 * (penn == "VBD")
            + 2.0 * (penn == "VBG" and low in _THINGS),
        )
        for lemma, pos, penn in known
    )


@lru_cache(maxsize=65_536)
def _used(lemma: str, pos: Pos) -> float:
    """Return how often a lemma was tagged in WordNet's texts, with something for the unseen."""
    counts = load_wordnet().sense_counts(lemma, pos)
    return float(counts.sum()) + (0.5 if len(counts) else 0.05)
