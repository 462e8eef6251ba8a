"""Word pairs scored by people: SimLex-999, SimVerb-3500, MEN, RG-65, WordSim-353, in official layouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from lexclip_core.datasets.card import Card
from lexclip_core.datasets.word_similarity_cards import CARDS, FILES
from lexclip_core.datasets.word_similarity_layouts import LAYOUTS, Layout, Row
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

_AGAIN = "get the official file again: it may have been cut short or edited"


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


def card(name: str) -> Card:
    """Return what is known about one set: source, licence, size, file names.

    Raises:
        InputError: There is no set of that name.
    """
    if name not in CARDS:
        raise InputError(f"no word-similarity set is called {name!r}", f"choose from {', '.join(CARDS)}")
    return CARDS[name]


def find(name: str, folder: Path) -> Path | None:
    """Return the set's file in a folder, or None where none of its official names is there."""
    return next((folder / file for file in card(name).files if (folder / file).is_file()), None)


def available(folder: Path) -> tuple[str, ...]:
    """Return the names of the sets that a folder holds, in the order of `CARDS`."""
    return tuple(name for name in CARDS if find(name, folder))


def read(name: str, folder: Path) -> WordPairs:
    """Read one complete set from a folder that holds its official file.

    Raises:
        InputError: There is no set of that name.
        MissingResourceError: The folder, or the file in it, is not there.
        DamagedFileError: A line cannot be read, or the number of rows is not the set's.
    """
    described = card(name)
    path = find(name, folder)
    if path is None:
        first = folder / described.files[0] if folder.is_dir() else folder
        raise MissingResourceError(
            f"{described.title}: {first} is not there",
            f"get it from {described.source} and put it into {folder} under one of the names "
            f"{', '.join(described.files)}; no copy of it on the hub is known for certain",
        )
    layout = FILES[name][path.relative_to(folder).as_posix()]
    pairs = read_file(path, layout, name=name)
    if len(pairs) != described.rows:
        raise DamagedFileError(
            f"{path}: {len(pairs):,} rows where {described.title} has {described.rows:,}",
            f"get it again from {described.source}, or read a part of it with read_file(path, {layout!r})",
        )
    return pairs


def read_file(path: Path, layout: Layout, *, name: str = "") -> WordPairs:
    """Read the scored pairs of one file, however many, in the layout named.

    Raises:
        InputError: The layout is unknown.
        MissingResourceError: The file is not there.
        DamagedFileError: A line cannot be read; the message has its number.
    """
    if layout not in LAYOUTS:
        raise InputError(f"unknown layout {layout!r}", f"choose from {', '.join(get_args(Layout))}")
    if not path.is_file():
        raise MissingResourceError(f"{path} is not there", "name a file of scored word pairs")
    has_header, parse = LAYOUTS[layout]
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise DamagedFileError(f"{path} is not UTF-8 text: {error}", _AGAIN) from error
    rows = [
        _parsed(path, number, line, parse)
        for number, line in enumerate(lines, start=1)
        if line.strip() and not (has_header and number == 1)
    ]
    if not rows:
        raise DamagedFileError(f"{path}: no pairs in it", _AGAIN)
    words_a, words_b, scores, pos, relations = zip(*rows, strict=True)
    return WordPairs(name or path.stem, words_a, words_b, np.array(scores, np.float64), pos, relations, path)


def _parsed(path: Path, number: int, line: str, parse: Callable[[str], Row]) -> Row:
    place = f"{path}, line {number}: {line[:80]!r}"
    try:
        row = parse(line)
    except (ValueError, KeyError) as error:
        raise DamagedFileError(f"{place} is not a scored pair ({error})", _AGAIN) from error
    if not (row.word_a and row.word_b and np.isfinite(row.score)):
        raise DamagedFileError(f"{place} lacks a word or a score", _AGAIN)
    return row
