"""Studies of class names next to the blog's figures, towers next to ParaCLIP's tables: for the ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pandas as pd

from lexclip_core.datasets.class_names import Kind, name_set
from lexclip_core.datasets.pictures.imagenet import wnids
from lexclip_core.evaluation.intervals import Estimate, t_interval
from lexclip_core.evaluation.table1 import ItemScores, interval, over_items
from lexclip_core.evaluation.zero_shot import accuracy_over_classes
from lexclip_core.papers.claims import tower_groups
from lexclip_core.papers.measurement import Conditions, Measurement
from lexclip_core.papers.reported import BlogSet, Place, places
from lexclip_core.wordnet.tables import WordNet

_GAINS = {
    "ImageNet": "gain.imagenet",
    "OpenImages": "gain.openimages",
    "OpenImages comparison": "gain.transfer",
}
_LEAST_LEMMAS: dict[Kind, int] = {"synonym": 2, "hypernym": 1, "mixed": 2}  # what the released code asks for


Items = Mapping[str, ItemScores]
"""Column of Table 1 -> what each item scored: of one tower, under one seed."""

REPORTED_AS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in ("AO@10", "JS@10", "VG-R", "VG-A", "STS")},
        "Clsf.": "classification",
        "T R@5": "text retrieval R@5",
        "I R@5": "image retrieval R@5",
    }
)
"""The columns of `evaluation.table1`, and what they are called where the papers' numbers are kept."""
_BETWEEN = {  # bases that the paper compares: one, the other, which columns
    "roberta_over_2b": ("OpenCLIP-RoBERTa (2B)", "OpenCLIP (2B)", ("AO@10", "STS")),
    "laclip_over_400m": ("LaCLIP (400M)", "OpenCLIP (400M)", ("AO@10", "Clsf.", "STS", "T R@5")),
}


def compare_scores(
    what: str,
    column: str,
    runs: Sequence[Items],
    here: Conditions,
    against: Sequence[Items] = (),
    **options: Any,
) -> Measurement:
    """Return a column of Table 1 with its interval over items, seeds next to it.

    Args:
        what: What was measured, in words.
        column: Of `REPORTED_AS`.
        runs: What was scored, under each seed.
        here: What it was measured on.
        against: The base, or another tower, on the same items: there is a paired change then.
        **options: `quantity` and `at`, as in `Conditions.measured`.
    """
    scores, over = [one[column] for one in runs], runs[0][column].over
    drawn, n = over_items(scores), len(runs[0][column].values)
    change = draws = None
    if against:
        other = over_items([one[column] for one in against])
        change = interval(drawn - other, n, over)
        by_seed = [float(over_items([one], resamples=0)[0] - other[0]) for one in scores]
        draws = t_interval(by_seed) if len(by_seed) > 1 else None  # one seed has no interval
    value = interval(drawn, n, over)
    return here.measured(what, value, change=change, by_seed=draws, over=over, **options)


def compare_table1(
    measured: Mapping[str, tuple[Sequence[Items], Sequence[Items]]],
    here: Mapping[str, Conditions],
    data: Mapping[str, str],
) -> list[Measurement]:
    """Return every column of Table 1 that was measured, before and after, and the bases next to each other.

    Args:
        measured: A tower's name -> what was scored by it as it is, and after tuning under each seed.
        here: A tower's name -> what it was measured on; the data are set by column.
        data: Column -> the name of its data.
    """
    made, row_of = [], {_row(name): name for name in measured}
    for row, name in row_of.items():
        before, after = measured[name]
        for column in (one for one in REPORTED_AS if one in before[0]):
            about, key = replace(here[name], data=data[column]), REPORTED_AS[column]
            quantity = f"base.{column}" if column in ("VG-R", "VG-A") else ""
            at = [Place("paraclip", "Table 1", row, key, setting) for setting in ("base", "ParaCLIP")]
            at = [one for one in at if one in places()]
            said = [f"{column} of {name}{tuned}" for tuned in ("", ", tuned")]
            made.append(compare_scores(said[0], column, before, about, quantity=quantity, at=at[:1]))
            tests = f"table1.{key}"
            made.append(compare_scores(said[1], column, after, about, before, quantity=tests, at=at[1:]))
    for quantity, (one, other, columns) in _BETWEEN.items():
        if {one, other} <= set(row_of):
            left, right = row_of[one], row_of[other]
            for column in (column for column in columns if column in measured[left][0][0]):
                (runs, _), (against, _) = measured[left], measured[right]
                about = replace(here[left], data=data[column])
                what = f"{column}: {left} minus {right}"
                name = f"{quantity}.{REPORTED_AS[column]}"
                both = compare_scores(what, column, runs, about, against=against, quantity=name)
                made.append(replace(both, value=both.effect, change=None))
    return made


def _row(name: str) -> str:
    """Return the row of Table 1 that a tower is."""
    rows = [
        group for group, names in tower_groups().items() if name.startswith(names) and group != "the blog"
    ]
    return rows[0] if rows else name


