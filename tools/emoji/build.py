"""Packages -> `data/emoji`: the concepts, their drawings in one file, and where everything came from."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from PIL import Image

from lexclip_core import storage
from tools.emoji.concepts import Concept, read_concepts
from tools.emoji.drawing import STYLES, Style
from tools.emoji.packages import PACKAGES, fetch

CONCEPTS_FILE, SPRITES_FILE, SOURCES_FILE = "concepts.csv", "sprites.parquet", "sources.json"


def packages_folder() -> Path:
    """Return where fetched packages lie; git ignores it."""
    return storage.cache_folder() / "packages"


def build_emoji(folder: Path, packages: Path | None = None) -> Counter[str]:
    """Write `concepts.csv`, `sprites.parquet` and `sources.json`; return what was left out, by reason.

    The same packages give the same pictures. A concept ships when every shipped style draws it.

    Args:
        folder: Where the files go: `data/emoji`.
        packages: Where unpacked packages are looked for, and fetched to.

    Raises:
        MissingResourceError: A package could not be had, or the SVG renderer is not installed.
        DamagedFileError: A package is not the pinned one.
        StorageError: The folder cannot be written.
    """
    packages = packages or packages_folder()
    concepts, left_out = read_concepts(fetch("emojibase-data", packages))
    shipped = [style for style in STYLES.values() if style.role != "training_only"]
    drawn = {style.name: draw(style, concepts, packages) for style in shipped}
    drawn_by_all = [
        concept for concept in concepts if all(concept.concept in pictures for pictures in drawn.values())
    ]
    left_out["not drawn in every style"] = len(concepts) - len(drawn_by_all)
    _write_concepts(drawn_by_all, folder / CONCEPTS_FILE)
    write_sprites(
        {
            name: {concept.concept: pictures[concept.concept] for concept in drawn_by_all}
            for name, pictures in drawn.items()
        },
        folder / SPRITES_FILE,
    )
    _write_sources(shipped, left_out, len(drawn_by_all), folder)
    return left_out


def draw(style: Style, concepts: Iterable[Concept], packages: Path) -> dict[str, Image.Image]:
    """Return concept -> 64 x 64 RGBA picture for what the style draws.

    Raises:
        MissingResourceError: The package could not be had, or the SVG renderer is not installed.
        DamagedFileError: The package is not the pinned one.
    """
    drawer = style.open(fetch(style.package, packages))
    bar = storage.progress(list(concepts), desc=style.title, unit="picture")
    pictures = {concept.concept: drawer.draw(concept) for concept in bar}
    return {name: picture for name, picture in pictures.items() if picture is not None}


def encoded(picture: Image.Image) -> bytes:
    """Return a picture as WebP: without loss where that is the smaller file, as it is for flat drawings."""
    files = []
    for options in ({"lossless": True}, {"quality": 90}):
        stream = io.BytesIO()
        picture.save(stream, "WEBP", method=4, **options)
        files.append(stream.getvalue())
    return min(files, key=len)


def write_sprites(drawn: dict[str, dict[str, Image.Image]], path: Path) -> None:
    """Write style -> concept -> picture as one table with the columns concept, style and image."""
    rows = [
        {"concept": concept, "style": style, "image": encoded(picture)}
        for style, pictures in drawn.items()
        for concept, picture in pictures.items()
    ]
    with storage.atomic_write(path) as partial:
        pd.DataFrame(rows).to_parquet(partial, compression="zstd", index=False)


def _write_concepts(concepts: Iterable[Concept], path: Path) -> None:
    table = pd.DataFrame(
        {
            "concept": concept.concept,
            "hexcode": concept.hexcode,
            "label": concept.label,
            "tags": "|".join(concept.tags),
            "group": concept.group,
            "subgroup": concept.subgroup,
            "version": concept.version,
        }
        for concept in concepts
    )
    with storage.atomic_write(path) as partial:
        table.to_csv(partial, index=False, lineterminator="\n")


def _write_sources(shipped: Iterable[Style], left_out: Counter[str], count: int, folder: Path) -> None:
    names = dict.fromkeys(["emojibase-data", *(style.package for style in shipped)])
    record = {
        "command": "python -m tools.emoji build",
        "concepts": count,
        "left_out": dict(left_out),
        "packages": [
            {
                "name": package.name,
                "version": package.version,
                "from": package.client,
                "licence": package.licence,
                "attribution": package.attribution,
                "sha256": package.sha256,
            }
            for package in map(PACKAGES.__getitem__, names)
        ],
        "changes": "drawn at 64 x 64 pixels and stored as WebP; nothing else was changed",
        "sha256": {name: storage.sha256(folder / name) for name in (CONCEPTS_FILE, SPRITES_FILE)},
    }
    with storage.atomic_write(folder / SOURCES_FILE) as partial:
        partial.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", "utf-8")
