"""The commands that train: on words, on paraphrases, and in sweeps. One reading of --preset, --set, --config.

Under torchrun all processes train, and the first one writes and prints.
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, group, metric_table
from lexclip_core.cli.runs import tensors_line
from lexclip_core.cli.towers import NAMES, Architecture
from lexclip_core.training.settings import (
    CUSTOM,
    DEFAULT_TOWER,
    METHODS,
    ParaphraseSettings,
    TrainingSettings,
    describe_settings,
    presets_of,
    settings_class,
)
from lexclip_core.training.strict_settings import SettingDoc, read_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

S = TypeVar("S", bound=TrainingSettings)

paraclip = group("paraclip", "Train on paraphrases.")

_WIDTH = 96


def _settings_help(*methods: str) -> str:
    """Return the table of settings as the end of a help text shows it."""
    shared = set(TrainingSettings.model_fields)
    common = [row for row in describe_settings(methods[0]) if row.name in shared]
    parts = [("Settings, for --set and --config", common)]
    for method in methods:
        parts.append((f"Of method {method}", [r for r in describe_settings(method) if r.name not in shared]))
    return "\n\n".join(f"\b\n{title}:\n" + "\n".join(map(_row_help, rows)) for title, rows in parts)


def _row_help(row: SettingDoc) -> str:
    text = f"{row.name}: {row.meaning} [{row.kind}; {row.default or 'empty'}]"
    return textwrap.fill(text, _WIDTH, initial_indent="  ", subsequent_indent="      ")


def _choices(settings: type[TrainingSettings]) -> str:
    return f"One of: {', '.join((*presets_of(settings), CUSTOM))}."


Changes = Annotated[
    list[str] | None, typer.Option("--set", help="Change a setting: name=value; may be repeated.")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="TOML file of settings; --preset and --set come after it.")
]
Out = Annotated[Path | None, typer.Option(help="Folder of run folders [LEXCLIP_RUNS, else data/runs].")]
AnyPreset = Annotated[str | None, typer.Option(help=f"{_choices(TrainingSettings)} [lexclip]")]
ParaphrasePreset = Annotated[
    str | None, typer.Option(help=f"{_choices(ParaphraseSettings)} [paraclip-emoji]")
]
TestSets = Annotated[Path | None, typer.Option(help="Folder with sts/ and sugarcrepe_pp/, measured as well.")]


TowerOption = Annotated[str | None, typer.Option("--tower", help=f"Short for --set tower=...: {NAMES}")]


def on_tower(settings: S, tower: str | None, architecture: str | None) -> S:
    """Return the settings with the tower that --tower and --architecture name."""
    if tower is None and architecture is None:
        return settings
    from lexclip_core.towers.loading import with_architecture

    return settings.replace(tower=with_architecture(tower or settings.tower, architecture))


def chosen_settings(
    kind: type[S], preset: str | None, config: Path | None, changes: list[str] | None, *, default: str
) -> S:
    """Return the settings that --preset, --config and --set say, the later ones coming first.

    Args:
        kind: The class of settings that the command takes.
        preset: As given.
        config: A TOML file.
        changes: Texts of the form name=value.
        default: The preset where none is named.

    Raises:
        InputError: A name is unknown, or a value is refused.
    """
    texts = changes or []
    values = read_settings(config) if config else {}
    values["preset"] = preset or values.get("preset", default)
    methods = [text.removeprefix("method=") for text in texts if text.startswith("method=")]
    method = methods[-1] if methods else values.get("method")
    reader = settings_class(str(method)) if method else kind.from_flat({"preset": values["preset"]})
    return kind.from_flat(values | reader.read_texts(texts))


@application.command(
    epilog=f"{_settings_help(*METHODS)}\n\n"
    + example("lexclip tune --preset blog-first-defaults --set tower=tiny-random")
)
def tune(  # noqa: PLR0913 - one argument per option
    *,
    preset: AnyPreset = None,
    tower: TowerOption = None,
    architecture: Architecture = None,
    changes: Changes = None,
    config: Config = None,
    out: Out = None,
    test_sets: Annotated[
        Path | None, typer.Option(help="Folder with wordsim/, sts/, sugarcrepe_pp/, measured as well.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Tune a tower and write a run folder.

    Prints the metrics after and before. Killed, it goes on from its last checkpoint when called
    again with the same settings. The explorer shows the run at its next page load. Under torchrun all
    processes train: torchrun --nproc-per-node 2 -m lexclip_core.cli tune ...
    """
    settings = chosen_settings(TrainingSettings, preset, config, changes, default="lexclip")
    _run(on_tower(settings, tower, architecture), out, test_sets, as_json=as_json)


