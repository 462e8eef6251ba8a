"""What every provider of paraphrases is, what it takes, what it gives back, and how good that is.

A caption is paraphrased in two steps, x_T -> x_T' -> x_T''. The two prompts are the paper's, section 2.1,
word for word: it prints no closing quotation mark after the second and calls the slot `text`; straight
quotation marks stand here for its typographic ones.

>>> prompt(1, "a dog")
'Paraphrase the given caption "a dog" concisely while preserving the meaning.'
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from lexclip_core import storage
from lexclip_core.cache import JSON, AppendLog, cached
from lexclip_core.errors import InputError
from lexclip_core.paraphrase.records import (
    IMAGE_NAMES,
    RELEASED_WORDS,
    TEXTS,
    ParaphraseRecord,
    has_words,
    shard_captions,
)
from lexclip_core.text_files import numbered_lines, read_json, table_rows

if TYPE_CHECKING:
    import pandas as pd

    from lexclip_core.towers.encoder import Encoder

CAPTION_TO_PARAPHRASE = 'Paraphrase the given caption "{text}" concisely while preserving the meaning.'
"""Caption-to-paraphrase generation: x_T -> x_T'."""

PARAPHRASE_TO_PARAPHRASE = (
    'Paraphrase the given text "{text}" concisely while preserving the meaning '
    "and avoiding use of existing words."
)
"""Paraphrase-to-paraphrase generation: x_T' -> x_T''."""

Step = Literal[1, 2]
STEPS: tuple[Step, ...] = (1, 2)

_QUOTES = {'"': '"', "'": "'", "\u201c": "\u201d", "\u2018": "\u2019", "\u00ab": "\u00bb"}
_LABEL = re.compile(r"^\s*(?:paraphrase[d]?(?:\s+(?:caption|text))?|caption|answer)\s*:\s*", re.IGNORECASE)
_PROMPTS = {1: CAPTION_TO_PARAPHRASE, 2: PARAPHRASE_TO_PARAPHRASE}


# --- questions and answers ---


def prompt(step: int, text: str) -> str:
    """Return the prompt of step 1 (`text` is a caption) or 2 (`text` is the first paraphrase).

    The text enters as it is, once: braces and quotation marks in it are not read again.
    """
    return _PROMPTS[step].replace("{text}", text, 1)


