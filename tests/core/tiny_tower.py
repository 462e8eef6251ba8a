"""Tiny towers and checkpoints for tests: random numbers in open_clip's own shapes."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import save_file
from torch import nn

from lexclip_core.towers import images
from lexclip_core.towers import open_clip as open_clip_towers
from lexclip_core.towers.loading import load
from lexclip_core.towers.open_clip import fill_with_seeded_numbers, published
from lexclip_core.towers.tower import Tower

ARCHITECTURE = "lexclip-test"

CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {"layers": 1, "width": 64, "head_width": 64, "image_size": 32, "patch_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 2},
}

TEXTS = [
    "dog",
    "cat",
    "golden retriever",
    "a photo of a dog",
    "a photo of a cat",
    "x " * 400,
    "",
    "dog",
    "a <end_of_text> b",
]


def tiny_tower() -> Tower:
    """Return the registered untrained tower on the CPU."""
    return load("tiny-random", device="cpu")


def register_architectures(folder: Path) -> None:
    """Make the test architecture known to open_clip, with plain GELU and with QuickGELU."""
    for name, quick in ((ARCHITECTURE, False), (f"{ARCHITECTURE}-quickgelu", True)):
        file = folder / f"{name}.json"
        file.write_text(json.dumps({**CONFIG, "quick_gelu": quick}))
        open_clip.add_model_config(file)


def publish(monkeypatch: pytest.MonkeyPatch, tag: str, entry: dict) -> None:
    """Give the test architectures a tag beside those that open_clip knows, which stay as they are."""
    known = published

    def with_tag(architecture: str, name: str) -> dict:
        return (
            dict(entry)
            if (architecture.startswith(ARCHITECTURE), name) == (True, tag)
            else known(architecture, name)
        )

    monkeypatch.setattr(open_clip_towers, "published", with_tag)
    monkeypatch.setattr(images, "published", with_tag)


def random_model(
    seed: int = 0, *, custom: bool = False, quick_gelu: bool = False, **text: object
) -> nn.Module:
    """Return a whole open_clip model, image half included, with seeded random weights."""
    config = {**CONFIG, "text_cfg": {**CONFIG["text_cfg"], **text}, "quick_gelu": quick_gelu}
    model = (CustomTextCLIP if custom else CLIP)(**config)
    fill_with_seeded_numbers(model, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in model.parameters():
            if value.ndim == 1:  # scales and biases too, or a forward pass could forget them unseen
                value += 0.2 * torch.randn(value.shape, generator=generator)
    return model.eval()


def save_checkpoint(model: nn.Module, path: Path) -> Path:
    """Save a model's state_dict as training scripts do."""
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(
            {"epoch": 3, "state_dict": {f"module.{name}": value for name, value in state.items()}}, path
        )
    return path
