"""Commands about run folders: list, show, validate, complete, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lexclip_core import storage
from lexclip_core.cli.application import (
    Json,
    application,
    emit,
    example,
    group,
    in_words,
    metric_table,
    table,
)
from lexclip_core.errors import DamagedFileError, InputError

if TYPE_CHECKING:
    from lexclip_core.experiments.run_folder import RunSummary

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
    from lexclip_core.experiments.run_folder import find_run, summarise

    summary = summarise(find_run(run_id, folder))
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
    typer.echo(tensors_line(summary))


def tensors_line(summary: RunSummary) -> str:
    """Return where a run's tuned tensors are and how large they are, or how to make them."""
    from lexclip_core.experiments.run_folder import rebuild_command

    if summary.tuned_path is None:
        return f"tuned tensors: not on this machine; {rebuild_command(summary)}"
    return f"tuned tensors: {summary.tuned_path} ({in_words(summary.tuned_path.stat().st_size)})"


@application.command(epilog=example("lexclip export lexclip build/tuned-minilm"))
def export(
    run_id: RunId,
    out: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that is not there yet.", show_default=False)
    ],
    *,
    alpha: Annotated[
        float, typer.Option(min=0, max=2, help="From the base (0) to the run (1), and beyond it.")
    ] = 1.0,
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """Write a run's tuned tower as a model folder that other libraries load.

    With its image half, tokenizer and a model card: a CLIP for open_clip, and for transformers where it came
    from there; a sentence encoder for sentence-transformers.
    """
    from lexclip_core.experiments.export import export_run
    from lexclip_core.experiments.run_folder import find_run, summarise

    made = export_run(summarise(find_run(run_id, folder)), out, alpha=alpha)
    if as_json:
        emit({"folder": str(made.folder), "libraries": list(made.libraries), "bytes": made.bytes})
        return
    typer.echo(
        f"{made.folder} ({in_words(made.bytes)}), for {' and '.join(made.libraries)}: see its README.md"
    )


@runs.command("compare", epilog=example("lexclip runs compare --folder data/runs"))
def compare(
    *,
    folder: Folder = None,
    preset: Annotated[list[str] | None, typer.Option(help="A column; may be repeated [all].")] = None,
) -> None:
    """Print the runs of a folder side by side, as a Markdown table."""
    from lexclip_core.experiments.run_folder import comparison, list_runs

    summaries, _ = list_runs(folder or storage.runs_folder())
    if not summaries:
        raise InputError(f"no runs in {folder or storage.runs_folder()}", "make one: lexclip tune --help")
    typer.echo(comparison(summaries, tuple(preset or ())), nl=False)


@runs.command("alphas", epilog=example("lexclip runs alphas RUN --alpha 1 --alpha 1.5 --test-sets DATA"))
def alphas(
    run_ids: Annotated[list[str], typer.Argument(metavar="RUN...", help="Names or folders of runs.")],
    *,
    folder: Folder = None,
    alpha: Annotated[
        list[float] | None, typer.Option(min=0, max=2, help="May be repeated [0.6, 0.8, 1, 1.2].")
    ] = None,
    test_sets: Annotated[
        Path | None, typer.Option(help="Folder with wordsim/, sts/, sugarcrepe_pp/, measured as well.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The table [data/scale/alphas.csv].")] = None,
) -> None:
    """Measure runs on words with their weights at other alphas, and write the table.

    Nothing is trained. Gain and cost of one training, from its base to twice as far. Rows of other runs that
    the table has stay in it.
    """
    import pandas as pd

    from lexclip_core.experiments.run_folder import find_run
    from lexclip_core.experiments.sweeps import sweep_alphas

    chosen = alpha or [0.6, 0.8, 1.0, 1.2]
    paths = [find_run(run_id, folder) for run_id in run_ids]
    table = pd.concat([sweep_alphas(path, chosen, test_sets=test_sets) for path in paths])
    path = out or storage.data_folder() / "scale" / "alphas.csv"
    if path.is_file():
        known = pd.read_csv(path)
        table = pd.concat([known[~known["run"].isin(table["run"])], table])
    with storage.atomic_write(path) as partial:
        table.to_csv(partial, index=False, float_format="%.5g")
    typer.echo(f"{len(table)} rows in {path}")


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


@runs.command("complete", epilog=example("lexclip runs complete RUN --vectors --atlas"))
def complete(
    run_id: RunId,
    *,
    folder: Folder = None,
    vectors: Annotated[bool, typer.Option(help="Store the vectors of 12,000 words too, about 3 MB.")] = False,
    atlas: Annotated[bool, typer.Option(help="Store a map of all of WordNet too, 1 MB, in minutes.")] = False,
) -> None:
    """Add to a run what the explorer shows at once.

    Made from its tuned tensors: triples at five weights between the base tower and the tuned one.
    """
    from lexclip_core.experiments.explorer_data import atlas_words, complete_run, wide_words
    from lexclip_core.experiments.run_folder import find_run, summarise
    from lexclip_core.towers.loading import load
    from lexclip_core.training.settings import DEFAULT_TOWER

    path = find_run(run_id, folder)
    base = load(str(summarise(path).config.get("tower") or DEFAULT_TOWER), device="cpu")
    complete_run(path, base, vectors=wide_words() if vectors else (), atlas=atlas_words() if atlas else ())
    typer.echo(f"completed {path}")
