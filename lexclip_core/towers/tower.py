"""A text tower: texts in, unit vectors out, each text encoded at its true length and only once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.towers.forward import (
    Ids,
    TextTokenizer,
    checked_texts,
    even_batches,
    forward_for,
    length_batches,
)
from lexclip_core.towers.registry import Identified, TowerSpec

Noise = Literal["off", "dropout"]


@dataclass(eq=False, repr=False)
class Tower(Identified):
    """A text encoder that is always in evaluation mode and hands out unit rows.

    A fresh tower is frozen: `set_trainable` says what training may move.

    >>> from lexclip_core.towers.loading import load
    >>> tower = load("tiny-random", device="cpu")
    >>> tower.encode_texts(["dog", "a photo of a dog"]).shape
    (2, 64)
    >>> tower
    Tower(tiny-random, dim 64, cpu, float32, not tuned, sha256 9d500be7ba7b)

    Attributes:
        model: An open_clip model, of which only the text half is used, or any module with parameters and
            `encode_text`: ids (texts, longest), padded with 0, -> features (texts, dim).
        tokenizer: Texts -> ids at true length.
        spec: What the tower is.
        sha256: Checksum of the weights it was loaded from.
        device: Where it computes.
        dtype: float32, or bfloat16 for automatic mixed precision; embeddings are float32 either way.
        trainable: The last setting of `set_trainable`; empty for an untouched tower.
    """

    model: nn.Module
    tokenizer: TextTokenizer
    spec: TowerSpec
    _: KW_ONLY
    sha256: str
    device: torch.device
    dtype: torch.dtype = torch.float32
    trainable: str | tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.model = self.model.to(self.device).eval().requires_grad_(requires_grad=False)

    def __repr__(self) -> str:
        tuned = f"tuned {self.trainable}" if self.trainable else "not tuned"
        dtype, digest = str(self.dtype).removeprefix("torch."), self.sha256[:12]
        return f"Tower({self.title}, dim {self.dim}, {self.device}, {dtype}, {tuned}, sha256 {digest})"

    def tokens(self, texts: Sequence[str]) -> list[Ids]:
        """Return each text's token ids, start and end included, cut at the context length.

        Raises:
            InputError: No texts, or something that is not a text.
        """
        return self.tokenizer(checked_texts(texts))

    def unknown_texts(self, texts: Sequence[str]) -> tuple[str, ...]:
        """Return the texts of which the tower knows no word; always () for towers that know pieces of words.

        Towers of static vectors give all of these one row, the mean of all words', and warn.

        Raises:
            InputError: No texts, or something that is not a text.
        """
        if self.spec.tokenizer != "words":
            return ()
        return tuple(text for text, ids in zip(texts, self.tokens(texts), strict=True) if not ids)

    def encode_texts(
        self, texts: Sequence[str], *, batch_size: int = 1024, progress: bool = False
    ) -> np.ndarray:
        """Return the embeddings of texts as float32 unit rows of shape (len(texts), dim).

        Texts with the same tokens are computed once and get identical rows. No gradient is kept.

        Args:
            texts: Words or sentences.
            batch_size: Most texts in one forward pass; long texts make smaller batches.
            progress: Draw a progress bar.

        Raises:
            InputError: No texts, something that is not a text, or a batch size below 1.
        """
        if batch_size < 1:
            raise InputError(f"batch_size is {batch_size}", "give a number of at least 1")
        unique, inverse = _unique(self.tokens(texts))
        rows = np.empty((len(unique), self.dim), dtype=np.float32)
        batches = forward_for(self.model).batches(unique, batch_size)
        self.model.eval()
        with torch.inference_mode():
            for batch in storage.progress(batches, desc="encoding", unit="batch") if progress else batches:
                rows[batch] = self._unit_rows([unique[index] for index in batch]).cpu().numpy()
        return np.take(rows, inverse, axis=0)

    def embed(self, texts: Sequence[str], *, noise: Noise = "off") -> torch.Tensor:
        """Return the embeddings of texts, shape (len(texts), dim), with gradients to what is trainable.

        Args:
            texts: Words or sentences.
            noise: `dropout` lets the model's own dropout work, where it has any; the tower is in evaluation
                mode again afterwards.

        Raises:
            InputError: No texts, or something that is not a text.
        """
        unique, inverse = _unique(self.tokens(texts))
        forward = forward_for(self.model)
        padded = forward.batches is length_batches
        batches = even_batches(unique) if padded else forward.batches(unique, len(unique))
        self.model.train(noise == "dropout")
        try:
            rows = torch.cat([self._unit_rows([unique[index] for index in batch]) for batch in batches])
        finally:
            self.model.eval()
        place = np.empty(len(unique), dtype=np.int64)
        place[np.concatenate(batches)] = np.arange(len(unique))
        return rows[torch.from_numpy(place[inverse]).to(self.device)]

    def _unit_rows(self, ids: Sequence[Ids]) -> torch.Tensor:
        mixed = self.dtype != torch.float32
        with torch.autocast(self.device.type, dtype=self.dtype, enabled=mixed):
            rows = forward_for(self.model).run(self.model, ids)
        return functional.normalize(rows.float(), dim=-1)

    def copy(self) -> Tower:
        """Return an independent tower with the same weights."""
        other = replace(self, model=copy.deepcopy(self.model))
        for name, value in other.model.named_parameters():
            value.requires_grad = self.model.get_parameter(name).requires_grad
        return other

    def trainable_parameters(self) -> dict[str, nn.Parameter]:
        """Return the parameters that training moves, by name."""
        return {name: value for name, value in self.model.named_parameters() if value.requires_grad}

    def state(self) -> dict[str, torch.Tensor]:
        """Return a copy, on the CPU, of the parameters that training moves."""
        return {name: value.detach().cpu().clone() for name, value in self.trainable_parameters().items()}

    def load_state(self, tensors: dict[str, torch.Tensor]) -> None:
        """Write a copy made by `state` back into the trainable parameters.

        Raises:
            InputError: Names or shapes differ from the trainable parameters.
        """
        targets = self.trainable_parameters()
        shapes = {name: tuple(value.shape) for name, value in targets.items()}
        given = {name: tuple(value.shape) for name, value in tensors.items()}
        if shapes != given:
            differing = sorted(set(shapes.items()) ^ set(given.items()))
            problem = f"the tensors do not fit what is trainable in {self.name}: {differing[:3]}"
            raise InputError(problem, "call set_trainable with the setting they were made with")
        with torch.no_grad():
            for name, value in tensors.items():
                targets[name].copy_(value)


def _unique(ids: list[Ids]) -> tuple[list[Ids], np.ndarray]:
    place: dict[Ids, int] = {}
    inverse = np.fromiter((place.setdefault(one, len(place)) for one in ids), dtype=np.int64, count=len(ids))
    return list(place), inverse