def clean_reply(reply: str) -> str:
    """Return a reply on one line, without a label before it and quotation marks around it; "" for nothing.

    Half a surrogate pair, which cannot be written to a file, becomes a question mark.

    >>> clean_reply('Paraphrase: "A dog runs."')
    'A dog runs.'
    """
    text = " ".join(reply.encode("utf-8", "replace").decode().split())
    text = _LABEL.sub("", text)
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        text = text[1:-1].strip()
    return text


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered.

    Attributes:
        text: The answer as it came.
        finish: Why the model stopped: "stop", or what cut it short.
        input_tokens: Tokens of the question as billed; 0 where unknown.
        output_tokens: Tokens of the answer as billed; 0 where unknown.
    """

    text: str
    finish: str = "stop"
    input_tokens: int = 0
    output_tokens: int = 0


def answer_log(path: Path) -> AppendLog:
    """Open a file of answers under the sha256 of their questions, so that none is asked or paid for twice.

    Started by torchrun, each process but the first writes a file of its own next to it, `answers-1.jsonl`;
    what stands in any of them is known to whoever opens one.

    Raises:
        InputError: Another process has the file open.
        StorageError: The file cannot be opened.
    """
    place = storage.processes()[0]
    own = path.with_stem(f"{path.stem}-{place}") if place else path
    every = [path, *sorted(path.parent.glob(f"{path.stem}-[0-9]*{path.suffix}"))]
    others = [one for one in every if one != own and one.is_file()]
    return AppendLog(own, durable=True, fields=[one.name for one in fields(Answer)], others=others)


# --- providers ---


@dataclass(frozen=True, slots=True)
class Caption:
    """A caption and the picture it belongs to ("" where there is none)."""

    text: str
    image: str = ""


def caption_form(text: str) -> str:
    """Return the form that captions are compared by: without case, white space and closing marks.

    >>> caption_form("A  dog.")
    'a dog'
    """
    return " ".join(text.casefold().rstrip(" .!").split())


@dataclass(frozen=True, slots=True)
class Failure:
    """A caption that got no record, and why; ask again with the same caption to retry it.

    Attributes:
        caption: What was asked for.
        step: The step that failed: 1, caption to paraphrase, or 2, paraphrase to paraphrase.
        reason: What a person can read.
    """

    caption: Caption
    step: Step
    reason: str


Outcome = ParaphraseRecord | Failure


class Provider(Protocol):
    """Anything that paraphrases captions in two steps."""

    @property
    def name(self) -> str:
        """What made the paraphrases, for provenance; no key, no password."""

    def paraphrase(self, captions: Sequence[Caption]) -> Iterator[Outcome]:
        """Yield one outcome per caption, in the order given."""


@dataclass(frozen=True)
class Made:
    """What came of some captions.

    Attributes:
        records: The complete records, in the order of the captions.
        failures: Captions without a record.
        filtered: Captions that were too short or too long to be asked for.
    """

    records: tuple[ParaphraseRecord, ...]
    failures: tuple[Failure, ...] = ()
    filtered: tuple[Caption, ...] = field(default=())

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Made:
        """Return what `dataclasses.asdict` was given, after a way through JSON."""
        failures = ({**one, "caption": Caption(**one["caption"])} for one in values["failures"])
        return cls(
            tuple(ParaphraseRecord(**one) for one in values["records"]),
            tuple(Failure(**one) for one in failures),
            tuple(Caption(**one) for one in values["filtered"]),
        )

    def __add__(self, other: Made) -> Made:
        """Return both, one after the other."""
        return Made(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


def make_records(
    captions: Iterable[Caption], provider: Provider, words: tuple[int, int] = RELEASED_WORDS
) -> Made:
    """Paraphrase the captions that have from `words[0]` to `words[1]` words.

    Raises:
        InputError: The bounds are not 1 <= fewest <= most.
        LexclipError: What the provider raises where it cannot work at all.
    """
    asked: list[Caption] = []
    filtered: list[Caption] = []
    for caption in captions:
        (asked if has_words(caption.text, words) else filtered).append(caption)
    records: list[ParaphraseRecord] = []
    failures: list[Failure] = []
    made = provider.paraphrase(asked) if asked else iter(())
    for outcome in storage.progress(made, total=len(asked), desc="paraphrases"):
        if isinstance(outcome, Failure):
            failures.append(outcome)
        else:
            records.append(outcome)
    return Made(tuple(records), tuple(failures), tuple(filtered))


SHARD = 8_192
"""Captions of a shard: what a kill can cost, where a model's answers are not stored one by one."""


def make_shards(
    captions: Sequence[Caption],
    provider: Provider,
    words: tuple[int, int] = RELEASED_WORDS,
    *,
    run: str = "",
    shard: int = SHARD,
) -> Iterator[Made]:
    """Paraphrase captions shard by shard, and return an iterator over what came of each, in order.

    A shard is in the cache once it is made. Started by torchrun, each process makes its share, and then what
    nobody has made yet; the shards are the same for any number of processes.

    Args:
        captions: All of them, of which captions of the same picture are taken as well.
        provider: Makes them; its outcomes depend on caption, name and the captions.
        words: As in `make_records`.
        run: A name for outcomes that another run may not find, since what failed is to be tried again.
        shard: Captions between two writes.

    Raises:
        InputError: As in `make_records`.
        LexclipError: What the provider raises where it cannot work at all.
    """
    if check := getattr(provider, "check_budget", None):
        check([caption for caption in captions if has_words(caption.text, words)])
    digest = hashlib.sha256()
    for caption in captions:
        digest.update(json.dumps(astuple(caption)).encode())
    code = [storage.sha256(file) for file in sorted(Path(__file__).parent.glob("*.py"))]
    content = {"captions": digest.hexdigest(), "provider": provider.name, "words": words, "code": code}

    def part(start: int) -> Made:
        def make() -> dict[str, Any]:
            return asdict(make_records(captions[start : start + shard], provider, words))

        key = {**content, "run": run, "start": start, "shard": shard}
        return Made.from_dict(cached("records", key, make, codec=JSON, group=run))

    starts = range(0, len(captions), shard)
    for start in dict.fromkeys([*storage.own_share(starts), *starts]):
        part(start)
    return map(part, starts)


