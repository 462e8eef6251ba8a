"""Commands about the image tower: build it, measure it, show how it grows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lexclip_core.cli.application import Json, application, emit, example, table
from lexclip_core.errors import InputError

image_tower = typer.Typer(
    help="Train the emoji image tower, or measure one.", no_args_is_help=True, rich_markup_mode=None
)
application.add_typer(image_tower, name="image-tower")


@image_tower.command(epilog=example("lexclip image-tower build --folder build/image_tower"))
def build(
    *,
    folder: Annotated[
        Path | None, typer.Option(help="Where the tower goes [data/image_towers/emoji].")
    ] = None,
    epochs: Annotated[str, typer.Option(help="Passes over all drawings, without and with scenes.")] = "80,24",
    style: Annotated[
        list[str] | None, typer.Option(help="A style to train on; give it once a style.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Train the image tower against the locked text tower; resumes after a kill.

    Fetches drawings of further styles with npm. About an hour on two cores.
    """
    from lexclip_core import image_training

    recipe = image_training.recipe_of(_counts(epochs), seed=seed)
    place = folder or image_training.image_tower_folder()
    image_training.build_image_tower(place, recipe, styles=style, device=device)
    typer.echo(f"wrote {place}")
    _show(_rows(place))


@image_tower.command(epilog=example("lexclip image-tower measure --json"))
def measure(
    *,
    folder: Annotated[Path | None, typer.Option(help="The tower [data/image_towers/emoji].")] = None,
    as_json: Json = False,
) -> None:
    """Measure how well a tower names drawings of the style it never saw."""
    from lexclip_core import image_training

    rows = _rows(folder or image_training.image_tower_folder())
    emit(rows) if as_json else _show(rows)


@image_tower.command(epilog=example("lexclip image-tower growth --steps 700"))
def growth(
    *,
    steps: Annotated[int, typer.Option(help="Updates of each short training.", min=1)] = 700,
    snapshots: Annotated[Path | None, typer.Option(help="Weights kept during a build.")] = None,
    out: Annotated[Path | None, typer.Option(help="The table [data/image_towers/growth.csv].")] = None,
) -> None:
    """Measure how accuracy grows with epochs, styles and augmentation: three short trainings."""
    import pandas as pd

    from lexclip_core import storage, towers
    from lexclip_core.image_training.growth import TEXT_TOWER, over_steps, over_variants

    text = towers.load(TEXT_TOWER)
    tables = [over_variants(steps, text), *([over_steps(snapshots, text)] if snapshots else [])]
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
    from lexclip_core import image_training, towers

    return image_training.measure(folder, towers.load(image_training.TEXT_TOWER))


def _show(rows: list[dict[str, Any]]) -> None:
    columns = ("classes", "names", "count", "k", "value", "low", "high", "n")
    table(columns, [[row[column] for column in columns] for row in rows])
