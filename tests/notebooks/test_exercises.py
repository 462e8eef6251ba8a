"""The exercises of the tour: right answers pass, and each known mistake is explained as what it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from case_tables import each

from lexclip_core.notebooks import (
    check_distance_term,
    check_inversion_rate,
    check_wu_palmer,
)


def distance(cosines, targets, c):
    return np.mean((c * (np.asarray(targets) - np.asarray(cosines))) ** 2)


def inversion(near, far):
    return np.mean(np.asarray(far) >= np.asarray(near))


@pytest.mark.parametrize(
    ("check", "solution"),
    [
        (check_wu_palmer, lambda meeting, a, b: 2 * meeting / (a + b)),
        (check_distance_term, distance),
        (check_inversion_rate, inversion),
    ],
)
def test_a_right_answer_passes_and_an_empty_one_is_no_failure(check: Callable, solution: Callable):
    assert check(solution) == "Right, on all 3 cases."
    assert check(lambda *arguments: None).startswith("Not solved yet")


@each(
    ("check", "mistake", "explanation"),
    [
        (check_wu_palmer, lambda m, a, b: m / (a + b), "without the 2"),
        (check_wu_palmer, lambda m, a, b: 2 * m / (a * b), "not by their product"),
        (check_wu_palmer, lambda m, a, b: 2 * (m - 1) / (a + b - 2), "must return 2/3 = 0.6667"),
        (check_distance_term, lambda s, t, c: c * distance(s, t, 1), "c is inside the square"),
        (check_distance_term, lambda s, t, c: distance(s, t, 1), "c is missing"),
        (check_distance_term, lambda s, t, c: len(s) * distance(s, t, c), "not their sum"),
        (
            check_distance_term,
            lambda s, t, c: np.mean(c * (np.asarray(t) - np.asarray(s))) ** 2,
            "errors of opposite sign cancel",
        ),
        (
            check_distance_term,
            lambda s, t, c: np.mean(np.abs(c * (np.asarray(t) - np.asarray(s)))),
            "instead of taking its absolute value",
        ),
        (check_inversion_rate, lambda s, a: 1 - inversion(s, a), "right order"),
        (check_inversion_rate, lambda s, a: np.mean(np.asarray(a) > np.asarray(s)), "a tie counts"),
        (
            check_inversion_rate,
            lambda s, a: np.sum(np.asarray(a) >= np.asarray(s)),
            "not their number",
        ),
        (check_inversion_rate, lambda s, a: np.mean(a >= s), "must return"),
        (check_inversion_rate, lambda s, a: np.mean(a - s), "np.asarray"),
        (check_inversion_rate, lambda s: 0, "takes 1 positional argument"),
        (check_inversion_rate, lambda s, a: [0.5], "one number is wanted"),
    ],
)
def test_a_mistake_is_explained(check: Callable, mistake: Callable, explanation: str):
    assert explanation in check(mistake)
