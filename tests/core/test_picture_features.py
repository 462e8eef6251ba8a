"""Every picture is encoded once for a tower: over calls, kills, damage and processes."""

from __future__ import annotations

import hashlib
import logging
import random
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lexclip_core import picture_features
from lexclip_core.datasets import captions, picture_sets
from lexclip_core.datasets.pictures import PictureClass, PictureSet
from lexclip_core.errors import InputError, StorageError
from lexclip_core.picture_features import features, features_folder, table
from lexclip_core.towers import ImageTower, load_image


def colour(number: int) -> Image.Image:
    """Return a picture of two colours that depend on the number."""
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    pixels[:4] = (number * 37 % 256, number * 91 % 256, number * 13 % 256)
    pixels[4:] = (number * 59 % 256, 255 - number % 256, 128)
    return Image.fromarray(pixels)


def picture_set(numbers: Sequence[int], read=None) -> PictureSet:
    digests = tuple(hashlib.sha256(f"picture {number}".encode()).hexdigest() for number in numbers)
    return PictureSet(
        name="colours",
        title="Colours",
        classes=(PictureClass("all", "all"),),
        labels=np.zeros(len(numbers), dtype=np.int64),
        digests=digests,
        titles=tuple(map(str, numbers)),
        read=read or (lambda place: colour(numbers[place])),
    )


class Counting:
    """A picture set's `read` that remembers what was read, and may fail at one number."""

    def __init__(self, numbers: Sequence[int], fails_at: int | None = None) -> None:
        self.numbers, self.fails_at, self.seen = numbers, fails_at, []

    def __call__(self, place: int) -> Image.Image:
        if self.numbers[place] == self.fails_at:
            raise KeyboardInterrupt
        self.seen.append(self.numbers[place])
        return colour(self.numbers[place])

    @property
    def pictures(self) -> PictureSet:
        return picture_set(self.numbers, self)


@pytest.fixture(scope="module")
def tower() -> ImageTower:
    return load_image("tiny-random", device="cpu")


@pytest.fixture(autouse=True)
def _small_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_features, "_CHUNK", 4)


def test_rows_are_the_towers_own_in_the_sets_order(tower: ImageTower, tmp_path: Path):
    numbers = [3, 1, 4, 1, 5, 9, 2, 6, 5]
    rows = features(tower, picture_set(numbers), folder=tmp_path)
    assert rows.dtype == np.float32
    assert rows == pytest.approx(tower.encode_pictures(map(colour, numbers)), abs=1e-6)
    assert (rows[1] == rows[3]).all()


def test_a_picture_that_occurs_twice_is_encoded_once(tower: ImageTower, tmp_path: Path):
    reader = Counting([7, 8, 7, 7, 8, 9])
    features(tower, reader.pictures, folder=tmp_path)
    assert sorted(reader.seen) == [7, 8, 9]


def test_a_second_call_and_a_larger_set_encode_only_what_is_new(tower: ImageTower, tmp_path: Path):
    first = features(tower, picture_set(range(6)), folder=tmp_path)
    again = Counting(range(6))
    assert (features(tower, again.pictures, folder=tmp_path) == first).all()
    assert again.seen == []
    larger = Counting(range(3, 10))
    rows = features(tower, larger.pictures, folder=tmp_path)
    assert larger.seen == [6, 7, 8, 9]
    assert (rows[:3] == first[3:]).all()


def test_the_cache_is_where_it_is_said_to_be(
    tower: ImageTower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path))
    features(tower, picture_set([1]))
    assert features_folder(tower).parent == tmp_path / "features"
    assert len(list(features_folder(tower).iterdir())) == 1


def test_a_killed_call_goes_on_where_it_stopped(tower: ImageTower, tmp_path: Path):
    killed = Counting(range(11), fails_at=9)
    with pytest.raises(KeyboardInterrupt):
        features(tower, killed.pictures, folder=tmp_path)
    assert killed.seen == list(range(9))
    resumed = Counting(range(11))
    rows = features(tower, resumed.pictures, folder=tmp_path)
    assert resumed.seen == [8, 9, 10]  # the two lots before the kill were kept
    assert rows == pytest.approx(tower.encode_pictures(map(colour, range(11))), abs=1e-6)


