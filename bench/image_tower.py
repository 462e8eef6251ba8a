"""Pictures per second: the emoji image tower in both precisions, open_clip's plain call, cached features.

Where the trained tower is not there, one with random weights stands in: it costs the same. All times are CPU
seconds of one core, opening and preparing the pictures included.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import open_clip
import torch
from PIL import Image

from bench.encoding import agreement, one_core, timed
from bench.table import Row, show
from lexclip_core.datasets.pictures.features import picture_features
from lexclip_core.datasets.pictures.picture_set import PictureClass, PictureSet
from lexclip_core.towers.loading import emoji_tower_folder, load_image
from tools.image_tower.saving import new_visual, save_image

Prepare = Callable[[Image.Image], torch.Tensor]

PICTURES = 512
PLAIN_BATCH = 64


def tower_folder(scratch: Path) -> Path:
    """Return the trained tower's folder, or that of one with random weights."""
    if emoji_tower_folder().is_dir():
        return emoji_tower_folder()
    torch.manual_seed(0)
    save_image(scratch / "tower", new_visual(384).state_dict(), logit_scale=20.0)
    return scratch / "tower"


def made_up_pictures() -> list[Image.Image]:
    """Return pictures of random blocks, as large as the drawings."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, size=(PICTURES, 8, 8, 3), dtype=np.uint8)
    return [Image.fromarray(one).resize((64, 64), Image.Resampling.NEAREST) for one in blocks]


def plain_call(model: torch.nn.Module, prepare: Prepare, pictures: list[Image.Image]) -> np.ndarray:
    """Return the embeddings as open_clip's documentation computes them."""
    found = []
    with torch.no_grad():
        for start in range(0, len(pictures), PLAIN_BATCH):
            pixels = torch.stack([prepare(one) for one in pictures[start : start + PLAIN_BATCH]])
            found.append(model.encode_image(pixels, normalize=True).numpy())
    return np.concatenate(found)


def as_set(pictures: list[Image.Image]) -> PictureSet:
    """Return the pictures as a set of one class."""
    return PictureSet(
        name="blocks",
        title="Blocks",
        classes=(PictureClass("block", "block"),),
        labels=np.zeros(len(pictures), dtype=np.int64),
        digests=tuple(hashlib.sha256(one.tobytes()).hexdigest() for one in pictures),
        titles=tuple(map(str, range(len(pictures)))),
        read=lambda place: pictures[place],
    )


def speed(name: str, seconds: float, baseline: float, target: str | None) -> Row:
    """Return the row of a speed beside another, both in pictures a second."""
    return {
        "name": name,
        "value": PICTURES / seconds,
        "unit": "pictures/s",
        "baseline": PICTURES / baseline,
        "ratio": baseline / seconds,
        "target": target,
    }


def rows() -> list[Row]:
    """Return pictures a second of each way, and how far ours lies from open_clip's."""
    pictures = made_up_pictures()
    with tempfile.TemporaryDirectory() as name, one_core():
        folder = tower_folder(Path(name))
        model, _, prepare = open_clip.create_model_and_transforms(f"local-dir:{folder}")
        model.eval()
        exact = load_image("emoji", path=folder, device="cpu")
        mixed = load_image("emoji", path=folder, device="cpu", dtype="bfloat16")
        plain_call(model, prepare, pictures[:8])
        for tower in (exact, mixed):
            tower.encode_pictures(pictures[:8])  # not counted: the first call sets things up
        plain_seconds, plain = timed(lambda: plain_call(model, prepare, pictures))
        seconds, ours = timed(lambda: exact.encode_pictures(pictures))
        mixed_seconds, _ = timed(lambda: mixed.encode_pictures(pictures))
        shown = as_set(pictures)
        with mock.patch.dict(os.environ, LEXCLIP_CACHE=name):
            first_seconds, _ = timed(lambda: picture_features(exact, shown))
            cached_seconds, _ = timed(lambda: picture_features(exact, shown))
    return [
        speed("emoji image tower, float32, against open_clip's call", seconds, plain_seconds, None),
        agreement("picture vectors, ours and plain", float(np.abs(ours - plain).max())),
        speed("emoji image tower, bfloat16 against float32", mixed_seconds, seconds, None),
        speed("features cached, against the first time", cached_seconds, first_seconds, ">= 20x"),
    ]


if __name__ == "__main__":
    show(rows())
