"""Made-up records and picture rows for tests of training on paraphrases."""

from __future__ import annotations

import numpy as np

from lexclip_core.paraphrase.records import ParaphraseRecord, PictureRows, RecordTable
from lexclip_core.training.settings import ParaphraseSettings

_THINGS = ("dog", "cat", "red house", "tree", "boat", "child", "horse", "old car", "bird", "lamp")


def records(count: int = 24, *, captions: int = 2) -> list[ParaphraseRecord]:
    """Return records of which some pictures have several captions, and some captions are alike."""
    found = []
    for number in range(count):
        thing = _THINGS[number % len(_THINGS)]
        found.append(
            ParaphraseRecord(
                f"picture {number // captions}",
                f"a photo of a {thing} {number // 2}",
                f"{thing} {number // 3} outside",
                f"there is a {thing}, number {number}",
            )
        )
    return found


def table(count: int = 24, *, captions: int = 2) -> RecordTable:
    return RecordTable.of(records(count, captions=captions))


def picture_rows(shown: RecordTable, dim: int = 64) -> PictureRows:
    """Return seeded random unit rows, one for each picture."""
    names = sorted({record.image for record in shown})
    rows = np.random.default_rng(5).standard_normal((len(names), dim)).astype(np.float32)
    return PictureRows.matched(shown, names, rows / np.linalg.norm(rows, axis=1, keepdims=True))


def settings(**changes: object) -> ParaphraseSettings:
    values = {
        "tower": "tiny-random",
        "device": "cpu",
        "batch": 8,
        "steps": 1,
        "optimizer": "sgd",
        "schedule": "constant",
        "lr": 0.1,
        "weight_decay": 0.0,
        "trainable": "last:1",
        "scale": "separate",
        "scale_start": 10.0,
        "scale_start_texts": 5.0,
    }
    return ParaphraseSettings.merged(values, changes)
