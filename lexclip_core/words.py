"""Word lists and class names: read, normalise, and say what was dropped and why."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lexclip_core.errors import InputError, LexclipError
from lexclip_core.text_files import lone_surrogate, read_lines

Comparison = Literal["normalised", "as_spelt"]

_SEPARATORS = re.compile(r"[\s_\-]+")
_SHOWN = 60
# Control, format, separators, and marks that stand on another character.
_UNSEEN = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"))
_INVISIBLE = "\u115f\u1160\u2800\u3164\uffa0"  # fillers and the empty Braille cell, letters by their category
_AN = re.compile(
    r"(?!uni(?!n|m)|use|usu|uku|ut[ei]|eu|ewe|one\b|once)[aeiou]|hour|heir|hono|x-ray\b|[flmnrsx]\b"
)


@dataclass(frozen=True)
class Dropped:
    """A text that was left out, as it was given, and why."""

    text: str
    reason: str


@dataclass(frozen=True)
class WordList:
    """Normalised words, each once, in the order given, and what was left out."""

    words: tuple[str, ...]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True)
class UniqueSubset:
    """Class -> its words as given, the name first, no word in two classes; and the classes left out."""

    classes: dict[str, tuple[str, ...]]
    dropped: tuple[Dropped, ...]


def normalise(text: str) -> str:
    """Return the form that words are compared by: case folded, `_` and `-` as spaces, single spaces.

    >>> normalise("Eiffel_Tower"), normalise("hen-of-the-woods")
    ('eiffel tower', 'hen of the woods')
    """
    return as_spelt(text.casefold())


def as_spelt(text: str) -> str:
    """Return a text with `_` and `-` as single spaces and its capitals as they are.

    >>> as_spelt("Eiffel_Tower")
    'Eiffel Tower'
    """
    return text if text.isalpha() else _SEPARATORS.sub(" ", text).strip()  # most are one word


_FORMS: dict[str, Callable[[str], str]] = {"normalised": normalise, "as_spelt": as_spelt}


def is_invisible(text: str) -> bool:
    r"""Return whether a text has nothing to see: it is empty, or of spaces and zero-width characters alone.

    >>> is_invisible("\u200b\u2060"), is_invisible("\N{DOG FACE}")
    (True, False)
    """
    return all(character in _INVISIBLE or unicodedata.category(character) in _UNSEEN for character in text)


def form_of(comparison: Comparison) -> Callable[[str], str]:
    """Return the function whose values are equal where two words count as one.

    Raises:
        InputError: An unknown comparison.

    >>> form_of("normalised")("Ice-Cream")
    'ice cream'
    """
    if comparison not in _FORMS:
        raise InputError(
            f"unknown comparison {comparison!r}", f"choose one of {', '.join(get_args(Comparison))}"
        )
    return _FORMS[comparison]


def shown(text: str) -> str:
    """Return a text as an error message quotes it: with quotation marks, long ones cut.

    >>> shown("dog"), shown("x" * 10_000)[-22:]
    ("'dog'", '.. (10,000 characters)')
    """
    if len(text) <= _SHOWN:
        return repr(text)
    return f"{text[:_SHOWN]!r}... ({len(text):,} characters)"


def read_words(source: Path | Iterable[str], *, max_length: int = 200) -> WordList:
    """Return the words of a text file (UTF-8, one per line) or of an iterable, normalised.

    Args:
        source: The file, or the words themselves.
        max_length: Longest word that is taken, in characters after normalising.

    Raises:
        InputError: The file cannot be read, a word is not text or holds half of a surrogate pair, or no word
            is left.

    >>> read_words(["Dog", "ice-cream", "dog"])
    WordList(words=('dog', 'ice cream'), dropped=(Dropped(text='dog', reason="duplicate of 'Dog'"),))
    """
    if isinstance(source, str):
        raise InputError(
            f"one text was given where a list of words belongs: {shown(source)}",
            "put the words in a list, or give a file as a pathlib.Path",
        )
    texts = _lines(source) if isinstance(source, Path) else source
    words: dict[str, str] = {}
    dropped: list[Dropped] = []
    for text in texts:
        if not isinstance(text, str):
            raise InputError(
                f"{text!r} is not a word but of type {type(text).__name__}", "give every word as a str"
            )
        if half := lone_surrogate(text):
            raise InputError(f"the word {shown(text)} holds {half}, half of a character", "type it as UTF-8")
        word = normalise(text)
        reason = _reason_to_drop(word, words, max_length)
        if reason:
            dropped.append(Dropped(text, reason))
        else:
            words[word] = text
    if not words:
        raise InputError(_nothing_left(source, dropped), "give at least one word")
    return WordList(tuple(words), tuple(dropped))


def unique_subset(
    classes: Mapping[str, Iterable[str]], *, comparison: Comparison = "normalised"
) -> UniqueSubset:
    """Return the classes, taken greedily in order, whose words occur in no class taken before.

    A word that a class lists twice counts once. A class of one word is left out: it has nothing to be
    replaced by. A class with one word in use is left out whole, and the words it does not share stay free.
    This is the subset rule of the lexical experiments, whose released code compares as spelt and leaves
    doubles in (claims D15, D16).

    Args:
        classes: Class (any key) -> its name, then its alternatives (synonyms, level-1 hypernyms).
        comparison: `normalised`: a name with other capitals is the same word; `as_spelt`: it is another.

    Raises:
        InputError: The comparison is unknown.

    >>> unique_subset({"n1": ["pitcher", "ewer"], "n2": ["jug", "EWER"]}).classes
    {'n1': ('pitcher', 'ewer')}
    """
    form = form_of(comparison)
    taken: dict[str, tuple[str, ...]] = {}
    dropped: list[Dropped] = []
    owner: dict[str, str] = {}
    for key, texts in classes.items():
        entry: dict[str, str] = {}
        for text in texts:
            entry.setdefault(form(text), text)
        entry.pop("", None)
        shared = next((word for word in entry if word in owner), None)
        if len(entry) < 2:
            dropped.append(Dropped(key, "no other word than its name"))
        elif shared is not None:
            dropped.append(Dropped(key, f"{shared!r} is already a word of {owner[shared]}"))
        else:
            owner.update(dict.fromkeys(entry, key))
            taken[key] = tuple(entry.values())
    return UniqueSubset(taken, tuple(dropped))


def _lines(path: Path) -> list[str]:
    try:
        return read_lines(path, missing="name a text file with one word per line")
    except LexclipError as error:
        raise InputError(error.problem, error.remedy) from error


def _reason_to_drop(word: str, words: Mapping[str, str], max_length: int) -> str | None:
    if not word:
        return "empty"
    if is_invisible(word):
        return "nothing to see: zero-width characters alone"
    if len(word) > max_length:
        return f"{len(word):,} characters, more than {max_length:,}"
    if word in words:
        return f"duplicate of {shown(words[word])}"
    return None


def _nothing_left(source: Path | Iterable[str], dropped: list[Dropped]) -> str:
    where = f"{source}" if isinstance(source, Path) else "the list"
    if not dropped:
        return f"{where} has no words"
    first = f"{shown(dropped[0].text)}: {dropped[0].reason}"
    return f"{where} has no usable word ({len(dropped):,} dropped, the first {first})"


def article(following: str) -> str:
    """Return "a" or "an", by the sound of the text that follows.

    >>> article("unicorn"), article("hourglass")
    ('a', 'an')
    """
    return "an" if _AN.match(following.casefold()) else "a"


def with_article(name: str) -> str:
    """Return a name after "a" or "an", by its sound.

    Args:
        name: A countable noun, with its adjectives before it.

    >>> with_article("old hourglass")
    'an old hourglass'
    """
    return f"{article(name)} {name}"
