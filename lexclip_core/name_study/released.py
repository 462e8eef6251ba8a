"""How often the blog's released code draws, as a preset beside what the blog's text says."""

from __future__ import annotations

from typing import Any

from lexclip_core.class_names import Kind
from lexclip_core.config import preset
from lexclip_core.errors import InputError
from lexclip_core.name_study.plan import Plan

# Kind of names -> choices of replaced names for the one set of classes (claim D8).
_COMBINATIONS: dict[Kind, int] = {"synonym": 3, "hypernym": 1, "mixed": 3}


def released_plan(kind: Kind, **settings: Any) -> Plan:
    """Return the released code's choices: three combinations, one for hypernyms, and no loop over subsets.

    It tunes by `blog-release` and tests the bare names that it tuned on. The blog's source speaks of five
    combinations and three subsets, which are `Plan`'s defaults. Draws are seeded and distinct, in both (claim
    D9). The pictures that go with it are `picture_sets.open_set(..., sample="released")` (claim D19).

    Args:
        kind: Which names stand in: the number of combinations follows from it.
        **settings: Of `Plan`, to set otherwise, such as `sizes`.

    Raises:
        InputError: The kind is unknown.
    """
    if kind not in _COMBINATIONS:
        raise InputError(f"unknown kind {kind!r}", f"choose one of {', '.join(_COMBINATIONS)}")
    chosen: dict[str, Any] = {
        "experiment": preset("blog-release"),
        "subsets": 1,
        "combinations": _COMBINATIONS[kind],
    }
    return Plan(**(chosen | settings))
