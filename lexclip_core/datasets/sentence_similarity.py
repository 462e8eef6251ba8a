"""Sentence pairs scored by people: STS12 to STS16, STS-B, SICK-R, in official layouts or from the hub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from lexclip_core.datasets import cards
from lexclip_core.datasets.cards import Card, entry_of, whole_source
from lexclip_core.errors import MissingResourceError
from lexclip_core.text_files import damaged, first_file, read_lines, table_rows

_Row = tuple[str, str, float, str]

CARDS = cards.CARDS["sentences"]
SEVEN = ("sts12", "sts13", "sts14", "sts15", "sts16", "sts-b", "sick-r")
"""The seven that papers average (claim P11); sts-b-dev is for choosing, not for reporting."""
TABLE = "all_pairs.tsv"

_HUB_FORMATS = (".jsonl.gz", ".jsonl", ".parquet")
_WHOLE = "unpack the whole task: every subset has two files"


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

    def chosen(self, places: np.ndarray) -> SentencePairs:
        """Return the pairs at some places, (m,) int64."""
        one, other, subsets = (
            tuple(column[place] for place in places.tolist())
            for column in (self.sentences_a, self.sentences_b, self.subsets)
        )
        return replace(self, sentences_a=one, sentences_b=other, scores=self.scores[places], subsets=subsets)


def available(folder: Path) -> tuple[str, ...]:
    """Return the names of the tasks that a folder holds, in any layout, in the order of `CARDS`."""
    return tuple(
        name for name, card in CARDS.items() if (folder / TABLE).is_file() or _official(card, folder)
    )


def read(name: str, folder: Path | None = None) -> SentencePairs:
    r"""Read one complete task from a folder, or from the hub where no folder is named.

    Layouts, in the order in which they are looked for:

    - SemEval years as SentEval lays them out: `STS12-en-test/STS.input.MSRpar.txt` (two sentences, a tab
      between them) next to `STS.gs.MSRpar.txt` (a score per line; an empty line is a pair nobody scored and
      is left out);
    - `STSBenchmark/sts-test.csv` (tab-separated, no header: genre, file, year, id, score, two sentences);
    - `SICK/SICK_test_annotated.txt` (tab-separated with a header);
    - one table of all tasks, `all_pairs.tsv`, tab-separated and never quoted, with the columns
      `task subset line score s1_raw s2_raw s1_tok s2_tok`, tasks called STS12 .. STS16, STS-B-dev,
      STS-B-test, SICK-R-test.

    Args:
        name: Name of the task, as in `CARDS`.
        folder: Folder that holds one of the layouts; None asks the hub (pinned revision), or its cache.

    Raises:
        InputError: Unknown task.
        MissingResourceError: The file, or the hub, is not there; the message has the first wrong path.
        DamagedFileError: A line cannot be read, or the number of pairs is not the task's.
    """
    card = entry_of(CARDS, name, "sentence-similarity task")
    path, rows = _hub_rows(card) if folder is None else _folder_rows(card, folder)
    if len(rows) != card.rows:
        counts = f"{len(rows):,} pairs where {card.title} has {card.rows:,}"
        raise damaged(f"{path}: {counts}", f"get it again from {card.source}")
    sentences_a, sentences_b, scores, subsets = zip(*rows, strict=True)
    return SentencePairs(name, sentences_a, sentences_b, np.array(scores, np.float64), subsets, path)


SOURCES = tuple(whole_source(card, partial(read, name), "pairs") for name, card in CARDS.items())


def _official(card: Card, folder: Path) -> Path | None:
    """Return the folder of a SemEval year, or the file of another task, in its official layout; or None."""
    names = [Path(file).name for file in card.files]
    places = card.details["folders"]
    if len(names) == 1:
        return first_file(folder, [f"{place}/{names[0]}" for place in places])
    return next((folder / place for place in places if (folder / place).is_dir()), None)


def _folder_rows(card: Card, folder: Path) -> tuple[Path, list[_Row]]:
    path, table = _official(card, folder), folder / TABLE
    if path is not None:
        return path, list(_READERS.get(path.name, _semeval_rows)(path, card))
    if table.is_file():
        return table, list(_single_table_rows(table, card))
    first = folder / card.files[0] if folder.is_dir() else folder
    hub = f", or name no folder to fetch {card.hub} from the hub" if card.hub else ""
    layouts = f"{card.files[0]}, or as the single table {TABLE}{hub}"
    raise card.missing(first, f"get it from {card.source} and lay it out as {layouts}")


def _row(place: str, sentences: tuple[str, str], score: str, subset: str) -> _Row:
    first, second = (sentence.strip() for sentence in sentences)
    try:
        value = float(score)
    except ValueError as error:
        raise damaged(f"{place}: {score[:40]!r} is not a score") from error
    if not (first and second and np.isfinite(value)):
        raise damaged(f"{place} lacks a sentence or a score")
    return first, second, value, subset


def _semeval_rows(folder: Path, card: Card) -> Iterator[_Row]:
    names = [Path(file).name for file in card.files]
    for path, gold in zip(
        (folder / name for name in names[::2]), (folder / name for name in names[1::2]), strict=True
    ):
        subset = path.name.removeprefix("STS.input.").removesuffix(".txt")
        lines, scores = read_lines(path, missing=_WHOLE), read_lines(gold, missing=_WHOLE)
        scores += [""] * (len(lines) - len(scores))  # trailing unscored pairs
        if len(lines) != len(scores):
            raise damaged(f"{gold}: {len(scores)} scores for {len(lines)} pairs of {path.name}")
        for number, (line, score) in enumerate(zip(lines, scores, strict=True), start=1):
            if score.strip():
                place, cells = f"{path}, line {number:,}", line.split("\t")
                if len(cells) < 2:
                    raise damaged(f"{place}: no tab between two sentences")
                yield _row(place, (cells[0], cells[1]), score.strip(), subset)


def _benchmark_rows(path: Path, card: Card) -> Iterator[_Row]:
    # Some copies have the two sentences' sources at the end, which the official file does not name.
    for number, line in enumerate(read_lines(path), start=1):
        place, cells = f"{path}, line {number:,}", line.split("\t")
        if not 7 <= len(cells) <= 9:
            raise damaged(f"{place}: {len(cells)} cells where {card.title} has 7 to 9")
        genre, file, _year, _id, score, first, second = cells[:7]
        yield _row(place, (first, second), score, f"{genre}/{file}")


def _sick_rows(path: Path, _card: Card) -> Iterator[_Row]:
    columns = ("sentence_A", "sentence_B", "relatedness_score", "entailment_judgment")
    for line, row in table_rows(path, columns):
        first, second, score, judgement = (row[column] for column in columns)
        yield _row(f"{path}, line {line:,}", (first, second), score, judgement)


_READERS: dict[str, Callable[[Path, Card], Iterator[_Row]]] = {
    "sts-test.csv": _benchmark_rows,
    "sts-dev.csv": _benchmark_rows,
    "SICK_test_annotated.txt": _sick_rows,
}


def _single_table_rows(path: Path, card: Card) -> Iterator[_Row]:
    for line, row in table_rows(path, ("task", "subset", "score", "s1_raw", "s2_raw")):
        if row["task"] == card.details["table_name"]:
            yield _row(f"{path}, line {line:,}", (row["s1_raw"], row["s2_raw"]), row["score"], row["subset"])


def _hub_rows(card: Card) -> tuple[Path, list[_Row]]:
    """Return a task's split from the hub, downloading it where it is not in the hub's cache."""
    # The hub client is slow to import and only needed here.
    import huggingface_hub

    instead = f"get it from {card.source} and name its folder; it is read as {card.files[0]}"
    if not card.hub:
        raise MissingResourceError(f"{card.title} has no copy on the hub that fits ({card.warning})", instead)
    split, revision = card.details["hub_split"], card.details["revision"]
    try:
        folder = huggingface_hub.snapshot_download(
            card.hub, repo_type="dataset", revision=revision, allow_patterns=[f"*{split}*"]
        )
    except Exception as error:  # the client lets through whatever its HTTP library raises, by version
        problem = f"{card.title}: {card.hub} is neither in the hub's cache nor within reach"
        problem = f"{problem} ({type(error).__name__})"
        raise MissingResourceError(problem, f"go online once, or {instead}") from error
    files = sorted(path for path in Path(folder).rglob(f"{split}*") if path.name.endswith(_HUB_FORMATS))
    if not files:
        wanted = f"{split} split of {card.hub} in {', '.join(_HUB_FORMATS)}"
        raise damaged(f"{folder} holds no {wanted}", "delete that folder and fetch again")
    columns = ("sentence1", "sentence2", "score")
    return files[0], [
        _row(f"{files[0]}, line {line:,}", (row["sentence1"], row["sentence2"]), row["score"], "")
        for line, row in table_rows(files[0], columns)
    ]
