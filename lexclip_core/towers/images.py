"""An image tower: pictures in, unit vectors out, prepared exactly as its weights were trained."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2, merge_preprocess_dict
from PIL import Image
from torch import nn
from torch.nn import functional

from lexclip_core.datasets.pictures.files import on_white
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.text_files import read_json
from lexclip_core.towers.open_clip import (
    UNTRAINED_SEED,
    Checkpoint,
    Config,
    Unfilled,
    build_image_model,
    check_activation,
    fill_with_seeded_numbers,
    published,
    published_digest,
)
from lexclip_core.towers.registry import TINY, Activation, Identified
from lexclip_core.towers.sources import OPEN_CLIP_CONFIG
from lexclip_core.towers.trainable import tensors_digest
from lexclip_core.towers.weight_files import load_visual_strictly

_PREPARATION = 1  # raised when `on_white`, or what follows it, gives other pixels than before


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
        sha256: What the weight file was checked against: the checksum that its authors, or the hub,
            published; empty where they published none.
    """

    name: str
    architecture: str
    pretrained: str
    activation: Activation
    dim: int
    source: str
    sha256: str = ""


class ImageTower(Identified):
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
        spec: What the tower is.
        sha256: Checksum of the weights it was loaded from.
        device: Where it computes.
        dtype: What it computes in.
        preprocess: The whole preprocess_cfg.
        preprocess_id: 16 hex digits that change whenever pictures are prepared another way.
        logit_scale: What cosines are multiplied with before a softmax.

    Raises:
        InputError: open_clip does not know the preprocessing.
    """

    spec: ImageSpec

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
            problem = f"open_clip knows no preprocessing {cfg}"
            raise InputError(problem, "correct the preprocess_cfg of the model") from error
        self.preprocess: dict[str, Any] = json.loads(json.dumps(cfg))
        self.preprocess_id = _digest({"preparation": _PREPARATION, **self.preprocess})[:16]

    def __repr__(self) -> str:
        dtype = str(self.dtype).removeprefix("torch.")
        return f"ImageTower({self.title}, dim {self.dim}, {self.device}, {dtype}, sha256 {self.sha256[:12]})"

    @property
    def identity(self) -> str:
        """64 hex digits that two towers share only if they give the same vectors for the same picture."""
        made_of = [self.spec.architecture, self.spec.activation, self.spec.dim]
        content = {"sha256": self.sha256, "preprocess": self.preprocess_id, "dtype": str(self.dtype)}
        return _digest({**content, "made of": made_of})

    def prepare(self, picture: Image.Image) -> torch.Tensor:
        """Return a picture as the network sees it, (3, height, width) float32; transparent parts are white.

        Raises:
            InputError: It is not a picture, or one without pixels.
        """
        if not isinstance(picture, Image.Image):
            problem = f"a {type(picture).__name__} is not a picture"
            raise InputError(problem, "open it with PIL, or with datasets.open_picture")
        flat = on_white(picture)
        if not min(flat.size):
            raise InputError(f"a picture of {flat.width} x {flat.height} pixels", "leave it out")
        try:
            pixels: torch.Tensor = self._prepare(flat)
        except ValueError:  # so thin a stripe that its short side would be of no pixel
            thin = [max(side, math.ceil(max(flat.size) / 16)) for side in flat.size]
            pixels = self._prepare(flat.resize((thin[0], thin[1])))
        return pixels

    def encode_pictures(self, pictures: Iterable[Image.Image], *, batch_size: int = 256) -> np.ndarray:
        """Return the embeddings of pictures as float32 unit rows of shape (pictures, dim).

        Pictures are taken from the iterable one batch at a time. No gradient is kept.

        Args:
            pictures: PIL pictures of any size and mode.
            batch_size: Most pictures in one forward pass.

        Raises:
            InputError: No pictures, something that is not a picture, or a batch size below 1.
            DamagedFileError: The weights gave a vector that is not finite.
        """
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}", "give a number of at least 1")
        self.visual.eval()
        remaining = iter(pictures)
        batches = iter(lambda: list(islice(remaining, batch_size)), [])
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
            problem = f"{self.spec.source} gave a vector that is not finite"
            raise DamagedFileError(problem, "fetch or save the weights again")
        return rows


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def build_image_tower(
    name: str, checkpoint: Checkpoint, *, activation: str, runs_on: tuple[torch.device, torch.dtype]
) -> ImageTower:
    """Return the image tower of a checkpoint, every image tensor of it loaded.

    Args:
        name: The name it was asked for by.
        checkpoint: The weights.
        activation: `trained` or `as-published`, as in `load_image`.
        runs_on: (device, float32 or bfloat16 for automatic mixed precision).

    Raises:
        InputError: The activation or a tensor does not fit the architecture.
        DamagedFileError: The preprocessing cannot be read.
    """
    weights, config, architecture = checkpoint.weights, checkpoint.config, checkpoint.architecture
    if activation == "trained":
        _check_activation(checkpoint, name)
    with Unfilled():
        visual = build_image_model(config).visual
    tensors = checkpoint.read(weights)
    load_visual_strictly(visual, tensors, source=str(weights), architecture=architecture)
    if "logit_scale" not in tensors:
        problem = f"{weights} holds no logit_scale: it is not all of an open_clip model"
        raise InputError(problem, "save the whole state_dict")
    record = ImageSpec(
        name=name,
        architecture=architecture,
        pretrained=checkpoint.pretrained,
        activation=_activation(config) or "gelu",
        dim=config["embed_dim"],
        source=str(weights),
        sha256=published_digest(name, checkpoint),
    )
    return ImageTower(
        visual,
        record,
        preprocess=_preprocess(checkpoint),
        logit_scale=float(torch.exp(tensors["logit_scale"].reshape(-1)[0].float())),
        sha256=checkpoint.sha256,
        runs_on=runs_on,
    )


def _activation(config: Config) -> Activation | None:
    """Return the activation of open_clip's own vision transformer; None for nets that have theirs."""
    vision = config["vision_cfg"]
    if vision.get("timm_model_name") or isinstance(vision.get("layers"), (list, tuple)):
        return None
    return "quickgelu" if config.get("quick_gelu", False) else "gelu"


