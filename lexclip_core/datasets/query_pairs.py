"""Pairs of queries that ask for the same picture in other words: the test of paraphrased retrieval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lexclip_core.datasets.cards import CARDS, whole_source
from lexclip_core.datasets.text_files import damaged, read_table
from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.words import shown

_COLUMNS = ("query", "paraphrase", "image")
_SEPARATORS = {".tsv": "\t", ".csv": ",", ".jsonl": ""}


@dataclass(frozen=True)
class QueryPairs:
    """Two phrasings of each intent.

    Args:
        name: Name of the set.
        queries_a: The original queries, (n,).
        queries_b: Their paraphrases, (n,).
        images: Name of the picture that both ask for, (n,); "" where unknown.
        kinds: How the paraphrase was made, (n,); "" where unknown.
    """

    name: str
    queries_a: tuple[str, ...]
    queries_b: tuple[str, ...]
    images: tuple[str, ...]
    kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        lengths = [len(part) for part in (self.queries_a, self.queries_b, self.images, self.kinds)]
        if len(set(lengths)) > 1 or not lengths[0]:
            raise InputError(
                f"{self.name}: {lengths} queries, paraphrases, images and kinds do not pair",
                "give one of each per pair",
            )

    def __len__(self) -> int:
        return len(self.queries_a)

    def places(self, names: Sequence[str]) -> np.ndarray:
        """Return the place of each wanted picture among names, (n,) int64; -1 where it is not among them."""
        known = {name: place for place, name in enumerate(names)}
        return np.array([known.get(image, -1) for image in self.images], dtype=np.int64)

    def intents(self) -> np.ndarray:
        """Return a number for each intent, (n,) int64: pairs that ask for one picture have the same."""
        numbers: dict[str, int] = {}
        keys = [image or f"\0{place}" for place, image in enumerate(self.images)]
        return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def read(path: Path) -> QueryPairs:
    """Read query pairs from a table: CSV, TSV or JSON lines with the columns query, paraphrase and image.

    The columns `image` and `kind` may be absent.

    Args:
        path: The file, `.csv`, `.tsv` or `.jsonl`.

    Raises:
        InputError: The file is of another kind.
        MissingResourceError: It is not there.
        DamagedFileError: A column is missing, or a row lacks a query.
    """
    if path.suffix not in _SEPARATORS:
        raise InputError(f"{path.name} is not a table of query pairs", "give a .csv, .tsv or .jsonl file")
    remedy = f"write a table in UTF-8 with the columns {', '.join(_COLUMNS)}"
    if not path.is_file():
        raise MissingResourceError(f"{path} is not there", remedy)
    table = read_table(path, _COLUMNS[:2], remedy=remedy, separator=_SEPARATORS[path.suffix])
    texts = {
        column: tuple(table[column].fillna("").astype(str).str.strip())
        if column in table.columns
        else ("",) * len(table)
        for column in (*_COLUMNS, "kind")
    }
    for place, (one, other) in enumerate(zip(texts["query"], texts["paraphrase"], strict=True)):
        if not (one and other):
            given = f"it has {shown(one)} and {shown(other)}"
            raise damaged(f"{path}: row {place + 1} lacks a query, {given}", "fill it in")
    return QueryPairs(path.stem, texts["query"], texts["paraphrase"], texts["image"], texts["kind"])


SOURCES = tuple(whole_source(card, read, "pairs") for card in CARDS["queries"].values())
