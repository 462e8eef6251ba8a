"""Tests of composition in their official files: ARO's two of Visual Genome, SugarCrepe, SugarCrepe++."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NotRequired

import numpy as np
from PIL import Image
from pydantic import Field
from typing_extensions import TypedDict

from lexclip_core import storage
from lexclip_core.datasets import cards
from lexclip_core.datasets.cards import Card, entry_of, whole_source
from lexclip_core.datasets.pictures.files import open_picture
from lexclip_core.download import fetch, offline
from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.text_files import check_shape, damaged, first_file, read_json

CARDS = cards.CARDS["composition"]
_Text = Annotated[str, Field(pattern=r"\S")]  # not empty


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

    Raises:
        InputError: The parts do not fit together, or a box has no size or ends before its picture begins.
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
            problem = f"{self.name}: parts of lengths {lengths} do not fit"
            raise InputError(problem, "give one of each per item")
        for item, box in enumerate(() if self.boxes is None else self.boxes.tolist()):
            if min(box[2:]) < 1 or box[0] + box[2] < 1 or box[1] + box[3] < 1:
                problem = f"{self.name}: the box of item {item} is {box}, left, top, width and height"
                raise InputError(problem, "give a box within the picture, at least one pixel wide and high")

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
    shape, reader = _READERS[name]
    rows: list[_Row] = []
    for kind, file in wanted.items():
        path = _file(place, file)
        if path is None:
            raise card.missing(place / file)
        content = read_json(path)
        keyed = dict[str, shape] if isinstance(content, dict) else list[shape]  # type: ignore[valid-type]
        items = check_shape(content, keyed, str(path))
        rows += [reader(item, kind) for item in (items.values() if isinstance(items, dict) else items)]
    if not rows:
        raise damaged(f"{place / next(iter(wanted.values()))} has no items")
    images, true, false, groups, paraphrases, boxes = zip(*rows, strict=True)
    others = paraphrases if any(paraphrases) else ()
    parts = None if None in boxes else np.array(boxes, dtype=np.int64)
    return CaptionTests(name, images, true, false, groups, others, parts)


SWAPS = ("replace_att", "swap_att")
"""The kinds of SugarCrepe++ on attributes."""


def attribute_swaps(folder: Path | None) -> CaptionTests | None:
    """Return SugarCrepe++'s items on attributes from a folder's `sugarcrepe_pp`, None without them."""
    place = folder / "sugarcrepe_pp" if folder else None
    if place is None or not all((place / f"{kind}.json").is_file() for kind in SWAPS):
        return None
    return read("sugarcrepe-pp", place, SWAPS)


def read_picture(tests: CaptionTests, item: int, folder: Path) -> Image.Image:
    """Return an item's picture as RGB, cut to its box where it has one.

    Raises:
        InputError: Most of the box lies beyond the picture.
        MissingResourceError: The picture is not there.
        DamagedFileError: It is not a picture.
    """
    path = folder / tests.images[item]
    if not path.is_file():
        raise MissingResourceError(f"{path} is not there", f"name the folder of the pictures of {tests.name}")
    if tests.boxes is None:
        return open_picture(path)
    picture = open_picture(path, max_side=None)  # boxes count its own pixels
    left, top, width, height = (int(value) for value in tests.boxes[item])
    right, bottom = min(left + width, picture.width), min(top + height, picture.height)
    left, top = max(left, 0), max(top, 0)
    # People drew boxes over the edge, and what is there is taken; one that is mostly outside is another's.
    if min(right - left, bottom - top) < 1 or 2 * (right - left) * (bottom - top) < width * height:
        size = f"{path} is {picture.width} x {picture.height} pixels"
        problem = f"item {item} of {tests.name}: {size}, its box {tests.boxes[item].tolist()} lies beyond"
        raise InputError(problem, "get the picture that the box was drawn on")
    return picture.crop((left, top, right, bottom))


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


_Row = tuple[str, str, str, str, str, tuple[int, ...] | None]
"""Picture, true and false caption, group, paraphrase or "", box or None."""


class _Aro(TypedDict):
    image_path: NotRequired[_Text]
    image_id: NotRequired[int | str]
    bbox_x: int
    bbox_y: int
    bbox_w: int
    bbox_h: int
    true_caption: _Text
    false_caption: _Text


class _Relation(_Aro):
    relation_name: _Text


class _Attribution(_Aro):
    attributes: list[_Text]


class _SugarCrepe(TypedDict):
    filename: _Text
    caption: _Text
    negative_caption: _Text


class _SugarCrepePP(_SugarCrepe):
    caption2: _Text


def _aro(item: Any, _kind: str) -> _Row:
    image = item["image_path"] if "image_path" in item else f"{item['image_id']}.jpg"
    # ARO keeps the two attributes in their order: black and white are not white and black.
    group = item["relation_name"] if "relation_name" in item else "_".join(item["attributes"][:2])
    box = tuple(item[f"bbox_{end}"] for end in "xywh")
    return image, item["true_caption"].strip(), item["false_caption"].strip(), group, "", box


def _sugarcrepe(item: Any, kind: str) -> _Row:
    true, false = item["caption"].strip(), item["negative_caption"].strip()
    return item["filename"], true, false, kind, item.get("caption2", "").strip(), None


_READERS: dict[str, tuple[type, Callable[[Any, str], _Row]]] = {
    "vg-relation": (_Relation, _aro),
    "vg-attribution": (_Attribution, _aro),
    "sugarcrepe": (_SugarCrepe, _sugarcrepe),
    "sugarcrepe-pp": (_SugarCrepePP, _sugarcrepe),
}


SOURCES = tuple(whole_source(card, partial(read, name), "items") for name, card in CARDS.items())
