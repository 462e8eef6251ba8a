"""The settings that every training has, whatever it trains on."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Self, get_type_hints

from lexclip_core.config.checks import check_range, check_type
from lexclip_core.errors import InputError

Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["constant", "one_cycle", "cosine"]

_PRESET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


@dataclass(frozen=True)
class TrainingSettings:
    """How a tower is trained: the part that is the same for words and for paraphrases.

    Attributes:
        preset: Name of the preset it started from.
        tower: Name of the base tower.
        dtype: Arithmetic of the encoder; embeddings and losses are float32 either way.
        device: `auto`, or a torch device.
        batch: What a step sees, counted as the experiment says.
        epochs: Passes over what is trained on.
        steps: Number of updates; 0 means as many as the epochs take.
        optimizer: sgd (no momentum) or adamw.
        lr: Highest learning rate.
        weight_decay: Decoupled for adamw.
        schedule: `constant`; `one_cycle`, a tenth of warm-up, then cosine decay to zero; or `cosine`, the
            decay alone.
        clip: Largest gradient norm; 0 leaves gradients alone.
        trainable: What may move: all, last:N, lora:R, or a name pattern.
        noise: `dropout` trains with the model's own dropout, where it has any.
        alpha: Interpolation between base (0) and tuned (1) weights after training.
        seed: Of everything random.
    """

    preset: str = "custom"
    tower: str = "all-MiniLM-L6-v2"
    dtype: Literal["float32", "bfloat16"] = "float32"
    device: str = "auto"
    batch: int = 10
    epochs: int = 7
    steps: int = 0
    optimizer: Optimizer = "sgd"
    lr: float = 1e-4
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    clip: float = 0.0
    trainable: str = "all"
    noise: Literal["off", "dropout"] = "off"
    alpha: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            value = getattr(self, name)
            check_type(name, value, kind)
            if kind is float:  # 3 and 3.0 are one setting, so they must make one run_id
                object.__setattr__(self, name, float(value))
        if not _PRESET_NAME.fullmatch(self.preset):
            raise InputError(
                f"preset {self.preset!r} cannot name a run folder", "use letters, digits, . _ and -"
            )
        check_range("batch", self.batch, at_least=1)
        check_range("lr", self.lr, above=0)
        for name in ("epochs", "steps", "weight_decay", "clip", "seed"):
            check_range(name, getattr(self, name), at_least=0)
        if not 0 <= self.alpha <= 1:
            raise InputError(f"alpha is {self.alpha}", "give a number from 0 (base) to 1 (tuned)")
        self._check()
        if not self.steps and not self.epochs:
            raise InputError("epochs is 0 and so is steps", "nothing would be trained: give one of them")

    def _check(self) -> None:
        """Check the settings that a kind of experiment has of its own."""

    @classmethod
    def presets(cls) -> Mapping[str, Self]:
        """Return the presets of this kind of experiment by name."""
        return {}

    @classmethod
    def from_flat(cls, values: Mapping[str, Any]) -> Self:
        """Return the experiment of a flat mapping: settings that it lacks are those of its `preset`.

        A mapping with every setting starts from nothing, so its preset may be any label, as `flat` gives it.

        Raises:
            InputError: A key or the preset is unknown, or a value has the wrong type or range.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            known = ", ".join(field.name for field in fields(cls))
            raise InputError(f"unknown setting {unknown[0]!r}", f"the settings are {known}")
        starts: dict[str, Self] = {**cls.presets(), cls.preset: cls()}
        name = str(values.get("preset", cls.preset))
        if name not in starts and len(values) < len(fields(cls)):
            raise InputError(f"unknown preset {name!r}", f"choose one of {', '.join(starts)}")
        return replace(starts.get(name, cls()), **values)

    def flat(self) -> dict[str, Any]:
        """Return all settings as a flat dict of plain values."""
        return asdict(self)

    @property
    def run_id(self) -> str:
        """The preset's name and eight hex digits that change with any setting."""
        canonical = json.dumps(self.flat(), sort_keys=True)
        return f"{self.preset}-{hashlib.sha256(canonical.encode()).hexdigest()[:8]}"
