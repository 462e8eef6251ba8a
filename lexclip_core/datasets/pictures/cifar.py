"""CIFAR-10 and CIFAR-100 from the official Python batches on the user's disk.

The batches are pickles, and a pickle can run code. torchvision's reader opens them, and only after the
md5 of every file was compared with the published one. The folder is `cifar-10-batches-py` or
`cifar-100-python`, or the one that holds it. The sample `heldout` is 30 pictures of each class of the
test part, drawn by a seed, and `all` is all of it; the papers use neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from lexclip_core.datasets.cards import CARDS, Draw, Source
from lexclip_core.datasets.pictures.files import sampled
from lexclip_core.datasets.pictures.picture_set import PictureClass, PictureSet, from_pixels
from lexclip_core.errors import DamagedFileError

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10

_NAMES = ("cifar-10", "cifar-100")

SYNSETS: Mapping[str, str] = MappingProxyType(CARDS["pictures"]["cifar-10"].details["synsets"])
"""Class of CIFAR-10 -> its synset."""


def _read(name: str, path: Path, draw: Draw, seed: int) -> PictureSet:
    """Return pictures of the test part, the classes in the set's order; every md5 is checked first."""
    _check(name, path, draw)
    data = _reader(name)(str(_root(name, path)), train=False)
    targets = np.array(data.targets, dtype=np.int64)
    chosen = [
        picture
        for label, key in enumerate(data.classes)
        for picture in sampled(
            np.flatnonzero(targets == label).tolist(), draw.per_class, seed=seed, key=key.encode()
        )
    ]
    synsets = SYNSETS if name == "cifar-10" else {}
    return from_pixels(
        name,
        [PictureClass(key, key.replace("_", " "), synsets.get(key, "")) for key in data.classes],
        targets[chosen],
        data.data[chosen],
        title=f"{CARDS['pictures'][name].title}, {draw.part}",
        titles=[f"{data.classes[targets[picture]]}, {draw.part} {picture}" for picture in chosen],
    )


def _check(name: str, path: Path, _draw: Draw) -> dict[str, int]:
    # torchvision takes seconds to import and is only needed here.
    from torchvision.datasets.utils import check_md5

    card, reader, root = CARDS["pictures"][name], _reader(name), _root(name, path)
    files = [*reader.train_list, *reader.test_list, [reader.meta["filename"], reader.meta["md5"]]]
    for file, md5 in files:
        place = root / reader.base_folder / file
        if not place.is_file():
            raise card.missing(place)
        if not check_md5(str(place), md5):
            problem = f"{place} is not the published file: its md5 is not {md5}"
            raise DamagedFileError(problem, f"get it again from {card.source}")
    return {"classes": int(name.removeprefix("cifar-")), "pictures": card.rows}


def _reader(name: str) -> type[CIFAR10]:
    from torchvision.datasets import CIFAR10, CIFAR100

    readers: dict[str, type[CIFAR10]] = {"cifar-10": CIFAR10, "cifar-100": CIFAR100}
    return readers[name]


def _root(name: str, path: Path) -> Path:
    """Return the folder that holds the folder of batches; either may be named."""
    batches = CARDS["pictures"][name].files[0]
    return path.resolve().parent if path.resolve().name == batches else path


_SAMPLES = {"heldout": Draw("test", 30), "all": Draw("test")}
SOURCES = tuple(
    Source(CARDS["pictures"][name], partial(_read, name), partial(_check, name), _SAMPLES) for name in _NAMES
)
