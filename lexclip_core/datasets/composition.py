"""Tests of composition in their official files: ARO's two of Visual Genome, SugarCrepe, SugarCrepe++."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lexclip_core.datasets.card import Card
from lexclip_core.datasets.composition_cards import CARDS
from lexclip_core.datasets.picture_files import open_picture
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

__all__ = ["CARDS", "CaptionTests", "available", "card", "read", "read_picture"]

Record = dict[str, Any]

_AGAIN = "get the official file again: it may have been cut short or edited"


@dataclass(frozen=True)
class CaptionTests:
    """Pictures, each with a true caption and one that has a part exchanged.

    Args:
        name: Name of the set.
        images: Name of each item's picture, (n,).
        true: True captions, (n,).
        false: False captions, (n,).
        groups: The relation, the two attributes, or the kind of change, (n,).
        paraphrases: Second true captions, (n,), or () where the set has none.
        boxes: The part of the picture that is meant, (n, 4) int64: left, top, width and height in pixels;
            None where it is the whole picture.
    """

    name: str
    images: tuple[str, ...]
    true: tuple[str, ...]
    false: tuple[str, ...]
    groups: tuple[str, ...]
    paraphrases: tuple[str, ...] = ()
    boxes: np.ndarray | None = None

    def __post_init__(self) -> None:
        parts = [self.images, self.true, self.false, self.groups]
        parts += [self.paraphrases] if self.paraphrases else []
        lengths = [len(part) for part in parts] + ([] if self.boxes is None else [len(self.boxes)])
        if len(set(lengths)) > 1 or not lengths[0]:
            raise InputError(
                f"{self.name}: parts of lengths {lengths} do not fit", "give one of each an item"
            )

    def __len__(self) -> int:
        return len(self.true)

    def texts(self) -> tuple[str, ...]:
        """Return every caption, in no particular order."""
        return (*self.true, *self.paraphrases, *self.false)


def card(name: str) -> Card:
    """Return what is known about a set: source, licence, size, file names.

    Raises:
        InputError: There is no set of that name.
    """
    if name not in CARDS:
        raise InputError(f"no composition set is called {name!r}", f"choose from {', '.join(CARDS)}")
    return CARDS[name]


def available(folder: Path) -> tuple[str, ...]:
    """Return the names of the sets of which a folder holds at least one file, in the order of `CARDS`."""
    return tuple(name for name, one in CARDS.items() if any(_found(folder, file) for file in one.files))


def read(name: str, folder: Path | None = None, kinds: Sequence[str] = ()) -> CaptionTests:
    """Read a set from its official JSON files.

    Each file is looked for in the folder and in its sub-folder named after the set. ARO: one file, a list of
    objects with `image_path` (or `image_id`), `bbox_x`, `bbox_y`, `bbox_w`, `bbox_h`, `true_caption`,
    `false_caption`, and `relation_name` or `attributes`. SugarCrepe and SugarCrepe++: a file a kind, objects
    with `filename`, `caption`, `negative_caption`, and `caption2` in SugarCrepe++, listed or keyed by number.

    Args:
        name: Name of the set, as in `CARDS`.
        folder: The folder; None fetches the official files into the cache, or takes them from there.
        kinds: For the sets with several files, the kinds to read; () reads all, and all must be there.

    Raises:
        InputError: Unknown set or kind.
        MissingResourceError: A file is not there, and cannot be fetched; the message has the first such path.
        DamagedFileError: A file is no JSON, an item lacks a field, or what came has another checksum.
    """
    described = card(name)
    files = {Path(file).stem: file for file in described.files}
    unknown = [kind for kind in kinds if kind not in files]
    if unknown:
        raise InputError(f"{described.title} has no kind {unknown[0]!r}", f"choose from {', '.join(files)}")
    wanted = {kind: file for kind, file in files.items() if not kinds or kind in kinds}
    if folder is None:
        # What fetches is slow to import and only needed here.
        from lexclip_core.datasets.composition_files import fetched

        folder = fetched(described, tuple(wanted.values()))
    reader = _READERS[name]
    rows: list[Record] = []
    for kind, file in wanted.items():
        path = _path(described, folder, file)
        rows += [_row(reader, path, kind, key, item) for key, item in _items(path)]
    boxes = [row["box"] for row in rows if "box" in row]
    return CaptionTests(
        name=name,
        images=tuple(row["image"] for row in rows),
        true=tuple(row["true"] for row in rows),
        false=tuple(row["false"] for row in rows),
        groups=tuple(row["group"] for row in rows),
        paraphrases=tuple(row["paraphrase"] for row in rows if "paraphrase" in row),
        boxes=np.array(boxes, dtype=np.int64) if boxes else None,
    )


def read_picture(tests: CaptionTests, item: int, folder: Path) -> Image.Image:
    """Return an item's picture as RGB, cut to its box where it has one.

    Raises:
        MissingResourceError: The picture is not there.
        DamagedFileError: It is no picture.
    """
    path = folder / tests.images[item]
    if not path.is_file():
        raise MissingResourceError(f"{path} is not there", f"name the folder of the pictures of {tests.name}")
    picture = open_picture(path)
    if tests.boxes is None:
        return picture
    left, top, width, height = (int(value) for value in tests.boxes[item])
    return picture.crop((left, top, left + width, top + height))


def _found(folder: Path, file: str) -> Path | None:
    return next((path for path in (folder / file, folder / Path(file).name) if path.is_file()), None)


def _path(described: Card, folder: Path, file: str) -> Path:
    path = _found(folder, file)
    if path is None:
        raise MissingResourceError(
            f"{described.title}: {folder / file} is not there", f"get it from {described.source}"
        )
    return path


def _items(path: Path) -> list[tuple[str, Record]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise DamagedFileError(f"{path} is no JSON: {error}", _AGAIN) from error
    pairs = content.items() if isinstance(content, dict) else enumerate(content)
    return [(str(key), item) for key, item in pairs]


def _row(reader: Callable[[Record, str], Record], path: Path, kind: str, key: str, item: Record) -> Record:
    try:
        row = reader(item, kind)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise DamagedFileError(
            f"{path}: item {key} is not as it should be ({type(error).__name__}: {error})", _AGAIN
        ) from error
    empty = [part for part, value in row.items() if value == ""]
    if empty:
        raise DamagedFileError(f"{path}: item {key} has an empty {empty[0]}", _AGAIN)
    return row


def _aro(item: Record, group: str) -> Record:
    image = item["image_path"] if "image_path" in item else f"{item['image_id']}.jpg"
    box = [int(item[f"bbox_{side}"]) for side in "xywh"]
    captions = {"true": item["true_caption"].strip(), "false": item["false_caption"].strip()}
    return {"image": image, "group": group, "box": box, **captions}


def _sugarcrepe(item: Record, kind: str) -> Record:
    captions = {"true": item["caption"].strip(), "false": item["negative_caption"].strip()}
    return {"image": item["filename"], "group": kind, **captions}


_READERS: dict[str, Callable[[Record, str], Record]] = {
    "vg-relation": lambda item, _: _aro(item, item["relation_name"]),
    # ARO keeps the two attributes in their order: black and white are not white and black.
    "vg-attribution": lambda item, _: _aro(item, "_".join(item["attributes"][:2])),
    "sugarcrepe": _sugarcrepe,
    "sugarcrepe-pp": lambda item, kind: {**_sugarcrepe(item, kind), "paraphrase": item["caption2"].strip()},
}