def test_a_kill_while_writing_leaves_nothing_behind(
    tower: ImageTower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def half(stream, **arrays):
        stream.write(b"PK half of a file")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", half)
        with pytest.raises(KeyboardInterrupt):
            features(tower, picture_set(range(3)), folder=tmp_path)
    assert list(features_folder(tower, tmp_path).iterdir()) == []
    for name in (".left.npz.x1.npz", ".left.npy.x1.npy"):
        (features_folder(tower, tmp_path) / name).write_bytes(b"by a power cut")
    assert features(tower, picture_set(range(3)), folder=tmp_path).shape == (3, tower.dim)


def test_a_kill_between_the_lots_and_the_table_costs_nothing(
    tower: ImageTower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(table, "_write_header", killed)
        with pytest.raises(KeyboardInterrupt):
            features(tower, picture_set(range(6)), folder=tmp_path)
    assert {file.suffix for file in features_folder(tower, tmp_path).iterdir()} == {".npz"}
    resumed = Counting(range(6))
    features(tower, resumed.pictures, folder=tmp_path)
    assert resumed.seen == []
    assert [file.suffix for file in features_folder(tower, tmp_path).iterdir()] == [".npy"]


def test_the_rows_are_mapped_and_what_is_written_stays_out_of_the_file(tower: ImageTower, tmp_path: Path):
    first = features(tower, picture_set(range(5)), folder=tmp_path)
    assert isinstance(first, np.memmap)
    [file] = features_folder(tower, tmp_path).iterdir()
    assert Path(first.filename) == file
    before = first.copy()
    first[:] = 0
    again = features(tower, picture_set(range(5)), folder=tmp_path)
    assert (again == before).all()
    assert (again @ again.T).diagonal() == pytest.approx(np.ones(5), abs=1e-5)


def test_another_order_or_another_picture_is_another_table(tower: ImageTower, tmp_path: Path):
    first = features(tower, picture_set([1, 2, 3]), folder=tmp_path)
    turned, larger = Counting([3, 1, 2]), Counting([1, 2, 4])
    assert (features(tower, turned.pictures, folder=tmp_path) == first[[2, 0, 1]]).all()
    features(tower, larger.pictures, folder=tmp_path)
    assert (turned.seen, larger.seen) == ([], [4])
    # Under another set's name a table is of no use, however sound it is.
    other = Counting([7, 8, 9])
    digests = [bytes.fromhex(digest) for digest in other.pictures.digests]
    (tmp_path / tower.identity[:32] / table.name(digests)).write_bytes(Path(first.filename).read_bytes())
    features(tower, other.pictures, folder=tmp_path)
    assert other.seen == [7, 8, 9]


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-50])


def lot_damages() -> dict:
    def with_arrays(**arrays: np.ndarray):
        return lambda file: np.savez(file, **arrays)

    digests, rows = np.zeros((2, 32), np.uint8), np.zeros((2, 384), np.float32)
    return {
        "cut": cut,
        "empty": lambda file: file.write_bytes(b""),
        "a flipped bit": flip,
        "another dim": with_arrays(digests=digests, rows=rows[:, :5]),
        "fewer rows": with_arrays(digests=digests, rows=rows[:1]),
        "no rows": with_arrays(digests=digests),
        "another type": with_arrays(digests=digests, rows=rows.astype(np.float64)),
        "objects": with_arrays(digests=digests, rows=np.array([{}, {}], dtype=object)),
    }


@pytest.mark.parametrize("damage", lot_damages())
def test_a_damaged_lot_is_said_and_made_anew(
    tower: ImageTower, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
):
    killed = Counting(range(9), fails_at=8)
    with pytest.raises(KeyboardInterrupt):
        features(tower, killed.pictures, folder=tmp_path)
    file = sorted(features_folder(tower, tmp_path).iterdir())[0]
    lot_damages()[damage](file)
    again = Counting(range(8))
    with caplog.at_level(logging.WARNING):
        rows = features(tower, again.pictures, folder=tmp_path)
    assert rows == pytest.approx(tower.encode_pictures(map(colour, range(8))), abs=1e-6)
    assert again.seen in ([0, 1, 2, 3], [4, 5, 6, 7])
    assert f"{file} is damaged" in caplog.text
    healed = Counting(range(8))
    features(tower, healed.pictures, folder=tmp_path)
    assert healed.seen == []


def table_damages() -> dict:
    return {
        "cut": (cut, 1),
        "empty": (lambda file: file.write_bytes(b""), 8),
        "a flipped bit": (flip, 1),
        "no table": (lambda file: np.save(file, np.zeros((8, 384), np.float32)), 8),
        "objects": (lambda file: np.save(file, np.array([{}], object), allow_pickle=True), 8),
        "half a head": (lambda file: file.write_bytes(file.read_bytes()[:20]), 8),
    }


@pytest.mark.parametrize("damage", table_damages())
def test_a_damaged_table_is_said_and_only_what_it_lost_is_made_anew(
    tower: ImageTower, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
):
    before = features(tower, picture_set(range(8)), folder=tmp_path).copy()
    [file] = features_folder(tower, tmp_path).iterdir()
    spoil, lost = table_damages()[damage]
    spoil(file)
    again = Counting(range(8))
    with caplog.at_level(logging.WARNING):
        rows = features(tower, again.pictures, folder=tmp_path)
    assert rows == pytest.approx(before, abs=1e-6)
    assert f"{file} is damaged" in caplog.text
    assert len(again.seen) == lost
    healed = Counting(range(8))
    features(tower, healed.pictures, folder=tmp_path)
    assert healed.seen == []


def test_a_disk_that_does_not_keep_what_is_written_is_said(
    tower: ImageTower, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write = table.write

    def forgetful(file: Path, *args) -> None:
        write(file, *args)
        flip(file)

    monkeypatch.setattr(table, "write", forgetful)
    with pytest.raises(StorageError, match="does not hold what was written"):
        features(tower, picture_set(range(4)), folder=tmp_path)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.randoms())
