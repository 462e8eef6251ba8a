"""ImageNet's pictures (ILSVRC 2012) from the user's disk: a folder per wnid, or the official flat folder.

Layouts: `val/WNID/*.JPEG` (and `train/...`); `WNID/*.JPEG`, whichever part that is; and
`val/ILSVRC2012_val_00000001.JPEG ...` next to the unpacked `ILSVRC2012_devkit_t12`. The sample `heldout`
is 30 pictures of each class from val, drawn by a seed; `released` is 30 from train, as the blog's
released code has it; `all` is all of val.
"""

from __future__ import annotations

import importlib.util
import runpy
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from lexclip_core.datasets.cards import CARDS, Draw, Source, seeded
from lexclip_core.datasets.pictures.files import pictures_in, pictures_of
from lexclip_core.datasets.pictures.picture_set import PictureClass, PictureSet, counted, from_files
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.wordnet.tables import WordNet
from lexclip_core.words import normalise, shown, unique_subset

_CARD = CARDS["pictures"]["imagenet"]
_FLAT = "ILSVRC2012_val_"
_DEVKIT = Path("ILSVRC2012_devkit_t12") / "data"
_TRUTH = "ILSVRC2012_validation_ground_truth.txt"
_UNPACK = "unpack the development kit again"


@cache
def first_lemmas() -> dict[str, str]:
    """Return wnid -> first lemma of the 1,000 classes, in the order of the challenge, as timm lists them."""
    # timm takes seconds to import and is only needed here.
    from timm.data.imagenet_info import ImageNetInfo

    info: Any = ImageNetInfo("imagenet-1k")
    return {wnid: info.label_name_to_description(wnid).split(", ")[0] for wnid in info.label_names()}


def wnids() -> tuple[str, ...]:
    """Return the wnids of the 1,000 classes in the order of the challenge."""
    return tuple(first_lemmas())


def synonym_classes(wordnet: WordNet, classes: int, *, seed: int) -> dict[str, tuple[str, ...]]:
    """Return wnid -> (class name, synonyms...) of classes drawn at random, no word in two of them.

    The name is the first lemma of the synset, as in the blog's released lists; classes without a synonym
    are left out, and so are synonyms that differ from the name in case or spelling only (claims D15, D18).

    Raises:
        InputError: Fewer classes have synonyms than are asked for.
    """
    lemmas = {wnid: wordnet.lemmas[wordnet.index(wnid)] for wnid in wnids()}
    spellings = {
        wnid: tuple(dict.fromkeys(normalise(lemma) for lemma in row)) for wnid, row in lemmas.items()
    }
    usable = unique_subset({wnid: row for wnid, row in spellings.items() if len(row) > 1}).classes
    if classes > len(usable):
        remedy = f"{len(usable)} have synonyms of their own: ask for fewer"
        raise InputError(f"{classes} classes are asked for", remedy)
    chosen = seeded(seed).choice(sorted(usable), classes, replace=False)
    return {wnid: usable[wnid] for wnid in sorted(chosen.tolist())}


# --- what CLIP's authors published, as open_clip lists it ---


@cache
def _lists() -> dict[str, Any]:
    # The one file alone is run: importing open_clip takes seconds, with torch.
    package = importlib.util.find_spec("open_clip")
    folders = package.submodule_search_locations if package else None
    file = Path(folders[0]) / "zero_shot_metadata.py" if folders else None
    if file is None or not file.is_file():
        raise MissingResourceError("open_clip is not installed here", "pip install open_clip_torch")
    return runpy.run_path(str(file))


def openai_templates() -> tuple[str, ...]:
    """Return the 80 templates as texts, each with one `{}` where the class name goes.

    Raises:
        MissingResourceError: open_clip is not installed.

    >>> openai_templates()[0]
    'a bad photo of a {}.'
    """
    return tuple(template("{}") for template in _lists()["OPENAI_IMAGENET_TEMPLATES"])


def curated_imagenet_names() -> tuple[str, ...]:
    """Return a name for each of the 1,000 classes, in the order of the challenge.

    "missile" and "sunglasses" are each the name of two classes.

    Raises:
        MissingResourceError: open_clip is not installed.

    >>> curated_imagenet_names()[:2]
    ('tench', 'goldfish')
    """
    return tuple(_lists()["IMAGENET_CLASSNAMES"])


