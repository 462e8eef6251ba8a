"""open_clip's published weights: which file a tag means, found locally or fetched, and what a file is."""

from __future__ import annotations

from pathlib import Path

from open_clip.pretrained import get_pretrained_cfg, list_pretrained, list_pretrained_tags_by_model

from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.towers import sources
from lexclip_core.towers.architecture import trained_activation
from lexclip_core.towers.checkpoint import SUFFIXES
from lexclip_core.towers.download import fetch
from lexclip_core.towers.registry import Activation

CONFIG = "open_clip_config.json"
WEIGHT_NAMES = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "model.safetensors",
    "open_clip_pytorch_model.bin",
    "open_clip_pytorch_model.pt",
    "pytorch_model.bin",
)


def split_tag(name: str) -> tuple[str, str]:
    """Return (architecture, tag) of a name such as `ViT-B-32-quickgelu/laion400m_e31`.

    Raises:
        InputError: open_clip has published no such tag for the architecture.
    """
    architecture, _, tag = name.rpartition("/")
    architecture = architecture.replace("/", "-")
    if trained_activation(architecture, tag) is None:
        tags = list_pretrained_tags_by_model(architecture)
        known = f"its tags are: {', '.join(tags)}" if tags else "open_clip.list_pretrained() lists all pairs"
        raise InputError(f"open_clip has no weights {tag!r} for the architecture {architecture!r}", known)
    return architecture, tag


def weights_in(folder: Path) -> Path:
    """Return the weight file of a folder, safetensors before pickled files.

    Raises:
        MissingResourceError: There is none.
        InputError: There are several and none has a usual name.
    """
    for name in WEIGHT_NAMES:
        if (folder / name).is_file():
            return folder / name
    others = sorted(path for path in folder.glob("*") if path.suffix in SUFFIXES)
    if not others:
        raise MissingResourceError(f"{folder} holds no weight file", f"put {WEIGHT_NAMES[0]} there")
    if len(others) > 1:
        raise InputError(
            f"{folder} holds several weight files: {', '.join(path.name for path in others)}",
            "name one of them as the path",
        )
    return others[0]


def find_weights(architecture: str, tag: str) -> Path:
    """Return the weight file of a published tag: brought by hand, cached, or fetched from the hub.

    Raises:
        MissingResourceError: It is nowhere and the hub does not answer.
    """
    published = get_pretrained_cfg(architecture, tag) or get_pretrained_cfg(
        architecture.removesuffix("-quickgelu"), tag
    )
    repository, names = _on_the_hub(published.get("hf_hub", ""))
    url = published.get("url", "")
    by_hand = sources.weights_folder() / architecture / tag
    if by_hand.is_dir() and any(file.suffix in SUFFIXES for file in by_hand.iterdir()):
        return weights_in(by_hand)
    for name in names if repository else ():
        folder = sources.cached_snapshot(repository, None, names=(name,))
        if folder is not None:
            return sources.verified(folder / name)
    released = Path.home() / ".cache" / "clip" / Path(url).name
    if url and released.is_file():
        sources.checked_sha256(released, published_checksum(url))
        return released
    if repository and sources.hub_is_reachable():
        return sources.fetched_file(repository, names)
    if url and not repository and not sources.offline():
        return fetch(url, by_hand / Path(url).name, sha256=published_checksum(url))
    origins = [f"{names[0]} of https://huggingface.co/{repository}"] if repository else []
    raise sources.missing(
        f"the weights of {architecture}/{tag}",
        [
            str(by_hand),
            f"the Hugging Face cache ({repository})" if repository else str(released),
            "the hub (not reachable)" if repository else f"{url} (not asked: HF_HUB_OFFLINE is set)",
        ],
        f"on a machine with a network, fetch {' or '.join([*origins, *([url] if url else [])])}, "
        f"and put it into {by_hand}, or pass path=... with the file",
    )


def _on_the_hub(entry: str) -> tuple[str, tuple[str, ...]]:
    """Return the repository of an entry such as `owner/model/` or `owner/model/file.pt`, and its files."""
    owner, _, rest = entry.partition("/")
    model, _, file = rest.partition("/")
    if not model:
        return "", WEIGHT_NAMES
    if not file:
        return f"{owner}/{model}", WEIGHT_NAMES
    safe = Path(file).with_suffix(".safetensors").name  # the same tensors, where the repository has them
    return f"{owner}/{model}", (safe, file)


def published_checksum(url: str) -> str:
    """Return the sha256, or its first digits, that the address of a published file states; else nothing."""
    if "openaipublic" in url:
        return url.split("/")[-2]
    if "mlfoundations" in url:
        return Path(url).stem.rpartition("-")[2]
    return ""


def recognise(path: Path, sha256: str) -> tuple[str, Activation] | None:
    """Return (tag, activation it was trained with) of a local copy of a published file, else None."""
    for architecture, tag in list_pretrained():
        url = get_pretrained_cfg(architecture, tag).get("url", "")
        checksum = published_checksum(url)
        # a file name alone proves nothing where a checksum is published: anyone may call a file ViT-B-32.pt
        if sha256.startswith(checksum) if checksum else url and Path(url).name == path.name:
            activation = trained_activation(architecture, tag)
            return (f"{architecture}/{tag}", activation) if activation else None
    return None
