"""What of a model's reply is the paraphrase."""

from __future__ import annotations

import re

_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb"}
_LABEL = re.compile(r"^\s*(?:paraphrase[d]?(?:\s+(?:caption|text))?|caption|answer)\s*:\s*", re.IGNORECASE)


def spoken(reply: str) -> str:
    """Return a reply on one line, without a label before it and quotation marks around it; "" for nothing.

    Half a surrogate pair, which no file could hold, becomes a question mark.
    """
    text = " ".join(reply.encode("utf-8", "replace").decode().split())
    text = _LABEL.sub("", text)
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    return text
