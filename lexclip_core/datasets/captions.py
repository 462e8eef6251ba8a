"""Pictures with several captions each, for retrieval: COCO, Flickr8k and Flickr30k from the user's disk."""

from __future__ import annotations

import csv
import json
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from lexclip_core.datasets.cards import CARDS, Card, Draw, Source
from lexclip_core.datasets.pictures.files import SUFFIXES, digests, open_picture
from lexclip_core.datasets.pictures.picture_set import PictureSet, without_classes
from lexclip_core.datasets.text_files import GET_AGAIN, damaged, first_file, read_json, read_lines
from lexclip_core.errors import InputError

logger = logging.getLogger(__name__)

Split = Literal["all", "train", "development", "test"]

# What the layouts call the parts; Karpathy's `restval` is trained on.
_PARTS = {"train": "train", "restval": "train", "val": "development", "dev": "development", "test": "test"}
_FLICKR = CARDS["captions"]["flickr8k"].details  # the layouts of both sets
_NAME_COLUMNS = ("image", "image_name", "filename", "file_name")
_TEXT_COLUMNS = ("caption", "comment", "raw")
_TOKEN = re.compile(r"(?P<name>[^\t]+)#\d+\t(?P<caption>.*)")
# One row of Kaggle's Flickr30k table lacks its second bar.
_LOST_BAR = re.compile(r"\s*\d+\s+(?P<caption>.+)")
_NAMED_AT_MOST = 5  # pictures without a caption, or with another name than a picture's, that the log names


@dataclass(frozen=True, eq=False)
class CaptionSet:
    """Pictures and what people wrote under them.

    Args:
        name: A short name for files and addresses.
        title: What a page calls the set.
        pictures: The pictures, without classes.
        captions: The captions of each picture, one tuple per picture, none of them empty.

    Raises:
        InputError: The parts do not fit together, or a picture has no caption.
    """

    name: str
    title: str
    pictures: PictureSet
    captions: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if len(self.captions) != len(self.pictures):
            counts = f"{len(self.captions)} of {len(self.pictures)} pictures"
            raise InputError(f"{self.name} has captions for {counts}", "give every picture a tuple of them")
        for place, texts in enumerate(self.captions):
            if not texts:
                raise InputError(f"{self.pictures.titles[place]} has no caption", "leave the picture out")

    def __len__(self) -> int:
        return len(self.captions)

    @property
    def texts(self) -> tuple[str, ...]:
        """All captions, picture by picture."""
        return tuple(text for texts in self.captions for text in texts)

    @property
    def picture_of(self) -> np.ndarray:
        """The place of each caption's picture, (captions,) int64, in the order of `texts`."""
        return np.repeat(np.arange(len(self)), [len(texts) for texts in self.captions])

    def sample(self, pictures: int, *, seed: int = 0) -> CaptionSet:
        """Return so many pictures with their captions, drawn without replacement, in the set's order.

        Raises:
            InputError: Fewer than one picture, or more than there are, are asked for.
        """
        if not 1 <= pictures <= len(self):
            raise InputError(f"{pictures} of {len(self)} pictures are asked for", "ask for what is there")
        chosen = np.sort(np.random.default_rng(seed).choice(len(self), pictures, replace=False)).tolist()
        captions = tuple(self.captions[place] for place in chosen)
        return CaptionSet(self.name, self.title, self.pictures.take(chosen), captions)


def coco(annotations: Path, folder: Path, *, split: Split = "all") -> CaptionSet:
    """Return COCO's pictures and captions.

    Args:
        annotations: `captions_val2017.json` or one like it, or Karpathy's `dataset_coco.json`.
        folder: The pictures of the list, or the folder that holds `val2014` and `train2014` where the list
            names those.
        split: The part, which Karpathy's list alone has: the papers' 5,000 pictures are its `test`.

    Raises:
        InputError: The list has no such part.
        MissingResourceError: The list or a picture is not there; the message has the first wrong path.
        DamagedFileError: The list is damaged.
    """
    return _caption_set("coco", split, _coco_pictures(annotations, folder, split))


