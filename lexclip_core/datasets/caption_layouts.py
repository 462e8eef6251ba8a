"""The files that captions are published in, each read into one row a picture."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lexclip_core.errors import DamagedFileError

_AGAIN = "get the official file again: it may have been cut short or edited"
# How the layouts call the parts; Karpathy's `restval` is trained on.
_SPLITS = {
    "train": "train",
    "restval": "train",
    "val": "development",
    "dev": "development",
    "test": "test",
}
_TOKEN = re.compile(r"(?P<name>[^\t]+)#\d+\t(?P<caption>.*)")
# One row of Kaggle's Flickr30k table lacks its second bar.
_LOST_BAR = re.compile(r"\s*\d+\s+(?P<caption>.+)")
_NAMES = ("image", "image_name", "filename", "file_name")
_TEXTS = ("caption", "comment", "raw")


@dataclass(frozen=True)
class Listed:
    """One picture of a list of captions.

    Args:
        name: The picture's file name.
        captions: Its captions, stripped, in the order of the file.
        folder: The folder that the list says the picture is in, or "".
        split: `train`, `development`, `test`, or "" where the list has no parts or none for it.
    """

    name: str
    captions: tuple[str, ...]
    folder: str = ""
    split: str = ""


def read_json(file: Path) -> list[Listed]:
    """Return the pictures of COCO's `captions_*.json` or of Karpathy's `dataset_*.json`, in their order.

    Raises:
        DamagedFileError: The file is neither of them, or a caption belongs to no picture.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        if content["images"] and "sentences" in content["images"][0]:
            return [_karpathy(image) for image in content["images"]]
        texts: dict[int, list[str]] = {image["id"]: [] for image in content["images"]}
        for row in content["annotations"]:
            if row["image_id"] not in texts:
                raise DamagedFileError(f"{file}: picture {row['image_id']} is captioned, not listed", _AGAIN)
            texts[row["image_id"]].append(row["caption"])
        return [Listed(image["file_name"], _stripped(texts[image["id"]])) for image in content["images"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, DamagedFileError):
            raise
        raise DamagedFileError(
            f"{file} is no list of captions: {type(error).__name__}: {error}", _AGAIN
        ) from error


def read_tokens(file: Path) -> list[Listed]:
    r"""Return the pictures of `NAME.jpg#0\tcaption` lines, as Flickr8k and Flickr30k have them.

    Raises:
        DamagedFileError: A line is not of that form; the message has its number.
    """
    rows = []
    for number, line in _lines(file):
        found = _TOKEN.fullmatch(line)
        if not found:
            raise DamagedFileError(f"{file}, line {number}: no NAME.jpg#0, tab and caption", _AGAIN)
        rows.append((found["name"], found["caption"], ""))
    return _gathered(rows)


def read_table(file: Path) -> list[Listed]:
    """Return the pictures of a table with a header, its columns parted by tabs, bars or commas.

    The picture stands under `image`, `image_name` or `filename`; the text under `caption`, `comment`, or
    `raw` (a JSON list of all captions); the part, where there is one, under `split`.

    Raises:
        DamagedFileError: A column is missing or a row too short; the message names it.
    """
    lines = [line for _, line in _lines(file)]
    header = lines[0] if lines else ""
    mark = next((one for one in "\t|" if one in header), ",")
    # Only tables parted by commas quote their cells; elsewhere the caption stands last and may hold a mark.
    parted = (line.split(mark, header.count(mark)) for line in lines)
    table = list(csv.reader(lines)) if mark == "," else list(parted)
    columns = [column.strip() for column in (table[0] if table else [])]
    name, text = _column(file, columns, _NAMES), _column(file, columns, _TEXTS)
    part = columns.index("split") if "split" in columns else None
    rows = []
    for number, cells in enumerate(table[1:], start=2):
        cells = _mended(cells, len(columns))
        if len(cells) < len(columns):
            raise DamagedFileError(f"{file}, row {number}: {len(cells)} of {len(columns)} columns", _AGAIN)
        texts = _listed_texts(file, number, cells[text]) if columns[text] == "raw" else [cells[text]]
        rows += [(cells[name].strip(), one, cells[part].strip() if part is not None else "") for one in texts]
    return _gathered(rows)


def _karpathy(image: dict) -> Listed:
    return Listed(
        image["filename"],
        _stripped([sentence["raw"] for sentence in image["sentences"]]),
        image.get("filepath", ""),
        _SPLITS.get(image.get("split", ""), ""),
    )


def _stripped(texts: list[str]) -> tuple[str, ...]:
    return tuple(text.strip() for text in texts if text.strip())


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DamagedFileError(f"{file} cannot be read: {error}", _AGAIN) from error
    return ((number, line.rstrip("\r")) for number, line in enumerate(lines, start=1) if line.strip())


def _column(file: Path, columns: list[str], names: tuple[str, ...]) -> int:
    found = next((columns.index(name) for name in names if name in columns), None)
    if found is None:
        raise DamagedFileError(f"{file}: no column is called {' or '.join(names)}; it has {columns}", _AGAIN)
    return found


def _mended(cells: list[str], columns: int) -> list[str]:
    found = _LOST_BAR.fullmatch(cells[-1]) if cells and len(cells) == columns - 1 else None
    return [*cells[:-1], "", found["caption"]] if found else cells


def _listed_texts(file: Path, number: int, cell: str) -> list[str]:
    try:
        return [str(text) for text in json.loads(cell)]
    except (ValueError, TypeError) as error:
        raise DamagedFileError(f"{file}, row {number}: {error}", _AGAIN) from error


def _gathered(rows: list[tuple[str, str, str]]) -> list[Listed]:
    """Return one row a picture, in the order in which pictures first occur."""
    texts: dict[str, list[str]] = {}
    splits: dict[str, str] = {}
    for name, text, split in rows:
        texts.setdefault(name, []).append(text)
        splits[name] = _SPLITS.get(split, "")
    return [Listed(name, _stripped(found), split=splits[name]) for name, found in texts.items()]
