"""Which files of a caption set lie on disk, checked before any picture is read."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from lexclip_core.datasets.caption_cards import CARDS
from lexclip_core.datasets.caption_layouts import Listed, read_json, read_table, read_tokens
from lexclip_core.datasets.picture_samples import SUFFIXES
from lexclip_core.errors import InputError, MissingResourceError

log = logging.getLogger(__name__)

Split = Literal["all", "train", "development", "test"]

# Each in the order in which it is looked for.
KARPATHY = ("dataset_flickr8k.json", "dataset_flickr30k.json")
TOKENS = ("Flickr8k.token.txt", "Flickr8k_text/Flickr8k.token.txt", "results_20130124.token")
TABLES = ("captions.tsv", "captions.txt", "captions.csv", "results.csv", "flickr_annotations_30k.csv")
FOLDERS = (
    "Images",
    "images",
    "Flicker8k_Dataset",
    "Flickr8k_Dataset",
    "Flickr8k_Dataset/Flicker8k_Dataset",
    "flickr30k-images",
    "flickr30k_images",
    "flickr30k_images/flickr30k_images",
    ".",
)
_PARTS: dict[str, tuple[str, ...]] = {
    "train": ("Flickr_8k.trainImages.txt", "train.txt"),
    "development": ("Flickr_8k.devImages.txt", "val.txt"),
    "test": ("Flickr_8k.testImages.txt", "test.txt"),
}
_SHORT = 5
"""How many captionless or misnamed pictures the log names."""


@dataclass(frozen=True)
class Found:
    """A part of a caption set whose pictures are all on disk.

    Args:
        name: The set's name, as in `CARDS`.
        split: The part.
        listed: The pictures and their captions.
        files: The file of each.
    """

    name: str
    split: str
    listed: tuple[Listed, ...]
    files: tuple[Path, ...]


def find_coco(annotations: Path, folder: Path, split: Split) -> Found:
    """Return the pictures of COCO's or Karpathy's list.

    Raises:
        InputError: No such part.
        MissingResourceError: The list or a picture is not there.
        DamagedFileError: The list is damaged.
    """
    source = CARDS["coco"].source
    if not annotations.is_file():
        raise MissingResourceError(f"{annotations} is not there", f"get it from {source}")
    listed = _part(_captioned(read_json(annotations), annotations), split, annotations)
    return Found("coco", split, listed, _pictures(listed, [folder], source))


def find_flickr(folder: Path, split: Split) -> Found:
    """Return the pictures of the first list of captions in a folder of Flickr8k or Flickr30k.

    Raises:
        InputError: No such part.
        MissingResourceError: The folder, a list or a picture is not there.
        DamagedFileError: A list is damaged.
    """
    file = _first(folder, (*KARPATHY, *TOKENS, *TABLES))
    if file is None:
        raise MissingResourceError(
            f"{folder / TOKENS[0] if folder.is_dir() else folder} is not there",
            f"name the folder of Flickr8k or Flickr30k; get it from {CARDS['flickr8k'].source}",
        )
    name = "flickr30k" if "30k" in file.name or "results" in file.name else "flickr8k"
    read = {".json": read_json, ".token": read_tokens}.get(file.suffix, read_table)
    rows = (read_tokens if file.name.endswith(".token.txt") else read)(file)
    listed = _part(_captioned(rows, file), split, file, _names_of(folder, split))
    places = [folder / place for place in FOLDERS if (folder / place).is_dir()]
    first = listed[0].name
    # The folder that holds the first picture holds all of them, or the set is not complete.
    place = next((one for one in places if (one / first).is_file()), places[0])
    return Found(name, split, listed, _pictures(listed, [place], CARDS[name].source))


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    return next((folder / name for name in names if (folder / name).is_file()), None)


def _captioned(listed: list[Listed], file: Path) -> list[Listed]:
    """Return the rows that name a picture and say something of it."""
    kept = [row for row in listed if row.captions and Path(row.name).suffix.lower() in SUFFIXES]
    others = sorted({row.name for row in listed} - {row.name for row in kept})
    if others:  # Flickr8k lists `2258277193_586949ec62.jpg.1`, which no one has
        log.warning(
            "%s: %d pictures are passed over, without a caption or with no picture's name: %s",
            file,
            len(others),
            ", ".join(others[:_SHORT]),
        )
    return kept


def _names_of(folder: Path, split: Split) -> frozenset[str] | None:
    """Return the names, without suffix, that a list of one part beside the captions has, if there is one."""
    lists = [folder / sub / name for name in _PARTS.get(split, ()) for sub in (".", "Flickr8k_text")]
    file = next((one for one in lists if one.is_file()), None)
    if file is None:
        return None
    return frozenset(line.strip().split(".")[0] for line in file.read_text("utf-8").splitlines() if line)


def _part(
    listed: list[Listed], split: Split, file: Path, names: frozenset[str] | None = None
) -> tuple[Listed, ...]:
    if split not in get_args(Split):
        raise InputError(f"no part is called {split!r}", f"choose one of {', '.join(get_args(Split))}")
    if split == "all":
        chosen = listed
    elif any(row.split for row in listed) or names is None:
        chosen = [row for row in listed if row.split == split]
    else:
        chosen = [row for row in listed if row.name.split(".")[0] in names]
    if not chosen:
        remedy = "ask for all of it" if split != "all" else "get it again: it may have been cut short"
        raise InputError(f"{file} lists no picture of the part {split}", remedy)
    return tuple(chosen)


def _pictures(listed: Sequence[Listed], folders: Sequence[Path], source: str) -> tuple[Path, ...]:
    files = []
    for row in listed:
        places = [folder / sub / row.name for folder in folders for sub in dict.fromkeys((row.folder, ""))]
        file = next((place for place in places if place.is_file()), None)
        if file is None:
            raise MissingResourceError(f"{places[0]} is not there", f"get the pictures from {source}")
        files.append(file)
    return tuple(files)