def flickr(folder: Path, *, split: Split = "all") -> CaptionSet:
    """Return the pictures and captions of Flickr8k or Flickr30k, whichever lies in a folder.

    Layouts, in the order in which they are looked for: Karpathy's `dataset_flickr8k.json` or
    `dataset_flickr30k.json`; the official `Flickr8k.token.txt` or `results_20130124.token`; a table
    `captions.tsv`, `captions.txt`, `captions.csv`, `results.csv` or `flickr_annotations_30k.csv`. The
    pictures lie in `Images`, `Flicker8k_Dataset`, `flickr30k-images` or next to the captions. Rows without a
    picture's name, of which Flickr8k has five, are skipped, and the log counts them.

    Args:
        folder: The folder.
        split: The part, by the captions' own column or by the lists of names next to them.

    Raises:
        InputError: The layout has no such part.
        MissingResourceError: No layout, or not every picture, is there; the message has the first wrong path.
        DamagedFileError: A file is damaged.
    """
    name, pictures = _flickr_pictures(folder, split)
    return _caption_set(name, split, pictures)


@dataclass(frozen=True)
class _Entry:
    """One picture of a list of captions.

    Args:
        name: The picture's file name.
        captions: Its captions, stripped, in the order of the file.
        folder: The folder that the list says the picture is in, or "".
        split: A part, or "" where the list has no parts or none for it.
    """

    name: str
    captions: tuple[str, ...]
    folder: str = ""
    split: str = ""


_Pictures = list[tuple[_Entry, Path]]


def _caption_set(name: str, part: str, pictures: _Pictures) -> CaptionSet:
    title = CARDS["captions"][name].title
    if part != "all":
        name, title = f"{name}-{part}", f"{title}, {part}"
    entries, files = zip(*pictures, strict=True)
    titles = [entry.name for entry in entries]
    shown = without_classes(name, title, digests(files), titles, lambda place: open_picture(files[place]))
    return CaptionSet(name, title, shown, tuple(entry.captions for entry in entries))


def _named_part(name: str, path: Path, split: str) -> tuple[str, _Pictures]:
    """Return the pictures of a set's part, and the part's name in the layout that is there.

    COCO is read by Karpathy's `dataset_coco.json` where it is there; else `train` is
    `annotations/captions_train2017.json` with `train2017`, and every other part is that of val2017.
    """
    if name != "coco":
        return split, _flickr_pictures(path, split)[1]
    if (path / "dataset_coco.json").is_file():
        return split, _coco_pictures(path / "dataset_coco.json", path, split)
    part = "train2017" if split == "train" else "val2017"
    return part, _coco_pictures(path / "annotations" / f"captions_{part}.json", path / part, "all")


def _read(name: str, path: Path, draw: Draw, _seed: int) -> CaptionSet:
    return _caption_set(name, *_named_part(name, path, draw.part))


def _check(name: str, path: Path, draw: Draw) -> dict[str, int]:
    _, pictures = _named_part(name, path, draw.part)
    return {"pictures": len(pictures), "captions": sum(len(entry.captions) for entry, _ in pictures)}


_SAMPLES = {part: Draw(part) for part in ("test", "train", "development", "all")}
SOURCES = tuple(
    Source(card, partial(_read, name), partial(_check, name), _SAMPLES)
    for name, card in CARDS["captions"].items()
)


def _coco_pictures(annotations: Path, folder: Path, split: str) -> _Pictures:
    """Return the pictures of one part of COCO's or Karpathy's list, each with its file."""
    card = CARDS["captions"]["coco"]
    if not annotations.is_file():
        raise card.missing(annotations)
    return _located(_part(_listed(annotations), split, annotations), folder, card)


