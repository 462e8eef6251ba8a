"""What a training is about: the texts of each step, and the loss terms of their rows."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from lexclip_core.errors import InputError
from lexclip_core.paraphrase.records import PictureRows, RecordTable, text_digest
from lexclip_core.training.distributed import gather
from lexclip_core.training.losses import (
    PARACLIP_TERMS,
    Terms,
    World,
    lexical_loss,
    paraclip_loss,
    relation_loss,
)
from lexclip_core.training.samplers import Batch, RecordSampler, RelationSampler, Sampler
from lexclip_core.training.settings import LARGEST_SCALE, ParaphraseSettings, RelationSettings, WordSettings

_TEXTS = ("caption", "paraphrase_1", "paraphrase_2")


@dataclass(frozen=True, eq=False)
class Step:
    """One step as the loop sees it.

    Attributes:
        texts: The texts that this process encodes.
        terms: Their unit rows, (len(texts), dim) -> weighted terms by name. In several processes the mean
            of the terms over them is what is trained, so each must give all of them at every step.
    """

    texts: Sequence[str]
    terms: Callable[[Tensor], Terms]


class Objective(Protocol):
    """What a training is about; a step is a function of its number alone.

    Attributes:
        steps: How many there are.
        steps_per_epoch: How many make an epoch.
        lr_multiplier: What a step's learning rate is multiplied by.
    """

    steps: int
    steps_per_epoch: int
    lr_multiplier: float

    def step(self, number: int, world: World) -> Step:
        """Return this process's part of a step, the same one every time it is asked for."""

    def scales(self) -> Mapping[str, nn.Parameter]:
        """Return what is trained beside the tower, by name."""

    def limit_scales(self) -> None:
        """Bring the scales back into their range; called after every update."""

    def provenance(self) -> Mapping[str, Any]:
        """Return what a run's provenance says of the end of a training."""


def loss_terms(
    settings: WordSettings, embeddings: torch.Tensor, reference: torch.Tensor, batch: Batch
) -> Terms:
    """Return the weighted loss terms of one batch of words.

    Args:
        settings: Names the loss and its weights.
        embeddings: Unit rows of the batch, shape (n, dim).
        reference: The base tower's rows of the same words, shape (n, dim).
        batch: Targets and masks.
    """
    device = embeddings.device
    targets = torch.from_numpy(batch.targets).to(device)
    masks = {term: torch.from_numpy(mask).to(device) for term, mask in batch.masks.items()}
    if isinstance(settings, RelationSettings):
        weights = {term: getattr(settings, term) for term in masks}
        return relation_loss(embeddings, targets, masks, weights)
    return lexical_loss(
        embeddings,
        targets,
        reference if settings.anchor_weight else None,
        c=settings.c,
        weight=settings.anchor_weight,
        penalty=settings.penalty,
        anchor=settings.anchor,
        mask=masks["distance"],
    )


