"""Captions in every layout that people have, made up small, and the real samples where they are."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from case_tables import each
from PIL import Image

from lexclip_core import storage
from lexclip_core.datasets.captions import CaptionSet, open_captions
from lexclip_core.datasets.cards import text_sources
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

WROTE = {
    "b.jpg": ("A dog , brown , runs .", "One dog"),
    "a.jpg": ("Two cats sleep", "Cats | kittens", 'A cat says "no"'),
}
SPLIT = {"b.jpg": "train", "a.jpg": "test"}


def paint(folder: Path, names=WROTE) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", (4, 4), (50 * number, 0, 0)).save(folder / name, "JPEG")


def coco_json(file: Path, **changes: object) -> Path:
    images = [{"id": number, "file_name": name} for number, name in enumerate(WROTE)]
    rows = [(number, text) for number, name in enumerate(WROTE) for text in WROTE[name]]
    notes = [{"image_id": number, "caption": f"{text} \n"} for number, text in rows]
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {"images": images, "annotations": notes} | changes
    file.write_text(json.dumps(content))
    return file


def karpathy_json(file: Path, **extra: str) -> Path:
    images = [
        {"filename": name, "split": SPLIT[name], "sentences": [{"raw": text} for text in texts], **extra}
        for name, texts in WROTE.items()
    ]
    file.write_text(json.dumps({"images": images, "dataset": "some"}))
    return file


def tokens(file: Path, extra: str = "") -> None:
    lines = [f"{name}#{k}\t{text}\n" for name, texts in WROTE.items() for k, text in enumerate(texts)]
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(lines) + extra, encoding="utf-8")


def tsv(file: Path) -> None:
    lines = [
        f"{name}\t{SPLIT[name]}\t{k}\t{text}\n"
        for name, texts in WROTE.items()
        for k, text in enumerate(texts)
    ]
    file.write_text("image\tsplit\tk\tcaption\n" + "".join(lines), encoding="utf-8")


def comma(file: Path) -> None:
    quoted = {name: ['"' + text.replace('"', '""') + '"' for text in texts] for name, texts in WROTE.items()}
    lines = [f"{name},{text}\n" for name, texts in quoted.items() for text in texts]
    file.write_text("image,caption\n" + "".join(lines), encoding="utf-8")


def bars(file: Path) -> None:
    lines = [f"{name}| {k}| {text}\n" for name, texts in WROTE.items() for k, text in enumerate(texts)]
    lines[1] = "b.jpg| 1   One dog\n"  # as one row of the published table has it
    file.write_text("image_name| comment_number| comment\n" + "".join(lines), encoding="utf-8")


def hub(file: Path) -> None:
    cells = [(json.dumps(texts).replace('"', '""'), SPLIT[name], name) for name, texts in WROTE.items()]
    lines = [f'"{texts}",{split},{name}\n' for texts, split, name in cells]
    file.write_text("raw,split,filename\n" + "".join(lines), encoding="utf-8")


def flickr(folder: Path, split: str = "all", name: str = "flickr8k") -> CaptionSet:
    return open_captions(name, folder, split=split)


LAYOUTS: dict[str, tuple[str, str, Callable[[Path], object]]] = {
    "dataset_flickr8k.json": ("flickr8k", "Images", karpathy_json),
    "dataset_flickr30k.json": ("flickr30k", "flickr30k-images", karpathy_json),
    "Flickr8k.token.txt": ("flickr8k", "Flicker8k_Dataset", tokens),
    "Flickr8k_text/Flickr8k.token.txt": ("flickr8k", "Flickr8k_Dataset/Flicker8k_Dataset", tokens),
    "results_20130124.token": ("flickr30k", "flickr30k-images", tokens),
    "captions.tsv": ("flickr8k", "Images", tsv),
    "captions.txt": ("flickr8k", "Images", comma),
    "captions.csv": ("flickr8k", ".", comma),
    "results.csv": ("flickr30k", "flickr30k_images/flickr30k_images", bars),
    "flickr_annotations_30k.csv": ("flickr30k", "flickr30k-images", hub),
}


@each("layout", LAYOUTS)
def test_every_layout_of_flickr_gives_the_same_pictures_and_captions(tmp_path: Path, layout: str):
    name, place, write = LAYOUTS[layout]
    write(tmp_path / layout)
    paint(tmp_path / place)
    found = flickr(tmp_path, name=name)
    assert (found.name, found.pictures.name) == (name, name)
    assert found.pictures.titles == ("b.jpg", "a.jpg")
    assert found.captions == tuple(WROTE.values())
    assert found.texts == (*WROTE["b.jpg"], *WROTE["a.jpg"])
    np.testing.assert_array_equal(found.picture_of, [0, 0, 1, 1, 1])
    assert found.pictures.classes == ()
    np.testing.assert_array_equal(found.pictures.labels, [-1, -1])
    assert found.pictures.read(1).getpixel((0, 0))[0] == pytest.approx(50, abs=3)
    assert found.pictures.digests[0] == storage.sha256(tmp_path / place / "b.jpg")
    assert text_sources()[name].count(tmp_path, sample="all") == {"pictures": 2, "captions": 5}


@pytest.mark.parametrize("layout", ["dataset_flickr8k.json", "captions.tsv", "flickr_annotations_30k.csv"])
def test_a_part_is_taken_by_the_lists_own_word(tmp_path: Path, layout: str):
    name, place, write = LAYOUTS[layout]
    write(tmp_path / layout)
    paint(tmp_path / place, ["a.jpg"])  # the pictures of another part need not be there
    found = open_captions(name, tmp_path)
    assert (found.name, found.pictures.titles) == (f"{name}-test", ("a.jpg",))
    assert found.title.endswith(", test")
    with pytest.raises(InputError, match="no picture of the part development"):
        flickr(tmp_path, split="development")
    with pytest.raises(InputError, match="no sample 'dev'"):
        flickr(tmp_path, split="dev")


@pytest.mark.parametrize(
    "part", ["Flickr_8k.devImages.txt", "val.txt", "Flickr8k_text/Flickr_8k.devImages.txt"]
)
def test_a_part_is_taken_by_the_list_of_names_beside_the_tokens(tmp_path: Path, part: str):
    tokens(tmp_path / "Flickr8k.token.txt")
    paint(tmp_path / "Images")
    (tmp_path / part).parent.mkdir(exist_ok=True)
    (tmp_path / part).write_text("a.jpg\n" if "8k" in part else "a\n")
    assert flickr(tmp_path, split="development").pictures.titles == ("a.jpg",)
    with pytest.raises(InputError, match="no picture of the part test"):
        flickr(tmp_path, split="test")


def test_the_misprint_of_flickr8k_is_skipped_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    tokens(tmp_path / "Flickr8k.token.txt", "2258277193_586949ec62.jpg.1#0\tSome people\n")
    paint(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert len(flickr(tmp_path)) == 2
    assert "1 pictures are skipped" in caplog.text
    assert "2258277193_586949ec62.jpg.1" in caplog.text


def test_cocos_captions_stand_with_their_pictures_in_the_lists_order(tmp_path: Path):
    coco_json(tmp_path / "annotations" / "captions_val2017.json")
    paint(tmp_path / "val2017")
    found = open_captions("coco", tmp_path)
    assert (found.name, found.captions) == ("coco-val2017", tuple(WROTE.values()))  # without COCO's blanks
    assert found.pictures.titles == ("b.jpg", "a.jpg")
    with pytest.raises(MissingResourceError, match=r"captions_train2017\.json is not there"):
        open_captions("coco", tmp_path, split="train")


def test_a_set_without_a_path_is_looked_for_in_the_folder_of_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LEXCLIP_PICTURES", str(tmp_path))
    with pytest.raises(
        InputError, match=f"flickr8k needs a path\n.* put it at {tmp_path}/flickr8k; get it from http"
    ):
        open_captions("flickr8k")
    paint(tmp_path / "flickr8k" / "Images")
    tsv(tmp_path / "flickr8k" / "captions.tsv")
    assert open_captions("flickr8k").captions == (WROTE["a.jpg"],)
    assert text_sources()["flickr8k"].count(sample="all") == {"pictures": 2, "captions": 5}


def test_karpathys_coco_names_the_folder_of_each_picture(tmp_path: Path):
    karpathy_json(tmp_path / "dataset_coco.json", filepath="val2014")
    paint(tmp_path / "val2014")
    found = open_captions("coco", tmp_path)
    assert (found.name, found.captions) == ("coco-test", (WROTE["a.jpg"],))
    assert open_captions("coco", tmp_path, split="train").pictures.titles == ("b.jpg",)


def test_the_first_wrong_path_is_named(tmp_path: Path):
    with pytest.raises(MissingResourceError, match=f"{tmp_path}/nowhere is not there"):
        flickr(tmp_path / "nowhere")
    with pytest.raises(MissingResourceError, match=r"Flickr8k\.token\.txt is not there"):
        flickr(tmp_path)
    tokens(tmp_path / "Flickr8k.token.txt")
    paint(tmp_path / "Images", ["b.jpg"])
    with pytest.raises(MissingResourceError, match=f"{tmp_path}/Images/a.jpg is not there"):
        flickr(tmp_path)
    with pytest.raises(MissingResourceError, match=f"{tmp_path}/Images/a.jpg is not there"):
        text_sources()["flickr8k"].count(tmp_path, sample="all")
    coco_json(tmp_path / "annotations" / "captions_val2017.json")
    with pytest.raises(MissingResourceError, match=f"{tmp_path}/val2017/b.jpg is not there") as error:
        open_captions("coco", tmp_path)
    assert "cocodataset.org" in str(error.value)
    with pytest.raises(InputError, match="'mscoco'"):
        open_captions("mscoco", tmp_path)


@each(
    ("layout", "content", "message"),
    [
        ("Flickr8k.token.txt", "b.jpg#0 no tab\n", "line 1: no NAME"),
        (
            "captions.txt",
            "picture,caption\nb.jpg,A dog\n",
            "column 'image' or .* is missing; it has picture, caption",
        ),
        ("captions.tsv", "image\tsplit\tcaption\nb.jpg\ttrain\n", "line 2: 2 cells where the header has 3"),
        ("flickr_annotations_30k.csv", "raw,filename\nA dog,b.jpg\n", "line 2 is not JSON: Expecting value"),
        ("dataset_flickr8k.json", '{"images": [{"sentences": []}]}', r"images\.0\.filename is missing"),
        ("dataset_flickr8k.json", '{"images": [', "is not JSON"),
        ("captions.txt", "", "are missing; it has none"),
    ],
)
def test_a_damaged_list_is_named_with_the_line(tmp_path: Path, layout: str, content: str, message: str):
    (tmp_path / layout).write_text(content)
    with pytest.raises(DamagedFileError, match=message) as error:
        flickr(tmp_path)
    assert layout in str(error.value)


def test_a_caption_of_no_picture_is_damage(tmp_path: Path):
    coco_json(
        tmp_path / "annotations" / "captions_val2017.json", annotations=[{"image_id": 9, "caption": "A dog"}]
    )
    with pytest.raises(DamagedFileError, match="picture 9 is captioned, not listed"):
        open_captions("coco", tmp_path)


def test_parts_that_do_not_fit_are_refused(tmp_path: Path):
    comma(tmp_path / "captions.csv")
    paint(tmp_path)
    found = flickr(tmp_path)
    with pytest.raises(InputError, match="captions for 1 of 2 pictures"):
        CaptionSet("x", "X", found.pictures, found.captions[:1])
    with pytest.raises(InputError, match=r"a\.jpg has no caption"):
        CaptionSet("x", "X", found.pictures, (("A dog",), ()))


def test_a_sample_is_seeded_and_keeps_pictures_with_their_captions(tmp_path: Path):
    names = {f"{number}.jpg": (f"picture {number}",) for number in range(9)}
    (tmp_path / "captions.csv").write_text(
        "image,caption\n" + "".join(f"{name},{texts[0]}\n" for name, texts in names.items())
    )
    paint(tmp_path, names)
    whole = flickr(tmp_path)
    part, again, other = whole.sample(4), whole.sample(4), whole.sample(4, seed=1)
    assert part.captions == again.captions != other.captions
    assert part.captions == tuple(sorted(part.captions))
    for place, (text,) in enumerate(part.captions):
        at = int(text.split()[1])
        assert part.pictures.titles[place] == f"{at}.jpg"
        assert part.pictures.digests[place] == whole.pictures.digests[at]
        assert part.pictures.read(place).getpixel((0, 0)) == whole.pictures.read(at).getpixel((0, 0))
    with pytest.raises(InputError, match="10 of 9 pictures"):
        whole.sample(10)


def test_the_real_flickr8k_sample_has_five_captions_a_picture(evaldata: Path):
    found = flickr(evaldata / "flickr8k_sample")
    assert (found.name, len(found), len(found.texts)) == ("flickr8k", 300, 1500)
    assert found.texts[1] == "A girl going into a wooden building ."
    sizes = {
        split: len(flickr(evaldata / "flickr8k_sample", split=split))
        for split in ("train", "development", "test")
    }
    assert sizes == {"train": 235, "development": 30, "test": 34}  # one picture is in no part
    assert found.pictures.read(0).mode == "RGB"
    assert len(set(found.pictures.digests)) == 300


def test_the_real_coco_sample_has_its_captions(evaldata: Path):
    for split, count in (("train", 80), ("test", 79)):
        found = open_captions("coco", evaldata / "coco_mini", split=split)
        assert len(found) == count
        assert min(map(len, found.captions)) >= 5
        assert all(text == text.strip() for text in found.texts)
    assert found.pictures.read(0).size[0] > 100


@pytest.mark.parametrize("listed", ["\ufeffa.b.jpg\r\n", "a.b\n", "a.b.jpg"])
def test_a_list_of_names_may_have_a_mark_and_names_several_dots(tmp_path: Path, listed: str):
    names = {"a.b.jpg": ("One dog",), "a.c.jpg": ("Two dogs",), "a.jpg": ("Three dogs",)}
    lines = [f"{name}#0\t{texts[0]}\n" for name, texts in names.items()]
    (tmp_path / "Flickr8k.token.txt").write_text("".join(lines))
    paint(tmp_path, names)
    (tmp_path / "Flickr_8k.testImages.txt").write_bytes(listed.encode())
    assert flickr(tmp_path, split="test").pictures.titles == ("a.b.jpg",)


def test_a_list_of_names_in_latin_1_is_named_with_the_way_out(tmp_path: Path):
    tokens(tmp_path / "Flickr8k.token.txt")
    paint(tmp_path)
    (tmp_path / "Flickr_8k.testImages.txt").write_bytes("a.jpg\ncaf\xe9.jpg\n".encode("latin-1"))
    with pytest.raises(
        DamagedFileError, match=r"testImages\.txt, line 2 is not UTF-8 text(?s:.*)iconv -f latin1"
    ):
        flickr(tmp_path, split="test")


def test_names_of_a_part_without_captions_are_counted_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    tokens(tmp_path / "Flickr8k.token.txt")
    paint(tmp_path)
    (tmp_path / "Flickr_8k.testImages.txt").write_text("a.jpg\nnone.jpg\n")
    with caplog.at_level(logging.WARNING):
        assert flickr(tmp_path, split="test").pictures.titles == ("a.jpg",)
    assert "1 pictures are skipped, listed in the part test and not captioned: none.jpg" in caplog.text
