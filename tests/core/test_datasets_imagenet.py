"""ImageNet's pictures in every layout that people have, made up small, and the real sample where it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from lexclip_core.datasets.class_names import name_set
from lexclip_core.datasets.pictures import imagenet
from lexclip_core.datasets.pictures.imagenet import wnids
from lexclip_core.datasets.pictures.picture_set import PictureClass, named_classes
from lexclip_core.datasets.pictures.sources import PICTURE_SOURCES, open_set
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.wordnet.tables import load_wordnet

count = PICTURE_SOURCES["imagenet"].count
TENCH, GOLDFISH, CRANE = "n01440764", "n01443537", "n02012849"


def paint(file: Path, shade: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (shade, shade, shade)).save(file, "JPEG")


def by_wnid(place: Path, counts: dict[str, int]) -> None:
    for number, (wnid, count) in enumerate(counts.items()):
        for picture in range(count):
            paint(place / wnid / f"{wnid}_{picture}.JPEG", 50 * number + picture)


def flat(path: Path, classes: list[int]) -> Path:
    """Write the official val layout: pictures by number, classes and wnids in the development kit."""
    for number in range(1, len(classes) + 1):
        paint(path / "val" / f"ILSVRC2012_val_{number:08d}.JPEG", number)
    kit = path / "ILSVRC2012_devkit_t12" / "data"
    kit.mkdir(parents=True)
    (kit / "ILSVRC2012_validation_ground_truth.txt").write_text("".join(f"{one}\n" for one in classes))
    rows = [(1, GOLDFISH), (2, TENCH), (1001, "n00001740")]  # the kit's numbers are in no class order
    synsets = np.array(rows, dtype=[("ILSVRC2012_ID", object), ("WNID", object)])
    savemat(kit / "meta.mat", {"synsets": synsets.reshape(-1, 1)})
    return kit


def test_classes_stand_in_the_challenges_order_with_their_first_lemma(tmp_path: Path):
    by_wnid(tmp_path / "val", {CRANE: 1, TENCH: 2})
    by_wnid(tmp_path / "train", {TENCH: 3})
    found = open_set("imagenet", tmp_path)
    assert [(one.key, one.name, one.synset) for one in found.classes] == [
        (TENCH, "tench", TENCH),
        (CRANE, "crane", CRANE),
    ]
    assert found.labels.tolist() == [0, 0, 1]
    assert found.titles[0] == f"{TENCH}/{TENCH}_0.JPEG"
    assert found.read(2).getpixel((0, 0)) == (0, 0, 0)
    assert count(tmp_path) == {"classes": 2, "pictures": 3}
    assert count(tmp_path, sample="released") == {"classes": 1, "pictures": 3}


def test_curated_names_stand_for_first_lemmas_which_become_synonyms(tmp_path: Path):
    cock = "n01514668"
    by_wnid(tmp_path / "val", {TENCH: 1, cock: 1})
    found = open_set("imagenet", tmp_path)
    chosen = imagenet.curated(found)
    assert [one.name for one in found.classes] == ["tench", "cock"]
    assert [(one.key, one.name, one.synset) for one in chosen.classes] == [
        (TENCH, "tench", TENCH),
        (cock, "rooster", cock),
    ]
    assert chosen.digests == found.digests
    wordnet = load_wordnet()
    named = {one.key: one for one in name_set(wordnet, named_classes(chosen, wordnet), "synonym").classes}
    assert (named[cock].original, named[cock].alternatives) == ("rooster", ("cock",))
    with pytest.raises(InputError, match="'cat' is not a class of ImageNet"):
        imagenet.curated(replace(found, classes=(PictureClass("cat", "cat"), found.classes[0])))


def test_samples_are_thirty_a_class_seeded_and_from_the_named_part(tmp_path: Path):
    by_wnid(tmp_path / "val", {TENCH: 33, GOLDFISH: 2})
    by_wnid(tmp_path / "train", {GOLDFISH: 31})
    held, again = open_set("imagenet", tmp_path, seed=1), open_set("imagenet", tmp_path, seed=1)
    assert np.bincount(held.labels).tolist() == [30, 2]
    assert held.titles == again.titles
    assert held.titles != open_set("imagenet", tmp_path, seed=2).titles
    assert np.bincount(open_set("imagenet", tmp_path, sample="all").labels).tolist() == [33, 2]
    released = open_set("imagenet", tmp_path, sample="released")
    assert [one.key for one in released.classes] == [GOLDFISH]
    assert len(released) == 30


def test_a_folder_of_wnids_without_a_part_is_read(tmp_path: Path):
    by_wnid(tmp_path, {TENCH: 1})
    (tmp_path / ".cache").mkdir()
    assert count(tmp_path) == {"classes": 1, "pictures": 1}


def test_the_official_flat_folder_takes_its_classes_from_the_kit(tmp_path: Path):
    flat(tmp_path, [1, 2, 1])
    found = open_set("imagenet", tmp_path)
    assert [one.key for one in found.classes] == [TENCH, GOLDFISH]
    assert [(title[-13:-5], label) for title, label in zip(found.titles, found.labels, strict=True)] == [
        ("00000002", 0),
        ("00000001", 1),
        ("00000003", 1),
    ]


@pytest.mark.parametrize("file", ["meta.mat", "ILSVRC2012_validation_ground_truth.txt"])
def test_a_flat_folder_wants_the_whole_kit(tmp_path: Path, file: str):
    kit = flat(tmp_path, [1])
    (kit / file).write_bytes(b"\xff no table")
    with pytest.raises(DamagedFileError, match="ILSVRC2012_devkit_t12"):
        count(tmp_path)
    (kit / file).unlink()
    with pytest.raises(MissingResourceError, match=file):
        count(tmp_path)


@pytest.mark.parametrize(
    ("classes", "message"), [([], "00000001.JPEG has no line"), ([1001], "none of the 1,000 wnids")]
)
def test_a_kit_that_does_not_cover_a_picture_is_damaged(tmp_path: Path, classes: list[int], message: str):
    flat(tmp_path, classes)
    paint(tmp_path / "val" / "ILSVRC2012_val_00000001.JPEG", 1)
    with pytest.raises(DamagedFileError, match=message):
        count(tmp_path)


def test_the_first_wrong_path_is_named(tmp_path: Path):
    with pytest.raises(MissingResourceError, match="nowhere is not there"):
        count(tmp_path / "nowhere")
    with pytest.raises(MissingResourceError, match="val is not there"):
        count(tmp_path)
    with pytest.raises(MissingResourceError, match="train is not there"):
        count(tmp_path, sample="released")
    by_wnid(tmp_path / "val", {TENCH: 1})
    (tmp_path / "val" / GOLDFISH).mkdir()
    with pytest.raises(InputError, match=f"{GOLDFISH} holds no picture"):
        count(tmp_path)
    (tmp_path / "val" / "n00001740").mkdir()
    with pytest.raises(InputError, match="'n00001740' is not one of ImageNet's 1,000"):
        count(tmp_path)
    with pytest.raises(InputError, match=r"no sample 'most'.*\n.*heldout, released, all"):
        open_set("imagenet", tmp_path, sample="most")


def test_the_real_sample_has_one_picture_of_500_classes(evaldata: Path):
    place = evaldata / "imagenet_sample"
    if not place.is_dir():
        pytest.skip(f"{place} is not there")
    assert count(place) == {"classes": 500, "pictures": 500}
    found = open_set("imagenet", place)
    order = wnids()
    places = [order.index(one.key) for one in found.classes]
    assert places == sorted(places)
    assert found.labels.tolist() == list(range(500))
    assert all(title.startswith(one.key) for title, one in zip(found.titles, found.classes, strict=True))
    assert found.read(0).mode == "RGB"
    lines = (evaldata / "classes" / "imagenet1k_table.tsv").read_text("utf-8").splitlines()[1:]
    lemmas = {cells[1]: cells[5].split("|")[0] for cells in (line.split("\t") for line in lines)}
    assert {one.key: one.name for one in found.classes}.items() <= lemmas.items()
