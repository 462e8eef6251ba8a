"""Commands that measure a tower: inversions, word similarity, sentence similarity."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from lexclip_core.cli.application import Json, application, emit, example, metric_table
from lexclip_core.cli.words import DEFAULT_TOWER, TowerName, Tuned, load_tower
from lexclip_core.errors import InputError

if TYPE_CHECKING:
    from lexclip_core.evaluation.statistics import Estimate
    from lexclip_core.evaluation.triples import PartOfSpeech, SynonymPolicy

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
    from lexclip_core.evaluation.suite import measure_triples
    from lexclip_core.evaluation.triples import wordnet_triples
    from lexclip_core.synsets import load_wordnet

    chosen = (
        cast("PartOfSpeech | None", pos),
        cast("SynonymPolicy", policy),
    )  # the library names the valid ones
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
    from lexclip_core.datasets import word_similarity as sets
    from lexclip_core.evaluation.suite import measure_word_similarity

    if not data.is_dir() or not sets.available(data):
        files = ", ".join(one.files[0] for one in sets.CARDS.values())
        raise InputError(f"{data} holds no word-similarity set", f"name a folder with one of: {files}")
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
    from lexclip_core.datasets.sts import SEVEN
    from lexclip_core.evaluation.suite import measure_sts

    _show(measure_sts(load_tower(tower, tuned).encode_texts, data, task or SEVEN), as_json=as_json)


def _show(measured: dict[str, Estimate], *, as_json: bool) -> None:
    metrics = {name: one.as_dict() for name, one in measured.items()}
    if as_json:
        emit(metrics)
    else:
        metric_table(metrics)
