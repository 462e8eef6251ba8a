"""What a visitor types, checked before anything is computed with it."""

from __future__ import annotations

from lexclip_core.errors import InputError
from lexclip_core.words import normalise

MAX_LENGTH = 100


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
    word = normalise(typed)
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
