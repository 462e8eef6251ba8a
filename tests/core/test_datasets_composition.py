"""Tests of composition are read in their own formats, their pictures cut to the box, and bad files named."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from case_tables import each
from PIL import Image

from lexclip_core.datasets import composition
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

RELATION = {
    "image_id": "2320",
    "image_path": "2320.jpg",
    "bbox_x": 2,
    "bbox_y": 1,
    "bbox_w": 4,
    "bbox_h": 3,
    "relation_name": "to the left of",
    "true_caption": "the dog is to the left of the tree",
    "false_caption": "the tree is to the left of the dog",
}
ATTRIBUTION = {
    **{key: value for key, value in RELATION.items() if key not in ("relation_name", "image_path")},
    "attributes": ["white", "black"],
    "true_caption": "the white cat and the black sofa",
    "false_caption": "the black cat and the white sofa",
}
CREPE = {"filename": "1.jpg", "caption": "A red bus.", "negative_caption": "A blue bus."}


def written(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_aros_files_are_read_with_their_boxes_and_groups(tmp_path: Path):
    written(tmp_path / "visual_genome_relation.json", [RELATION])
    written(tmp_path / "visual_genome_attribution.json", [ATTRIBUTION])
    assert composition.available(tmp_path) == ("vg-relation", "vg-attribution")
    found = composition.read("vg-relation", tmp_path)
    assert (found.images, found.groups) == (("2320.jpg",), ("to the left of",))
    assert found.true == ("the dog is to the left of the tree",)
    assert found.false == ("the tree is to the left of the dog",)
    assert found.boxes.tolist() == [[2, 1, 4, 3]]
    other = composition.read("vg-attribution", tmp_path)
    assert (other.images, other.groups) == (("2320.jpg",), ("white_black",))
    assert other.paraphrases == ()


def test_a_picture_is_cut_to_its_box(tmp_path: Path):
    written(tmp_path / "visual_genome_relation.json", [RELATION])
    pixels = np.random.default_rng(0).integers(0, 255, (10, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "2320.jpg", format="PNG")
    tests = composition.read("vg-relation", tmp_path)
    assert np.array_equal(np.asarray(composition.read_picture(tests, 0, tmp_path)), pixels[1:4, 2:6])
    whole = composition.CaptionTests("x", ("2320.jpg",), ("a",), ("b",), ("c",))
    assert np.array_equal(np.asarray(composition.read_picture(whole, 0, tmp_path)), pixels)
    (tmp_path / "2320.jpg").unlink()
    with pytest.raises(MissingResourceError, match=r"2320\.jpg is not there"):
        composition.read_picture(tests, 0, tmp_path)


@pytest.mark.parametrize("box", [(2, 1, 0, 3), (2, 1, 4, -3), (-9, 1, 4, 3)])
def test_a_box_without_a_size_or_before_the_picture_is_refused(tmp_path: Path, box: tuple[int, ...]):
    item = RELATION | dict(zip(("bbox_x", "bbox_y", "bbox_w", "bbox_h"), box, strict=True))
    written(tmp_path / "visual_genome_relation.json", [RELATION, item])
    with pytest.raises(InputError, match=r"the box of item 1 is \["):
        composition.read("vg-relation", tmp_path)


@pytest.mark.parametrize(
    ("box", "size"),
    [((9, 7, 4, 4), (3, 3)), ((-1, 0, 4, 3), (3, 3)), ((20, 1, 4, 3), None), ((8, 8, 40, 30), None)],
)
def test_boxes_are_checked_against_the_picture(
    tmp_path: Path, box: tuple[int, ...], size: tuple[int, int] | None
):
    item = RELATION | dict(zip(("bbox_x", "bbox_y", "bbox_w", "bbox_h"), box, strict=True))
    written(tmp_path / "visual_genome_relation.json", [item])
    Image.new("RGB", (12, 10)).save(tmp_path / "2320.jpg")
    tests = composition.read("vg-relation", tmp_path)
    if size:  # people drew some boxes a little over the edge
        assert composition.read_picture(tests, 0, tmp_path).size == size
    else:
        with pytest.raises(InputError, match=r"2320\.jpg is 12 x 10 pixels, its box \[.* lies beyond"):
            composition.read_picture(tests, 0, tmp_path)


def test_sugarcrepes_files_are_its_kinds_listed_or_keyed(tmp_path: Path):
    for kind in ("replace_att", "swap_att"):
        written(tmp_path / "sugarcrepe" / f"{kind}.json", {"0": CREPE, "1": CREPE})
        written(
            tmp_path / "sugarcrepe_pp" / f"{kind}.json", [{"id": 0, **CREPE, "caption2": "The bus is red."}]
        )
    plain = composition.read("sugarcrepe", tmp_path, ("swap_att", "replace_att"))
    assert plain.groups == ("replace_att",) * 2 + ("swap_att",) * 2
    assert plain.boxes is None
    double = composition.read("sugarcrepe-pp", tmp_path, ("swap_att",))
    assert (double.true, double.paraphrases) == (("A red bus.",), ("The bus is red.",))
    assert double.texts() == ("A red bus.", "The bus is red.", "A blue bus.")
    # and in the folder of the set itself
    assert len(composition.read("sugarcrepe-pp", tmp_path / "sugarcrepe_pp", ("swap_att",))) == 1
    with pytest.raises(MissingResourceError, match=r"add_att\.json is not there\n.*sugar-crepe"):
        composition.read("sugarcrepe", tmp_path)


@each(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ([{**RELATION, "bbox_w": "wide"}], r"0\.bbox_w is 'wide'"),
        ([RELATION, {"image_path": "x"}], r"1\.bbox_x is missing"),
        ([{**RELATION, "false_caption": " "}], r"0\.false_caption is ' '"),
        ({"7": [1]}, r"7 is \[1\]"),
    ],
)
def test_damaged_files_are_named(tmp_path: Path, content: object, message: str):
    path = written(tmp_path / "visual_genome_relation.json", content)
    if content == "{":
        path.write_text("{", "utf-8")
    with pytest.raises(DamagedFileError, match=message):
        composition.read("vg-relation", tmp_path)


def test_unknown_sets_and_kinds_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="unknown composition set 'winoground'"):
        composition.read("winoground", tmp_path)
    with pytest.raises(InputError, match="SugarCrepe has no kind 'swap_rel'"):
        composition.read("sugarcrepe", tmp_path, ("swap_rel",))
    with pytest.raises(InputError, match="do not fit"):
        composition.CaptionTests("x", ("1.jpg",), ("a",), (), ("c",))
    with pytest.raises(InputError, match=r"lengths \[0, 0, 0, 0\]"):
        composition.CaptionTests("x", (), (), (), ())


def test_the_official_sugarcrepe_is_complete(evaldata: Path):
    tests = composition.read("sugarcrepe", evaldata)
    assert len(tests) == composition.CARDS["sugarcrepe"].rows == 7511
    assert len(set(tests.groups)) == 7


def test_the_part_of_sugarcrepe_pp_that_is_there_is_read(evaldata: Path):
    tests = composition.read("sugarcrepe-pp", evaldata, ("replace_att", "swap_att"))
    assert {kind: tests.groups.count(kind) for kind in tests.groups} == {"replace_att": 788, "swap_att": 666}
    assert len(tests.paraphrases) == 1454
