"""A set of pictures with named classes, however it was read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PIL import Image

from lexclip_core.errors import InputError
from lexclip_core.words import shown

Drawn = Mapping[str, str | int | None]


@dataclass(frozen=True)
class PictureClass:
    """One class of a picture set.

    Args:
        key: The folder's name or the concept: what the class is addressed by.
        name: What a caption calls it.
        synset: The sense it pictures, such as `dog.n.01`, or "" where unknown.
    """

    key: str
    name: str
    synset: str = ""


@dataclass(frozen=True, eq=False)
class PictureSet:
    """Pictures, each of one class or of none.

    Args:
        name: A short name for files and addresses.
        title: What a page calls the set.
        classes: The classes, every key once.
        labels: (pictures,) int64, places in `classes`; -1 where the class is unknown.
        digests: The sha256 of each picture's bytes, 64 hex digits: what its features are cached under.
        titles: What a page calls each picture.
        read: Given a picture's place, returns it as RGB, transparent parts on white.
        drawn: How the pictures were drawn from a larger set, for the record of a run: set, sample, pictures a
            class, seed. Empty where the set is whole.

    Raises:
        InputError: The parts do not fit together, or a key names two classes.
    """

    name: str
    title: str
    classes: tuple[PictureClass, ...]
    labels: np.ndarray
    digests: tuple[str, ...]
    titles: tuple[str, ...]
    read: Callable[[int], Image.Image]
    drawn: Drawn = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.labels) == len(self.digests) == len(self.titles):
            raise InputError(
                f"{self.name} has {len(self.labels)} labels, {len(self.digests)} digests and "
                f"{len(self.titles)} titles",
                "give every picture one of each",
            )
        if len(self.labels) and not -1 <= self.labels.min() <= self.labels.max() < len(self.classes):
            raise InputError(
                f"{self.name}: a label is no place in {len(self.classes)} classes", "renumber them"
            )
        refuse_doubles([one.key for one in self.classes], f"the classes of {self.name}")

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"<PictureSet {self.name}, {len(self):,} pictures, {len(self.classes):,} classes>"

    def subset(self, keys: Sequence[str]) -> PictureSet:
        """Return the pictures of some classes; the classes stand in the order given, the pictures as before.

        Raises:
            InputError: A key is unknown or given twice.
        """
        refuse_doubles(keys, "the list of classes")
        places = {one.key: place for place, one in enumerate(self.classes)}
        unknown = [key for key in keys if key not in places]
        if unknown:
            raise InputError(
                f"{self.name} has no class {shown(unknown[0])}",
                f"name classes such as {', '.join([*places][:3])}",
            )
        renumbered = np.full(len(self.classes) + 1, -1, dtype=np.int64)  # the last place serves label -1
        renumbered[[places[key] for key in keys]] = np.arange(len(keys))
        labels = renumbered[self.labels]
        chosen = np.flatnonzero(labels >= 0)
        return replace(
            self,
            classes=tuple(self.classes[places[key]] for key in keys),
            labels=labels[chosen],
            digests=tuple(self.digests[picture] for picture in chosen),
            titles=tuple(self.titles[picture] for picture in chosen),
            read=lambda picture: self.read(int(chosen[picture])),
        )


def refuse_doubles(names: Sequence[str], where: str) -> None:
    """Refuse a list that names one thing twice.

    Raises:
        InputError: It does; the message has the name.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(f"{shown(name)} stands twice in {where}", "keep one, or rename the other")
        seen.add(name)
