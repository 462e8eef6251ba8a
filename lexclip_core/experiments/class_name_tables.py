"""Tables of a study of class names: means and gains, curves on disk, and the plan of the released code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lexclip_core.datasets.class_names import Kind
from lexclip_core.errors import InputError
from lexclip_core.evaluation.intervals import t_interval
from lexclip_core.experiments.class_names import Plan
from lexclip_core.storage import atomic_write
from lexclip_core.training.settings import MatrixSettings

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
        with atomic_write(csv) as temporary:
            rows[list(CURVE)].round(4).to_csv(temporary, index=False, lineterminator="\n")
        with atomic_write(provenance) as temporary:
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
    chosen: dict[str, Any] = {
        "settings": MatrixSettings.from_flat({"preset": "blog-release"}),
        "subsets": 1,
        "combinations": _COMBINATIONS[kind],
    }
    return Plan(**(chosen | settings))
