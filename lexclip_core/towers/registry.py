"""The text towers lexclip knows by name, with everything that must be right for their vectors to be right."""

from __future__ import annotations

import difflib
import re
import tomllib
from dataclasses import dataclass
from typing import Literal, Protocol

from lexclip_core import storage
from lexclip_core.errors import InputError

Activation = Literal["gelu", "quickgelu", "none"]
Precision = Literal["float32", "bfloat16"]

USER_SUPPLIED = ("LaCLIP/", "ParaCLIP/")
"""How the names of weights begin that no program can fetch."""

MINILM = "all-MiniLM-L6-v2"
"""The tower that comes with the installation and needs no network."""
GLOVE = "glove-6b-50d"
TINY = "tiny-random"
EMOJI = "emoji"
EMOJI_SHA256 = "12eb8d7fed4e2aef172a2294048e5fc875a9de3163a6dc42069999fb786be721"
"""Checksum of the image tower that this project trained on drawings and ships."""
_OPENAI_NAMES = frozenset(
    ("RN50", "RN101", "RN50x4", "RN50x16", "RN50x64", "ViT-B/32", "ViT-B/16", "ViT-L/14", "ViT-L/14@336px")
)


@dataclass(frozen=True)
class TowerSpec:
    """What a text tower is made of.

    Attributes:
        name: The name `load` takes.
        architecture: open_clip architecture name, or the Hugging Face model type.
        pretrained: open_clip tag, or the pinned revision on the hub; empty when there is none.
        activation: The activation the text tower computes with; in the registry also the trained one. Static
            vectors have none.
        tokenizer: `clip-bpe`, or the Hugging Face name of a tokenizer.
        context_length: Longest text in tokens, start and end tokens included.
        dim: Length of an embedding.
        source: Where the weights come from.
        sha256: Checksum of the weight file as its authors released it, 64 hex digits or the first 8 that they
            published; empty where they published none. The hub's conversions are other files, which the hub
            itself names by their checksum. Of a loaded tower: what its file was checked against.
        licence: Licence of the weights.
        note: One sentence for the reader of a list of models.
        image_size: Side, in pixels, of the pictures that the image half takes; 0 for towers without one.
        megabytes: About how much is fetched, or brought by its package.
    """

    name: str
    architecture: str
    pretrained: str
    activation: Activation
    tokenizer: str
    context_length: int
    dim: int
    source: str
    sha256: str = ""
    licence: str = ""
    note: str = ""
    image_size: int = 0
    megabytes: int = 0


def _read_registry() -> dict[str, TowerSpec]:
    stated = tomllib.loads((storage.data_folder() / "towers.toml").read_text(encoding="utf-8"))
    return {name: TowerSpec(name=name, **keys) for name, keys in stated.items()}


REGISTRY: dict[str, TowerSpec] = _read_registry()


def spec(name: str) -> TowerSpec:
    """Return the record of a registered tower.

    Raises:
        InputError: The name is not registered; the message lists the names and the nearest one.

    >>> spec("all-MiniLM-L6-v2").dim
    384
    """
    if name in REGISTRY:
        return REGISTRY[name]
    raise unknown_tower(name)


def as_trained(name: str) -> str:
    """Return the name of the same weights under the activation they were trained with; "" if it is the same.

    Both papers ran weights of LAION-400M with another one (D6): a notebook that is given the architecture as
    published measures the right one next to it.

    >>> as_trained("ViT-B-32/laion400m_e31")
    'ViT-B-32-quickgelu/laion400m_e31'
    """
    architecture, _, tag = name.rpartition("/")
    right = f"{architecture}-quickgelu/{tag}"
    return right if name not in REGISTRY and right in REGISTRY else ""


def is_published(name: str, sha256: str) -> bool:
    """Return whether a registered name's weights have the checksum that the registry knows as published.

    For what was stored with a name and a checksum alone, such as a run; a loaded tower has `verified`.

    >>> is_published("ViT-B-32-quickgelu/laion400m_e31", "d867053b" + 56 * "0")
    True
    """
    published = REGISTRY[name].sha256 if name in REGISTRY else ""
    return bool(published) and sha256.startswith(published)


def titled(name: str, *, verified: bool) -> str:
    """Return how a tower is called wherever it is shown: weights of unknown origin are called unverified.

    >>> titled("LaCLIP/laion400m_laclip", verified=False)
    'LaCLIP/laion400m_laclip (unverified)'
    """
    return name if verified else f"{name} (unverified)"


class _Named(Protocol):
    """What a spec says of whose weights they are."""

    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def sha256(self) -> str: ...


class Identified:
    """A tower with weights of known or unknown origin.

    Attributes:
        spec: What the tower is; its `sha256` is what was published.
        sha256: Checksum of the weights it was loaded from.
    """

    spec: _Named
    sha256: str

    @property
    def name(self) -> str:
        """The name the tower was loaded by."""
        return self.spec.name

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self.spec.dim

    @property
    def verified(self) -> bool:
        """Whether its weights have the checksum that their authors, or the hub, published."""
        return bool(self.spec.sha256) and self.sha256.startswith(self.spec.sha256)

    @property
    def title(self) -> str:
        """The name as it is shown: "name (unverified)" where nobody published these weights' checksum."""
        return titled(self.name, verified=self.verified)


def elsewhere(name: str) -> str:
    """Return a hint for a name that others give to a model: OpenAI's own, or the hub's; else "".

    >>> elsewhere("ViT-B/32")
    "OpenAI's ViT-B/32 is 'ViT-B-32-quickgelu/openai' here; "
    """
    if name in _OPENAI_NAMES:
        architecture = name.replace("/", "-").replace("@336px", "-336")
        return f"OpenAI's {name} is '{architecture}-quickgelu/openai' here; "
    return f"a model of the hub is 'hf-hub:{name}'; " if re.fullmatch(r"[\w.-]+/[\w.-]+", name) else ""


def unknown_tower(name: str) -> InputError:
    """Return the error for a name that is unknown: what names there are, and the nearest one."""
    near = difflib.get_close_matches(name, REGISTRY, n=1, cutoff=0.4)
    hint = elsewhere(name) or (f"did you mean {near[0]!r}? " if near else "")
    return InputError(
        f"unknown tower {name!r}",
        f"{hint}registered towers: {', '.join(REGISTRY)}; also open_clip's 'architecture/tag', "
        "'hf-hub:owner/model', a folder of open_clip, Hugging Face CLIP or sentence-transformers, a "
        "weight file with architecture=..., or a .txt, .vec or .bin file of word vectors",
    )
