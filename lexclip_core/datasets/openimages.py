"""OpenImages V7 from the user's disk: Google's tables or the blog's list, and the pictures."""

from __future__ import annotations

import logging
import re
from pathlib import Path

import pandas as pd

from lexclip_core.datasets.card import Card
from lexclip_core.datasets.openimages_synsets import synset_map
from lexclip_core.datasets.picture_samples import Draw, Sample, draw_of, pictures_in, sampled
from lexclip_core.datasets.pictures import PictureClass, PictureSet, from_files
from lexclip_core.errors import DamagedFileError, MissingResourceError

log = logging.getLogger(__name__)

RELEASED = "open_image_noun_filtered.csv"
LABELS = (
    "oidv7-test-annotations-human-imagelabels.csv",
    "test-annotations-human-imagelabels-boxable.csv",
    "oidv7-val-annotations-human-imagelabels.csv",
    "validation-annotations-human-imagelabels-boxable.csv",
)
DESCRIPTIONS = (
    "oidv7-class-descriptions.csv",
    "oidv7-class-descriptions-boxable.csv",
    "class-descriptions-boxable.csv",
)
PICTURE_FOLDERS = ("images", "test", "validation", "train", ".")
CARD = Card(
    name="openimages",
    title="OpenImages V7",
    rows=19_800,
    scale="labels that people confirmed, several a picture",
    reference="Kuznetsova et al. (2020), The Open Images dataset V4",
    source="https://storage.googleapis.com/openimages/web/download_v7.html",
    licence="tables CC BY 4.0; pictures listed as CC BY 2.0, to be verified for each",
    files=(LABELS[0], DESCRIPTIONS[0], "images/IMAGEID.jpg"),
    warning=f"rows counts the blog's list, {RELEASED}; a picture with two labels stands in both classes",
)
# The released list is the whole sample: 198 labels of 197 synsets, 100 to 200 rows each (claims B17, D24).
SAMPLES = {"heldout": Draw("mapped", 30), "released": Draw("list", None), "all": Draw("labels", None)}

_AGAIN = f"get it again from {CARD.source}"


def read(path: Path, *, sample: Sample = "heldout", seed: int = 0) -> PictureSet:
    """Return the pictures on disk, the classes that have some in the order of their keys.

    A picture stands once for every label that people confirmed. Rows whose picture is not on disk are left
    out, and the log counts them.

    Args:
        path: The folder of the tables; the pictures `IMAGEID.jpg` lie in it or in its folder `images`,
            `test`, `validation` or `train`.
        sample: `heldout`: 30 pictures of each class to which our map gives a synset, by Google's test or
            validation labels, named as Google does. `released`: every row of the blog's released list, whose
            classes are wnids. `all`: all of Google's labels; classes outside our map have no synset.
        seed: Of the draw.

    Raises:
        InputError: No such sample.
        MissingResourceError: A table, or every picture, is not there; the message has the first wrong path.
        DamagedFileError: A table lacks a column, or a label has no name.
    """
    draw = draw_of(SAMPLES, sample, CARD.title)
    rows, lost = _rows(path, draw.part)
    if lost:
        log.warning("%s: %s labels are of pictures that are not on disk", CARD.title, f"{lost:,}")
    classes, files = [], []
    for key, chosen in rows.groupby("key", sort=True):
        classes.append(PictureClass(str(key), chosen["name"].iloc[0], _synset(draw.part, str(key))))
        files.append(sampled(chosen["file"].tolist(), draw.per_class, seed=seed, key=str(key).encode()))
    return from_files(f"openimages-{sample}", CARD.title, classes, files)


def check(path: Path, *, sample: Sample = "heldout") -> dict[str, int]:
    """Return how many classes and labelled pictures are on disk, and how many labels lack their picture.

    Raises:
        InputError: As in `read`.
        MissingResourceError: As in `read`.
        DamagedFileError: As in `read`.
    """
    rows, lost = _rows(path, draw_of(SAMPLES, sample, CARD.title).part)
    return {"classes": rows["key"].nunique(), "pictures": len(rows), "missing": lost}


