"""Tables and JSON as people write them: a row comes back as it was written, or is refused with its line."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from case_tables import each
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typing_extensions import TypedDict

from lexclip_core.errors import DamagedFileError, MissingResourceError
from lexclip_core.text_files import (
    MOST_DEPTH,
    check_shape,
    lone_surrogate,
    parse_json,
    read_json,
    read_lines,
    table_rows,
)

# What other readers trip over: quotes, line ends of other alphabets, a byte-order mark, emoji, bars, NUL.
ODD = "\"',;|\t\n\r\x00\x0b\x0c\x1c\x85\u2028\u2029\ufeff\u00a0😀é a"
CELLS = st.text(st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"]), max_size=12)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=6)
LONG = "x" * 200_000
MANY = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows_of(path: Path, *columns: str, **options: Any) -> list[tuple[str, ...]]:
    return [tuple(row[column] for column in columns) for _, row in table_rows(path, columns, **options)]


def separated(rows: list[tuple[str, ...]], mark: str, end: str, *, quoting: Any) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=mark, lineterminator=end, quoting=quoting)
    writer.writerows([("a", "b", "c"), *rows])
    return stream.getvalue().encode()


@pytest.mark.parametrize("mark", [",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
@given(rows=ROWS, bom=st.booleans())
@MANY
def test_commas_and_semicolons_give_back_any_text(
    tmp_path: Path, mark: str, end: str, quoting: Any, rows: list[tuple[str, ...]], bom: bool
):
    if quoting == csv.QUOTE_MINIMAL:  # Python's writer does not quote a carriage return before a line end
        rows = [tuple(cell.replace("\r", " ") for cell in row) for row in rows]
    path = tmp_path / "table.csv"
    path.write_bytes(b"\xef\xbb\xbf" * bom + separated(rows, mark, end, quoting=quoting))
    assert rows_of(path, "a", "b", "c") == rows


@given(rows=ROWS, end=st.sampled_from(["\n", "\r\n"]))
@MANY
def test_tabs_give_back_any_text_that_a_line_can_hold_and_refuse_the_first_other(
    tmp_path: Path, rows: list[tuple[str, ...]], end: str
):
    rows = [tuple(cell.replace("\n", " ").rstrip("\r") for cell in row) for row in rows]
    path = tmp_path / "table.tsv"
    path.write_bytes(end.join("\t".join(row) for row in [("a", "b", "c"), *rows]).encode())
    long = next((place for place, row in enumerate(rows, start=2) if any("\t" in cell for cell in row)), 0)
    if long:
        with pytest.raises(DamagedFileError, match=rf"table\.tsv, line {long}: \d+ cells where .* has 3"):
            rows_of(path, "a", "b", "c")
    else:
        assert rows_of(path, "a", "b", "c") == rows


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet"])
@given(rows=ROWS.filter(bool))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_objects_give_back_any_text(tmp_path: Path, suffix: str, rows: list[tuple[str, ...]]):
    path, table = tmp_path / f"table{suffix}", [dict(zip("abc", row, strict=True)) for row in rows]
    if suffix == ".parquet":
        pd.DataFrame(table).to_parquet(path)
    else:
        text = "".join(json.dumps(row, ensure_ascii=len(rows) % 2 == 0) + "\n" for row in table).encode()
        path.write_bytes(gzip.compress(text) if suffix.endswith(".gz") else text)
    assert rows_of(path, "a", "b", "c") == rows


@each(
    ("name", "content", "rows"),
    [
        ("t.csv", " A ,b\n1,2\n", [("1", "2")]),
        ("t.csv", "b;A\n2;1\n", [("1", "2")]),
        ("t.txt", 'a\tb\n"x\ty"\n', [('"x', 'y"')]),
        ("t.csv", 'a| b\n"x| y"|z\n', [('"x', ' y"|z')]),
        ("t.csv", 'a,b\n"say ""no"", twice",x "y" z\n', [('say "no", twice', 'x "y" z')]),
        ("t.csv", 'a,b\n"one\ntwo\r\nthree","x\ny"\n4,5\n', [("one\ntwo\r\nthree", "x\ny"), ("4", "5")]),
        ("t.csv", "b,extra,a\n1e5,,007\n\n,,1.0\n", [("007", "1e5"), ("1.0", "")]),
        ("t.csv", f'a,b\n{LONG},"{LONG}"\n', [(LONG, LONG)]),
        ("t.csv", ",a,b\n0,x,y\n1,z,w", [("x", "y"), ("z", "w")]),
        ("t.jsonl", '{"A": 7, "b": null}\n{"b": 2.0, "a": 0.5}\n', [("7", ""), ("0.5", "2")]),
    ],
)
def test_what_people_write_is_read(tmp_path: Path, name: str, content: str, rows: list[tuple[str, str]]):
    (tmp_path / name).write_bytes(content.encode())
    assert rows_of(tmp_path / name, "a", "b") == rows


@each(
    ("name", "content", "message"),
    [
        ("t.csv", "a,b\n1,2\n1,2,\n", "line 3: 3 cells where the header has 2"),
        ("t.csv", "a,b\n1\n", "line 2: 1 cells where the header has 2"),
        ("t.tsv", "a\tb\n1\t2\t3\n", "line 2: 3 cells"),
        ("t.csv", 'a,b\n1,"stop\n2,go\n', "line 2: a quotation mark is never closed"),
        ("t.csv", 'a,b\n\n"x"y,2\n', "line 3: its quotation marks: ',' expected"),
        ("t.csv", "x,y\n1,2\n", "columns 'a', 'b' are missing; it has x, y"),
        ("t.csv", "a,A ,b\n1,2,3\n", "column 'a' stands twice"),
        ("t.csv", "", "are missing; it has none"),
        ("t.jsonl", '{"a": 1, "b": 2}\n\n{"a": 1}\n', "line 3: column 'b' is missing; it has a"),
        ("t.jsonl", '{"a": [1], "b": 2}\n', r"line 1: a is \[1\], which is not text"),
        ("t.jsonl", '{"a": "x\\ud83d", "b": 2}\n', r"line 1: a holds \\ud83d, half of a character"),
        ("t.jsonl", "[1]\n", r"line 1 is \[1\], not an object"),
        ("t.parquet", "no parquet", "is not a parquet file"),
        ("t.jsonl.gz", "no gzip", "cannot be read"),
    ],
)
def test_what_cannot_be_understood_is_named_with_its_line(
    tmp_path: Path, name: str, content: str, message: str
):
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(DamagedFileError, match=message) as raised:
        rows_of(tmp_path / name, "a", "b")
    assert str(tmp_path / name) in raised.value.problem


def test_a_quotation_mark_that_is_never_closed_costs_no_more_than_the_file(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text('a,b\n"x' + 'yy"",z\n' * 100_000, "utf-8")
    with pytest.raises(DamagedFileError, match=r"line 2: .* never closed"):
        rows_of(path, "a", "b")


def test_other_names_and_headers_that_may_be_there(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("File_Name,split\n1.jpg,test\n", "utf-8")
    wanted = {"image": ("image", "file_name")}
    assert list(table_rows(path, wanted, optional=("split", "part"))) == [
        (2, {"image": "1.jpg", "split": "test"})
    ]
    assert next(table_rows(path, ("a", "b"), headed=None)) == (1, {"a": "File_Name", "b": "split"})
    path.write_text("B,A\n1,2\n", "utf-8")
    assert list(table_rows(path, ("a", "b"), headed=None)) == [(2, {"a": "2", "b": "1"})]
    with pytest.raises(MissingResourceError, match=r"none is not there\n.*look"):
        list(table_rows(tmp_path / "none", ("a",), missing="look"))


def test_lines_end_as_files_do_and_no_text_does(tmp_path: Path):
    path = tmp_path / "lines.txt"
    path.write_bytes("\ufeffa\x85b\u2028c\x0bd\r\ne\rf\n\n".encode())
    assert read_lines(path) == ["a\x85b\u2028c\x0bd", "e\rf"]
    path.write_bytes("one\nna\xefve\n".encode("latin-1"))
    with pytest.raises(DamagedFileError, match=r"line 2 is not UTF-8 text(?s:.*)latin1"):
        read_lines(path)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * (MOST_DEPTH + 2) + "]" * (MOST_DEPTH + 2), '{"a":' * 9000]
)
def test_json_is_read_within_bounds_of_depth(text: str):
    with pytest.raises(DamagedFileError, match=r"x\.json is not JSON"):
        parse_json(text, "x.json")
    depth = MOST_DEPTH
    assert parse_json("[" * depth + "]" * depth, "x.json")


class Side(TypedDict):
    length: int


@each(
    ("content", "message"),
    [
        ('{"a": [{"length": 1}, {"length": "2"}]}', r"a\.1\.length is '2': Input should be a valid integer"),
        ('{"a": [{"length": 1}, {}]}', r"a\.1\.length is missing"),
        ('{"a": null}', "a is None: Input should be a valid list"),
        ("5", "the whole is 5: Input should be a valid dictionary"),
        ('{"a": ["\\ud83d"]}', r"a\.0 holds \\ud83d"),
        ('{"a": ', "is not JSON"),
        ("1" * 5000, "is not JSON"),
    ],
)
def test_json_of_another_shape_is_named_with_the_path_of_the_wrong_item(
    tmp_path: Path, content: str, message: str
):
    path = tmp_path / "x.json"
    path.write_text(content, "utf-8")
    with pytest.raises(DamagedFileError, match=rf"x\.json(: | ){message}"):
        read_json(path, dict[str, list[Side]])


def test_json_of_its_shape_is_read(tmp_path: Path):
    path = tmp_path / "x.json"
    path.write_bytes('\ufeff{"a": [{"length": 1, "more": "😀"}]}'.encode())
    assert read_json(path, dict[str, list[Side]]) == {"a": [{"length": 1}]}
    assert read_json(path)["a"][0]["more"] == "😀"
    assert read_json(tmp_path / "none.json", default={}) == {}
    with pytest.raises(MissingResourceError, match=r"none\.json is not there"):
        read_json(tmp_path / "none.json")
    assert check_shape([1, 2], list[float], "x") == [1, 2]


@given(st.text(st.characters(), max_size=8))
def test_half_a_character_is_what_utf8_cannot_hold(text: str):
    halves = [letter for letter in text if "\ud800" <= letter <= "\udfff"]
    assert lone_surrogate(text) == (f"\\u{ord(halves[0]):04x}" if halves else "")
    assert (text.encode("utf-8", "ignore").decode() == text) == (not halves)
