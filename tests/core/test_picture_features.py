"""Every picture is encoded once for a tower: over calls, kills, damage and processes."""

from __future__ import annotations

import hashlib
import logging
import subprocess
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lexclip_core.datasets.captions import open_captions
from lexclip_core.datasets.pictures import sources
from lexclip_core.datasets.pictures.features import picture_features
from lexclip_core.datasets.pictures.picture_set import PictureClass, PictureSet
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.towers.images import ImageTower
from lexclip_core.towers.loading import load_image


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
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of its own for every test; return the folder of its picture features."""
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "picture-features"


features = partial(picture_features, shard=4)


def files(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def test_rows_are_the_towers_own_in_the_sets_order(tower: ImageTower):
    numbers = [3, 1, 4, 1, 5, 9, 2, 6, 5]
    rows = features(tower, picture_set(numbers))
    assert rows.dtype == np.float32
    assert rows == pytest.approx(tower.encode_pictures(map(colour, numbers)), abs=1e-6)
    assert (rows[1] == rows[3]).all()


def test_a_picture_that_occurs_twice_is_encoded_once(tower: ImageTower):
    reader = Counting([7, 8, 7, 7, 8, 9])
    features(tower, reader.pictures)
    assert reader.seen == [7, 8, 9]


def test_a_second_call_and_a_larger_set_encode_only_what_is_new(tower: ImageTower):
    first = features(tower, picture_set(range(6)))
    again = Counting(range(6))
    assert (features(tower, again.pictures) == first).all()
    assert again.seen == []
    larger = Counting(range(3, 10))
    rows = features(tower, larger.pictures)
    assert larger.seen == [6, 7, 8, 9]
    assert (rows[:3] == first[3:]).all()


def test_a_killed_call_goes_on_where_it_stopped(tower: ImageTower):
    killed = Counting(range(11), fails_at=9)
    with pytest.raises(KeyboardInterrupt):
        features(tower, killed.pictures)
    assert killed.seen == list(range(9))
    resumed = Counting(range(11))
    rows = features(tower, resumed.pictures)
    assert resumed.seen == [8, 9, 10]  # the two shards before the kill were kept
    assert rows == pytest.approx(tower.encode_pictures(map(colour, range(11))), abs=1e-6)


def test_a_larger_set_goes_on_from_the_shards_of_a_killed_one(tower: ImageTower):
    with pytest.raises(KeyboardInterrupt):
        features(tower, Counting(range(11), fails_at=9).pictures)
    other = Counting([20, 7, 3, 8])
    features(tower, other.pictures)
    assert other.seen == [20, 8]


def test_one_table_is_left_and_the_shards_are_gone(tower: ImageTower, cache: Path):
    with pytest.raises(KeyboardInterrupt):
        features(tower, Counting(range(9), fails_at=8).pictures)
    assert len(files(cache)) == 2
    features(tower, picture_set(range(9)))
    [table] = files(cache)
    assert np.load(table)["digest"].shape == (9, 32)


def test_the_rows_are_mapped_and_what_is_written_stays_out_of_the_file(tower: ImageTower):
    first = features(tower, picture_set(range(5)))
    assert isinstance(first, np.memmap)
    before = first.copy()
    first[:] = 0
    again = features(tower, picture_set(range(5)))
    assert (again == before).all()
    assert (again @ again.T).diagonal() == pytest.approx(np.ones(5), abs=1e-5)


def test_another_order_or_another_picture_is_another_table(tower: ImageTower, cache: Path):
    first = features(tower, picture_set([1, 2, 3]))
    turned, larger = Counting([3, 1, 2]), Counting([1, 2, 4])
    assert (features(tower, turned.pictures) == first[[2, 0, 1]]).all()
    features(tower, larger.pictures)
    assert (turned.seen, larger.seen) == ([], [4])
    assert len(files(cache)) == 3


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


DAMAGES = {
    "cut": lambda file: file.write_bytes(file.read_bytes()[:-50]),
    "empty": lambda file: file.write_bytes(b""),
    "a flipped bit": flip,
    "another array": lambda file: np.save(file, np.zeros((8, 384), np.float32)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_shard_is_reported_and_made_again(
    tower: ImageTower, cache: Path, caplog: pytest.LogCaptureFixture, damage: str
):
    with pytest.raises(KeyboardInterrupt):
        features(tower, Counting(range(9), fails_at=8).pictures)
    file = files(cache)[0]
    DAMAGES[damage](file)
    again = Counting(range(8))
    with caplog.at_level(logging.WARNING):
        rows = features(tower, again.pictures)
    assert rows == pytest.approx(tower.encode_pictures(map(colour, range(8))), abs=1e-6)
    assert again.seen in ([0, 1, 2, 3], [4, 5, 6, 7])
    assert f"{file} is damaged" in caplog.text


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_table_is_reported_and_made_again(
    tower: ImageTower, cache: Path, caplog: pytest.LogCaptureFixture, damage: str
):
    before = features(tower, picture_set(range(8))).copy()
    features(tower, picture_set(range(6)))
    file = next(file for file in files(cache) if np.load(file, mmap_mode="r").shape == (8,))
    DAMAGES[damage](file)
    again = Counting(range(8))
    with caplog.at_level(logging.WARNING):
        rows = features(tower, again.pictures)
    assert rows == pytest.approx(before, abs=1e-6)
    assert f"{file} is damaged" in caplog.text
    assert again.seen == [6, 7]  # the others are in another set's table
    healed = Counting(range(8))
    features(tower, healed.pictures)
    assert healed.seen == []


def test_where_nothing_can_be_written_the_rows_are_returned_with_a_warning(
    tower: ImageTower, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "cache").write_text("a file stands where the folder should be")
    rows = features(tower, picture_set([1, 2, 1]))
    assert rows == pytest.approx(tower.encode_pictures(map(colour, [1, 2, 1])), abs=1e-6)
    assert "the features of colours are not kept" in caplog.text


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=12), min_size=1, max_size=4))
def test_each_picture_has_its_own_row_and_is_encoded_once_whatever_sets_there_are(
    tower: ImageTower, tmp_path_factory: pytest.TempPathFactory, sets: list[list[int]]
):
    rows = tower.encode_pictures(map(colour, range(10)))
    readers = [Counting(numbers) for numbers in sets]
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LEXCLIP_CACHE", str(tmp_path_factory.mktemp("cache")))
        for reader in readers:
            assert features(tower, reader.pictures) == pytest.approx(rows[reader.numbers], abs=1e-6)
    seen = [number for reader in readers for number in reader.seen]
    assert sorted(seen) == sorted({number for numbers in sets for number in numbers})


CHILD = """
import hashlib
from pathlib import Path
import numpy as np
from lexclip_core.datasets.pictures.features import picture_features

