"""The commands that train on paraphrases, and that sweep over the terms of the loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, metric_table
from lexclip_core.cli.settings import flat_values
from lexclip_core.config import PARACLIP_PRESETS, ParaclipExperiment

if TYPE_CHECKING:
    import pandas as pd

    from lexclip_core.paraclip.sweeps import Sweep

CHOICES = (*PARACLIP_PRESETS, ParaclipExperiment.preset)  # the last one starts from the bare defaults

paraclip = typer.Typer(help="Train on paraphrases.", no_args_is_help=True, rich_markup_mode=None)
application.add_typer(paraclip, name="paraclip")

Preset = Annotated[str, typer.Option(help=f"One of: {', '.join(CHOICES)}.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Change a setting: name=value; may be repeated.")
]
TestSets = Annotated[Path | None, typer.Option(help="Folder with sts/ and sugarcrepe_pp/, measured as well.")]


@paraclip.command(epilog=example("lexclip paraclip tune --preset paraclip-emoji --seed 1"))
def tune(
    *,
    preset: Preset = "paraclip-emoji",
    settings: Settings = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of run folders [LEXCLIP_RUNS, else data/runs].")
    ] = None,
    test_sets: TestSets = None,
    as_json: Json = False,
) -> None:
    """Train a text tower on captions and paraphrases of emoji, and write a run folder.

    Prints the metrics after and before. Killed, it goes on from its last checkpoint when called
    again with the same settings. The explorer shows the run at its next page load.
    """
    experiment = experiment_of(preset, settings or [], seed)
    from lexclip_core.paraclip import tune as run
    from lexclip_core.runs import summarise

    path = run(experiment, out or storage.runs_folder(), test_sets=test_sets)
    summary = summarise(path)
    if as_json:
        metrics = {name: dict(metric) for name, metric in summary.metrics.items()}
        emit({"run_id": summary.run_id, "path": str(path), "metrics": metrics})
        return
    metric_table(summary.metrics)
    typer.echo(f"\nrun folder: {path}")


@paraclip.command(epilog=example("lexclip paraclip sweep table2 --seeds 3"))
def sweep(
    *,
    what: Annotated[Literal["table2", "tradeoffs", "ablation"], typer.Argument(help="Which table to make.")],
    settings: Settings = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from 0 on.")] = 3,
    scenes: Annotated[int, typer.Option(min=2, help="Test scenes.")] = 300,
    test_sets: TestSets = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the table [data/paraclip].")] = None,
) -> None:
    """Train every row of Table 2, or settings of weights and alpha, or of other choices, into one table.

    Killed, it goes on where it stopped.
    """
    experiment = experiment_of("paraclip-emoji", settings or [], None)
    from lexclip_core.paraclip import emoji_sweep

    made = emoji_sweep(experiment, count=scenes, folder=test_sets)
    table = _SWEEPS[what](made, tuple(range(seeds)))
    path = (out or storage.data_folder() / "paraclip") / f"{what}.csv"
    with storage.atomic_write(path) as partial:
        table.to_csv(partial, index=False, float_format="%.5f")
    typer.echo(f"{len(table)} rows in {path}")


def _table2(made: Sweep, seeds: tuple[int, ...]) -> pd.DataFrame:
    from lexclip_core.paraclip import sweep_table2

    return sweep_table2(made, seeds)


def _trade_offs(made: Sweep, seeds: tuple[int, ...]) -> pd.DataFrame:
    from lexclip_core.paraclip import sweep_trade_offs

    return sweep_trade_offs(made, seeds)


def _ablation(made: Sweep, seeds: tuple[int, ...]) -> pd.DataFrame:
    from lexclip_core.paraclip import sweep_ablation

    return sweep_ablation(made, seeds)


_SWEEPS: dict[str, Callable[..., Any]] = {
    "table2": _table2,
    "tradeoffs": _trade_offs,
    "ablation": _ablation,
}


def experiment_of(preset: str, settings: list[str], seed: int | None) -> ParaclipExperiment:
    """Return the experiment of a preset with settings changed.

    Raises:
        InputError: An unknown preset or setting, or a value of the wrong type.
    """
    experiment = ParaclipExperiment.from_flat(flat_values(ParaclipExperiment(), CHOICES, preset, settings))
    return experiment if seed is None else replace(experiment, seed=seed)
