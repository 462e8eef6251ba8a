"""Paraphrase records: a picture, its caption and the caption's two paraphrases, as JSON lines or parquet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.words import shown

#: Fewest and most words of a caption that the released script of ParaCLIP sends to be paraphrased.
RELEASED_WORDS = (2, 15)

#: Names that other tools give to our fields.
_OTHER_NAMES = {"image": ("image_id", "image_path", "filename")}
_ROWS = 8192


@dataclass(frozen=True, slots=True)
class ParaphraseRecord:
    """One caption with what was made of it.

    Attributes:
        image: The picture's id or path; "" where there is none.
        caption: The caption as it was found, x_T of the paper.
        paraphrase_1: Made from the caption, x_T'.
        paraphrase_2: Made from the first paraphrase, x_T''.

    Raises:
        InputError: A value is no text, or a text other than the image is blank.
    """

    image: str
    caption: str
    paraphrase_1: str
    paraphrase_2: str

    def __post_init__(self) -> None:
        for name in FIELDS:
            text = getattr(self, name)
            if not isinstance(text, str):
                raise InputError(f"{name} is {text!r}, which is no text", "give every field as a str")
            if not text.strip() and name != "image":
                raise InputError(f"{name} is blank", "leave the record out, or make its paraphrase again")


FIELDS: tuple[str, ...] = tuple(field.name for field in fields(ParaphraseRecord))
_SCHEMA = pa.schema([pa.field(name, pa.string(), nullable=False) for name in FIELDS])


def has_words(text: str, words: tuple[int, int] = RELEASED_WORDS) -> bool:
    """Say whether a text has at least `words[0]` and at most `words[1]` words, parted by white space.

    Raises:
        InputError: The bounds are not 1 <= fewest <= most.
    """
    fewest, most = words
    if not 1 <= fewest <= most:
        raise InputError(f"the bounds are {fewest} to {most} words", "give 1 <= fewest <= most")
    return fewest <= len(text.split()) <= most


def filter_by_words(
    records: Iterable[ParaphraseRecord], words: tuple[int, int] = RELEASED_WORDS
) -> Iterator[ParaphraseRecord]:
    """Yield the records whose caption has at least `words[0]` and at most `words[1]` words.

    Raises:
        InputError: As in `has_words`.
    """
    return (record for record in records if has_words(record.caption, words))


def write_records(path: Path, records: Iterable[ParaphraseRecord]) -> int:
    """Write records to a `.jsonl` or `.parquet` file, whole or not at all, and return how many.

    Raises:
        InputError: The name ends in neither.
        StorageError: The file cannot be written.
    """
    write = _layout(path, _WRITERS)
    with storage.atomic_write(path) as temporary:
        return write(temporary, iter(records))


def iterate_records(path: Path) -> Iterator[ParaphraseRecord]:
    """Yield the records of a `.jsonl` or `.parquet` file in order, some thousands in memory at a time.

    Other keys and columns are passed over; `image_id`, `image_path` and `filename` also name the picture.

    Raises:
        InputError: The name ends in neither, or the file cannot be read.
        DamagedFileError: A line is no record; the message names the file and the line (the row in parquet).
    """
    read = _layout(path, _READERS)
    if not path.is_file():
        raise InputError(f"no file {path}", "check the path")
    return read(path)


def read_records(path: Path) -> tuple[ParaphraseRecord, ...]:
    """Return all records of a file; see `iterate_records`.

    Raises:
        InputError: As in `iterate_records`, or the file holds no record.
        DamagedFileError: As in `iterate_records`.
    """
    records = tuple(iterate_records(path))
    if not records:
        raise InputError(f"{path} holds no records", "give a file with at least one")
    return records


def _layout(path: Path, known: dict[str, Callable[..., Any]]) -> Callable[..., Any]:
    if path.suffix not in known:
        raise InputError(f"{path.name} is no file of records", f"name a file ending in {' or '.join(known)}")
    return known[path.suffix]


def _record(row: Any, place: str) -> ParaphraseRecord:
    if not isinstance(row, dict):
        raise DamagedFileError(f"{place} holds no object but {shown(str(row))}", "see docs/paraphrases.md")
    values = {name: _value(row, name) for name in FIELDS}
    missing = [name for name, value in values.items() if value is None and name != "image"]
    if missing:
        raise DamagedFileError(f"{place} has no {', '.join(missing)}", f"a record has {', '.join(FIELDS)}")
    image = values["image"]
    values["image"] = "" if image is None else str(image) if isinstance(image, int) else image
    try:
        return ParaphraseRecord(**values)
    except InputError as error:
        raise DamagedFileError(f"{place}: {error.problem}", error.remedy) from error


def _value(row: dict[str, Any], name: str) -> Any:
    found = (row[key] for key in (name, *_OTHER_NAMES.get(name, ())) if row.get(key) is not None)
    return next(found, None)


def _write_jsonl(path: Path, records: Iterator[ParaphraseRecord]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        for count, record in enumerate(records, start=1):  # noqa: B007
            stream.write(json.dumps(asdict(record), ensure_ascii=False) + "\n")
    return count


def _read_jsonl(path: Path) -> Iterator[ParaphraseRecord]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            place = f"{path}, line {number:,}"
            try:
                row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError as error:
                raise DamagedFileError(f"{place} is no UTF-8: {error}", "save the file as UTF-8") from error
            except json.JSONDecodeError as error:
                remedy = "cut the line off if the file was written only in part"
                raise DamagedFileError(f"{place} is no JSON: {error}", remedy) from error
            yield _record(row, place)


def _write_parquet(path: Path, records: Iterator[ParaphraseRecord]) -> int:
    count = 0
    with pq.ParquetWriter(path, _SCHEMA, compression="zstd") as writer:
        while rows := [asdict(record) for record in islice(records, _ROWS)]:
            writer.write_table(pa.Table.from_pylist(rows, schema=_SCHEMA))
            count += len(rows)
    return count


def _read_parquet(path: Path) -> Iterator[ParaphraseRecord]:
    number = 0
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            names = {name for field in FIELDS for name in (field, *_OTHER_NAMES.get(field, ()))}
            wanted = [name for name in file.schema_arrow.names if name in names]
            for batch in file.iter_batches(_ROWS, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield _record(row, f"{path}, row {number:,}")
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(f"{path} is no parquet file: {error}", "write it anew") from error


_WRITERS = {".jsonl": _write_jsonl, ".parquet": _write_parquet}
_READERS = {".jsonl": _read_jsonl, ".parquet": _read_parquet}
