"""Commands about words: the towers that encode them, their vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, table
from lexclip_core.errors import InputError

DEFAULT_TOWER = "all-MiniLM-L6-v2"
MOST_SHOWN = 20

TowerName = Annotated[str, typer.Option(help="A name that `lexclip models` lists.")]
Words = Annotated[list[str] | None, typer.Argument(help="Words or phrases.", show_default=False)]


@application.command(epilog=example("lexclip models --json"))
def models(*, as_json: Json = False) -> None:
    """List the text towers known by name."""
    from dataclasses import asdict

    from lexclip_core.towers import REGISTRY

    if as_json:
        emit([asdict(one) for one in REGISTRY.values()])
        return
    rows = [
        (one.name, one.dim, one.activation, one.licence, one.source, one.sha256[:8] or "-")
        for one in REGISTRY.values()
    ]
    table(("tower", "dim", "activation", "licence", "source", "sha256"), rows)


@application.command(epilog=example("lexclip embed happy sad cheerful"))
def embed(
    words: Words = None,
    *,
    source: Annotated[Path | None, typer.Option("--file", help="A text file, one word a line.")] = None,
    tower: TowerName = DEFAULT_TOWER,
    tuned: Annotated[Path | None, typer.Option(help="Apply these tuned weights (.safetensors).")] = None,
    out: Annotated[Path | None, typer.Option(help="Write words and unit rows to this .npz file.")] = None,
    as_json: Json = False,
) -> None:
    """Encode words.

    Prints their cosines; --out writes the vectors to a file, --json prints them.
    """
    from lexclip_core.towers import apply_tuned, load
    from lexclip_core.words import read_words

    if (source is None) == (not words):
        raise InputError("name words, or a --file of words, and not both", "lexclip embed happy sad")
    if out is not None and out.suffix != ".npz":
        raise InputError(f"cannot write {out.name}", "name a file that ends in .npz")
    listed = read_words(source or words or [])
    for one in listed.dropped:
        typer.echo(f"dropped {one.text!r}: {one.reason}", err=True)
    encoder = load(tower) if tuned is None else apply_tuned(load(tower), tuned)
    rows = encoder.encode_texts(listed.words)
    if out is not None:
        _write(out, listed.words, rows)
        typer.echo(f"{len(listed.words)} unit rows of length {encoder.dim} in {out}", err=as_json)
    if as_json:
        emit({"tower": tower, "words": list(listed.words), "embeddings": rows.tolist()})
    elif out is None:
        _cosines(listed.words, rows @ rows.T)


def _write(path: Path, words: tuple[str, ...], rows: object) -> None:
    import numpy as np

    with storage.atomic_write(path) as temporary:
        np.savez(temporary, words=np.array(words), embeddings=np.asarray(rows))


def _cosines(words: tuple[str, ...], cosines: object) -> None:
    import numpy as np

    shown = words[:MOST_SHOWN]
    values = np.asarray(cosines)[: len(shown), : len(shown)]
    table(
        ("cosine", *shown),
        [(word, *(f"{value:.3f}" for value in row)) for word, row in zip(shown, values, strict=True)],
    )
    if len(shown) < len(words):
        typer.echo(f"(the first {len(shown)} of {len(words)}; --json or --out gives all)")
