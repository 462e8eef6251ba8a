"""Studies of class names, and lists of classes, next to the blog's figures: measurements for the ledger."""

from __future__ import annotations

import pandas as pd

from lexclip_core.datasets.class_names import Kind, name_set
from lexclip_core.datasets.pictures.imagenet import wnids
from lexclip_core.evaluation.intervals import Estimate, t_interval
from lexclip_core.papers.measurement import Conditions, Measurement
from lexclip_core.papers.reported import BlogSet, Place, places
from lexclip_core.wordnet.tables import WordNet

_GAINS = {
    "ImageNet": "gain.imagenet",
    "OpenImages": "gain.openimages",
    "OpenImages comparison": "gain.transfer",
}
_LEAST_LEMMAS: dict[Kind, int] = {"synonym": 2, "hypernym": 1, "mixed": 2}  # what the released code asks for


def compare_curve(
    studied: pd.DataFrame, here: Conditions, *, dataset: BlogSet = "ImageNet"
) -> list[Measurement]:
    """Return a measurement for each number of classes, next to the nearest points of the blog's curves.

    The change of a tuned tower is its gain over the base, that of replaced names their distance to the
    original ones, both draw by draw.

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
    short = _summary(at.drop(columns="tuned_on", errors="ignore") if tower == "base" else at)
    [one] = short[(short["tower"] == tower) & (short["names"] == names)].to_dict("records")
    gained = Estimate(one["gain"], one["gain_low"], one["gain_high"], one["n"])
    change = gained if tower == "tuned" else _distance(at) if names == "replaced" else None
    k = str(at["K"].iloc[0])
    return here.measured(
        what,
        {"value": one["mean"], "n": one["n"]},
        gain if tower == "tuned" else "names_replaced" if change else "",
        at=near,
        change=change.value if change else None,
        by_seed=change,
        differs=f"K = {k} in place of {near[0].row}" if near and near[0].row != k else "",
    )


def _summary(at: pd.DataFrame) -> pd.DataFrame:
    from lexclip_core.experiments.class_names import summary  # the experiments import torch

    return summary(at)


def _distance(at: pd.DataFrame) -> Estimate:
    """Return how far replaced names lie from the original ones under the base, draw by draw."""
    base = at[at["tower"] == "base"]
    over = "subset" if base["subset"].nunique() > 1 else "combination"
    original = base[base["names"] == "original"].groupby("subset")["accuracy"].mean()
    replaced = base[base["names"] == "replaced"]
    distance = replaced["accuracy"] - replaced["subset"].map(original)
    return t_interval(distance.groupby(replaced[over]).mean().tolist())
