"""Picture files: opened as RGB, refused where damaged, known by their digests, drawn by a seed."""

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
from lexclip_core.errors import DamagedFileError, InputError, StorageError

logger = logging.getLogger(__name__)

T = TypeVar("T")

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
"""What a picture's file name in a folder of a set ends in."""
MOST_SIDE = 4096
MOST_BYTES = 20_000_000
# What Pillow's readers raise on bytes that are not what the header promised.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)
# A file changed so lately may change again within one tick of its clock, and is not remembered.
_RECENT_NS = 2 * 10**9


def open_picture(
    source: Path | bytes, *, max_side: int = MOST_SIDE, max_bytes: int = MOST_BYTES, name: str = ""
) -> Image.Image:
    """Return a picture as RGB, upright as its EXIF data say, transparent parts on white.

    PNG, JPEG, WebP and GIF in any mode: grey, 16-bit, palette, CMYK. Of a moving picture the first frame is
    taken.

    Args:
        source: The file, or its content.
        max_side: The largest width and height taken, in pixels; the header is asked before decoding.
        max_bytes: The largest file taken.
        name: What an error calls the picture; by default the file's name.

    Raises:
        InputError: The file cannot be read, is not a picture of these formats, or is too large.
        DamagedFileError: It begins like a picture and then ends early or breaks.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    content = _content(source, max_bytes, name)
    image = _header(content, max_side, name)
    try:
        image.load()
        return _on_white(_eight_bits(_upright(image, name)))
    except _DAMAGE as error:
        raise DamagedFileError(f"{name} is damaged: {error}", "save the picture again") from error


def check_picture(content: bytes, *, name: str) -> None:
    """Refuse what is not a picture or too large, by its header; the errors are those of `open_picture`."""
    _header(_content(content, MOST_BYTES, name), MOST_SIDE, name)


def on_white(picture: Image.Image) -> Image.Image:
    """Return an RGBA picture as RGB, on white."""
    canvas = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(canvas, picture).convert("RGB")


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


def _header(content: bytes, max_side: int, name: str) -> Image.Image:
    _refuse_large(_webp_canvas(content), max_side, name)
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as error:
        remedy = f"make it at most {max_side:,} pixels wide and high"
        raise InputError(f"{name} is too large: {error}", remedy) from error
    except UnidentifiedImageError as error:
        kinds = ", ".join(FORMATS)
        raise InputError(f"{name} is not a {kinds} picture", "save it as one of these") from error
    except _DAMAGE as error:
        raise DamagedFileError(f"{name} is damaged: {error}", "save the picture again") from error
    _refuse_large(image.size, max_side, name)
    return image


def _refuse_large(size: tuple[int, int], max_side: int, name: str) -> None:
    if max(size) > max_side:
        remedy = f"make it at most {max_side:,} pixels wide and high"
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


def _on_white(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        return on_white(image.convert("RGBA"))
    return image.convert("RGB")


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
    return sorted(
        file
        for file in place.iterdir()
        if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
    )


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
    generator = np.random.default_rng([seed, zlib.crc32(key)])
    return [items[place] for place in sorted(generator.choice(len(items), per_class, replace=False))]
