"""Picture sets whose pictures are rows of numbers, not files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from lexclip_core.datasets.pictures import PictureClass, PictureSet


def from_pixels(
    name: str,
    classes: Sequence[PictureClass],
    labels: np.ndarray,
    pixels: np.ndarray,
    *,
    title: str,
    titles: Sequence[str],
) -> PictureSet:
    """Return the picture set of an array of pictures; a digest is of a picture's shape and values.

    Args:
        name: The set's short name.
        classes: The classes.
        labels: (pictures,) int64, places in `classes`.
        pixels: (pictures, height, width) grey or (pictures, height, width, 3) RGB, uint8.
        title: What a page calls the set.
        titles: What a page calls each picture.
    """
    shape = "x".join(str(side) for side in pixels.shape[1:]).encode()
    return PictureSet(
        name=name,
        title=title,
        classes=tuple(classes),
        labels=labels.astype(np.int64),
        digests=tuple(hashlib.sha256(shape + b":" + one.tobytes()).hexdigest() for one in pixels),
        titles=tuple(titles),
        read=lambda picture: Image.fromarray(pixels[picture]).convert("RGB"),
    )
