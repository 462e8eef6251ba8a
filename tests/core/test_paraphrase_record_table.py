"""Records read by row, their pictures, and webdataset shards."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.paraphrase.records import (
    ParaphraseRecord,
    PictureRows,
    RecordTable,
    ShardPictures,
    arrow_blocks,
    iterate_records,
    open_records,
    picture_digest,
    shard_captions,
    text_digest,
    write_records,
)


def record(number: int, image: str | None = None) -> ParaphraseRecord:
    name = f"{number // 3}.jpg" if image is None else image
    return ParaphraseRecord(name, f"Caption {number}", f"first {number}", f"zweite é {number}")


RECORDS = [record(number) for number in range(20)]


@pytest.fixture(autouse=True)
def _a_cache_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))


def write_in_small_blocks(path: Path, rows: int = 7) -> None:
    blocks = list(arrow_blocks(RECORDS, rows=rows))
    with pa.ipc.new_file(str(path), blocks[0].schema) as writer:
        for block in blocks:
            writer.write_batch(block)


# --- by row ---


@pytest.mark.parametrize("name", ["r.jsonl", "r.parquet", "r.arrow"])
def test_any_file_of_records_is_read_by_row(name, tmp_path):
    path = tmp_path / name
    assert write_records(path, RECORDS) == 20
    if path.suffix == ".arrow":
        write_in_small_blocks(path)
    found = open_records(path)
    assert len(found) == 20
    assert [found[row] for row in (13, 0, 19, -1, 7)] == [RECORDS[row] for row in (13, 0, 19, 19, 7)]
    assert list(found) == RECORDS
    assert found.column("caption", np.array([19, 3, 3])) == ["Caption 19", "Caption 3", "Caption 3"]
    for outside in (20, -21):
        with pytest.raises(IndexError):
            found[outside]


def test_a_table_in_memory_reads_like_one_on_disk(tmp_path):
    write_in_small_blocks(tmp_path / "r.arrow")
    memory, disk = RecordTable.of(RECORDS), open_records(tmp_path / "r.arrow")
    assert list(memory) == list(disk)
    np.testing.assert_array_equal(memory.images, disk.images)


def test_a_file_is_rewritten_once_and_again_when_it_changes(tmp_path):
    path, kept = tmp_path / "r.jsonl", tmp_path / "cache" / "records"
    write_records(path, RECORDS)
    open_records(path)
    [first] = kept.iterdir()
    before = first.stat().st_mtime_ns
    open_records(path)
    assert [(file, file.stat().st_mtime_ns) for file in kept.iterdir()] == [(first, before)]
    first.write_bytes(first.read_bytes()[:-100])
    assert list(open_records(path)) == RECORDS
    write_records(path, RECORDS[:5])
    assert len(open_records(path)) == 5


def test_records_of_one_picture_share_a_digest_and_records_without_one_do_not():
    shared = RecordTable.of(RECORDS).images
    assert shared.dtype == np.int64
    assert [int(value) for value in shared[:3]] == [picture_digest("0.jpg")] * 3
    assert len(np.unique(shared)) == 7
    assert len(np.unique(RecordTable.of([record(n, "") for n in range(20)]).images)) == 20


def test_texts_that_differ_in_case_and_white_space_alone_are_one():
    assert text_digest("A  red\nHouse ") == text_digest("a red house")
    assert text_digest("a red house") != text_digest("a red houses")


def test_what_is_no_table_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no records in .*none\.arrow"):
        open_records(tmp_path / "none.arrow")
    with pytest.raises(InputError, match=r"no records in .*none\.jsonl"):
        open_records(tmp_path / "none.jsonl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no records in .*empty\n.*\.tar"):
        open_records(tmp_path / "empty")
    (tmp_path / "bad.arrow").write_bytes(b"ARROW1 and no more")
    with pytest.raises(DamagedFileError, match=r"bad\.arrow is not an Arrow file.*\n.*made again"):
        open_records(tmp_path / "bad.arrow")
    other = pa.table({"caption": ["x"]})
    with pa.ipc.new_file(str(tmp_path / "other.arrow"), other.schema) as writer:
        writer.write_table(other)
    with pytest.raises(DamagedFileError, match=r"has other columns: \['caption'\]"):
        open_records(tmp_path / "other.arrow")
    with pytest.raises(InputError, match="there are no records"):
        RecordTable.of([])


# --- pictures ---


def unit_rows(count: int) -> np.ndarray:
    rows = np.random.default_rng(0).standard_normal((count, 4)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_every_record_finds_its_picture_whatever_the_order(tmp_path):
    names, rows = [f"{number}.jpg" for number in (5, 0, 6, 3, 1, 4, 2, 99)], unit_rows(8)
    np.save(tmp_path / "rows.npy", rows)
    for features in (rows, np.load(tmp_path / "rows.npy", mmap_mode="r")):
        pictures = PictureRows.matched(RecordTable.of(RECORDS), names, features)
        found = pictures.rows(np.array([19, 0, 10]))
        np.testing.assert_array_equal(found, rows[[names.index(f"{n // 3}.jpg") for n in (19, 0, 10)]])


def test_a_missing_picture_is_named_and_bad_rows_are_refused():
    table, names = RecordTable.of(RECORDS), [f"{number}.jpg" for number in range(7)]
    with pytest.raises(InputError, match=r"2 records have no picture row, the first that of '6\.jpg'"):
        PictureRows.matched(table, names[:6], unit_rows(6))
    with pytest.raises(InputError, match=r"not of length 1"):
        PictureRows.matched(table, names, unit_rows(7) * 2)
    for bad in (unit_rows(6), unit_rows(7).astype(np.float64), unit_rows(7)[0]):
        with pytest.raises(InputError, match=r"picture rows of type .* for 7 pictures"):
            PictureRows.matched(table, names, bad)


# --- shards ---


def shard(path: Path, samples: dict[str, dict[str, bytes]]) -> Path:
    with tarfile.open(path, "w") as tar:
        for key, members in samples.items():
            for kind, content in members.items():
                about = tarfile.TarInfo(f"{key}.{kind}")
                about.size = len(content)
                tar.addfile(about, io.BytesIO(content))
    return path


def as_json(**texts: object) -> bytes:
    return json.dumps(texts).encode()


def test_shards_are_read_like_any_other_records(tmp_path):
    folder = tmp_path / "shards"
    folder.mkdir()
    shard(
        folder / "00000.tar",
        {
            "000": {
                "jpg": b"\xff\xd8 picture 0",
                "json": as_json(caption="a dog", paraphrase_1="one dog", paraphrase_2="a hound", width=3),
            },
            "001": {
                "txt": b"a cat \n",
                "paraphrase_1.txt": b"one cat",
                "json": as_json(paraphrase_2="a tomcat"),
            },
        },
    )
    shard(
        folder / "00001.tar",
        {"a/002": {"json": as_json(caption="c", paraphrase_1="d", paraphrase_2="e"), "png": b"\x89PNG"}},
    )
    found = list(open_records(folder))
    assert found == [
        ParaphraseRecord("00000.tar/000.jpg", "a dog", "one dog", "a hound"),
        ParaphraseRecord("", "a cat", "one cat", "a tomcat"),
        ParaphraseRecord("00001.tar/a/002.png", "c", "d", "e"),
    ]
    assert list(open_records(folder / "00000.tar")) == found[:2]
    pictures = ShardPictures(folder)
    assert pictures.read(found[2].image) == b"\x89PNG"
    assert pictures.read(found[0].image) == b"\xff\xd8 picture 0"
    with pytest.raises(InputError, match=r"no picture '009\.jpg' in .*00000\.tar"):
        pictures.read("00000.tar/009.jpg")
    with pytest.raises(InputError, match=r"no shard .*00009\.tar"):
        pictures.read("00009.tar/000.jpg")


def test_captions_of_shards_come_before_their_paraphrases(tmp_path):
    path = shard(
        tmp_path / "0.tar",
        {"0": {"jpg": b"x", "txt": b"a dog"}, "1": {"jpg": b"y"}, "2": {"json": as_json(caption="a cat")}},
    )
    assert list(shard_captions([path])) == [("0.tar/0.jpg", "a dog"), ("", "a cat")]
    with pytest.raises(
        DamagedFileError, match=r"0\.tar, sample 0 has no paraphrase_1, paraphrase_2\n.*shard_captions first"
    ):
        list(iterate_records(path))


def test_a_damaged_shard_or_sample_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no shard .*none\.tar"):
        list(shard_captions([tmp_path / "none.tar"]))
    with pytest.raises(InputError, match=r"no file .*none\.tar"):
        list(iterate_records(tmp_path / "none.tar"))
    (tmp_path / "bad.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(DamagedFileError, match=r"bad\.tar cannot be read"):
        list(iterate_records(tmp_path / "bad.tar"))
    with pytest.raises(DamagedFileError, match=r"bad\.tar cannot be read"):
        ShardPictures(tmp_path).read("bad.tar/0.jpg")
    for name, content in (("json", b"{"), ("txt", b"\xff\xfe"), ("json", b'{"caption": "\\ud83d"}')):
        path = shard(tmp_path / f"{name}.tar", {"7": {name: content}})
        with pytest.raises(DamagedFileError, match=rf"{name}\.tar, sample 7( is not|: caption holds)"):
            list(iterate_records(path))
    empty = as_json(caption=" ", paraphrase_1="a", paraphrase_2="b")
    with pytest.raises(DamagedFileError, match=r"sample 7: caption is empty"):
        list(iterate_records(shard(tmp_path / "empty.tar", {"7": {"json": empty}})))


def test_the_name_of_a_shard_is_a_name_and_no_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sample = {"0": {"json": as_json(caption="a dog", paraphrase_1="b", paraphrase_2="c")}}
    for name in ("pipe:touch trap;.tar", "0.tar::pipe:touch trap;.tar", "{0..9}.tar"):
        shard(Path(name), sample)
        assert [one.caption for one in iterate_records(Path(name))] == ["a dog"]
    assert not Path("trap").exists()