# --- files of captions ---


def read_captions(path: Path) -> tuple[Caption, ...]:
    """Return the captions of a file, or of a folder with webdataset shards, in order, empty ones left out.

    `.txt` has one caption per line; `.jsonl`, `.csv` and `.tsv` have a field caption (or text), and one for
    the picture where known; `.json` is COCO's captions file, whose pictures go by their file names; `.tar`
    is a webdataset shard.

    Raises:
        InputError: The name ends otherwise, there is no such file, or it has no caption.
        DamagedFileError: A line is not what it must be; the message names the file and the line.
    """
    if path.suffix not in _READERS and not path.is_dir():
        problem = f"{path.name} is not a file of captions"
        raise InputError(problem, f"name one ending in {', '.join(_READERS)}")
    if not path.exists():
        raise InputError(f"cannot read {path}: there is no such file", "check the path")
    read = _shards if path.is_dir() else _READERS[path.suffix]
    captions = tuple(caption for caption in read(path) if caption.text)
    if not captions:
        raise InputError(f"{path} has no captions", "give a file with at least one")
    return captions


def _shards(path: Path) -> Iterator[Caption]:
    parts = sorted(path.glob("*.tar")) if path.is_dir() else [path]
    return (Caption(text.strip(), image) for image, text in shard_captions(parts))


def _plain(path: Path) -> Iterator[Caption]:
    return (Caption(line.strip()) for _, line in numbered_lines(path))


def _table(path: Path) -> Iterator[Caption]:
    columns = {"caption": ("caption", "text")}
    rows = table_rows(
        path, columns, optional={"image": IMAGE_NAMES}, remedy="name the column of the captions"
    )
    return (Caption(row["caption"].strip(), row.get("image", "")) for _, row in rows)


def _coco(path: Path) -> Iterator[Caption]:
    from lexclip_core.datasets.captions import CocoCaptions

    content: CocoCaptions = read_json(path, CocoCaptions, remedy="give COCO's captions_*.json")
    names = {one["id"]: one["file_name"] for one in content.get("images", [])}
    for note in content["annotations"]:
        yield Caption(note["caption"].strip(), names.get(note["image_id"], str(note["image_id"])))


_READERS: dict[str, Callable[[Path], Iterator[Caption]]] = {
    ".txt": _plain,
    ".jsonl": _table,
    ".csv": _table,
    ".tsv": _table,
    ".json": _coco,
    ".tar": _shards,
}


# --- how good paraphrases are ---

PAIRS = {
    "step 1": ("caption", "paraphrase_1"),
    "step 2": ("paraphrase_1", "paraphrase_2"),
    "both steps": ("caption", "paraphrase_2"),
}
"""Row of the report -> from which text to which."""

COLUMNS = ("words", "length_ratio", "overlap", "unchanged", "identical", "self_bleu", "cosine", "failed")


def content_words(text: str) -> frozenset[str]:
    """Return the words of a text in lower case, without function words and marks.

    >>> sorted(content_words("There is a Red dog!"))
    ['dog', 'red']
    """
    from lexclip_core.paraphrase.grammar import load_english, split

    words = (word.lower() for word in split(text))
    return frozenset(
        word for word in words if word[0].isalnum() and word not in load_english().function_words
    )


def overlap(source: str, target: str) -> float:
    """Return the Jaccard similarity of two texts' content words, in [0, 1]; 1 where neither has any.

    >>> overlap("a red dog", "the dog barks") == 1 / 3
    True
    """
    one, other = content_words(source), content_words(target)
    return len(one & other) / len(one | other) if one | other else 1.0