def _rows(path: Path, part: str) -> tuple[pd.DataFrame, int]:
    """Return the columns key, name and file of every label with a picture, and how many have none."""
    table = {"labels": _labelled, "mapped": _mapped, "list": _listed}[part](path)
    places = [path / folder for folder in PICTURE_FOLDERS if (path / folder).is_dir()]
    files = {file.stem: file for place in reversed(places) for file in pictures_in(place)}
    table["file"] = table["ImageID"].map(files)
    found = table[table["file"].notna()]
    if not len(found):
        first = table["ImageID"].iloc[0] if len(table) else "IMAGEID"
        raise MissingResourceError(
            f"{CARD.title}: {path / PICTURE_FOLDERS[0] / first}.jpg is not there, nor any other picture",
            f"get the labelled pictures from {CARD.source}",
        )
    return found.drop_duplicates(["key", "ImageID"]), len(table) - len(found)


def _labelled(path: Path) -> pd.DataFrame:
    """Return Google's confirmed labels."""
    labels = _first(path, LABELS)
    table = _table(labels, ("ImageID", "LabelName", "Confidence"))
    table = table[pd.to_numeric(table["Confidence"], errors="coerce") == 1]
    described = _first(path, DESCRIPTIONS)
    # Some of Google's tables of names have a header and some have none.
    names = _table(described, ("LabelName", "DisplayName"), headed=_begins(described, "LabelName,"))
    table = table.assign(
        key=table["LabelName"],
        name=table["LabelName"].map(dict(zip(names["LabelName"], names["DisplayName"], strict=True))),
    )
    unnamed = table["key"][table["name"].isna()]
    if len(unnamed):
        raise DamagedFileError(f"{described} has no name for {unnamed.iloc[0]!r} of {labels.name}", _AGAIN)
    return table


def _mapped(path: Path) -> pd.DataFrame:
    """Return Google's confirmed labels of the classes to which our map gives a synset."""
    table = _labelled(path)
    return table[[bool(_synset("mapped", key)) for key in table["key"]]]


def _synset(part: str, key: str) -> str:
    if part == "list":
        return key
    return synset_map()[key].synset if key in synset_map() else ""


def _listed(path: Path) -> pd.DataFrame:
    """Return the rows of the blog's released list; a class is called by its wnid."""
    file = _first(path, (RELEASED,))
    table = _table(file, ("ImageID", "LabelName", "wordnet_label"))
    wrong = [wnid for wnid in table["wordnet_label"].unique() if not re.fullmatch(r"n\d{8}", wnid)]
    if wrong:
        raise DamagedFileError(f"{file}: {wrong[0]!r} is no wnid such as n02084071", _AGAIN)
    return table.assign(key=table["wordnet_label"], name=table["wordnet_label"])


def _first(path: Path, names: tuple[str, ...]) -> Path:
    if not path.is_dir():
        raise MissingResourceError(f"{CARD.title}: {path} is not there", f"get it from {CARD.source}")
    for name in names:
        if (path / name).is_file():
            return path / name
    source = "https://github.com/SprocketLab/clip_lexical" if names == (RELEASED,) else CARD.source
    raise MissingResourceError(
        f"{CARD.title}: {path / names[0]} is not there", f"get {' or '.join(names)} from {source}"
    )


def _begins(file: Path, text: str) -> bool:
    with file.open("rb") as stream:
        return stream.read(len(text)) == text.encode()


def _table(file: Path, columns: tuple[str, ...], *, headed: bool = True) -> pd.DataFrame:
    """Return some columns of a table as text; one without a header has just these columns."""
    try:
        table = pd.read_csv(
            file,
            dtype=str,
            keep_default_na=False,
            header=0 if headed else None,
            names=None if headed else columns,
        )
    except (OSError, ValueError) as error:
        raise DamagedFileError(f"{file} is damaged: {error}", _AGAIN) from error
    missing = [column for column in columns if column not in table]
    if missing:
        raise DamagedFileError(f"{file}: column {missing[0]!r} is missing; it has {[*table.columns]}", _AGAIN)
    return table[list(columns)]
