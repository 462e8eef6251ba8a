"""Whether a setting has the type and the range that it must have."""

from __future__ import annotations

import math
import types
from typing import Literal, Union, get_args, get_origin

from lexclip_core.errors import InputError


def check_type(name: str, value: object, kind: object) -> None:
    """Check that a setting is of its kind: a closed choice, or a plain type; a float may be given as int.

    Raises:
        InputError: It is not; the message names what is wanted.
    """
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise InputError(f"{name} is {value!r}", f"choose one of {', '.join(get_args(kind))}")
        return
    assert get_origin(kind) not in (Union, types.UnionType), "settings are plain values"
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or isinstance(value, bool):  # type: ignore[arg-type]
        raise InputError(f"{name} is {value!r}", f"give a value of type {kind.__name__}")  # type: ignore[attr-defined]


def check_range(
    name: str, value: float, *, at_least: float | None = None, above: float | None = None
) -> None:
    """Check that a number is finite and not too small.

    Raises:
        InputError: It is not; the message names the bound.
    """
    if not math.isfinite(value):
        raise InputError(f"{name} is {value}", "give a finite number")
    if at_least is not None and not value >= at_least:
        raise InputError(f"{name} is {value}", f"give a value of at least {at_least}")
    if above is not None and not value > above:
        raise InputError(f"{name} is {value}", f"give a value above {above}")
