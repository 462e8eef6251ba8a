"""The shipped sweep over loss weights and alpha: means over seeds, and which settings nothing beats."""

from __future__ import annotations

import pandas as pd

WEIGHTS = ("w_image", "w_caption", "w_paraphrase", "alpha")
BASE = "base"
LABELS = {
    "w_image": "L1: picture and paraphrase",
    "w_caption": "L2: caption and paraphrase",
    "w_paraphrase": "L3: two paraphrases",
    "alpha": "alpha: base 0, tuned 1",
}
_GROUPS = {
    (True, True): "with pictures and texts (L1 and L2 or L3)",
    (True, False): "with pictures alone (L1)",
    (False, True): "with texts alone (L2, L3)",
    (False, False): "nothing trained",
}


def measured(sweep: pd.DataFrame, split: str) -> pd.DataFrame:
    """Return one row per setting: name, the weights, and each metric's mean over seeds as a column."""
    rows = sweep[sweep["split"] == split]
    keys = ["name", *WEIGHTS]
    rows = rows.fillna(dict.fromkeys(WEIGHTS, 0.0))
    table = rows.pivot_table(index=keys, columns="metric", values="value", sort=False).reset_index()
    return table.rename_axis(columns=None)


def seeds(sweep: pd.DataFrame) -> str:
    """Return over how many seeds the settings were trained, in words."""
    count = sweep.loc[sweep["name"] != BASE, "seed"].nunique()
    return "One seed each" if count == 1 else f"Means over {count} seeds"


def metrics(table: pd.DataFrame) -> list[str]:
    """Return the metrics of `measured`, in the order of the sweep."""
    return [column for column in table.columns if column not in ("name", *WEIGHTS)]


def points(table: pd.DataFrame, x: str, y: str, chosen: str) -> pd.DataFrame:
    """Return the settings as `figures.trade_offs` takes them; the base is left out.

    Args:
        table: Of `measured`.
        x: A metric, more is better.
        y: Another.
        chosen: The name of the setting to ring.
    """
    rows = table[table["name"] != BASE].dropna(subset=[x, y])
    first, second = rows[x].to_numpy(), rows[y].to_numpy()
    beaten = [
        bool(((first >= a) & (second >= b) & ((first > a) | (second > b))).any())
        for a, b in zip(first, second, strict=True)
    ]
    texts = (rows["w_caption"] + rows["w_paraphrase"]) > 0
    groups = [_GROUPS[key] for key in zip(rows["w_image"] > 0, texts, strict=True)]
    return pd.DataFrame(
        {
            "label": [label(row) for _, row in rows.iterrows()],
            "group": groups,
            "x": first,
            "y": second,
            "dominated": beaten,
            "chosen": rows["name"].to_numpy() == chosen,
        }
    )


def label(row: pd.Series) -> str:
    """Return a setting in few characters: its three weights and alpha."""
    weights = ", ".join(f"L{place} {row[name]:g}" for place, name in enumerate(WEIGHTS[:3], start=1))
    return f"{weights}, alpha {row['alpha']:g}"


def best(table: pd.DataFrame, x: str, y: str) -> str:
    """Return the name of the setting with the largest sum of two measures, each by its spread.

    Nothing beats it in both.
    """
    rows = table[table["name"] != BASE]
    total = sum((rows[one] - rows[one].mean()) / (rows[one].std() or 1.0) for one in (x, y))
    return str(rows.loc[total.idxmax(), "name"])


def with_baseline(table: pd.DataFrame, setting: pd.Series) -> pd.DataFrame:
    """Return the metrics of one setting with the base's: columns metric, base, setting, change, verdict."""
    base = table[table["name"] == BASE]
    rows = []
    for metric in metrics(table):
        before = float(base[metric].iloc[0]) if len(base) else float("nan")
        change = float(setting[metric]) - before
        sign = "▲ better" if change > 0 else "▼ worse" if change < 0 else "= same"
        rows.append((metric, before, float(setting[metric]), change, sign))
    return pd.DataFrame(rows, columns=["metric", "base", "tuned", "change", ""])
