"""Commands about this machine: what it has, WordNet, the explorer, and the cache."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, group, in_words, table
from lexclip_core.errors import MissingResourceError

FIRST_PORT = 8501
LAST_PORT = 65535
ADDRESS = "127.0.0.1"


@application.command(epilog=example("lexclip doctor --json"))
def doctor(*, as_json: Json = False) -> None:
    """Say what this machine has and lacks.

    Each lack comes with its fix. Status 1 if the explorer cannot open or no word can be encoded.
    """
    from lexclip_core.doctor import examine

    report = examine()
    if as_json:
        emit(report.as_dict())
    else:
        typer.echo(report.as_text())
    raise typer.Exit(0 if report.able else 1)


@application.command(epilog=example("lexclip wordnet"))
def wordnet(*, as_json: Json = False) -> None:
    """Find or fetch WordNet 3.0 and verify it."""
    from lexclip_core.wordnet.install import ensure_wordnet
    from lexclip_core.wordnet.tables import load_wordnet

    folder = ensure_wordnet()
    tables = load_wordnet()
    if as_json:
        emit({"folder": str(folder), "synsets": len(tables.names), "words": len(tables.words())})
    else:
        typer.echo(f"WordNet 3.0: {len(tables.names):,} synsets, {len(tables.words()):,} words in {folder}")


@application.command(epilog=example("lexclip app --port 8600"))
def app(
    *,
    port: Annotated[int, typer.Option(min=1024, max=LAST_PORT, help="First port to try.")] = FIRST_PORT,
    runs: Annotated[Path | None, typer.Option(help="Folder of run folders to show.")] = None,
) -> None:
    """Open the explorer in the browser, on the first free port."""
    entry = storage.project_root() / "app" / "streamlit_app.py"
    if not entry.is_file():
        raise MissingResourceError(
            f"{entry} is not there", "install lexclip again, or run it from a clone of its repository"
        )
    if runs is not None:
        os.environ["LEXCLIP_RUNS"] = str(runs.resolve())
    free = next_free_port(port)
    if free != port:
        typer.echo(f"Port {port} is taken: using {free}.")
    typer.echo(f"The explorer opens on http://localhost:{free} (Ctrl-C ends it).")
    sys.stdout.flush()
    os.chdir(storage.project_root())
    here = sys.platform in ("win32", "darwin") or any(os.environ.get(one) for one in _DISPLAYS)
    options = ["--server.port", str(free), "--browser.serverAddress", "localhost"]
    options += ["--logger.hideWelcomeMessage", "true"]  # which would print the address a second time
    options += ["--server.headless", str(not here).lower(), "--server.showEmailPrompt", "false"]
    os.execv(sys.executable, [sys.executable, "-m", "streamlit", "run", str(entry), *options])


_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")  # without one of them no browser can open on Linux


def next_free_port(first: int) -> int:
    """Return the first port at or above `first` that nothing on this machine listens on.

    Raises:
        MissingResourceError: All of them are taken.
    """
    for port in range(first, LAST_PORT + 1):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            if os.name == "posix":  # else connections that ended a moment ago would count as taken
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ADDRESS, port))
            except OSError:
                continue
            return port
    raise MissingResourceError(f"no port from {first} on is free", "end a program, or name a lower --port")


cache = group("cache", "Show what is cached, or clear it.", lists=True)

Kind = Annotated[str | None, typer.Argument(help="A kind that `lexclip cache` lists.", show_default=False)]


@cache.callback(epilog=example("lexclip cache --json"))
def list_cache(context: typer.Context, *, as_json: Json = False) -> None:
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
        (use.kind + ("" if use.rebuilt else " *"), use.entries, in_words(use.bytes), use.meaning)
        for use in uses
    ]
    if rows:
        table(("kind", "files", "size", "meaning"), rows)
    typer.echo(f"{folder}: {in_words(size)}")


@cache.command("clear", epilog=example("lexclip cache clear embeddings"))
def clear(kind: Kind = None) -> None:
    """Clear one kind; without a name, all that lexclip makes again by itself."""
    from lexclip_core.cache import clear_cache

    typer.echo(f"freed {in_words(clear_cache(kind))} in {storage.cache_folder()}")
