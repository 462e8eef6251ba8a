"""The exercises of the tour, whose checks explain each known mistake; and the sheet that shows pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from case_tables import each
from PIL import Image

from lexclip_core.notebooks import check, picture_sheet


def distance(cosines, targets, c):
    return np.mean((c * (np.asarray(targets) - np.asarray(cosines))) ** 2)


def inversion(near, far):
    return np.mean(np.asarray(far) >= np.asarray(near))


@pytest.mark.parametrize(
    ("exercise", "solution"),
    [
        ("wu_palmer", lambda meeting, a, b: 2 * meeting / (a + b)),
        ("distance_term", distance),
        ("inversion_rate", inversion),
    ],
)
def test_a_right_answer_passes_and_an_empty_one_is_no_failure(exercise: str, solution: Callable):
    assert check(exercise, solution) == "Right, on all 3 cases."
    assert check(exercise, lambda *arguments: None).startswith("Not solved yet")


@each(
    ("exercise", "mistake", "explanation"),
    [
        ("wu_palmer", lambda m, a, b: m / (a + b), "without the 2"),
        ("wu_palmer", lambda m, a, b: 2 * m / (a * b), "not by their product"),
        ("wu_palmer", lambda m, a, b: 2 * (m - 1) / (a + b - 2), "must return 2/3 = 0.6667"),
        ("distance_term", lambda s, t, c: c * distance(s, t, 1), "c is inside the square"),
        ("distance_term", lambda s, t, c: distance(s, t, 1), "c is missing"),
        ("distance_term", lambda s, t, c: len(s) * distance(s, t, c), "not their sum"),
        (
            "distance_term",
            lambda s, t, c: np.mean(c * (np.asarray(t) - np.asarray(s))) ** 2,
            "errors of opposite sign cancel",
        ),
        (
            "distance_term",
            lambda s, t, c: np.mean(np.abs(c * (np.asarray(t) - np.asarray(s)))),
            "instead of taking its absolute value",
        ),
        ("inversion_rate", lambda s, a: 1 - inversion(s, a), "right order"),
        ("inversion_rate", lambda s, a: np.mean(np.asarray(a) > np.asarray(s)), "a tie counts"),
        (
            "inversion_rate",
            lambda s, a: np.sum(np.asarray(a) >= np.asarray(s)),
            "not their number",
        ),
        ("inversion_rate", lambda s, a: np.mean(a >= s), "must return"),
        ("inversion_rate", lambda s, a: np.mean(a - s), "np.asarray"),
        ("inversion_rate", lambda s: 0, "takes 1 positional argument"),
        ("inversion_rate", lambda s, a: [0.5], "one number is wanted"),
    ],
)
def test_a_mistake_is_explained(exercise: str, mistake: Callable, explanation: str):
    assert explanation in check(exercise, mistake)


def test_a_sheet_shows_every_picture_in_its_place_above_its_title():
    colours = [(255, 0, 0), (0, 0, 255), (0, 128, 0)]
    pictures = [Image.new("RGB", (10, 20), colour) for colour in colours]
    sheet = picture_sheet(pictures, ["red", "a long title " * 9, ""], columns=2, side=50)
    assert sheet.size == (2 * 62, 2 * 94)
    assert [sheet.getpixel(at) for at in ((30, 25), (92, 25), (30, 119), (92, 119))] == [
        *colours,
        (255, 255, 255),
    ]
    titles = [np.asarray(sheet)[52:94, left : left + 62].min() for left in (0, 62)]
    assert max(titles) < 128, "there is ink below both pictures of the first row"
    assert picture_sheet([], []).size == (108, 140), "no picture is an empty sheet"
