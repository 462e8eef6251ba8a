"""Pictures with several captions each, and pairs of queries for one picture: what retrieval is tested on.

COCO, Flickr8k and Flickr30k are read from the user's disk, query pairs from any table.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NotRequired

import numpy as np
from typing_extensions import TypedDict  # pydantic needs this one before Python 3.12

from lexclip_core import text_files
from lexclip_core.datasets import cards
from lexclip_core.datasets.pictures.files import SUFFIXES, digests, open_picture
from lexclip_core.datasets.pictures.picture_set import PictureSet, without_classes
from lexclip_core.errors import InputError
from lexclip_core.words import shown

logger = logging.getLogger(__name__)

# What the layouts call the parts; Karpathy's `restval` is trained on.
_PARTS = {"train": "train", "restval": "train", "val": "development", "dev": "development", "test": "test"}
_FLICKR = cards.CARDS["captions"]["flickr8k"].details  # the layouts of both sets
_NAME_COLUMNS = ("image", "image_name", "filename", "file_name")
_TEXT_COLUMNS = ("caption", "comment", "raw")
_TOKEN = re.compile(r"(?P<name>[^\t]+)#\d+\t(?P<caption>.*)")
_NAMED_AT_MOST = 5  # pictures that are skipped, in the log


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
        chosen = np.sort(cards.seeded(seed).choice(len(self), pictures, replace=False)).tolist()
        captions = tuple(self.captions[place] for place in chosen)
        return CaptionSet(self.name, self.title, self.pictures.take(chosen), captions)


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
    title = cards.CARDS["captions"][name].title
    if part != "all":
        name, title = f"{name}-{part}", f"{title}, {part}"
    entries, files = zip(*pictures, strict=True)
    titles = [entry.name for entry in entries]
    opened = without_classes(name, title, digests(files), titles, lambda place: open_picture(files[place]))
    return CaptionSet(name, title, opened, tuple(entry.captions for entry in entries))


def _named_part(name: str, path: Path, split: str) -> tuple[str, _Pictures]:
    """Return the pictures of a set's part, and the part's name in the layout that is there.

    COCO is read by Karpathy's `dataset_coco.json` where it is there; else `train` is
    `annotations/captions_train2017.json` with `train2017`, and every other part is that of val2017.
    """
    if name != "coco":
        return split, _flickr_pictures(path, split, cards.CARDS["captions"][name])
    if (path / "dataset_coco.json").is_file():
        return split, _coco_pictures(path / "dataset_coco.json", path, split)
    part = "train2017" if split == "train" else "val2017"
    return part, _coco_pictures(path / "annotations" / f"captions_{part}.json", path / part, "all")


def _read(name: str, path: Path, draw: cards.Draw, _seed: int) -> CaptionSet:
    return _caption_set(name, *_named_part(name, path, draw.part))


def _check(name: str, path: Path, draw: cards.Draw) -> dict[str, int]:
    _, pictures = _named_part(name, path, draw.part)
    return {"pictures": len(pictures), "captions": sum(len(entry.captions) for entry, _ in pictures)}


def _coco_pictures(annotations: Path, folder: Path, split: str) -> _Pictures:
    """Return the pictures of one part of COCO's or Karpathy's list, each with its file."""
    card = cards.CARDS["captions"]["coco"]
    if not annotations.is_file():
        raise card.missing(annotations)
    return _located(_part(_listed(annotations), split, annotations), folder, card)


def _flickr_pictures(folder: Path, split: str, card: cards.Card) -> _Pictures:
    """Return the pictures of one part of a folder's first list, each with its file."""
    file = text_files.first_file(folder, (*_FLICKR["karpathy"], *_FLICKR["tokens"], *_FLICKR["tables"]))
    if file is None:
        raise card.missing(folder / _FLICKR["tokens"][0] if folder.is_dir() else folder)
    entries = _part(_listed(file), split, file, _names_of_part(folder, split))
    # The folder that holds the first picture holds all of them, or the set is not complete.
    places = [folder / place for place in _FLICKR["folders"] if (folder / place).is_dir()]
    place = next((one for one in places if (one / entries[0].name).is_file()), places[0])
    return _located(entries, place, card)


def _located(entries: Sequence[_Entry], folder: Path, card: cards.Card) -> _Pictures:
    pictures = []
    for entry in entries:
        places = [folder / sub / entry.name for sub in dict.fromkeys((entry.folder, ""))]
        file = next((place for place in places if place.is_file()), None)
        if file is None:
            raise card.missing(places[0], f"get the pictures from {card.source}")
        pictures.append((entry, file))
    return pictures


def _part(entries: list[_Entry], split: str, file: Path, names: frozenset[str] | None = None) -> list[_Entry]:
    if split == "all":
        chosen = entries
    elif any(entry.split for entry in entries) or names is None:
        chosen = [entry for entry in entries if entry.split == split]
    else:
        chosen = [entry for entry in entries if names & {entry.name, Path(entry.name).stem}]
        _log_skipped(
            file,
            names - {one for entry in chosen for one in (entry.name, Path(entry.name).stem)},
            f"listed in the part {split} and not captioned",
        )
    if not chosen:
        remedy = text_files.GET_AGAIN if split == "all" else "ask for all of it"
        raise InputError(f"{file} lists no picture of the part {split}", remedy)
    return chosen


