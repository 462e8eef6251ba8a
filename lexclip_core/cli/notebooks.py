"""Commands about notebooks: list them, run them with a profile."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from lexclip_core.cli.application import Json, application, emit, example, table
from lexclip_core.errors import InputError

if TYPE_CHECKING:
    from lexclip_core.notebook_runner import Outcome, Profile

notebooks = typer.Typer(help="List or run notebooks.", no_args_is_help=True, rich_markup_mode=None)
application.add_typer(notebooks, name="notebooks")


@notebooks.command("list", epilog=example("lexclip notebooks list"))
def list_command(*, as_json: Json = False) -> None:
    """List the notebooks in reading order."""
    from lexclip_core.notebook_runner import PROFILES, read_experiments

    entries = read_experiments()
    if as_json:
        emit(
            [
                {
                    "file": one.file,
                    "question": one.question,
                    "claims": one.claims,
                    "minutes": dict(one.minutes),
                }
                for one in entries
            ]
        )
        return
    rows = [(one.file, *(f"{one.minutes[name]:g}" for name in PROFILES), one.question) for one in entries]
    table(("notebook", *(f"{name}, min" for name in PROFILES), "question"), rows)


@notebooks.command(epilog=example("lexclip notebooks run --profile smoke --only 00"))
def run(  # noqa: PLR0913 - one option each
    *,
    profile: Annotated[str, typer.Option(help="smoke, embedded or paper.")] = "embedded",
    only: Annotated[
        list[str] | None, typer.Option(help="A notebook, by name or number; may be repeated [all].")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the executed copies [build/notebooks/PROFILE].")
    ] = None,
    paths: Annotated[
        Path | None,
        typer.Option(help="Where weights and data sets lie, for paper: see notebooks/paths.example.toml."),
    ] = None,
    jobs: Annotated[int, typer.Option(help="Notebooks at a time; 0 is one a core.")] = 0,
    again: Annotated[bool, typer.Option("--again", help="Also run what is unchanged.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=VALUE in every notebook that has the parameter; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run notebooks with a profile's parameters, several at a time, and write a book of them.

    The committed notebooks stay as they are; executed copies and the book, index.html, go to the output
    folder. A copy made from the same notebook, parameters and code is not made again. After a failure the
    others go on; the command ends with status 1.
    """
    from lexclip_core.notebook_runner import NotebooksFailed, Settings, run_notebooks

    how = Settings(jobs=jobs, again=again, paths=paths, overrides=dict(map(_override, settings or ())))
    try:
        # the library names the valid profiles
        _show(run_notebooks(cast("Profile", profile), only=only or (), output=output, settings=how), as_json)
    except NotebooksFailed as error:
        _show(error.outcomes, as_json)
        raise


def _override(text: str) -> tuple[str, Any]:
    """Return a parameter's name and value; a value that is not TOML is a text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise InputError(
            f"--set {text!r} is no NAME=VALUE", "write it as in --set steps=2 or --set 'sizes=[3]'"
        )
    try:
        return name.strip(), tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), value


def _show(outcomes: Sequence[Outcome], as_json: bool) -> None:  # noqa: FBT001 - the option itself
    if as_json:
        emit(
            [
                {
                    "file": one.file,
                    "copy": str(one.copy),
                    "seconds": one.seconds,
                    "kept": one.kept,
                    "metrics": dict(one.metrics),
                }
                for one in outcomes
            ]
        )
    elif outcomes:
        rows = [(one.file, f"{one.seconds:.0f}", "yes" if one.kept else "", one.copy) for one in outcomes]
        table(("notebook", "seconds", "unchanged", "copy"), rows)
