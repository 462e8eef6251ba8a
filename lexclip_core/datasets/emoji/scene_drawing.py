"""One thing of a scene: an emoji cropped to its drawing, scaled, and tinted where it has a colour."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from lexclip_core.datasets.emoji.scene_words import COLOURS
from lexclip_core.datasets.emoji.sprites import sprite

_GAP = 4  # pixels of 64: an outline with gaps of up to twice this still encloses


def thing(concept: str, style: str, colour: str, side: int) -> Image.Image:
    """Return a drawing as RGBA, as large as it can be in a square and centred in it.

    Args:
        concept: The emoji concept.
        style: A style of the shipped drawings.
        colour: A key of `scene_words.COLOURS`, or "" for the drawing's own colours.
        side: The square's side in pixels.

    Raises:
        InputError: No such concept or style.
        MissingResourceError: The drawings are not there.
    """
    picture = sprite(concept, style)
    picture = picture.crop(picture.getbbox())
    if colour:
        picture = _tinted(picture, COLOURS[colour])
    scale = side / max(picture.size)
    picture = picture.resize(
        (max(1, round(picture.width * scale)), max(1, round(picture.height * scale))),
        Image.Resampling.LANCZOS,
    )
    canvas = Image.new("RGBA", (side, side))
    canvas.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return canvas


def _tinted(picture: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """Return a line drawing with lines of a darker shade and everything they enclose in the colour."""
    alpha = np.asarray(picture)[..., 3]
    lines = np.pad(alpha > 64, _GAP)
    closed = ndimage.binary_closing(lines, ndimage.generate_binary_structure(2, 1), iterations=_GAP)
    inside = ndimage.binary_fill_holes(closed)[_GAP:-_GAP, _GAP:-_GAP]
    line = (alpha / 255)[..., None]
    shade = np.array(colour) * (1 - 0.45 * line)
    filled = np.where(inside, 255, alpha)[..., None]
    return Image.fromarray(np.concatenate([shade.round(), filled], axis=2).astype(np.uint8))
