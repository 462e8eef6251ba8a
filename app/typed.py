"""What a visitor types, checked before anything is computed with it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lexclip_core.errors import InputError
from lexclip_core.words import normalise

if TYPE_CHECKING:
    from lexclip_core.towers.tower import Tower

MAX_LENGTH, MAX_QUERY = 100, 300
UNWRITTEN = ("\U00013000", "\U00013001")
"""Two hieroglyphs: a tokenizer that cannot tell them apart has one token for all that it does not know."""


def read_word(text: str | None, *, name: str = "word") -> str:
    """Return what was typed as a normalised word or short phrase.

    Raises:
        InputError: Nothing was typed, it is longer than `MAX_LENGTH`, or no letter or digit is in it.
    """
    typed = (text or "").strip()
    if len(typed) > MAX_LENGTH:
        shown = typed[:20].rstrip()
        raise InputError(
            f"The {name} “{shown}…” has {len(typed):,} characters.",
            f"Type a word or a short phrase of at most {MAX_LENGTH} characters.",
        )
    word = normalise(unicodedata.normalize("NFKC", typed))  # fullwidth letters and ligatures are letters too
    if not word:
        raise InputError(f"The {name} is empty.", "Type a word, such as happy.")
    if not any(character.isalnum() for character in word):
        raise InputError(f"“{word}” has no letter or digit in it.", "Type a word, such as happy.")
    return word


def read_pair(first: str | None, second: str | None) -> tuple[str, str]:
    """Return two different words.

    Raises:
        InputError: As `read_word`, or both are the same word.
    """
    word_a, word_b = read_word(first, name="first word"), read_word(second, name="second word")
    if word_a == word_b:
        raise InputError(
            f"Both boxes hold “{word_a}”: a word has cosine 1 with itself, before and after.",
            "Type two different words.",
        )
    return word_a, word_b


def read_query(text: str | None, name: str = "query") -> str:
    """Return what was typed as a sentence, spaces folded, letters as typed.

    Raises:
        InputError: Nothing was typed, it is longer than `MAX_QUERY`, or no letter or digit is in it.
    """
    query = " ".join((text or "").split())
    remedy = "Type a sentence, such as: a dog to the left of a tree."
    if not query:
        raise InputError(f"The {name} is empty.", remedy)
    if len(query) > MAX_QUERY:
        shown = query[:20].rstrip()
        raise InputError(
            f"The {name} “{shown}…” has {len(query):,} characters.", f"Type at most {MAX_QUERY} characters."
        )
    if not any(character.isalnum() for character in query):
        raise InputError(f"The {name} “{query}” has no letter or digit in it.", remedy)
    return query


def refuse_unknown(tower: Tower, words: Iterable[str]) -> None:
    """Refuse words of which the tower's tokenizer knows no piece.

    Raises:
        InputError: There is such a word.
    """
    for word in words:
        first, second = (" ".join(letter for _ in word.split()) for letter in UNWRITTEN)
        nothing, unknown, other, found = tower.tokens(["", first, second, word])
        if found == nothing or found == unknown == other:
            raise InputError(
                f"The tower’s tokenizer has no piece for “{word}”: it cannot tell it from other such words.",
                "Type a word in the Latin alphabet.",
            )
