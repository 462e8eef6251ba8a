"""Every picture set by its name: the shipped emoji, the papers' sets on the user's disk, any folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal, Protocol, get_args

from lexclip_core.datasets import cifar, emoji, fer2013, imagenet, openimages
from lexclip_core.datasets.card import Card
from lexclip_core.datasets.picture_samples import Sample
from lexclip_core.datasets.pictures import PictureSet, folder
from lexclip_core.errors import InputError

Name = Literal[
    "emoji-mapped",
    "emoji-emotions",
    "imagenet",
    "fer2013",
    "cifar-10",
    "cifar-100",
    "openimages",
    "folder",
]


class Read(Protocol):
    """Reads a set from the disk."""

    def __call__(self, path: Path, *, sample: Sample, seed: int) -> PictureSet:
        """Return a sample of the set."""


class Check(Protocol):
    """Looks at what is on the disk."""

    def __call__(self, path: Path, *, sample: Sample) -> dict[str, int]:
        """Return how many classes and pictures there are."""


CARDS: dict[str, Card] = {
    card.name: card for card in (imagenet.CARD, fer2013.CARD, *cifar.CARDS.values(), openimages.CARD)
}
_EMOJI: dict[str, Callable[[], PictureSet]] = {
    "emoji-mapped": partial(emoji.picture_set, which="mapped"),
    "emoji-emotions": partial(emoji.picture_set, which="emotions"),
}
_READ: dict[str, Read] = {
    "imagenet": imagenet.read,
    "fer2013": fer2013.read,
    "cifar-10": partial(cifar.read, "cifar-10"),
    "cifar-100": partial(cifar.read, "cifar-100"),
    "openimages": openimages.read,
}
_CHECK: dict[str, Check] = {
    "imagenet": imagenet.check,
    "fer2013": fer2013.check,
    "cifar-10": partial(cifar.check, "cifar-10"),
    "cifar-100": partial(cifar.check, "cifar-100"),
    "openimages": openimages.check,
}


def open_set(
    name: str, path: Path | None = None, *, sample: Sample | None = None, seed: int = 0
) -> PictureSet:
    """Return a picture set by its name.

    Args:
        name: A name of `Name`. The emoji are those of the held-out style.
        path: Where the set lies on disk; every set but the emoji needs it, the emoji take none.
        sample: Which pictures of the papers' sets are taken, `heldout` by default: see each set's `read`.
            The emoji and a plain folder are always taken whole.
        seed: Of the draw.

    Raises:
        InputError: No such set or sample, a path too many or too few, or a set that cannot be read.
        MissingResourceError: The set is not at the path; the message has the first wrong one.
        DamagedFileError: A file of the set is damaged.
    """
    _refuse_unknown(name)
    if sample is not None and name not in _READ:
        raise InputError(f"{name} has no sample {sample!r}", f"name a sample of {', '.join(_READ)} only")
    if name in _EMOJI:
        if path is not None:
            raise InputError(f"{name} is not read from {path}", "name no path: the emoji come with lexclip")
        return _EMOJI[name]()
    place = _needed(name, path)
    return folder(place) if name == "folder" else _READ[name](place, sample=sample or "heldout", seed=seed)


def check(name: str, path: Path | None = None, *, sample: Sample = "heldout") -> dict[str, int]:
    """Return how many classes and pictures of one of the papers' sets are on disk.

    Raises:
        InputError: No such set or sample, no path, or a set that is not looked for on disk.
        MissingResourceError: The set is not at the path; the message has the first wrong one.
        DamagedFileError: A file of the set is damaged.
    """
    _refuse_unknown(name)
    if name not in _CHECK:
        raise InputError(f"{name} has no layout to check", f"choose one of {', '.join(_CHECK)}")
    return _CHECK[name](_needed(name, path), sample=sample)


def _refuse_unknown(name: str) -> None:
    if name not in get_args(Name):
        raise InputError(f"no picture set is called {name!r}", f"choose one of {', '.join(get_args(Name))}")


def _needed(name: str, path: Path | None) -> Path:
    if path is not None:
        return path
    card = CARDS.get(name)
    raise InputError(
        f"{name} needs a path",
        f"name the folder that holds {' or '.join(card.files)}; get it from {card.source}"
        if card
        else "name a folder that holds one folder of pictures a class",
    )
