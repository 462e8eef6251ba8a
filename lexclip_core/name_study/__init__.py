"""The blog's experiments on any pictures: what renaming costs, and what tuning on the words wins back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.class_names import NamedClass, NameSet, subsets
from lexclip_core.errors import InputError
from lexclip_core.evaluation.zero_shot_weights import Encode
from lexclip_core.name_study.kept import Rows, array_digest, kept_rows, tower_digest
from lexclip_core.name_study.measuring import Pictures, TextRows, Tuned, accuracies, filled, tuned
from lexclip_core.name_study.plan import METHOD, Plan, Replaced
from lexclip_core.name_study.summary import summary, write_curve
from lexclip_core.name_study.vocabulary import Vocabulary, shared_words, vocabulary
from lexclip_core.towers import Tower

__all__ = ["METHOD", "Plan", "Replaced", "study", "summary", "transfer", "write_curve"]

_OWN = ("base", "tuned")
_NO_COST = {"words": 0, "steps": 0, "seconds": 0.0}


def study(
    text_tower: Tower,
    features: np.ndarray,
    labels: Sequence[str] | np.ndarray,
    named: NameSet,
    *,
    plan: Plan | None = None,
    others: Mapping[str, Tower] | None = None,
) -> pd.DataFrame:
    """Tune on the words of drawn classes and return the zero-shot accuracies before and after, by names.

    For every size K and subset of K classes a copy of the tower is tuned on their words; then every tower
    names the subset's pictures with the original names and with every drawn combination of replaced ones.
    Each subset's result is kept under the cache folder by its content, so a study that was stopped goes on
    with the next subset, and one that is repeated is only read. What a tuned tower makes of the words is kept
    apart from the pictures, so other pictures cost no tuning.

    Args:
        text_tower: The base tower.
        features: Unit rows of the pictures, (pictures, dim), by the image tower that goes with it.
        labels: The key of each picture's class, as in `NamedClass.key`.
        named: The classes and their names; every one has pictures.
        plan: What is drawn and how towers are tuned; the defaults of `Plan` if left out.
        others: Further towers to measure beside `base` and `tuned`, such as the shipped one.

    Returns:
        One row a measurement: kind, control, replaced, K, subset, combination (-1 with original names), tower
        (`base`, `tuned`, or a name of `others`), names (`original`, `replaced`), accuracy (share of 1),
        n_pictures, words, steps and seconds (of the tuning; 0 for towers not tuned here).

    Raises:
        InputError: Labels that are no keys, a class without pictures, a size beyond the number of classes, a
            name in `others` that is taken, or settings that do not go together.
        DivergenceError: A tuning went astray.
    """
    plan, others = plan or Plan(), dict(others or {})
    pictures = Pictures.checked(features, labels, named)
    for name in _OWN:
        if name in others:
            raise InputError(f"a tower called {name!r} is given", f"{name!r} is the study's own: rename it")
    words = [word for one in named.classes for word in one.words]
    texts = [*words, *filled(words, plan.templates)]  # the bare words are what tuning is anchored to
    fixed = {name: TextRows(tower, texts) for name, tower in {"base": text_tower, **others}.items()}
    digests = {name: tower_digest(tower) for name, tower in {"base": text_tower, **others}.items()}

    def one(classes: tuple[NamedClass, ...]) -> Rows:
        chosen = vocabulary(classes, plan.replaced, plan.seed)
        own = [word for one in chosen.classes for word in one.words]
        tune = _tuner(text_tower, chosen, plan, filled(own, plan.templates), fixed["base"])
        content = _content(pictures, classes, plan, digests)
        return kept_rows(content, lambda: _rows(pictures, chosen, fixed, plan, tune))

    table = _over_subsets(named, plan, one)
    return table.assign(kind=named.kind, control=plan.experiment.control, replaced=plan.replaced)[_columns()]


def transfer(
    text_tower: Tower,
    features: np.ndarray,
    labels: Sequence[str] | np.ndarray,
    tuned_on: NameSet,
    named: NameSet,
    *,
    plan: Plan | None = None,
) -> pd.DataFrame:
    """Tune once on all words of one set of classes and measure on the pictures of another.

    The words that both sets share are reported, and everything is measured again without the classes that
    have one: a gain that is gone there was no transfer. (Of the blog's OpenImages words, four to five in ten
    were words it had tuned on.)

    Args:
        text_tower: The base tower.
        features: Unit rows of the pictures, (pictures, dim).
        labels: The key of each picture's class in `named`.
        tuned_on: The classes whose words are tuned on.
        named: The classes that are tested; of their alternatives all may replace the name.
        plan: As in `study`; sizes, subsets and combinations are of `named`. `replaced` must be `tuned_on`.

    Returns:
        The columns of `study`, and tuned_on (its kind), split (`all`, or `overlap_free`: only classes without
        a word tuned on; sizes beyond their number become their number, and with fewer than two such classes
        the split is missing), and overlap (share of the subset's words that were tuned on).

    Raises:
        InputError: As in `study`.
        DivergenceError: The tuning went astray.
    """
    plan = plan or Plan()
    if plan.replaced != "tuned_on":
        raise InputError(
            f"replaced is {plan.replaced!r} in a transfer", "overlap_free holds words out already"
        )
    pictures = Pictures.checked(features, labels, named)
    source = vocabulary(tuned_on.classes, "tuned_on", plan.seed)
    texts = filled([word for one in named.classes for word in one.words], plan.templates)
    fixed, tune = {"base": TextRows(text_tower, texts)}, _tuner(text_tower, source, plan, texts)
    digests = {"base": tower_digest(text_tower), "source": repr((source.words, source.synsets))}

    def one(classes: tuple[NamedClass, ...]) -> Rows:
        chosen, share = vocabulary(classes, "tuned_on", plan.seed), _overlap(classes, source)
        content = _content(pictures, classes, plan, digests)
        rows = kept_rows(content, lambda: _rows(pictures, chosen, fixed, plan, tune))
        return [row | {"overlap": share} for row in rows]

    parts = [_over_subsets(named, plan, one).assign(split="all")]
    free = _overlap_free(named, source)
    if len(free) >= 2:
        sizes = tuple(dict.fromkeys(min(size, len(free)) for size in plan.sizes))
        parts.append(_over_subsets(free, replace(plan, sizes=sizes), one).assign(split="overlap_free"))
    table = pd.concat(parts, ignore_index=True).assign(
        kind=named.kind, tuned_on=tuned_on.kind, control=plan.experiment.control, replaced=plan.replaced
    )
    return table[["tuned_on", "split", *_columns(), "overlap"]]


def _columns() -> list[str]:
    settings = ["kind", "control", "replaced", "K", "subset", "combination", "tower", "names"]
    return [*settings, "accuracy", "n_pictures", *_NO_COST]


def _over_subsets(named: NameSet, plan: Plan, one: Callable[[tuple[NamedClass, ...]], Rows]) -> pd.DataFrame:
    """Return the rows of every size and subset, after looking that there are as many classes."""
    draws = [
        (size, number, classes)
        for size in plan.sizes
        for number, classes in enumerate(subsets(named, size, _count(named, size, plan), plan.seed))
    ]
    rows: Rows = []
    for size, number, classes in storage.progress(draws, desc="subsets"):
        rows += [{"K": size, "subset": number} | row for row in one(classes)]
    return pd.DataFrame(rows)


def _count(named: NameSet, size: int, plan: Plan) -> int:
    return max(1, min(plan.subsets, math.comb(len(named), size)))


def _tuner(
    base: Tower, chosen: Vocabulary, plan: Plan, texts: Sequence[str], base_rows: TextRows | None = None
) -> Callable[[], Tuned]:
    """Return a function that tunes when it is first called, and never again."""
    return lru_cache(maxsize=1)(lambda: tuned(base, chosen, plan.experiment, texts, base_rows))


def _rows(
    pictures: Pictures,
    chosen: Vocabulary,
    fixed: Mapping[str, TextRows],
    plan: Plan,
    tune: Callable[[], Tuned],
) -> Rows:
    made = tune()
    sides: dict[str, Encode] = {**fixed, "tuned": made.rows}
    cost = {"words": made.words, "steps": made.steps, "seconds": made.seconds}
    rows = accuracies(pictures, chosen.classes, sides, plan)
    return [row | (cost if row["tower"] == "tuned" else _NO_COST) for row in rows]


def _content(
    pictures: Pictures, classes: tuple[NamedClass, ...], plan: Plan, digests: Mapping[str, str]
) -> dict[str, Any]:
    features, places = pictures.of(classes)
    return {
        "features": array_digest(features),
        "places": array_digest(places),
        "classes": [asdict(one) for one in classes],
        "plan": plan.content(),
        "towers": dict(digests),
    }


def _overlap(classes: Sequence[NamedClass], source: Vocabulary) -> float:
    return sum(shared_words(classes, source.words)) / sum(len(one.words) for one in classes)


def _overlap_free(named: NameSet, source: Vocabulary) -> NameSet:
    shared = shared_words(named.classes, source.words)
    return replace(named, classes=tuple(one for one, n in zip(named.classes, shared, strict=True) if not n))
