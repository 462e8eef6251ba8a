"""OpenImages V7 from the user's disk: Google's tables or the blog's list, and the pictures.

The pictures `IMAGEID.jpg` lie in the folder of the tables or in its folder `images`, `test`, `validation`
or `train`. A picture stands once for every label that people confirmed; rows whose picture is not on disk
are left out, and the log counts them. The sample `heldout` is 30 pictures of each class to which our map
gives a synset, by Google's test or validation labels, named as Google does, drawn by a seed; `released`
is every row of the blog's released list, whose classes are wnids; `all` is all of Google's labels, where
classes outside our map have no synset.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from pathlib import Path

from lexclip_core import storage
from lexclip_core.datasets.cards import CARDS, Draw, Source
from lexclip_core.datasets.pictures.files import pictures_in
from lexclip_core.datasets.pictures.picture_set import PictureClass, PictureSet, counted, from_files
from lexclip_core.errors import DamagedFileError
from lexclip_core.text_files import RESTORE, first_file, table_rows

logger = logging.getLogger(__name__)

_CARD = CARDS["pictures"]["openimages"]
RELEASED: str = _CARD.details["released"][0]
LABELS: tuple[str, ...] = _CARD.details["labels"]
DESCRIPTIONS: tuple[str, ...] = _CARD.details["descriptions"]
PICTURE_FOLDERS: tuple[str, ...] = _CARD.details["folders"]
_GET_AGAIN = f"get it again from {_CARD.source}"

_Label = tuple[str, str, str]
"""A picture's id, the key of the class that people saw in it, and the class's name."""


def map_path() -> Path:
    """Return the map that ships."""
    return storage.data_folder() / "openimages" / "synsets.csv"


@cache
def synset_map() -> dict[str, str]:
    """Return label -> synset, "" where a class has none, of the map that ships, for all 601 boxable classes.

    Raises:
        DamagedFileError: The file is damaged.
    """
    rows = table_rows(map_path(), ("label", "synset"), remedy=RESTORE)
    return {row["label"]: row["synset"] for _, row in rows}


def _read(path: Path, draw: Draw, seed: int) -> PictureSet:
    """Return the pictures on disk, the classes that have some in the order of their keys."""
    rows, lost = _rows(path, draw.part)
    if lost:
        logger.warning("%s: %s labels are of pictures that are not on disk", _CARD.title, f"{lost:,}")
    classed = {
        PictureClass(key, name, _synset(draw.part, key)): list(files.values())
        for (key, name), files in sorted(rows.items())
    }
    return from_files("openimages", _CARD.title, classed, per_class=draw.per_class, seed=seed)


def _check(path: Path, draw: Draw) -> dict[str, int]:
    """Return how many classes and labelled pictures are on disk, and how many labels lack their picture."""
    rows, lost = _rows(path, draw.part)
    return {**counted(rows), "missing": lost}


def _rows(path: Path, part: str) -> tuple[dict[tuple[str, str], dict[str, Path]], int]:
    """Return (key, name) -> picture -> its file of every label with one, and how many labels have none."""
    listed = {"labels": _labelled, "mapped": _mapped, "list": _listed}[part](path)
    places = [path / folder for folder in PICTURE_FOLDERS if (path / folder).is_dir()]
    files = {file.stem: file for place in reversed(places) for file in pictures_in(place)}
    rows: dict[tuple[str, str], dict[str, Path]] = {}
    for picture, key, name in listed:
        if picture in files:
            rows.setdefault((key, name), {})[picture] = files[picture]
    if not rows:
        place = path / PICTURE_FOLDERS[0] / f"{listed[0][0] if listed else 'IMAGEID'}.jpg"
        raise _CARD.missing(place, f"get the labelled pictures from {_CARD.source}: none is there")
    return rows, sum(picture not in files for picture, _, _ in listed)


def _labelled(path: Path) -> list[_Label]:
    """Return Google's confirmed labels."""
    labels, described = _first(path, LABELS), _first(path, DESCRIPTIONS)
    # Some of Google's tables of names have a header and some have none.
    described_rows = table_rows(described, ("LabelName", "DisplayName"), remedy=_GET_AGAIN, headed=None)
    name_of = {row["LabelName"]: row["DisplayName"] for _, row in described_rows}
    listed = []
    for line, row in table_rows(labels, ("ImageID", "LabelName", "Confidence"), remedy=_GET_AGAIN):
        label, place = row["LabelName"], f"{labels}, line {line:,}"
        try:
            confirmed = float(row["Confidence"]) == 1
        except ValueError as error:
            raise DamagedFileError(f"{place}: {error}", _GET_AGAIN) from error
        if confirmed and not name_of.get(label, "").strip():
            raise DamagedFileError(f"{described} has no name for {label!r} of {place}", _GET_AGAIN)
        if confirmed:
            listed.append((row["ImageID"], label, name_of[label]))
    return listed


def _mapped(path: Path) -> list[_Label]:
    """Return Google's confirmed labels of the classes to which our map gives a synset."""
    return [label for label in _labelled(path) if _synset("mapped", label[1])]


def _synset(part: str, key: str) -> str:
    if part == "list":
        return key
    return synset_map().get(key, "")


def _listed(path: Path) -> list[_Label]:
    """Return the rows of the blog's released list; a class is called by its wnid."""
    file, listed = _first(path, (RELEASED,)), []
    for line, row in table_rows(file, ("ImageID", "LabelName", "wordnet_label"), remedy=_GET_AGAIN):
        wnid = row["wordnet_label"]
        if not re.fullmatch(r"n\d{8}", wnid):
            problem = f"{file}, line {line:,}: {wnid!r} is not a wnid such as n02084071"
            raise DamagedFileError(problem, _GET_AGAIN)
        listed.append((row["ImageID"], wnid, wnid))
    return listed


def _first(path: Path, names: tuple[str, ...]) -> Path:
    if not path.is_dir():
        raise _CARD.missing(path)
    file = first_file(path, names)
    if file is None:
        source = "https://github.com/SprocketLab/clip_lexical" if names == (RELEASED,) else _CARD.source
        raise _CARD.missing(path / names[0], f"get {' or '.join(names)} from {source}")
    return file


# The released list is taken whole: 198 labels of 197 synsets, 100 to 200 rows each (claims B17, D24).
_SAMPLES = {"heldout": Draw("mapped", 30), "released": Draw("list"), "all": Draw("labels")}
SOURCES = (Source(_CARD, _read, _check, _SAMPLES),)
