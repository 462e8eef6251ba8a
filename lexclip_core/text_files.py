"""Text files as other people write them: lines, tables, JSON; what is wrong is named with its file and line.

All tables are read by `table_rows`, whatever separates their cells, and all JSON by `parse_json`. A row is
read as it was written, or refused with its line: none is lost, cut, shifted or turned into numbers.
"""

from __future__ import annotations

import csv
import gzip
import json
import math
import re
import reprlib
import tomllib
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
Columns = Sequence[str] | Mapping[str, Sequence[str]]
"""Names of columns; or name -> the names that it may have in a file, the first of them that is there."""

GET_AGAIN = "get the official file again: it may have been cut short or edited"
RESTORE = "restore it from the repository"
SAVE_AS_UTF8 = "save it as UTF-8, in an editor or with `iconv -f latin1 -t utf-8`"
MOST_DEPTH = 64
"""The deepest nesting of JSON that is read; no format of this field needs ten."""
MOST_BYTES = 2 << 30
"""The largest JSON file that is read; COCO's largest list of captions has 0.1 GB."""

_SURROGATE = re.compile("[\ud800-\udfff]")
# One row of Kaggle's Flickr30k table, the one file of the field with bars, lacks its second bar.
_LOST_BAR = re.compile(r"\s*\d+\s+(?P<text>.+)", re.DOTALL)


def damaged(problem: str, remedy: str = GET_AGAIN) -> DamagedFileError:
    """Return the error of a file that is not as it was published."""
    return DamagedFileError(problem, remedy)


def first_file(folder: Path, names: Iterable[str]) -> Path | None:
    """Return the first of some files that a folder holds, None if it holds none of them."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def lone_surrogate(text: str) -> str:
    r"""Return the first half of a surrogate pair that stands alone in a text; else "". No file can hold one.

    >>> lone_surrogate("a dog \ud83d"), lone_surrogate("a dog \N{DOG FACE}")
    ('\\ud83d', '')
    """
    match = _SURROGATE.search(text)
    return f"\\u{ord(match[0]):04x}" if match else ""


# --- lines ---


def numbered_lines(path: Path, *, missing: str = GET_AGAIN) -> Iterator[tuple[int, str]]:
    r"""Yield the number and text of each line of a UTF-8 file, with its end; a byte-order mark is taken off.

    Lines end with `\n`, or `\r\n`, and with nothing else: texts may hold U+0085, U+2028 and other characters
    that Python takes for line ends.

    Args:
        path: The file; `.gz` is unpacked.
        missing: The remedy where it is not there.

    Raises:
        MissingResourceError: It is not there.
        DamagedFileError: It cannot be read, or a line is not UTF-8.
    """
    if not path.is_file():
        raise MissingResourceError(f"{path} is not there", missing)
    number = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise damaged(f"{path}, line {number:,} is not UTF-8 text: {error}", SAVE_AS_UTF8) from error
    except (OSError, EOFError, zlib.error) as error:
        raise damaged(f"{path} cannot be read: {error}") from error


def read_lines(path: Path, *, missing: str = GET_AGAIN) -> list[str]:
    """Return the lines of a UTF-8 file without their ends, and without empty ones at its end.

    The errors are those of `numbered_lines`.
    """
    lines = [_without_end(line) for _, line in numbered_lines(path, missing=missing)]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _without_end(line: str) -> str:
    return line.removesuffix("\n").removesuffix("\r")


# --- tables ---


def table_rows(
    path: Path,
    columns: Columns,
    *,
    optional: Columns = (),
    headed: bool | None = True,
    remedy: str = GET_AGAIN,
    missing: str = "",
) -> Iterator[tuple[int, dict[str, str]]]:
    r"""Yield the line, from 1 on, and the wanted cells of each row of a table, all of them text.

    Cells are separated by tabs (always in a `.tsv`), bars, semicolons or commas, as the first line shows.
    Between tabs and bars a quotation mark is a character like others, and the last cell may have bars within.
    Between commas and semicolons a cell that begins with a quotation mark ends with one, and may have line
    ends within. In `.jsonl` each line is an object, whose numbers become text, and null an empty one; of
    `.parquet` the line is the row's number. Empty lines are skipped.

    Args:
        path: The file: any text, `.jsonl`, `.jsonl.gz` or `.parquet`.
        columns: Those that it must have; case and spaces around a name do not count. Without a header, all.
        optional: Those that a row has only where the file does.
        headed: Whether the first line has the names; None looks whether it has them.
        remedy: What to do where the table is damaged.
        missing: What to do where it is not there; by default the same.

    Raises:
        MissingResourceError: There is no file.
        DamagedFileError: It cannot be read, columns are missing, a row has more or fewer cells than the
            header, a quoted cell does not end, or a text holds half of a surrogate pair.
    """
    required, others = _names(columns), _names(optional)
    if not path.is_file():
        raise MissingResourceError(f"{path} is not there", missing or remedy)
    parquet = path.suffix == ".parquet"
    if parquet or path.name.endswith((".jsonl", ".jsonl.gz")):
        records = _parquet_rows(path, required, others, remedy) if parquet else _json_rows(path)
        for line, record in records:
            place = f"{path}, {'row' if parquet else 'line'} {line:,}"
            places = _places([*record], required, others, place, remedy)
            yield line, {name: _text(record, keys, place) for name, keys in places.items()}
        return
    rows = _text_rows(path, remedy)
    line, header = next(rows, (0, []))
    if headed is None:
        headed = not _absent(header, required)
    if not headed:
        rows, header = chain([(line, header)] if header else [], rows), [*required]
    chosen = {name: keys[0] for name, keys in _places(header, required, others, str(path), remedy).items()}
    for line, cells in rows:
        if len(cells) != len(header):
            counts = f"{len(cells)} cells where the header has {len(header)}"
            raise damaged(f"{path}, line {line:,}: {counts}", f"mend the line, or {remedy}")
        yield line, {name: cells[place] for name, place in chosen.items()}


def _names(columns: Columns) -> dict[str, Sequence[str]]:
    return dict(columns) if isinstance(columns, Mapping) else {name: (name,) for name in columns}


def _key(name: str) -> str:
    return name.strip().casefold()


def _absent(header: Sequence[str], required: Mapping[str, Sequence[str]]) -> list[str]:
    present = {_key(name) for name in header}
    return [name for name, names in required.items() if present.isdisjoint(map(_key, names))]


def _places(
    header: Sequence[str],
    required: Mapping[str, Sequence[str]],
    optional: Mapping[str, Sequence[str]],
    place: str,
    remedy: str,
) -> dict[str, list[int]]:
    """Return the places of each wanted column in a header, the best name of each column first."""
    absent = _absent(header, required)
    if absent:
        called = [" or ".join(map(repr, required[name])) for name in absent]
        verb = "column {} is missing" if len(absent) == 1 else "columns {} are missing"
        present = ", ".join(name.strip() for name in header) or "none"
        raise damaged(f"{place}: {verb.format(', '.join(called))}; it has {present}", remedy)
    listed = [_key(name) for name in header]
    chosen = {}
    for name, names in {**optional, **required}.items():
        keys = [key for key in map(_key, names) if key in listed]
        if keys and listed.count(keys[0]) > 1:
            raise damaged(f"{place}: column {keys[0]!r} stands twice", "rename one of the two")
        if keys:
            chosen[name] = [listed.index(key) for key in keys]
    return chosen


def _text_rows(path: Path, remedy: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the line and the cells of each row, the header's with it."""
    lines, separator, width = numbered_lines(path), "", 0
    for number, line in lines:
        text = _without_end(line)
        if not text or (width > 1 and not text.strip(" ")):
            continue
        separator = separator or _separator(path, text)
        if separator == "|":
            cells = _mended(text.split("|", width - 1), width)
        elif separator == "\t" or '"' not in text:
            cells = text.split(separator)
        else:
            cells = _quoted_cells(line, separator, lines, f"{path}, line {number:,}", remedy)
        width = width or len(cells)
        yield number, cells


