"""Answers of models kept by the content of the question, so that none is ever asked or paid for twice.

The file is append-only: one JSON object a line, written and flushed to the disk before the answer is used. A
line that a crash left half written is passed over and asked for again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lexclip_core.errors import InputError, StorageError

try:
    import fcntl
except ImportError:  # Windows has no flock; there two processes on one store are the user's care
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)


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


def key_of(question: Mapping[str, Any]) -> str:
    """Return the sha256 of a question: who is asked, with which settings, which prompt."""
    return hashlib.sha256(json.dumps(question, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


class AnswerStore:
    """A file of answers, and what of it is known; safe under threads, closed to a second process.

    Args:
        path: The file, made with its folder where missing.

    Raises:
        InputError: Another process has the file open.
        StorageError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._asked: dict[str, Future[Answer]] = {}
        self._torn = False  # whether the file ends within a line
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise StorageError(f"cannot open {path}: {error.strerror}", "name another file") from error
        self._claim()
        self._answers = self._read()

    def __len__(self) -> int:
        return len(self._answers)

    def __contains__(self, key: str) -> bool:
        return key in self._answers

    def __enter__(self) -> AnswerStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def get(self, key: str) -> Answer | None:
        """Return the answer kept under a key, or None."""
        return self._answers.get(key)

    def keep(self, key: str, answer: Answer) -> None:
        """Write an answer to the disk, then know it.

        Raises:
            StorageError: The file cannot be written, such as on a full disk.
        """
        line = json.dumps({"key": key, **asdict(answer)}, ensure_ascii=True).encode() + b"\n"
        with self._lock:
            if self._torn:
                line = b"\n" + line  # so that it does not continue half a line
            try:
                self._torn = os.write(self._handle, line) != len(line)
                os.fsync(self._handle)
            except OSError as error:
                self._torn = True
                raise self._not_written(error.strerror or str(error)) from error
            if self._torn:
                raise self._not_written("the disk is full")
            self._answers[key] = answer

    def _not_written(self, reason: str) -> StorageError:
        return StorageError(f"cannot write {self.path}: {reason}", "free some disk space, and run again")

    def answer(self, key: str, ask: Callable[[], Answer]) -> Answer:
        """Return the answer kept under a key, or ask and keep it.

        Threads that want the same key at the same time ask once.

        Raises:
            StorageError: As in `keep`.
            Exception: What `ask` raises; nothing is kept then.
        """
        with self._lock:
            if key in self._answers:
                return self._answers[key]
            waiting = self._asked.get(key)
            mine: Future[Answer] = waiting or Future()
            self._asked[key] = mine
        if waiting is not None:
            return waiting.result()
        try:
            answer = ask()
            self.keep(key, answer)
            mine.set_result(answer)
        except BaseException as error:
            mine.set_exception(error)
            raise
        finally:
            with self._lock:
                del self._asked[key]
        return answer

    def _claim(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise InputError(
                f"another process is writing {self.path}", "wait for it, or name another file"
            ) from error

    def _read(self) -> dict[str, Answer]:
        answers: dict[str, Answer] = {}
        content = self.path.read_bytes()
        for number, line in enumerate(content.split(b"\n"), start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                key = row.pop("key")
                answers[key] = Answer(**row)
            except (ValueError, KeyError, TypeError, AttributeError):
                logger.warning("%s, line %d is damaged and passed over", self.path, number)
        self._torn = bool(content) and not content.endswith(b"\n")
        return answers
