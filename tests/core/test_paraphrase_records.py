"""Paraphrase records: what a record must have, its layouts, and what is reported of damaged files."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path

import pandas as pd
import pytest
from case_tables import each
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.paraphrase.records import (
    RELEASED_WORDS,
    ParaphraseRecord,
    has_words,
    iterate_records,
    read_records,
    write_records,
)

DOG = ParaphraseRecord("7.jpg", "IMG_7 a dog!!", "a dog", "a hound")
CAFE = ParaphraseRecord("", "ein Café 😀\nhier", 'a "café"', "a coffee house")
LAYOUTS = pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".arrow"])

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
records = st.builds(ParaphraseRecord, st.just("") | texts, texts, texts, texts)


def test_a_record_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        DOG.caption = "a cat"  # type: ignore[misc]


@each("field", ["caption", "paraphrase_1", "paraphrase_2"])
@each("text", ["", " \n\t"])
def test_an_empty_text_is_refused_by_name(field: str, text: str):
    with pytest.raises(InputError, match=f"{field} is empty"):
        ParaphraseRecord(**{**asdict(DOG), field: text})


def test_a_value_that_is_no_text_is_refused_by_name():
    with pytest.raises(InputError, match="paraphrase_1 is None, which is not text"):
        ParaphraseRecord("", "a dog", None, "a hound")  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"caption holds \\ud83d, half of a character"):
        ParaphraseRecord("", "a dog \ud83d", "a dog", "a hound")


@LAYOUTS
@given(made=st.lists(records, min_size=1, max_size=5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_what_is_written_is_read_back(tmp_path: Path, suffix: str, made: list[ParaphraseRecord]):
    path = tmp_path / f"records{suffix}"
    assert write_records(path, iter(made)) == len(made)
    assert read_records(path) == tuple(made)


def test_the_jsonl_is_what_other_tools_read(tmp_path: Path):
    write_records(tmp_path / "r.jsonl", [DOG, CAFE])
    lines = (tmp_path / "r.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in lines] == [asdict(DOG), asdict(CAFE)]
    assert "Café 😀" in lines[1]


def test_the_parquet_is_what_other_tools_read(tmp_path: Path):
    write_records(tmp_path / "r.parquet", [DOG, CAFE])
    assert pd.read_parquet(tmp_path / "r.parquet").to_dict("records") == [asdict(DOG), asdict(CAFE)]


def test_parquet_of_more_than_one_batch_keeps_the_order(tmp_path: Path):
    made = [ParaphraseRecord(str(i), f"caption {i}", f"one {i}", f"two {i}") for i in range(8_200)]
    assert write_records(tmp_path / "r.parquet", made) == 8_200
    assert list(iterate_records(tmp_path / "r.parquet")) == made


def test_the_released_name_of_the_picture_and_a_number_as_id_are_understood(tmp_path: Path):
    row = {"image_id": 12, "caption": "a dog", "paraphrase_1": "dog", "paraphrase_2": "hound", "nsfw": 0}
    (tmp_path / "r.jsonl").write_text(f"\ufeff{json.dumps(row)}\n\n", encoding="utf-8")
    pd.DataFrame([row]).to_parquet(tmp_path / "r.parquet")
    for name in ("r.jsonl", "r.parquet"):
        assert read_records(tmp_path / name) == (ParaphraseRecord("12", "a dog", "dog", "hound"),)


@each(
    ("line", "complaint"),
    [
        ('{"caption": "a', "line 2 is not JSON"),
        ("[1]", r"line 2 is \[1\], not an object"),
        ('{"caption": "a dog", "paraphrase_1": "dog"}', "line 2: column 'paraphrase_2' is missing"),
        ('{"caption": "a dog", "paraphrase_1": " ", "paraphrase_2": "x"}', "line 2: paraphrase_1 is empty"),
        ('{"caption": "a dog", "paraphrase_1": [3], "paraphrase_2": "x"}', r"line 2: paraphrase_1 is \[3\]"),
        ('{"caption": "\\ud83d", "paraphrase_1": "a", "paraphrase_2": "x"}', "line 2: caption holds"),
        ("[" * 100_000, "line 2 is not JSON of this kind"),
    ],
)
def test_a_damaged_line_is_named(tmp_path: Path, line: str, complaint: str):
    write_records(tmp_path / "r.jsonl", [DOG])
    with (tmp_path / "r.jsonl").open("a") as stream:
        stream.write(line)
    with pytest.raises(DamagedFileError, match=complaint) as raised:
        read_records(tmp_path / "r.jsonl")
    assert str(tmp_path / "r.jsonl") in str(raised.value)


def test_bytes_that_are_no_utf8_are_named(tmp_path: Path):
    (tmp_path / "r.jsonl").write_bytes(b'{"caption": "caf\xe9"}\n')
    with pytest.raises(DamagedFileError, match="line 1 is not UTF-8"):
        read_records(tmp_path / "r.jsonl")


def test_a_damaged_row_of_parquet_is_named(tmp_path: Path):
    rows = [asdict(DOG), {**asdict(DOG), "paraphrase_2": None}]
    pd.DataFrame(rows).to_parquet(tmp_path / "r.parquet")
    with pytest.raises(DamagedFileError, match="row 2: paraphrase_2 is empty"):
        read_records(tmp_path / "r.parquet")


def test_a_file_that_is_no_parquet_is_named(tmp_path: Path):
    (tmp_path / "r.parquet").write_text("no parquet")
    with pytest.raises(DamagedFileError, match=r"r\.parquet is not a parquet file"):
        read_records(tmp_path / "r.parquet")


def test_other_endings_missing_and_empty_files_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"r\.csv is not a file of records"):
        write_records(tmp_path / "r.csv", [DOG])
    with pytest.raises(InputError, match=r"r\.csv is not a file of records.*\n.*\.tar"):
        read_records(tmp_path / "r.csv")
    with pytest.raises(InputError, match=r"r\.tar is not a file of records"):
        write_records(tmp_path / "r.tar", [DOG])
    with pytest.raises(InputError, match="no file"):
        read_records(tmp_path / "r.jsonl")
    assert write_records(tmp_path / "r.jsonl", []) == 0
    with pytest.raises(InputError, match="has no records"):
        read_records(tmp_path / "r.jsonl")


@LAYOUTS
def test_a_source_that_fails_leaves_the_file_that_stood_there(tmp_path: Path, suffix: str):
    def failing():
        yield CAFE
        raise ZeroDivisionError

    path = tmp_path / f"r{suffix}"
    write_records(path, [DOG])
    with pytest.raises(ZeroDivisionError):
        write_records(path, failing())
    assert read_records(path) == (DOG,)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_captions_have_2_to_15_words_as_released():
    lengths = [1, 2, 15, 16]
    assert RELEASED_WORDS == (2, 15)
    assert [has_words(" word" * length) for length in lengths] == [False, True, True, False]
    assert [has_words(" word" * length, (16, 20)) for length in lengths] == [False, False, False, True]


@pytest.mark.parametrize("bounds", [(0, 3), (4, 3)])
def test_impossible_bounds_are_refused(bounds: tuple[int, int]):
    with pytest.raises(InputError, match=f"the bounds are {bounds[0]} to {bounds[1]} words"):
        has_words("a dog", bounds)
