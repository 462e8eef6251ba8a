"""What the losses of `lexclip` do to word vectors: the method on a second real encoder.

`python -m tools.word_vector_tuning FOLDER` tunes GloVe in the two ways of docs/models.md, and in one of them
with shuffled targets, measures each on held-out families and on FOLDER/wordsim, and writes
`data/scale/word_vectors.csv`, of which `make tables` makes the page's table. No run is kept.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from lexclip_core import storage
from lexclip_core.experiments import pipeline
from lexclip_core.experiments.run_folder import COMPARED, RunSummary, number_format, summarise
from lexclip_core.training.settings import settings_of
from tools.markdown import table
from tools.tuning_tables import AUC

TOWER = "glove-6b-50d"
COLUMNS = ("trained", "run", "metric", "before", "value", "low", "high")
_MAPPED = MappingProxyType({"trainable": "lora:512", "lr": 0.003, "alpha": 1.0})
TRAININGS: Mapping[str, tuple[str, Mapping[str, object]]] = MappingProxyType(
    {
        "a hidden layer": ("lexclip", _MAPPED),
        "a hidden layer, shuffled targets": ("lexclip-shuffled", _MAPPED),
        "the rows": ("lexclip", MappingProxyType({"trainable": "all", "lr": 0.02, "alpha": 1.0})),
    }
)
"""What is trained, as the page calls it -> preset and settings."""


def measured(trained: str, summary: RunSummary) -> list[tuple[object, ...]]:
    """Return what a run measured, a row of `COLUMNS` per metric of `run_folder.COMPARED`."""
    metrics = {metric: summary.metrics[metric] for metric in COMPARED if metric in summary.metrics}
    ends = ("before", "value", "low", "high")
    return [
        (trained, summary.run_id, metric, *(one.get(end) for end in ends)) for metric, one in metrics.items()
    ]


def page_table(results: pd.DataFrame) -> str:
    """Return the table of the page, a column per training with 95 % intervals, and its sentence.

    Args:
        results: Columns `COLUMNS`.
    """
    trainings, rows = list(dict.fromkeys(results["trained"])), []
    for metric, part in results.groupby("metric", sort=False):
        shown, by = number_format(str(metric)), part.set_index("trained")
        before = by["before"].dropna()
        start = f"{before.iloc[0]:{shown}}" if len(before) else ""
        ends = [[f"{one:{shown}}" for one in by.loc[name, ["value", "low", "high"]]] for name in trainings]
        cells = [f"{value} ({low} to {high})" for value, low, high in ends]
        rows.append([COMPARED[str(metric)], start, *cells])
    auc = results[results["metric"] == AUC].set_index("trained")
    changes = (f"{one.value - one.before:+.3f} ({one.Index})" for one in auc.itertuples())
    said = f"\nThe AUC of all senses changes by {', '.join(changes)}.\n"
    return table(["measure", f"`{TOWER}`", *trainings], rows) + said


def main() -> None:
    """Train, measure and write the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.word_vector_tuning", description=__doc__)
    parser.add_argument("test_sets", type=Path, help="folder with wordsim/, as `lexclip tune --test-sets`")
    test_sets = parser.parse_args().test_sets
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        for trained, (preset, changes) in TRAININGS.items():
            settings = settings_of(preset, {"tower": TOWER, **changes})
            rows += measured(trained, summarise(pipeline.tune(settings, Path(folder), test_sets=test_sets)))
    with storage.atomic_write(storage.data_folder() / "scale" / "word_vectors.csv") as partial:
        pd.DataFrame(rows, columns=[*COLUMNS]).to_csv(partial, index=False, float_format="%.5g")


if __name__ == "__main__":
    main()
