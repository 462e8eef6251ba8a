"""ImageNet's pictures (ILSVRC 2012) from the user's disk: a folder a wnid, or the official flat folder."""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path

from scipy.io import loadmat
from scipy.io.matlab import MatReadError
from timm.data import ImageNetInfo

from lexclip_core.datasets.card import Card
from lexclip_core.datasets.imagenet_classes import wnids
from lexclip_core.datasets.picture_samples import Draw, Sample, draw_of, pictures_in, sampled
from lexclip_core.datasets.pictures import PictureClass, PictureSet, from_files
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.towers.imagenet_names import curated_imagenet_names
from lexclip_core.words import shown

CARD = Card(
    name="imagenet",
    title="ImageNet (ILSVRC 2012)",
    rows=50_000,
    scale="one of 1,000 WordNet synsets a picture",
    reference="Russakovsky et al. (2015), ImageNet large scale visual recognition challenge",
    source="https://image-net.org/download.php (register, accept the terms, take ILSVRC2012_img_val.tar)",
    licence="non-commercial research and education, by ImageNet's terms of access",
    files=("val/WNID/*.JPEG", "val/ILSVRC2012_val_*.JPEG", "train/WNID/*.JPEG"),
    warning="rows counts val; train has 1,281,167 pictures, and many image towers have seen them",
)
# The released code takes 30 pictures of each class from train; the blog names no split (claim D19).
SAMPLES = {"heldout": Draw("val", 30), "released": Draw("train", 30), "all": Draw("val", None)}

_FLAT = "ILSVRC2012_val_"
_DEVKIT = Path("ILSVRC2012_devkit_t12") / "data"
_TRUTH = "ILSVRC2012_validation_ground_truth.txt"


def read(path: Path, *, sample: Sample = "heldout", seed: int = 0) -> PictureSet:
    """Return ImageNet's pictures, the classes that have some in timm's order, named by their first lemma.

    Layouts: `path/val/WNID/*.JPEG` (and `path/train/...`); `path/WNID/*.JPEG`, whichever part that is; and
    `path/val/ILSVRC2012_val_00000001.JPEG ...` beside the unpacked `path/ILSVRC2012_devkit_t12`.

    Args:
        path: The folder.
        sample: `heldout`: 30 pictures of each class from val. `released`: 30 from train, as the blog's
            released code has it. `all`: all of val.
        seed: Of the draw.

    Raises:
        InputError: No such sample, or a folder is no wnid of the 1,000 or holds no picture.
        MissingResourceError: The folder, or the development kit that a flat folder needs, is not there.
        DamagedFileError: The development kit is damaged or does not cover a picture.
    """
    draw = draw_of(SAMPLES, sample, CARD.title)
    found = _found(path, draw.part)
    info = ImageNetInfo("imagenet-1k")
    return from_files(
        f"imagenet-{sample}",
        f"{CARD.title}, {draw.part}",
        [PictureClass(wnid, info.label_name_to_description(wnid).split(", ")[0], wnid) for wnid in found],
        [sampled(files, draw.per_class, seed=seed, key=wnid.encode()) for wnid, files in found.items()],
    )


def curated(pictures: PictureSet) -> PictureSet:
    """Return ImageNet's pictures under the names that CLIP's authors chose, not first lemmas (claim D18).

    The synsets stay, so that a first lemma that is no class's name any more becomes one of its synonyms.

    Raises:
        InputError: A class is none of ImageNet's.
    """
    names = dict(zip(wnids(), curated_imagenet_names(), strict=True))
    unknown = [one.key for one in pictures.classes if one.key not in names]
    if unknown:
        raise InputError(
            f"{shown(unknown[0])} is no class of ImageNet", "give a set that was read as imagenet"
        )
    classes = tuple(replace(one, name=names[one.key]) for one in pictures.classes)
    return replace(pictures, name=f"{pictures.name}-curated", classes=classes)


def check(path: Path, *, sample: Sample = "heldout") -> dict[str, int]:
    """Return how many classes and pictures are on disk; no picture is opened.

    Raises:
        InputError: As in `read`.
        MissingResourceError: As in `read`; the message has the first wrong path.
        DamagedFileError: As in `read`.
    """
    found = _found(path, draw_of(SAMPLES, sample, CARD.title).part)
    return {"classes": len(found), "pictures": sum(len(files) for files in found.values())}


def _found(path: Path, part: str) -> dict[str, list[Path]]:
    """Return wnid -> picture files, in timm's order."""
    if not path.is_dir():
        raise MissingResourceError(f"{CARD.title}: {path} is not there", f"get it from {CARD.source}")
    place = path / part if (path / part).is_dir() else path
    folders = {one.name: one for one in place.iterdir() if one.is_dir() and not one.name.startswith(".")}
    if part == "val" and any(place.glob(f"{_FLAT}*")):
        found = _flat(place, path / _DEVKIT)
    elif place == path and not _known() & set(folders):
        raise MissingResourceError(
            f"{CARD.title}: {path / part} is not there", f"lay the pictures out as {', '.join(CARD.files)}"
        )
    else:
        _refuse_others(folders)
        found = {wnid: pictures_in(folders[wnid]) for wnid in sorted(folders)}
    empty = [wnid for wnid, files in found.items() if not files]
    if empty or not found:
        raise InputError(f"{place / empty[0] if empty else place} holds no picture", "unpack it again")
    return {wnid: found[wnid] for wnid in wnids() if wnid in found}


def _refuse_others(folders: dict[str, Path]) -> None:
    others = sorted(set(folders) - _known())
    if others:
        raise InputError(
            f"{folders[others[0]]}: {shown(others[0])} is none of ImageNet's 1,000 wnids",
            "move it elsewhere, or read the pictures as a plain folder",
        )


@cache
def _known() -> frozenset[str]:
    return frozenset(wnids())


def _flat(place: Path, devkit: Path) -> dict[str, list[Path]]:
    """Return wnid -> files of the official val folder, whose classes stand in the development kit."""
    for file in (devkit / _TRUTH, devkit / "meta.mat"):
        if not file.is_file():
            raise MissingResourceError(
                f"{file} is not there", "unpack ILSVRC2012_devkit_t12.tar.gz beside the pictures"
            )
    classes, names = _truth(devkit)
    found: dict[str, list[Path]] = {}
    for file in pictures_in(place):
        number = file.stem.removeprefix(_FLAT)
        if not number.isdecimal() or not 1 <= int(number) <= len(classes):
            raise DamagedFileError(
                f"{file} has no line in {devkit / _TRUTH}", "unpack the pictures and the kit again"
            )
        wnid = names.get(classes[int(number) - 1], "")
        if wnid not in _known():
            raise DamagedFileError(
                f"{devkit / 'meta.mat'} gives {file} no wnid of the 1,000", "unpack the development kit again"
            )
        found.setdefault(wnid, []).append(file)
    return found


def _truth(devkit: Path) -> tuple[list[int], dict[int, str]]:
    """Return the class number of every val picture, and class number -> wnid."""
    try:
        classes = [int(line) for line in (devkit / _TRUTH).read_text("ascii").split()]
        synsets = loadmat(devkit / "meta.mat", squeeze_me=True)["synsets"]
        return classes, {int(row["ILSVRC2012_ID"]): str(row["WNID"]) for row in synsets}
    except (OSError, ValueError, TypeError, KeyError, IndexError, zlib.error, MatReadError) as error:
        raise DamagedFileError(f"{devkit} is damaged: {error}", "unpack the development kit again") from error
