"""FER2013's faces with seven emotions from the user's disk: Kaggle's table, or one folder per emotion.

Layouts: `fer2013.csv` or `icml_face_data.csv` with the columns `emotion`, `pixels`, `Usage`, whose test
part is PublicTest and PrivateTest together; or `test/EMOTION/*`, or `EMOTION/*`. The samples `heldout`
and `released` are 100 faces of each emotion of the test part, drawn by a seed; `all` is all of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lexclip_core.datasets.cards import CARDS, Draw, Source
from lexclip_core.datasets.pictures.files import pictures_in, sampled
from lexclip_core.datasets.pictures.picture_set import (
    PictureClass,
    PictureSet,
    counted,
    from_files,
    from_pixels,
)
from lexclip_core.datasets.text_files import first_file, read_table
from lexclip_core.errors import DamagedFileError, InputError

if TYPE_CHECKING:
    import pandas as pd

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes; the table writes their places."""
SIDE = 48
TABLES = ("fer2013.csv", "icml_face_data.csv")

_CARD = CARDS["pictures"]["fer2013"]
_CLASSES = tuple(PictureClass(emotion, emotion) for emotion in EMOTIONS)
_USAGES = ("Training", "PublicTest", "PrivateTest")
_GET_AGAIN = f"get it again from {_CARD.source}"


def _read(path: Path, draw: Draw, seed: int) -> PictureSet:
    """Return faces of the test part; the classes are the seven emotions in the table's order."""
    title, table = f"{_CARD.title}, test", first_file(path, TABLES)
    if table is None:
        classed = dict(zip(_CLASSES, _folders(path).values(), strict=True))
        return from_files("fer2013", title, classed, per_class=draw.per_class, seed=seed)
    rows = _test_rows(table)
    places, labels = [], []
    for number, emotion in enumerate(EMOTIONS):
        faces = np.flatnonzero(rows["emotion"] == str(number)).tolist()
        chosen = sampled(faces, draw.per_class, seed=seed, key=emotion.encode())
        places += chosen
        labels += [number] * len(chosen)
    rows = rows.iloc[places]
    lines = rows.index + 2  # as a text editor counts, the header being line 1
    return from_pixels(
        "fer2013",
        _CLASSES,
        np.array(labels),
        np.stack([_face(table, line, text) for line, text in zip(lines, rows["pixels"], strict=True)]),
        title=title,
        titles=[f"{EMOTIONS[label]}, line {line}" for label, line in zip(labels, lines, strict=True)],
    )


def _check(path: Path, _draw: Draw) -> dict[str, int]:
    table = first_file(path, TABLES)
    if table is None:
        return counted(_folders(path))
    return {"classes": len(EMOTIONS), "pictures": len(_test_rows(table))}


def _folders(path: Path) -> dict[str, list[Path]]:
    place = path / "test" if (path / "test").is_dir() else path
    if not any((place / emotion).is_dir() for emotion in EMOTIONS):
        layouts = f"lay it out as one of {', '.join(_CARD.files)}"
        first = path / TABLES[0] if path.is_dir() else path
        raise _CARD.missing(first, f"get it from {_CARD.source} and {layouts}")
    faces = {}
    for emotion in EMOTIONS:
        if not (place / emotion).is_dir():
            raise _CARD.missing(place / emotion, _GET_AGAIN)
        faces[emotion] = pictures_in(place / emotion)
        if not faces[emotion]:
            raise InputError(f"{place / emotion} holds no picture", _GET_AGAIN)
    return faces


def _test_rows(table: Path) -> pd.DataFrame:
    """Return the test part's rows of the table, under their places in it."""
    remedy = f"take {TABLES[0]} or {TABLES[1]}: train.csv and test.csv do not label the test part"
    rows = read_table(table, ("emotion", "pixels", "Usage"), remedy=f"{_GET_AGAIN}; {remedy}")
    valid = {"emotion": [str(number) for number in range(len(EMOTIONS))], "Usage": list(_USAGES)}
    for column, values in valid.items():
        wrong = rows[column][~rows[column].isin(values)]
        if len(wrong):
            line = wrong.index[0] + 2
            raise DamagedFileError(f"{table}, line {line}: {column} is {wrong.iloc[0][:40]!r}", _GET_AGAIN)
    test = rows[rows["Usage"] != "Training"]
    for number, emotion in enumerate(EMOTIONS):
        if not (test["emotion"] == str(number)).any():
            raise InputError(f"{table} has no test face that is {emotion}", _GET_AGAIN)
    return test


def _face(table: Path, line: int, text: str) -> np.ndarray:
    try:
        values = np.array(text.split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise DamagedFileError(f"{table}, line {line}: {error}", _GET_AGAIN) from error
    if values.size != SIDE * SIDE or values.min() < 0 or values.max() > 255:
        wanted = f"a face has {SIDE} x {SIDE} from 0 to 255"
        raise DamagedFileError(f"{table}, line {line}: {values.size:,} values where {wanted}", _GET_AGAIN)
    return values.astype(np.uint8).reshape(SIDE, SIDE)


# 100 faces of each emotion from the test part, in the released code too (claim D19); disgust has 111.
_SAMPLES = {"heldout": Draw("test", 100), "released": Draw("test", 100), "all": Draw("test")}
SOURCES = (Source(_CARD, _read, _check, _SAMPLES),)
