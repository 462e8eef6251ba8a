"""The blog's experiments on any pictures: what renaming costs, and what tuning on the words wins back."""

from __future__ import annotations

import json
import logging
import math
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.cache import ARRAYS, JSON, cached
from lexclip_core.datasets.class_names import Kind, NamedClass, NameSet, combinations, possible, subsets
from lexclip_core.errors import InputError
from lexclip_core.evaluation.intervals import t_interval
from lexclip_core.evaluation.zero_shot import class_weights, correct, hits_by_class
from lexclip_core.experiments.pipeline import tuned_copy
from lexclip_core.experiments.words import matrix_materials
from lexclip_core.towers.encoder import Encoder, TextRows
from lexclip_core.towers.loading import chosen_precision
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import tensors_digest
from lexclip_core.training.objectives import LexicalObjective
from lexclip_core.training.settings import MatrixSettings
from lexclip_core.words import normalise

Replaced = Literal["tuned_on", "held_out"]

#: The blog's loss and constants with all pairs in every step: some dozens of steps stand for its thousands.
METHOD = MatrixSettings(
    preset="blog-full-matrix",
    target="wu_palmer",
    sampling="full_matrix",
    steps=100,
    c=3.0,
    anchor_weight=0.08,
    anchor="squared",
    optimizer="adamw",
    lr=2e-5,
    clip=1.0,
)

logger = logging.getLogger(__name__)
_OWN = ("base", "tuned")
_NO_COST = {"words": 0, "steps": 0, "seconds": 0.0}
_COLUMNS = [
    *("kind", "control", "replaced", "K", "subset", "combination", "tower", "names"),
    *("accuracy", "n_pictures", "by_class", *_NO_COST),
]


@dataclass(frozen=True)
class Plan:
    """The settings of a study; a set that has fewer subsets or combinations than asked for gives what it has.

    Attributes:
        settings: How towers are tuned, `control` and `dtype` included; words, tower and device are given by
            the study, and what is measured has the base tower's arithmetic. `random_words` takes
            the vocabulary away altogether.
        sizes: Numbers of classes K.
        subsets: Distinct subsets of classes drawn for each size (the blog's source speaks of 3).
        combinations: Distinct choices of replaced names for each subset (the blog's source speaks of 5).
        seed: Of all draws; training has the settings' own.
        templates: Sentences with `{}` for the name, averaged.
        replaced: Which alternatives replace a name: `tuned_on`, those of the tuning vocabulary, as in the
            blog; or `held_out`: of a class's alternatives half, at least one, are kept out of the vocabulary,
            and only they are tested.
    """

    settings: MatrixSettings = METHOD
    sizes: tuple[int, ...] = (25, 50, 100)
    subsets: int = 3
    combinations: int = 5
    seed: int = 0
    templates: tuple[str, ...] = ("{}",)
    replaced: Replaced = "tuned_on"

    def __post_init__(self) -> None:
        if self.replaced not in get_args(Replaced):
            raise InputError(
                f"replaced is {self.replaced!r}", f"choose one of {', '.join(get_args(Replaced))}"
            )
        if not isinstance(self.settings, MatrixSettings):
            raise InputError("the settings have no matrix of targets", "give settings of method 'matrix'")
        if isinstance(self.templates, str):
            raise InputError(f"the templates are one text, {self.templates!r}", "put it in a tuple")
        for name in ("subsets", "combinations"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}", "give at least 1")
        if not self.sizes or min(self.sizes) < 2:
            raise InputError(f"sizes are {self.sizes}", "give at least one size of 2 classes or more")

    def content(self) -> dict[str, Any]:
        """Return what of the plan decides the result of one subset."""
        content = asdict(self) | {"settings": self.settings.flat()}
        return {name: value for name, value in content.items() if name not in ("sizes", "subsets")}


@dataclass(frozen=True)
class Vocabulary:
    """Words tuned on, the synset of each, and the classes with only the words that may replace names."""

    words: tuple[str, ...]
    synsets: tuple[str, ...]
    classes: tuple[NamedClass, ...]


def vocabulary(classes: Sequence[NamedClass], replaced: Replaced, seed: int) -> Vocabulary:
    """Return what is tuned on and what is tested.

    Which alternatives of a class are held out depends on its key and the seed, not on the other classes. A
    class with one alternative is tuned on its name alone.
    """
    if replaced == "tuned_on":
        kept = tested = tuple(classes)
    else:
        halves = [_halves(one, seed) for one in classes]
        kept, tested = tuple(one for one, _ in halves), tuple(one for _, one in halves)
    words = tuple(word for one in kept for word in one.words)
    return Vocabulary(words, tuple(synset for one in kept for synset in one.synsets), tested)


