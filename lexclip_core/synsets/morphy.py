"""Morphy: from an inflected form to the base forms that a word list holds.

Source: WordNet 3.0 reference manual, morphy(7WN), with the order and the suffixes of NLTK 3.10.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Literal

Detachment = Literal["once", "until_known"]

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
    form: str,
    pos: str,
    *,
    known: Container[str],
    exceptions: Mapping[str, tuple[str, ...]],
    detach: Detachment = "once",
) -> tuple[str, ...]:
    """Return the known words that a form may stand for, the form itself first if known.

    A form on the exception list is looked up there alone.

    Args:
        form: Lower case, spaces as underscores.
        pos: "n", "v", "a" or "r".
        known: The words of that part of speech.
        exceptions: Irregular form -> base forms, of that part of speech.
        detach: Take off one suffix (NLTK 3.10), or go on until a known word is found (NLTK 3.8).
    """
    irregular = exceptions.get(form)
    candidates = _without_suffix((form,), pos) if irregular is None else irregular
    found = _known((form, *candidates), known)
    if detach == "until_known" and irregular is None:
        while candidates and not found:
            candidates = _without_suffix(candidates, pos)
            found = _known(candidates, known)
    return found


def _without_suffix(forms: Iterable[str], pos: str) -> tuple[str, ...]:
    return tuple(
        form[: len(form) - len(suffix)] + replacement
        for form in forms
        for suffix, replacement in DETACHMENTS[pos]
        if form.endswith(suffix)
    )


def _known(forms: Iterable[str], known: Container[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(form for form in forms if form in known))
