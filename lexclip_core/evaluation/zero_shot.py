"""Pictures sorted by the words they are nearest to: accuracy, comparison, confusion, and what renaming costs.

All are functions of arrays: unit rows of pictures, unit rows of classes, and the pictures' classes.
"""

from __future__ import annotations

import math
import string
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from lexclip_core.datasets.pictures.imagenet import openai_templates
from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import nearest, own_ranks
from lexclip_core.evaluation.intervals import (
    RESAMPLES,
    Estimate,
    ResampledBy,
    accuracy_of,
    bootstrap_interval,
)
from lexclip_core.towers.encoder import Encoder

if TYPE_CHECKING:
    import pandas as pd

NAME_ALONE = ("{}",)
_TEMPLATES: dict[str, Callable[[], tuple[str, ...]]] = {
    "name": lambda: NAME_ALONE,
    "photo": lambda: ("a photo of a {}",),
    "emoji": lambda: ("{}", "an emoji of a {}", "a picture of a {}", "a drawing of a {}"),
    "face": lambda: ("a face that looks {}",),
    "openai": openai_templates,
}


def templates(chosen: str) -> tuple[str, ...]:
    """Return a named set of sentences with `{}` where the name stands.

    Args:
        chosen: `name` (the bare name), `photo` (one caption), `emoji` (four for drawings), `face` (one for
            feelings) or `openai` (OpenAI's 80 for ImageNet).

    Raises:
        InputError: No set has that name.

    >>> templates("photo")
    ('a photo of a {}',)
    """
    if chosen not in _TEMPLATES:
        raise InputError(f"unknown templates {chosen!r}", f"choose one of: {', '.join(_TEMPLATES)}")
    return _TEMPLATES[chosen]()


_SHORTEST = 1e-6


def class_weights(encode: Encoder, names: Sequence[str], templates: Sequence[str] = NAME_ALONE) -> np.ndarray:
    """Return one float32 unit row per class, shape (classes, dim): the mean over templates, normalised again.

    As open_clip's `build_zero_shot_classifier`, whose result is the transpose. All texts go to the encoder in
    one call, those of one class next to each other.

    Args:
        encode: Texts -> unit rows (texts, dim), such as a tower's `encode_texts`.
        names: The classes' names, used exactly as given.
        templates: Sentences with `{}` where the name stands; the function `templates` has named sets.

    Raises:
        InputError: A text instead of a list of texts, an empty or repeated name, a template without `{}`,
            with a named or numbered field, or that is not text; or rows that are not what they must be.

    >>> rows = {"dog": [1.0, 0.0], "a dog": [0.0, 1.0]}
    >>> class_weights(lambda texts: np.array([rows[text] for text in texts]), ["dog"], ["{}", "a {}"])
    array([[0.70710677, 0.70710677]], dtype=float32)
    """
    _check_names(names)
    _check_templates(templates)
    texts = [template.format(name) for name in names for template in templates]
    rows = np.asarray(encode(texts))
    if rows.ndim != 2 or len(rows) != len(texts) or not np.isfinite(rows).all():
        raise InputError(
            f"the encoder gave shape {rows.shape} for {len(texts)} texts, or numbers that are not finite",
            "give a function that returns one unit row per text",
        )
    means = rows.reshape(len(names), len(templates), -1).mean(axis=1, dtype=np.float64)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    if lengths.min() < _SHORTEST:
        raise InputError(
            f"the templates of {names[int(lengths.argmin())]!r} cancel each other out", "use other templates"
        )
    weights: np.ndarray = (means / lengths).astype(np.float32)
    return weights


def _check_names(names: Sequence[str]) -> None:
    if isinstance(names, str):
        raise InputError(f"the class names are one text, {names!r}", f"give a list: [{names!r}]")
    if not len(names):
        raise InputError("there are no class names", "give at least one")
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{name!r} is not a class name", "give texts that are not empty")
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        shown = ", ".join(map(repr, repeated[:5])) + (", ..." if len(repeated) > 5 else "")
        raise InputError(
            f"{len(repeated)} class names stand for several classes: {shown}",
            "give every class a name of its own: pictures of the two could not be distinguished",
        )


def _check_templates(templates: Sequence[str]) -> None:
    if isinstance(templates, str):
        raise InputError(f"the templates are one text, {templates!r}", f"give a list: [{templates!r}]")
    if not len(templates):
        raise InputError("there are no templates", "give at least one, such as '{}'")
    for template in templates:
        _check_template(template)


