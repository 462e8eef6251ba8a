"""The shipped emoji as tables, drawings and picture sets; missing and damaged files are named."""

from __future__ import annotations

import hashlib
import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lexclip_core import storage
from lexclip_core.datasets.emoji import sprites
from lexclip_core.datasets.emoji.sprites import STYLE_TITLES, data_folder, style_bytes
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.wordnet.tables import load_wordnet
from tools.emoji.build import write_sprites

# OpenMoji 17.0.0 has this one as an SVG file without content.
EMPTY_UPSTREAM = {"openmoji_black": ["new-button"]}
COLUMNS = "concept,hexcode,label,tags,group,subgroup,version\n"


def needs(file: str) -> Path:
    path = storage.data_folder() / "emoji" / file
    if not path.exists():
        pytest.skip(f"{path} is not there yet")
    return path


def square(colour: tuple[int, int, int, int]) -> Image.Image:
    return Image.new("RGBA", (64, 64), colour)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder of three emoji in two styles, which the reader takes for the shipped one."""
    folder = tmp_path / "emoji"
    folder.mkdir()
    rows = "dog,1F415,dog,pet|hound,animals-nature,animal-mammal,0.7\n"
    rows += (
        "null,2205,null,,symbols,math,1.0\nguide-dog,1F9AE,guide dog,dog,animals-nature,animal-mammal,12.0\n"
    )
    (folder / "concepts.csv").write_text(COLUMNS + rows, "utf-8")
    colours = {"dog": (255, 0, 0, 255), "null": (0, 0, 0, 0), "guide-dog": (0, 0, 255, 51)}
    drawn = {name: square(colour) for name, colour in colours.items()}
    write_sprites({"noto": drawn, "twemoji": drawn}, folder / "sprites.parquet")
    monkeypatch.setattr(storage, "data_folder", lambda: tmp_path)
    return folder


# Tables


def test_concepts_carry_senses_and_emotions_where_they_have_them(made: Path):
    (made / "synsets.csv").write_text(
        "concept,synset,lemma,decided,note\ndog,dog.n.01,dog,label,\nnull,,,unmapped,\nold,old.n.01,old,label,\n",
        "utf-8",
    )
    (made / "emotions.csv").write_text("concept,emotion\nguide-dog,happy\n", "utf-8")
    table = sprites.concepts()
    assert table["concept"].tolist() == ["dog", "null", "guide-dog"]
    assert table["synset"].tolist() == ["dog.n.01", "", ""]
    assert table["lemma"].tolist() == ["dog", "", ""]
    assert table["emotion"].tolist() == ["", "", "happy"]
    assert table["version"].tolist() == [0.7, 1.0, 12.0]
    assert table["tags"].tolist() == ["pet|hound", "", "dog"]


def test_a_caller_cannot_change_the_table_of_the_next(made: Path):
    table = sprites.concepts()
    table["concept"] = "changed"
    assert sprites.concepts()["concept"].tolist() == ["dog", "null", "guide-dog"]


def test_without_senses_only_what_needs_them_is_refused(made: Path):
    assert sprites.concepts()[["synset", "lemma", "emotion"]].eq("").all(axis=None)
    assert len(sprites.picture_set(which="all")) == 3
    with pytest.raises(MissingResourceError, match=r"synsets\.csv is not there"):
        sprites.picture_set(which="mapped")
    with pytest.raises(MissingResourceError, match=r"emotions\.csv is not there"):
        sprites.picture_set(which="emotions")


def test_missing_data_name_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(storage, "data_folder", lambda: tmp_path)
    with pytest.raises(
        MissingResourceError, match=r"(?s)concepts\.csv is not there.*python -m tools\.emoji build"
    ):
        sprites.concepts()
    with pytest.raises(MissingResourceError, match=r"(?s)sprites\.parquet is not there.*tools\.emoji build"):
        sprites.style_bytes("noto")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("concepts.csv", "concept,label\ndog,dog\n", r"concepts\.csv: columns 'hexcode', 'tags'"),
        ("synsets.csv", "concept,synset\ndog,dog.n.01\n", r"synsets\.csv: column 'lemma' is missing"),
        ("synsets.csv", "concept,synset,lemma\ndog,a,b\ndog,a,b\n", r"synsets\.csv names 'dog' twice"),
        ("emotions.csv", "", r"emotions\.csv: columns 'concept', 'emotion' are missing"),
    ],
)
def test_damaged_tables_are_named(made: Path, file: str, content: str, message: str):
    (made / file).write_text(content, "utf-8")
    with pytest.raises(DamagedFileError, match=message):
        sprites.concepts()


def test_a_damaged_file_of_drawings_is_named(made: Path):
    whole = (made / "sprites.parquet").read_bytes()
    (made / "sprites.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DamagedFileError, match=r"sprites\.parquet is damaged"):
        sprites.style_bytes("noto")


def test_a_table_of_other_columns_is_no_file_of_drawings(made: Path):
    pd.DataFrame({"concept": ["dog"]}).to_parquet(made / "sprites.parquet")
    with pytest.raises(DamagedFileError, match=r"sprites\.parquet is damaged"):
        sprites.sprite("dog")


# Drawings


def test_a_drawing_comes_as_pixels_and_as_a_file(made: Path):
    assert sprites.sprite("guide-dog").getpixel((3, 3)) == (0, 0, 255, 51)
    reopened = Image.open(io.BytesIO(sprites.sprite_png("dog", "twemoji")))
    assert (reopened.format, reopened.size) == ("PNG", (64, 64))
    assert reopened.convert("RGBA").getpixel((0, 0)) == (255, 0, 0, 255)


def test_unknown_names_are_answered_with_known_ones(made: Path):
    with pytest.raises(InputError, match=r"(?s)unknown emoji style 'oil'.*noto, twemoji"):
        sprites.sprite("dog", "oil")
    with pytest.raises(InputError, match=r"(?s)unknown emoji concept 'guide'.*did you mean guide-dog"):
        sprites.sprite("guide")
    with pytest.raises(InputError, match=r"(?s)unknown emoji concept ''.*lexclip emoji list"):
        sprites.sprite("")


# Picture sets


def test_a_set_of_all_concepts_is_named_by_labels(made: Path):
    found = sprites.picture_set(("twemoji", "noto"), which="all")
    assert [one.name for one in found.classes] == ["dog", "null", "guide dog"]
    assert found.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert found.titles[2] == "guide dog (Twemoji)"
    assert found.titles[3] == "dog (Noto Color Emoji)"
    assert found.digests[0] == hashlib.sha256(style_bytes("twemoji")["dog"]).hexdigest()
    assert found.read(0).getpixel((0, 0)) == (255, 0, 0)
    assert found.read(1).getpixel((0, 0)) == (255, 255, 255)
    assert found.read(5).getpixel((0, 0)) == (204, 204, 255)
    assert found.read(0).mode == "RGB"


def test_concepts_of_one_synset_make_one_class(made: Path):
    (made / "synsets.csv").write_text(
        "concept,synset,lemma\ndog,dog.n.01,dog\nguide-dog,dog.n.01,domestic_dog\nnull,zero.n.02,null\n",
        "utf-8",
    )
    found = sprites.picture_set()
    assert [(one.key, one.name, one.synset) for one in found.classes] == [
        ("dog", "dog", "dog.n.01"),
        ("null", "null", "zero.n.02"),
    ]
    assert found.labels.tolist() == [0, 1, 0]
    assert found.subset(["dog"]).titles == ("dog (Twemoji)", "guide dog (Twemoji)")


def test_a_lemma_is_written_with_spaces(made: Path):
    (made / "synsets.csv").write_text("concept,synset,lemma\nguide-dog,guide_dog.n.01,guide_dog\n", "utf-8")
    assert sprites.picture_set().classes[0].name == "guide dog"


def test_emotions_are_classes_of_several_pictures(made: Path):
    (made / "emotions.csv").write_text("concept,emotion\ndog,sad\nnull,happy\nguide-dog,happy\n", "utf-8")
    found = sprites.picture_set(which="emotions")
    assert [(one.key, one.name) for one in found.classes] == [("happy", "happy"), ("sad", "sad")]
    assert [found.classes[label].key for label in found.labels] == ["happy", "happy", "sad"]
    assert found.titles == ("null (Twemoji)", "guide dog (Twemoji)", "dog (Twemoji)")


def test_bad_requests_are_refused(made: Path):
    with pytest.raises(InputError, match=r"(?s)unknown emoji classes 'faces'.*mapped, all, emotions"):
        sprites.picture_set(which="faces")
    for styles in ((), ("noto", "noto")):
        with pytest.raises(InputError, match="name each style once"):
            sprites.picture_set(styles, which="all")
    with pytest.raises(InputError, match="unknown emoji style 'oil'"):
        sprites.picture_set("oil", which="all")


def test_a_word_is_pictured_by_its_first_noun_sense(made: Path):
    wordnet = load_wordnet()
    (made / "synsets.csv").write_text(
        "concept,synset,lemma\ndog,dog.n.01,dog\nguide-dog,domestic_ass.n.01,ass\nnull,cad.n.01,dog\n",
        "utf-8",
    )
    assert sprites.for_word("dog", wordnet) == "dog"
    assert sprites.for_word("Domestic dog", wordnet) == "dog"
    assert sprites.for_word("dogs", wordnet) == "dog"
    assert sprites.for_word("cad", wordnet) == "null"
    assert sprites.for_word("ass", wordnet) is None  # its first sense is the behind
    assert sprites.for_word("happy", wordnet) is None
    assert sprites.for_word("xyzzy", wordnet) is None


# What is shipped


def test_the_shipped_drawings_are_there():
    for style in STYLE_TITLES:
        drawings = style_bytes(style)
        assert tuple(drawings) == tuple(sprites.concepts()["concept"])
        pixels = {name: np.asarray(sprites.sprite(name, style)) for name in drawings}
        empty = [name for name, one in pixels.items() if (one[..., 3] > 128).sum() < 20]
        assert empty == EMPTY_UPSTREAM.get(style, [])


def test_the_shipped_senses_are_wordnets():
    needs("synsets.csv")
    wordnet = load_wordnet()
    mapped = sprites.concepts().query("synset != ''")
    assert len(mapped) > 600
    for synset, lemma in zip(mapped["synset"], mapped["lemma"], strict=True):
        assert wordnet.name(wordnet.index(synset)) == synset
        assert wordnet.lemma_places(lemma, wordnet.index(synset)), f"{lemma} is no lemma of {synset}"
    found = sprites.picture_set()
    assert len(found) == len(mapped)
    assert len(found.classes) == mapped["synset"].nunique()


def test_shipped_words_have_pictures():
    needs("synsets.csv")
    wordnet = load_wordnet()
    assert sprites.for_word("dog", wordnet) == "dog"
    assert sprites.for_word("violins", wordnet) == "violin"


def test_the_shipped_emotions_are_seven():
    needs("emotions.csv")
    found = sprites.picture_set(("noto", "twemoji"), which="emotions")
    assert len(found.classes) == 7
    assert np.bincount(found.labels).min() >= 2
    assert data_folder().name == "emoji"


def test_the_data_folder_may_be_copied(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = tmp_path / "elsewhere"
    shutil.copytree(made, other / "emoji")
    (other / "emoji" / "concepts.csv").write_text(
        COLUMNS + "cat,1F408,cat,,animals-nature,animal-mammal,0.7\n", "utf-8"
    )
    assert sprites.concepts()["concept"].iloc[0] == "dog"
    monkeypatch.setattr(storage, "data_folder", lambda: other)
    assert sprites.concepts()["concept"].tolist() == ["cat"]
