"""A number with its 95 % interval, and how estimates of any kind become one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from lexclip_core.errors import InputError


class Quantity(NamedTuple):
    """A number and its 95 % interval, both ends None where there is none; n is how much was measured."""

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None


def quantity(given: Any) -> Quantity:
    """Return a number, a mapping or an estimate as a value with its interval.

    One draw has no interval: of n = 1 with low = high both ends are dropped.

    Raises:
        InputError: There is no value, it is not finite, or it lies outside its interval.
    """
    if hasattr(given, "_asdict"):
        given = given._asdict()
    if not isinstance(given, Mapping) and hasattr(given, "low"):
        given = {
            name: getattr(given, name)
            for name in ("value", "mean", "low", "high", "n")
            if hasattr(given, name)
        }
    if not isinstance(given, Mapping):
        given = {"value": given}
    value = given.get("value", given.get("mean"))
    if value is None:
        raise InputError(f"{dict(given)} has no value", "give value, low, high and n")
    low, high, n = (given.get(name) for name in ("low", "high", "n"))
    ends = None if low is None or high is None or (n == 1 and low == high) else (float(low), float(high))
    numbers = [float(value), *(ends or ())]
    if not all(map(math.isfinite, numbers)):
        raise InputError(f"{numbers} is not finite", "measure only what has a value")
    if ends and not ends[0] - 1e-9 <= numbers[0] <= ends[1] + 1e-9:
        raise InputError(
            f"{numbers[0]} lies outside its interval {ends}", "give low, value and high in order"
        )
    low, high = ends or (None, None)
    return Quantity(numbers[0], low, high, None if n is None else int(n))


def percent(value: Quantity) -> Quantity:
    """Return a share of 1 in percent."""
    low, high = (None if end is None else 100 * end for end in (value.low, value.high))
    return Quantity(100 * value.value, low, high, value.n)
