"""Word lists: read, normalise, and say what was dropped and why."""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"[\s_\-]+")
_SHOWN = 60


def normalise(text: str) -> str:
    """Return the form that words are compared by: case folded, `_` and `-` as spaces, single spaces."""
    return _SEPARATORS.sub(" ", text.casefold()).strip()


def shown(text: str) -> str:
    """Return a text as an error message quotes it: with quotation marks, long ones cut."""
    if len(text) <= _SHOWN:
        return repr(text)
    return f"{text[:_SHOWN]!r}... ({len(text):,} characters)"
