"""What a study of class names does: how often it draws, what it tunes on, and which names it tests."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from lexclip_core.config import Experiment
from lexclip_core.errors import InputError

Replaced = Literal["tuned_on", "held_out"]

#: The blog's loss and constants with all pairs in every step: some dozens of steps stand for its thousands.
METHOD = Experiment(
    preset="blog-full-matrix",
    vocabulary="words",
    target="wu_palmer",
    sampling="full_matrix",
    steps=100,
    c=3.0,
    weight=0.08,
    anchor="squared",
    optimizer="adamw",
    lr=2e-5,
    clip=1.0,
)


@dataclass(frozen=True)
class Plan:
    """The settings of a study; a set that has fewer subsets or combinations than asked for gives what it has.

    Attributes:
        experiment: How towers are tuned, `control` and `dtype` included; vocabulary, tower and device are
            given by the study, and what is measured has the base tower's arithmetic. `random_words` takes
            the vocabulary away altogether.
        sizes: Numbers of classes K.
        subsets: Distinct subsets of classes drawn for each size (the blog's source speaks of 3).
        combinations: Distinct choices of replaced names for each subset (the blog's source speaks of 5).
        seed: Of all draws; training has the experiment's own.
        templates: Sentences with `{}` for the name, averaged.
        replaced: Which alternatives replace a name: `tuned_on`, those of the tuning vocabulary, as in the
            blog; or `held_out`: of a class's alternatives half, at least one, are kept out of the vocabulary,
            and only they are tested.
    """

    experiment: Experiment = METHOD
    sizes: tuple[int, ...] = (25, 50, 100)
    subsets: int = 3
    combinations: int = 5
    seed: int = 0
    templates: tuple[str, ...] = ("{}",)
    replaced: Replaced = "tuned_on"

    def __post_init__(self) -> None:
        if self.replaced not in get_args(Replaced):
            raise InputError(
                f"replaced is {self.replaced!r}", f"choose one of {', '.join(get_args(Replaced))}"
            )
        if self.experiment.sampling == "relations":
            raise InputError("sampling 'relations' has no matrix of targets", "choose full_matrix")
        if isinstance(self.templates, str):
            raise InputError(f"the templates are one text, {self.templates!r}", "put it in a tuple")
        for name in ("subsets", "combinations"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}", "give at least 1")
        if not self.sizes or min(self.sizes) < 2:
            raise InputError(f"sizes are {self.sizes}", "give at least one size of 2 classes or more")

    def content(self) -> dict[str, Any]:
        """Return what of the plan decides the result of one subset."""
        settings = asdict(self) | {"experiment": self.experiment.flat()}
        return {name: value for name, value in settings.items() if name not in ("sizes", "subsets")}
