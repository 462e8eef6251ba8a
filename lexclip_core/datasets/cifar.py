"""CIFAR-10 and CIFAR-100 from the official Python batches on the user's disk.

The batches are pickles, and a pickle can run code. torchvision's reader opens them, and only after the md5 of
every file has been found to be the published one.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from lexclip_core.datasets.card import Card
from lexclip_core.datasets.picture_pixels import from_pixels
from lexclip_core.datasets.picture_samples import Draw, Sample, draw_of, sampled
from lexclip_core.datasets.pictures import PictureClass, PictureSet
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

if TYPE_CHECKING:
    from torchvision.datasets import CIFAR10

Name = Literal["cifar-10", "cifar-100"]


def _card(name: str, title: str, folder: str) -> Card:
    return Card(
        name=name,
        title=title,
        rows=10_000,
        scale=f"one of {title.removeprefix('CIFAR-')} classes a picture of 32 x 32",
        reference="Krizhevsky (2009), Learning multiple layers of features from tiny images",
        source="https://www.cs.toronto.edu/~kriz/cifar.html (the Python version)",
        licence="none is stated; cite the report",
        files=(folder,),
        warning="rows counts the test part; neither paper uses this set",
    )


CARDS: dict[str, Card] = {
    "cifar-10": _card("cifar-10", "CIFAR-10", "cifar-10-batches-py"),
    "cifar-100": _card("cifar-100", "CIFAR-100", "cifar-100-python"),
}
SAMPLES = {"heldout": Draw("test", 30), "all": Draw("test", None)}

# CIFAR-10's classes as senses, so that they can be renamed; CIFAR-100 comes with names of its own for that.
SYNSETS = {
    "airplane": "airplane.n.01",
    "automobile": "car.n.01",
    "bird": "bird.n.01",
    "cat": "cat.n.01",
    "deer": "deer.n.01",
    "dog": "dog.n.01",
    "frog": "frog.n.01",
    "horse": "horse.n.01",
    "ship": "ship.n.01",
    "truck": "truck.n.01",
}
# CIFAR-100's own superclasses and the five classes of each, as its page lists them.
COARSE: dict[str, tuple[str, ...]] = {
    "aquatic mammals": ("beaver", "dolphin", "otter", "seal", "whale"),
    "fish": ("aquarium_fish", "flatfish", "ray", "shark", "trout"),
    "flowers": ("orchid", "poppy", "rose", "sunflower", "tulip"),
    "food containers": ("bottle", "bowl", "can", "cup", "plate"),
    "fruit and vegetables": ("apple", "mushroom", "orange", "pear", "sweet_pepper"),
    "household electrical devices": ("clock", "keyboard", "lamp", "telephone", "television"),
    "household furniture": ("bed", "chair", "couch", "table", "wardrobe"),
    "insects": ("bee", "beetle", "butterfly", "caterpillar", "cockroach"),
    "large carnivores": ("bear", "leopard", "lion", "tiger", "wolf"),
    "large man-made outdoor things": ("bridge", "castle", "house", "road", "skyscraper"),
    "large natural outdoor scenes": ("cloud", "forest", "mountain", "plain", "sea"),
    "large omnivores and herbivores": ("camel", "cattle", "chimpanzee", "elephant", "kangaroo"),
    "medium mammals": ("fox", "porcupine", "possum", "raccoon", "skunk"),
    "non-insect invertebrates": ("crab", "lobster", "snail", "spider", "worm"),
    "people": ("baby", "boy", "girl", "man", "woman"),
    "reptiles": ("crocodile", "dinosaur", "lizard", "snake", "turtle"),
    "small mammals": ("hamster", "mouse", "rabbit", "shrew", "squirrel"),
    "trees": ("maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"),
    "vehicles 1": ("bicycle", "bus", "motorcycle", "pickup_truck", "train"),
    "vehicles 2": ("lawn_mower", "rocket", "streetcar", "tank", "tractor"),
}


def given_hypernyms() -> dict[str, str]:
    """Return class key -> superclass for CIFAR-100; "vehicles 1" and "vehicles 2" are both vehicles."""
    return {key: coarse.rstrip(" 12") for coarse, keys in COARSE.items() for key in keys}


def by_superclass(pictures: PictureSet) -> PictureSet:
    """Return CIFAR-100's pictures under its 20 superclasses: each class by the hypernym given to it.

    Raises:
        InputError: A class is none of CIFAR-100's.
    """
    places = {key: place for place, keys in enumerate(COARSE.values()) for key in keys}
    unknown = [one.key for one in pictures.classes if one.key not in places]
    if unknown:
        raise InputError(f"{unknown[0]!r} is no class of CIFAR-100", "give a set that was read as cifar-100")
    place_of = np.array([places[one.key] for one in pictures.classes], dtype=np.int64)
    return replace(
        pictures,
        name=f"{pictures.name}-coarse",
        title=f"{pictures.title}, superclasses",
        classes=tuple(PictureClass(coarse, coarse) for coarse in COARSE),
        labels=place_of[pictures.labels],
    )


def read(name: Name, path: Path, *, sample: Sample = "heldout", seed: int = 0) -> PictureSet:
    """Return pictures of the test part, the classes in the set's order.

    Args:
        name: `cifar-10` or `cifar-100`.
        path: The folder that holds `cifar-10-batches-py` or `cifar-100-python`, or that folder itself.
        sample: `heldout`: 30 pictures of each class. `all`: all of the test part. The papers have neither.
        seed: Of the draw.

    Raises:
        InputError: No such set or sample.
        MissingResourceError: A file is not there; the message has the first one.
        DamagedFileError: A file is not the published one; nothing in it was read.
    """
    check(name, path, sample=sample)
    draw = draw_of(SAMPLES, sample, CARDS[name].title)
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
        f"{name}-{sample}",
        [PictureClass(key, key.replace("_", " "), synsets.get(key, "")) for key in data.classes],
        targets[chosen],
        data.data[chosen],
        title=f"{CARDS[name].title}, {draw.part}",
        titles=[f"{data.classes[targets[picture]]}, {draw.part} {picture}" for picture in chosen],
    )


def check(name: Name, path: Path, *, sample: Sample = "heldout") -> dict[str, int]:
    """Return how many classes and test pictures the set has, once every file has its published md5.

    Raises:
        InputError: As in `read`.
        MissingResourceError: As in `read`.
        DamagedFileError: As in `read`.
    """
    if name not in CARDS:
        raise InputError(f"no set is called {name!r}", f"choose one of {', '.join(get_args(Name))}")
    card = CARDS[name]
    draw_of(SAMPLES, sample, card.title)
    # torchvision takes seconds to import and is only needed here.
    from torchvision.datasets.utils import check_md5

    reader, root = _reader(name), _root(name, path)
    files = [*reader.train_list, *reader.test_list, [reader.meta["filename"], reader.meta["md5"]]]
    for file, md5 in files:
        place = root / reader.base_folder / file
        if not place.is_file():
            raise MissingResourceError(f"{card.title}: {place} is not there", f"get it from {card.source}")
        if not check_md5(str(place), md5):
            raise DamagedFileError(
                f"{place} is not the published file: its md5 is not {md5}", f"get it again from {card.source}"
            )
    return {"classes": int(name.removeprefix("cifar-")), "pictures": card.rows}


def _reader(name: str) -> type[CIFAR10]:
    from torchvision.datasets import CIFAR10, CIFAR100

    return {"cifar-10": CIFAR10, "cifar-100": CIFAR100}[name]


def _root(name: str, path: Path) -> Path:
    return path.resolve().parent if path.resolve().name == CARDS[name].files[0] else path
