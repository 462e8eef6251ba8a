"""Picture files: opened as RGB, reduced where large, refused where damaged, known by their digests."""

from __future__ import annotations

import io
import logging
import os
import struct
import time
import zlib
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lexclip_core import storage
from lexclip_core.cache import AppendLog, log_file
from lexclip_core.datasets.cards import seeded
from lexclip_core.errors import DamagedFileError, InputError, StorageError

logger = logging.getLogger(__name__)

T = TypeVar("T")

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
"""What a picture's file name in a folder of a set ends in."""
MOST_SIDE = 4096
"""The width and height, in pixels, to which larger pictures are reduced; image towers see a tenth of it."""
MOST_PIXELS = 80_000_000
MOST_BYTES = 100_000_000
_NAMED_AT_MOST = 5
# What Pillow's readers raise on bytes that are not what the header promised.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)
# A file changed so lately may change again within one tick of its clock, and is not remembered.
_RECENT_NS = 2 * 10**9


def open_picture(
    source: Path | bytes,
    *,
    max_side: int | None = MOST_SIDE,
    max_pixels: int = MOST_PIXELS,
    max_bytes: int = MOST_BYTES,
    name: str = "",
) -> Image.Image:
    """Return a picture as RGB, upright as its EXIF data say, transparent parts on white.

    PNG, JPEG, WebP and GIF in any mode: grey, 16-bit, palette, CMYK. Of a moving picture the first frame is
    taken.

    Args:
        source: The file, or its content.
        max_side: The largest width and height, in pixels; a larger picture is reduced to it. None reduces
            none.
        max_pixels: The most pixels taken; the header is asked before decoding.
        max_bytes: The largest file taken.
        name: What an error calls the picture; by default the file's name.

    Raises:
        InputError: The file cannot be read, is not a picture of these formats, or is too large.
        DamagedFileError: It begins like a picture and then ends early or breaks.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    image = _header(_content(source, max_bytes, name), max_pixels, name)
    try:
        if max_side and max(image.size) > max_side:
            image.draft(None, (max_side, max_side))  # a JPEG is decoded smaller
        image.load()
        picture = on_white(_eight_bits(_upright(image, name)))
    except _DAMAGE as error:
        raise DamagedFileError(f"{name} is damaged: {error}", "save the picture again") from error
    if max_side and max(picture.size) > max_side:
        picture.thumbnail((max_side, max_side), Image.Resampling.BICUBIC)
    return picture


def check_picture(content: bytes, *, name: str) -> None:
    """Refuse what is not a picture or too large, by its header; the errors are those of `open_picture`."""
    _header(_content(content, MOST_BYTES, name), MOST_PIXELS, name)


def on_white(picture: Image.Image) -> Image.Image:
    """Return a picture as RGB, transparent parts on white."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layers = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layers.size, "white"), layers).convert("RGB")


def _content(source: Path | bytes, max_bytes: int, name: str) -> bytes:
    try:
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size > max_bytes:
            problem = f"{name} has {size:,} bytes, more than {max_bytes:,}"
            raise InputError(problem, "save it smaller, or as JPEG or WebP")
        content = source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or error}", "check the path") from error
    if not content:
        raise InputError(f"{name} is empty", "choose a file that holds a picture")
    return content


def _header(content: bytes, max_pixels: int, name: str) -> Image.Image:
    _refuse_large(_webp_canvas(content), max_pixels, name)
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        remedy = f"make it at most {max_pixels:,} pixels large"
        raise InputError(f"{name} is too large: {error}", remedy) from error
    except UnidentifiedImageError as error:
        kinds = ", ".join(FORMATS)
        raise InputError(f"{name} is not a {kinds} picture", "save it as one of these") from error
    except _DAMAGE as error:
        raise DamagedFileError(f"{name} is damaged: {error}", "save the picture again") from error
    _refuse_large(image.size, max_pixels, name)
    return image


def _refuse_large(size: tuple[int, int], max_pixels: int, name: str) -> None:
    if size[0] * size[1] > max_pixels:
        remedy = f"make it at most {max_pixels:,} pixels large"
        raise InputError(f"{name} is {size[0]:,} x {size[1]:,} pixels", remedy)


