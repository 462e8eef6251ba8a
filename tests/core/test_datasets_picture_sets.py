"""Every picture set opens by its name, and what cannot be opened is refused with the names that can."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from PIL import Image

from lexclip_core.datasets import captions, emoji, fer2013, imagenet, picture_sets
from lexclip_core.datasets.pictures import folder
from lexclip_core.errors import InputError, MissingResourceError


@pytest.fixture(autouse=True)
def _no_sets_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEXCLIP_PICTURES", str(tmp_path / "none"))


def paint(path: Path, keys: tuple[str, ...]) -> None:
    for key in keys:
        (path / key).mkdir(parents=True)
        Image.new("RGB", (4, 4), "red").save(path / key / "one.png")


@pytest.mark.parametrize("which", ["mapped", "emotions"])
def test_the_emoji_are_those_of_the_held_out_style(which: str):
    found = picture_sets.open_set(f"emoji-{which}")
    assert found.digests == emoji.picture_set(emoji.HELD_OUT, which).digests
    assert found.name == f"emoji-{which}-{emoji.HELD_OUT}"


def test_sets_on_disk_open_by_name(tmp_path: Path):
    paint(tmp_path / "imagenet" / "val", ("n01440764",))
    paint(tmp_path / "faces", fer2013.EMOTIONS)
    found = picture_sets.open_set("imagenet", tmp_path / "imagenet", sample="all")
    assert (found.name, found.titles) == ("imagenet-all", ("n01440764/one.png",))
    assert picture_sets.open_set("fer2013", tmp_path / "faces").name == "fer2013-heldout"
    assert [one.key for one in picture_sets.open_set("folder", tmp_path / "faces").classes] == sorted(
        fer2013.EMOTIONS
    )
    assert picture_sets.check("imagenet", tmp_path / "imagenet") == {"classes": 1, "pictures": 1}


@pytest.mark.parametrize("name", picture_sets.CARDS)
def test_a_set_that_is_not_there_is_named_with_where_to_get_it(tmp_path: Path, name: str):
    source = picture_sets.CARDS[name].source.split(" ")[0]
    with pytest.raises(InputError, match=f"{name} needs a path") as needed:
        picture_sets.open_set(name)
    assert source in str(needed.value)
    with pytest.raises(MissingResourceError, match=f"{tmp_path}") as missing:
        picture_sets.open_set(name, tmp_path / "nowhere")
    with pytest.raises(MissingResourceError, match=f"{tmp_path}"):
        picture_sets.check(name, tmp_path / "nowhere")
    assert source in str(missing.value)


def test_every_name_opens_or_asks_for_a_path():
    for name in get_args(picture_sets.Name):
        if not name.startswith("emoji"):
            with pytest.raises(InputError, match=f"{name} needs a path"):
                picture_sets.open_set(name)
    with pytest.raises(InputError, match="'mnist'") as error:
        picture_sets.open_set("mnist")
    assert all(name in str(error.value) for name in get_args(picture_sets.Name))


def test_what_a_set_does_not_take_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="emoji-mapped is not read from"):
        picture_sets.open_set("emoji-mapped", tmp_path)
    with pytest.raises(InputError, match="folder has no sample 'all'"):
        picture_sets.open_set("folder", tmp_path, sample="all")
    with pytest.raises(InputError, match=f"{imagenet.CARD.title.split()[0]}.* has no sample 'most'"):
        picture_sets.open_set("imagenet", tmp_path, sample="most")
    with pytest.raises(InputError, match="emoji-mapped has no layout to check"):
        picture_sets.check("emoji-mapped", tmp_path)


def test_a_set_without_a_path_is_looked_for_in_the_folder_of_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LEXCLIP_PICTURES", str(tmp_path))
    with pytest.raises(InputError, match=f"or put it at {tmp_path}/imagenet; get it from https"):
        picture_sets.open_set("imagenet")
    paint(tmp_path / "imagenet" / "val", ("n01440764",))
    assert len(picture_sets.open_set("imagenet")) == 1
    assert picture_sets.check("imagenet") == {"classes": 1, "pictures": 1}
    monkeypatch.delenv("LEXCLIP_PICTURES")
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path))
    assert picture_sets.pictures_folder() == tmp_path / "pictures"


def test_a_set_says_how_it_was_drawn_and_its_subsets_still_do(tmp_path: Path):
    paint(tmp_path / "train", ("n01440764", "n01443537"))
    found = picture_sets.open_set("imagenet", tmp_path, sample="released", seed=3)
    # The released code draws from the training part (claim D19).
    drawn = {"set": "imagenet", "sample": "released", "part": "train", "per_class": 30, "seed": 3}
    assert found.drawn == found.subset(["n01443537"]).drawn == drawn
    assert picture_sets.open_set("folder", tmp_path / "train").drawn == {}
    assert folder(tmp_path / "train", per_class=1, seed=2).drawn == {"per_class": 1, "seed": 2}


def test_a_folder_is_counted(tmp_path: Path):
    paint(tmp_path, ("cat", "dog"))
    (tmp_path / "empty").mkdir()
    assert picture_sets.check("folder", tmp_path) == {"classes": 2, "pictures": 2}
    with pytest.raises(InputError, match="nowhere is not a folder"):
        picture_sets.check("folder", tmp_path / "nowhere")


def test_every_card_says_where_from_under_what_terms_and_how_large():
    for card in (*picture_sets.CARDS.values(), *captions.CARDS.values()):
        assert card.source.startswith("https://")
        assert card.licence
        assert card.files
        assert card.rows >= 1000