def _check_activation(checkpoint: Checkpoint, name: str) -> None:
    if checkpoint.folder is not None or _activation(checkpoint.config) is None:
        return  # a folder's configuration states its own
    source = name if checkpoint.pretrained else checkpoint.weights.name
    # The text half's own net, where there is one, excuses nothing here.
    config = {**checkpoint.config, "text_cfg": {}}
    check_activation(checkpoint.architecture, config, checkpoint.trained, source)


def _preprocess(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return how pictures were prepared in training: as the folder says, else the tag, else the default."""
    if checkpoint.preprocess is not None:
        return checkpoint.preprocess
    if checkpoint.folder is None:
        return published(checkpoint.architecture, checkpoint.pretrained.rpartition("/")[2])
    file = checkpoint.folder / OPEN_CLIP_CONFIG
    return read_json(file, remedy="restore the file").get("preprocess_cfg") or {}


def build_untrained_image_tower(runs_on: tuple[torch.device, torch.dtype]) -> ImageTower:
    """Return the image tower `tiny-random`: its vectors are arbitrary, only their shapes are real."""
    config: Config = {
        "embed_dim": 384,  # as all-MiniLM-L6-v2, so that the two stand in for a pair
        "vision_cfg": {"layers": 1, "width": 64, "head_width": 64, "image_size": 32, "patch_size": 8},
    }
    visual: Any = build_image_model(config).visual
    fill_with_seeded_numbers(visual, UNTRAINED_SEED)
    with torch.no_grad():
        visual.class_embedding.zero_()  # the one random vector that no rule above reaches
    digest = tensors_digest(dict(visual.named_parameters()))
    record = ImageSpec(TINY, "lexclip-tiny", "", "gelu", config["embed_dim"], "seeded random numbers", digest)
    return ImageTower(visual, record, preprocess={}, logit_scale=100.0, sha256=digest, runs_on=runs_on)