def test_a_table_gives_each_picture_its_row_whatever_comes_first_or_twice(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], order: random.Random
):
    digests = [hashlib.sha256(str(number).encode()).digest() for number in numbers]
    rows = np.arange(30, dtype=np.float32).reshape(10, 3)
    held = [([hashlib.sha256(str(number).encode()).digest()], rows[[number]]) for number in set(numbers)]
    order.shuffle(held)
    file = tmp_path_factory.mktemp("tables") / table.name(digests)
    table.write(file, digests, [*held, held[0]], 3)
    assert (table.opened(file, digests, 3) == rows[numbers]).all()
    back = {
        digest: row.tolist()
        for found, block in table.held(file.parent, {*digests}, 3)
        for digest, row in zip(found, block, strict=True)
    }
    assert back == {digest: rows[number].tolist() for digest, number in zip(digests, numbers, strict=True)}


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory's high mark from /proc")
def test_a_large_table_opens_in_flat_memory(tmp_path: Path):
    """A process of its own opens 100 MB of rows and its memory grows by a small part of that.

    `ru_maxrss` would not do: a process inherits it from the larger one that started it.
    """
    digests = [hashlib.sha256(str(number).encode()).digest() for number in range(50_000)]
    rows = np.random.default_rng(0).standard_normal((1000, 512)).astype(np.float32)
    lots = ((digests[start : start + 1000], rows + start) for start in range(0, len(digests), 1000))
    file = tmp_path / table.name(digests)
    table.write(file, digests, lots, 512)
    assert file.stat().st_size > 100_000_000
    code = """
import hashlib, sys
from pathlib import Path
from lexclip_core.picture_features import table
digests = [hashlib.sha256(str(number).encode()).digest() for number in range(50_000)]
peak = lambda: int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
before = peak()
rows = table.opened(Path(sys.argv[1]), digests, 512)
print(len(rows), float(rows[49_500, 7]), (peak() - before) / 1024)
"""
    out = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
    length, value, grown = out.stdout.split()
    assert int(length) == 50_000
    assert float(value) == rows[500, 7] + 49_000
    assert float(grown) < 25


def test_two_towers_never_share(tower: ImageTower, tmp_path: Path):
    other = load_image("tiny-random", device="cpu", dtype="bfloat16")
    features(tower, picture_set(range(3)), folder=tmp_path)
    reader = Counting(range(3))
    rows = features(other, reader.pictures, folder=tmp_path)
    assert reader.seen == [0, 1, 2]
    assert (rows == other.encode_pictures(map(colour, range(3)))).all()
    assert len(list(tmp_path.iterdir())) == 2


def test_two_writers_at_once_end_with_the_same_rows(tower: ImageTower, tmp_path: Path):
    results: dict[str, np.ndarray] = {}

    def work(name: str, numbers: Sequence[int]) -> None:
        results[name] = features(tower, picture_set(numbers), folder=tmp_path)

    writers = [
        threading.Thread(target=work, args=(f"{turn}", numbers))
        for turn, numbers in enumerate([range(12), range(12), range(5, 17)])
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    rows = tower.encode_pictures(map(colour, range(17)))
    assert results["0"] == pytest.approx(rows[:12], abs=1e-6)
    assert results["1"] == pytest.approx(rows[:12], abs=1e-6)
    assert results["2"] == pytest.approx(rows[5:], abs=1e-6)
    silent = Counting(range(17))
    features(tower, silent.pictures, folder=tmp_path)
    assert silent.seen == []


def test_real_photographs_of_every_layout_are_encoded_once(
    tower: ImageTower, tmp_path: Path, evaldata: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(picture_features, "_CHUNK", 256)
    sets = [
        captions.flickr(evaldata / "flickr8k_sample").sample(8).pictures,
        captions.open_captions("coco", evaldata / "coco_mini").sample(8).pictures,
        picture_sets.open_set("imagenet", evaldata / "imagenet_sample", sample="all").subset(
            ["n01440764", "n01484850"]
        ),
        picture_sets.open_set("fer2013", evaldata / "fer2013_sample").subset(["happy"]),
    ]
    for pictures in sets:
        rows = features(tower, pictures, folder=tmp_path)
        assert rows.shape == (len(pictures), tower.dim)
        assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(pictures)), abs=1e-4)
    assert [len(pictures) for pictures in sets] == [8, 8, 2, 40]
    assert len(list(features_folder(tower, tmp_path).iterdir())) == len(sets)


def test_an_empty_set_is_refused(tower: ImageTower, tmp_path: Path):
    with pytest.raises(InputError, match="colours has no pictures"):
        features(tower, picture_set([]), folder=tmp_path)


def test_a_picture_that_cannot_be_read_stops_the_call(tower: ImageTower, tmp_path: Path):
    def read(place: int) -> Image.Image:
        raise InputError("dog.png is cut short", "save it again")

    with pytest.raises(InputError, match=r"dog\.png is cut short"):
        features(tower, picture_set([1], read), folder=tmp_path)
