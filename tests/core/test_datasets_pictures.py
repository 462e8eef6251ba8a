"""Pictures from files and folders: every mode arrives as RGB, and what is damaged or too large is named."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import struct
import sys
import zlib
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lexclip_core.datasets.pictures import files as files_module
from lexclip_core.datasets.pictures.files import open_picture
from lexclip_core.datasets.pictures.picture_set import (
    PictureClass,
    PictureSet,
    dropped,
    folder,
    named_classes,
)
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.towers.loading import load_image
from lexclip_core.wordnet.tables import load_wordnet

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int) -> bytes:
    """Return a PNG file whose header promises pixels that are not there."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def noise(size: tuple[int, int] = (40, 30)) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def colours(image: Image.Image) -> list[tuple[int, ...]]:
    return [tuple(int(value) for value in pixel) for pixel in np.asarray(image).reshape(-1, 3)]


# What can be opened


def test_every_format_arrives_as_rgb():
    for format in ("PNG", "WEBP", "GIF", "JPEG"):
        options = {"lossless": True} if format == "WEBP" else {}
        opened = open_picture(encoded(Image.new("RGB", (3, 2), RED), format, **options))
        assert (opened.mode, opened.size) == ("RGB", (3, 2)), format
        assert np.abs(np.asarray(opened, dtype=int) - RED).max() <= (2 if format == "JPEG" else 0), format


def test_a_path_and_its_bytes_give_the_same(tmp_path: Path):
    path = tmp_path / "noise.png"
    path.write_bytes(encoded(noise()))
    assert open_picture(path).tobytes() == open_picture(path.read_bytes()).tobytes() == noise().tobytes()


def test_grey_is_three_equal_channels():
    image = Image.fromarray(np.array([[0, 100, 255]], dtype=np.uint8))
    assert colours(open_picture(encoded(image))) == [(0, 0, 0), (100, 100, 100), (255, 255, 255)]


def test_black_and_white_are_spread():
    image = Image.fromarray(np.array([[True, False]]))
    assert colours(open_picture(encoded(image))) == [WHITE, (0, 0, 0)]


def test_sixteen_bits_are_scaled_and_not_cut():
    image = Image.fromarray(np.array([[0, 257 * 100, 65535, 257 * 100 + 128]], dtype=np.uint16))
    assert [pixel[0] for pixel in colours(open_picture(encoded(image)))] == [0, 100, 255, 100]


def test_transparent_parts_lie_on_white():
    for alpha in (0, 51, 255):
        [pixel] = colours(open_picture(encoded(Image.new("RGBA", (1, 1), (*RED, alpha)))))
        assert pixel == (255, 255 - alpha, 255 - alpha)


def test_grey_with_alpha_lies_on_white():
    assert colours(open_picture(encoded(Image.new("LA", (1, 1), (0, 0))))) == [WHITE]


def test_the_transparent_colour_of_a_palette_becomes_white():
    image = Image.new("P", (2, 1))
    image.putpalette([*BLUE, *GREEN])
    image.putdata([0, 1])
    assert colours(open_picture(encoded(image, transparency=0))) == [WHITE, GREEN]
    assert colours(open_picture(encoded(image))) == [BLUE, GREEN]


def test_the_transparent_colour_of_plain_rgb_becomes_white():
    image = Image.new("RGB", (2, 1), BLUE)
    image.putpixel((1, 0), RED)
    assert colours(open_picture(encoded(image, transparency=BLUE))) == [WHITE, RED]


def test_a_cmyk_jpeg_shows_its_colours():
    image = Image.new("RGB", (8, 8), RED).convert("CMYK")
    opened = open_picture(encoded(image, "JPEG", quality=95))
    assert opened.mode == "RGB"
    assert np.abs(np.asarray(opened, dtype=int) - RED).max() <= 4