def _separator(path: Path, header: str) -> str:
    if path.suffix == ".tsv":
        return "\t"
    marks = next((mark for mark in "\t|" if mark in header), None)
    return marks or max(",;", key=header.count)


def _mended(cells: list[str], width: int) -> list[str]:
    match = _LOST_BAR.fullmatch(cells[-1]) if len(cells) == width - 1 else None
    return [*cells[:-1], "", match["text"]] if match else cells


def _quoted_cells(
    line: str, separator: str, lines: Iterator[tuple[int, str]], place: str, remedy: str
) -> list[str]:
    """Return the cells of a row of which some may be quoted, and so go on in the lines that follow."""
    csv.field_size_limit(2**31 - 1)
    following = chain([line], (text for _, text in lines))
    try:
        return next(csv.reader(following, delimiter=separator, strict=True))
    except csv.Error as error:
        ended = "unexpected end" in str(error)
        reason = "a quotation mark is never closed" if ended else f"its quotation marks: {error}"
        raise damaged(f"{place}: {reason}", f"write a mark within quotes twice, or {remedy}") from error


def _json_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in numbered_lines(path):
        if line.strip():
            place = f"{path}, line {number:,}"
            record = parse_json(line, place, "cut the line off if the file was written only in part")
            if not isinstance(record, dict):
                problem = f"{place} is {reprlib.repr(record)}, not an object"
                raise damaged(problem, "give each line one object")
            yield number, record


def _parquet_rows(
    path: Path, required: Mapping[str, Sequence[str]], optional: Mapping[str, Sequence[str]], remedy: str
) -> Iterator[tuple[int, dict[str, Any]]]:
    # pyarrow takes long to import and is only needed here.
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            names = file.schema_arrow.names
            places = _places(names, required, optional, str(path), remedy)
            wanted = sorted({place for listed in places.values() for place in listed})
            for batch in file.iter_batches(8192, columns=[names[place] for place in wanted]):
                for record in batch.to_pylist():
                    number += 1
                    yield number, record
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise damaged(f"{path} is not a parquet file: {error}", "write it anew") from error


