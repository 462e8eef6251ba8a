"""Commands about models: which are known by name, and how an old checkpoint becomes a safe file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lexclip_core.cli.application import Json, application, emit, example, table

models = typer.Typer(
    help="List the text towers known by name, or convert a checkpoint.",
    invoke_without_command=True,
    rich_markup_mode=None,
)
application.add_typer(models, name="models")


@models.callback(epilog=example("lexclip models --json"))
def listed(context: typer.Context, *, as_json: Json = False) -> None:
    """List the text towers known by name."""
    if context.invoked_subcommand:
        return
    from dataclasses import asdict

    from lexclip_core.towers.registry import REGISTRY

    if as_json:
        emit([asdict(one) for one in REGISTRY.values()])
        return
    rows = [
        (
            one.name,
            one.architecture,
            one.activation,
            one.tokenizer,
            one.context_length,
            one.dim,
            f"{one.image_size} px" if one.image_size else "-",
            one.licence or "-",
            one.source,
            one.sha256[:8] or "-",
        )
        for one in REGISTRY.values()
    ]
    header = ("tower", "architecture", "activation", "tokenizer", "context", "dim", "pictures", "licence")
    table((*header, "source", "sha256"), rows)


@models.command(
    epilog=example("lexclip models convert laion400m_laclip.pt laclip.safetensors --architecture ViT-B-32")
)
def convert(
    source: Annotated[Path, typer.Argument(help="A .pt, .pth or .bin checkpoint.", show_default=False)],
    out: Annotated[Path, typer.Argument(help="The .safetensors to write.", show_default=False)],
    *,
    architecture: Annotated[
        str, typer.Option(help="open_clip architecture it was trained as, -quickgelu included.")
    ],
    as_json: Json = False,
) -> None:
    """Turn a pickled checkpoint into safetensors; nothing stored in it is run.

    What is not a tensor is left out. Load the result with `lexclip embed --tower OUT`.
    """
    from lexclip_core.towers import conversion

    ignored = conversion.convert(source, out, architecture)
    if as_json:
        emit({"out": str(out), "architecture": architecture, "left_out": list(ignored)})
        return
    typer.echo(f"wrote {out}" + (f"; left out: {', '.join(ignored)}" if ignored else ""))
