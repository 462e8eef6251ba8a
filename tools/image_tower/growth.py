"""How the image tower's accuracy on the held-out style grows with epochs, styles and augmentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn import functional

from lexclip_core import storage
from lexclip_core.datasets.pictures.picture_set import PictureSet
from lexclip_core.errors import MissingResourceError
from lexclip_core.experiments.words import cached_embeddings
from lexclip_core.towers.tower import Tower
from tools.image_tower.fit import MEAN, STD, fit_tower
from tools.image_tower.material import load_material, training_styles
from tools.image_tower.measure import held_out_accuracy
from tools.image_tower.recipe import Recipe, Stage
from tools.image_tower.saving import EMOJI_VISION, new_visual

# What is varied, one thing at a time, in runs of equally many steps: (styles, strength of the augmentation).
VARIANTS: dict[str, tuple[tuple[str, ...], float]] = {
    "all styles": (training_styles(), 1.0),
    "three styles": (("noto", "openmoji", "openmoji_black"), 1.0),
    "no augmentation": (training_styles(), 0.0),
}


def over_steps(snapshots: Path, text: Tower) -> pd.DataFrame:
    """Return the accuracies of the averaged weights saved during one training.

    Args:
        snapshots: The folder that `fit` wrote them to.
        text: The text tower.

    Returns:
        The columns of `held_out_accuracy`, and variant and steps.

    Raises:
        MissingResourceError: The folder holds none.
    """
    files = sorted(snapshots.glob("step-*.pt"))
    if not files:
        raise MissingResourceError(
            f"{snapshots} holds no snapshots", "run `python -m tools.image_tower build` first"
        )
    tables = []
    for file in files:
        visual = new_visual(text.dim)
        visual.load_state_dict(torch.load(file, weights_only=True))
        steps = int(file.stem.removeprefix("step-"))
        tables.append(_measured(visual, text).assign(variant="full recipe", steps=steps))
    return pd.concat(tables, ignore_index=True)


def over_variants(steps: int, text: Tower, variants: Sequence[str] | None = None) -> pd.DataFrame:
    """Train one short run per variant, each of equally many steps, and return its accuracies.

    Args:
        steps: Updates per run.
        text: The text tower.
        variants: Keys of `VARIANTS`; all by default.

    Returns:
        The columns of `held_out_accuracy`, and variant and steps.
    """
    tables = []
    for name in storage.progress(list(variants or VARIANTS), desc="variants"):
        styles, strength = VARIANTS[name]
        material = load_material(text, styles)
        recipe = Recipe()
        epochs = -(-steps // (len(material.labels) // recipe.batch))
        recipe = replace(
            recipe,
            stages=(Stage(EMOJI_VISION["image_size"], epochs),),
            augmentation=recipe.augmentation.scaled(strength),
            average=0.99,
        )
        state = fit_tower(material, recipe)
        tables.append(_measured(state.average.module, text).assign(variant=name, steps=state.step))
    return pd.concat(tables, ignore_index=True)


def _measured(visual: nn.Module, text: Tower) -> pd.DataFrame:
    visual.eval()

    def features(pictures: PictureSet) -> np.ndarray:
        drawn = np.stack([np.asarray(pictures.read(place)) for place in range(len(pictures))])
        batch = torch.from_numpy(drawn).permute(0, 3, 1, 2).float().div(255).sub(MEAN).div(STD)
        with torch.inference_mode():
            rows = torch.cat([visual(part) for part in torch.split(batch, 256)])
        return functional.normalize(rows, dim=-1).numpy()

    return held_out_accuracy(features, lambda names: cached_embeddings(text, tuple(names)))
