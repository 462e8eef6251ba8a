"""Pairs of queries that ask for the same picture in other words: the test of paraphrased retrieval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lexclip_core.datasets.card import Card
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.words import shown

CARD = Card(
    name="paraphrased-retrieval",
    title="Paraphrased retrieval on COCO",
    rows=4155,
    scale="no scores: two queries and the file of the picture that both ask for",
    reference="Cheng et al. (2024); used by ParaCLIP with the pictures of COCO 2017 val",
    source="the authors of the paper; no public copy is known for certain",
    licence="unknown; COCO's captions are CC BY 4.0",
    files=("paraphrased_retrieval.tsv",),
    warning="it measures: tune nothing on it",
)

_COLUMNS = ("query", "paraphrase", "image")
_SEPARATORS = {".tsv": "\t", ".csv": ","}


@dataclass(frozen=True)
class QueryPairs:
    """Two phrasings of each wish.

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
            raise InputError(f"{self.name}: {lengths} queries, paraphrases, images and kinds do not pair")

    def __len__(self) -> int:
        return len(self.queries_a)

    def places(self, names: Sequence[str]) -> np.ndarray:
        """Return the place of each wanted picture among names, (n,) int64; -1 where it is not among them."""
        found = {name: place for place, name in enumerate(names)}
        return np.array([found.get(image, -1) for image in self.images], dtype=np.int64)

    def wishes(self) -> np.ndarray:
        """Return a number for each wish, (n,) int64: pairs that ask for one picture have the same."""
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
    if path.suffix not in (*_SEPARATORS, ".jsonl"):
        raise InputError(f"{path.name} is no table of query pairs", "give a .csv, .tsv or .jsonl file")
    if not path.is_file():
        raise MissingResourceError(
            f"{path} is not there", f"write a table with the columns {', '.join(_COLUMNS)}"
        )
    try:
        table = _table(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise DamagedFileError(f"{path} cannot be read: {error}", "write it again as UTF-8") from error
    missing = [column for column in _COLUMNS[:2] if column not in table.columns]
    if missing:
        raise DamagedFileError(
            f"{path}: column {missing[0]!r} is missing; it has {list(table.columns)}",
            f"name the columns {', '.join(_COLUMNS)}",
        )
    texts = {
        column: tuple(table[column].fillna("").astype(str).str.strip())
        if column in table.columns
        else ("",) * len(table)
        for column in (*_COLUMNS, "kind")
    }
    for place, (one, other) in enumerate(zip(texts["query"], texts["paraphrase"], strict=True)):
        if not (one and other):
            raise DamagedFileError(
                f"{path}: row {place + 1} lacks a query, it has {shown(one)} and {shown(other)}", "fill it in"
            )
    return QueryPairs(path.stem, texts["query"], texts["paraphrase"], texts["image"], texts["kind"])


def _table(path: Path) -> pd.DataFrame:
    if path.suffix == ".jsonl":
        return pd.read_json(path, lines=True, dtype=False)
    return pd.read_csv(path, sep=_SEPARATORS[path.suffix], dtype=str, keep_default_na=False)
