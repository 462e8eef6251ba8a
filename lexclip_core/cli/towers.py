"""Commands about text towers: which are known, their embeddings, and how good they are."""

from __future__ import annotations

from dataclasses import asdict
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, group, matrix, metric_table, table
from lexclip_core.errors import InputError
from lexclip_core.training.settings import DEFAULT_TOWER

if TYPE_CHECKING:
    import numpy as np

    from lexclip_core.evaluation.intervals import Estimate
    from lexclip_core.evaluation.lexical import PartOfSpeech, SynonymPolicy
    from lexclip_core.towers.tower import Tower

TowerName = Annotated[
    str, typer.Option(help="A name that `lexclip models` lists, a folder or a weight file.")
]
Architecture = Annotated[
    str | None, typer.Option(help="open_clip architecture of a weight file that does not state it.")
]
Tuned = Annotated[Path | None, typer.Option(help="Apply these tuned weights (.safetensors).")]
Words = Annotated[list[str] | None, typer.Argument(help="Words or phrases.", show_default=False)]

models = group("models", "List the text towers known by name, or convert a checkpoint.", lists=True)


@models.callback(epilog=example("lexclip models --json"))
def listed(context: typer.Context, *, as_json: Json = False) -> None:
    """List the text towers known by name."""
    if context.invoked_subcommand:
        return
    from lexclip_core.towers.registry import REGISTRY

    if as_json:
        emit([asdict(one) for one in REGISTRY.values()])
        return
    first = attrgetter("name", "architecture", "activation", "tokenizer", "context_length", "dim")
    rows = []
    for one in REGISTRY.values():
        pictures = f"{one.image_size} px" if one.image_size else "-"
        rows.append((*first(one), pictures, one.licence or "-", one.source, one.sha256[:8] or "-"))
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
    rows = encoder.encode_texts(listed.words)
    if out is not None:
        _write(out, listed.words, rows)
        typer.echo(f"{len(listed.words)} unit rows of length {encoder.dim} in {out}", err=as_json)
    if as_json:
        emit({"tower": tower, "words": list(listed.words), "embeddings": rows.tolist()})
    elif out is None:
        matrix("cosine", listed.words, rows @ rows.T)


def load_tower(name: str, tuned: Path | None, architecture: str | None = None) -> Tower:
    """Return the named tower, carrying tuned weights where a file is given."""
    from lexclip_core.towers.loading import load
    from lexclip_core.towers.weights import apply_tuned

    tower = load(name, architecture=architecture)
    return tower if tuned is None else apply_tuned(tower, tuned)


def _write(path: Path, words: tuple[str, ...], rows: np.ndarray) -> None:
    import numpy as np

    with storage.atomic_write(path) as temporary:
        np.savez(temporary, words=np.array(words), embeddings=rows)


evaluate = group("evaluate", "Measure a tower.")

Data = Annotated[
    Path, typer.Argument(help="Folder of the sets in their official layouts.", show_default=False)
]


@evaluate.command(epilog=example("lexclip evaluate inversion --pos a --policy same_synset --sample 500"))
def inversion(  # noqa: PLR0913 - one option each
    *,
    pos: Annotated[str | None, typer.Option(help="Part of speech: n, v, a or r [all four].")] = None,
    policy: Annotated[
        str, typer.Option(help="What counts as a synonym: same_synset, similar_to, also_see.")
    ] = "same_synset",
    sample: Annotated[
        int | None, typer.Option(min=1, help="Most triples of each part of speech [all].")
    ] = None,
    tower: TowerName = DEFAULT_TOWER,
    architecture: Architecture = None,
    tuned: Tuned = None,
    as_json: Json = False,
) -> None:
    """Count words nearer to their antonym than to their synonym.

    The words are all those of WordNet, whether a tuned tower saw them or not; the sample is seeded.
    """
    from lexclip_core.evaluation.lexical import wordnet_triples
    from lexclip_core.evaluation.suite import measure_triples
    from lexclip_core.wordnet.tables import load_wordnet

    chosen = cast("PartOfSpeech | None", pos), cast("SynonymPolicy", policy)
    triples = wordnet_triples(load_wordnet(), *chosen)
    if sample is not None:
        triples = triples.sample(sample, seed=0)
    encode = load_tower(tower, tuned, architecture).encode_texts
    _show(measure_triples(encode, triples, split="all"), as_json=as_json)


@evaluate.command("word-similarity", epilog=example("lexclip evaluate word-similarity DATA/wordsim --json"))
def word_similarity(
    data: Data,
    *,
    tower: TowerName = DEFAULT_TOWER,
    architecture: Architecture = None,
    tuned: Tuned = None,
    as_json: Json = False,
) -> None:
    """Rank correlation on every word-similarity set of a folder."""
    from lexclip_core.datasets.word_similarity import CARDS, available
    from lexclip_core.evaluation.suite import measure_word_similarity

    if not data.is_dir() or not available(data):
        files = ", ".join(one.files[0] for one in CARDS.values())
        raise InputError(f"{data} has no word-similarity set", f"name a folder with one of: {files}")
    _show(measure_word_similarity(load_tower(tower, tuned, architecture).encode_texts, data), as_json=as_json)


@evaluate.command(epilog=example("lexclip evaluate sts DATA/sts --task sts-b"))
def sts(
    data: Data,
    *,
    task: Annotated[
        list[str] | None, typer.Option(help="A task; may be repeated [the seven of papers].")
    ] = None,
    tower: TowerName = DEFAULT_TOWER,
    architecture: Architecture = None,
    tuned: Tuned = None,
    as_json: Json = False,
) -> None:
    """Rank correlation on sentence-similarity tasks."""
    from lexclip_core.datasets.sentence_similarity import SEVEN
    from lexclip_core.evaluation.suite import measure_sts

    encode = load_tower(tower, tuned, architecture).encode_texts
    _show(measure_sts(encode, data, task or SEVEN), as_json=as_json)


def _show(measured: dict[str, Estimate], *, as_json: bool) -> None:
    metrics = {name: one.as_dict() for name, one in measured.items()}
    if as_json:
        emit(metrics)
    else:
        metric_table(metrics)
