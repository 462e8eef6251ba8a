"""What the rules know about English: lists of words, costs of tags, substitutes, patterns of noise.

All of it is chosen by hand and stands in `data/paraphrase/`, where it can be read and changed: `english.toml`
has the lists, costs and patterns, `everyday.tsv` substitutes for single words, `phrases.tsv` those for
phrases. It is read once, when it is first asked for.

>>> load_english().function_words["under"], load_english().everyday["couch", "n"]
('I', ('sofa',))
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

from lexclip_core import storage
from lexclip_core.datasets.text_files import read_lines, read_toml

When = Literal["always", "still", "end", "participle", "object", "person", "thing", "plural"]
"""Where a phrase may give way to another.

always: wherever it stands. still: in a sentence without a verb but be: there "over" is not a way. end: not
before a noun or "of". participle: where its first word is an -ing form. object: with an object as well.
person, thing: with a person or animal before it as well, or none. plural: before a plural, without a
determiner.
"""

_RESTORE = "restore data/paraphrase from the repository"


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
    phrases = (Phrase(tuple(old.split()), _listed(new), when) for when, old, new in _rows("phrases.tsv"))  # type: ignore[arg-type]
    return English(
        function_words=MappingProxyType({word: tag for tag, words in tags.items() for word in words.split()}),
        tag_costs=MappingProxyType(dict(_costs(costs))),
        words=MappingProxyType(
            {name: frozenset(words.split()) for table in tables.values() for name, words in table.items()}
        ),
        everyday=MappingProxyType(
            {(word, pos): _listed(others) for word, pos, others in _rows("everyday.tsv")}
        ),
        phrases=tuple(sorted(phrases, key=lambda phrase: -len(phrase.words))),
        patterns=MappingProxyType({name: _pattern(name, patterns) for name in patterns}),
    )


def _rows(name: str) -> Iterator[list[str]]:
    lines = read_lines(storage.data_folder() / "paraphrase" / name, missing=_RESTORE)
    return (line.split("\t") for line in lines[1:])


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(cell.split(", "))


def _costs(table: str) -> Iterator[tuple[tuple[str, str], float]]:
    columns, *rows = (line.split() for line in table.strip().splitlines())
    for before, *costs in rows:
        yield from (((before, after), float(cost)) for after, cost in zip(columns, costs, strict=True))


def _pattern(name: str, patterns: Mapping[str, Any]) -> re.Pattern[str]:
    text = re.sub(r"\{([a-z]+)\}", lambda match: "".join(patterns[match[1]]), "".join(patterns[name]))
    return re.compile(text)
