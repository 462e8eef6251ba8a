"""The objective of ParaCLIP: pictures, captions and paraphrases, and words beside them if wished."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from lexclip_core.config import ParaclipExperiment
from lexclip_core.errors import InputError
from lexclip_core.losses import PARACLIP_TERMS, World, paraclip_loss
from lexclip_core.pairs import PictureRows, RecordSampler, RecordTable, text_digest
from lexclip_core.training.history import Terms
from lexclip_core.training.lexical import LexicalObjective
from lexclip_core.training.objective import Step

LARGEST_SCALE = 100.0
_TEXTS = ("caption", "paraphrase_1", "paraphrase_2")


class ParaclipObjective:
    """Batches of records: their texts are encoded, their pictures were encoded before.

    In several processes each encodes its own share of a batch, and each row meets the rows of all others.

    Args:
        records: Captions and paraphrases by row.
        experiment: Weights, scales, batch, seed.
        pictures: The picture of each record; None if no term has pictures.
        distance: Words and terms that are added to each step.
        device: Where the scales are trained: that of the tower.

    Raises:
        InputError: A term needs pictures and there are none, they are not as many as the records, or the
            records do not fill a batch.
    """

    def __init__(
        self,
        records: RecordTable,
        experiment: ParaclipExperiment,
        *,
        pictures: PictureRows | None = None,
        distance: LexicalObjective | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        self._records, self._experiment = records, experiment
        self._pictures, self._distance = pictures, distance
        sides = {side for name in experiment.weights for side in _sides(name)}
        self._fields = tuple(field for field in _TEXTS if field in sides)
        self._seen = "image" in sides
        if self._seen and pictures is None:
            raise InputError("pictures are missing", "give picture rows, or train on text-text terms alone")
        if pictures is not None and len(pictures.of_record) != len(records):
            raise InputError(
                f"{len(pictures.of_record)} picture rows for {len(records)} records", "match them anew"
            )
        self._sampler = RecordSampler(
            records.images,
            batch=experiment.batch,
            epochs=experiment.epochs,
            seed=experiment.seed,
            steps=experiment.steps,
        )
        self.steps, self.steps_per_epoch = self._sampler.steps, self._sampler.steps_per_epoch
        self._logs = _SCALES[experiment.scale](experiment, torch.device(device))

    def step(self, number: int, world: World) -> Step:
        """Return this process's texts of a step, those of words last."""
        rows = self._sampler.rows(number)
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
            parts.append(Step(words.texts, partial(_weighted, words.terms, self._experiment.distance_weight)))
        return _joined(parts)

    def _terms(self, batch: np.ndarray, world: World, rows: Tensor) -> Terms:
        own = batch[_share(len(batch), world)]
        sides = dict(zip(self._fields, rows.split(len(own)), strict=True))
        if self._seen and self._pictures is not None:
            sides["image"] = torch.from_numpy(self._pictures.rows(own)).to(rows.device)
        identities = _IDENTITIES[self._experiment.duplicates](self._records, self._fields, batch)
        if identities is not None:
            identities = {name: value.to(rows.device) for name, value in identities.items()}
        return paraclip_loss(
            sides, self._experiment.weights, self.current_scales(), identities=identities, world=world
        )

    def current_scales(self) -> dict[str, Tensor]:
        """Return the inverse temperatures of image-text and of text-text terms, with gradients if trained."""
        texts = self._logs.get("text_text", self._logs["image_text"])
        return {"image_text": self._logs["image_text"].exp(), "text_text": texts.exp()}

    def scales(self) -> Mapping[str, nn.Parameter]:
        """Return the logarithms of the trained scales, by name."""
        return self._logs if self._experiment.scale_training == "trained" else {}

    def settle(self) -> None:
        """Keep the scales at 100 and below, and at 1 and above, as open_clip does."""
        with torch.no_grad():
            for value in self._logs.values():
                value.clamp_(0, math.log(LARGEST_SCALE))


def _sides(name: str) -> tuple[str, str]:
    return PARACLIP_TERMS[name].left, PARACLIP_TERMS[name].right


def _share(count: int, world: World) -> slice:
    size = count // world.size
    return slice(world.rank * size, (world.rank + 1) * size)


def _log(start: float, experiment: ParaclipExperiment, device: torch.device) -> nn.Parameter:
    trained = experiment.scale_training == "trained"
    return nn.Parameter(torch.tensor(math.log(start), device=device), requires_grad=trained)


_SCALES: dict[str, Callable[[ParaclipExperiment, torch.device], dict[str, nn.Parameter]]] = {
    "shared": lambda e, device: {"image_text": _log(e.scale_start, e, device)},
    "separate": lambda e, device: {
        "image_text": _log(e.scale_start, e, device),
        "text_text": _log(e.scale_start_texts, e, device),
    },
}


def _digests(records: RecordTable, fields: tuple[str, ...], batch: np.ndarray) -> dict[str, Tensor]:
    found = {
        field: torch.tensor([text_digest(text) for text in records.column(field, batch)]) for field in fields
    }
    return found | {"image": torch.from_numpy(records.images[batch])}


_IDENTITIES: dict[str, Callable[..., dict[str, Tensor] | None]] = {
    "mask": _digests,
    "leave": lambda records, fields, batch: None,
}


def _weighted(terms: Callable[[Tensor], Terms], weight: float, rows: Tensor) -> Terms:
    return {name: weight * value for name, value in terms(rows).items()}


def _joined(parts: list[Step]) -> Step:
    """Return one step whose terms are those of all parts, each of its own texts."""
    sizes = [len(part.texts) for part in parts]

    def terms(rows: Tensor) -> Terms:
        found: Terms = {}
        for part, some in zip(parts, rows.split(sizes), strict=True):
            found |= part.terms(some)
        return found

    return Step([text for part in parts for text in part.texts], terms)
