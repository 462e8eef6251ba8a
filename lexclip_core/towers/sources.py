"""Where weight files are looked for, in which order, and what is said when they are nowhere."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, MissingResourceError

_PROBE_SECONDS = 4.0
_SHA256 = re.compile("[0-9a-f]{64}")
_TRUE = {"1", "true", "yes", "on"}


def weights_folder() -> Path:
    """Return the folder of weights brought by hand: `LEXCLIP_WEIGHTS`, else `weights` in the cache."""
    return Path(os.environ.get("LEXCLIP_WEIGHTS") or storage.cache_folder() / "weights")


@lru_cache(maxsize=32)
def _digest(path: Path, size: int, modified: int) -> str:
    return storage.sha256(path)


def checked_sha256(path: Path, expected: str = "") -> str:
    """Return a file's sha256 after comparing it with the expected one (64 hex digits or their beginning).

    Raises:
        DamagedFileError: The file has another checksum.
    """
    status = path.stat()
    found = _digest(path, status.st_size, status.st_mtime_ns)
    if not found.startswith(expected):
        raise DamagedFileError(
            f"{path} has sha256 {found}, not {expected}: the weights are damaged or another model's",
            "delete the file and fetch it again, or name the right folder",
        )
    return found


def verified(path: Path) -> Path:
    """Return a file of the Hugging Face cache after comparing it with the checksum that the hub calls it by.

    Raises:
        DamagedFileError: The file has another checksum.
    """
    stored = path.resolve()
    if stored.parent.name == "blobs" and _SHA256.fullmatch(stored.name):  # small files go by another digest
        checked_sha256(stored, stored.name)
    return path


def offline() -> bool:
    """Return whether the environment asks that nothing is fetched."""
    return any(
        os.environ.get(name, "").lower() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
    )


def hub_is_reachable() -> bool:
    """Return whether the Hugging Face hub answers; asked once a process, for a few seconds at most."""
    return not offline() and _probe_hub()


@lru_cache(maxsize=1)
def _probe_hub() -> bool:
    # A thread, because a name lookup has no time limit of its own.
    answered = threading.Event()

    def ask() -> None:
        from huggingface_hub import constants
        from huggingface_hub.utils import get_session

        try:
            get_session().head(constants.ENDPOINT, timeout=_PROBE_SECONDS)
        except Exception:
            return
        answered.set()

    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(_PROBE_SECONDS)


def cached_snapshot(repository: str, revision: str | None, *, names: tuple[str, ...]) -> Path | None:
    """Return the folder of a revision in the Hugging Face cache if it holds all the files, else None."""
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(repository, name, revision=revision) for name in names]
    if all(isinstance(path, str) for path in found):
        return Path(str(found[0])).parent
    return None


def fetched_snapshot(repository: str, patterns: tuple[str, ...], revision: str | None = None) -> Path:
    """Download the files of a revision that match the patterns from the hub and return their folder.

    Raises:
        MissingResourceError: The hub refused or the connection broke.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(patterns)))
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise MissingResourceError(
            f"fetching {repository} from the hub failed: {str(error)[:200]}",
            "try again, or bring the files by hand",
        ) from error


def fetched_file(repository: str, names: Sequence[str]) -> Path:
    """Download the first of the named files that a repository of the hub has, verify it, and return its path.

    Raises:
        MissingResourceError: The hub refused, the connection broke, or it has none of them.
        DamagedFileError: What came has another checksum than the hub states.
    """
    for name in names:
        file = fetched_snapshot(repository, (name,)) / name
        if file.is_file():
            return verified(file)
    raise MissingResourceError(f"{repository} has none of {', '.join(names)}", "bring the file by hand")


def missing(wanted: str, looked: list[str], by_hand: str) -> MissingResourceError:
    """Return the error for weights that are nowhere: what, where it was sought, how to bring it."""
    return MissingResourceError(
        f"{wanted}: not on this machine, and not to be fetched; looked in: {'; '.join(looked)}", by_hand
    )


def hugging_face_folder(name: str, beside: Path | None = None) -> Path:
    """Return a folder with the configuration and tokenizer of a Hugging Face text model.

    A checkpoint may name a folder of the machine it was made on; the files beside it come first.

    Args:
        name: A name on the hub, or a local folder.
        beside: The folder of the checkpoint.

    Raises:
        MissingResourceError: The files are nowhere.
    """
    by_hand = weights_folder() / name
    for folder in (beside, Path(name), by_hand):
        if folder is not None and (folder / "config.json").is_file():
            return folder
    if Path(name).is_absolute():
        raise missing(
            f"the text model {name}", [name, str(beside)], f"put its config.json and tokenizer into {beside}"
        )
    cached = cached_snapshot(name, None, names=("config.json", "tokenizer.json"))
    if cached is not None:
        return cached
    if hub_is_reachable():
        return fetched_snapshot(name, ("*.json", "*.txt", "*.model"))
    raise missing(
        f"the configuration and tokenizer of {name}",
        [str(by_hand), "the Hugging Face cache", "the hub (not reachable)"],
        "put config.json, tokenizer.json and tokenizer_config.json of "
        f"https://huggingface.co/{name} into {by_hand}",
    )


def hub_folder(repository: str, layouts: Sequence[tuple[str, tuple[str, ...]]]) -> Path:
    """Return a folder with a model of the hub: from the cache, else downloaded, one weight file of several.

    Args:
        repository: `owner/model`.
        layouts: The configuration that marks a layout and the weight files that may go with it, the best
            first in both.

    Raises:
        MissingResourceError: It is not cached and the hub does not answer, or it is of no such layout.
    """
    for config, weights in layouts:
        for name in weights:
            folder = cached_snapshot(repository, None, names=(config, name))
            if folder is not None:
                verified(folder / name)
                return folder
    wanted = " or ".join(f"{config} and {weights[0]}" for config, weights in layouts)
    if hub_is_reachable():
        return _fetched_model(repository, layouts, wanted)
    raise missing(
        f"the model {repository}",
        ["the Hugging Face cache", "the hub (not reachable)"],
        f"on a machine with a network, fetch {wanted} with the tokenizer's files of "
        f"https://huggingface.co/{repository} into one folder, and load that folder",
    )


def _fetched_model(repository: str, layouts: Sequence[tuple[str, tuple[str, ...]]], wanted: str) -> Path:
    folder = fetched_snapshot(repository, ("*.json", "*.txt", "*.model"))
    for config, weights in layouts:
        if not (folder / config).is_file():
            continue
        for name in weights:
            fetched_snapshot(repository, (name, f"*_Dense/{name}"))
            if (folder / name).is_file():
                verified(folder / name)
                return folder
    raise MissingResourceError(f"{repository} has no {wanted}", "name a model of one of these layouts")
