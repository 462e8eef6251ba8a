"""The names that CLIP's authors gave the 1,000 ImageNet classes, as open_clip lists them."""

from __future__ import annotations


def curated_imagenet_names() -> tuple[str, ...]:
    """Return a name for each class in the order of the challenge.

    "missile" and "sunglasses" are each the name of two classes.
    """
    from open_clip import IMAGENET_CLASSNAMES  # slow to import, and only needed here

    return tuple(IMAGENET_CLASSNAMES)