class Tower:
    identity = "a tower that costs nothing" * 3
    def encode_pictures(self, pictures):
        return np.array([np.full(512, picture, np.float32) for picture in pictures])

class Pictures:
    name = "numbers"
    digests = tuple(hashlib.sha256(str(number).encode()).hexdigest() for number in range(50_000))
    def __len__(self):
        return len(self.digests)
    def read(self, place):
        return place

def status(name):
    return int(Path("/proc/self/status").read_text().split(name)[1].split()[0]) / 1024

before = status("VmRSS:")
rows = picture_features(Tower(), Pictures(), shard=5000)
print(len(rows), float(rows[49_500, 7]), status("VmRSS:") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads its memory from /proc")
def test_a_large_table_opens_in_flat_memory():
    """A process of its own opens 100 MB of rows and its memory grows by a small part of that."""
    grown = []
    for _ in range(2):  # made, then opened
        out = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
        length, value, more = out.stdout.split()
        assert (int(length), float(value)) == (50_000, 49_500)
        grown.append(float(more))
    assert grown[1] < 40


@pytest.mark.usefixtures("bfloat16")
def test_two_towers_never_share(tower: ImageTower, cache: Path):
    other = load_image("tiny-random", device="cpu", dtype="bfloat16")
    features(tower, picture_set(range(3)))
    reader = Counting(range(3))
    rows = features(other, reader.pictures)
    assert reader.seen == [0, 1, 2]
    assert (rows == other.encode_pictures(map(colour, range(3)))).all()
    assert len(list(cache.iterdir())) == 2


def test_writers_at_once_end_with_the_same_rows(tower: ImageTower):
    results: dict[str, np.ndarray] = {}

    def work(name: str, numbers: Sequence[int]) -> None:
        results[name] = features(tower, picture_set(numbers))

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
    features(tower, silent.pictures)
    assert silent.seen == []


def test_real_photographs_of_every_layout_are_encoded_once(tower: ImageTower, cache: Path, evaldata: Path):
    sets = [
        open_captions("flickr8k", evaldata / "flickr8k_sample", split="all").sample(8).pictures,
        open_captions("coco", evaldata / "coco_mini").sample(8).pictures,
        sources.open_set("imagenet", evaldata / "imagenet_sample", sample="all").subset(
            ["n01440764", "n01484850"]
        ),
        sources.open_set("fer2013", evaldata / "fer2013_sample").subset(["happy"]),
    ]
    for pictures in sets:
        rows = picture_features(tower, pictures)
        assert rows.shape == (len(pictures), tower.dim)
        assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(pictures)), abs=1e-4)
    assert [len(pictures) for pictures in sets] == [8, 8, 2, 40]
    assert len(files(cache)) == len(sets)


def test_an_empty_set_is_refused(tower: ImageTower):
    with pytest.raises(InputError, match="colours has no pictures"):
        features(tower, picture_set([]))


def test_a_picture_that_cannot_be_read_stops_the_call(tower: ImageTower):
    def read(place: int) -> Image.Image:
        raise InputError("dog.png is cut short", "save it again")

    with pytest.raises(InputError, match=r"dog\.png is cut short"):
        features(tower, picture_set([1], read))


def test_pictures_that_cannot_be_read_are_named_and_the_others_are_encoded(tower: ImageTower):
    sound = Counting(range(10))

    def read(place: int) -> Image.Image:
        if place in (2, 7):
            raise DamagedFileError(f"{place}.png is damaged", "save the picture again")
        return sound(place)

    with pytest.raises(
        InputError, match=r"2 of 10 pictures of colours cannot be read, the first: 2\.png is damaged"
    ):
        features(tower, picture_set(range(10), read))
    assert sorted(sound.seen) == [0, 1, 3, 4, 5, 6, 8, 9]
    numbers = [number for number in range(10) if number not in (2, 7)]
    rest = Counting(numbers)
    rows = features(tower, rest.pictures)
    assert rest.seen == []  # all of them are kept
    expected = tower.encode_pictures(colour(number) for number in numbers)
    np.testing.assert_allclose(rows, expected, atol=1e-6)
