"""Fixing an interpolation: a tuned tower whose trained tensors already lie part of the way from the base."""

from __future__ import annotations

import torch

from lexclip_core.errors import InputError
from lexclip_core.towers.tower import Tower


def settle(base: Tower, tuned: Tower, alpha: float) -> Tower:
    """Return a tower that can be saved like `tuned` and encodes like `interpolate(base, tuned, alpha)`.

    Adapters add `B A` to a weight, so scaling `B` by alpha interpolates exactly; other trained tensors are
    taken at `alpha` on the line from the base's.

    Args:
        base: The tower before tuning.
        tuned: A tower tuned from it.
        alpha: Between 0 and 1.

    Raises:
        InputError: `alpha` is outside [0, 1].
    """
    if not 0 <= alpha <= 1:
        raise InputError(f"alpha is {alpha}", "give a number between 0 (base) and 1 (tuned)")
    twin = tuned.copy()
    with torch.no_grad():
        for name, value in twin.trainable_parameters().items():
            if ".lora_B." in name:
                value.mul_(alpha)
            elif ".lora_A." not in name:
                value.copy_(torch.lerp(base.model.get_parameter(name), value, alpha))
    return twin
