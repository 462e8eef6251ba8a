"""Static word vectors: one row per word whatever stands around it, as GloVe and word2vec give them.

A text's feature is the mean of its words' rows. Tuning moves the rows themselves, which for targets from a
lexicon is retrofitting (Faruqui et al., 2015) and leaves all other words where they were; or it trains a map
of all rows, which carries over to words that were never seen ("post-specialisation", Vulić et al., 2018).
"""

from __future__ import annotations

import logging
import mmap
import re
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lexclip_core.download import checked_sha256
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.towers import sources
from lexclip_core.towers.forward import TextTokenizer
from lexclip_core.towers.registry import GLOVE, TowerSpec, spec
from lexclip_core.towers.tower import Tower

MOST_NUMBERS = 2**30
"""Most numbers that are read from a file: 3.5 million words of 300 take 4 GB."""

LONGEST = 512
"""Most words of a text that count."""

_INDEX_SHA256 = "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39"
_LINE, _WORD = 1 << 20, 1 << 12  # most bytes of a row of text, and of a word
_HEADER = re.compile(rb"([0-9]+)[ \t]([0-9]+)[ \r]*\n?")
_SHOWN = 10

logger = logging.getLogger(__name__)


class RowAdapter(nn.Module):
    """One hidden layer that is added to every feature, B gelu(A x); with B = 0, as at first, a no-op.

    A and B are called and averaged as those of low-rank adapters: the units of several stand side by side.

    Args:
        dim: Length of a feature.
        hidden: Units of the hidden layer.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.lora_A, self.lora_B = nn.Linear(dim, hidden), nn.Linear(hidden, dim, bias=False)
        nn.init.zeros_(self.lora_B.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Return features (n, dim) moved, by as much whatever their length: only directions count."""
        length = features.norm(dim=1, keepdim=True).clamp(min=1e-12)
        scaled = features / length * features.shape[1] ** 0.5  # numbers of about 1
        moved: Tensor = features + length * self.lora_B(functional.gelu(self.lora_A(scaled)))
        return moved


class WordRows(nn.Module):
    """The rows of a vocabulary as a model: `rows`, (words, dim), and an adapter where one is trained.

    Args:
        rows: float32 (words, dim).
    """

    unknown: Tensor

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.rows = nn.Parameter(rows)
        self.adapter: RowAdapter | None = None
        self.register_buffer("unknown", rows.mean(dim=0), persistent=False)

    def encode_text(self, ids: Tensor) -> Tensor:
        """Return features (texts, dim): the mean of each text's rows; of a text without any, that of all.

        Args:
            ids: (texts, longest); 0 is padding and i the row i - 1.

        >>> WordRows(torch.eye(2)).encode_text(torch.tensor([[1, 2], [2, 0]])).tolist()
        [[0.5, 0.5], [0.0, 1.0]]
        """
        own = (ids > 0).unsqueeze(-1)
        rows = functional.embedding((ids - 1).clamp(min=0), self.rows) * own
        found = torch.where(own.any(dim=1), rows.sum(dim=1) / own.sum(dim=1).clamp(min=1), self.unknown)
        return found if self.adapter is None else self.adapter(found)

    def add_adapter(self, hidden: int, seed: int) -> None:
        """Put an adapter of so many hidden units on top of the rows.

        >>> model = WordRows(torch.eye(2))
        >>> model.add_adapter(3, seed=0)
        >>> model.encode_text(torch.tensor([[1, 2]])).tolist()  # as before: it starts as a no-op
        [[0.5, 0.5]]
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.adapter = RowAdapter(self.rows.shape[1], hidden).to(self.rows.device)


class Vocabulary:
    """Finds the rows of a text's words, upper and lower case alike.

    Args:
        words: The word of each row.

    >>> vocabulary = Vocabulary(["hot", "dog", "New_York"])
    >>> vocabulary.ids(["Hot dog!", "new york", "wug"])
    [[1, 2], [3], []]
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._exact = {word: place for place, word in enumerate(words, start=1)}
        self._folded = {word.lower(): self._exact[word] for word in reversed(words)}

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return the rows of each text's words, counted from 1; a warning names the words that have none."""
        unknown: dict[str, None] = {}
        ids = [self._ids(text, unknown) for text in texts]
        if unknown:
            named = ", ".join([*unknown][:_SHOWN]) + (", ..." if len(unknown) > _SHOWN else "")
            message = "words without a vector, left out: %s (%d); %d of %d texts have no other word"
            logger.warning(message, named, len(unknown), sum(not one for one in ids), len(ids))
        return ids

    def _ids(self, text: str, unknown: dict[str, None]) -> list[int]:
        words = text.split()
        if place := self._place("_".join(words)):  # word2vec has phrases of its own
            return [place]
        ids = []
        for word in words:
            place = self._place(word)
            parts = [word] if place else re.findall(r"[^\W_]+", word)
            for part in parts:
                if place := self._place(part):
                    ids.append(place)
                else:
                    unknown[part] = None
        return ids

    def _place(self, word: str) -> int:
        return self._exact.get(word) or self._folded.get(word.lower(), 0)


