"""The line layouts in which word-similarity sets are published."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

Layout = Literal["pairs", "simlex", "simverb", "men_lemma", "semicolon", "combined"]

_POS = {"N": "n", "V": "v", "A": "a", "J": "a", "R": "r"}


class Row(NamedTuple):
    """One scored pair as its file states it; `pos` is n, v, a, r or "" where the layout has none."""

    word_a: str
    word_b: str
    score: float
    pos: str = ""
    relation: str = ""


def _pairs(line: str) -> Row:
    """Word, word, score, parted by tabs or spaces (MEN's natural form, WordSim's goldstandard files)."""
    word_a, word_b, score = line.split("\t") if "\t" in line else line.split()
    return Row(word_a.strip(), word_b.strip(), float(score))


def _simlex(line: str) -> Row:
    """Ten tab-separated columns, of which the first four are words, part of speech, and mean score."""
    word_a, word_b, pos, score, *_ = line.split("\t")
    return Row(word_a, word_b, float(score), _POS[pos])


def _simverb(line: str) -> Row:
    """Words, part of speech, mean score, WordNet relation."""
    word_a, word_b, pos, score, relation = line.split("\t")
    return Row(word_a, word_b, float(score), _POS[pos], relation.strip().lower())


def _men_lemma(line: str) -> Row:
    """Lemmas tagged `-n`, `-v` or `-j`; the pair's `pos` has two letters where the tags differ."""
    tagged_a, tagged_b, score = line.split()
    (word_a, pos_a), (word_b, pos_b) = (tagged.rsplit("-", 1) for tagged in (tagged_a, tagged_b))
    letters = _POS[pos_a.upper()], _POS[pos_b.upper()]
    return Row(word_a, word_b, float(score), "".join(dict.fromkeys(letters)))


def _semicolon(line: str) -> Row:
    word_a, word_b, score = line.split(";")
    return Row(word_a.strip(), word_b.strip(), float(score))


def _combined(line: str) -> Row:
    """WordSim-353's own table: words, mean, and in some copies each annotator's score."""
    word_a, word_b, score, *_ = line.split("\t")
    return Row(word_a, word_b, float(score))


# Layout -> (has a header line, reader of one line).
LAYOUTS: dict[str, tuple[bool, Callable[[str], Row]]] = {
    "pairs": (False, _pairs),
    "simlex": (True, _simlex),
    "simverb": (False, _simverb),
    "men_lemma": (False, _men_lemma),
    "semicolon": (False, _semicolon),
    "combined": (True, _combined),
}
