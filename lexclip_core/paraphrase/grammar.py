"""What the rules know about English: its word lists, and forms and parts of speech of a caption's words.

The lists, costs of tags, substitutes and patterns of noise are chosen by hand and stand in
`data/paraphrase/`, where they can be read and changed: `english.toml` has the lists, costs and patterns,
`everyday.tsv` substitutes for single words, `phrases.tsv` those for phrases. They are read once.

Forms are the dictionary's. Parts of speech come from its readings, WordNet's counts and what may follow what:
no trained model is asked. It is made for captions, which are short, in the present tense, and about what can
be seen.

>>> "".join(token.tag for token in tagged("a man watches a woman play"))
'DNVDNN'
>>> load_english().function_words["under"], load_english().everyday["couch", "n"]
('I', ('sofa',))
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, Literal

import lemminflect

from lexclip_core import storage
from lexclip_core.text_files import RESTORE, read_toml, table_rows
from lexclip_core.wordnet.lexicon import WordPos
from lexclip_core.wordnet.tables import load_wordnet

When = Literal["always", "still", "end", "participle", "object", "person", "thing", "plural"]
"""Where a phrase may give way to another.

always: wherever it stands. still: in a sentence without a verb but be: there "over" is not a way. end: not
before a noun or "of". participle: where its first word is an -ing form. object: with an object as well.
person, thing: with a person or animal before it as well, or none. plural: before a plural, without a
determiner.
"""


@dataclass(frozen=True)
class Phrase:
    """Words that others may stand for."""

    words: tuple[str, ...]
    others: tuple[str, ...]
    when: When


@dataclass(frozen=True, repr=False)
class English:
    """The tables.

    Attributes:
        function_words: Lower-case word -> tag: D determiner, M quantity, I preposition or particle, O
            pronoun, C conjunction, X auxiliary, R adverb, T "to" before a verb or a place.
        tag_costs: (tag before, tag) -> cost in nats.
        words: Name of a list in `english.toml` -> its words.
        everyday: (lemma, part of speech) -> substitutes, base forms, each of which may stand for the lemma in
            a caption without changing what the picture shows.
        phrases: The longest first.
        patterns: Name -> a pattern of noise.
    """

    function_words: Mapping[str, str]
    tag_costs: Mapping[tuple[str, str], float]
    words: Mapping[str, frozenset[str]]
    everyday: Mapping[tuple[str, str], tuple[str, ...]]
    phrases: tuple[Phrase, ...]
    patterns: Mapping[str, re.Pattern[str]]

    @property
    def unchanged(self) -> frozenset[str]:
        """The words for which there is no substitute: colours, half function words, misleading ones."""
        return self.words["colours"] | self.words["half_function_words"] | self.words["misleading"]


@cache
def load_english() -> English:
    """Return the tables.

    Raises:
        MissingResourceError: A file of `data/paraphrase` is not there.
        DamagedFileError: A file is damaged.
    """
    tables = read_toml(storage.data_folder() / "paraphrase" / "english.toml")
    tags = tables.pop("function_words")
    costs, patterns = tables["tagging"].pop("costs"), tables.pop("cleaning")
    phrases = (
        Phrase(tuple(old.split()), _listed(new), when)  # type: ignore[arg-type]
        for when, old, new in _rows("phrases.tsv", "when", "phrase", "substitutes")
    )
    everyday = _rows("everyday.tsv", "word", "pos", "substitutes")
    return English(
        function_words=MappingProxyType({word: tag for tag, words in tags.items() for word in words.split()}),
        tag_costs=MappingProxyType(dict(_costs(costs))),
        words=MappingProxyType(
            {name: frozenset(words.split()) for table in tables.values() for name, words in table.items()}
        ),
        everyday=MappingProxyType({(word, pos): _listed(others) for word, pos, others in everyday}),
        phrases=tuple(sorted(phrases, key=lambda phrase: -len(phrase.words))),
        patterns=MappingProxyType({name: _pattern(name, patterns) for name in patterns}),
    )


def _rows(name: str, *columns: str) -> Iterator[list[str]]:
    path = storage.data_folder() / "paraphrase" / name
    return ([row[column] for column in columns] for _, row in table_rows(path, columns, remedy=RESTORE))


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(", "))


def _costs(table: str) -> Iterator[tuple[tuple[str, str], float]]:
    columns, *rows = (line.split() for line in table.strip().splitlines())
    for before, *costs in rows:
        yield from (((before, after), float(cost)) for after, cost in zip(columns, costs, strict=True))


def _pattern(name: str, patterns: Mapping[str, Any]) -> re.Pattern[str]:
    text = re.sub(r"\{([a-z]+)\}", lambda match: "".join(patterns[match[1]]), "".join(patterns[name]))
    return re.compile(text)


# --- forms and parts of speech ---

_UNIVERSAL: dict[str, WordPos] = {"NOUN": "n", "VERB": "v", "ADJ": "a", "ADV": "r"}
_FORMS_OF = {
    "n": ("NN", "NNS"),
    "v": ("VB", "VBZ", "VBP", "VBG", "VBD", "VBN"),
    "a": ("JJ", "JJR", "JJS"),
    "r": ("RB", "RBR", "RBS"),
}


@lru_cache(maxsize=65_536)
def readings(form: str) -> tuple[tuple[str, WordPos, str], ...]:
    """Return the (lemma, part of speech, Penn tag) that a lower-case form may have; none for unknown words.

    Parts of speech are n, v, a and r. The dictionary alone is asked: no form is guessed.

    >>> readings("leaves")
    (('leave', 'n', 'NNS'), ('leaf', 'n', 'NNS'), ('leave', 'v', 'VBZ'))
    """
    known: dict[tuple[str, WordPos, str], None] = {}
    for universal, lemmas in lemminflect.getAllLemmas(form).items():
        pos = _UNIVERSAL.get(universal)
        if pos is None:
            continue
        for lemma in lemmas:
            for tag, forms in lemminflect.getAllInflections(lemma, universal).items():
                # "dog" as a plural (of game) is rare, and of "sheep" what stands around tells the number
                if form in forms and tag in _FORMS_OF[pos] and not (tag == "NNS" and form == lemma):
                    known[lemma, pos, tag] = None
            if (lemma, pos, "VBD") in known and not lemminflect.getAllInflections(lemma, "VERB").get("VBN"):
                known[lemma, pos, "VBN"] = None  # the dictionary lists a participle only where it differs
    return tuple(known)


def _regular_plural(noun: str) -> str:
    if noun.endswith("s"):
        return noun  # trousers; a noun in s that is not a plural is in the dictionary
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(?:x|z|ch|sh)$", noun) else f"{noun}s"


@lru_cache(maxsize=65_536)
def inflect(word: str, tag: str) -> str | None:
    """Return a word or phrase in the form of a Penn tag, or None where the dictionary has no such form.

    A noun that the dictionary lacks gets a regular plural. Of a noun phrase the last word changes (light
    bulbs), of a verb phrase the first (looking at).

    >>> inflect("light bulb", "NNS"), inflect("look at", "VBG")
    ('light bulbs', 'looking at')
    """
    if tag in ("NN", "VB", "VBP", "JJ", "RB"):
        return word
    parts = word.split(" ")
    place = 0 if tag.startswith("V") else len(parts) - 1
    if tag in ("JJR", "JJS") and len(parts) > 1:
        return None
    universal = {"N": "NOUN", "V": "VERB", "J": "ADJ", "R": "ADV"}[tag[0]]
    known = lemminflect.getAllInflections(parts[place], universal)
    forms = known.get(tag) or (known.get("VBD") if tag == "VBN" else None)
    if not forms and tag == "NNS" and not known:
        forms = (_regular_plural(parts[place]),)
    if not forms:
        return None
    parts[place] = forms[0]
    return " ".join(parts)


def has_plural(noun: str) -> bool:
    """Return whether the dictionary has a plural of a noun that differs from it."""
    plural = inflect(noun, "NNS")
    return plural is not None and plural != noun


_TOKEN = re.compile(r"\w+(?:['.\-]\w+)*|[^\w\s]")

# Tags of open classes: N noun, J adjective, R adverb, V finite verb, B infinitive, G -ing, P participle.
_TAG_OF = {
    **dict.fromkeys(("NN", "NNS"), "N"),
    **dict.fromkeys(("JJ", "JJR", "JJS"), "J"),
    **dict.fromkeys(("RB", "RBR", "RBS"), "R"),
    **dict.fromkeys(("VBZ", "VBP", "VBD"), "V"),
    **{"VB": "B", "VBG": "G", "VBN": "P"},
}


@dataclass(frozen=True, slots=True)
class Token:
    """One word or mark of a caption.

    Attributes:
        text: As it is written.
        tag: One letter: of `English.function_words`, or of `_TAG_OF`; U for a mark.
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
    """Return the words and marks of a text.

    >>> split("a man's T-shirt, red.")
    ['a', "man's", 'T-shirt', ',', 'red', '.']
    """
    return _TOKEN.findall(text)