def _webp_canvas(content: bytes) -> tuple[int, int]:
    """Return the canvas of an extended WebP file, allocated by its decoder on opening; (0, 0) for others."""
    if content[:4] != b"RIFF" or content[8:16] != b"WEBPVP8X" or len(content) < 30:
        return 0, 0
    return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1


def _upright(image: Image.Image, name: str) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _DAMAGE as error:
        logger.info("%s: its EXIF data are damaged and are not used: %s", name, error)
        return image


def _eight_bits(image: Image.Image) -> Image.Image:
    if not image.mode.startswith("I"):
        return image
    values = np.clip(np.asarray(image, dtype=np.int64), 0, 65535)
    return Image.fromarray(((values + 128) // 257).astype(np.uint8))


def digests(files: Sequence[Path]) -> tuple[str, ...]:
    """Return the sha256 of each file's content as 64 hex digits, from the cache where it is unchanged.

    A file is read again when its size, or the time of its last change of content or of status, is another:
    the last one cannot be set back, so that an edited file is never taken for the old one. Where the cache
    cannot be written, every file is read, with a warning.

    Raises:
        OSError: A file cannot be read.
    """
    ordered = sorted(set(files), key=lambda file: (str(file.parent), file.name))
    shown = storage.progress(ordered, desc="digests", unit="file") if len(ordered) > 1000 else ordered
    known: dict[Path, str] = {}
    try:
        for folder, group in groupby(shown, key=lambda file: file.parent):
            with AppendLog(log_file("digests", {"folder": os.path.abspath(folder)})) as log:
                known |= {file: _digest(file, log) for file in group}
    except StorageError as error:
        logger.warning("digests are not kept, every file is read: %s", error)
        return tuple(storage.sha256(file) for file in files)
    return tuple(known[file] for file in files)


def _digest(file: Path, log: AppendLog) -> str:
    mark = _mark(file)
    known = log.get(str(mark))
    if known is not None:
        return str(known["sha256"])
    digest = storage.sha256(file)
    if _mark(file) == mark and time.time_ns() - max(mark[2:]) > _RECENT_NS:
        log.append(str(mark), {"sha256": digest})
    return digest


def _mark(file: Path) -> tuple[str, int, int, int]:
    status = file.stat()
    return file.name, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def pictures_in(place: Path) -> list[Path]:
    """Return the picture files of a folder in the order of their names, hidden ones left out."""
    return [file for file in _visible(place) if _is_picture(file)]


def pictures_of(folders: Sequence[Path]) -> dict[Path, list[Path]]:
    """Return folder -> its picture files in the order of their names, of folders that hold nothing else.

    What else they hold is skipped; the log says how much, with examples. Hidden files are not counted.
    """
    held = {folder: _visible(folder) for folder in folders}
    skipped = [file for files in held.values() for file in files if not _is_picture(file)]
    if skipped:
        named = ", ".join(f"{readable(file.parent)}/{readable(file)}" for file in skipped[:_NAMED_AT_MOST])
        kinds = ", ".join(SUFFIXES)
        logger.warning("%d files are skipped, they do not end in %s: %s", len(skipped), kinds, named)
    return {folder: [file for file in files if _is_picture(file)] for folder, files in held.items()}


def readable(path: Path) -> str:
    """Return a file's name as text; a name may be bytes that are no text."""
    return os.fsencode(path.name).decode("utf-8", "replace")


def _visible(place: Path) -> list[Path]:
    return sorted(file for file in place.iterdir() if not file.name.startswith("."))


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and file.is_file()


def sampled(items: Sequence[T], per_class: int | None, *, seed: int, key: bytes) -> list[T]:
    """Return at most `per_class` items in their order, drawn without replacement.

    Args:
        items: The pictures of one class.
        per_class: How many; None takes all.
        seed: Of the draw.
        key: What the class is called, so that its draw does not depend on the other classes.
    """
    if per_class is None or per_class >= len(items):
        return list(items)
    generator = seeded(seed, zlib.crc32(key))
    return [items[place] for place in sorted(generator.choice(len(items), per_class, replace=False))]
