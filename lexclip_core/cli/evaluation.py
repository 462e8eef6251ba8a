"""Commands that measure a tower: one measure on a data set, or its lexical card."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, group, metric_table, table
from lexclip_core.cli.towers import Architecture, TowerName, Tuned, load_tower
from lexclip_core.errors import InputError
from lexclip_core.training.settings import DEFAULT_TOWER

if TYPE_CHECKING:
    from lexclip_core.evaluation.card import Card
    from lexclip_core.evaluation.card_measures import CardItems
    from lexclip_core.evaluation.intervals import Estimate
    from lexclip_core.evaluation.lexical import PartOfSpeech, SynonymPolicy
    from lexclip_core.experiments.run_folder import RunSummary
    from lexclip_core.towers.tower import Tower

evaluate = group("evaluate", "Measure a tower.")

Data = Annotated[
    Path, typer.Argument(help="Folder of the sets in their official layouts.", show_default=False)
]
Loads = Callable[[], "Tower"]


def _measuring(measure: Callable[..., dict[str, Estimate]]) -> Callable[..., None]:
    """Return a command that also takes the options of a tower, and shows what was measured.

    The first argument of `measure` loads the tower: what can be refused without it is refused first.
    """

    def command(
        *,
        tower: TowerName = DEFAULT_TOWER,
        architecture: Architecture = None,
        tuned: Tuned = None,
        as_json: Json = False,
        **own: Any,
    ) -> None:
        found = measure(lambda: load_tower(tower, tuned, architecture), **own)
        metrics = {name: one.as_dict() for name, one in found.items()}
        (emit if as_json else metric_table)(metrics)

    shared = [one for one in _parameters(command) if one.kind is one.KEYWORD_ONLY]
    signature = inspect.Signature([*_parameters(measure)[1:], *shared])
    command.__signature__ = signature  # type: ignore[attr-defined] # which typer reads
    command.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    command.__name__, command.__doc__ = measure.__name__, measure.__doc__
    return command


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    known_to_type_checkers = {"Loads": Any, "Estimate": Any}
    signature = inspect.signature(function, eval_str=True, locals=known_to_type_checkers)
    return list(signature.parameters.values())


@evaluate.command(epilog=example("lexclip evaluate inversion --pos a --policy same_synset --sample 500"))
@_measuring
def inversion(
    load: Loads,
    *,
    pos: Annotated[str | None, typer.Option(help="Part of speech: n, v, a or r [all four].")] = None,
    policy: Annotated[
        str, typer.Option(help="What counts as a synonym: same_synset, similar_to, also_see.")
    ] = "same_synset",
    sample: Annotated[
        int | None, typer.Option(min=1, help="Most triples of each part of speech [all].")
    ] = None,
) -> dict[str, Estimate]:
    """Count words nearer to their antonym than to their synonym.

    The words are all those of WordNet, whether a tuned tower saw them or not; the sample is seeded.
    """
    from lexclip_core.evaluation.lexical import measure_triples, wordnet_triples
    from lexclip_core.wordnet.tables import load_wordnet

    chosen = cast("PartOfSpeech | None", pos), cast("SynonymPolicy", policy)
    triples = wordnet_triples(load_wordnet(), *chosen)
    if sample is not None:
        triples = triples.sample(sample, seed=0)
    tower = load()
    return measure_triples(tower.encode_texts, triples.known(tower.unknown_texts), split="all")


@evaluate.command("word-similarity", epilog=example("lexclip evaluate word-similarity DATA/wordsim --json"))
@_measuring
def word_similarity(load: Loads, data: Data) -> dict[str, Estimate]:
    """Rank correlation on every word-similarity set of a folder."""
    from lexclip_core.datasets.word_similarity import CARDS, available
    from lexclip_core.evaluation.similarity import measure_word_similarity

    if not data.is_dir() or not available(data):
        files = ", ".join(one.files[0] for one in CARDS.values())
        raise InputError(f"{data} has no word-similarity set", f"name a folder with one of: {files}")
    tower = load()
    return measure_word_similarity(tower.encode_texts, data, unknown=tower.unknown_texts)


@evaluate.command(epilog=example("lexclip evaluate sts DATA/sts --task sts-b"))
@_measuring
def sts(
    load: Loads,
    data: Data,
    *,
    task: Annotated[
        list[str] | None, typer.Option(help="A task; may be repeated [the seven of papers].")
    ] = None,
) -> dict[str, Estimate]:
    """Rank correlation on sentence-similarity tasks."""
    from lexclip_core.datasets.sentence_similarity import SEVEN
    from lexclip_core.evaluation.similarity import measure_sts

    tower = load()
    return measure_sts(tower.encode_texts, data, task or SEVEN, unknown=tower.unknown_texts)


@application.command(epilog=example("lexclip card all-MiniLM-L6-v2 lexclip --test-sets DATA"))
def card(  # noqa: PLR0913 - one option each
    towers: Annotated[
        list[str],
        typer.Argument(metavar="TOWER", help="What --tower takes, or a run's name or folder."),
    ],
    *,
    others: Annotated[
        list[str] | None,
        typer.Option("--beside", help="Another tower, run or card to compare with; may be repeated."),
    ] = None,
    measure: Annotated[list[str] | None, typer.Option(help="Measure this alone; may be repeated.")] = None,
    test_sets: Annotated[
        Path | None, typer.Option(help="Folder with wordsim, sts and sugarcrepe_pp, measured as well.")
    ] = None,
    architecture: Architecture = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the cards [build/cards].")] = None,
    as_json: Json = False,
) -> None:
    """Measure what towers make of words: their lexical cards.

    Writes a JSON file per TOWER and one page for all of them. What was measured before is found in the cache,
    so that a command that was stopped goes on where it stopped. Under torchrun the processes share the work.
    """
    from lexclip_core.datasets.cards import entry_of
    from lexclip_core.evaluation.card import write_card
    from lexclip_core.evaluation.card_measures import MEASURES
    from lexclip_core.figures.cards import write_page
    from lexclip_core.training.distributed import is_writer, join

    if test_sets is not None and not test_sets.is_dir():
        raise InputError(f"{test_sets} is not a folder", "name a folder with wordsim, sts, sugarcrepe_pp")
    folder = out or storage.build_folder() / "cards"
    only = tuple(measure or ())
    for name in only:
        entry_of(MEASURES, name, "measure")
    join()  # before a tower is loaded
    made: dict[Path, Card] = {}
    for name in towers:  # each is written at once: the next may take minutes
        one = card_of(name, test_sets, only=only, architecture=architecture)
        path = folder / f"{file_name(one)}.json"
        made[write_card(path, one) if is_writer() else path] = one
    compared = [_known_card(name, folder) or card_of(name, test_sets, only=only) for name in others or ()]
    if not is_writer():  # torchrun started several of us
        return
    shown = {one.tower.label: one for one in (*made.values(), *compared)}
    page = write_page(next(iter(made)).with_suffix(".html"), shown)
    if as_json:
        emit(
            {
                "page": str(page),
                "cards": {str(path): one.model_dump(mode="json") for path, one in made.items()},
            }
        )
        return
    _show(shown)
    typer.echo("\n" + "\n".join(f"wrote {path}" for path in (*made, page)))


def file_name(card: Card) -> str:
    """Return what the file of a card is called, without its end."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", card.tower.run or card.tower.name).strip("-.") or "card"


