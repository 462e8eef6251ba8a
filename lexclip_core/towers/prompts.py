"""The 80 sentences around a class name that CLIP's authors chose for ImageNet, as open_clip ships them."""

from __future__ import annotations

from open_clip.zero_shot_metadata import OPENAI_IMAGENET_TEMPLATES


def openai_templates() -> tuple[str, ...]:
    """Return the 80 templates as texts, each with one `{}` where the class name stands."""
    return tuple(template("{}") for template in OPENAI_IMAGENET_TEMPLATES)
