"""The small picture encoder that this project trains, in open_clip's own module."""

from __future__ import annotations

from typing import Any

from open_clip.timm_model import TimmModel

__all__ = ["EMOJI_VISION", "TimmModel", "new_visual"]

# What open_clip's configuration calls vision_cfg: a ten-layer residual net of 5.1 million parameters.
EMOJI_VISION: dict[str, Any] = {
    "timm_model_name": "resnet10t",
    "timm_model_pretrained": False,
    "timm_pool": "avg",
    "timm_proj": "linear",
    "image_size": 64,
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
