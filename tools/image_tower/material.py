"""What the image tower is trained on: drawings of many styles, and the texts that name them."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor

from lexclip_core import storage
from lexclip_core.datasets.emoji.sprites import SIZE, concepts, style_bytes
from lexclip_core.errors import InputError
from lexclip_core.towers.tower import Tower
from tools.emoji import build, packages
from tools.emoji.concepts import read_concepts
from tools.emoji.drawing import STYLES

# The label alone counts as a template; a fifth of the names carry their tags, as captions would.
TEMPLATES = ("{}", "a picture of a {}", "an emoji of a {}", "a drawing of a {}", "a photo of a {}")
_TAGS_IN_A_NAME = 4
_SIDED = re.compile(r"left|right|arrow|button|letter|keycap|clock|symbol|quarter|crescent|gibbous")


@dataclass(frozen=True)
class Material:
    """Drawings and the embeddings of their texts.

    Args:
        concepts: The names, in the order of every other table.
        drawings: RGBA, uint8, shape (drawings, 64, 64, 4).
        labels: The concept of each drawing, shape (drawings,).
        mirrored: Whether a mirror image of a concept is still that concept, shape (concepts,).
        names: Unit rows of the concepts' names in each template, shape (templates, concepts, dim).
        tags: Unit rows of all tags, shape (tags, dim).
        tagged: Share of each tag in a concept, rows summing to 1 or 0, shape (concepts, tags).
        styles: The styles drawn from.
    """

    concepts: tuple[str, ...]
    drawings: Tensor
    labels: Tensor
    mirrored: Tensor
    names: Tensor
    tags: Tensor
    tagged: Tensor
    styles: tuple[str, ...]


def training_styles() -> tuple[str, ...]:
    """Return the styles that the image tower may see: all but the held-out one."""
    return tuple(style.name for style in STYLES.values() if style.role != "held_out")


def load_material(text_tower: Tower, styles: Sequence[str] | None = None) -> Material:
    """Return the drawings of some styles, and the locked text tower's rows of all names and tags.

    Args:
        text_tower: Encodes labels and tags, once.
        styles: Keys of `STYLES`; all but the held-out one by default.

    Raises:
        InputError: A style is unknown, or held out.
        MissingResourceError: A style's package could not be had.
    """
    styles = tuple(training_styles() if styles is None else styles)
    for style in styles:
        if style not in training_styles():
            raise InputError(
                f"style {style!r} cannot be trained on", f"choose among {', '.join(training_styles())}"
            )
    table = concepts()
    index = {concept: row for row, concept in enumerate(table["concept"])}
    drawings: list[np.ndarray] = []
    labels: list[int] = []
    for style in styles:
        drawn, pictures = _drawn(style)
        known = [row for row, concept in enumerate(drawn) if concept in index]
        drawings.append(pictures[known])
        labels.extend(index[drawn[row]] for row in known)
    names, tags, tagged = _texts(text_tower, table)
    return Material(
        tuple(table["concept"]),
        torch.from_numpy(np.concatenate(drawings)),
        torch.tensor(labels),
        torch.tensor([not _SIDED.search(label) for label in table["label"]]),
        names,
        tags,
        tagged,
        styles,
    )


def sprite_pixels(style: str, path: Path | None = None) -> tuple[tuple[str, ...], np.ndarray]:
    """Return all drawings of a style: the concepts, and uint8 RGBA of shape (concepts, 64, 64, 4), read-only.

    Args:
        style: A style of the file.
        path: A file of drawings that `tools.emoji.build.write_sprites` wrote; by default the shipped one.

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


def drawings_by_style(styles: Sequence[str]) -> dict[str, dict[str, np.ndarray]]:
    """Return style -> concept -> RGBA drawing, for styles that may be trained on."""
    return {style: dict(zip(*_drawn(style), strict=True)) for style in styles}


def _drawn(style: str) -> tuple[tuple[str, ...], np.ndarray]:
    if STYLES[style].role == "shipped":
        return sprite_pixels(style)
    path = storage.cache_folder() / "emoji" / f"{style}.parquet"
    if not path.exists():
        _draw_into(path, style)
    return sprite_pixels(style, path)


def _draw_into(path: Path, style: str) -> None:
    folder = build.packages_folder()
    everything, _ = read_concepts(packages.fetch("emojibase-data", folder))
    build.write_sprites({style: build.draw(STYLES[style], everything, folder)}, path)


def _texts(tower: Tower, table: pd.DataFrame) -> tuple[Tensor, Tensor, Tensor]:
    labels = list(table["label"])
    split = [tuple(filter(None, str(tags).split("|"))) for tags in table["tags"]]
    phrasings = [template.format(label) for template in TEMPLATES for label in labels]
    phrasings += [
        ", ".join((label, *tags[:_TAGS_IN_A_NAME])) for label, tags in zip(labels, split, strict=True)
    ]
    vocabulary = sorted({tag for tags in split for tag in tags})
    rows = torch.from_numpy(tower.encode_texts([*phrasings, *vocabulary]))
    tagged = torch.zeros(len(labels), len(vocabulary))
    place = {tag: column for column, tag in enumerate(vocabulary)}
    for row, tags in enumerate(split):
        tagged[row, [place[tag] for tag in tags]] = 1 / max(1, len(tags))
    names = rows[: len(phrasings)].reshape(len(TEMPLATES) + 1, len(labels), -1)
    return names, rows[len(phrasings) :], tagged
