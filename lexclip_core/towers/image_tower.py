"""An image tower: pictures in, unit vectors out, prepared exactly as its weights were trained."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict
from PIL import Image
from torch import nn
from torch.nn import functional

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.towers.registry import Activation

_PREPARATION = 1  # raised when `_on_white`, or what follows it, gives other pixels than before


@dataclass(frozen=True)
class ImageSpec:
    """What an image tower is made of.

    Attributes:
        name: The name `load_image` takes.
        architecture: open_clip architecture name, or the folder's name.
        pretrained: open_clip tag; empty when there is none.
        activation: What the image half computes with; `gelu` also for nets that have their own activation.
        dim: Length of an embedding.
        source: Where the weights come from.
    """

    name: str
    architecture: str
    pretrained: str
    activation: Activation
    dim: int
    source: str


class ImageTower:
    """An image encoder that is always in evaluation mode and hands out unit rows.

    Args:
        visual: The image half of an open_clip model.
        record: What the tower is.
        preprocess: open_clip's preprocess_cfg; missing keys take its defaults, the size is the model's own.
        logit_scale: What cosines are multiplied with before a softmax, exponentiated.
        sha256: Checksum of the weights it was loaded from.
        runs_on: (device, float32 or bfloat16 for automatic mixed precision).

    Attributes:
        visual: The image half.
        preprocess: The whole preprocess_cfg.
        preprocess_id: 16 hex digits that change whenever pictures are prepared another way.
        logit_scale: What cosines are multiplied with before a softmax.

    Raises:
        InputError: The preprocessing is none that open_clip knows.
    """

    def __init__(
        self,
        visual: nn.Module,
        record: ImageSpec,
        *,
        preprocess: Mapping[str, Any],
        logit_scale: float,
        sha256: str,
        runs_on: tuple[torch.device, torch.dtype],
    ) -> None:
        self.device, self.dtype = runs_on
        self.visual = visual.to(self.device).eval().requires_grad_(requires_grad=False)
        self.spec = record
        self.logit_scale = logit_scale
        self.sha256 = sha256
        cfg = merge_preprocess_dict(PreprocessCfg(), dict(preprocess))
        cfg["size"] = getattr(visual, "image_size", cfg["size"])
        try:
            self._prepare = image_transform_v2(PreprocessCfg(**cfg), is_train=False)
        except (AssertionError, TypeError, ValueError) as error:
            raise InputError(
                f"open_clip knows no preprocessing {cfg}", "mend the preprocess_cfg of the model"
            ) from error
        self.preprocess: dict[str, Any] = json.loads(json.dumps(cfg))
        self.preprocess_id = _digest({"preparation": _PREPARATION, **self.preprocess})[:16]

    @property
    def name(self) -> str:
        """The name the tower was loaded by."""
        return self.spec.name

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return self.spec.dim

    @property
    def identity(self) -> str:
        """64 hex digits that two towers share only if they give the same vectors for the same picture."""
        spec = asdict(self.spec)
        return _digest(
            {
                "sha256": self.sha256,
                "preprocess": self.preprocess_id,
                "dtype": str(self.dtype),
                "made of": [spec["architecture"], spec["activation"], spec["dim"]],
            }
        )

    def prepare(self, picture: Image.Image) -> torch.Tensor:
        """Return a picture as the network sees it, (3, height, width) float32; transparent parts are white.

        Raises:
            InputError: It is no picture.
        """
        if not isinstance(picture, Image.Image):
            raise InputError(
                f"a {type(picture).__name__} is no picture", "open it with PIL, or with datasets.open_picture"
            )
        return self._prepare(_on_white(picture))

    def encode_pictures(
        self, pictures: Iterable[Image.Image], *, batch_size: int = 256, progress: bool = False
    ) -> np.ndarray:
        """Return the embeddings of pictures as float32 unit rows of shape (pictures, dim).

        Pictures are taken from the iterable one batch at a time. No gradient is kept.

        Args:
            pictures: PIL pictures of any size and mode.
            batch_size: Most pictures in one forward pass.
            progress: Draw a progress bar.

        Raises:
            InputError: No pictures, something that is no picture, or a batch size below 1.
            DamagedFileError: The weights gave a vector that is not finite.
        """
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}", "give a number of at least 1")
        batches: Iterable[list[Image.Image]] = _batches(pictures, batch_size)
        if progress:
            total = math.ceil(len(pictures) / batch_size) if isinstance(pictures, Sized) else None
            batches = storage.progress(batches, desc="pictures", unit="batch", total=total)
        self.visual.eval()
        rows = [self._unit_rows(batch) for batch in batches]
        if not rows:
            raise InputError("there are no pictures", "give at least one")
        return np.concatenate(rows)

    def _unit_rows(self, pictures: list[Image.Image]) -> np.ndarray:
        pixels = torch.stack([self.prepare(picture) for picture in pictures])
        mixed = self.dtype != torch.float32
        with torch.inference_mode(), torch.autocast(self.device.type, dtype=self.dtype, enabled=mixed):
            raw = self.visual(pixels.to(self.device))
        rows = functional.normalize(raw.float(), dim=-1).cpu().numpy()
        if not np.isfinite(rows).all():
            raise DamagedFileError(
                f"{self.spec.source} gave a vector that is not finite", "fetch or save the weights again"
            )
        return rows


def _on_white(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layers = picture.convert("RGBA")
    white = Image.new("RGBA", layers.size, "white")
    return Image.alpha_composite(white, layers).convert("RGB")


def _batches(pictures: Iterable[Image.Image], size: int) -> Iterator[list[Image.Image]]:
    remaining = iter(pictures)
    while batch := list(islice(remaining, size)):
        yield batch


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
