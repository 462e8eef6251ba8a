"""Training of the small image tower: emoji drawings of many styles against a locked text tower."""

from __future__ import annotations

from lexclip_core.image_training.build import (
    TEXT_TOWER,
    build_image_tower,
    image_tower_folder,
    measure,
)
from lexclip_core.image_training.material import training_styles
from lexclip_core.image_training.measure import held_out_accuracy
from lexclip_core.image_training.recipe import Recipe, Stage, recipe_of

__all__ = [
    "TEXT_TOWER",
    "Recipe",
    "Stage",
    "build_image_tower",
    "held_out_accuracy",
    "image_tower_folder",
    "measure",
    "recipe_of",
    "training_styles",
]
