"""OpenImages by Google's tables and by the blog's released list, made up small."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import numpy as np
import pytest
from case_tables import each
from PIL import Image

from lexclip_core.datasets.cards import CARDS
from lexclip_core.datasets.pictures import openimages
from lexclip_core.datasets.pictures.sources import PICTURE_SOURCES, open_set
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

count = PICTURE_SOURCES["openimages"].count
CAT, DOG = "/m/01yrx", "/m/0bt9lr"


def paint(path: Path, ids: list[str], folder: str = "images") -> None:
    (path / folder).mkdir(exist_ok=True)
    for shade, name in enumerate(ids):
        Image.new("RGB", (4, 4), (shade, 0, 0)).save(path / folder / f"{name}.jpg")


def tables(path: Path, rows: list[tuple[str, str, str]]) -> None:
    """Write (picture, label, confidence) rows and the names of the two labels."""
    lines = [f"{picture},verification,{label},{confidence}" for picture, label, confidence in rows]
    text = "\n".join(["ImageID,Source,LabelName,Confidence", *lines]) + "\n"
    (path / openimages.LABELS[0]).write_text(text)
    (path / openimages.DESCRIPTIONS[0]).write_text(f'LabelName,DisplayName\n{DOG},Dog\n{CAT},"Cat, tame"\n')


def released(path: Path, rows: list[tuple[str, str, str]]) -> None:
    lines = ["ImageID,LabelName,wordnet_label", *(",".join(row) for row in rows)]
    (path / openimages.RELEASED).write_text("\n".join(lines) + "\n")


def test_confirmed_labels_with_a_picture_are_read(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    tables(tmp_path, [("a", DOG, "1"), ("b", DOG, "0"), ("b", CAT, "1"), ("a", CAT, "1"), ("c", CAT, "1")])
    paint(tmp_path, ["a", "b"])
    with caplog.at_level(logging.WARNING):
        found = open_set("openimages", tmp_path)
    assert [(one.key, one.name, one.synset) for one in found.classes] == [
        (CAT, "Cat, tame", "cat.n.01"),
        (DOG, "Dog", "dog.n.01"),
    ]
    assert list(zip(found.titles, found.labels.tolist(), strict=True)) == [
        ("images/b.jpg", 0),
        ("images/a.jpg", 0),
        ("images/a.jpg", 1),
    ]
    assert "1 labels are of pictures that are not on disk" in caplog.text
    assert count(tmp_path) == {"classes": 2, "pictures": 3, "missing": 1}


def test_thirty_of_a_class_are_drawn_by_the_seed(tmp_path: Path):
    ids = [f"{number:016x}" for number in range(33)]
    tables(tmp_path, [(one, DOG, "1") for one in ids])
    paint(tmp_path, ids, "test")
    held = open_set("openimages", tmp_path)
    assert len(held) == 30
    assert len({open_set("openimages", tmp_path, seed=seed).titles for seed in range(3)}) > 1
    assert open_set("openimages", tmp_path).titles == held.titles
    assert len(open_set("openimages", tmp_path, sample="all")) == 33


def test_classes_without_a_synset_are_in_the_whole_set_alone(tmp_path: Path):
    jet_ski, unboxed = "/m/01xs3r", "/m/unboxed"
    tables(tmp_path, [("a", DOG, "1"), ("b", jet_ski, "1"), ("c", unboxed, "1")])
    with (tmp_path / openimages.DESCRIPTIONS[0]).open("a") as stream:
        stream.write(f"{jet_ski},Jet ski\n{unboxed},Fog\n")
    paint(tmp_path, ["a", "b", "c"])
    assert [one.key for one in open_set("openimages", tmp_path).classes] == [DOG]
    assert count(tmp_path) == {"classes": 1, "pictures": 1, "missing": 0}
    whole = open_set("openimages", tmp_path, sample="all").classes
    assert {one.name: one.synset for one in whole} == {"Dog": "dog.n.01", "Jet ski": "", "Fog": ""}


@each("header", ["", "LabelName,DisplayName\n"])
@each("file", openimages.DESCRIPTIONS)
def test_tables_of_names_may_have_a_header_or_none(tmp_path: Path, file: str, header: str):
    tables(tmp_path, [("a", DOG, "1"), ("a", CAT, "1")])
    (tmp_path / openimages.LABELS[0]).rename(tmp_path / openimages.LABELS[3])
    (tmp_path / openimages.DESCRIPTIONS[0]).unlink()
    (tmp_path / file).write_text(f"{header}{DOG},Dog\n{CAT},Cat\n")
    paint(tmp_path, ["a"], ".")
    assert [one.name for one in open_set("openimages", tmp_path).classes] == ["Cat", "Dog"]


def test_the_released_list_joins_labels_of_one_synset(tmp_path: Path):
    dog = "n02084071"
    released(
        tmp_path, [("a", DOG, dog), ("b", "/m/other", dog), ("a", "/m/other", dog), ("c", CAT, "n02121808")]
    )
    paint(tmp_path, ["a", "b", "c"], "train")
    found = open_set("openimages", tmp_path, sample="released")
    assert [(one.key, one.name, one.synset) for one in found.classes] == [
        (dog, dog, dog),
        ("n02121808",) * 3,
    ]
    assert np.bincount(found.labels).tolist() == [2, 1]
    assert count(tmp_path, sample="released") == {"classes": 2, "pictures": 3, "missing": 0}


def test_the_first_wrong_path_is_named(tmp_path: Path):
    with pytest.raises(MissingResourceError, match="nowhere is not there"):
        count(tmp_path / "nowhere")
    with pytest.raises(MissingResourceError, match=re.escape(f"{openimages.LABELS[0]} is not there")):
        count(tmp_path)
    with pytest.raises(MissingResourceError, match=f"{openimages.RELEASED} is not there.*\n.*clip_lexical"):
        count(tmp_path, sample="released")
    tables(tmp_path, [("a", DOG, "1")])
    with pytest.raises(MissingResourceError, match=r"images/a\.jpg is not there"):
        count(tmp_path)
    (tmp_path / openimages.DESCRIPTIONS[0]).unlink()
    with pytest.raises(MissingResourceError, match=re.escape(f"{openimages.DESCRIPTIONS[0]} is not there")):
        count(tmp_path)
    with pytest.raises(InputError, match="no sample 'most'"):
        count(tmp_path, sample="most")


def test_damaged_tables_are_named(tmp_path: Path):
    paint(tmp_path, ["a"])
    tables(tmp_path, [("a", "/m/unheard", "1")])
    with pytest.raises(DamagedFileError, match="no name for '/m/unheard'"):
        count(tmp_path)
    released(tmp_path, [("a", DOG, "a01818992")])
    with pytest.raises(DamagedFileError, match="'a01818992' is not a wnid"):
        count(tmp_path, sample="released")
    (tmp_path / openimages.LABELS[0]).write_text("ImageID,LabelName\na,b\n")
    with pytest.raises(DamagedFileError, match="column 'Confidence' is missing"):
        count(tmp_path)


def test_the_published_list_has_197_synsets(evaldata: Path, tmp_path: Path):
    place = evaldata / "lexical_blog" / openimages.RELEASED
    if not place.is_file():
        pytest.skip(f"{place} is not there")
    (tmp_path / openimages.RELEASED).write_bytes(place.read_bytes())
    rows = [line.split(",") for line in place.read_text("utf-8").splitlines()[1:]]
    paint(tmp_path, list({wnid: picture for picture, _, wnid in rows}.values()))
    found = count(tmp_path, sample="released")
    assert found["classes"] == 197
    assert found["pictures"] + found["missing"] <= len(rows) == CARDS["pictures"]["openimages"].rows
