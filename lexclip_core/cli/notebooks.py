"""Commands about notebooks: list them, copy them, run them with a profile."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from lexclip_core.cli.application import Json, emit, example, group, table
from lexclip_core.errors import InputError

if TYPE_CHECKING:
    from tools.notebook_runner.catalogue import Profile
    from tools.notebook_runner.execution import Outcome

notebooks = group("notebooks", "List, copy or run notebooks.")

Folder = Annotated[
    Path | None,
    typer.Option(help="Folder of the notebooks, as copied [the project's own].", show_default=False),
]


@notebooks.command("list", epilog=example("lexclip notebooks list"))
def list_command(*, folder: Folder = None, as_json: Json = False) -> None:
    """List the notebooks in reading order."""
    from tools.notebook_runner.catalogue import PROFILES, read_catalogue

    entries = read_catalogue(folder)
    if as_json:
        emit([entry.model_dump(include={"file", "question", "claims", "minutes"}) for entry in entries])
        return
    rows = [(one.file, *(f"{one.minutes[name]:g}" for name in PROFILES), one.question) for one in entries]
    table(("notebook", *(f"{name}, min" for name in PROFILES), "question"), rows)


@notebooks.command(epilog=example("lexclip notebooks copy my_notebooks"))
def copy(folder: Annotated[Path, typer.Argument(help="Where the copies go.", metavar="DIR")]) -> None:
    """Copy the notebooks, with their parameters and what they need, into a folder of your own.

    The copies run from anywhere, in JupyterLab, with papermill, or with `lexclip notebooks run --folder DIR`.
    A file of the folder that differs is never replaced.
    """
    from tools.notebook_runner.catalogue import copy_notebooks

    copies = copy_notebooks(folder)
    typer.echo(f"{len(copies)} files in {folder}; open them: jupyter lab {folder}")


@notebooks.command(epilog=example("lexclip notebooks run --profile smoke --only 00"))
def run(  # noqa: PLR0913 - one option each
    *,
    profile: Annotated[str, typer.Option(help="smoke, embedded or paper.")] = "embedded",
    only: Annotated[
        list[str] | None, typer.Option(help="A notebook, by name or number; may be repeated [all].")
    ] = None,
    folder: Folder = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the executed notebooks [build/notebooks/PROFILE, or FOLDER/executed/PROFILE]."
        ),
    ] = None,
    paths: Annotated[
        Path | None,
        typer.Option(help="Where weights and data sets are, for paper: see notebooks/paths.example.toml."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Notebooks at a time; 0 is one per core.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Also run what is unchanged.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE in every notebook that has the parameter; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run notebooks with a profile's parameters, several at a time, and write a book of them.

    The notebooks stay as they are; executed notebooks and the book, index.html, go to the output folder. One
    made from the same notebook, parameters and code is not made again. After a failure the others go on; the
    command ends with status 1.
    """
    from tools.notebook_runner.running import NotebooksFailed, RunOptions, run_notebooks

    options = RunOptions(jobs=jobs, again=again, paths=paths, overrides=dict(map(_override, settings or ())))
    try:
        # the library names the valid profiles
        outcomes = run_notebooks(
            cast("Profile", profile), only=only or (), folder=folder, output=output, options=options
        )
        _show(outcomes, as_json=as_json)
    except NotebooksFailed as error:
        _show([*error.results.done.values()], as_json=as_json)
        raise


def _override(text: str) -> tuple[str, Any]:
    """Return a parameter's name and value; a value that is not TOML is a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(
            f"--set {text!r} is not NAME=VALUE", "write it as in --set steps=2 or --set 'sizes=[3]'"
        )
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value


def _show(outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    if as_json:
        records = [
            {"file": one.file, "executed": str(one.executed), "seconds": one.seconds, "cached": one.cached}
            | {"metrics": dict(one.metrics)}
            for one in outcomes
        ]
        emit(records)
    elif outcomes:
        rows = [
            (one.file, f"{one.seconds:.0f}", "yes" if one.cached else "", one.executed) for one in outcomes
        ]
        table(("notebook", "seconds", "unchanged", "executed notebook"), rows)
