"""The settings of one tuning experiment: a frozen record, its presets, and its readable id."""

from __future__ import annotations

import hashlib
import json
import math
import re
import types
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from lexclip_core.errors import InputError

Vocabulary = Literal["imagenet_synonyms", "wordnet", "words"]
Target = Literal["wu_palmer_nltk", "wu_palmer", "lexical"]
Control = Literal["none", "shuffled", "constant", "random_words"]
Sampling = Literal["pairs", "in_batch", "full_matrix", "relations"]
Optimizer = Literal["sgd", "adamw"]
Schedule = Literal["constant", "one_cycle"]

_PRESET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,80}")


@dataclass(frozen=True)
class Experiment:
    """Everything that decides the outcome of one tuning run.

    Attributes:
        preset: Name of the preset it started from.
        tower: Name of the base tower.
        dtype: Arithmetic of the encoder; embeddings and losses are float32 either way.
        device: `auto`, or a torch device.
        vocabulary: Where the words come from: ImageNet classes with their synonyms, all of WordNet's training
            words, or `words` as given.
        classes: Number of classes drawn for `imagenet_synonyms`.
        words: The words themselves, for `vocabulary="words"`, separated by commas.
        target: What cosines are trained towards.
        control: What is taken away from the targets, to show what they were worth.
        sampling: What one step sees: some pairs, all pairs within some words, all pairs of all words, or
            related pairs beside words to be retained.
        batch: Pairs (`pairs`), words (`in_batch`), or related pairs of either sort (`relations`) in a step.
        epochs: Passes over the vocabulary; unused by `relations`.
        steps: Number of updates; 0 means as many as the epochs take, which `relations` does not have.
        c: The blog's c, scale of the error.
        weight: The blog's lambda, weight of the anchor term.
        kind: Penalty on the scaled error.
        anchor: Distance of the anchor term.
        repel: Weight of the term that pushes opposites below their target (`relations`).
        attract: Weight of the term that pulls related words above their target (`relations`).
        near: Weight of retaining the base cosine of unrelated pairs that are close (`relations`).
        far: Weight of retaining the base cosine of all other unrelated pairs (`relations`).
        lenient: Weight of retaining a pair of which no word names a thing; others count 1 (`relations`).
        retained: Words drawn into each step only to be retained (`relations`).
        optimizer: sgd (no momentum) or adamw.
        lr: Highest learning rate.
        weight_decay: Decoupled for adamw.
        schedule: `constant`, or `one_cycle`: a tenth of warm-up, then cosine decay to zero.
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
    vocabulary: Vocabulary = "imagenet_synonyms"
    classes: int = 100
    words: str = ""
    target: Target = "wu_palmer"
    control: Control = "none"
    sampling: Sampling = "pairs"
    batch: int = 10
    epochs: int = 7
    steps: int = 0
    c: float = 3.0
    weight: float = 0.08
    kind: Literal["square", "logcosh", "huber", "exp"] = "square"
    anchor: Literal["euclidean", "squared"] = "euclidean"
    repel: float = 1.0
    attract: float = 1.0
    near: float = 10.0
    far: float = 5.0
    lenient: float = 0.03
    retained: int = 320
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
            _check_type(name, value, kind)
            if kind is float:  # 3 and 3.0 are one setting, so they must make one run_id
                object.__setattr__(self, name, float(value))
        if not _PRESET_NAME.fullmatch(self.preset):
            raise InputError(
                f"preset {self.preset!r} cannot name a run folder", "use letters, digits, . _ and -"
            )
        for name in ("classes", "batch"):
            _check_range(name, getattr(self, name), at_least=1)
        for name in ("c", "lr"):
            _check_range(name, getattr(self, name), above=0)
        for name in (
            "epochs",
            "steps",
            "weight",
            "repel",
            "attract",
            "near",
            "far",
            "lenient",
            "weight_decay",
            "clip",
            "seed",
        ):
            _check_range(name, getattr(self, name), at_least=0)
        if not 0 <= self.alpha <= 1:
            raise InputError(f"alpha is {self.alpha}", "give a number from 0 (base) to 1 (tuned)")
        if not self.steps and self.sampling == "relations":
            raise InputError("steps is 0", "sampling 'relations' has no epochs: give the number of steps")
        if not self.steps and not self.epochs:
            raise InputError("epochs is 0 and so is steps", "nothing would be trained: give one of them")

    @classmethod
    def from_flat(cls, values: Mapping[str, Any]) -> Experiment:
        """Return the experiment of a flat mapping: settings that it lacks are those of its `preset`.

        A mapping with every setting starts from nothing, so its preset may be any label, as `flat` gives it.

        Raises:
            InputError: A key or the preset is unknown, or a value has the wrong type or range.
        """
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown:
            known = ", ".join(field.name for field in fields(cls))
            raise InputError(f"unknown setting {unknown[0]!r}", f"the settings are {known}")
        starts = PRESETS | {cls.preset: cls()}
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


def _check_type(name: str, value: object, kind: object) -> None:
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise InputError(f"{name} is {value!r}", f"choose one of {', '.join(get_args(kind))}")
        return
    assert get_origin(kind) not in (Union, types.UnionType), "settings are plain values"
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool):  # type: ignore[arg-type]
        raise InputError(f"{name} is {value!r}", f"give a value of type {kind.__name__}")  # type: ignore[attr-defined]


def _check_range(
    name: str, value: float, *, at_least: float | None = None, above: float | None = None
) -> None:
    if not math.isfinite(value):
        raise InputError(f"{name} is {value}", "give a finite number")
    if at_least is not None and not value >= at_least:
        raise InputError(f"{name} is {value}", f"give a value of at least {at_least}")
    if above is not None and not value > above:
        raise InputError(f"{name} is {value}", f"give a value above {above}")


_BLOG_RELEASE = Experiment(preset="blog-release", target="wu_palmer_nltk", anchor="squared")

PRESETS: dict[str, Experiment] = {
    # The blog's released run: pairs of the class names and their synonyms in batches of ten, seven epochs,
    # SGD without momentum, c = 3, lambda = 0.08 on the squared anchor.
    "blog-release": _BLOG_RELEASE,
    # The function defaults of its first version: c = 4, ten epochs over batches of words, AdamW, no anchor.
    "blog-first-defaults": replace(
        _BLOG_RELEASE,
        preset="blog-first-defaults",
        sampling="in_batch",
        epochs=10,
        c=4.0,
        weight=0.0,
        optimizer="adamw",
        lr=1e-5,
    ),
    "blog-shuffled": replace(_BLOG_RELEASE, preset="blog-shuffled", control="shuffled"),
    "blog-constant": replace(_BLOG_RELEASE, preset="blog-constant", control="constant"),
}

# Ours. Chosen on the development split alone; docs/tuning.md tells how, and what it cost.
_LEXCLIP = Experiment(
    preset="lexclip",
    dtype="bfloat16",
    vocabulary="wordnet",
    target="lexical",
    sampling="relations",
    batch=96,
    steps=240,
    near=5.0,
    far=5.0,
    lenient=0.03,
    retained=320,
    optimizer="adamw",
    lr=1e-3,
    schedule="one_cycle",
    clip=1.0,
    trainable="lora:16",
    noise="dropout",
    alpha=0.9,
)
PRESETS["lexclip"] = _LEXCLIP
PRESETS["lexclip-shuffled"] = replace(_LEXCLIP, preset="lexclip-shuffled", control="shuffled")
PRESETS["lexclip-constant"] = replace(_LEXCLIP, preset="lexclip-constant", control="constant")


def preset(name: str) -> Experiment:
    """Return a preset by name.

    Raises:
        InputError: There is no such preset.
    """
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}", f"choose one of {', '.join(PRESETS)}")
    return PRESETS[name]
