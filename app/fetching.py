"""Towers that are fetched from the hub when a visitor asks for it, each in a process that can be ended.

What came stays in the hub client's cache when it is ended, and a later fetch goes on from there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from functools import lru_cache
from pathlib import Path

from lexclip_core.errors import InputError
from lexclip_core.towers.registry import REGISTRY
from lexclip_core.towers.sources import hub_repository

_LOAD = """
import json, sys
from lexclip_core.errors import LexclipError
from lexclip_core.towers.loading import load
try:
    load(sys.argv[1], device="cpu").encode_texts(["a word"])
except LexclipError as error:
    print(json.dumps([error.problem, error.remedy]))
    sys.exit(1)
"""
_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


class Fetch:
    """A tower on its way here.

    Args:
        name: What `lexclip.load` takes; fetched, if it must be, and loaded once.

    Attributes:
        problem: What went wrong, and what to do about it; None while nothing did.
    """

    def __init__(self, name: str) -> None:
        self.name, self.ended = name, False
        self.problem: InputError | None = None
        dropped = _OFFLINE if may_fetch() else ()
        environment = {key: value for key, value in os.environ.items() if key not in dropped}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LOAD, name],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._waiting = threading.Thread(target=self._wait, daemon=True)
        self._waiting.start()

    @property
    def over(self) -> bool:
        """Whether the process has ended."""
        return not self._waiting.is_alive()

    @property
    def good(self) -> bool:
        """Whether the tower is here and loads."""
        return self._process.poll() == 0

    @property
    def megabytes(self) -> float:
        """How much of it is here."""
        from huggingface_hub import constants

        folder = (
            Path(constants.HF_HUB_CACHE) / f"models--{repository(self.name).replace('/', '--')}" / "blobs"
        )
        return sum(file.stat().st_size for file in folder.glob("*")) / 1e6 if folder.is_dir() else 0.0

    def end(self) -> None:
        """End it; what came stays."""
        self.ended = True
        self._process.terminate()

    def _wait(self) -> None:
        said, _ = self._process.communicate()
        if self._process.returncode and not self.ended:
            try:
                problem, remedy = json.loads(said)
            except ValueError:
                problem, remedy = (
                    f"{self.name} could not be loaded",
                    "try `lexclip embed` with it in a terminal",
                )
            self.problem = InputError(problem, remedy)


def may_fetch() -> bool:
    """Return whether a visitor may have something fetched: not where the server was started offline."""
    return os.environ.get("LEXCLIP_OFFLINE") != "1"


def repository(name: str) -> str:
    """Return the repository on the hub that a tower's files come from; "" where they come from elsewhere."""
    try:
        return REGISTRY[name].source if name in REGISTRY else hub_repository(name)
    except InputError:
        return ""


@lru_cache(maxsize=1)
def fetches() -> dict[str, Fetch]:
    """Return what is being fetched on this server, by the tower's name."""
    return {}
