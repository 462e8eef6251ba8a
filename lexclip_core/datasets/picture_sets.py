"""Every picture set by its name: the shipped emoji, the papers' sets on the user's disk, any folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal, Protocol, get_args

from lexclip_core.datasets import cifar, emoji, fer2013, imagenet, openimages
from lexclip_core.datasets.card import Card
from lexclip_core.datasets.picture_samples import Draw, Sample, pictures_folder
from lexclip_core.datasets.pictures import PictureSet, check_folder, folder
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


FOLDER_CARD = Card(
    name="folder",
    title="A folder of class folders",
    rows=0,
    scale="one class a picture, by the name of its folder",
    reference="none: these are your own pictures",
    source="your disk: one folder a class, called by its name, its synset (dog.n.01) or its wnid (n02084071)",
    licence="whatever the pictures are under",
    files=("CLASS/*.png", "CLASS/*.jpg", "CLASS/*.jpeg", "CLASS/*.webp"),
)
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
SAMPLES: dict[str, Mapping[str, Draw]] = {
    "imagenet": imagenet.SAMPLES,
    "fer2013": fer2013.SAMPLES,
    "cifar-10": cifar.SAMPLES,
    "cifar-100": cifar.SAMPLES,
    "openimages": openimages.SAMPLES,
}


def open_set(
    name: str, path: Path | None = None, *, sample: Sample | None = None, seed: int = 0
) -> PictureSet:
    """Return a picture set by its name; what was drawn, and how, stands in its `drawn`.

    Args:
        name: A name of `Name`. The emoji are those of the held-out style.
        path: Where the set lies; by default the folder with its name in `pictures_folder()`. The emoji
            take none.
        sample: Which pictures of the papers' sets are taken, `heldout` by default: see each set's `read`.
            `released` is the choice of the blog's code. The emoji and a plain folder are always taken whole.
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
    if name == "folder":
        return folder(place)
    chosen = sample or "heldout"
    found = _READ[name](place, sample=chosen, seed=seed)
    draw = SAMPLES[name][chosen]
    drawn = {"set": name, "sample": chosen, "part": draw.part, "per_class": draw.per_class, "seed": seed}
    return replace(found, drawn=drawn)


def check(name: str, path: Path | None = None, *, sample: Sample = "heldout") -> dict[str, int]:
    """Return how many classes and pictures of a set are on disk; no picture is opened.

    Raises:
        InputError: No such set or sample, no path, or a set that is not looked for on disk.
        MissingResourceError: The set is not at the path; the message has the first wrong one.
        DamagedFileError: A file of the set is damaged.
    """
    _refuse_unknown(name)
    if name == "folder":
        return check_folder(_needed(name, path))
    if name not in _CHECK:
        raise InputError(f"{name} has no layout to check", f"choose one of {', '.join(_CHECK)}")
    return _CHECK[name](_needed(name, path), sample=sample)


def _refuse_unknown(name: str) -> None:
    if name not in get_args(Name):
        raise InputError(f"no picture set is called {name!r}", f"choose one of {', '.join(get_args(Name))}")


def _needed(name: str, path: Path | None) -> Path:
    place = path or pictures_folder() / name
    if path is not None or (name in CARDS and place.is_dir()):
        return place
    card = CARDS.get(name, FOLDER_CARD)
    raise InputError(
        f"{name} needs a path",
        f"name the folder that holds {' or '.join(card.files)}"
        + (f", or put it at {place}; get it from {card.source}" if name in CARDS else ""),
    )