@pytest.mark.parametrize(
    ("orientation", "size", "red_corner"), [(1, (16, 8), (2, 2)), (6, (8, 16), (5, 2)), (3, (16, 8), (13, 5))]
)
def test_exif_data_turn_the_picture(orientation: int, size: tuple[int, int], red_corner: tuple[int, int]):
    image = Image.new("RGB", (16, 8), WHITE)
    image.paste(RED, (0, 0, 8, 4))
    exif = Image.Exif()
    exif[0x0112] = orientation
    opened = open_picture(encoded(image, "JPEG", exif=exif, quality=95, subsampling=0))
    assert opened.size == size
    assert np.abs(np.array(opened.getpixel(red_corner)) - RED).max() <= 8


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_data_are_skipped():
    exif = b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01\x12"
    assert open_picture(encoded(Image.new("RGB", (8, 8), RED), "JPEG", exif=exif)).size == (8, 8)


def test_the_first_frame_of_a_moving_picture_is_taken():
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN, BLUE)]
    for format in ("GIF", "WEBP", "PNG"):
        options = {"lossless": True} if format == "WEBP" else {}
        content = encoded(frames[0], format, save_all=True, append_images=frames[1:], duration=50, **options)
        assert Image.open(io.BytesIO(content)).n_frames == 3
        assert set(colours(open_picture(content))) == {RED}, format


# What cannot


def test_a_file_that_ends_early_is_damaged(tmp_path: Path):
    for format, share in product(("PNG", "JPEG", "WEBP", "GIF"), (0.4, 0.9)):
        content = encoded(noise(), format)
        path = tmp_path / f"cut.{format.lower()}"
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(
            (DamagedFileError, InputError), match=f"cut.{format.lower()} is damaged|cut.webp is not"
        ):
            open_picture(path)