def _known_card(name: str, folder: Path) -> Card | None:
    """Return the card of a file, or the one of that name among the cards made here and those that ship."""
    from lexclip_core.evaluation.card import cards_folder, read_card, read_cards

    if name.endswith(".json"):
        return read_card(Path(name))
    return read_cards(cards_folder(), folder)[0].get(name)


def card_of(
    name: str,
    test_sets: Path | None = None,
    *,
    only: tuple[str, ...] = (),
    architecture: str | None = None,
) -> Card:
    """Measure the tower, or the tuned tower of the run, of a name.

    Args:
        name: What `--tower` takes, or a run's name or folder.
        test_sets: Folder with `wordsim`, `sts` and `sugarcrepe_pp`.
        only: The measures; all by default.
        architecture: Of a weight file that does not state it.

    Raises:
        InputError: The tower or a measure is unknown, or the run held out no words.
        MissingResourceError: Weights or tuned tensors are not on this machine.
    """
    from lexclip_core.experiments.run_folder import tensors_of
    from lexclip_core.experiments.word_measures import card_items, tower_card
    from lexclip_core.experiments.words import lexicon, split_rule
    from lexclip_core.training.settings import TrainingSettings

    run = _run_of(name)
    tuned = tensors_of(run) if run else None
    tower = load_tower(str(run.config.get("tower") or DEFAULT_TOWER) if run else name, tuned, architecture)
    rule = split_rule(TrainingSettings.from_flat(dict(run.config))) if run else "family"
    if run and rule == "none":
        raise InputError(f"{run.run_id} was tuned on all words: none is held out", "name another run")
    items = replace(card_items(vocabulary=lexicon(rule)), test_sets=test_sets)
    parts = ["lexclip card", run.run_id if run else name, *(f"--measure {one}" for one in only)]
    command = " ".join([*parts, *(["--test-sets FOLDER"] if test_sets else [])])

    def about(measured: CardItems) -> dict[str, str]:
        if run is None or tuned is None:
            return {}
        sums = {"run": run.run_id, "tuned_sha256": storage.sha256(tuned)}
        return sums | {"tuned_on": _tuned_on(run, measured)}

    return tower_card(tower, items, only=only, command=command, about=about)


def _run_of(name: str) -> RunSummary | None:
    from lexclip_core.experiments.run_folder import find_run, run_of_preset, summarise

    known = [folder for folder in (storage.runs_folder() / name, Path(name)) if name]
    if any((folder / "config.json").is_file() and (folder / "pairs.csv").is_file() for folder in known):
        return summarise(find_run(name))
    return run_of_preset(name, folder=storage.runs_folder())


def _tuned_on(run: RunSummary, items: CardItems) -> str:
    """Return which words a run was tuned on, next to those that are measured."""
    from lexclip_core.experiments.run_folder import read_run

    method = run.config.get("method")
    if method == "relations":
        return "words of the training split; none of the words measured here"
    if method == "paraphrases":
        return "captions and their paraphrases; words measured here may stand in them"
    words = {word for pair in items.both for word in pair}
    return f"a list of words; at most {len(words & set(read_run(run.path).words))} of those measured here"


def _show(cards: Mapping[str, Card]) -> None:
    """Print cards side by side; of a single one the centred numbers too."""
    from lexclip_core.evaluation.card import side_by_side

    shown = side_by_side(cards)
    table(tuple(shown.columns), [*shown.itertuples(index=False, name=None)])
    for name, one in cards.items():
        for measure, reason in one.missing.items():
            typer.echo(f"{name}: {measure} was not measured: {reason}", err=True)