def join(words: Sequence[str]) -> str:
    """Return words and marks as running text.

    >>> join(["a", "dog", ",", "a", "cat"])
    'a dog, a cat'
    """
    text = " ".join(word for word in words if word)
    return re.sub(r"\s+([,.;:!?)%])", r"\1", text.replace("( ", "("))


def tagged(text: str) -> tuple[Token, ...]:
    """Return the words and marks of a text with the parts of speech that fit together best.

    Raises:
        MissingResourceError: WordNet 3.0 can be had from nowhere.
    """
    words, costs = _compounds(split(text)), load_english().tag_costs
    best: dict[str, tuple[float, tuple[Token, ...]]] = {"U": (0.0, ())}
    for word in words:
        following: dict[str, tuple[float, tuple[Token, ...]]] = {}
        for tag, lemma, penn, cost in _readings(word):
            total, path = min(
                (
                    (spent + costs[before, tag] + _disagreement(made, penn), made)
                    for before, (spent, made) in best.items()
                ),
                key=lambda one: one[0],
            )
            if tag not in following or total + cost < following[tag][0]:
                following[tag] = (total + cost, (*path, Token(word, tag, lemma, penn)))
        best = following
    ends = ((spent + costs[tag, "U"], path) for tag, (spent, path) in best.items())
    return min(ends, key=lambda one: one[0])[1]


