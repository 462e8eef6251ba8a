"""Tests of composition in their official files: ARO's two of Visual Genome, SugarCrepe, SugarCrepe++."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lexclip_core import storage
from lexclip_core.datasets import cards
from lexclip_core.datasets.cards import Card, entry_of, whole_source
from lexclip_core.datasets.pictures.files import open_picture
from lexclip_core.datasets.text_files import damaged, first_file, read_json
from lexclip_core.download import fetch, offline
from lexclip_core.errors import InputError, MissingResourceError

CARDS = cards.CARDS["composition"]
_Record = dict[str, Any]


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
                f"{self.name}: parts of lengths {lengths} do not fit", "give one of each per item"
            )

    def __len__(self) -> int:
        return len(self.true)

    def texts(self) -> tuple[str, ...]:
        """Return every caption, in no particular order."""
        return (*self.true, *self.paraphrases, *self.false)


def available(folder: Path) -> tuple[str, ...]:
    """Return the names of the sets of which a folder holds at least one file, in the order of `CARDS`."""
    return tuple(name for name, card in CARDS.items() if any(_file(folder, file) for file in card.files))


def read(name: str, folder: Path | None = None, kinds: Sequence[str] = ()) -> CaptionTests:
    """Read a set from its official JSON files.

    Each file is looked for in the folder and in its sub-folder named after the set. ARO: one file, a list of
    objects with `image_path` (or `image_id`), `bbox_x`, `bbox_y`, `bbox_w`, `bbox_h`, `true_caption`,
    `false_caption`, and `relation_name` or `attributes`. SugarCrepe and SugarCrepe++: a file per kind,
    objects with `filename`, `caption`, `negative_caption`, and `caption2` in SugarCrepe++, listed or keyed by
    number.

    Args:
        name: Name of the set, as in `CARDS`.
        folder: The folder; None fetches the official files into the cache, or takes them from there.
        kinds: For the sets with several files, the kinds to read; () reads all, and all must be there.

    Raises:
        InputError: Unknown set or kind.
        MissingResourceError: A file is not there, and cannot be fetched; the message has the first such path.
        DamagedFileError: A file is not JSON, an item lacks a field, or what came has another checksum.
    """
    card = entry_of(CARDS, name, "composition set")
    files = {Path(file).stem: file for file in card.files}
    unknown = [kind for kind in kinds if kind not in files]
    if unknown:
        raise InputError(f"{card.title} has no kind {unknown[0]!r}", f"choose from {', '.join(files)}")
    wanted = {kind: file for kind, file in files.items() if not kinds or kind in kinds}
    place = fetched(card, tuple(wanted.values())) if folder is None else folder
    rows: list[_Record] = []
    for kind, file in wanted.items():
        path = _file(place, file)
        if path is None:
            raise card.missing(place / file)
        content = read_json(path)
        items = content.items() if isinstance(content, dict) else enumerate(content)
        rows += [_row(_READERS[name], path, kind, str(key), item) for key, item in items]
    parts = ("image", "true", "false", "group", "paraphrase")
    images, true, false, groups, paraphrases = (
        tuple(row[part] for row in rows if part in row) for part in parts
    )
    boxes = np.array([row["box"] for row in rows if "box" in row], dtype=np.int64)
    return CaptionTests(name, images, true, false, groups, paraphrases, boxes if len(boxes) else None)


def read_picture(tests: CaptionTests, item: int, folder: Path) -> Image.Image:
    """Return an item's picture as RGB, cut to its box where it has one.

    Raises:
        MissingResourceError: The picture is not there.
        DamagedFileError: It is not a picture.
    """
    path = folder / tests.images[item]
    if not path.is_file():
        raise MissingResourceError(f"{path} is not there", f"name the folder of the pictures of {tests.name}")
    picture = open_picture(path)
    if tests.boxes is None:
        return picture
    left, top, width, height = (int(value) for value in tests.boxes[item])
    return picture.crop((left, top, left + width, top + height))


def address(card: Card, file: str) -> str:
    """Return where a file of a set can be had.

    Example:
        >>> address(CARDS["sugarcrepe"], "sugarcrepe/add_att.json")
        'https://raw.githubusercontent.com/RAIVNLab/sugar-crepe/main/data/add_att.json'
    """
    return str(card.details["address"]).format(name=Path(file).name)


def fetched(card: Card, files: Sequence[str]) -> Path:
    """Return a folder of the cache that holds files of a set, fetching those that are not there yet.

    Raises:
        MissingResourceError: A file is not there and nothing may be fetched, or its server does not answer.
        DamagedFileError: What came has another checksum than it should have.
        StorageError: There is no room for it.
    """
    folder = storage.cache_folder() / "composition"
    for file in files:
        target = folder / file
        if target.is_file():
            continue
        remedy = f"get {Path(file).name} from {card.source} and put it at {target}, or name its folder"
        if offline():
            raise card.missing(target, f"{remedy}; HF_HUB_OFFLINE asks that nothing is fetched")
        try:
            fetch(address(card, file), target, sha256=card.details.get("sha256", {}).get(file, ""))
        except MissingResourceError as error:
            raise MissingResourceError(f"{card.title}: {error.problem}", remedy) from error
    return folder


def _file(folder: Path, file: str) -> Path | None:
    return first_file(folder, (file, Path(file).name))


def _row(
    reader: Callable[[_Record, str], _Record], path: Path, kind: str, key: str, item: _Record
) -> _Record:
    try:
        row = reader(item, kind)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise damaged(f"{path}: item {key} is not as it should be ({reason})") from error
    empty = [part for part, value in row.items() if value == ""]
    if empty:
        raise damaged(f"{path}: item {key} has an empty {empty[0]}")
    return row


def _aro(item: _Record, group: str) -> _Record:
    image = item["image_path"] if "image_path" in item else f"{item['image_id']}.jpg"
    box = [int(item[f"bbox_{end}"]) for end in "xywh"]
    captions = {"true": item["true_caption"].strip(), "false": item["false_caption"].strip()}
    return {"image": image, "group": group, "box": box, **captions}


def _sugarcrepe(item: _Record, kind: str) -> _Record:
    captions = {"true": item["caption"].strip(), "false": item["negative_caption"].strip()}
    return {"image": item["filename"], "group": kind, **captions}


_READERS: dict[str, Callable[[_Record, str], _Record]] = {
    "vg-relation": lambda item, _: _aro(item, item["relation_name"]),
    # ARO keeps the two attributes in their order: black and white are not white and black.
    "vg-attribution": lambda item, _: _aro(item, "_".join(item["attributes"][:2])),
    "sugarcrepe": _sugarcrepe,
    "sugarcrepe-pp": lambda item, kind: {**_sugarcrepe(item, kind), "paraphrase": item["caption2"].strip()},
}


SOURCES = tuple(whole_source(card, partial(read, name), "items") for name, card in CARDS.items())
