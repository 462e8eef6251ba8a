"""Commands about the emoji pictures: list, show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, table
from lexclip_core.errors import InputError

emoji = typer.Typer(
    help="Look at the emoji pictures and their names.", no_args_is_help=True, rich_markup_mode=None
)
application.add_typer(emoji, name="emoji")

FEWEST_SHOWN = 20

Style = Annotated[str, typer.Option(help="A drawing style: noto, twemoji, openmoji or openmoji_black.")]


@emoji.command("list", epilog=example("lexclip emoji list animal --json"))
def list_command(
    text: Annotated[str, typer.Argument(help="Only concepts with this in their name, tags or group.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """List the concepts with what they picture."""
    from lexclip_core.datasets.emoji.sprites import concepts

    known = concepts()
    columns = known[["concept", "label", "tags", "group", "subgroup", "synset", "emotion"]]
    chosen = columns[columns.apply(lambda row: text.casefold() in " ".join(row).casefold(), axis=1)]
    if chosen.empty:
        raise InputError(f"no concept has {text!r} in its name, tags or group", "try a part of a word")
    if as_json:
        emit(chosen.to_dict("records"))
        return
    shown = chosen if text else chosen.head(FEWEST_SHOWN)
    rows = [(row.concept, row.label, row.subgroup, row.synset or "-") for row in shown.itertuples()]
    table(("concept", "label", "group", "synset"), rows)
    if len(shown) < len(chosen):
        typer.echo(f"(the first {len(shown)} of {len(chosen)}; --json gives all)")


@emoji.command(epilog=example("lexclip emoji show dog --style twemoji --out dog.png"))
def show(
    concept: Annotated[
        str, typer.Argument(help="A concept that `lexclip emoji list` names.", show_default=False)
    ],
    *,
    style: Style = "noto",
    out: Annotated[Path | None, typer.Option(help="Write the drawing to this .png file.")] = None,
    as_json: Json = False,
) -> None:
    """Show what is known of one concept, and write its drawing with --out."""
    from lexclip_core.datasets.emoji.sprites import concepts, sprite_png

    if out is not None and out.suffix != ".png":
        raise InputError(f"cannot write {out.name}", "name a file that ends in .png")
    content = sprite_png(concept, style)
    [row] = concepts().query("concept == @concept").to_dict("records")
    if out is not None:
        with storage.atomic_write(out) as temporary:
            temporary.write_bytes(content)
    if as_json:
        emit({**row, "tags": row["tags"].split("|") if row["tags"] else []})
    else:
        table(("field", "value"), [(name, value if value != "" else "-") for name, value in row.items()])
    if out is not None:
        typer.echo(f"{style} drawing in {out}", err=as_json)
