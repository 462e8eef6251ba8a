"""Variation of sprites: what each share does to a picture, and that the seed alone decides."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.image_tower.augment import Augmentation, on_white, vary

NONE = Augmentation().scaled(0.0, flip=0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def disc(colour: tuple[int, int, int] = (200, 40, 40)) -> torch.Tensor:
    """One sprite: a disc left of the middle, on nothing."""
    rows, columns = torch.meshgrid(torch.arange(64), torch.arange(64), indexing="ij")
    inside = (rows - 32) ** 2 + (columns - 20) ** 2 < 15**2
    sprite = torch.zeros(64, 64, 4, dtype=torch.uint8)
    sprite[inside] = torch.tensor([*colour, 255], dtype=torch.uint8)
    return sprite[None]


def still(count: int) -> torch.Tensor:
    return torch.zeros(count, dtype=torch.bool)


def test_nothing_is_white_and_full_colour_is_kept():
    picture = on_white(disc((255, 0, 51)), 64)[0]
    assert picture[:, 0, 0].tolist() == [1, 1, 1]
    assert picture[:, 32, 20].tolist() == pytest.approx([1, 0, 51 / 255])


def test_half_transparent_black_on_white_is_grey():
    sprite = torch.zeros(1, 64, 64, 4, dtype=torch.uint8)
    sprite[..., 3] = 51
    assert on_white(sprite, 64).unique().tolist() == pytest.approx([1 - 51 / 255])


def test_strength_zero_only_sets_the_drawing_on_white():
    varied = vary(disc(), still(1), 64, NONE, generator())
    assert torch.allclose(varied, on_white(disc(), 64), atol=1e-4)


def test_a_quarter_turn_moves_the_disc_up_or_down():
    turned = Augmentation().scaled(0.0, flip=0.0, rotation=90.0)
    dark = 1 - vary(disc().expand(64, -1, -1, -1), still(64), 64, turned, generator()).mean(1)
    rows = (dark.sum(2) * torch.arange(64)).sum(1) / dark.sum((1, 2))
    columns = (dark.sum(1) * torch.arange(64)).sum(1) / dark.sum((1, 2))
    radius = ((rows - 31.5) ** 2 + (columns - 31.5) ** 2).sqrt()
    assert rows.std() > 3
    assert torch.allclose(radius, torch.full_like(radius, 11.5), atol=0.7)


def test_only_what_may_be_mirrored_is_mirrored():
    always = Augmentation().scaled(0.0, flip=1.0)
    both = vary(disc().expand(2, -1, -1, -1), torch.tensor([False, True]), 64, always, generator())
    plain = on_white(disc(), 64)[0]
    assert torch.allclose(both[0], plain, atol=1e-4)
    assert torch.allclose(both[1], plain.flip(2), atol=1e-4)


def test_grey_takes_the_colour_away_and_keeps_the_luma():
    grey = vary(disc((255, 0, 0)), still(1), 64, Augmentation().scaled(0.0, flip=0.0, grey=1.0), generator())
    assert grey[0, :, 32, 20].tolist() == pytest.approx([0.299] * 3, abs=1e-4)


def test_inverted_exchanges_light_and_dark():
    inverted = vary(disc(), still(1), 64, Augmentation().scaled(0.0, flip=0.0, invert=1.0), generator())
    assert torch.allclose(inverted, 1 - on_white(disc(), 64), atol=1e-4)


def test_a_turned_hue_keeps_the_mean_of_the_channels():
    many = disc((120, 90, 60)).expand(32, -1, -1, -1)
    turned = vary(many, still(32), 64, Augmentation().scaled(0.0, flip=0.0, hue=1.0), generator())
    middle = turned[:, :, 32, 20]
    assert torch.allclose(middle.mean(1), torch.full((32,), 90 / 255), atol=1e-3)
    assert middle.std(0).min() > 0.02


def test_line_art_leaves_outlines_only():
    lines = vary(disc(), still(1), 64, Augmentation().scaled(0.0, flip=0.0, line_art=1.0), generator())
    assert lines[0, :, 32, 20].tolist() == pytest.approx([1, 1, 1], abs=1e-4)  # the inside is empty
    assert lines[0, :, 32, 5].max() < 0.1  # the rim is black


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), size=st.sampled_from([32, 64, 96]))
def test_pictures_stay_between_black_and_white_and_depend_on_the_seed_alone(seed: int, size: int):
    sprites, mirrored = disc().expand(6, -1, -1, -1), torch.ones(6, dtype=torch.bool)
    once, again = (vary(sprites, mirrored, size, Augmentation(), generator(seed)) for _ in range(2))
    assert once.shape == (6, 3, size, size)
    assert math.isfinite(float(once.sum()))
    assert 0 <= once.min() <= once.max() <= 1
    assert torch.equal(once, again)
    assert not torch.equal(once, vary(sprites, mirrored, size, Augmentation(), generator(seed + 1)))
