"""The emoji that lie in `data/emoji`: concepts with their senses and emotions, and their drawings."""

from __future__ import annotations

import io
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd
import pyarrow as pa
from PIL import Image

from lexclip_core import storage
from lexclip_core.datasets.emoji.styles import SIZE
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.words import shown

HELD_OUT = "twemoji"
_BUILD = "run `lexclip emoji build`"


def data_folder() -> Path:
    """Return the folder that the emoji are read from, `data/emoji`."""
    return storage.data_folder() / "emoji"


def concepts() -> pd.DataFrame:
    """Return one row a concept, in Unicode's order.

    Columns: concept (the key), hexcode, label (CLDR's short name), tags (joined by `|`), group, subgroup,
    version (float), synset and lemma (what the drawing pictures), emotion. The last three are "" where the
    concept has none, and everywhere if `synsets.csv` or `emotions.csv` is not there.

    Raises:
        MissingResourceError: `concepts.csv` is not there.
        DamagedFileError: A file lacks a column or names a concept twice.
    """
    return _concepts(data_folder()).copy()


def require_senses(file: str = "synsets.csv") -> None:
    """Refuse to go on where the file that decides senses, or another of `data/emoji`, is not there.

    Raises:
        MissingResourceError: It is not there.
    """
    path = data_folder() / file
    if not path.exists():
        raise MissingResourceError(f"{path} is not there", "restore it: it is part of the repository's data")


def sprite_bytes(concept: str, style: str = "noto") -> bytes:
    """Return the drawing's WebP file as it is stored.

    Raises:
        InputError: No such concept or style.
        MissingResourceError: The drawings are not there.
        DamagedFileError: The file of drawings is damaged.
    """
    drawings = style_bytes(style)
    if concept not in drawings:
        near = [other for other in drawings if concept and concept in other][:3]
        hint = f"did you mean {', '.join(near)}?" if near else "see `lexclip emoji list`"
        raise InputError(f"no emoji concept {shown(concept)}", hint)
    return drawings[concept]


def sprite(concept: str, style: str = "noto") -> Image.Image:
    """Return one drawing as 64 x 64 RGBA.

    Raises:
        InputError: No such concept or style.
        MissingResourceError: The drawings are not there.
        DamagedFileError: The file of drawings is damaged.
    """
    return Image.open(io.BytesIO(sprite_bytes(concept, style))).convert("RGBA")


def sprite_png(concept: str, style: str = "noto") -> bytes:
    """Return one drawing as a PNG file of 64 x 64 pixels with alpha.

    Raises:
        InputError: No such concept or style.
        MissingResourceError: The drawings are not there.
        DamagedFileError: The file of drawings is damaged.
    """
    stream = io.BytesIO()
    sprite(concept, style).save(stream, "PNG")
    return stream.getvalue()


def sprites(style: str, path: Path | None = None) -> tuple[tuple[str, ...], np.ndarray]:
    """Return all drawings of a style: the concepts, and uint8 RGBA of shape (concepts, 64, 64, 4), read-only.

    Args:
        style: A style of the file.
        path: A file of drawings that `build.write_sprites` wrote; by default the shipped one.

    Raises:
        InputError: No such style.
        MissingResourceError: The file is not there.
        DamagedFileError: The file is damaged.
    """
    drawings = style_bytes(style, path)
    pixels = np.empty((len(drawings), SIZE, SIZE, 4), dtype=np.uint8)
    for row, content in enumerate(drawings.values()):
        pixels[row] = np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))
    pixels.flags.writeable = False
    return tuple(drawings), pixels


def style_bytes(style: str, path: Path | None = None) -> Mapping[str, bytes]:
    """Return concept -> WebP bytes of one style, in the concepts' order.

    Raises:
        InputError: No such style.
        MissingResourceError: The file is not there.
        DamagedFileError: The file is damaged.
    """
    drawings = _drawings(path or data_folder() / "sprites.parquet")
    if style not in drawings:
        raise InputError(f"no emoji style {shown(style)}", f"choose one of {', '.join(drawings)}")
    return drawings[style]


@lru_cache(maxsize=16)
def _drawings(path: Path) -> Mapping[str, Mapping[str, bytes]]:
    if not path.exists():
        raise MissingResourceError(f"{path} is not there", _BUILD)
    try:
        table = pd.read_parquet(path, columns=["concept", "style", "image"])
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise DamagedFileError(f"{path} is damaged: {error}", _BUILD) from error
    return MappingProxyType(
        {
            str(style): MappingProxyType(dict(zip(rows["concept"], rows["image"], strict=True)))
            for style, rows in table.groupby("style", sort=False)
        }
    )


@lru_cache(maxsize=4)
def _concepts(folder: Path) -> pd.DataFrame:
    table = _read(
        folder / "concepts.csv", ("concept", "hexcode", "label", "tags", "group", "subgroup", "version")
    )
    table["version"] = table["version"].astype(float)
    for file, columns in (("synsets.csv", ["synset", "lemma"]), ("emotions.csv", ["emotion"])):
        if not (folder / file).exists():
            table[columns] = ""
            continue
        # Senses are decided for more concepts than have drawings, so rows without a concept are no damage.
        decided = _read(folder / file, ("concept", *columns))[["concept", *columns]]
        table = table.merge(decided, on="concept", how="left").fillna(dict.fromkeys(columns, ""))
    return table


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    if not path.exists():
        raise MissingResourceError(f"{path} is not there", _BUILD)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (ValueError, OSError) as error:
        raise DamagedFileError(f"{path} is damaged: {error}", "restore it") from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise DamagedFileError(f"{path} lacks the column {missing[0]}", "restore it")
    doubles = table["concept"][table["concept"].duplicated()]
    if len(doubles):
        raise DamagedFileError(f"{path} names {doubles.iloc[0]!r} twice", "keep one of the rows")
    return table
