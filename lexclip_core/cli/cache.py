"""Commands about the cache: what it has, and clearing it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, table

cache = typer.Typer(
    help="Show what is cached, or clear it.", invoke_without_command=True, rich_markup_mode=None
)
application.add_typer(cache, name="cache")

Kind = Annotated[str | None, typer.Argument(help="A kind that `lexclip cache` lists.", show_default=False)]


@cache.callback(epilog=example("lexclip cache --json"))
def list_command(context: typer.Context, *, as_json: Json = False) -> None:
    """Show what is cached, by kind and size.

    Kinds marked with a star are cleared only by name: lexclip does not make them again by itself.
    """
    if context.invoked_subcommand is not None:
        return
    from lexclip_core.cache import inventory

    uses = [use for use in inventory() if use.entries or as_json]
    folder, size = storage.cache_folder(), sum(use.bytes for use in uses)
    if as_json:
        emit({"folder": str(folder), "bytes": size, "kinds": [asdict(use) for use in uses]})
        return
    rows = [
        (use.kind + ("" if use.rebuilt else " *"), use.entries, _in_words(use.bytes), use.meaning)
        for use in uses
    ]
    if rows:
        table(("kind", "files", "size", "meaning"), rows)
    typer.echo(f"{folder}: {_in_words(size)}")


@cache.command("clear", epilog=example("lexclip cache clear embeddings"))
def clear(kind: Kind = None) -> None:
    """Clear one kind; without a name, all that lexclip makes again by itself."""
    from lexclip_core.cache import clear_cache

    typer.echo(f"freed {_in_words(clear_cache(kind))} in {storage.cache_folder()}")


def _in_words(size: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"
