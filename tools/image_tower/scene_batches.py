"""Two-object scenes to train on: a bank of captions encoded once, drawn anew in every step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lexclip_core.datasets.emoji import scenes
from lexclip_core.datasets.emoji.scenes import thing
from lexclip_core.datasets.emoji.sprites import SIZE
from lexclip_core.towers.encoder import Encoder

Drawings = Mapping[str, Mapping[str, np.ndarray]]

# Evaluations draw their scenes from other seeds, and leave out the compositions of this one.
TRAINING_SEED = scenes.IMAGE_TOWER_SEED
_PHRASINGS = 5
# Upper left corners (row, column) of the first and the second thing on a canvas of twice a drawing's side.
_CORNERS = {
    "left of": ((SIZE // 2, 0), (SIZE // 2, SIZE)),
    "right of": ((SIZE // 2, SIZE), (SIZE // 2, 0)),
    "above": ((0, SIZE // 2), (SIZE, SIZE // 2)),
    "below": ((SIZE, SIZE // 2), (0, SIZE // 2)),
}


@dataclass(frozen=True)
class DrawnScenes:
    """Scenes of one step.

    Args:
        canvases: RGBA, uint8, shape (n, side, side, 4).
        texts: Unit rows of every caption in the bank, in the phrasing of this step, shape (bank, dim).
        targets: The caption of each canvas, shape (n,).
    """

    canvases: Tensor
    texts: Tensor
    targets: Tensor


@dataclass(frozen=True)
class SceneBank:
    """Scenes with their captions' rows and the drawings that they can be made of.

    Args:
        scenes: The scenes, in the order of the captions.
        texts: Unit rows of captions, shape (phrasings, scenes, dim).
        parts: RGBA, uint8, shape (parts, 64, 64, 4).
        pairs: For each scene, the places in `parts` of its two things, one pair per style.
    """

    scenes: tuple[scenes.Scene, ...]
    texts: Tensor
    parts: Tensor
    pairs: tuple[tuple[tuple[int, int], ...], ...]

    def draw(self, count: int, generator: torch.Generator) -> DrawnScenes:
        """Return some scenes in randomly chosen styles, with all captions in randomly chosen phrasings."""
        targets = torch.randint(len(self.scenes), (count,), generator=generator)
        phrasings = torch.randint(len(self.texts), (len(self.scenes),), generator=generator)
        texts = self.texts[phrasings, torch.arange(len(self.scenes))]
        canvases = torch.zeros(count, 2 * SIZE, 2 * SIZE, 4, dtype=torch.uint8)
        for canvas, target in zip(canvases, targets.tolist(), strict=True):
            choices = self.pairs[target]
            pair = choices[int(torch.randint(len(choices), (1,), generator=generator))]
            for part, (row, column) in zip(pair, _CORNERS[self.scenes[target].relation], strict=True):
                canvas[row : row + SIZE, column : column + SIZE] = self.parts[part]
        return DrawnScenes(canvases, texts, targets)


def scene_bank(encode: Encoder, drawings: Drawings, *, count: int = scenes.IMAGE_TOWER_SCENES) -> SceneBank:
    """Return scenes to train on.

    Args:
        encode: The locked text tower: texts -> unit rows.
        drawings: style -> concept -> RGBA drawing of shape (64, 64, 4), of the training styles alone.
        count: How many scenes.

    Raises:
        MissingResourceError: The concepts or their senses are not there.
    """
    made = scenes.make_scenes(TRAINING_SEED, count)
    generator = np.random.default_rng(TRAINING_SEED)
    captions = [generator.permutation(scenes.scene_captions(scene))[:_PHRASINGS].tolist() for scene in made]
    rows = torch.from_numpy(encode([text for phrasings in zip(*captions, strict=True) for text in phrasings]))
    parts = _Parts(drawings)
    pairs = tuple(map(parts.pairs, made))
    texts = rows.reshape(_PHRASINGS, len(made), -1)
    return SceneBank(made, texts, torch.from_numpy(np.stack(parts.pixels)), pairs)


class _Parts:
    """The distinct drawings that scenes are made of, each stored once."""

    def __init__(self, drawings: Drawings) -> None:
        self.drawings = drawings
        self.places: dict[tuple[str, str], int] = {}
        self.pixels: list[np.ndarray] = []

    def place(self, concept: str, look: str) -> int:
        """Return the place of a concept in a style or a colour."""
        if (concept, look) not in self.places:
            self.places[concept, look] = len(self.pixels)
            drawn = self.drawings[look][concept] if look in self.drawings else _tinted(concept, look)
            self.pixels.append(drawn)
        return self.places[concept, look]

    def pairs(self, scene: scenes.Scene) -> tuple[tuple[int, int], ...]:
        """Return the places of a scene's two things, one pair per style that draws both."""
        if scene.colour_first:
            looks = [(scene.colour_first, scene.colour_second)]
        else:
            looks = [
                (style, style)
                for style, drawn in self.drawings.items()
                if scene.first in drawn and scene.second in drawn
            ]
        return tuple((self.place(scene.first, one), self.place(scene.second, other)) for one, other in looks)


def _tinted(concept: str, colour: str) -> np.ndarray:
    return np.asarray(thing(concept, scenes.TINTED_STYLE, colour, SIZE))
