"""Finding a word: completion while one types, and the dictionary's column around a word."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

import layout
import streamlit as st

from lexclip_core.wordnet.tables import load_wordnet

AROUND = 9  # words of the dictionary before and after the word
MOST = 12_000  # words that completion offers


def complete(label: str, words: Sequence[str]) -> None:
    """Let the browser complete what is typed into the box of that label.

    Args:
        label: What the box is called.
        words: The words that are offered, the likeliest first.
    """
    script = (layout.ASSETS / "complete.js").read_text(encoding="utf-8")
    offered = json.dumps(list(words[:MOST])).replace("<", "\\u003c")  # nothing can end the script
    st.html(
        f"<script>{script.replace('LABEL', json.dumps(label)).replace('WORDS', offered)}</script>",
        unsafe_allow_javascript=True,
    )


def draw_column(word: str) -> None:
    """Draw the words that stand around a word in the dictionary, each with a link to its page."""
    before, after = around(word)
    layout.words_line("Before it in the dictionary: ", before)
    layout.words_line("After it: ", after)


def around(word: str, count: int = AROUND) -> tuple[list[str], list[str]]:
    """Return the words of WordNet before a word, and those after it, by the alphabet."""
    words = _alphabetical()
    place = bisect_left(words, word)
    after = place + (place < len(words) and words[place] == word)
    return list(words[max(0, place - count) : place]), list(words[after : after + count])


@lru_cache(maxsize=1)
def _alphabetical() -> tuple[str, ...]:
    return tuple(sorted(one for one in load_wordnet().words() if one[:1].isalpha()))
