"""Sprites -> pictures to train on: placed, bent, recoloured and set on a background, a batch at a time."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

_LUMA = (0.299, 0.587, 0.114)
_CROSS = ((0.0, -1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 1.0, 0.0))


@dataclass(frozen=True)
class Augmentation:
    """How strongly a batch is varied; every share is the probability for one picture.

    Args:
        rotation: Largest turn either way, in degrees.
        scale: Smallest and largest size of the drawing, 1 filling the picture.
        shift: Largest move either way, as a share of the picture.
        shear: Largest shear either way.
        flip: Share mirrored left to right, where the name allows it.
        line_art: Share turned into lines.
        hue: Share whose colour wheel is turned by any angle.
        grey: Share without colour.
        contrast: Largest relative change of saturation, contrast and brightness.
        invert: Share with light and dark exchanged.
        colour: Share that stands on a colour; the others stand on white.
        gradient: Share that stands on a gradient.
        cut: Share with a rectangle painted over.
        blur: Share softened.
        noise: Share with pixel noise.
    """

    rotation: float = 30.0
    scale: tuple[float, float] = (0.6, 1.2)
    shift: float = 0.15
    shear: float = 0.2
    flip: float = 0.5
    line_art: float = 0.15
    hue: float = 0.3
    grey: float = 0.15
    contrast: float = 0.4
    invert: float = 0.1
    colour: float = 0.5
    gradient: float = 0.2
    cut: float = 0.25
    blur: float = 0.15
    noise: float = 0.2

    def scaled(self, strength: float, **changes: float) -> Augmentation:
        """Return the same augmentation at a strength between 0 (only set on white) and 1 (this one).

        Args:
            strength: What every share and range but `flip` is multiplied by.
            changes: Fields that take these values instead.
        """
        low, high = self.scale
        shares = {
            name: getattr(self, name) * strength
            for name in self.__dataclass_fields__
            if name not in ("scale", "flip")
        }
        scale = (1 - (1 - low) * strength, 1 + (high - 1) * strength)
        return replace(self, scale=scale, **{**shares, **changes})


def on_white(sprites: Tensor, size: int) -> Tensor:
    """Return sprites as plain pictures on white.

    Args:
        sprites: RGBA, uint8, shape (n, height, width, 4).
        size: Side of the pictures.

    Returns:
        Shape (n, 3, size, size) in [0, 1].
    """
    layers = _premultiplied(sprites)
    if layers.shape[-1] != size:
        layers = functional.interpolate(layers, size=(size, size), mode="bilinear", antialias=True)
    return layers[:, :3] + (1 - layers[:, 3:])


def vary(
    sprites: Tensor, mirrored: Tensor, size: int, augmentation: Augmentation, generator: torch.Generator
) -> Tensor:
    """Return a batch of sprites as varied pictures.

    Args:
        sprites: RGBA, uint8, shape (n, height, width, 4).
        mirrored: Whether a mirror image still fits the name, shape (n,), bool.
        size: Side of the pictures.
        augmentation: How strongly.
        generator: The only source of randomness.

    Returns:
        Shape (n, 3, size, size) in [0, 1].
    """
    draw = _Draw(len(sprites), generator)
    layers = _premultiplied(sprites)
    lines = draw.rows(augmentation.line_art)
    layers[lines] = _lines(layers[lines])
    grid = _grid(mirrored, size, augmentation, draw)
    layers = functional.grid_sample(layers, grid, align_corners=False)
    gradients = draw.rows(augmentation.gradient)
    behind = (1 - layers[gradients, 3:]) * _gradients(len(gradients), size, draw)
    # Recolouring, brightness, inversion and a one-coloured background are all linear in (r, g, b, alpha).
    matrix, constant = _colours(gradients, augmentation, draw)
    pictures = torch.baddbmm(constant, matrix, layers.flatten(2)).reshape(-1, 3, size, size)
    pictures[gradients] += behind
    return _degraded(pictures.clamp_(0, 1), augmentation, draw)


class _Draw:
    """Random numbers for one batch."""

    def __init__(self, count: int, generator: torch.Generator) -> None:
        self.count, self.generator = count, generator

    def uniform(self, low: float, high: float, *shape: int, count: int | None = None) -> Tensor:
        size = (self.count if count is None else count, *shape)
        return torch.rand(size, generator=self.generator) * (high - low) + low

    def chosen(self, share: float) -> Tensor:
        return torch.rand(self.count, generator=self.generator) < share

    def rows(self, share: float) -> Tensor:
        return self.chosen(share).nonzero()[:, 0]


def _premultiplied(sprites: Tensor) -> Tensor:
    layers = sprites.permute(0, 3, 1, 2).float() / 255
    layers[:, :3] *= layers[:, 3:]
    return layers


def _lines(layers: Tensor) -> Tensor:
    # The outline and the inner edges, in black: what a line drawing keeps of a picture.
    luma = layers.new_tensor(_LUMA)[:, None, None]
    grey = (layers[:, :3] + 1 - layers[:, 3:]).mul(luma).sum(1, keepdim=True)
    both = torch.cat([grey, layers[:, 3:]], dim=1)
    edges = functional.max_pool2d(both, 3, 1, 1) + functional.max_pool2d(-both, 3, 1, 1)
    return torch.cat([torch.zeros_like(layers[:, :3]), edges.amax(1, keepdim=True).mul(3).clamp(0, 1)], dim=1)


def _grid(mirrored: Tensor, size: int, augmentation: Augmentation, draw: _Draw) -> Tensor:
    angle = draw.uniform(-1, 1) * math.radians(augmentation.rotation)
    zoom = draw.uniform(*augmentation.scale)
    shear = draw.uniform(-augmentation.shear, augmentation.shear)
    flip = torch.where(draw.chosen(augmentation.flip) & mirrored, -1.0, 1.0)
    cos, sin = angle.cos(), angle.sin()
    rows = torch.stack([cos * flip, (shear * cos - sin) * flip, sin, cos + shear * sin], dim=1)
    matrix = (rows / zoom[:, None]).reshape(-1, 2, 2)
    shift = draw.uniform(-augmentation.shift, augmentation.shift, 2, 1) * 2
    return functional.affine_grid(
        torch.cat([matrix, -matrix @ shift], dim=2), [draw.count, 4, size, size], align_corners=False
    )


def _gradients(count: int, size: int, draw: _Draw) -> Tensor:
    corners = draw.uniform(0, 1, 3, 2, 2, count=count)
    return functional.interpolate(corners, size=(size, size), mode="bilinear", align_corners=True)


def _colours(gradients: Tensor, augmentation: Augmentation, draw: _Draw) -> tuple[Tensor, Tensor]:
    """Return (n, 3, 4) and (n, 3, 1): picture = matrix @ (r, g, b, alpha) + constant, background included."""
    change = augmentation.contrast
    angle = draw.uniform(-math.pi, math.pi) * draw.chosen(augmentation.hue)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    # A turn about the grey axis is a turn of the hue.
    turn = cos * torch.eye(3) + (1 - cos) / 3 + sin * torch.tensor(_CROSS) / math.sqrt(3)
    saturation = draw.uniform(1 - change, 1 + change) * ~draw.chosen(augmentation.grey)
    grey = torch.tensor(_LUMA).expand(3, 3)
    rgb = (saturation[:, None, None] * (torch.eye(3) - grey) + grey) @ turn
    rgb = rgb * draw.uniform(1 - change, 1 + change / 2)[:, None, None]
    alpha = draw.uniform(-change / 3, change / 2)[:, None, None].expand(-1, 3, 1)
    background = torch.where(draw.chosen(augmentation.colour)[:, None, None], draw.uniform(0, 1, 3, 1), 1.0)
    background[gradients] = 0
    matrix, constant = torch.cat([rgb, alpha - background], dim=2), background
    inverted = draw.rows(augmentation.invert)
    matrix[inverted], constant[inverted] = -matrix[inverted], 1 - constant[inverted]
    return matrix, constant


def _degraded(pictures: Tensor, augmentation: Augmentation, draw: _Draw) -> Tensor:
    size = pictures.shape[-1]
    blurred, noisy = draw.rows(augmentation.blur), draw.rows(augmentation.noise)
    pictures[blurred] = functional.avg_pool2d(
        functional.pad(pictures[blurred], (1, 1, 1, 1), mode="replicate"), 3, 1
    )
    noise = torch.randn(len(noisy), *pictures.shape[1:], generator=draw.generator)
    pictures[noisy] = (pictures[noisy] + 0.06 * noise).clamp_(0, 1)
    for row in draw.rows(augmentation.cut).tolist():
        top, left, height, width = (
            draw.uniform(0, 1, count=4) * torch.tensor([0.9, 0.9, 0.4, 0.4]) * size
        ).int()
        pictures[row, :, top : top + height + 2, left : left + width + 2] = draw.uniform(0, 1, 1, count=3)[
            :, None
        ]
    return pictures