def _check_template(template: object) -> None:
    if not isinstance(template, str):
        raise InputError(f"{template!r} is not a template", "give a text such as 'a photo of a {}'")
    try:
        parts = [part[1:] for part in string.Formatter().parse(template) if part[1] is not None]
    except ValueError as error:
        raise InputError(f"the template {template!r} cannot be read: {error}", "write {} once") from error
    if not parts:
        raise InputError(
            f"the template {template!r} has no {{}}, so that all classes would be the same text",
            "write {} where the name stands",
        )
    if parts != [("", "", None)]:
        raise InputError(f"the template {template!r} is not filled by one name", "write a plain {} once")


@dataclass(frozen=True)
class AccuracyDrop:
    """What is lost when names are replaced.

    Attributes:
        absolute: Accuracy with the original names minus accuracy with the others.
        relative: The same as a share of the accuracy with the original names; NaN where that is 0.
    """

    absolute: float
    relative: float


def correct(features: np.ndarray, weights: np.ndarray, labels: np.ndarray, k: int = 1) -> np.ndarray:
    """Return whether a picture's class is among the k nearest, shape (pictures,), bool.

    Of two classes equally near, the one listed first counts as nearer, as in `argmax`.

    Args:
        features: Unit rows of the pictures, (pictures, dim).
        weights: Unit rows of the classes, (classes, dim).
        labels: Each picture's class, places in `weights`.
        k: Between 1 and the number of classes.

    Raises:
        InputError: Shapes or values that do not fit, a picture without a class, or an impossible k.

    >>> correct(np.array([[1.0, 0.0], [0.6, 0.8]]), np.eye(2), np.array([0, 0]))
    array([ True, False])
    """
    labels = _checked(features, weights, labels)
    if not 1 <= k <= len(weights):
        raise InputError(f"k is {k} with {len(weights)} classes", f"choose 1 to {len(weights)}")
    return own_ranks(features, weights, labels) < k


def accuracy(
    features: np.ndarray,
    weights: np.ndarray,
    labels: np.ndarray,
    *,
    k: int = 1,
    groups: ResampledBy = "classes",
) -> Estimate:
    """Return the share of pictures whose class is among the k nearest, with its 95 % bootstrap interval.

    Args:
        features: Unit rows of the pictures, (pictures, dim).
        weights: Unit rows of the classes, (classes, dim).
        labels: Each picture's class, places in `weights`.
        k: Between 1 and the number of classes.
        groups: What is drawn: `classes`, each with all its pictures (another set of classes could have been
            chosen), or `pictures` (these classes are the question).

    Raises:
        InputError: As in `correct`, or `groups` is unknown.

    >>> accuracy(np.array([[1.0, 0.0], [0.6, 0.8]]), np.eye(2), np.array([0, 0])).value
    0.5
    """
    return accuracy_of(correct(features, weights, labels, k), labels, groups=groups)


def hits_by_class(hits: np.ndarray, labels: np.ndarray, keys: Sequence[str]) -> dict[str, list[int]]:
    """Return of every class with pictures how many of them were named right, and how many there are.

    Args:
        hits: What `correct` gave, (pictures,) bool.
        labels: Each picture's class, places in `keys`.
        keys: A key for each class.

    >>> hits_by_class(np.array([True, False, True]), np.array([0, 0, 2]), ["dog", "cat", "cow"])
    {'dog': [1, 2], 'cow': [1, 1]}
    """
    right, of = (np.bincount(labels, weights=one, minlength=len(keys)) for one in (hits, None))
    return {key: [int(one), int(n)] for key, one, n in zip(keys, right, of, strict=True) if n}


