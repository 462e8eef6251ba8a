"""Forms of words: from a form to its lemmas, from a lemma to the form wanted, and a or an."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import lemminflect

Pos = Literal["n", "v", "a", "r"]

_UNIVERSAL: dict[str, Pos] = {"NOUN": "n", "VERB": "v", "ADJ": "a", "ADV": "r"}
_FORMS_OF = {
    "n": ("NN", "NNS"),
    "v": ("VB", "VBZ", "VBP", "VBG", "VBD", "VBN"),
    "a": ("JJ", "JJR", "JJS"),
    "r": ("RB", "RBR", "RBS"),
}


@lru_cache(maxsize=65_536)
def readings(form: str) -> tuple[tuple[str, Pos, str], ...]:
    """Return the (lemma, part of speech, Penn tag) that a lower-case form may have; none for unknown words.

    Parts of speech are n, v, a and r. The dictionary alone is asked: no form is guessed.
    """
    found: dict[tuple[str, Pos, str], None] = {}
    for universal, lemmas in lemminflect.getAllLemmas(form).items():
        pos = _UNIVERSAL.get(universal)
        if pos is None:
            continue
        for lemma in lemmas:
            for tag, forms in lemminflect.getAllInflections(lemma, universal).items():
                # "dog" as a plural (of game) is rare, and of "sheep" what stands around tells the number
                if form in forms and tag in _FORMS_OF[pos] and not (tag == "NNS" and form == lemma):
                    found[lemma, pos, tag] = None
            if (lemma, pos, "VBD") in found and not lemminflect.getAllInflections(lemma, "VERB").get("VBN"):
                found[lemma, pos, "VBN"] = None  # the dictionary lists a participle only where it differs
    return tuple(found)


def _regular_plural(noun: str) -> str:
    if noun.endswith("s"):
        return noun  # trousers; a noun in s that is no plural is in the dictionary
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(?:x|z|ch|sh)$", noun) else f"{noun}s"


@lru_cache(maxsize=65_536)
def inflect(word: str, tag: str) -> str | None:
    """Return a word or phrase in the form of a Penn tag, or None where the dictionary has no such form.

    A noun that the dictionary lacks gets a regular plural. Of a noun phrase the last word changes (light
    bulbs), of a verb phrase the first (looking at).
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
    """Say whether the dictionary has a plural of a noun that differs from it."""
    plural = inflect(noun, "NNS")
    return plural is not None and plural != noun
