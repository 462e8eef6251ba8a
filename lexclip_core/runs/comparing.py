"""Runs side by side, as the README shows them: one row a measure, one column a preset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean

from lexclip_core.runs.reading import RunSummary

COMPARED = {
    "test/synonym_over_antonym_auc": "synonym over antonym, AUC",
    "test/synonym_over_antonym_auc/adjectives": "… adjectives",
    "test/synonym_over_antonym_auc/nouns": "… nouns",
    "test/synonym_over_antonym_auc/verbs": "… verbs",
    "test/inversion_rate/same_synset": "antonym nearer than synonym, rate",
    "heldout/simlex-999/spearman": "SimLex-999, rho",
    "heldout/men/spearman": "MEN, rho",
    "heldout/rg-65/spearman": "RG-65, rho",
    "heldout/wordsim-353-similarity/spearman": "WordSim-353 similarity, rho",
    "heldout/wordsim-353-relatedness/spearman": "WordSim-353 relatedness, rho",
    "test/sts-b/spearman": "STS-B test, rho",
    "retention/test/neighbour_overlap@10": "neighbours kept, of 10",
}
"""Metric -> how a reader calls it, in the order of the table."""


def comparison(summaries: Iterable[RunSummary]) -> str:
    """Return a Markdown table: every measure before tuning and under each preset.

    Runs of one preset that differ in their seed share a column: mean, then lowest to highest; a single run
    shows its 95 % interval. "n/a" stands where a run was not measured so. Runs that were trained on pictures
    are left out: they are measured on other things.
    """
    presets: dict[str, list[RunSummary]] = {}
    for summary in summaries:
        if not summary.config.get("image_tower"):
            presets.setdefault(summary.preset, []).append(summary)
    names = sorted(presets, key=lambda name: (name != "lexclip", name))
    heads = ["measure", "before", *(f"`{name}`" + _seeds(presets[name]) for name in names)]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for key, label in COMPARED.items():
        cells = [_cell(presets[name], key) for name in names]
        if any(cell != "n/a" for cell in cells):
            lines.append(
                _line([label, _before([run for name in names for run in presets[name]], key), *cells])
            )
    return "\n".join(lines) + "\n"


def _seeds(runs: Sequence[RunSummary]) -> str:
    return f", {len(runs)} seeds" if len(runs) > 1 else ""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(runs: Sequence[RunSummary], key: str) -> str:
    found = [run.metrics[key] for run in runs if key in run.metrics]
    if not found:
        return "n/a"
    values = [entry["value"] for entry in found]
    low, high = (min(values), max(values)) if len(found) > 1 else (found[0].get("low"), found[0].get("high"))
    spread = f" ({low:.3f} to {high:.3f})" if low is not None and high is not None else ""
    return f"{mean(values):.3f}{spread}"


def _before(runs: Sequence[RunSummary], key: str) -> str:
    known = [run.metrics[key].get("before") for run in runs if key in run.metrics]
    return next((f"{value:.3f}" for value in known if value is not None), "n/a")
