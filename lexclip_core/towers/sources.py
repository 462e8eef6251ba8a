"""Where weight files are looked for, in which order, and what is said when they are nowhere."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from pathlib import Path

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, MissingResourceError

_PROBE_SECONDS = 4.0
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


def hub_is_reachable() -> bool:
    """Return whether the Hugging Face hub answers; asked once a process, for a few seconds at most."""
    if any(os.environ.get(name, "").lower() in _TRUE for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")):
        return False
    return _probe_hub()


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


def cached_snapshot(repository: str, revision: str, *, names: tuple[str, ...]) -> Path | None:
    """Return the folder of a revision in the Hugging Face cache if it holds all the files, else None."""
    from huggingface_hub import try_to_load_from_cache

    found = [try_to_load_from_cache(repository, name, revision=revision) for name in names]
    if all(isinstance(path, str) for path in found):
        return Path(str(found[0])).parent
    return None


def downloaded_snapshot(repository: str, revision: str, *, names: tuple[str, ...]) -> Path:
    """Download the files of a pinned revision from the hub and return their folder."""
    from huggingface_hub import hf_hub_download

    paths = [hf_hub_download(repository, name, revision=revision) for name in names]
    return Path(paths[0]).parent


def missing(wanted: str, looked: list[str], by_hand: str) -> MissingResourceError:
    """Return the error for weights that are nowhere: what, where it was sought, how to bring it."""
    return MissingResourceError(
        f"{wanted} is not on this machine and could not be fetched; looked in: {'; '.join(looked)}", by_hand
    )