def curated(pictures: PictureSet) -> PictureSet:
    """Return ImageNet's pictures under the names that CLIP's authors chose, not first lemmas (claim D18).

    The synsets stay, so that a first lemma that no longer names its class becomes one of its synonyms.

    Raises:
        InputError: A class is not one of ImageNet's.
    """
    names = dict(zip(wnids(), curated_imagenet_names(), strict=True))
    unknown = [one.key for one in pictures.classes if one.key not in names]
    if unknown:
        raise InputError(f"{shown(unknown[0])} is not a class of ImageNet", "give what was read as imagenet")
    classes = tuple(replace(one, name=names[one.key]) for one in pictures.classes)
    return replace(pictures, name=f"{pictures.name}-curated", classes=classes)


# --- the pictures ---


def _read(path: Path, draw: Draw, seed: int) -> PictureSet:
    """Return the pictures; the classes that have some stand in timm's order, named by their first lemma."""
    names = first_lemmas()
    classed = {
        PictureClass(wnid, names[wnid], wnid): files for wnid, files in _by_wnid(path, draw.part).items()
    }
    title = f"{_CARD.title}, {draw.part}"
    return from_files("imagenet", title, classed, per_class=draw.per_class, seed=seed)


def _check(path: Path, draw: Draw) -> dict[str, int]:
    return counted(_by_wnid(path, draw.part))


def _by_wnid(path: Path, part: str) -> dict[str, list[Path]]:
    """Return wnid -> picture files, in timm's order."""
    if not path.is_dir():
        raise _CARD.missing(path)
    place = path / part if (path / part).is_dir() else path
    folders = {one.name: one for one in place.iterdir() if one.is_dir() and not one.name.startswith(".")}
    if part == "val" and any(place.glob(f"{_FLAT}*")):
        classed = _flat(place, path / _DEVKIT)
    elif place == path and not first_lemmas().keys() & folders.keys():
        raise _CARD.missing(path / part, f"lay the pictures out as {', '.join(_CARD.files)}")
    else:
        others = sorted(folders.keys() - first_lemmas().keys())
        if others:
            problem = f"{folders[others[0]]}: {shown(others[0])} is not one of ImageNet's 1,000 wnids"
            raise InputError(problem, "move it elsewhere, or read the pictures as a plain folder")
        classed = {place.name: files for place, files in pictures_of(sorted(folders.values())).items()}
    empty = [wnid for wnid, files in classed.items() if not files]
    if empty or not classed:
        raise InputError(f"{place / empty[0] if empty else place} holds no picture", "unpack it again")
    return {wnid: classed[wnid] for wnid in first_lemmas() if wnid in classed}


def _flat(place: Path, devkit: Path) -> dict[str, list[Path]]:
    """Return wnid -> files of the official val folder, whose classes stand in the development kit."""
    for file in (devkit / _TRUTH, devkit / "meta.mat"):
        if not file.is_file():
            raise _CARD.missing(file, "unpack ILSVRC2012_devkit_t12.tar.gz next to the pictures")
    classes, names = _truth(devkit)
    classed: dict[str, list[Path]] = {}
    for file in pictures_in(place):
        number = file.stem.removeprefix(_FLAT)
        if not number.isdecimal() or not 1 <= int(number) <= len(classes):
            raise DamagedFileError(f"{file} has no line in {devkit / _TRUTH}", f"{_UNPACK} and the pictures")
        wnid = names.get(classes[int(number) - 1], "")
        if wnid not in first_lemmas():
            raise DamagedFileError(f"{devkit / 'meta.mat'} gives {file} none of the 1,000 wnids", _UNPACK)
        classed.setdefault(wnid, []).append(file)
    return classed


def _truth(devkit: Path) -> tuple[list[int], dict[int, str]]:
    """Return the class number of every val picture, and class number -> wnid."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        classes = [int(line) for line in (devkit / _TRUTH).read_text("ascii").split()]
        synsets = loadmat(devkit / "meta.mat", squeeze_me=True)["synsets"]
        return classes, {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in synsets}
    except (OSError, ValueError, TypeError, KeyError, IndexError, zlib.error, MatReadError) as error:
        raise DamagedFileError(f"{devkit} is damaged: {error}", _UNPACK) from error


# The released code takes 30 pictures of each class from train; the blog names no split (claim D19).
_SAMPLES = {"heldout": Draw("val", 30), "released": Draw("train", 30), "all": Draw("val")}
SOURCES = (Source(_CARD, _read, _check, _SAMPLES),)
