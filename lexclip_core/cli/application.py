"""The root of the `lexclip` command: how commands are declared, and how expected errors reach the user."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lexclip_core.errors import InputError, LexclipError

if TYPE_CHECKING:
    import numpy as np

application = typer.Typer(
    name="lexclip",
    help="See, measure and repair how CLIP text encoders treat words.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

MOST_SHOWN = 20  # rows of a matrix

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script.")]


@application.callback()
def _options(
    *, debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False
) -> None:
    """See, measure and repair how CLIP text encoders treat words."""


def group(name: str, purpose: str, *, lists: bool = False) -> typer.Typer:
    """Return a new group of commands; without a command it gives help, or calls its callback if it lists."""
    made = typer.Typer(
        help=purpose, no_args_is_help=not lists, invoke_without_command=lists, rich_markup_mode=None
    )
    application.add_typer(made, name=name)
    return made


def example(command: str) -> str:
    """Return the closing line of a command's help."""
    return f"Example: {command}"


def emit(value: Any) -> None:
    """Print a value as JSON, NaN refused."""
    plain = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") != "utf8"
    typer.echo(json.dumps(value, indent=2, ensure_ascii=plain, allow_nan=False))


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows in aligned columns below a header."""
    cells = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    for row in cells:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def matrix(title: str, names: Sequence[str], values: np.ndarray) -> None:
    """Print a square table of numbers; of a large one the first rows."""
    shown = names[:MOST_SHOWN]
    numbers = [[f"{value:.3f}" for value in row[: len(shown)]] for row in values[: len(shown)]]
    table((title, *shown), [(name, *row) for name, row in zip(shown, numbers, strict=True)])
    if len(shown) < len(names):
        typer.echo(f"(the first {len(shown)} of {len(names)}; --json gives all)")


def metric_table(metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """Print a run's metrics, each with its interval, sample size and value before tuning where known."""
    known = {column for one in metrics.values() for column in one}
    columns = [column for column in ("value", "low", "high", "n", "before") if column in known]
    rows = [(name, *(_cell(one.get(column)) for column in columns)) for name, one in metrics.items()]
    table(("metric", *columns), rows)


def in_words(size: float) -> str:
    """Return a number of bytes as people write it, such as `1.3 MB`."""
    for unit in ("bytes", "KB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"


def _cell(value: object) -> object:
    return "-" if value is None else f"{value:.4f}" if isinstance(value, float) else value


def run(app: typer.Typer, name: str, arguments: Sequence[str] | None = None) -> None:
    """Run a command line; exit status 2 for input that cannot be used, 1 for any other expected error.

    Args:
        app: The commands.
        name: What messages call the program.
        arguments: By default those of this process.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no letter of a text ends a command
    logging.basicConfig(format="%(message)s")
    for library in ("lexclip_core", "tools"):
        logging.getLogger(library).setLevel(logging.INFO)
    if not sys.stderr.isatty():
        os.environ.setdefault("LEXCLIP_PROGRESS", "0")  # a bar in a log file is noise
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(args=given, prog_name=name)
    except LexclipError as error:
        if "--debug" in given:
            raise
        typer.echo(f"{name}: {error.problem}", err=True)
        if error.remedy:
            typer.echo(f"  Remedy: {error.remedy}", err=True)
        sys.exit(2 if isinstance(error, InputError) else 1)
    except OSError as error:
        if "--debug" in given:
            raise
        place = f"{error.filename}: " if error.filename else ""
        typer.echo(f"{name}: {place}{error.strerror or error}", err=True)
        sys.exit(1)