def _text(record: Mapping[str, Any], places: Sequence[int], where: str) -> str:
    """Return the first value of some keys that is not null, as text."""
    items = list(record.items())
    name, value = next((items[one] for one in places if items[one][1] is not None), ("", ""))
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise damaged(f"{where}: {name} is {reprlib.repr(value)}, which is not text", "write it as a text")
    if isinstance(value, float):  # a table of numbers with a gap in it has floats for ids, and NaN in the gap
        return "" if math.isnan(value) else str(int(value) if value.is_integer() else value)
    return str(value)


# --- JSON and TOML ---


def parse_json(text: str, place: str, remedy: str = GET_AGAIN) -> Any:
    """Return what a JSON text says, within bounds of depth.

    Args:
        text: The text.
        place: What an error calls it: its file, or file and line.
        remedy: What to do where it is damaged.

    Raises:
        DamagedFileError: It is not JSON, is nested more than `MOST_DEPTH` deep, or holds half of a surrogate
            pair, which could not be written again.
    """
    try:
        value, deep = json.loads(text), False
    except RecursionError:
        value, deep = None, True
    except ValueError as error:
        raise damaged(f"{place} is not JSON: {error}", remedy) from error
    level = [value]
    for _ in range(MOST_DEPTH + 1):
        level = [
            child
            for one in level
            for child in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
            if isinstance(child, (dict, list))
        ]
    if deep or level:
        raise damaged(f"{place} is not JSON of this kind: it is nested over {MOST_DEPTH} deep", remedy)
    if "\\ud" in text or "\\uD" in text:
        _refuse_surrogates(value, place, "")
    return value


def _refuse_surrogates(value: Any, place: str, path: str) -> None:
    if isinstance(value, str) and (half := lone_surrogate(value)):
        where = f": {path.lstrip('.')}" if path else ""
        raise damaged(f"{place}{where} holds {half}, half of a character", "write the whole character")
    if isinstance(value, (dict, list)):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            _refuse_surrogates(key, place, path)
            _refuse_surrogates(one, place, f"{path}.{key}")


def read_json(
    path: Path, shape: type[T] | Any = Any, *, remedy: str = GET_AGAIN, default: Any = None
) -> T | Any:
    """Return what a JSON file says, after a look at its shape.

    Args:
        path: The file.
        shape: What it must be, as `check_shape` takes it.
        remedy: What to do where it is not there or damaged.
        default: What to return where there is no file; None refuses.

    Raises:
        MissingResourceError: It is not there, and there is no default.
        DamagedFileError: It cannot be read, is not JSON or of another shape; see `parse_json`.
    """
    if not path.is_file():
        if default is not None:
            return default
        raise MissingResourceError(f"{path} is not there", remedy)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise damaged(f"{path} has more than {MOST_BYTES:,} bytes", remedy)
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise damaged(f"{path} is not JSON: it is not UTF-8 text: {error}", remedy) from error
    except OSError as error:
        raise damaged(f"{path} cannot be read: {error}", remedy) from error
    return check_shape(parse_json(text, str(path), remedy), shape, str(path), remedy)


def check_shape(value: Any, shape: type[T] | Any, place: str, remedy: str = GET_AGAIN) -> T | Any:
    """Return a value of JSON after a look at its shape; keys that the shape does not name are left out.

    Args:
        value: The value.
        shape: A type that pydantic knows, such as a `typing_extensions.TypedDict` or `list[int]`; numbers are
            not texts, nor texts numbers.
        place: What an error calls it.
        remedy: What to do where it has another shape.

    Raises:
        DamagedFileError: It has; the message has the path of the first wrong item, such as `images.0.id`.

    >>> check_shape({"sides": [1, "2"]}, dict[str, list[int]], "shapes.json")
    Traceback (most recent call last):
    lexclip_core.errors.DamagedFileError: shapes.json: sides.1 is '2': Input should be a valid integer
      Remedy: get the official file again: it may have been cut short or edited
    """
    if shape is Any:
        return value
    from pydantic import ValidationError

    try:
        return _adapter(shape).validate_python(value, strict=True)  # type: ignore[arg-type] # types are
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(map(str, first["loc"])) or "the whole"
        given = "missing" if first["type"] == "missing" else reprlib.repr(first["input"])
        raise damaged(f"{place}: {path} is {given}: {first['msg']}", remedy) from error


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(shape)


def read_toml(path: Path, *, remedy: str = "") -> dict[str, Any]:
    """Return the content of a TOML file; of one that ships, its lists as tuples.

    Args:
        path: The file.
        remedy: What to do about a file that its user writes; "" for one that ships.

    Raises:
        MissingResourceError: It is not there.
        DamagedFileError: It ships, and cannot be read or is not TOML.
        InputError: Its user writes it, and it cannot be read or is not TOML.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise MissingResourceError(f"{path} is not there", remedy or RESTORE) from error
    except (OSError, ValueError, RecursionError) as error:
        refusal = InputError if remedy else DamagedFileError
        raise refusal(f"{path} is not TOML: {error}", remedy or RESTORE) from error
    return content if remedy else {key: _tuples(value) for key, value in content.items()}


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(inner) for key, inner in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
