"""Query pairs are read from the tables people write, and a bad row is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from lexclip_core.datasets.captions import QueryPairs
from lexclip_core.datasets.captions import read_query_pairs as read
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

ROWS = [
    ("A man, slicing a small image", 'A guy "cutting" a tiny picture', "000000000139.jpg"),
    ("null", "A dog", "000000000285.jpg"),
]


def written(path: Path, separator: str = "\t") -> Path:
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in ROWS]
    lines = quoted if separator == "," else ["\t".join(row) for row in ROWS]
    path.write_text("\n".join([separator.join(("query", "paraphrase", "image")), *lines]) + "\n", "utf-8")
    return path


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t")])
def test_tables_are_read_as_written(tmp_path: Path, suffix: str, separator: str):
    found = read(written(tmp_path / f"pairs{suffix}", separator))
    assert list(zip(found.queries_a, found.queries_b, found.images, strict=True)) == ROWS
    assert found.kinds == ("", "")
    assert found.name == "pairs"


def test_json_lines_need_no_picture_and_may_have_a_kind(tmp_path: Path):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"query": "a", "paraphrase": "b", "kind": "word"}\n', "utf-8")
    found = read(path)
    assert (found.queries_a, found.queries_b, found.images, found.kinds) == (("a",), ("b",), ("",), ("word",))


def test_wanted_pictures_have_places_and_one_intent_has_one_number():
    pairs = QueryPairs(
        "x", ("a", "b", "c", "d"), ("e", "f", "g", "h"), ("2.jpg", "9.jpg", "2.jpg", ""), ("",) * 4
    )
    assert pairs.places(["1.jpg", "2.jpg"]).tolist() == [1, -1, 1, -1]
    assert pairs.intents().tolist() == [0, 1, 0, 2]


def test_what_cannot_be_read_is_named(tmp_path: Path):
    with pytest.raises(MissingResourceError, match=r"pairs\.tsv is not there"):
        read(tmp_path / "pairs.tsv")
    with pytest.raises(InputError, match=r"pairs\.xlsx is not a table"):
        read(tmp_path / "pairs.xlsx")
    (tmp_path / "a.csv").write_text("question,paraphrase\na,b\n", "utf-8")
    with pytest.raises(DamagedFileError, match="column 'query' is missing"):
        read(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("query,paraphrase\na,b\nc,\n", "utf-8")
    with pytest.raises(DamagedFileError, match="line 3 lacks a query"):
        read(tmp_path / "b.csv")
    (tmp_path / "c.jsonl").write_text("{", "utf-8")
    with pytest.raises(DamagedFileError, match=r"c\.jsonl, line 1 is not JSON"):
        read(tmp_path / "c.jsonl")
    with pytest.raises(InputError, match="do not pair"):
        QueryPairs("x", ("a",), (), (), ())
