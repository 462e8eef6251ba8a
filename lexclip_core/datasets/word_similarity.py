"""Word pairs scored by people: SimLex-999, SimVerb-3500, MEN, RG-65, WordSim-353, in official layouts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from lexclip_core.datasets import cards
from lexclip_core.datasets.cards import entry_of, whole_source
from lexclip_core.text_files import damaged, first_file, read_lines

Layout = Literal["pairs", "simlex", "simverb", "men_lemma", "semicolon", "combined"]

CARDS = cards.CARDS["words"]
_POS = {"N": "n", "V": "v", "A": "a", "J": "a", "R": "r"}


class Row(NamedTuple):
    """One scored pair as its file states it; `pos` is n, v, a, r or "" where the layout has none."""

    word_a: str
    word_b: str
    score: float
    pos: str = ""
    relation: str = ""


LAYOUTS: dict[str, tuple[bool, str]] = {
    "pairs": (False, "a b score"),
    "simlex": (True, "a b pos score *"),
    "simverb": (False, "a b pos score relation"),
    "men_lemma": (False, "a b score"),
    "semicolon": (False, "a b score"),
    "combined": (True, "a b score *"),
}
"""Layout -> whether it has a header line, and its columns; more may follow where "*" stands.

`pairs` is MEN's natural form and WordSim's goldstandard files, `combined` WordSim-353's own table, which has
each annotator's score in some copies. Cells are separated by tabs, or by spaces where there is no tab; of
`semicolon`, by semicolons. Lemmas of `men_lemma` are tagged `-n`, `-v` or `-j`, and `pos` has two letters
where the tags differ.
"""


def _row(line: str, layout: Layout) -> Row:
    separator = ";" if layout == "semicolon" else "\t" if "\t" in line else " "
    cells = [cell.strip() for cell in line.split(separator) if separator != " " or cell.strip()]
    columns = LAYOUTS[layout][1].split()
    if len(cells) != len(columns) and ("*" not in columns or len(cells) < len(columns) - 1):
        raise ValueError(f"{len(cells)} cells")
    cell = dict(zip(columns, cells, strict=False))
    words, pos = (cell["a"], cell["b"]), _POS[cell["pos"]] if "pos" in cell else ""
    if layout == "men_lemma":
        tagged = [word.rsplit("-", 1) for word in words]
        words = tagged[0][0], tagged[1][0]
        pos = "".join(dict.fromkeys(_POS[tag.upper()] for _, tag in tagged))
    return Row(*words, float(cell["score"]), pos, cell.get("relation", "").lower())


@dataclass(frozen=True)
class WordPairs:
    """Scored word pairs, spelt as their file spells them.

    Args:
        name: Name of the set, as in `CARDS`, or the file's own name.
        words_a: First words, (n,).
        words_b: Second words, (n,).
        scores: What people said, (n,) float64 on the set's own scale: higher is more similar or more related.
        pos: Part of speech of each pair: n, v, a, r, two letters where the words differ, "" where not stated.
        relations: SimVerb's relation labels in lower case, "" elsewhere.
        path: The file that was read.
    """

    name: str
    words_a: tuple[str, ...]
    words_b: tuple[str, ...]
    scores: np.ndarray
    pos: tuple[str, ...]
    relations: tuple[str, ...]
    path: Path

    def __len__(self) -> int:
        return len(self.words_a)

    @property
    def words(self) -> tuple[str, ...]:
        """Return every word once: first the first words, then what the second ones add."""
        return tuple(dict.fromkeys(self.words_a + self.words_b))


def available(folder: Path) -> tuple[str, ...]:
    """Return the names of the sets that a folder holds, in the order of `CARDS`."""
    return tuple(name for name, card in CARDS.items() if first_file(folder, card.files))


def read(name: str, folder: Path) -> WordPairs:
    """Read one complete set from a folder that holds its official file.

    Raises:
        InputError: There is no set of that name.
        MissingResourceError: The folder, or the file in it, is not there.
        DamagedFileError: A line cannot be read, or the number of rows is not the set's.
    """
    card = entry_of(CARDS, name, "word-similarity set")
    path = first_file(folder, card.files)
    if path is None:
        first = folder / card.files[0] if folder.is_dir() else folder
        names = f"{', '.join(card.files)}; no copy of it on the hub is known for certain"
        raise card.missing(
            first, f"get it from {card.source} and put it into {folder} under one of the names {names}"
        )
    layout = card.details["layouts"][path.relative_to(folder).as_posix()]
    pairs = read_file(path, layout, name=name)
    if len(pairs) != card.rows:
        remedy = f"get it again from {card.source}, or read a part of it with read_file(path, {layout!r})"
        raise damaged(f"{path}: {len(pairs):,} rows where {card.title} has {card.rows:,}", remedy)
    return pairs


def read_file(path: Path, layout: Layout, *, name: str = "") -> WordPairs:
    """Read the scored pairs of one file, however many, in the layout named.

    Raises:
        InputError: The layout is unknown.
        MissingResourceError: The file is not there.
        DamagedFileError: A line cannot be read; the message has its number.
    """
    has_header, _ = entry_of(LAYOUTS, layout, "layout")
    rows = [
        _parsed(path, number, line, layout)
        for number, line in enumerate(read_lines(path, missing="name a file of scored word pairs"), start=1)
        if line.strip() and not (has_header and number == 1)
    ]
    if not rows:
        raise damaged(f"{path}: no pairs in it")
    words_a, words_b, scores, pos, relations = zip(*rows, strict=True)
    return WordPairs(name or path.stem, words_a, words_b, np.array(scores, np.float64), pos, relations, path)


SOURCES = tuple(whole_source(card, partial(read, name), "pairs") for name, card in CARDS.items())


def _parsed(path: Path, number: int, line: str, layout: Layout) -> Row:
    place = f"{path}, line {number}: {line[:80]!r}"
    try:
        row = _row(line, layout)
    except (ValueError, KeyError) as error:
        raise damaged(f"{place} is not a scored pair ({error})") from error
    if not (row.word_a and row.word_b and np.isfinite(row.score)):
        raise damaged(f"{place} lacks a word or a score")
    return row