def _names_of_part(folder: Path, split: str) -> frozenset[str] | None:
    """Return the names that a list of one part next to the captions has, with suffix or without, if any."""
    lists = [f"{sub}/{name}" for name in _FLICKR["parts"].get(split, ()) for sub in (".", "Flickr8k_text")]
    file = text_files.first_file(folder, lists)
    return frozenset(line.strip() for line in text_files.read_lines(file) if line.strip()) if file else None


def _listed(file: Path) -> list[_Entry]:
    """Return the entries of a list, in any layout, that name a picture and have a caption."""
    if file.suffix == ".json":
        entries = _json_entries(file)
    else:
        tokens = file.suffix == ".token" or file.name.endswith(".token.txt")
        entries = _gathered(_token_rows(file) if tokens else _table_rows(file))
    usable = [entry for entry in entries if entry.captions and Path(entry.name).suffix.lower() in SUFFIXES]
    # Flickr8k lists `2258277193_586949ec62.jpg.1`, which no one has
    others = {entry.name for entry in entries} - {entry.name for entry in usable}
    _log_skipped(file, others, "without a caption or without a picture's name")
    return usable


def _log_skipped(file: Path, names: Iterable[str], reason: str) -> None:
    listed = sorted(names)
    if listed:
        named = ", ".join(listed[:_NAMED_AT_MOST])
        logger.warning("%s: %d pictures are skipped, %s: %s", file, len(listed), reason, named)


class CocoImage(TypedDict):
    """A picture of COCO's list."""

    id: int | str
    file_name: str


class CocoNote(TypedDict):
    """A caption of COCO's list."""

    image_id: int | str
    caption: str


class CocoCaptions(TypedDict):
    """What `captions_val2017.json` and files like it hold."""

    images: NotRequired[list[CocoImage]]
    annotations: list[CocoNote]


class _Sentence(TypedDict):
    raw: str


class _KarpathyImage(TypedDict):
    filename: str
    sentences: list[_Sentence]
    filepath: NotRequired[str]
    split: NotRequired[str]


class _Karpathy(TypedDict):
    images: list[_KarpathyImage]


def _json_entries(file: Path) -> list[_Entry]:
    """Return the pictures of COCO's `captions_*.json` or of Karpathy's `dataset_*.json`, in their order."""
    content = text_files.read_json(file)
    if not isinstance(content, dict) or "annotations" not in content:
        listed: _Karpathy = text_files.check_shape(content, _Karpathy, str(file))
        return [_karpathy(image) for image in listed["images"]]
    coco_list: CocoCaptions = text_files.check_shape(content, CocoCaptions, str(file))
    images = coco_list.get("images", [])
    texts: dict[int | str, list[str]] = {image["id"]: [] for image in images}
    for row in coco_list["annotations"]:
        if row["image_id"] not in texts:
            raise text_files.damaged(f"{file}: picture {row['image_id']} is captioned, not listed")
        texts[row["image_id"]].append(row["caption"])
    return [_Entry(image["file_name"], _stripped(texts[image["id"]])) for image in images]


def _karpathy(image: _KarpathyImage) -> _Entry:
    captions = _stripped([sentence["raw"] for sentence in image["sentences"]])
    split = _PARTS.get(image.get("split", ""), "")
    return _Entry(image["filename"], captions, image.get("filepath", ""), split)


def _token_rows(file: Path) -> Iterator[tuple[str, str, str]]:
    r"""Yield name, caption and "" of `NAME.jpg#0\tcaption` lines, as Flickr8k and Flickr30k have them."""
    for number, line in text_files.numbered_lines(file):
        if line.strip():
            match = _TOKEN.fullmatch(line.removesuffix("\n").removesuffix("\r"))
            if not match:
                raise text_files.damaged(f"{file}, line {number:,}: no NAME.jpg#0, tab and caption")
            yield match["name"], match["caption"], ""


def _table_rows(file: Path) -> Iterator[tuple[str, str, str]]:
    """Yield name, caption and part of a table with a header.

    The picture stands under `image`, `image_name` or `filename`; the text under `caption`, `comment`, or
    `raw` (a JSON list of all captions); the part, where there is one, under `split`.
    """
    columns = {"image": _NAME_COLUMNS, "caption": _TEXT_COLUMNS}
    for line, row in text_files.table_rows(file, columns, optional=("split", "raw")):
        name, text, split = row["image"].strip(), row["caption"], row.get("split", "").strip()
        if row.get("raw") == text:
            place = f"{file}, line {line:,}"
            listed: list[str] = text_files.check_shape(text_files.parse_json(text, place), list[str], place)
            yield from ((name, one, split) for one in listed)
        else:
            yield name, text, split


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


# --- pairs of queries ---


