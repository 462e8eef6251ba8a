"""The pages Map and Atlas: which words, how coloured, what the address keeps; and both painters at work."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import background_maps
import map_words
import numpy as np
import pytest
from case_tables import each
from explorer_server import explorer
from playwright.sync_api import Page, expect, sync_playwright
from sample_runs import content
from streamlit.testing.v1 import AppTest
from test_browser import check_with_axe, settle, sideways
from test_names_page import texts

from lexclip_core.errors import InputError
from lexclip_core.experiments import explorer_data
from lexclip_core.experiments.run_folder import write_run
from lexclip_core.experiments.word_measures import SUBTREES
from lexclip_core.figures import maps
from lexclip_core.wordnet.tables import load_wordnet

OpenApp = Callable[..., AppTest]
OpenMap = Callable[[str], Page]
WEBGL = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
LOOK = "() => document.querySelector('.lexmap').lexmap.look()"
PATIENCE = 240_000
"""Milliseconds: a machine that does other work meanwhile may be very slow."""

expect.set_options(timeout=PATIENCE)


def drawn(app: AppTest) -> dict:
    """Return what the component was given."""
    return json.loads(app.get("bidi_component")[0].proto.json)


def codes(text: str, kind: type = np.uint8) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


@each(
    ("asked", "root"),
    [
        ("dog.n.01", "dog.n.01"),
        ("Dog", "dog.n.01"),
        ("dogs", "dog.n.01"),
        ("puppy", "dog.n.01"),
        ("domestic dog", "dog.n.01"),
    ],
)
def test_a_typed_word_means_its_branch_or_the_one_above(asked: str, root: str) -> None:
    assert map_words.branch_of(asked) == root
    assert len(load_wordnet().subtree(load_wordnet().index(root), 100)) >= map_words.FEWEST


def test_what_has_no_branch_is_named() -> None:
    for asked in ("happily", "froodle"):
        with pytest.raises(InputError, match="no branch for"):
            map_words.branch_of(asked)
    with pytest.raises(InputError, match="no synset"):
        map_words.branch_of("frodle.n.01")


def test_a_pasted_list_is_read_and_related() -> None:
    words, left_out = map_words.read_list("Dog, poodle;animal\nhot\n\n?!, dog,froodle\t")
    assert words == ("dog", "poodle", "animal", "hot", "froodle")
    assert left_out == 2
    assert len(map_words.read_list("\n".join(f"word {n}" for n in range(2_500)))[0]) == map_words.MOST
    nodes = map_words.list_nodes(words).set_index("word")
    assert nodes["parent"]["poodle"] == nodes["synset"]["dog"]
    assert nodes["parent"]["dog"] == nodes["synset"]["animal"]
    assert nodes["parent"]["hot"] == nodes["parent"]["froodle"] == ""
    synsets = map_words.synsets_of(nodes.reset_index())
    assert map_words.domains(synsets)[0] == "animals and plants"
    assert map_words.domains(synsets)[-1] == map_words.parts_of_speech(synsets)[-1] == map_words.UNLISTED


def test_every_word_of_the_atlas_has_a_sense_and_the_most_used_come_first() -> None:
    words, facts = explorer_data.atlas_words(), map_words.atlas_facts()
    assert len(words) > 100_000
    assert (facts.synset >= 0).all()
    order = map_words.atlas_order(facts)
    assert sorted(order.tolist()) == list(range(len(words)))
    assert (np.diff(facts.uses[order]) <= 0).all()
    assert set(map_words.domains(facts.synset[order[:20_000]])) == set(map_words.DOMAINS)


def test_the_stored_map_is_drawn_with_everything_the_dial_and_the_colours_need(open_app: OpenApp) -> None:
    app = open_app("map", subtree="canine.n.02", sel="puppy", dial="40", to="happy")
    assert not app.exception
    given, said = drawn(app), texts(app)
    points = given["points"]
    words = points["words"].split("\n")
    assert len(words) == points["words"].count("\n") + 1 == len(points["parents"]) == 6
    assert points["parents"][1:] != [-1] * 5
    places = codes(points["xy"], np.uint16).reshape(-1, 4)
    assert places.shape == (6, 4)
    assert (places[:, :2] != places[:, 2:]).any()
    assert [way["name"] for way in points["colours"]] == ["branch", "depth in WordNet", "part of speech"]
    assert given["start"] == {"t": 40, "words": ["puppy"], "at": ""}
    assert given["cosine"]["word"] == "happy"
    assert len(codes(given["cosine"]["after"])) == 6
    assert given["link"].startswith("/word?word=WORD")
    assert len(given["alt"]) > 40
    assert "Trustworthiness of the map: 0.91 before, 0.93 after" in said
    assert "Distances on a map are not cosines" in said
    assert app.dataframe[-1].value["word"].str.contains("puppy").all()
    assert "**1 chosen words**" in said


@each(
    ("query", "message"),
    [
        ({"subtree": "dog.n.02"}, "For “dog.n.02” this is the branch"),
        ({"subtree": "froodle.n.01"}, "WordNet 3.0 has no synset"),
        ({"colour": "brnch"}, "no way of colouring called “brnch”. The nearest is “branch”"),
        ({"words": "hot, cold"}, "A map of 2 words says nothing."),
        ({"to": "?!"}, "has no letter or digit"),
    ],
)
def test_a_wrong_address_is_named(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch, query: dict, message: str
) -> None:
    monkeypatch.setattr(background_maps, "laid_out", lambda _run, words: background_maps.Layout(len(words)))
    app = open_app("map", **query)
    assert not app.exception
    assert message in texts(app)


def flat(before: np.ndarray, after: np.ndarray | None = None, *, seed: int = 0) -> maps.Places:
    """Take two coordinates for the map: what is tested here is not UMAP."""
    return maps.Places(before[:, :2], before[:, :2] if after is None else after[:, :2], 0.5, 0.25)


def test_words_are_laid_out_behind_the_page_and_then_drawn(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "word_places", flat)
    monkeypatch.setattr(background_maps, "cached", lambda _kind, _content, make, codec: make())
    app = open_app("map", words="happy, sad\nhot; cold\nfast, ?!", colour="part of speech")
    for _ in range(100):
        if app.get("bidi_component"):
            break
        app.run()
    given, said = drawn(app), texts(app)
    assert given["points"]["words"].split("\n") == ["happy", "sad", "hot", "cold", "fast"]
    assert given["points"]["tuned"]
    assert given["start"]["colour"] == "part of speech"
    assert "1 entries are not on the map" in said
    assert "Trustworthiness of the map: 0.50 before, 0.25 after" in said
    untuned = open_app("map", run="shuffled-89ab0123", words="volcano, glacier, river, lake, sea")
    for _ in range(100):
        if untuned.get("bidi_component") or untuned.error:
            break
        untuned.run()
    assert not drawn(untuned)["points"]["tuned"]
    assert "has no tuned tensors" in texts(untuned)


def test_a_run_that_stores_no_map_opens_with_one_laid_out_where_it_has_tensors(
    open_app: OpenApp, tuned_tensors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def laid_out(_run: object, words: tuple[str, ...]) -> background_maps.Layout:
        asked.append(words)
        return background_maps.Layout(len(words))

    monkeypatch.setattr(background_maps, "laid_out", laid_out)
    kept = replace(content("own-words-12345678", auc=0.9, repaired=True), layout=None)
    write_run(tmp_path, kept, tuned=tuned_tensors)
    app = open_app("map", folder=tmp_path)
    assert app.selectbox(key="subtree").value == SUBTREES[0]
    assert asked[-1] == tuple(map_words.branch_nodes(SUBTREES[0])[0]["word"])


def test_what_fails_behind_the_page_is_said(open_app: OpenApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "word_places", lambda _before, _after=None: 1 / 0)
    app = open_app("map", words="sad, hot, cold, fast, slow")
    for _ in range(100):
        if app.error:
            break
        app.run()
    assert "The map could not be laid out: division by zero" in texts(app)


@pytest.fixture(scope="module")
def open_map(
    chromium: str, sample_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenMap]:
    """Yield a function that opens a page in a browser with WebGL; the default run has a made-up atlas."""
    rng, words = np.random.default_rng(0), explorer_data.atlas_words()
    ends = rng.normal(size=(2, len(words), 2))
    run = sample_folder / "lexclip-0123abcd"
    explorer_data.write_atlas(run / explorer_data.ATLAS, words, maps.Places(*ends, 0.75, 0.5))
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with explorer(sample_folder, log) as address, sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=WEBGL)
        context = running.new_context(viewport={"width": 1280, "height": 900})
        context.set_default_timeout(PATIENCE)

        def opened(path: str) -> Page:
            page = context.new_page()
            page.goto(f"{address}/{path}")
            expect(page.locator(".lexmap[data-ready]")).to_be_visible()
            return page

        yield opened
        running.close()
    (run / explorer_data.ATLAS).unlink()
    assert "Traceback" not in log.read_text()


def asked(page: Page, key: str) -> str:
    return parse_qs(urlsplit(page.url).query).get(key, [""])[0]


@pytest.mark.browser
def test_a_map_is_dialed_lassoed_linked_and_saved(open_map: OpenMap, tmp_path: Path) -> None:
    page = open_map("subtree_map?subtree=canine.n.02&pair=0")  # the old address
    assert page.url.partition("?")[0].endswith("/map")
    assert asked(page, "subtree") == "canine.n.02"
    assert "SwiftShader" in page.locator(".lexmap").get_attribute("data-renderer")
    stage, dial = page.locator(".lexmap .stage"), page.locator(".lexmap .dial")
    before = page.evaluate("() => document.querySelector('.lexmap').lexmap.placed('poodle')")
    dial.focus()
    page.keyboard.press("End")
    assert page.evaluate(LOOK)["t"] == 1
    assert page.evaluate("() => document.querySelector('.lexmap').lexmap.placed('poodle')") != before
    page.wait_for_url(re.compile("dial=100"), timeout=PATIENCE)
    stage.focus()
    page.keyboard.press("ArrowRight")
    chosen = page.evaluate(LOOK)["chosen"]
    assert len(chosen) == 1
    expect(page.locator(".lexmap .say a")).to_have_attribute("href", f"/word?word={chosen[0]}")
    box = stage.bounding_box()
    page.locator(".lexmap .lasso").click()
    corners = [(4, 30), (box["width"] - 4, 30), (box["width"] - 4, box["height"] - 4), (4, box["height"] - 4)]
    page.mouse.move(box["x"] + 4, box["y"] + 30)
    page.mouse.down()
    for x, y in corners[1:] + corners[:1]:
        page.mouse.move(box["x"] + x, box["y"] + y, steps=4)
    page.mouse.up()
    assert len(page.evaluate(LOOK)["chosen"]) == 6
    expect(page.get_by_text("6 chosen words")).to_be_visible()
    assert set(asked(page, "sel").split(",")) == {"dog", "puppy", "hound", "beagle", "poodle", "terrier"}
    settle(page)  # what is saved is the last drawing of the page, once it is whole
    with page.expect_download() as download:
        page.get_by_role("button", name="Save this view (HTML)").click()
    saved = tmp_path / "view.html"
    download.value.save_as(saved)
    assert saved.stat().st_size < 1_000_000
    alone = page.context.browser.new_context(offline=True).new_page()
    alone.goto(saved.as_uri())
    expect(alone.locator(".lexmap[data-ready]")).to_be_visible()
    assert alone.evaluate(LOOK)["t"] == 1
    alone.locator(".lexmap .dial").focus()
    alone.keyboard.press("Home")
    assert alone.evaluate(LOOK)["t"] == 0
    plain = page.context.browser.new_page()  # a browser that has no WebGL
    plain.add_init_script(
        "const get = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...more) {"
        " return kind === 'webgl' ? null : get.call(this, kind, ...more); };"
    )
    plain.goto(saved.as_uri())
    expect(plain.locator(".lexmap")).to_have_attribute("data-renderer", "plain canvas")
    assert plain.evaluate("() => document.querySelector('.lexmap').lexmap.measure(5)") > 0


@pytest.mark.browser
def test_the_atlas_flies_to_a_word_and_its_address_shows_it_again(open_map: OpenMap) -> None:
    page = open_map("atlas?pair=0")
    start = page.evaluate(LOOK)
    assert start["n"] > 100_000
    assert start["zoom"] == 1
    cameras: list[str] = []
    page.on("framenavigated", lambda _: cameras.append(asked(page, "at")))
    find = page.locator(".lexmap .find")
    find.fill("hippopotam")
    expect(page.locator(".lexmap .offers option").first).to_have_attribute("value", "hippopotamus")
    find.fill("hippopotamus")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("sel=hippopotamus.*at="), timeout=PATIENCE)
    end = page.evaluate(LOOK)
    assert end["chosen"] == ["hippopotamus"]
    assert end["zoom"] > 20
    assert not end["moving"]
    expect(page.get_by_text("1 chosen words")).to_be_visible()
    again = open_map("atlas" + page.url.partition("/atlas")[2])
    shown = again.evaluate(LOOK)
    assert shown["chosen"] == ["hippopotamus"]
    assert [shown[name] for name in "xy"] == pytest.approx([end[name] for name in "xy"], abs=1e-4)
    assert shown["zoom"] == end["zoom"]
    assert set(cameras) - {""} == {asked(again, "at")}  # never one of the flight
    check_with_axe(again)  # which on the sample runs finds no atlas otherwise
    for query, width in (("pair=0", 400), ("present=1", 1280), ("present=1", 400)):
        again.set_viewport_size({"width": width, "height": 900})
        again.goto(f"{again.url.partition('?')[0]}?{query}")
        expect(again.locator(".lexmap[data-ready]")).to_be_visible()
        settle(again)
        assert sideways(again) <= 0
    find.fill("nosuchwordatall")
    page.keyboard.press("Enter")
    expect(page.locator(".lexmap .say")).to_contain_text("is not on this map")
