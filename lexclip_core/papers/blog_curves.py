"""A study of class names compared with the blog's curves and its transfer, as measurements for the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lexclip_core.errors import InputError
from lexclip_core.evaluation.intervals import Estimate, t_interval
from lexclip_core.papers.measurement import Conditions, Measurement
from lexclip_core.papers.reported import BlogSet, Place, blog_curve, blog_transfer


def compare_curve(
    studied: pd.DataFrame, here: Conditions, *, dataset: BlogSet = "ImageNet"
) -> list[Measurement]:
    """Return a measurement for each point of the blog's curves, ours at the nearest number of classes.

    The change of a tuned tower is its gain over the base, that of replaced names their distance to the
    original ones, both draw by draw. A number of classes that is nearest to no point of the blog bears on the
    claims alone: that names cost accuracy (B2), and that tuning gains (B21, B22).

    Args:
        studied: What `class_names.study` returned; controls and other towers are left out.
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


def compare_transfer(moved: pd.DataFrame, here: Conditions) -> list[Measurement]:
    """Return a measurement for each point of the blog's transfer, ours at the nearest number of classes.

    Args:
        moved: What `class_names.transfer` returned for several `tuned_on`; of it all classes, no control.
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
            tower = "base tower" if row.tower == "base" else f"tuned on {source} words"
            made.append(_measured(at, here, place, f"{row.names} names, {tower}"))
    return made


def _nearest(rows: pd.DataFrame, classes: int) -> int:
    return int(min(rows["K"].unique(), key=lambda size: (abs(size - classes), size)))


def _unplaced(at: pd.DataFrame, here: Conditions, claim: str) -> list[Measurement]:
    said = f"{at['kind'].iloc[0]}: {{}}, K = {at['K'].iloc[0]}"
    what = said.format("replaced minus original names, base tower")
    made = [here.measured(what, _distance(at), "B2", expected=("below", 0))]
    short = _summary(at)
    for one in short[short["tower"] == "tuned"].to_dict("records"):
        what = said.format(f"gain with {one['names']} names")
        made.append(here.measured(what, _gain(one), claim, expected=("above", 0)))
    return made


def _measured(at: pd.DataFrame, here: Conditions, place: Place, what: str) -> Measurement:
    tower = "base" if "base" in f"{place.column} {place.setting}" else "tuned"
    names = place.column.split()[-1]
    short = _summary(at.drop(columns="tuned_on", errors="ignore") if tower == "base" else at)
    [one] = short[(short["tower"] == tower) & (short["names"] == names)].to_dict("records")
    change = _gain(one) if tower == "tuned" else _distance(at) if names == "replaced" else None
    value = Estimate(one["mean"], one["low"], one["high"], one["n"])
    k = at["K"].iloc[0]
    differs = "" if str(k) == place.row else f"K = {k} in place of {place.row}"
    said = f"{at['kind'].iloc[0]}: {what}, K = {k}"
    return here.measured(said, value, place, change=change, differs=differs)


def _summary(at: pd.DataFrame) -> pd.DataFrame:
    from lexclip_core.experiments.class_name_tables import summary  # the experiments import torch

    return summary(at)


def _gain(one: Mapping[str, Any]) -> Estimate:
    return Estimate(one["gain"], one["gain_low"], one["gain_high"], one["n"])


def _distance(at: pd.DataFrame) -> Estimate:
    """Return how far replaced names lie from the original ones under the base, draw by draw."""
    base = at[at["tower"] == "base"]
    over = "subset" if base["subset"].nunique() > 1 else "combination"
    original = base[base["names"] == "original"].groupby("subset")["accuracy"].mean()
    replaced = base[base["names"] == "replaced"]
    distance = replaced["accuracy"] - replaced["subset"].map(original)
    return t_interval(distance.groupby(replaced[over]).mean().tolist())
