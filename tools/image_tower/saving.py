"""Write an image tower as a folder that open_clip itself loads, without the text half it was trained with."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from open_clip.timm_model import TimmModel
from safetensors.torch import save
from torch import Tensor

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.towers.open_clip import PLACEHOLDER_TEXT, Config, build_image_model
from lexclip_core.towers.sources import OPEN_CLIP_CONFIG, OPEN_CLIP_WEIGHTS
from lexclip_core.towers.weight_files import load_visual_strictly

# What open_clip's configuration calls vision_cfg: a ten-layer residual net of 5.1 million parameters.
EMOJI_VISION: dict[str, Any] = {
    "timm_model_name": "resnet10t",
    "timm_model_pretrained": False,
    "timm_pool": "avg",
    "timm_proj": "linear",
    "image_size": 64,
}
EMOJI_MODEL: Config = {"embed_dim": 384, "vision_cfg": EMOJI_VISION}
EMOJI_PREPROCESS: dict[str, Any] = {
    "size": 64,
    "mode": "RGB",
    "mean": [0.5, 0.5, 0.5],
    "std": [0.25, 0.25, 0.25],
    "interpolation": "bilinear",
    "resize_mode": "longest",  # what is not square gets white margins: the drawings stand on white
    "fill_color": 255,
}


def new_visual(dim: int) -> TimmModel:
    """Return an untrained picture encoder: pictures (n, 3, side, side) -> rows (n, dim), not yet normalised.

    Its `trunk` gives features, its `head` projects them into the text tower's space.
    """
    return TimmModel(
        EMOJI_VISION["timm_model_name"],
        embed_dim=dim,
        image_size=EMOJI_VISION["image_size"],
        pool=EMOJI_VISION["timm_pool"],
        proj=EMOJI_VISION["timm_proj"],
    )


def save_image(
    folder: Path,
    visual_state: Mapping[str, Tensor],
    *,
    logit_scale: float,
    model: Config = EMOJI_MODEL,
    preprocess: Mapping[str, Any] = EMOJI_PREPROCESS,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Write an image tower as an open_clip model folder, matrices and kernels rounded to float16.

    `load_image(path=folder)` and `open_clip.create_model("local-dir:...")` give the same picture embeddings.
    open_clip loads strictly and wants a text half, so a placeholder stands there: it knows one token and its
    weights are NaN, so that nobody takes its output for a text's embedding.

    Args:
        folder: Replaced as a whole.
        visual_state: The image half's state_dict, names without `visual.`.
        logit_scale: What cosines are multiplied with before a softmax, exponentiated; above 0.
        model: open_clip's model_cfg without its text_cfg.
        preprocess: open_clip's preprocess_cfg.
        about: What else the configuration file should say, such as the text tower's name and checksum.

    Raises:
        InputError: The state does not fit the model, a number is not finite as float16, or a bad scale.
        StorageError: The folder cannot be written.
    """
    if not (math.isfinite(logit_scale) and logit_scale > 0):
        raise InputError(f"logit_scale is {logit_scale}", "give the exponentiated scale, above 0")
    tensors = {f"visual.{name}": _stored(name, value) for name, value in visual_state.items()}
    whole = build_image_model(model)
    load_visual_strictly(whole.visual, tensors, source="the state", architecture="the model given")
    text = {name: value for name, value in whole.state_dict().items() if name not in tensors}
    tensors |= {name: torch.full_like(value, torch.nan) for name, value in text.items()}
    tensors["logit_scale"] = torch.tensor(math.log(logit_scale))
    config = {
        "model_cfg": {**model, "text_cfg": PLACEHOLDER_TEXT},
        "preprocess_cfg": dict(preprocess),
        "lexclip": dict(about or {}),
    }
    with storage.atomic_folder(folder) as partial:
        stated = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
        (partial / OPEN_CLIP_CONFIG).write_text(stated, encoding="utf-8")
        (partial / OPEN_CLIP_WEIGHTS[0]).write_bytes(save(tensors))


def _stored(name: str, value: Tensor) -> Tensor:
    rounded = value.detach().cpu()
    if rounded.ndim > 1 and rounded.is_floating_point():
        rounded = rounded.half()
    if not torch.isfinite(rounded).all():
        raise InputError(f"{name} holds numbers that are not finite as float16", "save a state that trained")
    return rounded.contiguous()
