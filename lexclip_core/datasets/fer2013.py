"""FER2013's faces with seven emotions from the user's disk: Kaggle's table, or one folder an emotion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lexclip_core.datasets.card import Card
from lexclip_core.datasets.picture_pixels import from_pixels
from lexclip_core.datasets.picture_samples import Draw, Sample, draw_of, pictures_in, sampled
from lexclip_core.datasets.pictures import PictureClass, PictureSet, from_files
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")  # place = the table's number
SIDE = 48
TABLES = ("fer2013.csv", "icml_face_data.csv")
CARD = Card(
    name="fer2013",
    title="FER2013",
    rows=35_887,
    scale="one of seven emotions a face",
    reference="Goodfellow et al. (2013), Challenges in representation learning",
    source="https://www.kaggle.com/c/challenges-in-representation-learning-facial-expression-recognition-challenge",
    licence="none is stated: for research, not to be passed on",
    files=(*TABLES, "test/EMOTION/*", "EMOTION/*"),
    warning="people disagree about many of its labels",
)
# 100 faces of each emotion from the test part, in the released code too (claim D19); disgust has 111.
SAMPLES = {"heldout": Draw("test", 100), "released": Draw("test", 100), "all": Draw("test", None)}

_CLASSES = tuple(PictureClass(emotion, emotion) for emotion in EMOTIONS)
_USAGES = ("Training", "PublicTest", "PrivateTest")
_AGAIN = f"get it again from {CARD.source}"


def read(path: Path, *, sample: Sample = "heldout", seed: int = 0) -> PictureSet:
    """Return faces of the test part; the classes are the seven emotions in the table's order.

    Layouts: `path/fer2013.csv` or `path/icml_face_data.csv` with the columns `emotion`, `pixels`, `Usage`,
    whose test part is PublicTest and PrivateTest together; or `path/test/EMOTION/*`, or `path/EMOTION/*`.

    Args:
        path: The folder.
        sample: `heldout` and `released`: 100 faces of each emotion. `all`: all of the test part.
        seed: Of the draw.

    Raises:
        InputError: No such sample, or an emotion without pictures.
        MissingResourceError: No layout is there, or an emotion's folder is not; the message has the path.
        DamagedFileError: The table lacks a column or has a row that is no 48 x 48 face.
    """
    draw = draw_of(SAMPLES, sample, CARD.title)
    table = _table_path(path)
    if table is not None:
        return _from_table(table, sample, draw.per_class, seed)
    files = [
        sampled(found, draw.per_class, seed=seed, key=emotion.encode())
        for emotion, found in _folders(path).items()
    ]
    return from_files(f"fer2013-{sample}", f"{CARD.title}, test", _CLASSES, files)


def check(path: Path, *, sample: Sample = "heldout") -> dict[str, int]:
    """Return how many classes and test faces are on disk; no face is opened.

    Raises:
        InputError: As in `read`.
        MissingResourceError: As in `read`.
        DamagedFileError: As in `read`.
    """
    draw_of(SAMPLES, sample, CARD.title)  # every sample is of the test part
    table = _table_path(path)
    if table is not None:
        return {"classes": len(EMOTIONS), "pictures": len(_test_rows(table))}
    return {"classes": len(EMOTIONS), "pictures": sum(len(files) for files in _folders(path).values())}


def _table_path(path: Path) -> Path | None:
    return next((path / name for name in TABLES if (path / name).is_file()), None)


def _from_table(table: Path, sample: Sample, per_class: int | None, seed: int) -> PictureSet:
    rows = _test_rows(table)
    places, labels = [], []
    for number, emotion in enumerate(EMOTIONS):
        found = np.flatnonzero(rows["emotion"] == str(number)).tolist()
        chosen = sampled(found, per_class, seed=seed, key=emotion.encode())
        places += chosen
        labels += [number] * len(chosen)
    rows = rows.iloc[places]
    lines = rows.index + 2  # as a text editor counts, the header being line 1
    return from_pixels(
        f"fer2013-{sample}",
        _CLASSES,
        np.array(labels),
        np.stack([_face(table, line, text) for line, text in zip(lines, rows["pixels"], strict=True)]),
        title=f"{CARD.title}, test",
        titles=[f"{EMOTIONS[label]}, line {line}" for label, line in zip(labels, lines, strict=True)],
    )


def _folders(path: Path) -> dict[str, list[Path]]:
    place = path / "test" if (path / "test").is_dir() else path
    if not any((place / emotion).is_dir() for emotion in EMOTIONS):
        raise MissingResourceError(
            f"{CARD.title}: {path / TABLES[0] if path.is_dir() else path} is not there",
            f"get it from {CARD.source} and lay it out as one of {', '.join(CARD.files)}",
        )
    found = {}
    for emotion in EMOTIONS:
        if not (place / emotion).is_dir():
            raise MissingResourceError(f"{CARD.title}: {place / emotion} is not there", _AGAIN)
        found[emotion] = pictures_in(place / emotion)
        if not found[emotion]:
            raise InputError(f"{place / emotion} holds no picture", _AGAIN)
    return found


def _test_rows(table: Path) -> pd.DataFrame:
    """Return the test part's rows of the table, under their places in it."""
    try:
        rows = pd.read_csv(table, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise DamagedFileError(f"{table} is damaged: {error}", _AGAIN) from error
    rows.columns = rows.columns.str.strip()  # icml_face_data.csv has spaces there
    for column in ("emotion", "pixels", "Usage"):
        if column not in rows:
            raise DamagedFileError(
                f"{table}: column {column!r} is missing; it has {[*rows.columns]}",
                f"take {TABLES[0]} or {TABLES[1]}: train.csv and test.csv do not label the test part",
            )
    valid = {"emotion": [str(number) for number in range(len(EMOTIONS))], "Usage": list(_USAGES)}
    for column, values in valid.items():
        wrong = rows[column][~rows[column].isin(values)]
        if len(wrong):
            line = wrong.index[0] + 2
            raise DamagedFileError(f"{table}, line {line}: {column} is {wrong.iloc[0][:40]!r}", _AGAIN)
    test = rows[rows["Usage"] != "Training"]
    for number, emotion in enumerate(EMOTIONS):
        if not (test["emotion"] == str(number)).any():
            raise InputError(f"{table} has no test face that is {emotion}", _AGAIN)
    return test


def _face(table: Path, line: int, text: str) -> np.ndarray:
    try:
        values = np.array(text.split(), dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise DamagedFileError(f"{table}, line {line}: {error}", _AGAIN) from error
    if values.size != SIDE * SIDE or values.min() < 0 or values.max() > 255:
        raise DamagedFileError(
            f"{table}, line {line}: {values.size:,} values where a face has {SIDE} x {SIDE} from 0 to 255",
            _AGAIN,
        )
    return values.astype(np.uint8).reshape(SIDE, SIDE)