def load_static(name: str, path: Path | None, *, device: torch.device, dtype: torch.dtype) -> Tower:
    """Return word vectors as a tower: GloVe from its package, or a text or binary file of vectors.

    Args:
        name: `glove-6b-50d`, or a .txt, .vec or .bin file.
        path: A file of the vectors of `glove-6b-50d`, or a folder with those of its package.
        device: Where it computes.
        dtype: float32; static vectors have no arithmetic that bfloat16 would speed up.

    Raises:
        DamagedFileError: A row is not a word and its numbers; the message names file and line.
        InputError: The file has too many numbers.
        MissingResourceError: The vectors are nowhere.
    """
    file = path or Path(name)
    if name == GLOVE and not file.is_file():
        folder, record = sources.glove_folder(path), spec(GLOVE)
        digest = checked_sha256(folder / sources.GLOVE_FILES[0], record.sha256)
        words, rows = _packaged(folder)
    else:
        words, rows = read_vectors(file)
        digest, dim = checked_sha256(file), rows.shape[1]
        kind = {"architecture": "static", "pretrained": "", "activation": "none", "tokenizer": "words"}
        record = TowerSpec(name=name, **kind, context_length=LONGEST, dim=dim, source=str(file))  # type: ignore[arg-type]
    tokenizer = TextTokenizer(Vocabulary(words).ids, context_length=record.context_length, name="words")
    model = WordRows(torch.from_numpy(rows))
    return Tower(model, tokenizer, record, sha256=digest, device=device, dtype=dtype)


def _packaged(folder: Path) -> tuple[list[str], np.ndarray]:
    import pyarrow.parquet as pq

    vectors, index = (folder / name for name in sources.GLOVE_FILES)
    checked_sha256(index, _INDEX_SHA256)
    words: list[str] = pq.read_table(index)["index"].to_pylist()
    return words, np.load(vectors, mmap_mode="c")  # read from the disk where it is used; changes stay here


def read_vectors(path: Path) -> tuple[list[str], np.ndarray]:
    """Return the words and the rows, float32 (words, dim), of a file of GloVe, word2vec or fastText.

    A text file has a word and its numbers in each line, and may have their counts in the first; a binary one
    of word2vec has the counts, and float32 numbers behind each word.

    Args:
        path: A .txt, .vec or .bin file.

    Raises:
        DamagedFileError: A row is not a word and as many finite numbers as the first, or a word occurs twice;
            the message names file and line.
        InputError: There are more than `MOST_NUMBERS` numbers.
        MissingResourceError: There is no such file.
    """
    with sources.existing_file(path).open("rb") as stream:
        header = _HEADER.fullmatch(stream.readline(_LINE))
        count, dim = (int(header[1]), int(header[2])) if header else (0, 0)
        if path.suffix == ".bin":
            words, numbers = _binary_rows(stream, path, count, dim)
        else:
            if not header:
                stream.seek(0)
            words, numbers = _text_rows(stream, path, dim, first=2 if header else 1)
    if not words or (header and len(words) != count):
        problem = f"{path} has {len(words):,} rows" + (
            f", and its first line states {count:,}" if header else ""
        )
        raise DamagedFileError(problem, "fetch the file again")
    return words, numbers.reshape(len(words), -1)


def _text_rows(stream: BinaryIO, path: Path, dim: int, *, first: int) -> tuple[list[str], np.ndarray]:
    places: dict[str, int] = {}
    numbers = array("f")
    for line in iter(lambda: stream.readline(_LINE), b""):
        number = len(places) + first
        parts = line.rstrip(b" \r\n").split(b" ")
        dim = dim or len(parts) - 1
        try:
            word = b" ".join(parts[:-dim]).decode()
            values = np.array(parts[-dim:]).astype(np.float32)
        except ValueError as error:
            raise _wrong(path, f"line {number}", dim, str(error)) from error
        if not word or len(values) != dim or not np.isfinite(values).all():
            raise _wrong(path, f"line {number}", dim, f"it begins {line[:40]!r}")
        if places.setdefault(word, number) != number:
            raise _wrong(path, f"line {number}", dim, f"{word!r} is in line {places[word]} as well")
        _check_size(path, len(places), dim)
        numbers.frombytes(values.tobytes())
    return list(places), np.frombuffer(numbers, dtype=np.float32)


def _binary_rows(stream: BinaryIO, path: Path, count: int, dim: int) -> tuple[list[str], np.ndarray]:
    _check_size(path, count, dim)
    place, rows = stream.tell(), np.empty((count, dim), dtype=np.float32)
    words: dict[str, int] = {}
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for number in range(count):
            end = content.find(b" ", place, place + _WORD)
            values = content[end + 1 : end + 1 + 4 * dim]
            try:
                word = content[place:end].lstrip(b"\n").decode()
            except UnicodeDecodeError as error:
                raise _wrong(path, f"row {number + 1}", dim, str(error)) from error
            if end < 0 or not word or len(values) < 4 * dim:
                raise _wrong(path, f"row {number + 1}", dim, "the file ends there, or is of another kind")
            rows[number] = np.frombuffer(values, dtype="<f4")
            if not np.isfinite(rows[number]).all() or words.setdefault(word, number) != number:
                raise _wrong(path, f"row {number + 1}", dim, f"{word!r} is there twice, or not finite")
            place = end + 1 + 4 * dim
        if content[place:].strip():
            raise _wrong(path, f"behind row {count}", dim, "there is more than its first line states")
    return list(words), rows


def _check_size(path: Path, count: int, dim: int) -> None:
    if count * dim > MOST_NUMBERS:
        problem = f"{path} has {count:,} rows of {dim} numbers or more, and {MOST_NUMBERS:,} numbers are read"
        raise InputError(problem, "leave out the rarest words, which stand last")


def _wrong(path: Path, place: str, dim: int, reason: str) -> DamagedFileError:
    problem = f"{path}, {place}, is not a word and {dim} finite numbers: {reason}"
    return DamagedFileError(problem, "correct the row, or fetch the file again")
