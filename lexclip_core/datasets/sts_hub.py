"""The hub's copies of the STS tasks: fetched once at a pinned revision, then read from its cache."""

from __future__ import annotations

from pathlib import Path

import huggingface_hub

from lexclip_core.datasets.card import Card
from lexclip_core.datasets.sts_cards import Task
from lexclip_core.errors import DamagedFileError, MissingResourceError

_FORMATS = (".jsonl.gz", ".jsonl", ".parquet")


def _instead(card: Card) -> str:
    return f"get it from {card.source} and name its folder; it is read as {card.files[0]}"


def fetch(card: Card, task: Task) -> Path:
    """Return the local copy of a task's split, downloading it where it is not in the hub's cache.

    Raises:
        MissingResourceError: The hub has no copy, or neither the hub nor its cache can be had.
        DamagedFileError: The copy lacks the split.
    """
    if not card.hub:
        raise MissingResourceError(
            f"{card.title} has no copy on the hub that fits ({card.warning})",
            _instead(card),
        )
    try:
        folder = huggingface_hub.snapshot_download(
            card.hub, repo_type="dataset", revision=task.revision, allow_patterns=[f"*{task.hub_split}*"]
        )
    except Exception as error:  # the client lets through whatever its HTTP library raises, by version
        reason = type(error).__name__
        raise MissingResourceError(
            f"{card.title}: {card.hub} is neither in the hub's cache nor within reach ({reason})",
            f"go online once, or {_instead(card)}",
        ) from error
    files = sorted(path for path in Path(folder).rglob("*") if path.name.endswith(_FORMATS))
    found = [path for path in files if path.name.startswith(task.hub_split)]
    if not found:
        raise DamagedFileError(
            f"{folder} holds no {task.hub_split} split of {card.hub} in {', '.join(_FORMATS)}",
            "delete that folder and fetch again",
        )
    return found[0]