def _disagreement(made: tuple[Token, ...], penn: str) -> float:
    """Return the cost of a verb's number after a noun: "note stand" is hardly a sentence."""
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
    tables = load_english()
    lows = [word.lower() for word in words]
    if any(low in tables.function_words for low in lows) or lows[0] in tables.words["free_adjectives"]:
        return ""
    forms = load_wordnet().lexicon.base_forms("_".join(lows), "n")
    return forms[0].replace("_", " ") if forms else ""


@lru_cache(maxsize=65_536)
def _readings(word: str) -> tuple[Reading, ...]:
    low, tables = word.lower(), load_english()
    if not word[0].isalnum():
        return (("U", word, "", 0.0),)
    if " " in low:
        lemma = _compound(tuple(word.split(" ")), low.count(" ") + 1)
        return (("N", lemma, "NN" if lemma == low else "NNS", 0.0),)
    if low in tables.function_words:
        return ((tables.function_words[low], low, "", 0.0),)
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
            + 2.0 * (penn == "VBG" and low in tables.words["things"]),
        )
        for lemma, pos, penn in known
    )


@lru_cache(maxsize=65_536)
def _used(lemma: str, pos: WordPos) -> float:
    """Return how often a lemma was tagged in WordNet's texts, with something for the unseen."""
    counts = load_wordnet().sense_counts(lemma, pos)
    return float(counts.sum()) + (0.5 if len(counts) else 0.05)