def _flickr_pictures(folder: Path, split: str) -> tuple[str, _Pictures]:
    """Return the set's name, and the pictures of one part of a folder's first list, each with its file."""
    file = first_file(folder, (*_FLICKR["karpathy"], *_FLICKR["tokens"], *_FLICKR["tables"]))
    if file is None:
        raise CARDS["captions"]["flickr8k"].missing(
            folder / _FLICKR["tokens"][0] if folder.is_dir() else folder
        )
    name = "flickr30k" if "30k" in file.name or "results" in file.name else "flickr8k"
    entries = _part(_listed(file), split, file, _names_of_part(folder, split))
    # The folder that holds the first picture holds all of them, or the set is not complete.
    places = [folder / place for place in _FLICKR["folders"] if (folder / place).is_dir()]
    place = next((one for one in places if (one / entries[0].name).is_file()), places[0])
    return name, _located(entries, place, CARDS["captions"][name])


def _located(entries: Sequence[_Entry], folder: Path, card: Card) -> _Pictures:
    pictures = []
    for entry in entries:
        places = [folder / sub / entry.name for sub in dict.fromkeys((entry.folder, ""))]
        file = next((place for place in places if place.is_file()), None)
        if file is None:
            raise card.missing(places[0], f"get the pictures from {card.source}")
        pictures.append((entry, file))
    return pictures


def _part(entries: list[_Entry], split: str, file: Path, names: frozenset[str] | None = None) -> list[_Entry]:
    if split not in get_args(Split):
        raise InputError(f"unknown part {split!r}", f"choose one of {', '.join(get_args(Split))}")
    if split == "all":
        chosen = entries
    elif any(entry.split for entry in entries) or names is None:
        chosen = [entry for entry in entries if entry.split == split]
    else:
        chosen = [entry for entry in entries if entry.name.split(".")[0] in names]
    if not chosen:
        remedy = GET_AGAIN if split == "all" else "ask for all of it"
        raise InputError(f"{file} lists no picture of the part {split}", remedy)
    return chosen


def _names_of_part(folder: Path, split: str) -> frozenset[str] | None:
    """Return the names, without suffix, that a list of one part next to the captions has, if there is one."""
    lists = [f"{sub}/{name}" for name in _FLICKR["parts"].get(split, ()) for sub in (".", "Flickr8k_text")]
    file = first_file(folder, lists)
    return frozenset(line.strip().split(".")[0] for line in read_lines(file) if line) if file else None


def _listed(file: Path) -> list[_Entry]:
    """Return the entries of a list, in any layout, that name a picture and have a caption."""
    if file.suffix == ".json":
        entries = _json_entries(file)
    else:
        tokens = file.suffix == ".token" or file.name.endswith(".token.txt")
        entries = _gathered(_token_rows(file) if tokens else _table_rows(file))
    usable = [entry for entry in entries if entry.captions and Path(entry.name).suffix.lower() in SUFFIXES]
    others = sorted({entry.name for entry in entries} - {entry.name for entry in usable})
    if others:  # Flickr8k lists `2258277193_586949ec62.jpg.1`, which no one has
        named = ", ".join(others[:_NAMED_AT_MOST])
        reason = "without a caption or without a picture's name"
        logger.warning("%s: %d pictures are skipped, %s: %s", file, len(others), reason, named)
    return usable


def _json_entries(file: Path) -> list[_Entry]:
    """Return the pictures of COCO's `captions_*.json` or of Karpathy's `dataset_*.json`, in their order."""
    content = read_json(file)
    try:
        if content["images"] and "sentences" in content["images"][0]:
            return [_karpathy(image) for image in content["images"]]
        texts: dict[int, list[str]] = {image["id"]: [] for image in content["images"]}
        for row in content["annotations"]:
            if row["image_id"] not in texts:
                raise damaged(f"{file}: picture {row['image_id']} is captioned, not listed")
            texts[row["image_id"]].append(row["caption"])
        return [_Entry(image["file_name"], _stripped(texts[image["id"]])) for image in content["images"]]
    except (KeyError, TypeError, AttributeError) as error:
        raise damaged(f"{file} is not a list of captions: {type(error).__name__}: {error}") from error


