"""What docs/tuning.md says of the runs on words: weights at other alphas, paired changes, aims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan, nan
from statistics import mean
from typing import Any, Literal, NamedTuple

import pandas as pd

from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.experiments.run_folder import RunSummary, number_format
from lexclip_core.training.settings import PRESETS
from tools.markdown import interval, table

AUC, DOMINANT = "test/synonym_over_antonym_auc", "test/synonym_over_antonym_auc/dominant"
SYNONYM, ANTONYM = "test/synonym/median_rank", "test/antonym/median_rank"
SIMLEX, MEN = "heldout/simlex-999/spearman", "heldout/men/spearman"
RELATEDNESS = "heldout/wordsim-353-relatedness/spearman"
RETAINED = "retention/test/neighbour_overlap@10"

BY_ALPHA: Mapping[str, str] = {
    "AUC, all senses": AUC,
    "dominant": DOMINANT,
    "rank of a synonym": SYNONYM,
    "rank of an antonym": ANTONYM,
    "SimLex-999": SIMLEX,
    "WordSim relatedness": RELATEDNESS,
    "STS-B": "test/sts-b/spearman",
    "neighbours retained": RETAINED,
}
"""Column of the tables of alphas -> metric on test words; test sets have no column for development words."""


class Aim(NamedTuple):
    """What one tuned tower should reach: a bound at least, at most, or lost from the base at most."""

    label: str
    metric: str
    kind: Literal["least", "most", "lost"]
    bound: float

    def said(self) -> str:
        """Return the aim in words."""
        if self.kind == "lost":
            lost = f"down by more than {self.bound}" if self.bound else "below the base"
            return f"{self.label} not {lost}"
        return f"{self.label} of at {self.kind} {self.bound:,}"

    def reached(self, before: float, after: float) -> bool:
        """Return whether a value after tuning is what was aimed at."""
        if self.kind == "lost":
            return before - after <= self.bound
        return after >= self.bound if self.kind == "least" else after <= self.bound


AIMS = (
    Aim("AUC of dominant senses", DOMINANT, "least", 0.88),
    Aim("AUC of all senses", AUC, "least", 0.78),
    Aim("median rank of a synonym", SYNONYM, "most", 220),
    Aim("median rank of an antonym", ANTONYM, "least", 2_500),
    Aim("SimLex-999", SIMLEX, "least", 0.66),
    Aim("MEN", MEN, "lost", 0.02),
    Aim("RG-65", "heldout/rg-65/spearman", "lost", 0.02),
    Aim("WordSim-353 similarity", "heldout/wordsim-353-similarity/spearman", "lost", 0.02),
    Aim("WordSim-353 relatedness", RELATEDNESS, "lost", 0.04),
    Aim("STS-B", "test/sts-b/spearman", "lost", 0.01),
    Aim("SugarCrepe++ attributes, text only,", "outside/sugarcrepe-pp-tot/replace_att/accuracy", "lost", 0.0),
    Aim("neighbours retained", RETAINED, "least", 0.55),
)


def alphas_table(measured: pd.DataFrame, split: str, runs: Sequence[RunSummary]) -> str:
    """Return a Markdown table of weights at other alphas, the one that a preset takes in bold.

    Args:
        measured: What `lexclip runs alphas` wrote. Where `runs` has runs of a preset, those count.
        split: test or dev.
        runs: The runs that ship.
    """
    columns = {
        head: metric.replace("test", split)
        for head, metric in BY_ALPHA.items()
        if split == "test" or metric in (AUC, DOMINANT, SYNONYM, ANTONYM, RETAINED)
    }
    ours = measured["run"].isin([one.run_id for one in runs])
    measured = measured[ours | ~measured["preset"].isin(measured["preset"][ours])]
    base = measured.drop_duplicates("metric").set_index("metric")["before"].fillna(1)  # all neighbours
    rows = [["base", "", *(_shown(metric, base[metric]) for metric in columns.values())]]
    for (preset, alpha), part in measured.groupby(["preset", "alpha"]):
        values = part.set_index("metric")["value"]
        bold = "**" if alpha == PRESETS[str(preset)].alpha else ""
        cells = [_shown(metric, values[metric]) for metric in columns.values()]
        rows.append([f"`{preset}`", f"{bold}{alpha:g}{bold}", *cells])
    said = table(["run", "alpha", *columns], rows)
    gone = measured[~measured["run"].isin([one.run_id for one in runs])]
    for preset, run in gone[["preset", "run"]].drop_duplicates().itertuples(index=False):
        said += f"\nThe rows of `{preset}` were measured on the run {run}, which does not ship.\n"
    return said


def changes_table(runs: Sequence[RunSummary]) -> str:
    """Return a Markdown table of what each run changes of the AUC, paired."""
    rows = []
    for run in sorted(runs, key=lambda one: (one.preset != "lexclip", one.preset, one.config.get("seed"))):
        if "change" in run.metrics.get(AUC, {}):
            cells = [interval(_change(run.metrics[metric]), "+") for metric in (AUC, DOMINANT)]
            rows.append([f"`{run.preset}`", run.config["seed"], *cells])
    return table(["run", "seed", "AUC, all senses", "dominant"], rows)


def readings(runs: Sequence[RunSummary]) -> str:
    """Return how the table of runs is read: its main rows as sentences."""

    def moved(metric: str) -> str:
        before, after = before_after(runs, metric)
        return f"{_shown(metric, before)} to {_shown(metric, after)}"

    constant = [f"{before_after(runs, metric, 'lexclip-constant')[1]:.3f}" for metric in (SIMLEX, MEN)]
    said = (
        f"Opposites leave the neighbourhood (median rank {moved(ANTONYM)} among 12,000 words). Synonyms come "
        f"little nearer in rank ({moved(SYNONYM)}): what is repaired is that the opposite was there, not "
        f"that the synonym was not.",
        f"Similarity of words gains (SimLex-999 {moved(SIMLEX)}, MEN {moved(MEN)}), and part of it needs no "
        f"values: `lexclip-constant`, which knows who is opposite but has one target for all, reaches "
        f"{constant[0]} and {constant[1]}.",
        f"Relatedness pays (WordSim-353 {moved(RELATEDNESS)}). What sentences that differ in one attribute "
        f"pay depends on the attribute ([below](#what-sentences-with-another-attribute-pay)).",
    )
    return "".join(f"- {one}\n" for one in said)


def aims_table(runs: Sequence[RunSummary]) -> str:
    """Return a Markdown table of what was aimed at, and what the mean of the runs of `lexclip` reaches."""
    rows = []
    for aim in AIMS:
        before, after = before_after(runs, aim.metric)
        numbers = [_shown(aim.metric, one) for one in (before, after) if not isnan(one)]
        reached = "yes" if aim.reached(before, after) else "no"
        rows.append([aim.said(), reached, " to ".join(numbers)])
    seeds = sum(one.preset == "lexclip" for one in runs)
    return table(["aim", "reached", f"before to after, mean of {seeds} seeds"], rows)


def before_after(runs: Sequence[RunSummary], metric: str, preset: str = "lexclip") -> tuple[float, float]:
    """Return a measure of the base, NaN where it has none, and its mean over the runs of a preset."""
    entries = [one.metrics[metric] for one in runs if one.preset == preset]
    return entries[0].get("before", nan), mean(entry["value"] for entry in entries)


def _change(entry: Mapping[str, Any]) -> Estimate:
    return Estimate(entry["change"], entry["change_low"], entry["change_high"])


def _shown(metric: str, value: float) -> str:
    return f"{value:{number_format(metric)}}"
