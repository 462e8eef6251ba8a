"""What was measured, as docs/paraclip.md shows it: Markdown tables from the runs and sweeps in `data`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from types import MappingProxyType

import pandas as pd

from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.experiments.run_folder import RunSummary
from lexclip_core.experiments.sweeps import MEASURED, OUTSIDE
from lexclip_core.papers.measurement import Measurement
from tools.markdown import interval, table

_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "test/paraphrased-synonym/ao@10": "AO@10, synonyms",
        "test/paraphrased-order/ao@10": "AO@10, another order",
        "test/paraphrased-word/ao@10": "AO@10, one word more",
        "test/paraphrased-expansion/ao@10": "AO@10, long expansions",
    }
)
SHOWN: Mapping[str, str] = MappingProxyType(
    {
        **{f"test/{metric}": label for metric, label in MEASURED.items()},
        **_KINDS,
        **{f"outside/{metric}": label for metric, label in OUTSIDE.items()},
    }
)
"""Metric of a run -> how the page calls it, in the order of its table."""


def runs_table(summaries: Sequence[RunSummary], presets: Mapping[str, str]) -> str:
    """Return a Markdown table of runs: every measure before, and after under each preset.

    Runs of one preset show their mean, then lowest to highest; a single run its 95 % interval. A change is
    in points, of the mean.

    Args:
        summaries: Runs trained on paraphrases.
        presets: Preset -> the head of its column.
    """
    groups = {preset: [one for one in summaries if one.preset == preset] for preset in presets}
    heads = ["measure", "before"]
    for preset, title in presets.items():
        heads += [f"{title}{_seeds(groups[preset])}", "change"]
    rows = []
    for metric, label in SHOWN.items():
        known = [one.metrics[metric] for group in groups.values() for one in group if metric in one.metrics]
        if known:
            cells = [cell for group in groups.values() for cell in _cells(group, metric)]
            rows.append([label, f"{known[0]['before']:.3f}", *cells])
    return table(heads, rows)


def items_table(measured: Sequence[Measurement]) -> str:
    """Return a Markdown table of the paired changes that notebook 22 measured, with intervals over items."""
    rows = []
    for one in measured:
        if one.notebook == "22_table1" and one.change:
            value, low, high = (100 * end for end in (one.change.value, *one.change.ends))
            rows.append([one.places[0].column, one.over, interval(Estimate(value, low, high), "+", 1)])
    return table(["column of Table 1", "items", "change, points"], rows)


def sweep_table(sweep: pd.DataFrame, first: str = "row") -> str:
    """Return a Markdown table of a sweep: a row per setting, a column per metric, seeds' means in per cent.

    Where there are several seeds, the largest spread (highest minus lowest) of a column stands below it.

    Args:
        sweep: Columns row, seed, metric and value, as `sweep_table2` gives them.
        first: Head of the first column.
    """
    means = 100 * sweep.pivot_table(index="row", columns="metric", values="value", sort=False)
    metrics = [label for label in (*MEASURED.values(), *OUTSIDE.values()) if label in means.columns]
    rows = [[f"`{row}`", *(f"{means.loc[row, one]:.1f}" for one in metrics)] for row in means.index]
    seeds = sweep[sweep["seed"] >= 0]
    if seeds["seed"].nunique() > 1:
        by_row = 100 * seeds.groupby(["row", "metric"])["value"].agg(
            lambda values: values.max() - values.min()
        )
        widest = by_row.groupby("metric").max()
        rows.append(["widest spread of seeds", *(f"{widest[one]:.1f}" for one in metrics)])
    return table([first, *metrics], rows)


def _seeds(runs: Sequence[RunSummary]) -> str:
    return f", {len(runs)} seeds" if len(runs) > 1 else ""


def _cells(runs: Sequence[RunSummary], metric: str) -> tuple[str, str]:
    entries = [run.metrics[metric] for run in runs if metric in run.metrics]
    if not entries:
        return "n/a", "n/a"
    values, first = [entry["value"] for entry in entries], entries[0]
    low, high = (min(values), max(values)) if len(entries) > 1 else (first["low"], first["high"])
    change = 100 * (mean(values) - first["before"])
    return f"{mean(values):.3f} ({low:.3f} to {high:.3f})", f"{change:+.1f}"
