"""The command that tunes a tower by a preset and writes a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, metric_table
from lexclip_core.cli.settings import flat_values
from lexclip_core.config import PRESETS, Experiment

CHOICES = (*PRESETS, Experiment.preset)  # the last one starts from the bare defaults


@application.command(epilog=example("lexclip tune --preset blog-first-defaults --set tower=tiny-random"))
def tune(
    *,
    preset: Annotated[str, typer.Option(help=f"One of: {', '.join(CHOICES)}.")] = "lexclip",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting: name=value; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of run folders [LEXCLIP_RUNS, else data/runs].")
    ] = None,
    test_sets: Annotated[
        Path | None, typer.Option(help="Folder with wordsim/ and sts/, measured as well.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tune a tower and write a run folder.

    Prints the metrics after and before. Killed, it goes on from its last checkpoint when called
    again with the same settings. The explorer shows the run at its next page load. Under torchrun all
    processes train: torchrun --nproc-per-node 2 -m lexclip_core.cli tune ...
    """
    experiment = experiment_of(preset, settings or [])
    from lexclip_core.runs import summarise
    from lexclip_core.training import is_writer
    from lexclip_core.tuning import tune as run

    path = run(experiment, out or storage.runs_folder(), test_sets=test_sets)
    if not is_writer():  # torchrun started several of us
        return
    summary = summarise(path)
    if as_json:
        emit(
            {
                "run_id": summary.run_id,
                "path": str(path),
                "metrics": {n: dict(m) for n, m in summary.metrics.items()},
            }
        )
        return
    metric_table(summary.metrics)
    typer.echo(f"\nrun folder: {path}")


def experiment_of(preset: str, settings: list[str]) -> Experiment:
    """Return the experiment of a preset with settings changed.

    Raises:
        InputError: An unknown preset or setting, or a value of the wrong type.
    """
    return Experiment.from_flat(flat_values(Experiment(), CHOICES, preset, settings))
