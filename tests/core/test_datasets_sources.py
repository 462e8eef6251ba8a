"""Every set of pictures and texts opens by its name; an unknown name is answered with the known ones."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from case_tables import each
from PIL import Image

from lexclip_core import storage
from lexclip_core.datasets import cards
from lexclip_core.datasets.captions import open_captions
from lexclip_core.datasets.cards import CARDS, Card, Draw, Source, text_sources
from lexclip_core.datasets.emoji import sprites
from lexclip_core.datasets.pictures import fer2013
from lexclip_core.datasets.pictures.picture_set import folder
from lexclip_core.datasets.pictures.sources import PICTURE_SOURCES, open_set
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

ON_DISK = [name for name, one in PICTURE_SOURCES.items() if one.location == "pictures_folder"]


@pytest.fixture(autouse=True)
def _no_sets_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LEXCLIP_PICTURES", str(tmp_path / "none"))


def paint(path: Path, keys: tuple[str, ...]) -> None:
    for key in keys:
        (path / key).mkdir(parents=True)
        Image.new("RGB", (4, 4), "red").save(path / key / "one.png")


@pytest.mark.parametrize("which", ["mapped", "emotions"])
def test_the_emoji_are_those_of_the_held_out_style(which: str):
    found = open_set(f"emoji-{which}")
    assert found.digests == sprites.picture_set(sprites.HELD_OUT, which).digests
    assert found.name == f"emoji-{which}-{sprites.HELD_OUT}"


def test_sets_on_disk_open_by_name(tmp_path: Path):
    paint(tmp_path / "imagenet" / "val", ("n01440764",))
    paint(tmp_path / "faces", fer2013.EMOTIONS)
    found = open_set("imagenet", tmp_path / "imagenet", sample="all")
    assert (found.name, found.titles) == ("imagenet-all", ("n01440764/one.png",))
    assert open_set("fer2013", tmp_path / "faces").name == "fer2013-heldout"
    assert [one.key for one in open_set("folder", tmp_path / "faces").classes] == sorted(fer2013.EMOTIONS)
    assert PICTURE_SOURCES["imagenet"].count(tmp_path / "imagenet") == {"classes": 1, "pictures": 1}


@each("name", ON_DISK)
def test_a_set_that_is_not_there_is_named_with_where_to_get_it(tmp_path: Path, name: str):
    source = PICTURE_SOURCES[name].card.source.split(" ")[0]
    with pytest.raises(InputError, match=f"{name} needs a path") as needed:
        open_set(name)
    assert source in str(needed.value)
    with pytest.raises(MissingResourceError, match=f"{tmp_path}") as missing:
        open_set(name, tmp_path / "nowhere")
    with pytest.raises(MissingResourceError, match=f"{tmp_path}"):
        PICTURE_SOURCES[name].count(tmp_path / "nowhere")
    assert source in str(missing.value)


def test_every_name_opens_or_asks_for_a_path():
    assert list(PICTURE_SOURCES) == list(CARDS["pictures"])
    for name in PICTURE_SOURCES:
        if not name.startswith("emoji"):
            with pytest.raises(InputError, match=f"{name} needs a path"):
                open_set(name)
    with pytest.raises(InputError, match="unknown picture set 'mnist'") as error:
        open_set("mnist")
    assert all(name in str(error.value) for name in PICTURE_SOURCES)


def test_what_a_set_does_not_take_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="emoji-mapped is not read from"):
        open_set("emoji-mapped", tmp_path)
    with pytest.raises(InputError, match=r"A folder of class folders has no sample 'all'\n.*name no sample"):
        open_set("folder", tmp_path, sample="all")
    with pytest.raises(InputError, match=r"ImageNet.* has no sample 'most'\n.*heldout, released, all"):
        open_set("imagenet", tmp_path, sample="most")


def test_a_set_without_a_path_is_looked_for_in_the_folder_of_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LEXCLIP_PICTURES", str(tmp_path))
    with pytest.raises(InputError, match=f"or put it at {tmp_path}/imagenet; get it from https"):
        open_set("imagenet")
    paint(tmp_path / "imagenet" / "val", ("n01440764",))
    assert len(open_set("imagenet")) == 1
    assert PICTURE_SOURCES["imagenet"].count() == {"classes": 1, "pictures": 1}
    monkeypatch.delenv("LEXCLIP_PICTURES")
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path))
    assert cards.pictures_folder() == tmp_path / "pictures"


def test_a_set_says_how_it_was_drawn_and_its_subsets_still_do(tmp_path: Path):
    paint(tmp_path / "train", ("n01440764", "n01443537"))
    found = open_set("imagenet", tmp_path, sample="released", seed=3)
    # The released code draws from the training part (claim D19).
    drawn = {"set": "imagenet", "sample": "released", "part": "train", "per_class": 30, "seed": 3}
    assert found.drawn == found.subset(["n01443537"]).drawn == drawn
    assert open_set("folder", tmp_path / "train").drawn == {}
    assert folder(tmp_path / "train", per_class=1, seed=2).drawn == {"per_class": 1, "seed": 2}


def test_a_folder_is_counted(tmp_path: Path):
    paint(tmp_path, ("cat", "dog"))
    (tmp_path / "empty").mkdir()
    assert PICTURE_SOURCES["folder"].count(tmp_path) == {"classes": 2, "pictures": 2}
    with pytest.raises(InputError, match="nowhere is not a folder"):
        PICTURE_SOURCES["folder"].count(tmp_path / "nowhere")


def test_the_emoji_are_counted_where_they_are():
    found = open_set("emoji-mapped")
    assert PICTURE_SOURCES["emoji-mapped"].count() == {"classes": len(found.classes), "pictures": len(found)}
    for name in ("emoji-mapped", "emoji-emotions"):
        assert CARDS["pictures"][name].rows == len(open_set(name))


CARD = Card("toys", "Toys", 2, "one class per picture", "none", "https://toys.test", "MIT", ("CLASS/*.png",))


def test_a_source_that_is_added_opens_like_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    toys = Source(CARD, lambda path, draw, seed: folder(path), lambda path, draw: {"pictures": 2})
    monkeypatch.setitem(PICTURE_SOURCES, "toys", toys)
    paint(tmp_path / "toys", ("cat", "dog"))
    assert len(open_set("toys", tmp_path / "toys")) == 2
    monkeypatch.setenv("LEXCLIP_PICTURES", str(tmp_path))
    assert open_set("toys").titles == ("cat/one.png", "dog/one.png")
    assert toys.count() == {"pictures": 2}
    drawn = replace(toys, samples={"few": Draw("train", 1)})
    monkeypatch.setitem(PICTURE_SOURCES, "toys", drawn)
    assert open_set("toys").drawn == {
        "set": "toys",
        "sample": "few",
        "part": "train",
        "per_class": 1,
        "seed": 0,
    }
    with pytest.raises(InputError, match=r"unknown picture set 'toy'\n.*toys"):
        open_set("toy")


# Texts


def test_every_set_of_texts_has_a_card_and_asks_for_a_path():
    assert list(text_sources()) == [
        name for group, each in CARDS.items() if group != "pictures" for name in each
    ]
    for name, source in text_sources().items():
        with pytest.raises(InputError, match=f"{name} needs a path"):
            source.open()
        with pytest.raises(MissingResourceError, match="is not there"):
            source.open(Path("nowhere.tsv"))


def test_only_captioned_pictures_open_as_captions(tmp_path: Path):
    (tmp_path / "EN-RG-65.txt").write_text("".join(f"wug{i}\tdax\t1.0\n" for i in range(65)))
    assert text_sources()["rg-65"].count(tmp_path) == {"pairs": 65}
    assert text_sources()["rg-65"].open(tmp_path).words_b[0] == "dax"
    with pytest.raises(InputError, match=r"Flickr8k has no sample 'dev'\n.*test, train, development, all"):
        open_captions("flickr8k", tmp_path, split="dev")
    with pytest.raises(InputError, match="RG-65 has no sample 'test'"):
        open_captions("rg-65", tmp_path)
    with pytest.raises(InputError, match="unknown set of texts 'mscoco'"):
        open_captions("mscoco", tmp_path)


# Cards


def test_every_card_says_where_from_under_what_terms_and_how_large():
    for group, named in CARDS.items():
        for name, card in named.items():
            assert card.name == name
            assert card.title
            assert card.licence
            assert card.reference
            assert card.rows > 0 or name == "folder"
            assert card.files or name.startswith("emoji")
            if group in ("sentences", "words", "composition", "queries"):
                assert "tune nothing" in card.warning
    for name in (*ON_DISK, *CARDS["captions"]):
        assert {**CARDS["pictures"], **CARDS["captions"]}[name].source.startswith("https://")


@pytest.mark.parametrize(
    ("content", "message"),
    [("[a.b]\ntitle = 1\n", "damaged.*missing 5 required"), ("a = ", "not TOML"), ("a = 1\n", "damaged")],
)
def test_a_damaged_file_of_cards_is_named(tmp_path: Path, content: str, message: str):
    (tmp_path / "cards.toml").write_text(content)
    with pytest.raises(DamagedFileError, match=rf"cards\.toml is {message}"):
        cards.read_cards(tmp_path / "cards.toml")
    with pytest.raises(MissingResourceError, match="none is not there"):
        cards.read_cards(tmp_path / "none")


def test_what_stands_under_a_group_holds_for_its_cards(tmp_path: Path):
    shared = 'licence = "MIT"\nscale = "s"\nreference = "r"\nsource = "x"\n'
    (tmp_path / "cards.toml").write_text(
        f'[g]\n{shared}[g.one]\ntitle = "One"\nrows = 1\nfiles = ["a"]\n'
        '[g.two]\ntitle = "Two"\nrows = 2\nlicence = "CC0"\nodd = 3\n[g.two.layouts]\n"b.txt" = "pairs"\n'
    )
    one, two = cards.read_cards(tmp_path / "cards.toml")["g"].values()
    assert (one.name, one.licence, one.files, one.details) == ("one", "MIT", ("a",), {})
    assert (two.licence, two.files) == ("CC0", ("b.txt",))
    assert two.details == {"odd": 3, "layouts": {"b.txt": "pairs"}}


# What is light


def test_no_module_of_datasets_loads_a_large_library():
    code = (
        "import importlib, pkgutil, sys\n"
        "import lexclip_core.datasets as root\n"
        "for one in pkgutil.walk_packages(root.__path__, 'lexclip_core.datasets.'):\n"
        "    importlib.import_module(one.name)\n"
        "heavy = ('torch', 'torchvision', 'open_clip', 'transformers', 'timm', 'huggingface_hub', 'scipy')\n"
        "print(*[name for name in heavy if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_module_of_the_package_that_declares_a_source_is_enough(tmp_path: Path):
    """The recipe of docs/how_to_add.md, run as it is written, in a package of its own."""
    page = (storage.project_root() / "docs" / "how_to_add.md").read_text("utf-8")
    [recipe] = [code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "Flowers" in code]
    (tmp_path / "garden").mkdir()
    (tmp_path / "garden" / "__init__.py").touch()
    (tmp_path / "garden" / "flowers.py").write_text(recipe, "utf-8")
    sys.path.insert(0, str(tmp_path))
    try:
        flowers = cards.declared_sources("garden")["flowers"]
    finally:
        sys.path.remove(str(tmp_path))
    paint(tmp_path / "flowers" / "val", ("rose", "tulip"))
    assert flowers.count(tmp_path / "flowers") == {"classes": 2, "pictures": 2}
    assert flowers.open(tmp_path / "flowers", sample="all").titles == ("rose/one.png", "tulip/one.png")
    with pytest.raises(MissingResourceError, match=r"A folder of flowers: .*nowhere/val is not there"):
        flowers.open(tmp_path / "nowhere")
