"""FER2013's faces with seven emotions from the user's disk: Kaggle's table, or one folder per emotion.

Layouts: `fer2013.csv` or `icml_face_data.csv` with the columns `emotion`, `pixels`, `Usage`, whose test
part is PublicTest and PrivateTest together; or `test/EMOTION/*`, or `EMOTION/*`. The samples `heldout`
and `released` are 100 faces of each emotion of the test part, drawn by a seed; `all` is all of it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lexclip_core.datasets.cards import CARDS, Draw, Source
from lexclip_core.datasets.pictures import picture_set
from lexclip_core.datasets.pictures.files import pictures_of, sampled
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.text_files import first_file, table_rows

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes; the table writes their places."""
SIDE = 48
TABLES = ("fer2013.csv", "icml_face_data.csv")

_CARD = CARDS["pictures"]["fer2013"]
_CLASSES = tuple(picture_set.PictureClass(emotion, emotion) for emotion in EMOTIONS)
_USAGES = ("Training", "PublicTest", "PrivateTest")
_GET_AGAIN = f"get it again from {_CARD.source}"


def _read(path: Path, draw: Draw, seed: int) -> picture_set.PictureSet:
    """Return faces of the test part; the classes are the seven emotions in the table's order."""
    title, table = f"{_CARD.title}, test", first_file(path, TABLES)
    if table is None:
        classed = dict(zip(_CLASSES, _folders(path).values(), strict=True))
        return picture_set.from_files("fer2013", title, classed, per_class=draw.per_class, seed=seed)
    rows = _test_rows(table)
    chosen = [
        (label, line, pixels)
        for label, emotion in enumerate(EMOTIONS)
        for line, pixels in sampled(rows[label], draw.per_class, seed=seed, key=emotion.encode())
    ]
    return picture_set.from_pixels(
        "fer2013",
        _CLASSES,
        np.array([label for label, _, _ in chosen]),
        np.stack([_face(table, line, pixels) for _, line, pixels in chosen]),
        title=title,
        titles=[f"{EMOTIONS[label]}, line {line}" for label, line, _ in chosen],
    )


def _check(path: Path, _draw: Draw) -> dict[str, int]:
    table = first_file(path, TABLES)
    if table is None:
        return picture_set.counted(_folders(path))
    return {"classes": len(EMOTIONS), "pictures": sum(map(len, _test_rows(table)))}


def _folders(path: Path) -> dict[str, list[Path]]:
    place = path / "test" if (path / "test").is_dir() else path
    if not any((place / emotion).is_dir() for emotion in EMOTIONS):
        layouts = f"lay it out as one of {', '.join(_CARD.files)}"
        first = path / TABLES[0] if path.is_dir() else path
        raise _CARD.missing(first, f"get it from {_CARD.source} and {layouts}")
    for emotion in EMOTIONS:
        if not (place / emotion).is_dir():
            raise _CARD.missing(place / emotion, _GET_AGAIN)
    faces = pictures_of([place / emotion for emotion in EMOTIONS])
    empty = [folder for folder, files in faces.items() if not files]
    if empty:
        raise InputError(f"{empty[0]} holds no picture", _GET_AGAIN)
    return {folder.name: files for folder, files in faces.items()}


def _test_rows(table: Path) -> list[list[tuple[int, str]]]:
    """Return the line and the pixels of the test part's rows, for each emotion."""
    remedy = f"{_GET_AGAIN}; take {' or '.join(TABLES)}: train.csv and test.csv do not label the test part"
    valid = {"emotion": [str(number) for number in range(len(EMOTIONS))], "Usage": list(_USAGES)}
    faces: list[list[tuple[int, str]]] = [[] for _ in EMOTIONS]
    for line, row in table_rows(table, ("emotion", "pixels", "Usage"), remedy=remedy):
        for column, values in valid.items():
            if row[column] not in values:
                problem = f"{table}, line {line}: {column} is {row[column][:40]!r}"
                raise DamagedFileError(problem, _GET_AGAIN)
        if row["Usage"] != "Training":
            faces[int(row["emotion"])].append((line, row["pixels"]))
    for emotion, listed in zip(EMOTIONS, faces, strict=True):
        if not listed:
            raise InputError(f"{table} has no test face that is {emotion}", _GET_AGAIN)
    return faces


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
