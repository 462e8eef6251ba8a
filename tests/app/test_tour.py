"""The tour says what is measured, leads through the real pages, and prints one page a stop."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import saved_view
import tour
from case_tables import each
from playwright.sync_api import Browser, Page, expect
from sample_runs import TRIPLES, WORDS, vectors
from streamlit.testing.v1 import AppTest
from tour_stops import STOPS, Said, Scene

from lexclip_core.experiments import run_folder as run_folder_module

OpenApp = Callable[..., AppTest]
PATIENCE = 240_000
"""Milliseconds: a machine that does other work meanwhile may be very slow."""
ENDS = ("synonym", "antonym")


def scene(folder: Path, run_id: str, **chosen: str) -> Scene:
    summaries, _ = run_folder_module.list_runs(folder)
    summary = next(one for one in summaries if one.run_id == run_id)
    return Scene(summary, run_folder_module.read_run(folder / run_id), tuple(summaries), chosen)


def said(page: str, of: Scene) -> Said:
    return next(stop for stop in STOPS if stop.page == page).say(of)


def plain(of: Said) -> str:
    return " ".join((*of.sentences, of.answer)).replace("*", "").replace("\\", "")


def texts(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(element.value for kind in kinds for element in kind).replace("\\", "")


def test_a_word_is_chosen_and_ranked_by_its_cosines(sample_folder: Path) -> None:
    word = next(stop for stop in STOPS if stop.page == "word")
    shown = scene(sample_folder, "lexclip-0123abcd")
    chosen = word.choose(shown)["word"]
    synonym, antonym = next(rest for name, *rest in TRIPLES if name == chosen)
    ranks = {}
    for when, rows in zip(("before", "after"), vectors(repaired=True), strict=True):
        rows = rows.astype(np.float16).astype(np.float32)
        own = rows @ rows[WORDS.index(chosen)]
        order = [name for name in sorted(WORDS, key=lambda name: -own[WORDS.index(name)]) if name != chosen]
        ranks[when] = {name: 1 + order.index(name) for name in (synonym, antonym)}
    text = plain(said("word", scene(sample_folder, "lexclip-0123abcd", word=chosen)))
    assert f"its opposite {antonym} was number {ranks['before'][antonym]}" in text
    assert f"after tuning it is number {ranks['after'][antonym]}" in text
    assert ranks["after"][antonym] > ranks["before"][antonym]
    near = ranks["before"][synonym], ranks["after"][synonym]
    moved = (
        f"stays at number {near[0]}" if near[0] == near[1] else f"from number {near[0]} to number {near[1]}"
    )
    assert moved in text


def test_rates_and_controls_are_those_of_the_runs(sample_folder: Path) -> None:
    text = plain(said("pairs", scene(sample_folder, "lexclip-0123abcd")))
    assert (
        "Of 300 words that training never saw, the opposite lay nearer in 52% before tuning, and in 13% after"
        in text
    )
    assert "ends at 56% with shuffled targets: what goes beyond that comes from the meanings" in text
    of = scene(sample_folder, "lexclip-0123abcd").triples
    assert f"{(of['outcome'] == 'repaired').sum()} were repaired" in text
    control = plain(said("pairs", scene(sample_folder, "shuffled-89ab0123")))
    assert "in 56% after. This run is a control" in control
    worse = scene(sample_folder, "blog-release-4567cdef")
    metrics = worse.summary.metrics | {
        "test/inversion_rate/same_synset": {"value": 0.57, "before": 0.5, "n": 8}
    }
    worse = replace(worse, summary=replace(worse.summary, metrics=metrics))
    assert "so this run does no better than nonsense" in plain(said("pairs", worse))


def test_a_guess_is_not_spoilt_on_the_page(sample_folder: Path) -> None:
    home = said("home", scene(sample_folder, "lexclip-0123abcd", n="2"))
    triple = scene(sample_folder, "lexclip-0123abcd").triples.iloc[1]
    assert f"{triple['antonym_0']:.2f}" in home.answer
    assert f"{triple['synonym_100']:.2f}" in home.answer
    assert not any(str(triple[end]) in " ".join(home.sentences) for end in ENDS)
    assert f"one of {len(TRIPLES)} words" in plain(home)


def test_the_map_that_moves_most_is_chosen(sample_folder: Path) -> None:
    shown = scene(sample_folder, "lexclip-0123abcd")
    first = shown.run.layout["subtree"].iloc[0]  # with which the page opens by itself
    chosen = next(stop for stop in STOPS if stop.page == "map").choose(shown).get("subtree", first)
    moved = {}
    for name, rows in shown.run.layout.groupby("subtree"):
        start, end = (rows[[f"x_{when}", f"y_{when}"]].to_numpy() for when in ("before", "after"))
        spread = np.sqrt(((start - start.mean(0)) ** 2).sum(1).mean())
        moved[name] = np.sqrt(((end - start) ** 2).sum(1)).mean() / spread
    assert chosen == max(moved, key=moved.__getitem__)
    assert "0.91 of 1 before, 0.93 after" in plain(said("map", shown))


@each("page, less", [("home", "pairs triples"), ("pairs", "pairs triples metrics"), ("word", "pairs triples"),
                     ("map", "layout"), ("train", "pairs triples")])  # fmt: skip
def test_a_stop_without_its_data_says_so_and_draws_nothing(sample_folder: Path, page: str, less: str) -> None:
    whole = scene(sample_folder, "lexclip-0123abcd")
    empty = {"pairs": whole.run.pairs.head(0), "triples": None, "layout": None}
    run = replace(whole.run, **{name: empty[name] for name in less.split() if name in empty})
    summary = replace(whole.summary, metrics={}) if "metrics" in less else whole.summary
    bare = replace(whole, run=run, summary=summary)
    stop = next(one for one in STOPS if one.page == page)
    assert stop.choose(bare) == {}
    assert stop.say(bare).sentences
    assert stop.say(bare).picture is None


def test_a_tower_that_was_not_tuned_has_no_after(sample_folder: Path) -> None:
    whole = scene(sample_folder, "lexclip-0123abcd")
    before = whole.run.triples[
        [name for name in whole.run.triples if not re.search(r"_(25|50|75|100)$", name)]
    ]
    bare = replace(whole, run=replace(whole.run, triples=before), summary=replace(whole.summary, metrics={}))
    for page in ("home", "pairs", "word", "train"):
        one = said(page, bare)
        assert not re.search(r"\bafter\b", plain(one))
        assert one.picture is None or page == "train" or one.picture()[1]
    wrong = (before["antonym_0"] >= before["synonym_0"]).mean()
    assert f"the opposite lies nearer in {wrong:.0%}" in plain(said("pairs", bare))


def test_a_hand_out_escapes_what_a_run_is_called() -> None:
    view = saved_view.View("Is <b> bold?")
    view.text("a **fact**")
    page = saved_view.HandOut(view, "Stop 1", ("Why <i>?", "Who?"), "http://x/?a=<script>", "<img src=x>")
    text = saved_view.printed([page, page], "T")
    assert text.count("<section>") == 2
    assert "a <b>fact</b>" in text
    assert not re.search("<script|<img|<i>", text)


def test_the_address_alone_says_where_the_tour_is(open_app: OpenApp, tmp_path: Path) -> None:
    assert "Stop" not in texts(open_app())
    wrong = open_app(tour="9")
    assert "The stop of the tour goes from 1 to 7; “9” is not used." in texts(wrong)
    elsewhere = open_app("runs", tour="3")
    assert "The tour is at another page, **Word**." in texts(elsewhere)
    assert elsewhere.title[0].value == "Runs"
    none = open_app(tour="1", folder=tmp_path / "none")
    assert "There is no run yet, so there is nothing to show at this stop." in texts(none)
    for app in (wrong, elsewhere, none):
        assert not app.exception
        assert not app.error
    begun = open_app()
    begun.button(key="take_the_tour").click().run()
    assert f"Stop 1 of {len(STOPS)}" in texts(begun)
    begun.button(key="end_the_tour").click().run()
    assert "Stop 1" not in texts(begun)
    assert begun.title[0].value == "Does it know opposites?"


def stand_at(page: Page, number: int) -> str:
    """Wait until a stop is drawn, check that it fits, and return what its box says."""
    stop = STOPS[number - 1]
    box = page.locator(".st-key-tour")
    expect(box).to_contain_text(f"Stop {number} of {len(STOPS)} · {stop.question}")
    # Drawn last; and a kind of button, or of link, is shown once the browser has loaded what draws it.
    expect(page.locator(f".st-key-hand_out_{stop.page}").get_by_role("button")).to_be_visible()
    expect(box.get_by_role("button", name="End the tour")).to_be_visible()
    expect(box.get_by_role("link", name="Next:" if number < len(STOPS) else "To the Ledger")).to_be_visible()
    expect(page).to_have_title(re.compile(rf"{stop.entry.title} · lexclip"))
    assert urlsplit(page.url).path.strip("/") == ("" if stop.page == "home" else stop.page)
    assert parse_qs(urlsplit(page.url).query)[tour.PARAMETER] == [str(number)]
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    assert box.bounding_box()["y"] < page.locator("h1").bounding_box()["y"]
    return box.inner_text()


@pytest.mark.browser
def test_the_tour_leads_through_the_pages_and_prints_a_page_each(
    browser: Browser, address: str, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800}, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{address}/?present=1&run=blog-release-4567cdef")  # without tensors: nothing is encoded aside
    page.get_by_role("button", name="Take the tour").click()
    seen = {1: stand_at(page, 1)}
    page.locator(".st-key-tour a", has_text="Next:").focus()
    for number in range(2, len(STOPS) + 1):
        page.keyboard.press("Enter")  # the focus stays on the way on
        seen[number] = stand_at(page, number)
        assert {"present", "run"} <= parse_qs(urlsplit(page.url).query).keys()
        expect(page.locator(".st-key-tour a").first).to_be_focused()
        if number == 4:
            asked = page.url
            page.reload()
            assert stand_at(page, 4) == seen[4]
            assert page.url == asked
            page.go_back()
            stand_at(page, 3)
            page.go_forward()
            assert stand_at(page, 4) == seen[4]
            page.locator(".st-key-tour a", has_text="Next:").focus()
    for name, pages in (("All 7 hand-outs", len(STOPS)), ("Hand-out of this stop", 1)):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        saved = tmp_path / f"{pages}.html"
        download.value.save_as(saved)
        printed = context.new_page()
        printed.goto(saved.as_uri())
        pdf = printed.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == pages
        # These runs' towers go with no image tower, so Names has nothing to draw.
        without = printed.locator("section", has_text="No image tower").count()
        assert without == (1 if pages > 1 else 0)
        assert printed.locator("section .picture").count() == pages - without
        assert printed.evaluate("[...document.images].every(one => one.naturalWidth > 0 && one.alt)")
        printed.close()
    page.get_by_role("button", name="End the tour").click()
    expect(page.locator(".st-key-tour")).to_have_count(0)
    expect(page.locator("h1")).to_have_text("Train")
    assert tour.PARAMETER not in parse_qs(urlsplit(page.url).query)
    assert errors == []
    context.close()
