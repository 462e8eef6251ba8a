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
HUNDRED = sorted(key for keys in cifar.SUPERCLASSES.values() for key in keys)
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


def test_every_fine_class_has_one_given_hypernym():
    given = cifar.given_hypernyms()
    assert len(given) == 100
    assert Counter(given.values()) == {coarse.rstrip(" 12"): 5 for coarse in cifar.SUPERCLASSES} | {
        "vehicles": 10
    }
    assert given["bus"] == given["tank"] == "vehicles"


def test_pictures_go_by_their_superclass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    batches(tmp_path, monkeypatch, CIFAR100)
    fine = open_set("cifar-100", tmp_path)
    coarse = cifar.by_superclass(fine)
    assert [one.name for one in coarse.classes] == list(cifar.SUPERCLASSES)
    for before, after in zip(fine.labels, coarse.labels, strict=True):
        assert fine.classes[before].key in cifar.SUPERCLASSES[coarse.classes[after].key]
    assert {coarse.classes[label].name for label in coarse.labels} == {
        "fruit and vegetables",  # apple
        "fish",  # aquarium fish
        "people",  # baby
    }
    assert coarse.digests == fine.digests
    assert coarse.name == "cifar-100-heldout-coarse"
    batches(tmp_path / "cifar-100-python", monkeypatch)
    with pytest.raises(InputError, match="'airplane' is not a class of CIFAR-100"):
        cifar.by_superclass(open_set("cifar-10", tmp_path / "cifar-100-python"))


def test_the_given_hypernyms_are_the_published_ones(evaldata: Path):
    place = evaldata / "classes" / "cifar100_table.tsv"
    if not place.is_file():
        pytest.skip(f"{place} is not there")
    rows = [line.split("\t") for line in place.read_text("utf-8").splitlines()[1:]]
    published = {fine: coarse.replace("_", " ") for _, fine, _, coarse in rows}
    assert {key: coarse for coarse, keys in cifar.SUPERCLASSES.items() for key in keys} == published
    assert [row[1] for row in rows] == HUNDRED