def test_a_png_with_a_flipped_byte_is_damaged():
    content = bytearray(encoded(noise()))
    content[len(content) // 2] ^= 0xFF
    with pytest.raises(DamagedFileError, match="the picture is damaged"):
        open_picture(bytes(content))


@pytest.mark.parametrize(("width", "height"), [(20_000, 20_000), (9_000, 9_000), (10, 2**31 - 1)])
def test_a_header_that_promises_too_much_is_refused_before_decoding(
    width: int, height: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(InputError, match=r"(?s)vast.png is .*at most 80,000,000 pixels"):
        open_picture(png_header(width, height), name="vast.png")


def test_the_same_header_with_few_pixels_is_damaged():
    with pytest.raises(DamagedFileError):
        open_picture(png_header(20, 20))


def test_a_webp_canvas_is_checked_before_its_decoder_sees_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("opened"))
    body = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + (16_000_000).to_bytes(3, "little") + b"\x09\0\0"
    content = b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body
    with pytest.raises(InputError, match="16,000,001 x 10 pixels"):
        open_picture(content)


def test_the_limits_are_the_callers():
    content = encoded(noise((40, 30)))
    assert open_picture(content, max_side=40, max_pixels=1200, max_bytes=len(content)).size == (40, 30)
    assert open_picture(content, max_side=20).size == (20, 15)
    with pytest.raises(InputError, match="40 x 30 pixels"):
        open_picture(content, max_pixels=1199)
    with pytest.raises(InputError, match=f"more than {len(content) - 1:,}"):
        open_picture(content, max_bytes=len(content) - 1)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_a_large_picture_is_reduced_on_reading(tmp_path: Path, format: str):
    path = tmp_path / "wide.jpg"
    path.write_bytes(encoded(Image.new("RGB", (5000, 50), RED), format))
    opened = open_picture(path)
    assert opened.size == (4096, 41)
    assert opened.getpixel((2048, 20))[0] > 200
    assert open_picture(path, max_side=None).size == (5000, 50)


@pytest.mark.parametrize("size", [(3000, 20), (20, 3000), (5000, 1), (1, 1)])
def test_no_shape_ends_a_set(tmp_path: Path, size: tuple[int, int]):
    root = fill(tmp_path, {"a/1.png": encoded(Image.new("RGB", size, RED)), "b/2.png": encoded(noise())})
    pictures = folder(root)
    for name in ("emoji", "tiny-random"):
        rows = load_image(name).encode_pictures(pictures.read(place) for place in range(len(pictures)))
        assert rows.shape[0] == 2
        assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_a_text_called_png_is_not_a_picture(tmp_path: Path):
    path = tmp_path / "notes.png"
    path.write_text("not a picture at all", "utf-8")
    with pytest.raises(InputError, match=r"notes.png is not a PNG, JPEG, WEBP, GIF picture"):
        open_picture(path)


def test_other_formats_are_refused():
    for format in ("BMP", "TIFF", "PPM"):
        with pytest.raises(InputError, match="is not a PNG"):
            open_picture(encoded(noise(), format))


def test_an_empty_file_is_named(tmp_path: Path):
    (tmp_path / "nothing.jpg").touch()
    with pytest.raises(InputError, match=r"nothing.jpg is empty"):
        open_picture(tmp_path / "nothing.jpg")


def test_what_cannot_be_read_is_named(tmp_path: Path):
    for place in ("absent.png", "."):
        with pytest.raises(InputError, match="cannot read"):
            open_picture(tmp_path / place)


@given(st.data())
def test_no_damage_escapes_as_another_error(data: st.DataObject):
    format = data.draw(st.sampled_from(["PNG", "JPEG", "WEBP", "GIF"]))
    content = bytearray(encoded(noise((9, 7)), format))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    try:
        opened = open_picture(bytes(content))
    except (InputError, DamagedFileError):
        return
    assert opened.mode == "RGB"


# Folders


def fill(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def plain(colour: tuple[int, int, int]) -> bytes:
    return encoded(Image.new("RGB", (2, 2), colour))


def test_a_folder_is_read_in_order(tmp_path: Path):
    root = fill(
        tmp_path / "zoo",
        {
            "dog/b.PNG": plain(RED),
            "dog/a.png": plain(GREEN),
            "big_cat/c.webp": plain(BLUE),
            "dog/notes.txt": b"x",
        },
    )
    found = folder(root)
    assert found.name == "zoo"
    assert found.classes == (PictureClass("big_cat", "big cat"), PictureClass("dog", "dog"))
    assert found.labels.dtype == np.int64
    assert found.labels.tolist() == [0, 1, 1]
    assert found.titles == ("big_cat/c.webp", "dog/a.png", "dog/b.PNG")
    assert found.digests[1] == hashlib.sha256(plain(GREEN)).hexdigest()
    assert [colours(found.read(picture))[0] for picture in range(3)] == [BLUE, GREEN, RED]


def test_hidden_files_and_folders_are_skipped(tmp_path: Path):
    hidden = {
        "dog/.a.png": plain(RED),
        ".git/b.png": plain(RED),
        "dog/c.png": plain(RED),
        "loose.png": plain(RED),
    }
    assert folder(fill(tmp_path, hidden)).titles == ("dog/c.png",)


def test_a_folder_called_like_a_synset_names_it(tmp_path: Path):
    names = ("hot_dog.n.02", "n02084071", "dog.n", "ice_cream")
    found = folder(fill(tmp_path, {f"{name}/a.png": plain(RED) for name in names}))
    assert {(one.key, one.name, one.synset) for one in found.classes} == {
        ("hot_dog.n.02", "hot dog", "hot_dog.n.02"),
        ("n02084071", "n02084071", "n02084071"),
        ("dog.n", "dog.n", ""),
        ("ice_cream", "ice cream", ""),
    }


def test_empty_folders_are_reported(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    root = fill(tmp_path, {"dog/a.png": plain(RED), "cat/readme.txt": b"none yet"})
    with caplog.at_level(logging.WARNING):
        assert [one.key for one in folder(root).classes] == ["dog"]
    assert "cat holds no pictures" in caplog.text


def test_folders_that_hold_nothing_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="holds no folders"):
        folder(tmp_path)
    (tmp_path / "dog").mkdir()
    with pytest.raises(InputError, match="holds a picture"):
        folder(tmp_path)
    with pytest.raises(InputError, match="is not a folder"):
        folder(tmp_path / "nowhere")


def test_two_folders_of_one_name_are_refused(tmp_path: Path):
    root = fill(tmp_path, {"hot_dog/a.png": plain(RED), "Hot dog/a.png": plain(RED)})
    with pytest.raises(InputError, match="'hot dog' stands twice in the class names"):
        folder(root)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are no text")
def test_names_that_are_no_text_can_be_shown(tmp_path: Path):
    place = os.fsencode(tmp_path) + b"/caf\xe9"
    try:
        os.mkdir(place)
    except OSError:
        pytest.skip("this file system refuses names that are no text")
    with open(place + b"/\xff.png", "wb") as stream:
        stream.write(plain(RED))
    found = folder(tmp_path)
    assert found.classes[0].name == "caf\ufffd"
    assert found.titles == ("caf\ufffd/\ufffd.png",)
    assert found.titles[0].encode("utf-8")
    assert colours(found.read(0))[0] == RED


def test_sampling_is_seeded_and_each_class_is_drawn_alone(tmp_path: Path):
    files = {
        f"{name}/{number:02}.png": plain((number, 0, 0)) for name in ("cat", "dog") for number in range(20)
    }
    root = fill(tmp_path, files)
    first = folder(root, per_class=5, seed=1)
    assert first.labels.tolist() == [0] * 5 + [1] * 5
    assert len(set(first.titles)) == 10
    assert first.titles == folder(root, per_class=5, seed=1).titles
    assert first.titles != folder(root, per_class=5, seed=2).titles
    assert {title[4:] for title in first.titles[:5]} != {title[4:] for title in first.titles[5:]}
    fill(root, {"ape/0.png": plain(RED)})
    assert folder(root, per_class=5, seed=1).titles[1:] == first.titles
    assert len(folder(root, per_class=99)) == 41
    with pytest.raises(InputError, match="per_class is 0"):
        folder(root, per_class=0)


def test_a_damaged_file_in_a_folder_is_named_when_read(tmp_path: Path):
    found = folder(fill(tmp_path, {"dog/a.png": plain(RED)[:-30]}))
    with pytest.raises(DamagedFileError, match=r"a\.png is damaged"):
        found.read(0)


# Dropped pictures and subsets


def test_dropped_pictures_have_no_class():
    found = dropped([("a.png", plain(RED)), ("C:\\pictures\\b.png", plain(GREEN))])
    assert (len(found), found.classes, found.labels.tolist()) == (2, (), [-1, -1])
    assert found.titles == ("a.png", "b.png")
    assert found.digests[0] == hashlib.sha256(plain(RED)).hexdigest()
    assert colours(found.read(1))[0] == GREEN


def test_dropped_pictures_are_checked_at_once():
    with pytest.raises(InputError, match="no picture was given"):
        dropped([])
    with pytest.raises(InputError, match="3 pictures were given at once"):
        dropped([("a.png", plain(RED))] * 3, most=2)
    with pytest.raises(InputError, match=r"notes\.png is not a PNG"):
        dropped([("a.png", plain(RED)), ("notes.png", b"text")])
    with pytest.raises(InputError, match=r"vast\.png is "):
        dropped([("vast.png", png_header(20_000, 20_000))])


def test_a_subset_has_the_classes_in_the_order_given(tmp_path: Path):
    files = {
        "ape/1.png": plain(RED),
        "bee/1.png": plain(GREEN),
        "cat/1.png": plain(BLUE),
        "cat/2.png": plain(WHITE),
    }
    found = folder(fill(tmp_path, files)).subset(["cat", "ape"])
    assert [one.key for one in found.classes] == ["cat", "ape"]
    assert found.titles == ("ape/1.png", "cat/1.png", "cat/2.png")
    assert found.labels.tolist() == [1, 0, 0]
    assert [colours(found.read(picture))[0] for picture in range(3)] == [RED, BLUE, WHITE]
    nested = found.subset(["cat"])
    assert [colours(nested.read(picture))[0] for picture in range(2)] == [BLUE, WHITE]
    with pytest.raises(InputError, match="no class 'dog'"):
        found.subset(["dog"])
    with pytest.raises(InputError, match="'cat' stands twice"):
        found.subset(["cat", "cat"])


def made(labels: list[int], keys: list[str]) -> PictureSet:
    return PictureSet(
        name="made",
        title="Made",
        classes=tuple(PictureClass(key, key) for key in keys),
        labels=np.array(labels, dtype=np.int64),
        digests=tuple(map(str, labels)),
        titles=tuple(map(str, labels)),
        read=lambda picture: Image.new("RGB", (1, 1), (picture, 0, 0)),
    )


@given(st.lists(st.integers(-1, 4), max_size=12), st.permutations(range(5)), st.integers(0, 5))
def test_a_subset_keeps_every_picture_of_its_classes(labels: list[int], order: list[int], count: int):
    keys = [f"class {place}" for place in range(5)]
    found = made(labels, keys).subset([keys[place] for place in order[:count]])
    expected = [(place, label) for place, label in enumerate(labels) if label in order[:count]]
    assert [found.classes[label].key for label in found.labels] == [keys[label] for _, label in expected]
    assert [found.read(picture).getpixel((0, 0))[0] for picture in range(len(found))] == [
        one for one, _ in expected
    ]


def test_parts_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="a label is outside 0 to 1"):
        made([0, 2], ["a", "b"])
    with pytest.raises(InputError, match="'a' stands twice"):
        made([0], ["a", "a"])
    with pytest.raises(InputError, match="1 labels, 2 digests"):
        PictureSet("odd", "Odd", (), np.array([-1]), ("1", "2"), ("1",), lambda _: Image.new("RGB", (1, 1)))


def test_the_folder_formats_are_openable():
    assert set(files_module.SUFFIXES) == {".png", ".jpg", ".jpeg", ".webp", ".gif"}
    assert {"PNG", "JPEG", "WEBP", "GIF"} == set(files_module.FORMATS)


def test_what_a_folder_reader_skips_is_counted_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    others = {f"cat/{number}.bmp": b"x" for number in range(7)} | {"dog/notes.txt": b"x", "dog/.hidden": b"x"}
    root = fill(tmp_path, {"cat/1.png": plain(RED), "dog/2.JPG": plain(RED), **others})
    (root / "dog" / "more.png").mkdir()
    with caplog.at_level(logging.WARNING):
        assert len(folder(root)) == 2
    assert "9 files are skipped" in caplog.text
    assert "cat/0.bmp, cat/1.bmp" in caplog.text


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("_", "cat"), "the class '_' has no name"),
        (("\u200b", "cat"), r"the class '\\u200b' has no name"),
        (("hot dog", "Hot_dog"), "'hot dog' stands twice in the class names"),
        (("caf\u00e9", "cafe\u0301"), "stands twice in the class names"),
    ],
)
def test_classes_without_a_name_or_with_another_ones_are_refused(
    tmp_path: Path, names: tuple[str, str], message: str
):
    root = fill(tmp_path, {f"{name}/1.png": plain(RED) for name in names})
    with pytest.raises(InputError, match=message):
        folder(root)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_seeds_that_no_generator_takes_are_refused(tmp_path: Path, seed: int):
    root = fill(tmp_path, {f"cat/{number}.png": plain(RED) for number in range(3)})
    with pytest.raises(InputError, match=f"seed {seed}\n.*from 0 to 4,294,967,295"):
        folder(root, per_class=1, seed=seed)


# Names of classes


def test_a_folder_called_by_its_wnid_is_named_by_the_first_lemma(tmp_path: Path):
    names = ("n02123045", "vat.n.01", "my_thing")
    fill(tmp_path, {f"{name}/a.png": encoded(Image.new("RGB", (2, 2), RED)) for name in names})
    assert named_classes(folder(tmp_path), load_wordnet()) == {
        "n02123045": ("n02123045", "tabby"),
        "vat.n.01": ("vat.n.01", "vat"),
        "my_thing": ("", "my thing"),
    }


def test_a_wnid_that_is_none_is_named(tmp_path: Path):
    fill(tmp_path, {"n99999999/a.png": encoded(Image.new("RGB", (2, 2), RED))})
    with pytest.raises(InputError, match="n99999999"):
        named_classes(folder(tmp_path), load_wordnet())
