"""Commands about words: the towers that encode them, their vectors."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, table
from lexclip_core.config import Experiment
from lexclip_core.errors import InputError

if TYPE_CHECKING:
    import numpy as np

    from lexclip_core.targets import Policy, SenseChoice, WordPos
    from lexclip_core.towers import Tower

DEFAULT_TOWER = Experiment.tower
MOST_SHOWN = 20

TowerName = Annotated[str, typer.Option(help="A name that `lexclip models` lists.")]
Tuned = Annotated[Path | None, typer.Option(help="Apply these tuned weights (.safetensors).")]
Words = Annotated[list[str] | None, typer.Argument(help="Words or phrases.", show_default=False)]


@application.command(epilog=example("lexclip wup dog.n.01 cat.n.01 n02084071"))
def wup(
    names: Annotated[list[str], typer.Argument(help="Synsets (dog.n.01, n02084071), or words with --pos.")],
    *,
    pos: Annotated[str | None, typer.Option(help="Take the names as words: n, v, a or r.")] = None,
    how: Annotated[
        str, typer.Option(help="Senses of a word: first_sense, maximum or expectation (with --pos).")
    ] = "maximum",
    policy: Annotated[str, typer.Option(help="lawful, or nltk for NLTK's own values.")] = "lawful",
    as_json: Json = False,
) -> None:
    """Wu-Palmer similarity of synsets or words.

    Prints the similarity of each with each.
    """
    from lexclip_core.targets import word_similarity, wu_palmer

    chosen = cast("Policy", policy)  # here and below, the library names the valid ones
    if pos is None:
        values = wu_palmer(names, policy=chosen)
    else:
        values = word_similarity(names, pos=cast("WordPos", pos), how=cast("SenseChoice", how), policy=chosen)
    if as_json:
        rows = [[None if value != value else value for value in row] for row in values.tolist()]
        emit({"policy": policy, "pos": pos, "how": how if pos else None, "names": names, "similarity": rows})
    else:
        _matrix(f"wup ({policy})", names, values)


@application.command(epilog=example("lexclip embed happy sad cheerful"))
def embed(
    words: Words = None,
    *,
    source: Annotated[Path | None, typer.Option("--file", help="A text file, one word a line.")] = None,
    tower: TowerName = DEFAULT_TOWER,
    tuned: Tuned = None,
    out: Annotated[Path | None, typer.Option(help="Write words and unit rows to this .npz file.")] = None,
    as_json: Json = False,
) -> None:
    """Encode words.

    Prints their cosines; --out writes the vectors to a file, --json prints them.
    """
    from lexclip_core.words import read_words

    if (source is None) == (not words):
        raise InputError("name words, or a --file of words, and not both", "lexclip embed happy sad")
    if out is not None and out.suffix != ".npz":
        raise InputError(f"cannot write {out.name}", "name a file that ends in .npz")
    listed = read_words(source or words or [])
    for one in listed.dropped:
        typer.echo(f"dropped {one.text!r}: {one.reason}", err=True)
    encoder = load_tower(tower, tuned)
    rows = encoder.encode_texts(listed.words)
    if out is not None:
        _write(out, listed.words, rows)
        typer.echo(f"{len(listed.words)} unit rows of length {encoder.dim} in {out}", err=as_json)
    if as_json:
        emit({"tower": tower, "words": list(listed.words), "embeddings": rows.tolist()})
    elif out is None:
        _matrix("cosine", listed.words, rows @ rows.T)


def load_tower(name: str, tuned: Path | None) -> Tower:
    """Return the named tower, carrying tuned weights where a file is given."""
    from lexclip_core.towers import apply_tuned, load

    return load(name) if tuned is None else apply_tuned(load(name), tuned)


def _write(path: Path, words: tuple[str, ...], rows: np.ndarray) -> None:
    import numpy as np

    with storage.atomic_write(path) as temporary:
        np.savez(temporary, words=np.array(words), embeddings=rows)


def _matrix(title: str, names: Sequence[str], values: np.ndarray) -> None:
    shown = names[:MOST_SHOWN]
    rows = [
        (name, *(f"{value:.3f}" for value in row[: len(shown)]))
        for name, row in zip(shown, values, strict=False)
    ]
    table((title, *shown), rows)
    if len(shown) < len(names):
        typer.echo(f"(the first {len(shown)} of {len(names)}; --json gives all)")
