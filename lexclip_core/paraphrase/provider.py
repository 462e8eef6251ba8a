"""What every provider of paraphrases is, what it takes and what it gives back.

A caption is paraphrased in two steps, x_T -> x_T' -> x_T''. The two prompts are the paper's, section 2.1,
word for word: it prints no closing quotation mark after the second and calls the slot `text`; straight
quotation marks stand here for its typographic ones.

>>> prompt(1, "a dog")
'Paraphrase the given caption "a dog" concisely while preserving the meaning.'
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Protocol

from lexclip_core import storage
from lexclip_core.cache import AppendLog
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.paraphrase.records import RELEASED_WORDS, ParaphraseRecord, has_words
from lexclip_core.words import shown

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

    Raises:
        InputError: Another process has the file open.
        StorageError: The file cannot be opened.
    """
    return AppendLog(path, durable=True, fields=[one.name for one in fields(Answer)])


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


# --- files of captions ---

_TEXT = ("caption", "text", "TEXT")
_IMAGE = ("image", "image_id", "image_path", "filename", "file_name", "url", "URL")


def read_captions(path: Path) -> tuple[Caption, ...]:
    """Return the captions of a file in order, empty ones left out.

    `.txt` has one caption per line; `.jsonl`, `.csv` and `.tsv` have a field caption (or text), and one for
    the picture where known; `.json` is COCO's captions file, whose pictures go by their file names.

    Raises:
        InputError: The name ends otherwise, the file cannot be read, or has no caption.
        DamagedFileError: A line is not what it must be; the message names the file and the line.
    """
    if path.suffix not in _READERS:
        raise InputError(
            f"{path.name} is not a file of captions", f"name one ending in {', '.join(_READERS)}"
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 text: {error}", "save it as UTF-8") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}", "check the path") from error
    captions = tuple(caption for caption in _READERS[path.suffix](path, text) if caption.text.strip())
    if not captions:
        raise InputError(f"{path} has no captions", "give a file with at least one")
    return captions


def _plain(path: Path, text: str) -> Iterator[Caption]:
    return (Caption(line.strip()) for line in text.split("\n"))


def _json_lines(path: Path, text: str) -> Iterator[Caption]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            place = f"{path}, line {number:,}"
            yield _caption(_parsed(line, place), place)


def _table(path: Path, text: str) -> Iterator[Caption]:
    stream = io.StringIO(text, newline="")  # other characters that end a line in Python are part of a text
    rows = csv.DictReader(stream, delimiter="\t" if path.suffix == ".tsv" else ",")
    try:
        for row in rows:
            place = f"{path}, line {rows.line_num:,}"
            if None in row:
                raise DamagedFileError(f"{place} has more cells than the header", "quote or escape its text")
            yield _caption(row, place)
    except csv.Error as error:
        raise DamagedFileError(
            f"{path}, line {rows.line_num + 1:,}: {error}", "look at its quotes"
        ) from error


def _coco(path: Path, text: str) -> Iterator[Caption]:
    content = _parsed(text, str(path))
    annotations = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(annotations, list):
        raise DamagedFileError(f"{path} has no list of annotations", "give COCO's captions_*.json")
    names = {one.get("id"): one.get("file_name") for one in content.get("images", [])}
    for number, one in enumerate(annotations, start=1):
        caption = _caption(one, f"{path}, annotation {number:,}")
        yield Caption(caption.text, names.get(one.get("image_id")) or caption.image)


def _parsed(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DamagedFileError(f"{place} is not JSON: {error}", "look at the file") from error


def _caption(row: Any, place: str) -> Caption:
    if not isinstance(row, dict):
        raise DamagedFileError(f"{place} is not an object but {shown(str(row))}", f"give it a {_TEXT[0]}")
    text = next((row[name] for name in _TEXT if row.get(name) is not None), None)
    if not isinstance(text, str):
        raise DamagedFileError(f"{place} has no caption", f"name the field {' or '.join(_TEXT[:2])}")
    image = next((row[name] for name in _IMAGE if row.get(name) is not None), "")
    return Caption(text.strip(), str(image))


_READERS: dict[str, Callable[[Path, str], Iterator[Caption]]] = {
    ".txt": _plain,
    ".jsonl": _json_lines,
    ".csv": _table,
    ".tsv": _table,
    ".json": _coco,
}
