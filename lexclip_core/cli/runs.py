"""Commands about run folders: list, show, validate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, emit, example, group, metric_table, table
from lexclip_core.errors import DamagedFileError, InputError

runs = group("runs", "Look at run folders.")

Folder = Annotated[Path | None, typer.Option(help="Folder of run folders [LEXCLIP_RUNS, else data/runs].")]
RunId = Annotated[str, typer.Argument(help="Name of a run folder.", show_default=False)]


@runs.command("list", epilog=example("lexclip runs list --folder data/runs"))
def list_command(*, folder: Folder = None, as_json: Json = False) -> None:
    """List the runs of a folder.

    Damaged ones are named with the reason.
    """
    from lexclip_core.experiments.run_folder import list_runs

    place = folder or storage.runs_folder()
    if folder is not None and not folder.is_dir():
        raise InputError(f"{folder} is not a folder", "name a folder that holds run folders")
    summaries, damaged = list_runs(place)
    rows = [(one.run_id, one.preset, one.n_words, one.has_tuned) for one in summaries]
    if as_json:
        good = [dict(zip(("run_id", "preset", "words", "tuned"), row, strict=True)) for row in rows]
        bad = [{"path": str(one.path), "reason": one.reason} for one in damaged]
        emit({"folder": str(place), "runs": good, "damaged": bad})
        return
    if rows:
        shown = [(*row, "yes" if tuned else "no") for *row, tuned in rows]
        table(("run", "preset", "words", "tuned tensors"), shown)
    else:
        typer.echo(f"No runs in {place}; make one: lexclip tune --help")
    for one in damaged:
        typer.echo(f"damaged: {one.reason}", err=True)


@runs.command("show", epilog=example("lexclip runs show RUN --json"))
def show(run_id: RunId, *, folder: Folder = None, as_json: Json = False) -> None:
    """Show one run: settings, metrics, origin."""
    from lexclip_core.experiments.run_folder import summarise

    summary = summarise(_find(run_id, folder))
    if as_json:
        metrics = {name: dict(metric) for name, metric in summary.metrics.items()}
        plain = {"config": dict(summary.config), "metrics": metrics, "provenance": dict(summary.provenance)}
        emit({"run_id": summary.run_id, **plain})
        return
    typer.echo(f"{summary.run_id}: {summary.n_words} words, in {summary.path}\n")
    table(("setting", "value"), sorted(summary.config.items()))
    typer.echo()
    metric_table(summary.metrics)
    if "command" in summary.provenance:
        typer.echo(f"\nmade by: {summary.provenance['command']}")


@runs.command("compare", epilog=example("lexclip runs compare --folder data/runs"))
def compare(*, folder: Folder = None) -> None:
    """Print the runs of a folder side by side, as a Markdown table."""
    from lexclip_core.experiments.run_folder import comparison, list_runs

    summaries, _ = list_runs(folder or storage.runs_folder())
    if not summaries:
        raise InputError(f"no runs in {folder or storage.runs_folder()}", "make one: lexclip tune --help")
    typer.echo(comparison(summaries), nl=False)


@runs.command("validate", epilog=example("lexclip runs validate --folder data/runs"))
def validate(*, folder: Folder = None, as_json: Json = False) -> None:
    """Read every run whole and name the damaged.

    Status 1 if there is one.
    """
    from lexclip_core.experiments.run_folder import list_runs, read_run

    place = folder or storage.runs_folder()
    if not place.is_dir():
        raise InputError(f"{place} is not a folder", "name a folder that holds run folders")
    summaries, found = list_runs(place)
    damaged = {one.path.name: one.reason for one in found}
    for one in summaries:
        try:
            read_run(one.path)
        except DamagedFileError as error:
            damaged[one.run_id] = error.problem
    good = [one.run_id for one in summaries if one.run_id not in damaged]
    if as_json:
        emit({"folder": str(place), "good": good, "damaged": damaged})
    else:
        for run_id in good:
            typer.echo(f"good     {run_id}")
        for reason in damaged.values():
            typer.echo(f"damaged  {reason}")
        typer.echo(f"{len(good)} good, {len(damaged)} damaged in {place}")
    raise typer.Exit(1 if damaged else 0)


def _find(run_id: str, folder: Path | None) -> Path:
    place = folder or storage.runs_folder()
    path = place / run_id
    if not (run_id and Path(run_id).name == run_id and path.is_dir()):
        names = sorted(one.name for one in place.iterdir() if one.is_dir()) if place.is_dir() else []
        raise InputError(f"no run {run_id!r} in {place}", f"choose one of: {', '.join(names) or '(none)'}")
    if not (path / "config.json").is_file():
        raise InputError(f"{path} is not a run: it has no config.json", "name a folder that a training wrote")
    return path
