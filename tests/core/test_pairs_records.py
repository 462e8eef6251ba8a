"""Records read by row, their pictures, webdataset shards, and batches of them."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.pairs import (
    PictureRows,
    RecordSampler,
    RecordTable,
    ShardPictures,
    iterate_shards,
    open_records,
    picture_digest,
    read_table,
    record_table,
    shard_captions,
    text_digest,
    write_table,
)
from lexclip_core.pairs.records import ParaphraseRecord, write_records


def record(number: int, image: str | None = None) -> ParaphraseRecord:
    name = f"{number // 3}.jpg" if image is None else image
    return ParaphraseRecord(name, f"Caption {number}", f"first {number}", f"zweite é {number}")


RECORDS = [record(number) for number in range(20)]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_table, "_ROWS", 7)


# --- by row ---


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", ["r.jsonl", "r.parquet", "r.arrow"])
def test_any_file_of_records_is_read_by_row(name, tmp_path):
    path = tmp_path / name
    write = write_table if path.suffix == ".arrow" else write_records
    assert write(path, RECORDS) == 20
    found = open_records(path, folder=tmp_path / "kept")
    assert len(found) == 20
    assert [found[row] for row in (13, 0, 19, -1, 7)] == [RECORDS[row] for row in (13, 0, 19, 19, 7)]
    assert list(found) == RECORDS
    assert found.column("caption", np.array([19, 3, 3])) == ["Caption 19", "Caption 3", "Caption 3"]
    for outside in (20, -21):
        with pytest.raises(IndexError):
            found[outside]


def test_a_table_in_memory_reads_like_one_on_disk(tmp_path):
    write_table(tmp_path / "r.arrow", RECORDS)
    memory, disk = RecordTable.of(RECORDS), read_table(tmp_path / "r.arrow")
    assert list(memory) == list(disk)
    np.testing.assert_array_equal(memory.images, disk.images)


@pytest.mark.usefixtures("small_blocks")
def test_the_first_records_alone_may_be_wanted(tmp_path):
    write_table(tmp_path / "r.arrow", RECORDS)
    found = open_records(tmp_path / "r.arrow", most=9)
    assert list(found) == RECORDS[:9]
    assert len(found.images) == 9
    assert len(open_records(tmp_path / "r.arrow", most=99)) == 20


def test_a_file_is_rewritten_once_and_again_when_it_changes(tmp_path):
    path, kept = tmp_path / "r.jsonl", tmp_path / "kept"
    write_records(path, RECORDS)
    open_records(path, folder=kept)
    [first] = kept.iterdir()
    before = first.stat().st_mtime_ns
    open_records(path, folder=kept)
    assert [(file, file.stat().st_mtime_ns) for file in kept.iterdir()] == [(first, before)]
    write_records(path, RECORDS[:5])
    assert len(open_records(path, folder=kept)) == 5


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
    with pytest.raises(InputError, match=r"no file .*none\.arrow"):
        read_table(tmp_path / "none.arrow")
    with pytest.raises(InputError, match=r"no records in .*none\.jsonl"):
        open_records(tmp_path / "none.jsonl")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no records in .*empty\n.*\.tar"):
        open_records(tmp_path / "empty")
    (tmp_path / "bad.arrow").write_bytes(b"ARROW1 and no more")
    with pytest.raises(DamagedFileError, match=r"bad\.arrow is no Arrow file.*\n.*made again"):
        read_table(tmp_path / "bad.arrow")
    other = pa.table({"caption": ["x"]})
    with pa.ipc.new_file(str(tmp_path / "other.arrow"), other.schema) as writer:
        writer.write_table(other)
    with pytest.raises(DamagedFileError, match=r"holds other columns: \['caption'\]"):
        read_table(tmp_path / "other.arrow")
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


def told(**texts: object) -> bytes:
    return json.dumps(texts).encode()


def test_shards_are_read_like_any_other_records(tmp_path):
    folder = tmp_path / "shards"
    folder.mkdir()
    shard(
        folder / "00000.tar",
        {
            "000": {
                "jpg": b"\xff\xd8 picture 0",
                "json": told(caption="a dog", paraphrase_1="one dog", paraphrase_2="a hound", width=3),
            },
            "001": {
                "txt": b"a cat \n",
                "paraphrase_1.txt": b"one cat",
                "json": told(paraphrase_2="a tomcat"),
            },
        },
    )
    shard(
        folder / "00001.tar",
        {"a/002": {"json": told(caption="c", paraphrase_1="d", paraphrase_2="e"), "png": b"\x89PNG"}},
    )
    found = list(open_records(folder, folder=tmp_path / "kept"))
    assert found == [
        ParaphraseRecord("00000.tar/000.jpg", "a dog", "one dog", "a hound"),
        ParaphraseRecord("", "a cat", "one cat", "a tomcat"),
        ParaphraseRecord("00001.tar/a/002.png", "c", "d", "e"),
    ]
    assert list(open_records(folder / "00000.tar", folder=tmp_path / "kept")) == found[:2]
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
        {"0": {"jpg": b"x", "txt": b"a dog"}, "1": {"jpg": b"y"}, "2": {"json": told(caption="a cat")}},
    )
    assert list(shard_captions([path])) == [("0.tar/0.jpg", "a dog"), ("", "a cat")]
    with pytest.raises(
        DamagedFileError, match=r"0\.tar, sample 0 has no paraphrase_1, paraphrase_2\n.*shard_captions first"
    ):
        list(iterate_shards([path]))


def test_a_damaged_shard_or_sample_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no shard .*none\.tar"):
        list(iterate_shards([tmp_path / "none.tar"]))
    (tmp_path / "bad.tar").write_bytes(b"no tar at all" * 100)
    with pytest.raises(DamagedFileError, match=r"bad\.tar cannot be read"):
        list(iterate_shards([tmp_path / "bad.tar"]))
    with pytest.raises(DamagedFileError, match=r"bad\.tar cannot be read"):
        ShardPictures(tmp_path).read("bad.tar/0.jpg")
    for name, content in (("json", b"{"), ("txt", b"\xff\xfe")):
        path = shard(tmp_path / f"{name}.tar", {"7": {name: content}})
        with pytest.raises(DamagedFileError, match=rf"{name}\.tar, sample 7 cannot be read"):
            list(iterate_shards([path]))
    blank = told(caption=" ", paraphrase_1="a", paraphrase_2="b")
    with pytest.raises(DamagedFileError, match=r"sample 7: caption is blank"):
        list(iterate_shards([shard(tmp_path / "blank.tar", {"7": {"json": blank}})]))


# --- batches ---


def batches(sampler: RecordSampler, epoch: int = 0) -> list[list[int]]:
    start = epoch * sampler.steps_per_epoch
    return [sampler.rows(start + step).tolist() for step in range(sampler.steps_per_epoch)]


def test_an_epoch_holds_every_record_once_and_drops_the_rest():
    sampler = RecordSampler(np.arange(23), batch=5, epochs=3, seed=0)
    assert (sampler.steps_per_epoch, sampler.steps) == (4, 12)
    seen = [row for batch in batches(sampler) for row in batch]
    assert len(seen) == len(set(seen)) == 20
    assert set(seen) < set(range(23))
    assert batches(sampler) != batches(sampler, 1)


def test_a_batch_is_a_function_of_the_seed_and_the_step():
    images = np.arange(60) // 3
    one, other = (RecordSampler(images, batch=7, epochs=4, seed=2) for _ in range(2))
    backwards = [other.rows(step).tolist() for step in reversed(range(one.steps))][::-1]
    assert [one.rows(step).tolist() for step in range(one.steps)] == backwards
    assert batches(RecordSampler(images, batch=7, epochs=4, seed=3)) != batches(one)


def test_the_steps_may_be_given_and_go_beyond_an_epoch():
    sampler = RecordSampler(np.arange(10), batch=5, epochs=1, seed=0, steps=7)
    assert sampler.steps == 7
    assert len(set(sampler.rows(6))) == 5


def test_too_few_records_for_a_batch_are_refused():
    with pytest.raises(InputError, match=r"3 records make no batch of 4\n.*lower batch"):
        RecordSampler(np.arange(3), batch=4, epochs=1, seed=0)


@settings(deadline=None, max_examples=150)
@given(
    counts=st.lists(st.integers(1, 9), min_size=2, max_size=30),
    batch=st.integers(2, 12),
    seed=st.integers(0, 3),
)
def test_no_picture_is_twice_in_a_batch_where_that_can_be(counts, batch, seed):
    images = np.repeat(np.arange(len(counts)) * 7 - 30, counts)
    if len(images) < batch:
        return
    sampler = RecordSampler(images, batch=batch, epochs=2, seed=seed)
    most = max(counts)
    for epoch in range(2):
        seen = batches(sampler, epoch)
        rows = [row for one in seen for row in one]
        assert len(set(rows)) == len(rows) == sampler.steps_per_epoch * batch
        doubles = [max(Counter(images[one].tolist()).values()) for one in seen]
        if most <= sampler.steps_per_epoch:
            assert max(doubles) == 1


def test_five_captions_a_picture_are_dealt_when_every_batch_needs_every_picture():
    images = np.repeat(np.arange(40), 5)
    for one in batches(RecordSampler(images, batch=40, epochs=1, seed=0)):
        assert sorted(images[one].tolist()) == list(range(40))


def test_records_that_share_no_picture_are_simply_shuffled():
    order = [
        row for batch in batches(RecordSampler(np.arange(50), batch=10, epochs=1, seed=4)) for row in batch
    ]
    assert order == np.random.default_rng([4, 0]).permutation(50).tolist()
