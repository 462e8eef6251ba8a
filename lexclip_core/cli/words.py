"""Commands about words: Wu-Palmer, embeddings, and what a tower makes of words and sentences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, metric_table, table
from lexclip_core.errors import InputError
from lexclip_core.training.settings import DEFAULT_TOWER

if TYPE_CHECKING:
    import numpy as np

    from lexclip_core.evaluation.intervals import Estimate
    from lexclip_core.evaluation.lexical import PartOfSpeech, SynonymPolicy
    from lexclip_core.targets.taxonomy import Policy
    from lexclip_core.targets.word_level import SenseChoice
    from lexclip_core.towers.tower import Tower
    from lexclip_core.wordnet.lexicon import WordPos

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
    policy: Annotated[str, typer.Option(help="symmetric, or nltk for NLTK's own values.")] = "symmetric",
    as_json: Json = False,
) -> None:
    """Wu-Palmer similarity of synsets or words.

    Prints the similarity of each with each.
    """
    from lexclip_core.targets.word_level import wu_palmer_of_words
    from lexclip_core.targets.wu_palmer import wu_palmer_matrix

    chosen = cast("Policy", policy)  # here and below, the library names the valid ones
    if pos is None:
        values = wu_palmer_matrix(names, policy=chosen)
    else:
        values = wu_palmer_of_words(
            names, pos=cast("WordPos", pos), how=cast("SenseChoice", how), policy=chosen
        )
    if as_json:
        rows = [[None if value != value else value for value in row] for row in values.tolist()]
        emit({"policy": policy, "pos": pos, "how": how if pos else None, "names": names, "similarity": rows})
    else:
        _matrix(f"wup ({policy})", names, values)


@application.command(epilog=example("lexclip embed happy sad cheerful"))
def embed(
    words: Words = None,
    *,
    source: Annotated[Path | None, typer.Option("--file", help="A text file, one word per line.")] = None,
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
    from lexclip_core.towers.loading import load
    from lexclip_core.towers.weights import apply_tuned

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


evaluate = typer.Typer(help="Measure a tower.", no_args_is_help=True, rich_markup_mode=None)
application.add_typer(evaluate, name="evaluate")

Data = Annotated[
    Path, typer.Argument(help="Folder of the sets in their official layouts.", show_default=False)
]


@evaluate.command(epilog=example("lexclip evaluate inversion --pos a --policy same_synset --sample 500"))
def inversion(
    *,
    pos: Annotated[str | None, typer.Option(help="Part of speech: n, v, a or r [all four].")] = None,
    policy: Annotated[
        str, typer.Option(help="What counts as a synonym: same_synset, similar_to, also_see.")
    ] = "same_synset",
    sample: Annotated[
        int | None, typer.Option(min=1, help="Most triples of each part of speech [all].")
    ] = None,
    tower: TowerName = DEFAULT_TOWER,
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
    encode = load_tower(tower, tuned).encode_texts
    _show(measure_triples(encode, triples, split="all"), as_json=as_json)


@evaluate.command("word-similarity", epilog=example("lexclip evaluate word-similarity DATA/wordsim --json"))
def word_similarity(
    data: Data, *, tower: TowerName = DEFAULT_TOWER, tuned: Tuned = None, as_json: Json = False
) -> None:
    """Rank correlation on every word-similarity set of a folder."""
    from lexclip_core.datasets.word_similarity import CARDS, available
    from lexclip_core.evaluation.suite import measure_word_similarity

    if not data.is_dir() or not available(data):
        files = ", ".join(one.files[0] for one in CARDS.values())
        raise InputError(f"{data} has no word-similarity set", f"name a folder with one of: {files}")
    _show(measure_word_similarity(load_tower(tower, tuned).encode_texts, data), as_json=as_json)


@evaluate.command(epilog=example("lexclip evaluate sts DATA/sts --task sts-b"))
def sts(
    data: Data,
    *,
    task: Annotated[
        list[str] | None, typer.Option(help="A task; may be repeated [the seven of papers].")
    ] = None,
    tower: TowerName = DEFAULT_TOWER,
    tuned: Tuned = None,
    as_json: Json = False,
) -> None:
    """Rank correlation on sentence-similarity tasks."""
    from lexclip_core.datasets.sentence_similarity import SEVEN
    from lexclip_core.evaluation.suite import measure_sts

    _show(measure_sts(load_tower(tower, tuned).encode_texts, data, task or SEVEN), as_json=as_json)


def _show(measured: dict[str, Estimate], *, as_json: bool) -> None:
    metrics = {name: one.as_dict() for name, one in measured.items()}
    if as_json:
        emit(metrics)
    else:
        metric_table(metrics)
