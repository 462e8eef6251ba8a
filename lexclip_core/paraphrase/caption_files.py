"""Read captions from a file: plain text, JSON lines, tables, COCO's annotations."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.paraphrase.provider import Caption
from lexclip_core.words import shown

_TEXT = ("caption", "text", "TEXT")
_IMAGE = ("image", "image_id", "image_path", "filename", "file_name", "url", "URL")


def read_captions(path: Path) -> tuple[Caption, ...]:
    """Return the captions of a file in order, blank ones left out.

    `.txt` has one caption a line; `.jsonl`, `.csv` and `.tsv` have a field caption (or text), and one for the
    picture where known; `.json` is COCO's captions file, whose pictures go by their file names.

    Raises:
        InputError: The name ends otherwise, the file cannot be read, or holds no caption.
        DamagedFileError: A line is not what it must be; the message names the file and the line.
    """
    if path.suffix not in _READERS:
        raise InputError(f"{path.name} is no file of captions", f"name one ending in {', '.join(_READERS)}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text: {error}", "save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}", "check the path") from error
    captions = tuple(caption for caption in _READERS[path.suffix](path, text) if caption.text.strip())
    if not captions:
        raise InputError(f"{path} holds no captions", "give a file with at least one")
    return captions


def _plain(path: Path, text: str) -> Iterator[Caption]:
    return (Caption(line.strip()) for line in text.split("\n"))


def _json_lines(path: Path, text: str) -> Iterator[Caption]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            place = f"{path}, line {number:,}"
            yield _caption(_parsed(line, place), place)


def _table(path: Path, text: str) -> Iterator[Caption]:
    lines = text.splitlines(keepends=True)
    rows = csv.DictReader(lines, delimiter="\t" if path.suffix == ".tsv" else ",")
    for row in rows:
        yield _caption(row, f"{path}, line {rows.line_num:,}")


def _coco(path: Path, text: str) -> Iterator[Caption]:
    content = _parsed(text, str(path))
    annotations = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(annotations, list):
        raise DamagedFileError(f"{path} has no list of annotations", "give COCO's captions_*.json")
    names = {one.get("id"): one.get("file_name") for one in content.get("images", [])}
    for number, one in enumerate(annotations, start=1):
        caption = _caption(one, f"{path}, annotation {number:,}")
        yield Caption(caption.text, names.get(one.get("image_id")) or caption.image)


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DamagedFileError(f"{place} is no JSON: {error}", "look at the file") from error


def _caption(row: Any, place: str) -> Caption:
    if not isinstance(row, dict):
        raise DamagedFileError(f"{place} holds no object but {shown(str(row))}", f"give it a {_TEXT[0]}")
    text = next((row[name] for name in _TEXT if row.get(name) is not None), None)
    if not isinstance(text, str):
        raise DamagedFileError(f"{place} has no caption", f"name the field {' or '.join(_TEXT[:2])}")
    image = next((row[name] for name in _IMAGE if row.get(name) is not None), "")
    return Caption(text.strip(), str(image))


_READERS: dict[str, Callable[[Path, str], Iterator[Caption]]] = {
    ".txt": _plain,
    ".jsonl": _json_lines,
    ".csv": _table,
    ".tsv": _table,
    ".json": _coco,
}
