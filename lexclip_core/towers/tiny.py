"""Tiny untrained towers, the same on every machine: texts with the real CLIP vocabulary, and pictures."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from lexclip_core.towers.architecture import Config, build_image_model, build_text_model, build_tokenizer
from lexclip_core.towers.freeze import tensors_digest
from lexclip_core.towers.image_tower import ImageSpec, ImageTower
from lexclip_core.towers.registry import TINY, spec
from lexclip_core.towers.tower import Tower

_SEED = 20_000

CONFIG: Config = {
    "embed_dim": 64,
    "vision_cfg": {},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 2},
}

IMAGE_CONFIG: Config = {
    "embed_dim": 384,  # as all-MiniLM-L6-v2, so that the two stand in for a pair
    "vision_cfg": {"layers": 1, "width": 64, "head_width": 64, "image_size": 32, "patch_size": 8},
}


def fill_with_seeded_numbers(model: nn.Module, seed: int) -> None:
    """Fill weight matrices with seeded uniform numbers and biases with zero; scales stay as they are.

    Uniform numbers need no logarithm, so every machine draws the same bits.
    """
    generator = np.random.default_rng(seed)
    with torch.no_grad():
        for name, value in sorted(model.named_parameters()):
            if value.ndim >= 2:
                drawn = generator.random(tuple(value.shape), dtype=np.float32) * 2 - 1
                value.copy_(torch.from_numpy(drawn) * (3 / value.shape[-1]) ** 0.5)
            elif name.endswith("bias"):
                value.zero_()


def load_tiny(*, device: torch.device, dtype: torch.dtype) -> Tower:
    """Return the untrained tower `tiny-random`: its vectors are arbitrary, only their shapes are real."""
    model = build_text_model(CONFIG)
    fill_with_seeded_numbers(model, _SEED)
    digest = tensors_digest(dict(model.named_parameters()))
    return Tower(model, build_tokenizer(CONFIG), spec(TINY), sha256=digest, device=device, dtype=dtype)


def load_tiny_image(runs_on: tuple[torch.device, torch.dtype]) -> ImageTower:
    """Return the untrained image tower `tiny-random`: its vectors are arbitrary, their shapes are real."""
    visual = build_image_model(IMAGE_CONFIG).visual
    fill_with_seeded_numbers(visual, _SEED)
    with torch.no_grad():
        visual.class_embedding.zero_()  # the one random vector that no rule above reaches
    record = ImageSpec(TINY, "lexclip-tiny", "", "gelu", IMAGE_CONFIG["embed_dim"], "seeded random numbers")
    digest = tensors_digest(dict(visual.named_parameters()))
    return ImageTower(visual, record, preprocess={}, logit_scale=100.0, sha256=digest, runs_on=runs_on)
