"""Two runs next to each other: their measures, and paired differences where both measured the same words."""

from __future__ import annotations

from collections.abc import Mapping

import known_towers
import metric_names
import numpy as np
import pandas as pd
import run_names

from lexclip_core.evaluation.intervals import Estimate, mean_over_words
from lexclip_core.experiments.run_folder import Run, RunSummary

FIRST, LONGEST = 3, 26  # measures drawn at first; letters of a name in a figure


def overview(summaries: tuple[RunSummary, ...], names: Mapping[str, str]) -> pd.DataFrame:
    """Return a row per run: what it was tuned on, its tower, its first measure before and after, its size."""
    keys = [metric_names.headline(one.metrics) for one in summaries]
    rows = []
    for one, key in zip(summaries, keys, strict=True):
        entry = one.metrics.get(key or "", {})
        rows.append(
            {
                "run": names[one.run_id],
                "control": run_names.CONTROLS.get(str(one.config.get("control")), "").removeprefix(
                    "control: "
                ),
                "tower": known_towers.called(str(one.config.get("tower") or "")),
                "measure": metric_names.full_label(key) if key else "",
                "before": entry.get("before"),
                "after": entry.get("value"),
                "tensors": "here" if one.has_tuned else "not here",
                "id": one.run_id,
            }
        )
    return pd.DataFrame(rows).astype({"before": float, "after": float})


def shared_measures(first: RunSummary, second: RunSummary) -> list[str]:
    """Return the measures that both runs have, those that matter first."""
    both = [key for key in first.metrics if key in second.metrics]
    leading = metric_names.leading(both)
    return [*leading, *(key for key in both if key not in leading)]


def short_names(first: str, second: str) -> tuple[str, str]:
    """Return two names of runs without what they share, short enough for a figure.

    >>> short_names("synonyms, seed 0", "synonyms, control: shuffled, seed 0")
    ('this run', 'control: shuffled')
    """
    one, other = first.split(", "), second.split(", ")
    for place in (0, -1):
        while one and other and one[place] == other[place]:
            one.pop(place)
            other.pop(place)
    named = (("this run", ", ".join(one)), ("the other run", ", ".join(other)))
    this, that = (said if 0 < len(said) <= LONGEST else general for general, said in named)
    return this, that


def bars(named: Mapping[str, RunSummary], keys: list[str]) -> pd.DataFrame:
    """Return rows for `figures.metric_bars`: before tuning, then each run, by measure."""
    rows: list[tuple[str, str, float | None, float | None, float | None]] = []
    for key in keys:
        label, entries = metric_names.full_label(key), [one.metrics[key] for one in named.values()]
        bases = {entry["before"] for entry in entries if entry.get("before") is not None}
        if len(bases) == 1:
            rows.append(("before tuning", label, bases.pop(), np.nan, np.nan))
        for name, entry in zip(named, entries, strict=True):
            rows.append((name, label, entry["value"], entry.get("low"), entry.get("high")))
    return pd.DataFrame(rows, columns=["run", "metric", "value", "low", "high"]).astype(
        {"value": float, "low": float, "high": float}
    )


def table(first: RunSummary, second: RunSummary, keys: list[str]) -> pd.DataFrame:
    """Return a row per measure: both values with their intervals, and the difference."""
    rows = []
    for key in keys:
        one, other = first.metrics[key], second.metrics[key]
        rows.append(
            {
                "measure": metric_names.full_label(key),
                "first": one["value"],
                "first interval": _interval(one),
                "second": other["value"],
                "second interval": _interval(other),
                "difference": other["value"] - one["value"],
                "n": one.get("n") if one.get("n") == other.get("n") else None,
            }
        )
    return pd.DataFrame(rows).astype({"n": "Int64"})


def _interval(entry: Mapping[str, object]) -> str:
    low, high = entry.get("low"), entry.get("high")
    return f"{low:.3f} to {high:.3f}" if isinstance(low, float) and isinstance(high, float) else ""


def paired_inversions(first: Run, second: Run) -> tuple[Estimate, float, float] | None:
    """Return the change in how often an opposite is nearer, second minus first, and both shares; or None.

    It is taken over the triples that both runs measured, each with itself; words are resampled, all triples
    of a word together.
    """
    if first.triples is None or second.triples is None:
        return None
    names = ["word", "synonym", "antonym"]
    both = first.triples.merge(second.triples, on=names, suffixes=("_a", "_b"))
    if len(both) < 2:
        return None
    wrong = [
        (both[f"antonym_100_{side}"] >= both[f"synonym_100_{side}"]).to_numpy(float) for side in ("a", "b")
    ]
    words = [tuple(row) for row in both[names].itertuples(index=False)]
    change = mean_over_words(wrong[1] - wrong[0], words)
    return change, float(wrong[0].mean()), float(wrong[1].mean())


def paired_sentence(measured: tuple[Estimate, float, float], names: tuple[str, str]) -> str:
    """Return what a paired comparison says, Markdown."""
    change, first, second = measured
    low, high = change.low, change.high
    clear = "" if low is None or high is None or not low <= 0 <= high else ", so no difference is shown"
    within = (
        ""
        if low is None or high is None
        else f" (95 % interval {100 * low:+.0f} to {100 * high:+.0f}{clear})"
    )
    return (
        f"The opposite is nearer than the synonym in **{first:.0%}** after {names[0]}, and in "
        f"**{second:.0%}** after {names[1]}.  \nOn the same {change.n} triples that is "
        f"{100 * change.value:+.0f} points{within}."
    )
