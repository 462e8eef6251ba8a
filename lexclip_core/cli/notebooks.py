"""Commands about notebooks: list them, run them with a profile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lexclip_core.cli.application import Json, application, emit, example, table

if TYPE_CHECKING:
    from lexclip_core.notebook_runner import Profile

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
def run(
    *,
    profile: Annotated[str, typer.Option(help="smoke, embedded or paper.")] = "embedded",
    only: Annotated[
        list[str] | None, typer.Option(help="A notebook, by name or number; may be repeated [all].")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the executed copies [build/notebooks/PROFILE].")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run notebooks with a profile's parameters.

    The committed notebooks stay as they are; executed copies go to the output folder.
    """
    from lexclip_core.notebook_runner import run_notebooks

    # the library names the valid profiles
    outcomes = run_notebooks(cast("Profile", profile), only=only or (), output=output)
    if as_json:
        emit(
            [
                {
                    "file": one.file,
                    "copy": str(one.copy),
                    "seconds": one.seconds,
                    "metrics": dict(one.metrics),
                }
                for one in outcomes
            ]
        )
        return
    table(("notebook", "seconds", "copy"), [(one.file, f"{one.seconds:.0f}", one.copy) for one in outcomes])
