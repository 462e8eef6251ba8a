"""The two domains of the mapped emoji: disjoint, complete, seeded, and the same in every style."""

from __future__ import annotations

import pytest

from lexclip_core import storage
from lexclip_core.datasets.emoji import sprites
from lexclip_core.errors import InputError

pytestmark = pytest.mark.skipif(
    not (storage.data_folder() / "emoji" / "synsets.csv").exists(), reason="the senses are not there"
)


def keys(which: str, **options) -> list[str]:
    return [one.key for one in sprites.domain(which, **options).classes]


def test_the_domains_share_no_class_and_together_are_the_mapped_emoji_in_order():
    whole = sprites.picture_set()
    first, second = sprites.domain("first"), sprites.domain("second")
    place = {one.key: i for i, one in enumerate(whole.classes)}
    assert sorted([*keys("first"), *keys("second")], key=place.get) == list(place)
    assert keys("first") == sorted(keys("first"), key=place.get)
    assert not {one.synset for one in first.classes} & {one.synset for one in second.classes}
    assert len(first.classes) == round(0.6 * len(whole.classes))
    assert sorted(first.titles + second.titles) == sorted(whole.titles)


def test_a_picture_keeps_its_class():
    whole, second = sprites.picture_set(), sprites.domain("second")
    class_of = {digest: whole.classes[i] for digest, i in zip(whole.digests, whole.labels, strict=True)}
    assert len(second) >= len(second.classes)
    for digest, label in zip(second.digests, second.labels, strict=True):
        assert second.classes[label] == class_of[digest]


def test_the_split_is_that_of_the_seed_and_not_of_the_style():
    assert keys("first", seed=1) != keys("first")
    assert keys("first", style="noto") == keys("first")
    assert keys("first", seed=1) == keys("first", seed=1, style="openmoji")


def test_an_unknown_domain_is_refused_with_the_valid_ones():
    with pytest.raises(InputError, match=r"unknown domain 'third'\n?.*first, second"):
        sprites.domain("third")