def unchanged_words(source: str, target: str) -> float:
    """Return the share of the source's words, function words included, that the target has too, in [0, 1]."""
    from lexclip_core.paraphrase.grammar import split

    words = [word.lower() for word in split(source) if word[0].isalnum()]
    others = {word.lower() for word in split(target)}
    return sum(word in others for word in words) / len(words) if words else 1.0


def identical(source: str, target: str) -> bool:
    """Return whether two texts are the same but for case and closing marks."""
    return caption_form(source) == caption_form(target)


def self_bleu(sources: Sequence[str], targets: Sequence[str]) -> float:
    """Return corpus BLEU of the paraphrases with their sources as references, in [0, 1]; 1 is a copy.

    Texts are compared in lower case, with sacrebleu's own tokenizer and smoothing.

    Raises:
        InputError: The lists are empty or differ in length.
    """
    if not sources or len(sources) != len(targets):
        raise InputError(f"{len(sources)} sources and {len(targets)} paraphrases", "give as many of each")
    import sacrebleu

    return sacrebleu.corpus_bleu(list(targets), [list(sources)], lowercase=True).score / 100


def mean_cosine(sources: Sequence[str], targets: Sequence[str], encode: Encoder) -> float:
    """Return the mean cosine of each text and its paraphrase, in [-1, 1]; `encode` is asked once per text."""
    texts = list(dict.fromkeys((*sources, *targets)))
    rows = dict(zip(texts, encode(texts), strict=True))
    products = [float(rows[one] @ rows[other]) for one, other in zip(sources, targets, strict=True)]
    return float(np.mean(products))


def quality_table(made: Made, encode: Encoder | None = None) -> pd.DataFrame:
    """Return one row for step 1, step 2 and both, with means over the records.

    Columns: words (of the target), length_ratio (target to source, in words), overlap, unchanged, identical
    (share of records), self_bleu, cosine (NaN without `encode`), failed (share of what the step was given).

    Args:
        made: The records and the failures.
        encode: Texts -> unit rows, for the column cosine.

    Raises:
        InputError: There is no record.
    """
    if not made.records:
        raise InputError("there is no record to judge", "look at the failures")
    import pandas as pd

    rows = {name: _row(made, pair, encode) for name, pair in PAIRS.items()}
    for name, share in _failed(made.failures, len(made.records)).items():
        rows[name]["failed"] = share
    return pd.DataFrame.from_dict(rows, orient="index")[list(COLUMNS)]


def examples(records: Sequence[ParaphraseRecord], count: int, seed: int = 0) -> pd.DataFrame:
    """Return some records to read, drawn by a seed, with the overlap of caption and second paraphrase."""
    import pandas as pd

    chosen = np.random.default_rng(seed).permutation(len(records))[:count]
    rows = [records[place] for place in sorted(chosen.tolist())]
    texts = {name: [getattr(row, name) for row in rows] for name in TEXTS}
    return pd.DataFrame({**texts, "overlap": [overlap(row.caption, row.paraphrase_2) for row in rows]})


def _row(made: Made, pair: tuple[str, str], encode: Encoder | None) -> dict[str, float]:
    sources = [getattr(record, pair[0]) for record in made.records]
    targets = [getattr(record, pair[1]) for record in made.records]
    both = list(zip(sources, targets, strict=True))
    return {
        "words": float(np.mean([len(target.split()) for target in targets])),
        "length_ratio": float(np.mean([len(new.split()) / len(old.split()) for old, new in both])),
        "overlap": float(np.mean([overlap(*one) for one in both])),
        "unchanged": float(np.mean([unchanged_words(*one) for one in both])),
        "identical": float(np.mean([identical(*one) for one in both])),
        "self_bleu": self_bleu(sources, targets),
        "cosine": mean_cosine(sources, targets, encode) if encode else float("nan"),
    }


def _failed(failures: Sequence[Failure], records: int) -> dict[str, float]:
    first = sum(failure.step == 1 for failure in failures)
    second = len(failures) - first
    asked = records + len(failures)
    return {"step 1": first / asked, "step 2": second / (asked - first), "both steps": len(failures) / asked}
