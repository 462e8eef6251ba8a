"""Every picture set by its name: the shipped emoji, the papers' sets on the user's disk, any folder.

A set is added by one module of this package that declares a `Source` in a tuple `SOURCES`, with a card in
`data/cards.toml` or in the module. What another program adds to `PICTURE_SOURCES` is opened the same way.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lexclip_core.datasets.cards import CARDS, Draw, Source, declared_sources, entry_of
from lexclip_core.datasets.emoji import sprites
from lexclip_core.datasets.pictures.picture_set import PictureSet, check_folder, folder


def open_set(name: str, path: Path | None = None, *, sample: str | None = None, seed: int = 0) -> PictureSet:
    """Return a picture set by its name; what was drawn, and how, stands in its `drawn`.

    Args:
        name: A key of `PICTURE_SOURCES`. The emoji are those of the held-out style.
        path: Where the set lies; by default the folder with its name in `cards.pictures_folder()`. The emoji
            take none.
        sample: Which pictures of the papers' sets are taken; by default `heldout`, pictures that no training
            has seen. `released` is the choice of the blog's code; `all` takes all of a part. The emoji and a
            plain folder are always taken whole.
        seed: Of the draw.

    Raises:
        InputError: No such set or sample, a path too many or too few, or a set that cannot be read.
        MissingResourceError: The set is not at the path; the message has the first wrong one.
        DamagedFileError: A file of the set is damaged.
    """
    source = entry_of(PICTURE_SOURCES, name, "picture set")
    pictures = source.open(path, sample=sample, seed=seed)
    if not source.samples:
        return pictures
    chosen, draw = sample or next(iter(source.samples)), source.draw(sample)
    drawn = {"set": name, "sample": chosen, "part": draw.part, "per_class": draw.per_class, "seed": seed}
    return replace(pictures, name=f"{name}-{chosen}", drawn=drawn)


def _shipped(name: str, which: sprites.Which) -> Source[PictureSet]:
    def check(_path: Path, _draw: Draw) -> dict[str, int]:
        pictures = sprites.picture_set(which=which)
        return {"classes": len(pictures.classes), "pictures": len(pictures)}

    card = CARDS["pictures"][name]
    return Source(card, lambda path, draw, seed: sprites.picture_set(which=which), check, location="shipped")


PICTURE_SOURCES: dict[str, Source[PictureSet]] = {
    "emoji-mapped": _shipped("emoji-mapped", "mapped"),
    "emoji-emotions": _shipped("emoji-emotions", "emotions"),
    **declared_sources("lexclip_core.datasets.pictures"),
    "folder": Source(
        CARDS["pictures"]["folder"],
        lambda path, draw, seed: folder(path),
        lambda path, draw: check_folder(path),
        location="given",
    ),
}
"""Name -> source."""
