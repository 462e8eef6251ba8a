"""What visitors come for: in a real browser, from Home on, each task in at most six actions, at two widths.

`LEXCLIP_TASK_SHOTS=FOLDER` keeps a picture of how each task ends; `LEXCLIP_TASK_RUNS=FOLDER` does the tasks
on a copy of the runs there, instead of on made-up ones.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import layout
import map_words
import numpy as np
import pytest
import run_names
import store
import triples
from explorer_server import explorer
from playwright.sync_api import Browser, Locator, Page, TimeoutError, expect
from test_browser import PATIENCE, drawn, settle, sideways

import lexclip_core as lexclip
from lexclip_core import storage
from lexclip_core.evaluation.card import card_table, cards_folder, read_cards
from lexclip_core.experiments import run_folder
from lexclip_core.towers import weights

pytestmark = pytest.mark.browser

MOST = 6
"""Actions that a task may take: a click, a text typed, a key pressed, a drag."""
WIDTHS = {"desk": (1280, 900), "phone": (400, 800)}
VECTORS = {"hot": (1, 0, 0), "warm": (0.9, 0.1, 0), "cold": (0.8, 0, 0.3), "fast": (0, 1, 0)}
LOOK = "() => document.querySelector('.lexmap').lexmap.look()"

expect.set_options(timeout=PATIENCE)


class Visitor:
    """Someone with a fresh tab on Home, whose actions are counted; one too many fails.

    Args:
        page: The tab.
        address: Where the explorer is.
    """

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.actions: list[str] = []
        page.goto(address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        settle(page)

    def _act(self, what: str) -> None:
        self.actions.append(what)
        assert len(self.actions) <= MOST, f"{len(self.actions)} actions: {', then '.join(self.actions)}"

    def clicks(self, target: Locator, what: str) -> None:
        self._act(f"click {what}")
        target.click()
        settle(self.page)

    def presses(self, button: str) -> None:
        self.clicks(self.page.get_by_role("button", name=button, exact=True), button)

    def picks(self, option: str, box: Locator) -> None:
        """Open a list, again where a rerun of the page closed it, and click an option."""
        self._act(f"open the list of {option}")
        offered = self.page.get_by_role("option", name=option)
        for _ in range(MOST):
            box.click()
            with suppress(TimeoutError):
                offered.wait_for(timeout=PATIENCE / 20)
                break
        self.clicks(offered, option)

    def types(self, text: str, box: Locator) -> None:
        self._act(f"type {text}")
        box.fill(text)

    def strikes(self, key: str) -> None:
        self._act(f"key {key}")
        self.page.keyboard.press(key)
        settle(self.page)

    def opens(self, path: str) -> None:
        self._act(f"open {path}")
        self.page.goto(f"{self.address}/{path}")
        settle(self.page)

    def goes_back(self) -> None:
        self._act("Back")
        self.page.go_back()
        settle(self.page)

    def turns_to(self, title: str) -> None:
        """Follow Home's own link to a page, which a phone shows as well as the wall."""
        link = self.page.get_by_test_id("stMain").get_by_role("link", name=re.compile(f"^{title}: "))
        self.clicks(link, f"the link to {title}")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(title)
        settle(self.page)

    def box(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    def clicks_the_end(self, dial: Locator, what: str) -> None:
        self._act(f"click the dial at {what}")
        box = dial.bounding_box()
        assert box is not None
        dial.click(position={"x": box["width"] - 4, "y": box["height"] / 2})

    def opens_the_sidebar(self) -> None:
        """Open the sidebar where it is closed, as on a phone."""
        if not self.wide:
            self.clicks(self.page.get_by_test_id("stExpandSidebarButton"), "the sidebar")

    @property
    def wide(self) -> bool:
        size = self.page.viewport_size
        return size is not None and size["width"] > 1000

    def looks_at(self, page: Page, file: Path) -> None:
        """Turn to another tab, with a file of this machine in it."""
        self._act(f"open {file.name}")
        page.goto(file.as_uri())

    def saves(self, file: Path) -> None:
        with self.page.expect_download() as download:
            self.presses("Save this view (HTML)")
        download.value.save_as(file)


@pytest.fixture(scope="module")
def runs(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of runs that a visitor may add to."""
    source = Path(os.environ.get("LEXCLIP_TASK_RUNS") or sample_folder)
    return Path(shutil.copytree(source, tmp_path_factory.mktemp("tasks") / "runs"))


@pytest.fixture(scope="module")
def listed(runs: Path) -> Iterator[Callable[[], tuple[run_folder.RunSummary, ...]]]:
    """Yield a function that lists the runs as the explorer does now, the one that opens first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEXCLIP_RUNS", str(runs))
        yield lambda: store.listing().summaries


@pytest.fixture(scope="module")
def first(listed: Callable[[], tuple[run_folder.RunSummary, ...]]) -> run_folder.RunSummary:
    """Return the run that the explorer opens with."""
    return listed()[0]


@pytest.fixture(scope="module")
def address(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of one explorer for all tasks; what it remembers of added towers is its own."""
    cache, usual = tmp_path_factory.mktemp("cache"), storage.cache_folder()
    for one in usual.iterdir():
        if one.name != "explorer":
            (cache / one.name).symlink_to(one)
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEXCLIP_CACHE", str(cache))
        with explorer(runs, log) as running:
            yield running
    assert "Traceback" not in log.read_text()


@pytest.fixture(params=WIDTHS)
def visitor(request: pytest.FixtureRequest, browser: Browser, address: str) -> Iterator[Visitor]:
    """Yield a visitor at one of both widths; at the end nothing sticks out, and no script has failed."""
    width, height = WIDTHS[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield Visitor(page, address)
    if shots := os.environ.get("LEXCLIP_TASK_SHOTS"):
        name = request.node.name.partition("[")[0].removeprefix("test_")
        Path(shots).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(shots) / f"{name}-{request.param}.png")
    assert sideways(page) <= 0
    assert errors == []
    context.close()


def on_the_axis(page: Page) -> tuple[float, float]:
    """Return the cosines of the synonym and of the opposite that Home's axis shows now."""
    said = page.locator(".lexdial .axis").get_attribute("aria-label") or ""
    near, far = re.findall(r"(\N{MINUS SIGN}?\d\.\d\d)", said)[:2]
    return float(near.replace("\N{MINUS SIGN}", "-")), float(far.replace("\N{MINUS SIGN}", "-"))


def test_three_inversions_are_found(visitor: Visitor, first: run_folder.RunSummary) -> None:
    page, table = visitor.page, triples.of_run(run_folder.read_run(first.path))
    for number, row in enumerate(table.head(3).itertuples()):
        if number:
            visitor.presses("Another word")
        visitor.clicks(page.locator(".lexdial .guess").get_by_text(row.antonym, exact=True), row.antonym)
        near, far = on_the_axis(page)
        assert (near, far) == pytest.approx((row.synonym_0, row.antonym_0), abs=0.006)
        assert far > near
        expect(page.locator(".lexdial .say")).to_contain_text("Yes. Before, the opposite is nearer")


def test_whether_hot_is_repaired_is_answered(visitor: Visitor) -> None:
    page = visitor.page
    visitor.types("hot", visitor.box("Your own word"))
    visitor.strikes("Enter")
    expect(page.locator(".lexdial .ask")).to_contain_text("hot")
    near, far = on_the_axis(page)
    visitor.clicks_the_end(page.locator(".lexdial .dial"), "after")
    now_near, now_far = on_the_axis(page)
    said = {
        (True, False): "Before, the opposite was nearer. Now",
        (True, True): "still is",
        (False, True): "made worse",
        (False, False): "was nearer before, and still is",
    }[far >= near, now_far >= now_near]
    expect(page.locator(".lexdial .say")).to_contain_text(said)


def test_neighbours_are_seen_before_and_after(visitor: Visitor, first: run_folder.RunSummary) -> None:
    page = visitor.page
    visitor.turns_to("Word")
    visitor.types("increase", visitor.box("Word"))
    visitor.strikes("Enter")
    expect(page.get_by_role("heading", name="Word: increase")).to_be_visible()
    expect(page.get_by_text("words nearest to increase", exact=False).first).to_be_visible()
    settle(page)  # the chart is drawn anew after the sentence
    points = [point for trace in drawn(page, "neighbours") for point in trace["details"] if point]
    words = [point[0] for point in points]
    base, run = lexclip.load(store.tower_name(first), device="cpu"), run_folder.read_run(first.path)
    assert first.tuned_path is not None
    tuned, place_of = (
        weights.apply_tuned(base, first.tuned_path),
        {one: at for at, one in enumerate(run.words)},
    )
    for tower, stored, place in ((base, run.before, 3), (tuned, run.after, 4)):
        own = tower.encode_texts(["increase"])[0]
        # Until many words are encoded, the neighbours are taken among the run's own, whose rows it stores.
        rows = (
            stored[[place_of[word] for word in words]]
            if place_of.keys() >= set(words)
            else tower.encode_texts(words)
        )
        assert [point[place] for point in points] == pytest.approx((rows @ own).tolist(), abs=0.015)


def test_a_branch_of_ones_own_is_drawn(visitor: Visitor) -> None:
    page = visitor.page
    root = map_words.branch_of("weather")
    words = map_words.branch_nodes(root)[0]["word"].tolist()
    visitor.turns_to("Map")
    branch = page.get_by_role("combobox", name="Branch of WordNet")
    visitor.clicks(branch, "the branch")
    visitor.types("weather", branch)
    visitor.strikes("Enter")
    page.wait_for_function(f"document.querySelector('.lexmap[data-ready]') && ({LOOK})().n === {len(words)}")
    expect(page.get_by_text(f"All {len(words):,} words")).to_be_visible()
    visitor.types(words[-1], page.locator(".lexmap .find"))
    visitor.strikes("Enter")
    assert page.evaluate(LOOK)["chosen"] == [words[-1]]


def test_a_run_on_ones_own_words_is_trained_saved_and_opened_on_another_page(
    visitor: Visitor, listed: Callable[[], tuple[run_folder.RunSummary, ...]], address: str
) -> None:
    page, there = visitor.page, {one.run_id for one in listed()}
    words = "hot, cold, warm, cool" if visitor.wide else "fast, slow, quick"
    visitor.turns_to("Train")
    visitor.types(words, visitor.box("Words, up to 30"))
    visitor.presses("Train")
    expect(page.get_by_text(re.compile(r"Done: \d+ steps"))).to_be_visible()
    visitor.clicks(page.get_by_role("button", name=re.compile("^Keep this run")), "Keep this run")
    expect(page.get_by_role("link", name="See it among the runs")).to_be_visible()
    (own,) = (one for one in listed() if one.run_id not in there)
    assert own.config["words"] == words
    name = layout.sentence_case(run_names.names(listed())[own.run_id])
    other = Visitor(page, address)
    other.opens_the_sidebar()
    other.picks(name, page.get_by_role("combobox", name="Tower tuned on"))
    other.clicks(page.get_by_test_id("stSidebar").get_by_role("link", name="Word", exact=True), "Word")
    expect(page.get_by_text("What it means")).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_have_attribute(
        "data-collapsed", str(not visitor.wide).lower()
    )
    expect(page.get_by_test_id("stMain").get_by_text(name)).to_be_visible()
    page.wait_for_url(f"**run={own.run_id}*")


def test_cards_of_two_towers_are_compared(visitor: Visitor) -> None:
    page = visitor.page
    cards, _ = read_cards(cards_folder(), storage.build_folder() / "cards")
    usual, other = "all-MiniLM-L6-v2", "glove-6b-50d"
    visitor.turns_to("Cards")
    box = page.get_by_role("combobox", name="Cards")
    visitor.clicks(box, "the list of cards")
    visitor.types(other, box)
    visitor.strikes("Enter")
    expect(page.locator(".st-key-cards").get_by_text(other).first).to_be_visible()
    settle(page)
    table = card_table({name: cards[name] for name in (usual, other)})
    rows = table[table["main"] & (table["vectors"] == "plain")]
    for name in (usual, other):
        shown = [
            x for trace in drawn(page, "cards") if trace["name"] == name for x in trace["x"] if x is not None
        ]
        values = rows[rows["tower"] == name]["value"].astype(float)
        assert np.isin(np.round(values, 4), np.round(shown, 4)).all()


def test_a_checkpoint_is_added_and_looked_at(visitor: Visitor, tmp_path: Path) -> None:
    page, file = visitor.page, tmp_path / "own.vec"
    file.write_text("".join(f"{word} {' '.join(map(str, row))}\n" for word, row in VECTORS.items()))
    visitor.turns_to("Towers")
    visitor.types(str(file), visitor.box("A tower of your own: file, folder or name"))
    visitor.strikes("Enter")
    expect(page.get_by_text("is here, and loads.")).to_be_visible()
    visitor.clicks(page.get_by_role("link", name="Words", exact=True).first, "Words")
    visitor.types("cold", visitor.box("Word"))
    visitor.strikes("Enter")
    expect(page.get_by_role("heading", name="Word: cold")).to_be_visible()
    settle(page)
    said = page.get_by_text("The nearest before:").first
    expect(said).to_contain_text("warm")
    nearest = [one.strip() for one in said.inner_text().partition(":")[2].split(",")]
    rows = {word: np.array(row) / np.linalg.norm(row) for word, row in VECTORS.items()}
    others = sorted(VECTORS.keys() - {"cold"}, key=lambda word: -rows[word] @ rows["cold"])
    assert [word for word in nearest if word in VECTORS] == others


def test_a_view_is_saved_and_turned_offline(visitor: Visitor, browser: Browser, tmp_path: Path) -> None:
    page, saved = visitor.page, tmp_path / "view.html"
    visitor.clicks(page.locator(".lexdial .guess button").first, "a guess")
    visitor.saves(saved)
    alone = browser.new_context(offline=True, viewport=page.viewport_size).new_page()
    visitor.looks_at(alone, saved)
    before = on_the_axis(alone)
    assert before == on_the_axis(page)
    visitor.clicks_the_end(alone.locator(".lexdial .dial"), "after")
    assert on_the_axis(alone) != before
    assert alone.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_a_word_is_followed_from_the_map_to_its_page(visitor: Visitor, first: run_folder.RunSummary) -> None:
    page, drawn_words = visitor.page, run_folder.read_run(first.path).layout
    assert drawn_words is not None
    word = drawn_words["word"].iloc[2]
    visitor.turns_to("Map")
    visitor.types(word, page.locator(".lexmap .find"))
    visitor.strikes("Enter")
    visitor.clicks(page.locator(".lexmap .say a"), "Its page")
    expect(page.get_by_role("heading", name=f"Word: {word}")).to_be_visible()
    expect(page.get_by_text(f"words nearest to {word}", exact=False).first).to_be_visible()


def test_a_shared_address_is_shown_again_by_back(visitor: Visitor, first: run_folder.RunSummary) -> None:
    page = visitor.page
    shared, other = triples.of_run(run_folder.read_run(first.path))["word"].head(2)
    visitor.opens(f"word?word={shared}&k=7")
    expect(page.get_by_text(f"The 7 words nearest to {shared}").first).to_be_visible()
    visitor.types(other, visitor.box("Word"))
    visitor.strikes("Enter")
    expect(page.get_by_text(f"The 7 words nearest to {other}").first).to_be_visible()
    page.wait_for_url(f"**word={other}*")
    visitor.goes_back()
    expect(page.get_by_text(f"The 7 words nearest to {shared}").first).to_be_visible()
    expect(visitor.box("Word")).to_have_value(shared)


def test_a_teacher_shows_it_on_the_wall(visitor: Visitor) -> None:
    page, size = visitor.page, "getComputedStyle(document.documentElement).fontSize"
    small = page.evaluate(size)
    visitor.presses("Large type")
    expect(page.get_by_role("button", name="Leave large type")).to_be_visible()
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    large = page.evaluate(size)
    assert float(large.removesuffix("px")) > 1.3 * float(small.removesuffix("px"))
    visitor.turns_to("Map")
    expect(page.locator(".lexmap[data-ready]")).to_be_visible()
    assert page.evaluate(size) == large
    visitor.presses("Leave large type")
    expect(page.get_by_role("button", name="Large type", exact=True)).to_be_visible()
    page.wait_for_function(f"{size} === '{small}'")
