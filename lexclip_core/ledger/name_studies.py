"""The table of a name study as measurements beside the blog's curves and its transfer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lexclip_core.datasets.reported import BlogSet, Place, blog_curve, blog_transfer
from lexclip_core.errors import InputError
from lexclip_core.evaluation.statistics import Spread, spread
from lexclip_core.ledger.measurement import Conditions, Measurement
from lexclip_core.name_study import summary


def beside_curve(
    studied: pd.DataFrame, here: Conditions, *, dataset: BlogSet = "ImageNet"
) -> list[Measurement]:
    """Return a measurement for each point of the blog's curves, ours at the nearest number of classes.

    The change of a tuned tower is its gain over the base, that of replaced names their distance to the
    original ones, both draw by draw. A number of classes that is nearest to no point of the blog bears on the
    claims alone: that names cost accuracy (B2), and that tuning gains (B21, B22).

    Args:
        studied: What `name_study.study` returned; controls and other towers are left out.
        here: What it was measured on.
        dataset: Which of the blog's figures.
    """
    rows = studied[(studied["control"] == "none") & studied["tower"].isin(["base", "tuned"])]
    made: list[Measurement] = []
    for kind in rows["kind"].unique():
        try:
            theirs = blog_curve(kind, dataset)
        except InputError:  # the blog has no such figure
            continue
        ours = rows[rows["kind"] == kind]
        for row in theirs.itertuples():
            place = Place("blog", dataset, str(row.classes), f"{row.tower} {row.names}", kind)
            at = ours[ours["K"] == _nearest(ours, row.classes)]
            made.append(_measured(at, here, place, f"{row.names} names, {row.tower} tower"))
        near = {_nearest(ours, classes) for classes in theirs["classes"]}
        for _, at in ours[~ours["K"].isin(near)].groupby("K"):
            made += _unplaced(at, here, "B21" if dataset == "ImageNet" else "B22")
    return made


def beside_transfer(moved: pd.DataFrame, here: Conditions) -> list[Measurement]:
    """Return a measurement for each point of the blog's transfer, ours at the nearest number of classes.

    Args:
        moved: What `name_study.transfer` returned for several `tuned_on`; of it all classes, no control.
        here: What it was measured on.
    """
    rows = moved[(moved["control"] == "none") & (moved["split"] == "all")]
    made: list[Measurement] = []
    for row in blog_transfer().itertuples():
        place = Place(
            "blog", "OpenImages comparison", str(row.classes), row.names, f"{row.kind} / {row.tower}"
        )
        ours = rows[rows["kind"] == row.kind]
        source = row.tower.removeprefix("ImageNet ")
        chosen = ours if row.tower == "base" else ours[ours["tuned_on"] == source]
        if len(chosen):
            at = chosen[chosen["K"] == _nearest(chosen, row.classes)]
            side = "base tower" if row.tower == "base" else f"tuned on {source} words"
            made.append(_measured(at, here, place, f"{row.names} names, {side}"))
    return made


def _nearest(rows: pd.DataFrame, classes: int) -> int:
    return int(min(rows["K"].unique(), key=lambda size: (abs(size - classes), size)))


def _unplaced(at: pd.DataFrame, here: Conditions, claim: str) -> list[Measurement]:
    short, said = summary(at), f"{at['kind'].iloc[0]}: {{}}, K = {at['K'].iloc[0]}"
    distance = here.measured(
        said.format("replaced minus original names, base tower"), _distance(at), "B2", expected=("below", 0)
    )
    tuned = short[short["tower"] == "tuned"].to_dict("records")
    return [distance] + [
        here.measured(
            said.format(f"gain with {one['names']} names"), _gain(one), claim, expected=("above", 0)
        )
        for one in tuned
    ]


def _gain(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": found["gain"], "low": found["gain_low"], "high": found["gain_high"], "n": found["n"]}


def _measured(at: pd.DataFrame, here: Conditions, place: Place, what: str) -> Measurement:
    tower = "base" if "base" in f"{place.column} {place.setting}" else "tuned"
    names = place.column.split()[-1]
    short = summary(at.drop(columns="tuned_on", errors="ignore") if tower == "base" else at)
    [found] = short[(short["tower"] == tower) & (short["names"] == names)].to_dict("records")
    change: Any = None
    if tower == "tuned":
        change = {
            "value": found["gain"],
            "low": found["gain_low"],
            "high": found["gain_high"],
            "n": found["n"],
        }
    elif names == "replaced":
        change = _distance(at)
    value = {"value": found["mean"], "low": found["low"], "high": found["high"], "n": found["n"]}
    k = at["K"].iloc[0]
    differs = "" if str(k) == place.row else f"K = {k} in place of {place.row}"
    said = f"{at['kind'].iloc[0]}: {what}, K = {k}"
    return here.measured(said, value, place, change=change, differs=differs)


def _distance(at: pd.DataFrame) -> Spread:
    """Return how far replaced names lie from the original ones under the base, draw by draw."""
    base = at[at["tower"] == "base"]
    over = "subset" if base["subset"].nunique() > 1 else "combination"
    original = base[base["names"] == "original"].groupby("subset")["accuracy"].mean()
    replaced = base[base["names"] == "replaced"]
    return spread(
        (replaced["accuracy"] - replaced["subset"].map(original)).groupby(replaced[over]).mean().tolist()
    )
