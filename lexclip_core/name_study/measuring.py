"""Encode each word once, tune on a vocabulary, and count the pictures that find their class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from lexclip_core import towers
from lexclip_core.class_names import NamedClass, NameSet, combinations, possible
from lexclip_core.config import Experiment
from lexclip_core.errors import InputError
from lexclip_core.evaluation.zero_shot import class_weights, correct
from lexclip_core.evaluation.zero_shot_weights import Encode
from lexclip_core.name_study.kept import kept_arrays, tower_digest
from lexclip_core.name_study.plan import Plan
from lexclip_core.name_study.vocabulary import Vocabulary
from lexclip_core.towers import Tower
from lexclip_core.towers.load import chosen_precision
from lexclip_core.training import fit
from lexclip_core.tuning import matrix_materials

ORIGINAL = -1  # the combination of rows with original names

# The tower last tuned from each base, and from what, so that other texts cost no tuning.
_LATEST: WeakKeyDictionary[Tower, tuple[dict[str, Any], Tower, tuple[float, float, float]]]
_LATEST = WeakKeyDictionary()


class TextRows:
    """A tower's rows of texts, all encoded in one batch when the first of them is asked for.

    Args:
        tower: The tower.
        texts: All texts that will be asked for.
    """

    def __init__(self, tower: Tower, texts: Iterable[str]) -> None:
        self._tower = tower
        self._place = {text: place for place, text in enumerate(dict.fromkeys(texts))}
        self._rows: np.ndarray | None = None

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return the unit rows of texts, float32 (texts, dim)."""
        if self._rows is None:
            self._rows = self._tower.encode_texts(list(self._place))
        return self._rows[[self._place[text] for text in texts]]


class KnownRows:
    """Rows of texts that were encoded before, called as `TextRows` is."""

    def __init__(self, texts: Sequence[str], rows: np.ndarray) -> None:
        self._place = {text: place for place, text in enumerate(texts)}
        self._rows = rows

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Return the unit rows of texts, float32 (texts, dim)."""
        return self._rows[[self._place[text] for text in texts]]


def filled(words: Sequence[str], templates: Sequence[str]) -> list[str]:
    """Return every word in every template."""
    return [template.format(word) for template in templates for word in words]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Unit rows of pictures, float32 (pictures, dim), and the key of each one's class."""

    features: np.ndarray
    keys: np.ndarray

    @classmethod
    def checked(cls, features: np.ndarray, labels: Sequence[str] | np.ndarray, named: NameSet) -> Pictures:
        """Return the pictures after looking that labels are keys and every class has a picture.

        Raises:
            InputError: One of them is not so.
        """
        keys = np.asarray(labels)
        if keys.dtype.kind not in "UO" or keys.shape != (len(features),):
            raise InputError(
                f"labels of type {keys.dtype} and shape {keys.shape} for {len(features)} pictures",
                "give the key of each picture's class, as in [classes[i].key for i in labels]",
            )
        keys = keys.astype(str)
        seen = set(keys.tolist())
        missing = [one.key for one in named.classes if one.key not in seen]
        if missing:
            raise InputError(
                f"{len(missing)} classes have no picture, the first {missing[0]!r}",
                "make the name set of classes that have pictures",
            )
        return cls(np.asarray(features), keys)

    def of(self, classes: Sequence[NamedClass]) -> tuple[np.ndarray, np.ndarray]:
        """Return the features of the classes' pictures and their places in `classes`."""
        place = {one.key: i for i, one in enumerate(classes)}
        labels = np.array([place.get(key, -1) for key in self.keys.tolist()])
        return self.features[labels >= 0], labels[labels >= 0]


@dataclass(frozen=True, eq=False)
class Tuned:
    """What a tuned tower makes of the texts, and what it cost."""

    rows: Encode
    words: int
    steps: int
    seconds: float


def tuned(
    base: Tower,
    chosen: Vocabulary,
    experiment: Experiment,
    texts: Sequence[str],
    base_rows: TextRows | None = None,
) -> Tuned:
    """Return the rows of texts by a copy of a tower tuned on words; the base is left as it is.

    No picture has a part in it, so the rows are kept, and pictures of another kind or by another image tower
    are measured without tuning again. So are other texts, where they are asked for next.

    Args:
        base: The tower.
        chosen: The words and the synset of each.
        experiment: How to tune.
        texts: All texts that will be asked for.
        base_rows: The base's rows of the words, where they are at hand.

    Raises:
        InputError: Settings that do not go together, or a word unknown to the target.
        DivergenceError: The loss became useless.
    """
    texts = list(dict.fromkeys(texts))
    tuning = {
        "base": tower_digest(base),
        "words": chosen.words,
        "synsets": chosen.synsets,
        "experiment": experiment.flat(),
    }

    def make() -> dict[str, np.ndarray]:
        if base not in _LATEST or _LATEST[base][0] != tuning:
            _LATEST[base] = (tuning, *_tuned(base, chosen, experiment, base_rows))
        _, tower, cost = _LATEST[base]
        return {"rows": tower.encode_texts(texts), "cost": np.array(cost)}

    found = kept_arrays({**tuning, "texts": texts}, make)
    words, steps, seconds = found["cost"].tolist()
    return Tuned(KnownRows(texts, found["rows"]), int(words), int(steps), seconds)


def _tuned(
    base: Tower, chosen: Vocabulary, experiment: Experiment, base_rows: TextRows | None
) -> tuple[Tower, tuple[float, float, float]]:
    """Return the tuned tower, and its words, steps and seconds."""
    material = matrix_materials(experiment, chosen.words, chosen.synsets)
    reference = None
    if base_rows is not None and material.words == chosen.words:  # a control may have taken other words
        reference = base_rows(chosen.words)
    twin = base.copy()
    twin.dtype = chosen_precision(experiment.dtype)
    towers.set_trainable(twin, experiment.trainable, seed=experiment.seed)
    history = fit(twin, material.words, material.sampler, experiment, reference=reference)
    settled = towers.settle(base, twin, experiment.alpha)
    settled.dtype = base.dtype  # both sides are measured in one arithmetic
    return settled, (len(material.words), len(history.rows), history.rows[-1]["seconds"])


def accuracies(
    pictures: Pictures, classes: Sequence[NamedClass], sides: Mapping[str, Encode], plan: Plan
) -> list[dict[str, Any]]:
    """Return a row for every tower, with the original names and with every combination of replaced ones.

    Args:
        pictures: The pictures; those of other classes are left out.
        classes: The classes with the alternatives that are tested.
        sides: Tower -> its rows.
        plan: Combinations, seed and templates.
    """
    features, labels = pictures.of(classes)
    draws = combinations(classes, min(plan.combinations, possible(classes)), plan.seed)
    names = {ORIGINAL: tuple(one.original for one in classes), **dict(enumerate(draws))}
    rows = []
    for side, encode in sides.items():
        for combination, chosen in names.items():
            hits = correct(features, class_weights(encode, chosen, plan.templates), labels)
            rows.append(
                {
                    "combination": combination,
                    "tower": side,
                    "names": "original" if combination == ORIGINAL else "replaced",
                    "accuracy": float(hits.mean()),
                    "n_pictures": len(hits),
                }
            )
    return rows
