"""Run as `python -m tools.image_tower build|measure|growth`: train the emoji image tower, or measure one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, emit, example, run, table
from lexclip_core.errors import InputError
from lexclip_core.towers import loading
from tools.image_tower import build as building
from tools.image_tower import growth as growing
from tools.image_tower.recipe import recipe_of

application = typer.Typer(
    help="Train the emoji image tower, or measure one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@application.command(epilog=example("python -m tools.image_tower build --folder build/image_tower"))
def build(
    *,
    folder: Annotated[
        Path | None, typer.Option(help="Where the tower goes [data/image_towers/emoji].")
    ] = None,
    epochs: Annotated[str, typer.Option(help="Passes over all drawings, without and with scenes.")] = "80,24",
    style: Annotated[list[str] | None, typer.Option(help="A style to train on; repeat for several.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train the image tower against the locked text tower; resumes after a kill.

    Fetches drawings of further styles with npm. About an hour on two cores.
    """
    recipe = recipe_of(_counts(epochs), seed=seed)
    place = folder or building.image_tower_folder()
    building.build_image_tower(place, recipe, styles=style, device=device)
    typer.echo(f"wrote {place}")
    _show(_rows(place))


@application.command(epilog=example("python -m tools.image_tower measure --json"))
def measure(
    *,
    folder: Annotated[Path | None, typer.Option(help="The tower [data/image_towers/emoji].")] = None,
    as_json: Json = False,
) -> None:
    """Measure how well a tower names drawings of the style it never saw."""
    rows = _rows(folder or building.image_tower_folder())
    emit(rows) if as_json else _show(rows)


@application.command(epilog=example("python -m tools.image_tower growth --steps 700"))
def growth(
    *,
    steps: Annotated[int, typer.Option(help="Updates of each short training.", min=1)] = 700,
    snapshots: Annotated[Path | None, typer.Option(help="Weights saved during a build.")] = None,
    out: Annotated[Path | None, typer.Option(help="The table [data/image_towers/growth.csv].")] = None,
) -> None:
    """Measure how accuracy grows with epochs, styles and augmentation: three short trainings."""
    text = loading.load(building.TEXT_TOWER)
    tables = [growing.over_variants(steps, text)]
    if snapshots:
        tables.append(growing.over_steps(snapshots, text))
    path = out or storage.data_folder() / "image_towers" / "growth.csv"
    with storage.atomic_write(path) as partial:
        pd.concat(tables).round(4).to_csv(partial, index=False, lineterminator="\n")
    typer.echo(f"wrote {path}")


def _counts(epochs: str) -> list[int]:
    parts = [part.strip() for part in epochs.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise InputError(
            f"epochs is {epochs!r}", "give whole numbers with commas between them, such as 80,24"
        )
    return [int(part) for part in parts]


def _rows(folder: Path) -> list[dict[str, Any]]:
    return building.measure(folder, loading.load(building.TEXT_TOWER))


def _show(rows: list[dict[str, Any]]) -> None:
    columns = ("classes", "names", "count", "k", "value", "low", "high", "n")
    table(columns, [[row[column] for column in columns] for row in rows])


if __name__ == "__main__":
    run(application, "python -m tools.image_tower")