@dataclass(frozen=True)
class QueryPairs:
    """Two phrasings of each intent: the test of paraphrased retrieval.

    Args:
        name: Name of the set.
        queries_a: The original queries, (n,).
        queries_b: Their paraphrases, (n,).
        images: Name of the picture that both ask for, (n,); "" where unknown.
        kinds: How the paraphrase was made, (n,); "" where unknown.
    """

    name: str
    queries_a: tuple[str, ...]
    queries_b: tuple[str, ...]
    images: tuple[str, ...]
    kinds: tuple[str, ...]

    def __post_init__(self) -> None:
        lengths = [len(part) for part in (self.queries_a, self.queries_b, self.images, self.kinds)]
        if len(set(lengths)) > 1 or not lengths[0]:
            problem = f"{self.name}: {lengths} queries, paraphrases, images and kinds do not pair"
            raise InputError(problem, "give one of each per pair")

    def __len__(self) -> int:
        return len(self.queries_a)

    def places(self, names: Sequence[str]) -> np.ndarray:
        """Return the place of each wanted picture among names, (n,) int64; -1 where it is not among them."""
        known = {name: place for place, name in enumerate(names)}
        return np.array([known.get(image, -1) for image in self.images], dtype=np.int64)

    def intents(self) -> np.ndarray:
        """Return a number for each intent, (n,) int64: pairs that ask for one picture have the same."""
        numbers: dict[str, int] = {}
        keys = [image or f"\0{place}" for place, image in enumerate(self.images)]
        return np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)


def read_query_pairs(path: Path) -> QueryPairs:
    """Read query pairs from a table: CSV, TSV or JSON lines with the columns query, paraphrase and image.

    The columns `image` and `kind` may be absent.

    Args:
        path: The file, `.csv`, `.tsv` or `.jsonl`.

    Raises:
        InputError: The file is of another kind.
        MissingResourceError: It is not there.
        DamagedFileError: A column is missing, or a row lacks a query; see `text_files.table_rows`.
    """
    if path.suffix not in (".tsv", ".csv", ".jsonl"):
        raise InputError(f"{path.name} is not a table of query pairs", "give a .csv, .tsv or .jsonl file")
    remedy = "write a table in UTF-8 with the columns query, paraphrase, image"
    rows = []
    for line, row in text_files.table_rows(
        path, ("query", "paraphrase"), optional=("image", "kind"), remedy=remedy
    ):
        one, other = row["query"].strip(), row["paraphrase"].strip()
        if not (one and other):
            given = f"it has {shown(one)} and {shown(other)}"
            raise text_files.damaged(f"{path}, line {line:,} lacks a query, {given}", "fill it in")
        rows.append((one, other, row.get("image", "").strip(), row.get("kind", "").strip()))
    if not rows:
        raise text_files.damaged(f"{path} has no pairs", remedy)
    queries_a, queries_b, images, kinds = zip(*rows, strict=True)
    return QueryPairs(path.stem, queries_a, queries_b, images, kinds)


# --- by name ---


def open_captions(name: str, path: Path | None = None, *, split: str = "test") -> CaptionSet:
    """Return pictures with their captions, by the name of the set.

    Layouts of Flickr, in the order in which they are looked for: Karpathy's `dataset_flickr8k.json` or
    `dataset_flickr30k.json`; the official `Flickr8k.token.txt` or `results_20130124.token`; a table
    `captions.tsv`, `captions.txt`, `captions.csv`, `results.csv` or `flickr_annotations_30k.csv`. The
    pictures lie in `Images`, `Flicker8k_Dataset`, `flickr30k-images` or next to the captions; parts are
    known by the captions' own column or by lists of names next to them. Rows without a picture's name, of
    which Flickr8k has five, are skipped, and the log counts them.

    Args:
        name: `coco`, `flickr8k` or `flickr30k`, or what was added to `cards.text_sources()`.
        path: Where the set lies on disk; by default the folder with its name in `cards.pictures_folder()`.
            COCO is read by Karpathy's `dataset_coco.json` where it is there, whose `test` is the papers'
            5,000 pictures; else `train` is `annotations/captions_train2017.json` with `train2017`, and every
            other part is that of val2017.
        split: The part: `test`, `train`, `development` or `all`.

    Raises:
        InputError: No such set or part, or the list has no picture of the part.
        MissingResourceError: No layout, or not every picture, is there; the message has the first wrong path.
        DamagedFileError: A file is damaged.
    """
    texts = cards.entry_of(cards.text_sources(), name, "set of texts").open(path, sample=split)
    if not isinstance(texts, CaptionSet):
        raise InputError(f"{name} is not a set of captioned pictures", "name one, such as coco or flickr30k")
    return texts


_SAMPLES = {part: cards.Draw(part) for part in ("test", "train", "development", "all")}
SOURCES = (
    *(
        cards.Source(one, partial(_read, name), partial(_check, name), _SAMPLES)
        for name, one in cards.CARDS["captions"].items()
    ),
    *(cards.whole_source(one, read_query_pairs, "pairs") for one in cards.CARDS["queries"].values()),
)
