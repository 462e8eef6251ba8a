"""Pictures with several captions each, for retrieval: COCO, Flickr8k and Flickr30k from the user's disk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from lexclip_core.datasets import file_digests
from lexclip_core.datasets.caption_cards import CARDS
from lexclip_core.datasets.caption_files import Found, Split, find_coco, find_flickr
from lexclip_core.datasets.picture_files import open_picture
from lexclip_core.datasets.picture_samples import pictures_folder
from lexclip_core.datasets.pictures import PictureSet
from lexclip_core.errors import InputError

__all__ = ["CARDS", "CaptionSet", "Split", "check", "coco", "flickr", "open_captions"]

Name = Literal["coco", "flickr8k", "flickr30k"]


@dataclass(frozen=True, eq=False)
class CaptionSet:
    """Pictures and what people wrote under them.

    Args:
        name: A short name for files and addresses.
        title: What a page calls the set.
        pictures: The pictures, without classes.
        captions: The captions of each picture, one tuple a picture, none of them empty.

    Raises:
        InputError: The parts do not fit together, or a picture has no caption.
    """

    name: str
    title: str
    pictures: PictureSet
    captions: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        if len(self.captions) != len(self.pictures):
            raise InputError(
                f"{self.name} has captions for {len(self.captions)} of {len(self.pictures)} pictures",
                "give every picture a tuple of captions",
            )
        for place, texts in enumerate(self.captions):
            if not texts:
                raise InputError(f"{self.pictures.titles[place]} has no caption", "leave the picture out")

    def __len__(self) -> int:
        return len(self.captions)

    @property
    def texts(self) -> tuple[str, ...]:
        """All captions, picture by picture."""
        return tuple(text for texts in self.captions for text in texts)

    @property
    def picture_of(self) -> np.ndarray:
        """The place of each caption's picture, (captions,) int64, in the order of `texts`."""
        return np.repeat(np.arange(len(self)), [len(texts) for texts in self.captions])

    def sample(self, pictures: int, *, seed: int = 0) -> CaptionSet:
        """Return so many pictures with their captions, drawn without replacement, in the set's order.

        Raises:
            InputError: Fewer than one picture, or more than there are, are asked for.
        """
        if not 1 <= pictures <= len(self):
            raise InputError(f"{pictures} of {len(self)} pictures are asked for", "ask for what is there")
        chosen = np.sort(np.random.default_rng(seed).choice(len(self), pictures, replace=False)).tolist()
        whole = self.pictures
        part = replace(
            whole,
            labels=whole.labels[chosen],
            digests=tuple(whole.digests[place] for place in chosen),
            titles=tuple(whole.titles[place] for place in chosen),
            read=lambda place: whole.read(chosen[place]),
        )
        return CaptionSet(self.name, self.title, part, tuple(self.captions[place] for place in chosen))


def coco(annotations: Path, folder: Path, *, split: Split = "all") -> CaptionSet:
    """Return COCO's pictures and captions.

    Args:
        annotations: `captions_val2017.json` or one like it, or Karpathy's `dataset_coco.json`.
        folder: The pictures of the list, or the folder that holds `val2014` and `train2014` where the list
            names those.
        split: The part, which Karpathy's list alone has: the papers' 5,000 pictures are its `test`.

    Raises:
        InputError: The list has no such part.
        MissingResourceError: The list or a picture is not there; the message has the first wrong path.
        DamagedFileError: The list is damaged.
    """
    return _caption_set(find_coco(annotations, folder, split))


def flickr(folder: Path, *, split: Split = "all") -> CaptionSet:
    """Return the pictures and captions of Flickr8k or Flickr30k, whichever lies in a folder.

    Layouts, in the order in which they are looked for: Karpathy's `dataset_flickr8k.json` or
    `dataset_flickr30k.json`; the official `Flickr8k.token.txt` or `results_20130124.token`; a table
    `captions.tsv`, `captions.txt`, `captions.csv`, `results.csv` or `flickr_annotations_30k.csv`. The
    pictures lie in `Images`, `Flicker8k_Dataset`, `flickr30k-images` or beside the captions. Rows whose
    picture's name is no picture's, of which Flickr8k has five, are passed over, and the log says so.

    Args:
        folder: The folder.
        split: The part, by the captions' own column or by the lists of names beside them.

    Raises:
        InputError: The layout has no such part.
        MissingResourceError: No layout, or not every picture, is there; the message has the first wrong path.
        DamagedFileError: A file is damaged.
    """
    return _caption_set(find_flickr(folder, split))


def open_captions(name: str, path: Path | None = None, *, split: Split = "test") -> CaptionSet:
    """Return a caption set by its name.

    Args:
        name: `coco`, `flickr8k` or `flickr30k`.
        path: Where the set lies on disk; by default the folder with its name in `pictures_folder()`. COCO is
            read by Karpathy's `dataset_coco.json` where it is there; else `train` is
            `annotations/captions_train2017.json` with `train2017`, and every other part is that of val2017.
        split: The part.

    Raises:
        InputError: No such set or part.
        MissingResourceError: As in `coco` and `flickr`.
        DamagedFileError: As in `coco` and `flickr`.
    """
    return _caption_set(_found(name, path, split))


def check(name: str, path: Path | None = None, *, split: Split = "test") -> dict[str, int]:
    """Return how many pictures and captions of a set are on disk; no picture is opened.

    Raises:
        InputError: As in `open_captions`.
        MissingResourceError: As in `open_captions`; the message has the first wrong path.
        DamagedFileError: As in `open_captions`.
    """
    found = _found(name, path, split)
    return {"pictures": len(found.files), "captions": sum(len(row.captions) for row in found.listed)}


def _found(name: str, path: Path | None, split: Split) -> Found:
    if name not in get_args(Name):
        raise InputError(f"no caption set is called {name!r}", f"choose one of {', '.join(get_args(Name))}")
    place = path or pictures_folder() / name
    if name != "coco":
        return replace(find_flickr(place, split), name=name)
    if (place / "dataset_coco.json").is_file():
        return find_coco(place / "dataset_coco.json", place, split)
    part = "train2017" if split == "train" else "val2017"
    return replace(
        find_coco(place / "annotations" / f"captions_{part}.json", place / part, "all"), split=part
    )


def _caption_set(found: Found) -> CaptionSet:
    name = found.name if found.split == "all" else f"{found.name}-{found.split}"
    title = CARDS[found.name].title + ("" if found.split == "all" else f", {found.split}")
    pictures = PictureSet(
        name=name,
        title=title,
        classes=(),
        labels=np.full(len(found.files), -1, dtype=np.int64),
        digests=file_digests.digests(found.files),
        titles=tuple(row.name for row in found.listed),
        read=lambda place: open_picture(found.files[place]),
    )
    return CaptionSet(name, title, pictures, tuple(row.captions for row in found.listed))