def _halves(one: NamedClass, seed: int) -> tuple[NamedClass, NamedClass]:
    n = len(one.alternatives)
    order = np.random.default_rng([seed, zlib.crc32(one.key.encode())]).permutation(n)
    held_out = set(order[: max(1, n // 2)].tolist())
    return _only(one, [i for i in range(n) if i not in held_out]), _only(one, sorted(held_out))


def _only(one: NamedClass, places: Iterable[int]) -> NamedClass:
    chosen = list(places)
    return replace(
        one,
        alternatives=tuple(one.alternatives[i] for i in chosen),
        meanings=tuple(one.synsets[1 + i] for i in chosen),
    )


def shared_words(classes: Iterable[NamedClass], words: Iterable[str]) -> list[int]:
    """Return for each class how many of its words are among `words`, compared normalised."""
    known = {normalise(word) for word in words}
    return [sum(normalise(word) in known for word in one.words) for one in classes]


Rows = list[dict[str, Any]]


def tower_digest(tower: Tower) -> str:
    """Return a digest of what a tower computes: its weights as they are now, their base, its arithmetic."""
    tensors = tensors_digest(dict(tower.model.named_parameters()))
    return f"{tower.sha256} {tensors} {tower.dtype} {tower.device.type}"


ORIGINAL = -1  # the combination of rows with original names

# The tower last tuned from each base, and from what, so that other texts cost no tuning.
_LATEST: WeakKeyDictionary[Tower, tuple[dict[str, Any], Tower, tuple[float, float, float]]]
_LATEST = WeakKeyDictionary()


def forget_tuned_towers() -> None:
    """Let go of the towers that were tuned last; what was measured of them stays in the cache."""
    _LATEST.clear()


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

    rows: Encoder
    words: int
    steps: int
    seconds: float


def tuned(
    base: Tower,
    chosen: Vocabulary,
    settings: MatrixSettings,
    texts: Sequence[str],
    base_rows: TextRows | None = None,
) -> Tuned:
    """Return the rows of texts by a copy of a tower tuned on words; the base is left as it is.

    No picture has a part in it, so the rows are kept, and pictures of another kind or by another image tower
    are measured without tuning again. So are other texts, where they are asked for next.

    Args:
        base: The tower.
        chosen: The words and the synset of each.
        settings: How to tune.
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
        "settings": settings.flat(),
    }

    def make() -> dict[str, np.ndarray]:
        if base not in _LATEST or _LATEST[base][0] != tuning:
            _LATEST[base] = (tuning, *_tuned(base, chosen, settings, base_rows))
        _, tower, cost = _LATEST[base]
        return {"rows": tower.encode_texts(texts), "cost": np.array(cost)}

    found = cached("class-names", {**tuning, "texts": texts}, make, codec=ARRAYS)
    words, steps, seconds = found["cost"].tolist()
    return Tuned(TextRows.known(texts, found["rows"]), int(words), int(steps), seconds)


def _tuned(
    base: Tower, chosen: Vocabulary, settings: MatrixSettings, base_rows: TextRows | None
) -> tuple[Tower, tuple[float, float, float]]:
    """Return the tuned tower, and its words, steps and seconds."""
    material = matrix_materials(settings, chosen.words, chosen.synsets)
    encode: Encoder
    if base_rows is not None and material.words == chosen.words:
        encode = base_rows
    else:  # a control may have taken other words
        tower = base.copy()
        tower.dtype = chosen_precision(settings.dtype, tower.device)
        encode = tower.encode_texts
    objective = LexicalObjective(material.words, material.sampler, settings, encode(material.words))
    tower, history = tuned_copy(settings, objective, base)
    return tower, (len(material.words), len(history.rows), history.rows[-1]["seconds"])


def accuracies(
    pictures: Pictures, classes: Sequence[NamedClass], encoders: Mapping[str, Encoder], plan: Plan
) -> list[dict[str, Any]]:
    """Return a row for every tower, with the original names and with every combination of replaced ones.

    Args:
        pictures: The pictures; those of other classes are left out.
        classes: The classes with the alternatives that are tested.
        encoders: Tower -> its rows.
        plan: Combinations, seed and templates.
    """
    features, labels = pictures.of(classes)
    keys = [one.key for one in classes]
    draws = combinations(classes, min(plan.combinations, possible(classes)), plan.seed)
    names = {ORIGINAL: tuple(one.original for one in classes), **dict(enumerate(draws))}
    rows = []
    for tower, encode in encoders.items():
        for combination, chosen in names.items():
            hits = correct(features, class_weights(encode, chosen, plan.templates), labels)
            rows.append(
                {
                    "combination": combination,
                    "tower": tower,
                    "names": "original" if combination == ORIGINAL else "replaced",
                    "accuracy": float(hits.mean()),
                    "n_pictures": len(hits),
                    "by_class": hits_by_class(hits, labels, keys),
                }
            )
    return rows


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
        One row per measurement: kind, control, replaced, K, subset, combination (-1 with original names),
        tower (`base`, `tuned`, or a name of `others`), names (`original`, `replaced`), accuracy (share of 1),
        n_pictures, by_class (what `zero_shot.accuracy_over_classes` takes), words, steps and seconds (of the
        tuning; 0 for towers not tuned here).

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
    towers = {"base": text_tower, **others}
    fixed = {name: TextRows(tower.encode_texts, texts) for name, tower in towers.items()}
    digests = {name: tower_digest(tower) for name, tower in {"base": text_tower, **others}.items()}

    def one(classes: tuple[NamedClass, ...]) -> Rows:
        chosen = vocabulary(classes, plan.replaced, plan.seed)
        own = [word for one in chosen.classes for word in one.words]
        tune = _tuner(text_tower, chosen, plan, filled(own, plan.templates), fixed["base"])
        content = _content(pictures, classes, plan, digests)
        return cached("class-names", content, lambda: _rows(pictures, chosen, fixed, plan, tune), codec=JSON)

    table = _over_subsets(named, plan, one)
    return table.assign(kind=named.kind, control=plan.settings.control, replaced=plan.replaced)[_COLUMNS]


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
    fixed, tune = {"base": TextRows(text_tower.encode_texts, texts)}, _tuner(text_tower, source, plan, texts)
    digests = {"base": tower_digest(text_tower), "source": repr((source.words, source.synsets))}

    def one(classes: tuple[NamedClass, ...]) -> Rows:
        chosen = vocabulary(classes, "tuned_on", plan.seed)
        share = sum(shared_words(classes, source.words)) / sum(len(one.words) for one in classes)
        content = _content(pictures, classes, plan, digests)
        rows = cached("class-names", content, lambda: _rows(pictures, chosen, fixed, plan, tune), codec=JSON)
        return [row | {"overlap": share} for row in rows]

    parts = [_over_subsets(named, plan, one).assign(split="all")]
    shared = shared_words(named.classes, source.words)
    untaught = tuple(one for one, n in zip(named.classes, shared, strict=True) if not n)
    free = replace(named, classes=untaught)
    if len(free) >= 2:
        sizes = tuple(dict.fromkeys(min(size, len(free)) for size in plan.sizes))
        parts.append(_over_subsets(free, replace(plan, sizes=sizes), one).assign(split="overlap_free"))
    table = pd.concat(parts, ignore_index=True).assign(
        kind=named.kind, tuned_on=tuned_on.kind, control=plan.settings.control, replaced=plan.replaced
    )
    return table[["tuned_on", "split", *_COLUMNS, "overlap"]]


def _over_subsets(named: NameSet, plan: Plan, one: Callable[[tuple[NamedClass, ...]], Rows]) -> pd.DataFrame:
    """Return the rows of every size and subset, after looking that there are as many classes."""
    draws = [
        (size, number, classes)
        for size in plan.sizes
        for number, classes in enumerate(
            subsets(named, size, max(1, min(plan.subsets, math.comb(len(named), size))), plan.seed)
        )
    ]
    rows: Rows = []
    for size, number, classes in storage.progress(draws, desc="subsets"):
        rows += [{"K": size, "subset": number} | row for row in one(classes)]
    return pd.DataFrame(rows)


def _tuner(
    base: Tower, chosen: Vocabulary, plan: Plan, texts: Sequence[str], base_rows: TextRows | None = None
) -> Callable[[], Tuned]:
    """Return a function that tunes when it is first called, and never again."""
    return lru_cache(maxsize=1)(lambda: tuned(base, chosen, plan.settings, texts, base_rows))


def _rows(
    pictures: Pictures,
    chosen: Vocabulary,
    fixed: Mapping[str, TextRows],
    plan: Plan,
    tune: Callable[[], Tuned],
) -> Rows:
    made = tune()
    encoders: dict[str, Encoder] = {**fixed, "tuned": made.rows}
    cost = {"words": made.words, "steps": made.steps, "seconds": made.seconds}
    rows = accuracies(pictures, chosen.classes, encoders, plan)
    return [row | (cost if row["tower"] == "tuned" else _NO_COST) for row in rows]


def _content(
    pictures: Pictures, classes: tuple[NamedClass, ...], plan: Plan, digests: Mapping[str, str]
) -> dict[str, Any]:
    features, places = pictures.of(classes)
    return {
        "features": features,
        "places": places,
        "classes": [asdict(one) for one in classes],
        "plan": plan.content(),
        "towers": dict(digests),
    }


# --- tables of a study ---

_GROUPS = ("kind", "tuned_on", "control", "replaced", "split", "K", "tower", "names")
CURVE = ("kind", "K", "tower", "names", "mean", "low", "high", "n")
_NEEDED = ("K", "subset", "combination", "tower", "names", "accuracy")

# Kind of names -> choices of replaced names for the one set of classes (claim D8).
_COMBINATIONS: dict[Kind, int] = {"synonym": 3, "hypernym": 1, "mixed": 3}


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return mean accuracy and mean gain over the base tower, one row per K, tower and names.

    Draws of one subset share pictures and a tuned tower, so they are averaged first and the interval is over
    subsets; with one subset alone it is over combinations, and says nothing of other classes.

    Args:
        table: What `study` or `transfer` returned, or several of them in one.

    Returns:
        The columns that tell rows apart (kind, control, replaced, K, tower, names, ...), then mean, low and
        high (95 % t interval), gain, gain_low and gain_high against `base` on the same subset and names, `n`
        draws and what they are draws of (`over`: subsets or combinations). One draw has no interval: low =
        mean = high.

    Raises:
        InputError: Columns are missing, or there is no base tower to compare with.
    """
    missing = [name for name in _NEEDED if name not in table.columns]
    if missing:
        raise InputError(f"the table lacks the column {missing[0]!r}", "give the table of a study")
    keys = [name for name in _GROUPS if name in table.columns]
    same = [*(name for name in keys if name != "tower"), "subset", "combination"]
    base = table[table["tower"] == "base"].drop_duplicates(same).set_index(same)["accuracy"]
    joined = table.join(base.rename("base"), on=same)
    if joined["base"].isna().any():
        raise InputError(
            "some rows have no row of tower 'base' beside them", "give the whole table of a study"
        )
    joined["gain"] = joined["accuracy"] - joined["base"]
    rows = [
        dict(zip(keys, key, strict=True)) | _in_short(group)
        for key, group in joined.groupby(keys, sort=False, dropna=False)
    ]
    return pd.DataFrame(rows)


def _in_short(group: pd.DataFrame) -> dict[str, float | int | str | None]:
    over = "subset" if group["subset"].nunique() > 1 else "combination"
    means = group.groupby(over)[["accuracy", "gain"]].mean()
    accuracy, gain = t_interval(means["accuracy"].tolist()), t_interval(means["gain"].tolist())
    return {
        "mean": accuracy.value,
        "low": accuracy.low,
        "high": accuracy.high,
        "gain": gain.value,
        "gain_low": gain.low,
        "gain_high": gain.high,
        "n": accuracy.n,
        "over": f"{over}s",
    }


def write_curve(short: pd.DataFrame, folder: Path, about: Mapping[str, Any]) -> list[Path]:
    """Write the accuracies of a summary for the explorer, `KIND.csv`, and where they come from, `KIND.json`.

    Rows of controls are left out, and so is what only a transfer has. Accuracies are rounded to 4 digits.

    Args:
        short: What `summary` returned for a study.
        folder: Where to; made if it is not there.
        about: What a later reader needs to trust or repeat the numbers; kept in the JSON file.

    Returns:
        The files written, the CSV of each kind before its JSON.

    Raises:
        InputError: The table is no summary of a study.
        StorageError: A file cannot be written.
    """
    missing = [name for name in ("control", *CURVE) if name not in short.columns]
    if missing:
        raise InputError(f"the table lacks the column {missing[0]!r}", "give the summary of a study")
    written = []
    for kind, rows in short[short["control"] == "none"].groupby("kind", sort=False):
        csv, provenance = folder / f"{kind}.csv", folder / f"{kind}.json"
        with storage.atomic_write(csv) as temporary:
            rows[list(CURVE)].round(4).to_csv(temporary, index=False, lineterminator="\n")
        with storage.atomic_write(provenance) as temporary:
            temporary.write_text(json.dumps(dict(about), indent=2) + "\n", encoding="utf-8")
        written += [csv, provenance]
    return written


def released_plan(kind: Kind, **settings: Any) -> Plan:
    """Return the released code's choices: three combinations, one for hypernyms, and no loop over subsets.

    It tunes by `blog-release` and tests the bare names that it tuned on. The blog's source speaks of five
    combinations and three subsets, which are `Plan`'s defaults. Draws are seeded and distinct, in both (claim
    D9). The pictures that go with it are `sources.open_set(..., sample="released")` (claim D19).

    Args:
        kind: Which names stand in: the number of combinations follows from it.
        **settings: Of `Plan`, to set otherwise, such as `sizes`.

    Raises:
        InputError: The kind is unknown.
    """
    if kind not in _COMBINATIONS:
        raise InputError(f"unknown kind {kind!r}", f"choose one of {', '.join(_COMBINATIONS)}")
    plan = Plan(
        MatrixSettings.from_flat({"preset": "blog-release"}), subsets=1, combinations=_COMBINATIONS[kind]
    )
    return replace(plan, **settings)
