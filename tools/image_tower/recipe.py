"""The settings of an image tower's training."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lexclip_core.errors import InputError
from tools.image_tower.augment import Augmentation
from tools.image_tower.material import Material


@dataclass(frozen=True)
class Stage:
    """A stretch of training at one picture size.

    Args:
        size: Side of the pictures, in pixels.
        epochs: Passes over all drawings.
        scenes: Pictures of two-object scenes in a batch, next to the drawings.
    """

    size: int
    epochs: int
    scenes: int = 0


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the trained weights.

    Args:
        stages: Small pictures first, then larger ones.
        batch: Drawings in a step.
        lr: Highest learning rate (AdamW): a short warm-up, then cosine decay to zero.
        weight_decay: Of matrices and kernels; biases and norms are left alone.
        smoothing: Label smoothing over the concepts.
        tags: Weight of the term that draws a picture to its tags.
        classes: Weight of the term of a free linear classifier on the features, thrown away afterwards: it
            teaches the trunk in the first epochs, where names that resemble each other teach little.
        average: Decay of the running average of the weights, which is what is saved.
        augmentation: How drawings are varied at full strength.
        seed: Of everything random.
    """

    stages: tuple[Stage, ...] = (Stage(64, 80), Stage(64, 24, scenes=48))
    batch: int = 192
    lr: float = 3e-3
    weight_decay: float = 0.05
    smoothing: float = 0.05
    tags: float = 0.3
    classes: float = 1.0
    average: float = 0.998
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0

    def digest(self, material: Material) -> str:
        """Return eight hex digits that change with any setting or style."""
        plain = json.dumps([asdict(self), material.styles, len(material.labels)], sort_keys=True)
        return hashlib.sha256(plain.encode()).hexdigest()[:8]


def recipe_of(epochs: Sequence[int], **settings: Any) -> Recipe:
    """Return the default recipe with other epochs for its stages, and other settings."""
    base = Recipe()
    if len(epochs) != len(base.stages):
        raise InputError(f"{len(epochs)} numbers of epochs are given", f"give {len(base.stages)}")
    stages = tuple(
        Stage(stage.size, count, stage.scenes) for stage, count in zip(base.stages, epochs, strict=True)
    )
    return Recipe(stages=stages, **settings)
