"""Sentence pairs scored by people: STS12 to STS16, STS-B, SICK-R, in official layouts or from the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from lexclip_core.datasets.card import Card
from lexclip_core.datasets.sts_cards import CARDS, SEVEN, TASKS, Task
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

__all__ = ["CARDS", "SEVEN", "SentencePairs", "Text", "available", "card", "read"]

Text = Literal["raw", "tokenised"]
Row = tuple[str, str, float, str]

TABLE = "all_pairs.tsv"

_AGAIN = "get the official file again: it may have been cut short or edited"
_TABLE_COLUMNS = {"raw": ("s1_raw", "s2_raw"), "tokenised": ("s1_tok", "s2_tok")}


@dataclass(frozen=True)
class SentencePairs:
    """Scored sentence pairs of one task.

    Args:
        name: Name of the task, as in `CARDS`.
        sentences_a: First sentences, (n,).
        sentences_b: Second sentences, (n,).
        scores: What people said, (n,) float64: higher is more alike.
        subsets: The part each pair is from: a SemEval subset, an STS-B genre and file, a SICK judgement.
        path: The folder or file that was read.
    """

    name: str
    sentences_a: tuple[str, ...]
    sentences_b: tuple[str, ...]
    scores: np.ndarray
    subsets: tuple[str, ...]
    path: Path

    def __len__(self) -> int:
        return len(self.sentences_a)


def card(name: str) -> Card:
    """Return what is known about one task: source, licence, size, file names.

    Raises:
        InputError: There is no task of that name.
    """
    if name not in CARDS:
        raise InputError(f"no sentence-similarity task is called {name!r}", f"choose from {', '.join(CARDS)}")
    return CARDS[name]


def available(folder: Path) -> tuple[str, ...]:
    """Return the names of the tasks that a folder holds, in any layout, in the order of `CARDS`."""
    return tuple(name for name in CARDS if (folder / TABLE).is_file() or _official(name, folder))


def read(name: str, folder: Path | None = None, *, text: Text = "raw") -> SentencePairs:
    r"""Read one complete task from a folder, or from the hub where no folder is named.

    Layouts, in the order in which they are looked for:

    - SemEval years as SentEval lays them out: `STS12-en-test/STS.input.MSRpar.txt` (two sentences parted by a
      tab) beside `STS.gs.MSRpar.txt` (a score a line; an empty line is a pair nobody scored and is left out);
    - `STSBenchmark/sts-test.csv` (tab-separated, no header: genre, file, year, id, score, two sentences);
    - `SICK/SICK_test_annotated.txt` (tab-separated with a header);
    - one table of all tasks, `all_pairs.tsv`, tab-separated and never quoted, with the columns
      `task subset line score s1_raw s2_raw s1_tok s2_tok`, tasks called STS12 .. STS16, STS-B-dev,
      STS-B-test, SICK-R-test.

    Args:
        name: Name of the task, as in `CARDS`.
        folder: Folder that holds one of the layouts; None asks the hub (pinned revision), or its cache.
        text: Which columns of the single table; the other layouts have raw text only.

    Raises:
        InputError: Unknown task or text.
        MissingResourceError: The file, or the hub, is not there; the message has the first wrong path.
        DamagedFileError: A line cannot be read, or the number of pairs is not the task's.
    """
    described = card(name)
    if text not in get_args(Text):
        raise InputError(f"unknown text {text!r}", f"choose from {', '.join(get_args(Text))}")
    if folder is None:
        # The hub client is slow to import and only needed here.
        from lexclip_core.datasets.sts_hub import fetch

        path = fetch(described, TASKS[name])
        rows = _read_hub(path)
    else:
        path, rows = _read_folder(name, folder, text)
    if len(rows) != described.rows:
        raise DamagedFileError(
            f"{path}: {len(rows):,} pairs where {described.title} has {described.rows:,}",
            f"get it again from {described.source}",
        )
    sentences_a, sentences_b, scores, subsets = zip(*rows, strict=True)
    return SentencePairs(name, sentences_a, sentences_b, np.array(scores, np.float64), subsets, path)


def _official(name: str, folder: Path) -> Path | None:
    """Return the folder or file that holds a task in its official layout, or None."""
    task = TASKS[name]
    places = [folder / place for place in task.folders]
    if task.subsets:
        return next((place for place in places if place.is_dir()), None)
    return next((place / task.file for place in places if (place / task.file).is_file()), None)


def _read_folder(name: str, folder: Path, text: Text) -> tuple[Path, list[Row]]:
    task, path = TASKS[name], _official(name, folder)
    if path is not None:
        return path, list(_READERS[_kind(task)](path, task))
    table = folder / TABLE
    if table.is_file():
        return table, list(_read_table(table, task, text))
    described = card(name)
    first = folder / described.files[0] if folder.is_dir() else folder
    hub = f", or name no folder to fetch {described.hub} from the hub" if described.hub else ""
    raise MissingResourceError(
        f"{described.title}: {first} is not there",
        f"get it from {described.source} and lay it out as {described.files[0]}, "
        f"or as the single table {TABLE}{hub}",
    )


def _kind(task: Task) -> str:
    return "semeval" if task.subsets else task.file


def _lines(path: Path) -> list[str]:
    # Neither splitlines() nor text mode: sentences may hold characters that those take for line ends.
    if not path.is_file():
        raise MissingResourceError(
            f"{path} is not there", "unpack the whole task: every subset has two files"
        )
    try:
        return path.read_bytes().decode("utf-8-sig").rstrip("\n").split("\n")
    except UnicodeDecodeError as error:
        raise DamagedFileError(f"{path} is not UTF-8 text: {error}", _AGAIN) from error


def _row(place: str, sentences: tuple[str, str], score: str, subset: str) -> Row:
    first, second = (sentence.strip() for sentence in sentences)
    try:
        value = float(score)
    except ValueError as error:
        raise DamagedFileError(f"{place}: {score[:40]!r} is not a score", _AGAIN) from error
    if not (first and second and np.isfinite(value)):
        raise DamagedFileError(f"{place} lacks a sentence or a score", _AGAIN)
    return first, second, value, subset


def _cells(path: Path, number: int, line: str, fewest: int) -> list[str]:
    cells = line.rstrip("\r").split("\t")
    if len(cells) < fewest:
        raise DamagedFileError(f"{path}, line {number}: {len(cells)} columns, fewer than {fewest}", _AGAIN)
    return cells


def _read_semeval(folder: Path, task: Task) -> Iterable[Row]:
    for subset in task.subsets:
        path, gold = folder / f"STS.input.{subset}.txt", folder / f"STS.gs.{subset}.txt"
        lines, scores = _lines(path), _lines(gold)
        if len(scores) < len(lines):  # trailing unscored pairs
            scores += [""] * (len(lines) - len(scores))
        if len(lines) != len(scores):
            raise DamagedFileError(
                f"{gold}: {len(scores)} scores for {len(lines)} pairs of {path.name}", _AGAIN
            )
        for number, (line, score) in enumerate(zip(lines, scores, strict=True), start=1):
            if score.strip():
                first, second, *_ = _cells(path, number, line, 2)
                yield _row(f"{path}, line {number}", (first, second), score.strip(), subset)


def _read_benchmark(path: Path, _task: Task) -> Iterable[Row]:
    for number, line in enumerate(_lines(path), start=1):
        genre, file, _year, _id, score, first, second, *_ = _cells(path, number, line, 7)
        yield _row(f"{path}, line {number}", (first, second), score, f"{genre}/{file}")


def _read_sick(path: Path, _task: Task) -> Iterable[Row]:
    for number, line in enumerate(_lines(path)[1:], start=2):
        _id, first, second, score, judgement, *_ = _cells(path, number, line, 5)
        yield _row(f"{path}, line {number}", (first, second), score, judgement)


def _read_table(path: Path, task: Task, text: Text) -> Iterable[Row]:
    lines = _lines(path)
    header = _cells(path, 1, lines[0], 1)
    wanted = ("task", "subset", "score", *_TABLE_COLUMNS[text])
    missing = [column for column in wanted if column not in header]
    if missing:
        raise DamagedFileError(f"{path}: column {missing[0]!r} is missing; it has {header}", _AGAIN)
    places = [header.index(column) for column in wanted]
    for number, line in enumerate(lines[1:], start=2):
        if not line.startswith(f"{task.table_name}\t"):
            continue
        cells = _cells(path, number, line, len(header))
        _name, subset, score, first, second = (cells[place] for place in places)
        yield _row(f"{path}, line {number}", (first, second), score, subset)


def _read_hub(path: Path) -> list[Row]:
    frame = (
        pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_json(path, lines=True, dtype=False)
    )
    missing = [column for column in ("sentence1", "sentence2", "score") if column not in frame.columns]
    if missing:
        raise DamagedFileError(
            f"{path}: column {missing[0]!r} is missing; it has {list(frame.columns)}", _AGAIN
        )
    rows = zip(frame["sentence1"], frame["sentence2"], frame["score"], strict=True)
    return [_row(str(path), (first, second), str(score), "") for first, second, score in rows]


_READERS: dict[str, Callable[[Path, Task], Iterable[Row]]] = {
    "semeval": _read_semeval,
    "sts-test.csv": _read_benchmark,
    "sts-dev.csv": _read_benchmark,
    "SICK_test_annotated.txt": _read_sick,
}
