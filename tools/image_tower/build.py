"""From drawings to an image tower on disk: train, save as open_clip does, measure on the held-out style."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from lexclip_core import storage
from lexclip_core.datasets.emoji import sprites
from lexclip_core.datasets.pictures.features import picture_features
from lexclip_core.towers import loading
from lexclip_core.towers.tower import Tower
from tools.emoji.drawing import STYLES
from tools.emoji.packages import PACKAGES
from tools.image_tower import saving
from tools.image_tower.fit import Checkpoints, State, fit_tower
from tools.image_tower.material import drawings_by_style, load_material, training_styles
from tools.image_tower.measure import held_out_accuracy
from tools.image_tower.recipe import Recipe
from tools.image_tower.scene_batches import scene_bank

TEXT_TOWER = "all-MiniLM-L6-v2"


def image_tower_folder() -> Path:
    """Return the folder of the image tower that ships, `data/image_towers/emoji`."""
    return storage.data_folder() / "image_towers" / "emoji"


def build_image_tower(
    folder: Path, recipe: Recipe, *, styles: Sequence[str] | None = None, device: str = "cpu"
) -> Path:
    """Train the image tower and write it with its accuracies on the held-out style; return the folder.

    A build that was killed resumes from its last checkpoint when called again with the same settings.

    Args:
        folder: Replaced as a whole when the training has ended.
        recipe: The settings.
        styles: Styles to train on; all but the held-out one by default.
        device: A torch device.

    Raises:
        InputError: A style is unknown or held out.
        MissingResourceError: A style's package could not be had.
        DivergenceError: The loss became useless; the last checkpoint stays.
        StorageError: The folder cannot be written.
    """
    styles = tuple(styles or training_styles())
    text = loading.load(TEXT_TOWER, device=device)
    material = load_material(text, styles)
    bank = None
    if any(stage.scenes for stage in recipe.stages):
        bank = scene_bank(text.encode_texts, drawings_by_style(styles))
    work = storage.cache_folder() / "image_tower" / recipe.digest(material)
    checkpoints = Checkpoints(work / "checkpoint.pt", snapshots=work / "snapshots")
    state = fit_tower(material, recipe, scenes=bank, checkpoints=checkpoints, device=device)
    save(folder, state, recipe, styles, text)
    return folder


def save(folder: Path, state: State, recipe: Recipe, styles: Sequence[str], text: Tower) -> None:
    """Write a trained encoder as an open_clip folder, with how it was made and what it reaches.

    Args:
        folder: Replaced as a whole.
        state: Of a finished training.
        recipe: What it was trained by.
        styles: What it was trained on.
        text: The locked text tower.

    Raises:
        StorageError: The folder cannot be written.
    """
    about = {
        "text_tower": text.name,
        "text_tower_sha256": text.sha256,
        "held_out_style": sprites.HELD_OUT,
        "recipe": asdict(recipe),
        "steps": state.step,
        "seconds": state.rows[-1]["seconds"] if state.rows else 0,
        "command": "python -m tools.image_tower build",
        "drawings": [
            {
                "style": STYLES[style].title,
                "package": STYLES[style].package,
                "version": PACKAGES[STYLES[style].package].version,
                "licence": PACKAGES[STYLES[style].package].licence,
                "attribution": PACKAGES[STYLES[style].package].attribution,
            }
            for style in styles
        ],
    }
    saving.save_image(
        folder,
        state.average.module.state_dict(),
        logit_scale=float(state.log_scale.detach().exp().clamp(max=100)),
        about=about,
    )
    measured = measure(folder, text)
    with storage.atomic_write(folder / "accuracy.json") as partial:
        partial.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")


def measure(folder: Path, text: Tower) -> list[dict[str, float | int | str]]:
    """Return the rows of `held_out_accuracy` of a saved image tower.

    Args:
        folder: An image tower's folder.
        text: The text tower that it was trained against.

    Raises:
        MissingResourceError: The folder holds no tower.
        DamagedFileError: The weights are not what they must be.
    """
    tower = loading.load_image(path=folder)
    table = held_out_accuracy(lambda pictures: picture_features(tower, pictures), text.encode_texts)
    return [
        {key: round(value, 4) if isinstance(value, float) else value for key, value in row.items()}
        for row in table.to_dict("records")
    ]