class LexicalObjective:
    """Batches of words with their targets.

    In several processes each encodes an equal share of a step's different words; the rows are gathered, and
    every process computes the terms of the whole batch. So the result is that of one process whatever is
    sampled, and what is shared out is the encoding, which is what costs.

    Args:
        words: The vocabulary that the sampler's rows point into.
        sampler: The batches.
        settings: Names the loss and its weights.
        reference: The base tower's unit rows of the words, float32 (V, dim).
        plus: What a second training is about, whose change of the weights is added.
    """

    def __init__(
        self,
        words: Sequence[str],
        sampler: Sampler,
        settings: WordSettings,
        reference: np.ndarray,
        *,
        plus: LexicalObjective | None = None,
    ) -> None:
        self.words, self.sampler, self._settings, self.plus = words, sampler, settings, plus
        self.reference = torch.from_numpy(reference)
        self.steps, self.steps_per_epoch = sampler.steps, sampler.steps_per_epoch
        self.lr_multiplier = sampler.lr_multiplier

    def step(self, number: int, world: World) -> Step:
        """Return this process's words of a step."""
        batch = self.sampler.batch(number)
        n = len(batch.rows)
        share = -(-n // world.size)
        # equal shares: the last ones repeat a word, and what is repeated is cut off after the gathering
        own = np.arange(world.rank * share, (world.rank + 1) * share).clip(max=n - 1)
        return Step(
            [self.words[row] for row in batch.rows[own]],
            lambda rows: self._terms(batch, gather(rows, world)[:n]),
        )

    def reseeded(self, seed: int) -> LexicalObjective:
        """Return the objective of the same words whose batches are drawn with another seed.

        Raises:
            InputError: Its batches go through all pairs in turn, so nothing is drawn.
        """
        if not isinstance(self.sampler, RelationSampler):
            raise InputError("these batches cannot be drawn anew", "use the batches of method 'relations'")
        other = copy.copy(self)
        other.sampler = self.sampler.reseeded(seed)
        return other

    def _terms(self, batch: Batch, rows: Tensor) -> Terms:
        reference = self.reference[torch.from_numpy(batch.rows)].to(rows.device)
        return loss_terms(self._settings, rows, reference, batch)

    def scales(self) -> Mapping[str, nn.Parameter]:
        """Return nothing: cosines have no scale."""
        return {}

    def limit_scales(self) -> None:
        """Do nothing."""

    def provenance(self) -> Mapping[str, Any]:
        """Return nothing: the tower is all that is trained."""
        return {}


class ParaclipObjective:
    """Batches of records: their texts are encoded, their pictures were encoded before.

    In several processes each encodes its own share of a batch, and each row meets the rows of all others.

    Args:
        records: Captions and paraphrases by row.
        settings: Weights, scales, batch, seed.
        pictures: The picture of each record; None if no term has pictures.
        distance: Words and terms that are added to each step.
        device: Where the scales are trained: that of the tower.

    Raises:
        InputError: A term needs pictures and there are none, they are not as many as the records, or the
            records do not fill a batch.
    """

    lr_multiplier = 1.0

    def __init__(
        self,
        records: RecordTable,
        settings: ParaphraseSettings,
        *,
        pictures: PictureRows | None = None,
        distance: LexicalObjective | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self._records, self._settings = records, settings
        self._pictures, self._distance = pictures, distance
        terms = [PARACLIP_TERMS[name] for name in settings.weights]
        sides = {side for term in terms for side in (term.left, term.right)}
        self._fields = tuple(field for field in _TEXTS if field in sides)
        self._seen = "image" in sides
        if self._seen and pictures is None:
            raise InputError("pictures are missing", "give picture rows, or train on text-text terms alone")
        if pictures is not None and len(pictures.of_record) != len(records):
            raise InputError(
                f"{len(pictures.of_record)} picture rows for {len(records)} records", "match them anew"
            )
        self.sampler = RecordSampler(
            records.images,
            batch=settings.batch,
            epochs=settings.epochs,
            seed=settings.seed,
            steps=settings.steps,
        )
        self.steps, self.steps_per_epoch = self.sampler.steps, self.sampler.steps_per_epoch
        starts = {"image_text": settings.scale_start}
        if settings.scale == "separate":
            starts["text_text"] = settings.scale_start_texts
        trained = settings.scale_training == "trained"
        self._logs = {
            name: nn.Parameter(torch.tensor(math.log(start), device=device), requires_grad=trained)
            for name, start in starts.items()
        }

    def step(self, number: int, world: World) -> Step:
        """Return this process's texts of a step, those of words last."""
        rows = self.sampler.rows(number)
        if len(rows) % world.size:
            raise InputError(
                f"a batch of {len(rows)} is not shared equally by {world.size} processes",
                f"make batch a multiple of {world.size}",
            )
        own = rows[_share(len(rows), world)]
        texts = [text for field in self._fields for text in self._records.column(field, own)]
        parts = [Step(texts, partial(self._terms, rows, world))] if texts else []
        if self._distance is not None:
            words = self._distance.step(number, world)
            parts.append(Step(words.texts, partial(_weighted, words.terms, self._settings.distance_weight)))
        return _joined(parts)

    def _terms(self, batch: np.ndarray, world: World, rows: Tensor) -> Terms:
        own = batch[_share(len(batch), world)]
        parts = rows.split(len(own))  # type: ignore[no-untyped-call]
        sides: dict[str, Tensor] = dict(zip(self._fields, parts, strict=True))
        if self._seen and self._pictures is not None:
            sides["image"] = torch.from_numpy(self._pictures.rows(own)).to(rows.device)
        masked = self._settings.duplicates == "mask"
        identities = self._identities(batch, rows.device) if masked else None
        return paraclip_loss(
            sides, self._settings.weights, self.current_scales(), identities=identities, world=world
        )

    def _identities(self, batch: np.ndarray, device: torch.device) -> dict[str, Tensor]:
        """Return what each record of a whole batch shows and says, as numbers."""
        texts = {name: self._records.column(name, batch) for name in self._fields}
        found = {name: torch.tensor([text_digest(text) for text in column]) for name, column in texts.items()}
        found["image"] = torch.from_numpy(self._records.images[batch])
        return {name: value.to(device) for name, value in found.items()}

    def current_scales(self) -> dict[str, Tensor]:
        """Return the inverse temperatures of image-text and of text-text terms, with gradients if trained."""
        texts = self._logs.get("text_text", self._logs["image_text"])
        return {"image_text": self._logs["image_text"].exp(), "text_text": texts.exp()}

    def scales(self) -> Mapping[str, nn.Parameter]:
        """Return the logarithms of the trained scales, by name."""
        return self._logs if self._settings.scale_training == "trained" else {}

    def provenance(self) -> Mapping[str, Any]:
        """Return the scales at the end."""
        return {"scales": {name: float(value.detach()) for name, value in self.current_scales().items()}}

    def limit_scales(self) -> None:
        """Keep the scales at 100 and below, and at 1 and above, as open_clip does."""
        with torch.no_grad():
            for value in self._logs.values():
                value.clamp_(0, math.log(LARGEST_SCALE))


def _share(count: int, world: World) -> slice:
    size = count // world.size
    return slice(world.rank * size, (world.rank + 1) * size)


def _weighted(terms: Callable[[Tensor], Terms], weight: float, rows: Tensor) -> Terms:
    return {name: weight * value for name, value in terms(rows).items()}


def _joined(parts: list[Step]) -> Step:
    """Return one step whose terms are those of all parts, each of its own texts."""
    sizes = [len(part.texts) for part in parts]

    def terms(rows: Tensor) -> Terms:
        found: Terms = {}
        for part, some in zip(parts, rows.split(sizes), strict=True):  # type: ignore[no-untyped-call]
            found |= part.terms(some)
        return found

    return Step([text for part in parts for text in part.texts], terms)
