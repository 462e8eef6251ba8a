"""Morphy: from an inflected form to the base forms that a word list holds.

Source: WordNet 3.0 reference manual, morphy(7WN), with the order and the suffixes of NLTK 3.10.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

#: Suffix -> replacement, in the order they are tried; adverbs have none.
DETACHMENTS: dict[str, tuple[tuple[str, str], ...]] = {
    "n": (
        ("s", ""),
        ("ses", "s"),
        ("ves", "f"),
        ("xes", "x"),
        ("zes", "z"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("men", "man"),
        ("ies", "y"),
    ),
    "v": (
        ("s", ""),
        ("ies", "y"),
        ("es", "e"),
        ("es", ""),
        ("ed", "e"),
        ("ed", ""),
        ("ing", "e"),
        ("ing", ""),
    ),
    "a": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "r": (),
}


def base_forms(
    form: str, pos: str, *, known: Container[str], exceptions: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    """Return the known words that a form may stand for, the form itself first if known.

    A form on the exception list is looked up there alone; the suffix rules are applied once, never twice.

    Args:
        form: Lower case, spaces as underscores.
        pos: "n", "v", "a" or "r".
        known: The words of that part of speech.
        exceptions: Irregular form -> base forms, of that part of speech.
    """
    candidates = exceptions.get(form)
    if candidates is None:
        candidates = tuple(
            form[: len(form) - len(suffix)] + replacement
            for suffix, replacement in DETACHMENTS[pos]
            if form.endswith(suffix)
        )
    return tuple(dict.fromkeys(word for word in (form, *candidates) if word in known))
