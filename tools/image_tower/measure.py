"""How well an image tower names drawings of the style it never saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from lexclip_core.datasets.emoji import sprites
from lexclip_core.datasets.pictures.picture_set import PictureSet
from lexclip_core.evaluation.intervals import t_interval
from lexclip_core.evaluation.zero_shot import accuracy, class_weights
from lexclip_core.towers.encoder import Encoder

Picture = Callable[[PictureSet], np.ndarray]

_SUBSET, _SUBSETS = 100, 20
_SETS: tuple[tuple[sprites.Which, str, str], ...] = (
    ("all", "all concepts", "label"),
    ("mapped", "all mapped nouns", "label"),
    ("mapped", "all mapped nouns", "lemma"),
    ("emotions", "faces by emotion", "emotion"),
)


def held_out_accuracy(features: Picture, encode: Encoder, *, style: str = sprites.HELD_OUT) -> pd.DataFrame:
    """Return accuracies on one style: all concepts, all mapped nouns, 100 of them at a time, and emotions.

    Names are bare, without a template: CLDR's, which the tower was trained with, or WordNet's lemmas.

    Args:
        features: Picture set -> unit rows, such as `picture_features` of one tower.
        encode: Texts -> unit rows of the same dimension.
        style: The style measured on; the held-out one by default.

    Returns:
        Columns: classes (what was sorted into), names (label, lemma or emotion), count, k, value, low, high
        (95 %: over classes; for the subsets of 100, the least and largest of 20 seeded draws), n (pictures).
    """
    label_of = sprites.concepts().set_index("concept")["label"]
    rows: list[dict[str, Any]] = []
    sets = {which: sprites.picture_set(style, which) for which, _, _ in _SETS}
    rows_of = {which: features(pictures) for which, pictures in sets.items()}
    for which, title, names in _SETS:
        pictures, seen = sets[which], rows_of[which]
        named = [label_of[one.key] if names == "label" else one.name for one in pictures.classes]
        texts = class_weights(encode, named)
        for k in (1, 5) if which != "emotions" else (1,):
            estimate = accuracy(seen, texts, pictures.labels, k=k, groups="classes")
            rows.append(
                _row((title, names), len(named), k, (estimate.value, estimate.low, estimate.high, estimate.n))
            )
        if which == "mapped":
            rows.extend(_subsets(seen, texts, pictures.labels, names))
    return pd.DataFrame(rows)


def _subsets(seen: np.ndarray, texts: np.ndarray, labels: np.ndarray, names: str) -> list[dict[str, Any]]:
    generator = np.random.default_rng(0)
    drawn: dict[int, list[float]] = {1: [], 5: []}
    for _ in range(_SUBSETS):
        chosen = generator.choice(len(texts), min(_SUBSET, len(texts)), replace=False)
        place = np.full(len(texts), -1)
        place[chosen] = np.arange(len(chosen))
        mine = place[labels] >= 0
        for k, values in drawn.items():
            estimate = accuracy(seen[mine], texts[chosen], place[labels[mine]], k=k, groups="pictures")
            values.append(estimate.value)
    title = f"{_SUBSET} mapped nouns, {_SUBSETS} draws"
    return [
        _row((title, names), _SUBSET, k, (t_interval(values).value, min(values), max(values), _SUBSETS))
        for k, values in drawn.items()
    ]


def _row(
    what: tuple[str, str], count: int, k: int, numbers: tuple[float, float | None, float | None, int | None]
) -> dict[str, Any]:
    (title, names), (value, low, high, n) = what, numbers
    return {
        "classes": title,
        "names": names,
        "count": count,
        "k": k,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
    }