@paraclip.command(
    "tune",
    epilog=f"{_settings_help('paraphrases')}\n\n"
    + example("lexclip paraclip tune --preset paraclip-emoji --seed 1"),
)
def tune_on_paraphrases(  # noqa: PLR0913 - one argument per option
    *,
    preset: ParaphrasePreset = None,
    tower: TowerOption = None,
    architecture: Architecture = None,
    changes: Changes = None,
    config: Config = None,
    records: Annotated[
        Path | None, typer.Option(help="Captions of your own: a file, or a folder of .tar shards [emoji].")
    ] = None,
    pictures: Annotated[Path | None, typer.Option(help="Folder of the pictures that they name.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.", min=0, max=2**32 - 1)] = None,
    out: Out = None,
    test_sets: TestSets = None,
    as_json: Json = False,
) -> None:
    """Train a text tower on captions and paraphrases, of emoji or of your own, and write a run folder.

    Captions without paraphrases get them from the provider. A tenth of your pictures is held out and
    measured. The image tower is the text tower's own, where --tower names a CLIP and --set image_tower no
    other. Prints the metrics after and before. Killed, it goes on from its last checkpoint when called again
    with the same settings. The explorer shows the run at its next page load. Under torchrun all processes
    train.
    """
    settings = chosen_settings(ParaphraseSettings, preset, config, changes, default="paraclip-emoji")
    settings = on_tower(settings, tower, architecture)
    own = {"records": records, "pictures": pictures}
    given = {name: str(path.resolve()) for name, path in own.items() if path is not None}
    if settings.tower != DEFAULT_TOWER and tower and "image_tower" not in str(changes):
        given["image_tower"] = settings.tower
    settings = settings.replace(**given) if given else settings
    _run(settings if seed is None else settings.replace(seed=seed), out, test_sets, as_json=as_json)


def _run(settings: TrainingSettings, out: Path | None, test_sets: Path | None, *, as_json: bool) -> None:
    from lexclip_core.experiments import pipeline
    from lexclip_core.experiments.run_folder import summarise
    from lexclip_core.training.distributed import is_writer

    path = pipeline.tune(settings, out or storage.runs_folder(), test_sets=test_sets)
    if not is_writer():  # torchrun started several of us
        return
    summary = summarise(path)
    if as_json:
        metrics = {name: dict(metric) for name, metric in summary.metrics.items()}
        tuned = str(summary.tuned_path) if summary.tuned_path else None
        emit({"run_id": summary.run_id, "path": str(path), "tuned": tuned, "metrics": metrics})
        return
    metric_table(summary.metrics)
    typer.echo(f"\nrun folder: {path}\n{tensors_line(summary)}")


@paraclip.command(epilog=example("lexclip paraclip sweep table2 --seeds 3"))
def sweep(  # noqa: PLR0913 - one argument per option
    *,
    what: Annotated[Literal["table2", "tradeoffs", "ablation"], typer.Argument(help="Which table to make.")],
    preset: ParaphrasePreset = None,
    changes: Changes = None,
    config: Config = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds, from 0 on.")] = 3,
    scenes: Annotated[int, typer.Option(min=2, help="Test scenes.")] = 300,
    test_sets: TestSets = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the table [data/paraclip].")] = None,
) -> None:
    """Train every row of Table 2, or settings of weights and alpha, or of other choices, into one table.

    Killed, it goes on where it stopped.
    """
    settings = chosen_settings(ParaphraseSettings, preset, config, changes, default="paraclip-emoji")
    from lexclip_core.experiments import sweeps
    from lexclip_core.training.distributed import is_writer, join

    join()
    tables: dict[str, Callable[[sweeps.Sweep, Sequence[int]], pd.DataFrame]] = {
        "table2": sweeps.sweep_table2,
        "tradeoffs": sweeps.sweep_trade_offs,
        "ablation": sweeps.sweep_ablation,
    }
    table = tables[what](sweeps.emoji_sweep(settings, count=scenes, folder=test_sets), tuple(range(seeds)))
    if not is_writer():
        return
    path = (out or storage.data_folder() / "paraclip") / f"{what}.csv"
    with storage.atomic_write(path) as partial:
        table.to_csv(partial, index=False, float_format="%.5f")
    typer.echo(f"{len(table)} rows in {path}")


@application.command("word-curve", epilog=example("lexclip word-curve --test-sets DATA"))
def word_curve(
    *,
    words: Annotated[
        list[int] | None, typer.Option(min=2, help="A number of words; may be repeated.")
    ] = None,
    changes: Changes = None,
    test_sets: Annotated[Path | None, typer.Option(help="Folder with wordsim/, measured as well.")] = None,
    out: Annotated[Path | None, typer.Option(help="The table [data/scale/words.csv].")] = None,
) -> None:
    """Tune on more and more words, 100 to 50,000, and measure each tower on words of held-out families.

    Each number of words is tuned with its targets and with shuffled ones, all for the same number of steps.
    Killed, it goes on where it stopped. What made the table stands beside it, in a JSON file.
    """
    import json

    from lexclip_core.experiments import sweeps
    from lexclip_core.experiments.run_folder import git_commit
    from lexclip_core.training.settings import RelationSettings

    start = sweeps.WORD_CURVE
    start = start.replace(**RelationSettings.read_texts(changes or []))
    table = sweeps.sweep_words(start, tuple(words or sweeps.WORD_COUNTS), test_sets=test_sets)
    path = out or storage.data_folder() / "scale" / "words.csv"
    given = "".join(f" --words {count}" for count in words or [])
    given += "".join(f" --set {change}" for change in changes or []) + (
        " --test-sets FOLDER" if test_sets else ""
    )
    about = {"command": f"lexclip word-curve{given}", "commit": git_commit(), "settings": start.flat()}
    with storage.atomic_write(path) as partial:
        table.to_csv(partial, index=False, float_format="%.5g")
    with storage.atomic_write(path.with_suffix(".json")) as partial:
        partial.write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")
    typer.echo(f"{len(table)} rows in {path}")