def _karpathy(image: dict[str, Any]) -> _Entry:
    captions = _stripped([sentence["raw"] for sentence in image["sentences"]])
    split = _PARTS.get(image.get("split", ""), "")
    return _Entry(image["filename"], captions, image.get("filepath", ""), split)


def _token_rows(file: Path) -> Iterator[tuple[str, str, str]]:
    r"""Yield name, caption and "" of `NAME.jpg#0\tcaption` lines, as Flickr8k and Flickr30k have them."""
    for number, line in _numbered(file):
        match = _TOKEN.fullmatch(line)
        if not match:
            raise damaged(f"{file}, line {number}: no NAME.jpg#0, tab and caption")
        yield match["name"], match["caption"], ""


def _table_rows(file: Path) -> Iterator[tuple[str, str, str]]:
    """Yield name, caption and part of a table with a header, its columns separated by tabs, bars or commas.

    The picture stands under `image`, `image_name` or `filename`; the text under `caption`, `comment`, or
    `raw` (a JSON list of all captions); the part, where there is one, under `split`.
    """
    table = _cells(file)
    columns = [column.strip() for column in (table[0] if table else [])]
    name, text = _column(file, columns, _NAME_COLUMNS), _column(file, columns, _TEXT_COLUMNS)
    part = columns.index("split") if "split" in columns else None
    for number, given in enumerate(table[1:], start=2):
        cells = _mended(given, len(columns))
        if len(cells) < len(columns):
            raise damaged(f"{file}, row {number}: {len(cells)} of {len(columns)} columns")
        split = cells[part].strip() if part is not None else ""
        texts = _json_texts(file, number, cells[text]) if columns[text] == "raw" else [cells[text]]
        yield from ((cells[name].strip(), one, split) for one in texts)


def _cells(file: Path) -> list[list[str]]:
    lines = [line for _, line in _numbered(file)]
    header = lines[0] if lines else ""
    mark = next((one for one in "\t|" if one in header), ",")
    if mark != ",":  # there the caption stands last, is never quoted, and may hold a mark
        return [line.split(mark, header.count(mark)) for line in lines]
    try:
        return list(csv.reader(lines))
    except csv.Error as error:
        raise damaged(f"{file} is damaged: {error}") from error


def _numbered(file: Path) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(read_lines(file), start=1) if line.strip())


def _column(file: Path, columns: list[str], names: tuple[str, ...]) -> int:
    place = next((columns.index(name) for name in names if name in columns), None)
    if place is None:
        raise damaged(f"{file}: no column is called {' or '.join(names)}; it has {columns}")
    return place


def _mended(cells: list[str], columns: int) -> list[str]:
    match = _LOST_BAR.fullmatch(cells[-1]) if cells and len(cells) == columns - 1 else None
    return [*cells[:-1], "", match["caption"]] if match else cells


def _json_texts(file: Path, number: int, cell: str) -> list[str]:
    try:
        return [str(text) for text in json.loads(cell)]
    except (ValueError, TypeError) as error:
        raise damaged(f"{file}, row {number}: {error}") from error


def _gathered(rows: Iterator[tuple[str, str, str]]) -> list[_Entry]:
    """Return one entry per picture, in the order in which pictures first occur."""
    texts: dict[str, list[str]] = {}
    splits: dict[str, str] = {}
    for name, text, split in rows:
        texts.setdefault(name, []).append(text)
        splits[name] = _PARTS.get(split, "")
    return [_Entry(name, _stripped(captions), split=splits[name]) for name, captions in texts.items()]


def _stripped(texts: list[str]) -> tuple[str, ...]:
    return tuple(text.strip() for text in texts if text.strip())
