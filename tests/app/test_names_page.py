"""The Names page: pictures chosen, names swapped and checked, what is missing said."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import name_curves
import naming
import numpy as np
import pandas as pd
import pytest
import store
import thumbnails
from PIL import Image
from streamlit.testing.v1 import AppTest

from lexclip_core.datasets.pictures.picture_set import PictureClass, PictureSet
from lexclip_core.errors import MissingResourceError
from lexclip_core.wordnet import tables

OpenApp = Callable[..., AppTest]
DIM = 64


def made_up_rows(pictures: PictureSet) -> np.ndarray:
    """Return one fixed direction a picture, told by its digest."""
    rows = np.stack([np.random.default_rng(int(one[:8], 16)).normal(size=DIM) for one in pictures.digests])
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def open_names(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> OpenApp:
    """Return a function that opens the page with an image tower whose vectors are made up."""
    monkeypatch.setattr(store, "picture_rows", lambda _summary, pictures: made_up_rows(pictures))
    return lambda **query: open_app("names", **query)


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error, app.code)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def names(app: AppTest) -> list[str]:
    return app.text_area(key="names").value.split("\n")


def charts(app: AppTest) -> list[str]:
    return [one.value.replace("\\", "") for one in app.markdown if one.value.startswith("**")]


def picture(colour: str = "red") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (9, 9), colour).save(stream, "PNG")
    return stream.getvalue()


def test_it_names_pictures_with_both_towers_and_says_so_in_words(open_names: OpenApp) -> None:
    app = open_names(n="10")
    assert not app.exception
    assert not app.error
    assert len(names(app)) == 10
    said = texts(app)
    assert "that the **base tower** names right: **" in said
    assert "that the **tuned tower** names right: **" in said
    assert "Guessing gives 0.10." in said
    assert "with the names now" in said
    assert "Change" in said
    assert [alt for chart in app.get("plotly_chart") if len(alt := chart.proto.alt) < 40] == []
    table = app.dataframe[0].value
    assert list(table["name"]) == names(app)
    assert {cell[0] for cell in table["base"]} <= {"✓", "✗"}
    assert all(cell.startswith("data:image/webp;base64,") for cell in table[""])
    ticked = table["base"].str.startswith("✓")
    assert (ticked == (table["base rank"] == 1)).all()


def test_swapping_and_putting_back(open_names: OpenApp) -> None:
    app = open_names(n="10")
    app.button(key="originals").click().run()
    originals = names(app)
    seen = {tuple(originals)}
    for kind in ("synonym", "hypernym"):
        app.button(key=f"swap_{kind}").click().run()
        assert not app.exception
        assert len(names(app)) == len(set(names(app))) == 10
        assert "Change" in texts(app)
        assert "**names now**" not in texts(app)
        assert tuple(names(app)) not in seen
        seen.add(tuple(names(app)))
    app.button(key="originals").click().run()
    assert names(app) == originals
    assert "These are the original names" in texts(app)


def test_another_number_draws_other_words(open_names: OpenApp) -> None:
    app = open_names(n="30", having="a synonym")
    app.button(key="swap_synonym").click().run()
    first = names(app)
    app.number_input(key="pick").set_value(3)
    app.button(key="swap_synonym").click().run()
    assert names(app) != first
    drawn = names(app)
    app.button(key="swap_synonym").click().run()
    assert names(app) == drawn


def test_a_new_choice_of_pictures_brings_its_own_names(open_names: OpenApp) -> None:
    app = open_names(n="10")
    app.button(key="swap_synonym").click().run()
    app.selectbox(key="set").set_value("Food and drink").run()
    assert not app.exception
    food = names(app)
    app.number_input(key="draw").set_value(1).run()
    assert names(app) != food
    assert "Change" in texts(app)


def test_the_address_says_everything(open_names: OpenApp) -> None:
    typed = [f"thing {place}" for place in range(10)]
    again = open_names(n="10", set="Food and drink", draw="4", names="\n".join(typed), template="photo")
    assert names(again) == typed
    assert again.selectbox(key="set").value == "Food and drink"
    assert again.number_input(key="draw").value == 4
    assert again.button_group(key="template").value == "photo"
    assert "Not in WordNet, but used all the same: thing 0" in texts(again)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: [*lines[:9], f" {lines[0].upper()}"], "Lines 1 and 10 both say"),
        (lambda lines: [lines[0], "", *lines[2:]], "Line 2 is empty"),
        (lambda lines: lines[:9], "There are 9 names for 10 classes"),
        (lambda lines: ["?!", *lines[1:]], "has no letter or digit"),
        (lambda lines: ["a" * 500, *lines[1:]], "has 500 characters"),
        (lambda lines: [], "There are no class names"),
        (lambda lines: ["<b>dog</b> :red[x] [y](http://evil.example)", *lines[1:]], ""),
    ],
)
def test_names_are_checked(open_names: OpenApp, change: Callable, message: str) -> None:
    app = open_names(n="10")
    app.text_area(key="names").set_value("\n".join(change(names(app)))).run()
    assert not app.exception
    assert message in texts(app)
    assert ("How many pictures get their name" in [head.value for head in app.header]) == (message == "")
    assert all("<b>dog" not in element.proto.body for element in app.get("html"))
    app.button(key="originals").click().run()
    assert "These are the original names" in texts(app)


def test_faces_have_a_matrix_and_no_draw(open_names: OpenApp) -> None:
    app = open_names(set="Faces", template="face")
    assert not app.exception
    app.button(key="originals").click().run()
    assert set(names(app)) == {"angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"}
    assert app.number_input(key="draw").disabled
    assert any("column" in title for title in charts(app))
    assert "Intervals draw pictures anew" in texts(app)


def test_a_run_without_tuned_tensors_shows_its_base(open_names: OpenApp) -> None:
    app = open_names(n="10", run="blog-release-4567cdef")
    assert not app.exception
    assert "has no tuned tensors, so only its base tower is shown" in texts(app)
    assert "base tower" in texts(app)
    assert "tuned tower** names right" not in texts(app)


def test_without_an_image_tower_it_says_what_is_missing_and_keeps_its_controls(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*_arguments: object) -> None:
        raise MissingResourceError("the image tower is not here", "fetch it")

    monkeypatch.setattr(store, "image_tower", absent)
    store.rows_of_pictures.clear()
    app = open_app("names", n="10")
    assert not app.exception
    assert "the image tower is not here" in app.error[0].value
    assert "fetch it" in texts(app)
    assert len(names(app)) == 10
    assert any("<img" in element.proto.body for element in app.get("html"))


def test_towers_that_share_no_space_are_refused(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        store, "picture_rows", lambda _summary, pictures: np.ones((len(pictures), 5), np.float32) / 5**0.5
    )
    app = open_app("names", n="10")
    assert not app.exception
    assert "gives 64 numbers a name, the image tower 5 a picture" in texts(app)


def test_dropped_pictures_are_ranked_and_a_damaged_one_is_named(open_names: OpenApp) -> None:
    app = open_names(set="Your own pictures", names="dog\ncat\nhouse")
    assert "Drop in a picture" in texts(app)
    uploader = app.file_uploader(key="files")
    uploader.set_value(
        [
            ("red.png", picture(), "image/png"),
            ("torn.png", picture()[:-30], "image/png"),
            ("text.png", b"no picture", "image/png"),
        ]
    ).run()
    assert not app.exception
    said = texts(app)
    assert "torn.png" in said
    assert "text.png is no" in said
    assert "trained on small drawings only" in said
    table = app.dataframe[0].value
    assert list(table["picture"]) == ["red.png"]
    assert set(table["base"]) <= {"dog", "cat", "house"}
    assert "How many pictures get their name" not in [head.value for head in app.header]


def test_own_names_can_be_swapped_too(open_names: OpenApp) -> None:
    app = open_names(set="Your own pictures", names="dog\nfroodle")
    app.button(key="swap_synonym").click().run()
    assert names(app) == ["domestic dog", "froodle"]
    assert "1 of 2 classes keep their name" in texts(app)


def test_the_blogs_curve_is_labelled_as_the_blogs_and_ours_is_asked_for(
    open_names: OpenApp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(name_curves, "folder", lambda: tmp_path)
    app = open_names(n="10")
    assert any(
        "Reported by the blog: synonym, ImageNet" in " ".join(title.split("<br>")) for title in charts(app)
    )
    assert "There is no study of these names yet" in texts(app)
    (tmp_path / "study.csv").write_text(
        "kind,K,tower,names,mean,low,high\nsynonym,10,base,original,0.5,0.25,0.75\n"
        "synonym,20,base,original,0.25,0.125,0.5\nmixed,20,base,original,0.25,0.125,0.5\n"
    )
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    app.run()
    assert any("Measured here: synonym" in title.replace("<br>", " ") for title in charts(app))
    alts = [chart.proto.alt for chart in app.get("plotly_chart")]
    assert any("base tower, original names from 0.500 at 10 to 0.250 at 20" in alt for alt in alts)
    app.button_group(key="kind").set_value("hypernym").run()
    assert "There is no study of these names yet" in texts(app)


def test_without_a_run_it_gives_the_command(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app("names", folder=tmp_path / "none")
    assert not app.exception
    assert app.code[0].value == f"lexclip tune --preset lexclip --out {tmp_path / 'none'}"


def test_the_swaps_words_are_wordnets() -> None:
    wordnet = tables.load_wordnet()
    classes = [PictureClass("dog", "dog", "dog.n.01"), PictureClass("hound", "domestic dog", "hound.n.01")]
    assert naming.swapped(wordnet, classes, "synonym")[0] == "Canis familiaris"  # domestic dog is taken
    assert naming.swapped(wordnet, classes[:1], "synonym") == ("domestic dog",)
    assert naming.swapped(wordnet, classes[:1], "hypernym") == ("domestic animal",)
    assert naming.unknown(wordnet, ("dogs", "froodle", "happier")) == ("froodle",)


def test_neighbours_and_maps_show_the_emoji_of_words_that_have_one(open_app: OpenApp) -> None:
    app = open_app("word", word="dog")
    assert not app.exception
    assert [image.proto.imgs[0].alt for image in app.image] == ["Emoji of dog"]
    shown = next(one.value for one in app.dataframe if "neighbour" in one.value).set_index("neighbour")[""]
    assert shown["poodle"].startswith("data:image/webp;base64,")
    app = open_app("word", word="sad")
    assert not app.image
    app = open_app("map")
    shown = app.dataframe[0].value.set_index("synset")[""]
    assert shown["dog.n.01"].startswith("data:image/webp;base64,")
    assert shown["beagle.n.01"] == ""


def test_a_word_without_data_has_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(*_arguments: object) -> None:
        raise MissingResourceError("no emoji here", "build them")

    monkeypatch.setattr(thumbnails.sprites, "for_word", absent)
    thumbnails.of_word.cache_clear()
    assert thumbnails.of_word("dog") is None
    thumbnails.of_word.cache_clear()


def test_a_table_without_any_picture_gets_no_empty_column() -> None:
    table = pd.DataFrame({"word": ["sad", "dog"]})
    assert list(thumbnails.column(table, [None, None])) == ["word"]
    assert thumbnails.column(table, [None, "data:x"])[""].tolist() == ["", "data:x"]
    assert list(table) == ["word"]