def compare_curve(
    studied: pd.DataFrame, here: Conditions, *, dataset: BlogSet = "ImageNet"
) -> list[Measurement]:
    """Return a measurement for each number of classes, next to the nearest points of the blog's curves.

    The change of a tuned tower is its gain over the base, that of replaced names their distance to the
    original ones, both with an interval over classes, and draw by draw next to it.

    Args:
        studied: What `class_names.study` returned; controls and other towers are left out.
        here: What it was measured on.
        dataset: Which of the blog's figures.
    """
    return _compared(studied[studied["tower"].isin(["base", "tuned"])], here, dataset)


def compare_transfer(moved: pd.DataFrame, here: Conditions) -> list[Measurement]:
    """Return a measurement for each number of classes, next to the nearest points of the blog's transfer.

    Args:
        moved: What `class_names.transfer` returned for several `tuned_on`; of it all classes, no control.
        here: What it was measured on.
    """
    return _compared(moved[moved["split"] == "all"], here, "OpenImages comparison")


def class_lists(wordnet: WordNet) -> list[Measurement]:
    """Return how many of ImageNet's classes the blog's rule leaves, as spelt, next to its largest points."""
    here = Conditions("WordNet 3.0", "all")
    keys = [wordnet.index(wnid) for wnid in wnids()]
    made = []
    for kind, least in _LEAST_LEMMAS.items():
        named = {
            wnid: (wnid, wordnet.name(key).rsplit(".", 2)[0].replace("_", " "))
            for wnid, key in zip(wnids(), keys, strict=True)
            if len(wordnet.lemmas[key]) >= least
        }
        classes = name_set(wordnet, named, kind, comparison="as_spelt")
        place = Place("blog", "figures", "ImageNet", "classes of the largest point", kind)
        what = f"ImageNet's classes with {kind} names, all words unique as spelt"
        made.append(here.measured(what, len(classes), at=place, unit="count"))
    return made


def _compared(rows: pd.DataFrame, here: Conditions, where: str) -> list[Measurement]:
    rows = rows[rows["control"] == "none"]
    curves: dict[tuple[str, str, str, str], list[Place]] = {}
    for place in places():
        if (place.paper, place.where) == ("blog", where):
            curves.setdefault(_curve(place), []).append(place)
    made = []
    for (kind, tower, names, source), points in curves.items():
        ours = rows[rows["kind"] == kind]
        ours = ours[ours["tuned_on"] == source] if source else ours
        for k, near in _nearest(ours, points).items():
            if near or (tower, names) != ("base", "original"):
                words = f"tuned on {source} words" if source else f"{tower} tower"
                what = f"{kind}: {names} names, {words}, K = {k}"
                made.append(_measured(ours[ours["K"] == k], here, what, (tower, names, _GAINS[where], near)))
    return made


def _curve(place: Place) -> tuple[str, str, str, str]:
    """Return the kind of names, the tower, the names, and the words that it was tuned on if others."""
    kind, _, tuned = place.setting.partition(" / ")
    tower, _, names = place.column.rpartition(" ")
    source = tuned.removeprefix("ImageNet ") if tuned != "base" else ""
    return kind, tower or ("tuned" if source else "base"), names, source


def _nearest(rows: pd.DataFrame, points: list[Place]) -> dict[int, list[Place]]:
    """Return of each of our numbers of classes the blog's points that are nearest to it, nearest first."""
    near: dict[int, list[Place]] = {size: [] for size in sorted(rows["K"].unique().tolist())}
    for one in points if near else ():
        near[min(near, key=lambda size: (abs(size - int(one.row)), size))].append(one)
    return {size: sorted(found, key=lambda one: abs(int(one.row) - size)) for size, found in near.items()}


def _measured(
    at: pd.DataFrame, here: Conditions, what: str, about: tuple[str, str, str, list[Place]]
) -> Measurement:
    tower, names, gain, near = about
    own, base = _hits(at, tower, names), None
    if tower == "tuned":
        base = _hits(at, "base", names)
    elif names == "replaced":
        base = _hits(at, "base", "original")
    k = str(at["K"].iloc[0])
    return here.measured(
        what,
        accuracy_over_classes((1, own)),
        gain if tower == "tuned" else "" if base is None else "names_replaced",
        at=near,
        change=None if base is None else accuracy_over_classes((1, own), (-1, base)),
        by_seed=None if base is None else _by_draw(own, base),
        over="classes",
        differs=f"K = {k} in place of {near[0].row}" if near and near[0].row != k else "",
    )


def _hits(at: pd.DataFrame, tower: str, names: str) -> pd.DataFrame:
    rows = at[(at["tower"] == tower) & (at["names"] == names)]
    return rows.drop_duplicates(["subset", "combination"])


def _by_draw(own: pd.DataFrame, base: pd.DataFrame) -> Estimate:
    """Return a change over draws of classes; with one of them over draws of names."""
    over = "subset" if own["subset"].nunique() > 1 else "combination"
    after, before = (rows.groupby(over)["accuracy"].mean() for rows in (own, base))
    # original names are one draw, which every draw of replaced ones is compared with
    return t_interval((after - (before.iloc[0] if len(before) == 1 else before)).tolist())
