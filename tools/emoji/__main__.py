"""Run as `python -m tools.emoji build`: make `data/emoji` again from the pinned packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, emit, example, run, table
from tools.emoji.build import build_emoji

application = typer.Typer(
    help="Make the emoji pictures and their names from published packages.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@application.callback()
def _commands() -> None:
    """Make the emoji pictures and their names from published packages."""


@application.command(epilog=example("python -m tools.emoji build --folder build/emoji"))
def build(
    *,
    folder: Annotated[Path | None, typer.Option(help="Where the files go [data/emoji].")] = None,
    packages: Annotated[Path | None, typer.Option(help="Where packages lie [in LEXCLIP_CACHE].")] = None,
    as_json: Json = False,
) -> None:
    """Make the pictures and their names from the pinned packages.

    Fetches with npm and apt-get what is not there yet.
    """
    place = folder or storage.data_folder() / "emoji"
    left_out = build_emoji(place, packages)
    if as_json:
        emit({"folder": str(place), "left_out": dict(left_out)})
        return
    typer.echo(f"wrote {place}; left out:")
    table(("reason", "emoji"), sorted(left_out.items()))


if __name__ == "__main__":
    run(application, "python -m tools.emoji")
