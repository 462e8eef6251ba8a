"""CIFAR from made-up batches in the official layout, and what is refused before anything is unpickled."""

from __future__ import annotations

import hashlib
import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets import CIFAR10, CIFAR100

from lexclip_core.datasets.pictures import cifar
from lexclip_core.datasets.pictures.sources import PICTURE_SOURCES, open_set
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

TEN = list(cifar.SYNSETS)
HUNDRED = ["apple", "aquarium_fish", *(f"class_{number}" for number in range(98))]
LABELS = [0] * 31 + [2, 1]


def batches(path: Path, monkeypatch: pytest.MonkeyPatch, reader: type = CIFAR10) -> Path:
    """Write a test part of 33 pictures, and have torchvision expect the md5 sums of these files."""
    ten = reader is CIFAR10
    pixels = np.zeros((len(LABELS), 3, 32, 32), dtype=np.uint8)
    pixels[:, 0, 0, 1] = np.arange(len(LABELS))  # red, first row, second column
    part = {"data": pixels.reshape(len(LABELS), -1), "labels" if ten else "fine_labels": LABELS}
    place = path / reader.base_folder
    place.mkdir()

    def written(name: str, content: dict) -> str:
        (place / name).write_bytes(pickle.dumps(content))
        return hashlib.md5((place / name).read_bytes()).hexdigest()

    monkeypatch.setattr(reader, "train_list", [[f, written(f, part)] for f, _ in reader.train_list])
    monkeypatch.setattr(reader, "test_list", [[f, written(f, part)] for f, _ in reader.test_list])
    names = {reader.meta["key"]: TEN if ten else HUNDRED}
    md5 = written(reader.meta["filename"], names)
    monkeypatch.setattr(reader, "meta", reader.meta | {"md5": md5})
    return place


def test_pictures_have_their_colours_labels_and_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    place = batches(tmp_path, monkeypatch)
    found = open_set("cifar-10", tmp_path, sample="all")
    assert [(one.key, one.synset) for one in found.classes] == list(cifar.SYNSETS.items())
    assert Counter(found.labels.tolist()) == {0: 31, 1: 1, 2: 1}
    assert found.titles[31:] == ("automobile, test 32", "bird, test 31")
    assert found.read(31).getpixel((1, 0)) == (32, 0, 0)
    assert found.read(31).getpixel((0, 1)) == (0, 0, 0)
    assert open_set("cifar-10", place, sample="all").digests == found.digests


def test_thirty_of_a_class_are_drawn_by_the_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    batches(tmp_path, monkeypatch)
    drawn = {open_set("cifar-10", tmp_path, seed=seed).titles for seed in range(5)}
    assert {len(titles) for titles in drawn} == {32}
    assert len(drawn) > 1
    assert open_set("cifar-10", tmp_path, seed=0).titles in drawn


def test_cifar_100_has_its_fine_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    batches(tmp_path, monkeypatch, CIFAR100)
    found = open_set("cifar-100", tmp_path)
    assert [one.key for one in found.classes] == HUNDRED
    assert found.classes[1].name == "aquarium fish"
    assert found.labels.tolist() == [0] * 30 + [1, 2]
    assert PICTURE_SOURCES["cifar-100"].count(tmp_path) == {"classes": 100, "pictures": 10_000}


def test_a_file_that_is_not_the_published_one_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = batches(tmp_path, monkeypatch)
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple:
            return Path.touch, (trap,)

    (place / "test_batch").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DamagedFileError, match="test_batch is not the published file"):
        open_set("cifar-10", tmp_path)
    assert not trap.exists()
    pickle.loads((place / "test_batch").read_bytes())
    assert trap.exists()  # the trap works


def test_the_first_wrong_path_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(MissingResourceError, match="cifar-10-batches-py/data_batch_1 is not there"):
        PICTURE_SOURCES["cifar-10"].count(tmp_path)
    place = batches(tmp_path, monkeypatch)
    (place / "batches.meta").unlink()
    with pytest.raises(MissingResourceError, match=r"batches\.meta is not there"):
        open_set("cifar-10", tmp_path)
    with pytest.raises(InputError, match="CIFAR-10 has no sample 'released'"):
        PICTURE_SOURCES["cifar-10"].count(tmp_path, sample="released")
