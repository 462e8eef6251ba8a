"""Commands about text towers: which are known, and their embeddings."""

from __future__ import annotations

from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, group, matrix, table
from lexclip_core.errors import InputError
from lexclip_core.training.settings import DEFAULT_TOWER

if TYPE_CHECKING:
    import numpy as np

    from lexclip_core.towers.tower import Tower

NAMES = "a name that `lexclip models` lists, hf-hub:owner/model, a folder, a weight file, or word vectors."
TowerName = Annotated[str, typer.Option(help=f"{NAMES[0].upper()}{NAMES[1:]}")]
Architecture = Annotated[
    str | None, typer.Option(help="open_clip architecture of a weight file that does not state it.")
]
Tuned = Annotated[
    Path | None, typer.Option(help="A run's name or folder, or a .safetensors of tuned weights, to apply.")
]
Words = Annotated[list[str] | None, typer.Argument(help="Words or phrases.", show_default=False)]

models = group("models", "List the text towers known by name, or convert a checkpoint.", lists=True)


@models.callback(epilog=example("lexclip models --json"))
def listed(context: typer.Context, *, as_json: Json = False) -> None:
    """List the text towers known by name: which are here, which are fetched, how to supply the others."""
    if context.invoked_subcommand:
        return
    from lexclip_core.towers.registry import REGISTRY
    from lexclip_core.towers.sources import availability

    states = {name: availability(name) for name in REGISTRY}
    if as_json:
        emit([asdict(one) | asdict(states[name]) for name, one in REGISTRY.items()])
        return
    first = attrgetter("architecture", "activation", "tokenizer", "context_length", "dim")
    rows = []
    for name, one in REGISTRY.items():
        pictures = f"{one.image_size} px" if one.image_size else "-"
        rows.append((name, states[name], *first(one), pictures, one.licence or "-", one.sha256[:8] or "-"))
    header = ("tower", "weights", "architecture", "activation", "tokenizer", "context", "dim", "pictures")
    table((*header, "licence", "sha256"), rows)
    for name, state in states.items():
        if state.state == "fetchable":
            typer.echo(f"{name}: fetched from {state.where} when it is first used")
        elif state.how:
            typer.echo(f"{name}: {state.how}")


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


@application.command(epilog=example("lexclip embed happy sad cheerful"))
def embed(  # noqa: PLR0913 - one option each
    words: Words = None,
    *,
    source: Annotated[Path | None, typer.Option("--file", help="A text file, one word per line.")] = None,
    tower: TowerName = DEFAULT_TOWER,
    architecture: Architecture = None,
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
    encoder = load_tower(tower, tuned, architecture)
    if unknown := encoder.unknown_texts(listed.words):
        problem = f"{encoder.title} has no vector for {', '.join(unknown)}"
        raise InputError(problem, "leave them out, or name a tower that reads pieces of words")
    rows = encoder.encode_texts(listed.words)
    if out is not None:
        _write(out, listed.words, rows)
        typer.echo(f"{len(listed.words)} unit rows of length {encoder.dim} in {out}", err=as_json)
    if as_json:
        emit(
            {"tower": tower, "title": encoder.title, "words": list(listed.words), "embeddings": rows.tolist()}
        )
    elif out is None:
        matrix("cosine", listed.words, rows @ rows.T)
        if not encoder.verified:
            typer.echo(encoder.title)


def load_tower(name: str, tuned: Path | None, architecture: str | None = None) -> Tower:
    """Return the named tower, with tuned weights where a file or a run is given: then its own by default."""
    from lexclip_core.experiments.run_folder import find_run, summarise, tensors_of
    from lexclip_core.towers.loading import load
    from lexclip_core.towers.weights import apply_tuned

    if tuned is not None and tuned.suffix != ".safetensors":
        run = summarise(find_run(tuned))
        name = str(run.config.get("tower") or name) if name == DEFAULT_TOWER else name
        tuned = tensors_of(run)
    tower = load(name, architecture=architecture)
    return tower if tuned is None else apply_tuned(tower, tuned)


def _write(path: Path, words: tuple[str, ...], rows: np.ndarray) -> None:
    import numpy as np

    with storage.atomic_write(path) as temporary:
        np.savez(temporary, words=np.array(words), embeddings=rows)