def accuracy_over_classes(*parts: tuple[float, pd.DataFrame]) -> Estimate:
    """Return a weighted sum of accuracies with its 95 % bootstrap interval over classes.

    All parts are computed on the same resamples of classes, each class with its pictures in every part, so
    weights 1 and -1 give a paired change. Draws of names for one subset of classes are averaged first.

    Args:
        *parts: A weight, and rows of a study: their `subset`, and `by_class`, what `hits_by_class` gave.

    Raises:
        InputError: A part has no row.

    >>> import pandas as pd
    >>> before, after = ({"dog": [1, 2], "cat": [0, 2]}, {"dog": [2, 2], "cat": [1, 2]})
    >>> rows = [pd.DataFrame({"subset": [0], "by_class": [one]}) for one in (after, before)]
    >>> accuracy_over_classes((1, rows[0]), (-1, rows[1])).value
    0.5
    """
    place: dict[str, int] = {}
    counted = []  # of each part, the pictures of each subset's classes: right ones, averaged, and all
    for _, rows in parts:
        if not len(rows):
            raise InputError("an accuracy of no pictures has no value", "give rows of a study")
        draws = rows.groupby("subset")["subset"].transform("size")
        counted.append(
            [
                (place.setdefault(key, len(place)), right / n, of / n)
                for one, n in zip(rows["by_class"], draws, strict=True)
                for key, (right, of) in one.items()
            ]
        )
    totals = np.zeros((len(parts), 2, len(place)))
    for part, entries in zip(totals, counted, strict=True):
        places, right, of = zip(*entries, strict=True)
        np.add.at(part[0], list(places), right)
        np.add.at(part[1], list(places), of)

    def combined(*columns: np.ndarray, axis: int) -> np.ndarray:
        right, of = (np.stack(columns[i::2]).sum(axis=axis) for i in (0, 1))
        with np.errstate(invalid="ignore"):  # no class of a part may be drawn
            return np.tensordot([weight for weight, _ in parts], right / of, axes=1)

    made = bootstrap_interval(list(totals.reshape(-1, len(place))), combined)
    return replace(made, note=f"bootstrap over {len(place)} classes, {RESAMPLES} resamples")


def confusion(features: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many pictures of each class (rows) were nearest to each class (columns), int64.

    Args:
        features: Unit rows of the pictures, (pictures, dim).
        weights: Unit rows of the classes, (classes, dim).
        labels: Each picture's class, places in `weights`.

    Raises:
        InputError: As in `correct`.

    >>> confusion(np.array([[1.0, 0.0], [0.6, 0.8]]), np.eye(2), np.array([0, 0]))
    array([[1, 1],
           [0, 0]])
    """
    labels, size = _checked(features, weights, labels), len(weights)
    named = nearest(features, weights, 1)[0][:, 0]
    return np.bincount(labels * size + named, minlength=size**2).reshape(size, size)


def lexical_drop(original: float, replaced: float) -> AccuracyDrop:
    """Return how much accuracy is lost when original names give way to others, both shares in [0, 1].

    Raises:
        InputError: An accuracy outside [0, 1].

    >>> lexical_drop(0.5, 0.25)
    AccuracyDrop(absolute=0.25, relative=0.5)
    """
    for value in (original, replaced):
        if not 0 <= value <= 1:
            raise InputError(f"{value} is not an accuracy", "give shares between 0 and 1, not per cent")
    lost = original - replaced
    return AccuracyDrop(lost, lost / original if original > 0 else math.nan)


def _checked(features: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    shapes = np.shape(features), np.shape(weights), np.shape(labels)
    fits = [len(shape) for shape in shapes] == [2, 2, 1]
    if not fits or shapes[0][1] != shapes[1][1] or shapes[0][0] != shapes[2][0]:
        raise InputError(
            f"pictures {shapes[0]}, classes {shapes[1]} and labels {shapes[2]} do not fit together",
            "give (pictures, dim), (classes, dim) of the same dim, and (pictures,)",
        )
    _check_labels(labels, shapes[1][0])
    for what, rows in (("pictures", features), ("classes", weights)):
        if not np.isfinite(rows).all():
            raise InputError(f"a row of the {what} is not finite", "encode them again")
    return np.asarray(labels, dtype=np.int64)


def _check_labels(labels: np.ndarray, classes: int) -> None:
    if not len(labels):
        raise InputError("there are no pictures", "give at least one")
    if not np.issubdtype(np.asarray(labels).dtype, np.integer):
        raise InputError(f"labels of type {np.asarray(labels).dtype}", "give whole numbers")
    wrong = [int(label) for label in (np.min(labels), np.max(labels)) if not 0 <= label < classes]
    if wrong:
        raise InputError(
            f"label {wrong[0]} is not one of the {classes} classes",
            "leave out pictures whose class is unknown" if wrong[0] < 0 else "number the classes from 0",
        )
