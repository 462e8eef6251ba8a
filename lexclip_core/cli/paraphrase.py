"""The command that makes paraphrases of captions."""

from __future__ import annotations

import math
import shutil
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lexclip_core import storage
from lexclip_core.cli.application import Json, application, emit, example, table
from lexclip_core.errors import InputError, LexclipError

if TYPE_CHECKING:
    from lexclip_core.paraphrase.limits import Prices
    from lexclip_core.paraphrase.provider import Caption, Made, Provider
    from lexclip_core.paraphrase.records import ParaphraseRecord

SHOWN = 5
JUDGED = 10_000
"""Records that the report judges, at least."""

Captions = Annotated[
    Path,
    typer.Argument(help="Captions: .txt, .jsonl, .csv, .tsv, COCO's .json, .tar shards.", show_default=False),
]
Out = Annotated[Path, typer.Option(help="Where the records go: .jsonl, .parquet or .arrow.")]
ProviderName = Annotated[
    str, typer.Option("--provider", help="rules, siblings, siblings-rules, local or chat.")
]
Words = Annotated[str, typer.Option(help="Fewest and most words of a caption, as released.")]
Seed = Annotated[
    int,
    typer.Option(help="Of what rules and siblings choose, and a local model draws.", min=0, max=2**32 - 1),
]
Model = Annotated[str, typer.Option(help="Model of chat, or folder or name of local.")]
BaseUrl = Annotated[str, typer.Option(help="Service of chat: any that speaks OpenAI's protocol [OpenAI].")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="temperature, top_p or max_tokens=VALUE (or none); may be repeated."),
]
PricesText = Annotated[str, typer.Option(help="US dollars per million tokens: of questions, of answers.")]
Budget = Annotated[
    float | None, typer.Option(help="Most US dollars; work that is estimated higher does not start.")
]
PerMinute = Annotated[float, typer.Option(help="Most requests per minute; 0 for no limit.", min=0)]
Concurrency = Annotated[int, typer.Option(help="Requests under way at a time.", min=1)]
Answers = Annotated[Path | None, typer.Option(help="The file of answers [in LEXCLIP_CACHE].")]
Shard = Annotated[int, typer.Option(help="Captions between two writes.", min=1)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be asked and cost.")]


@application.command(
    "paraphrase", epilog=example("lexclip paraphrase captions.txt --out build/paraphrases.jsonl")
)
def paraphrase_captions(  # noqa: PLR0913 - one option each
    captions: Captions,
    *,
    out: Out = Path("paraphrases.jsonl"),
    provider: ProviderName = "rules",
    words: Words = "2-15",
    seed: Seed = 0,
    model: Model = "",
    base_url: BaseUrl = "",
    settings: Settings = None,
    prices: PricesText = "0,0",
    budget: Budget = None,
    per_minute: PerMinute = 0,
    concurrency: Concurrency = 8,
    answers: Answers = None,
    shard: Shard = 8_192,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Paraphrase captions in two steps and write records.

    A record has image, caption, paraphrase_1 and paraphrase_2. The key of a service is read from
    OPENAI_API_KEY. Answers and whole shards are stored: stopped or failed, call it again and only what is
    missing is made. Under torchrun the processes share the captions, the budget and the pace, and the first
    one writes: torchrun --nproc-per-node 2 -m lexclip_core.cli paraphrase ...
    """
    from lexclip_core.paraphrase.limits import RateLimits
    from lexclip_core.paraphrase.provider import make_shards, read_captions
    from lexclip_core.paraphrase.records import WRITTEN_LAYOUTS, has_words
    from lexclip_core.paraphrase.registry import PROVIDERS, ProviderOptions, open_provider

    if not dry_run and out.suffix not in WRITTEN_LAYOUTS:
        raise InputError(
            f"cannot write {out.name}", f"name a file that ends in {' or '.join(WRITTEN_LAYOUTS)}"
        )
    given, bounds = read_captions(captions), _bounds(words)
    asked = [caption for caption in given if has_words(caption.text, bounds)]
    options = ProviderOptions(
        seed=seed,
        among=asked,
        model=model,
        base_url=base_url,
        settings=_settings(settings or []),
        answers=answers,
        limits=RateLimits(concurrency, per_minute),
        prices=_prices(prices, budget),
    )
    entry = PROVIDERS.get(provider)
    run = _joined(uuid.uuid4().hex if entry and entry.beforehand else "")  # before a model is loaded
    with open_provider(provider, options) as maker:
        if dry_run:
            _estimate(asked, maker, as_json=as_json)
            return
        try:
            shards = make_shards(given, maker, bounds, run=run, shard=shard)
            if storage.processes()[0] == 0:
                _write(shards, words, maker, out, as_json=as_json)
            _joined(run)  # a shard that another process still wants stays
        finally:
            if run:
                shutil.rmtree(storage.cache_folder() / "records" / run, ignore_errors=True)


def _joined(run: str) -> str:
    """Wait for the other processes, where torchrun started several, and return the first one's run."""
    if storage.processes()[1] == 1:  # torch is not needed then
        return run
    from lexclip_core.training.distributed import agreed, wait_for_all

    wait_for_all()
    return agreed(run)


def _bounds(words: str) -> tuple[int, int]:
    fewest, dash, most = words.partition("-")
    if not (dash and fewest.isdecimal() and most.isdecimal()):
        raise InputError(f"--words is {words!r}", "give two numbers, such as 2-15")
    return int(fewest), int(most)


def _prices(prices: str, budget: float | None) -> Prices:
    from lexclip_core.paraphrase.limits import Prices

    try:
        first, second = (float(part) for part in prices.split(","))
    except ValueError as error:
        raise InputError(f"--prices is {prices!r}", "give two numbers, such as 0.5,1.5") from error
    if budget is not None and not first and not second:
        raise InputError("there is a --budget but no --prices", "say what a million tokens cost")
    return Prices(first, second, math.inf if budget is None else budget)


_KINDS: dict[str, type[int | float]] = {"temperature": float, "top_p": float, "max_tokens": int}


def _settings(given: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for setting in given:
        name, _, text = setting.partition("=")
        if name not in _KINDS:
            raise InputError(f"--set {setting!r}", f"set one of {', '.join(_KINDS)}")
        try:
            values[name] = None if text == "none" else _KINDS[name](text)
        except ValueError as error:
            raise InputError(f"{name} is {text!r}", "give a number, or none") from error
    return values


def _estimate(asked: Sequence[Caption], maker: Provider, *, as_json: bool) -> None:
    estimate = getattr(maker, "estimate", None)
    values = {"provider": maker.name, "captions": len(asked), "cost": 0.0}
    if estimate is not None:
        values |= asdict(estimate(asked))
    if as_json:
        emit(values)
    else:
        table(("estimate", "value"), [(name, _shown(value)) for name, value in values.items()])


def _write(shards: Iterator[Made], words: str, maker: Provider, out: Path, *, as_json: bool) -> None:
    from lexclip_core.paraphrase.provider import Made
    from lexclip_core.paraphrase.records import write_records

    counts, judged = Counter[str](), Made(())

    def records() -> Iterator[ParaphraseRecord]:
        nonlocal judged
        for made in shards:
            counts.update({part: len(getattr(made, part)) for part in ("records", "failures", "filtered")})
            judged = judged + made if len(judged.records) < JUDGED else judged
            yield from made.records

    rows = records()
    first = next(rows, None)
    if first is not None:
        write_records(out, chain([first], rows))
    for failure in judged.failures[:SHOWN]:
        typer.echo(f"failed in step {failure.step}: {failure.caption.text!r}: {failure.reason}", err=True)
    if counts["failures"] > SHOWN:
        typer.echo(f"(the first {SHOWN} of {counts['failures']} that failed)", err=True)
    if first is None:
        raise LexclipError(
            f"no record was made: {counts['failures']} captions failed, {counts['filtered']} are not of "
            f"{words.replace('-', ' to ')} words",
            "look at the reasons above, or at --words",
        )
    _report(judged, counts, maker, out, as_json=as_json)


def _report(made: Made, counts: Counter[str], maker: Provider, out: Path, *, as_json: bool) -> None:
    from lexclip_core.paraphrase.provider import examples, quality_table

    judged = quality_table(made).drop(columns="cosine")
    if as_json:
        emit({"provider": maker.name, "out": str(out), **counts, "quality": judged.to_dict("index")})
        return
    for row in examples(made.records, SHOWN).itertuples():
        typer.echo(f"  {row.caption}\n    1  {row.paraphrase_1}\n    2  {row.paraphrase_2}")
    columns = list(judged.columns)
    rows = [(name, *(_shown(row[column]) for column in columns)) for name, row in judged.iterrows()]
    table(("", *columns), rows)
    if len(made.records) < counts["records"]:
        typer.echo(f"(of the first {len(made.records):,} records)")
    typer.echo(", ".join(f"{count:,} {part}" for part, count in counts.items()) + f", by {maker.name}: {out}")


def _shown(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
