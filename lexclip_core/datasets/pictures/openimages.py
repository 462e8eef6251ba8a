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
from typing import TYPE_CHECKING

from lexclip_core import storage
from lexclip_core.datasets.cards import CARDS, Draw, Source
from lexclip_core.datasets.pictures.files import pictures_in
from lexclip_core.datasets.pictures.picture_set import PictureClass, PictureSet, from_files
from lexclip_core.datasets.text_files import first_file, read_table
from lexclip_core.errors import DamagedFileError

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger(__name__)

_CARD = CARDS["pictures"]["openimages"]
RELEASED: str = _CARD.details["released"][0]
LABELS: tuple[str, ...] = _CARD.details["labels"]
DESCRIPTIONS: tuple[str, ...] = _CARD.details["descriptions"]
PICTURE_FOLDERS: tuple[str, ...] = _CARD.details["folders"]
_GET_AGAIN = f"get it again from {_CARD.source}"


def map_path() -> Path:
    """Return the map that ships."""
    return storage.data_folder() / "openimages" / "synsets.csv"


@cache
def synset_map() -> dict[str, str]:
    """Return label -> synset, "" where a class has none, of the map that ships, for all 601 boxable classes.

    Raises:
        DamagedFileError: The file is damaged.
    """
    rows = read_table(map_path(), ("label", "synset"), remedy="restore it from the repository")
    return dict(zip(rows["label"], rows["synset"], strict=True))


def _read(path: Path, draw: Draw, seed: int) -> PictureSet:
    """Return the pictures on disk, the classes that have some in the order of their keys."""
    rows, lost = _rows(path, draw.part)
    if lost:
        logger.warning("%s: %s labels are of pictures that are not on disk", _CARD.title, f"{lost:,}")
    classed = {}
    for key, chosen in rows.groupby("key", sort=True):
        label = PictureClass(str(key), chosen["name"].iloc[0], _synset(draw.part, str(key)))
        classed[label] = chosen["file"].tolist()
    return from_files("openimages", _CARD.title, classed, per_class=draw.per_class, seed=seed)


def _check(path: Path, draw: Draw) -> dict[str, int]:
    """Return how many classes and labelled pictures are on disk, and how many labels lack their picture."""
    rows, lost = _rows(path, draw.part)
    return {"classes": rows["key"].nunique(), "pictures": len(rows), "missing": lost}


def _rows(path: Path, part: str) -> tuple[pd.DataFrame, int]:
    """Return the columns key, name and file of every label with a picture, and how many have none."""
    table = {"labels": _labelled, "mapped": _mapped, "list": _listed}[part](path)
    places = [path / folder for folder in PICTURE_FOLDERS if (path / folder).is_dir()]
    files = {file.stem: file for place in reversed(places) for file in pictures_in(place)}
    table["file"] = table["ImageID"].map(files)
    shown = table[table["file"].notna()]
    if not len(shown):
        first = table["ImageID"].iloc[0] if len(table) else "IMAGEID"
        place = path / PICTURE_FOLDERS[0] / f"{first}.jpg"
        raise _CARD.missing(place, f"get the labelled pictures from {_CARD.source}: none is there")
    return shown.drop_duplicates(["key", "ImageID"]), len(table) - len(shown)


def _labelled(path: Path) -> pd.DataFrame:
    """Return Google's confirmed labels."""
    import pandas as pd

    labels = _first(path, LABELS)
    table = read_table(labels, ("ImageID", "LabelName", "Confidence"), remedy=_GET_AGAIN)
    table = table[pd.to_numeric(table["Confidence"], errors="coerce") == 1]
    described = _first(path, DESCRIPTIONS)
    # Some of Google's tables of names have a header and some have none.
    headed = described.read_bytes().startswith(b"LabelName,")
    names = read_table(described, ("LabelName", "DisplayName"), remedy=_GET_AGAIN, headed=headed)
    name_of = dict(zip(names["LabelName"], names["DisplayName"], strict=True))
    table = table.assign(key=table["LabelName"], name=table["LabelName"].map(name_of))
    unnamed = table["key"][table["name"].isna()]
    if len(unnamed):
        label = f"{unnamed.iloc[0]!r} of {labels.name}"
        raise DamagedFileError(f"{described} has no name for {label}", _GET_AGAIN)
    return table


def _mapped(path: Path) -> pd.DataFrame:
    """Return Google's confirmed labels of the classes to which our map gives a synset."""
    table = _labelled(path)
    return table[[bool(_synset("mapped", key)) for key in table["key"]]]


def _synset(part: str, key: str) -> str:
    if part == "list":
        return key
    return synset_map().get(key, "")


def _listed(path: Path) -> pd.DataFrame:
    """Return the rows of the blog's released list; a class is called by its wnid."""
    file = _first(path, (RELEASED,))
    table = read_table(file, ("ImageID", "LabelName", "wordnet_label"), remedy=_GET_AGAIN)
    wrong = [wnid for wnid in table["wordnet_label"].unique() if not re.fullmatch(r"n\d{8}", wnid)]
    if wrong:
        raise DamagedFileError(f"{file}: {wrong[0]!r} is not a wnid such as n02084071", _GET_AGAIN)
    return table.assign(key=table["wordnet_label"], name=table["wordnet_label"])


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
