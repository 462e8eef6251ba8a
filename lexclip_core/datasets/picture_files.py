"""One picture file -> RGB pixels, with its size checked before anything is decoded."""

from __future__ import annotations

import io
import logging
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lexclip_core.errors import DamagedFileError, InputError

log = logging.getLogger(__name__)

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
MOST_SIDE = 4096
MOST_BYTES = 20_000_000
# What Pillow's readers raise on bytes that are not what the header promised.
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


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
        InputError: The file cannot be read, is no picture of these formats, or is too large.
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
    """Refuse what is no picture or too large, by the header alone.

    Raises:
        InputError: As in `open_picture`.
        DamagedFileError: As in `open_picture`.
    """
    _header(_content(content, MOST_BYTES, name), MOST_SIDE, name)


def on_white(picture: Image.Image) -> Image.Image:
    """Return an RGBA picture as RGB, laid on white."""
    canvas = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(canvas, picture).convert("RGB")


def _content(source: Path | bytes, max_bytes: int, name: str) -> bytes:
    try:
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size > max_bytes:
            raise InputError(
                f"{name} has {size:,} bytes, more than {max_bytes:,}", "save it smaller, or as JPEG or WebP"
            )
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
        raise InputError(f"{name} is no {', '.join(FORMATS)} picture", "save it as one of these") from error
    except _DAMAGE as error:
        raise DamagedFileError(f"{name} is damaged: {error}", "save the picture again") from error
    _refuse_large(image.size, max_side, name)
    return image


def _refuse_large(size: tuple[int, int], max_side: int, name: str) -> None:
    if max(size) > max_side:
        raise InputError(
            f"{name} is {size[0]:,} x {size[1]:,} pixels",
            f"make it at most {max_side:,} pixels wide and high",
        )


def _webp_canvas(content: bytes) -> tuple[int, int]:
    """Return the canvas of an extended WebP file, allocated by its decoder on opening; (0, 0) for others."""
    if content[:4] != b"RIFF" or content[8:16] != b"WEBPVP8X" or len(content) < 30:
        return 0, 0
    return int.from_bytes(content[24:27], "little") + 1, int.from_bytes(content[27:30], "little") + 1


def _upright(image: Image.Image, name: str) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _DAMAGE as error:
        log.info("%s: its EXIF data are damaged and are not used: %s", name, error)
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
