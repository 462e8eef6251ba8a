"""A real headless Chromium opens each page, changes selections, and checks what is drawn and who is asked."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from explorer_server import explorer
from playwright.sync_api import Browser, Page, expect

from lexclip_core import storage

pytestmark = pytest.mark.browser

PAGES = {
    "": 1,
    "word": 1,
    "pairs": 2,
    "map": 0,
    "atlas": 0,
    "negation_and_order": 2,
    "cards": 1,
    "runs": 2,
    "towers": 0,
    "train": 1,
    "ledger": 0,
}
"""Page -> how many charts it draws."""
WIDTHS = {"desk": (1280, 1600), "phone": (400, 3000), "wall": (1280, 1600)}
IDLE = (
    "document.querySelector('[data-test-script-state=notRunning]') !== null"
    " && document.querySelector('[data-stale=true]') === null"  # what is drawn anew is pale meanwhile
)
BOXES = "plots => plots.map(plot => plot.getBoundingClientRect().toJSON())"
PATIENCE = 240_000
"""Milliseconds: a machine that does other work meanwhile may be very slow."""
OpenPage = Callable[..., Page]

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def shots() -> Path:
    """Return the folder that keeps the screenshots: `LEXCLIP_SHOTS`, else build/shots."""
    folder = Path(os.environ.get("LEXCLIP_SHOTS") or storage.project_root() / "build" / "shots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def open_page(browser: Browser, address: str) -> Iterator[OpenPage]:
    """Yield a function that opens a page; no request may have left 127.0.0.1, no error been logged."""
    context = browser.new_context()
    asked, errors = [], []

    def opened(path: str = "", *, width: int = 1280, height: int = 1600) -> Page:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.set_viewport_size({"width": width, "height": height})
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda channel: asked.append(channel.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{address}/{path}")
        expect(page.locator("h1")).to_be_visible()
        settle(page)
        return page

    yield opened
    context.close()
    hosts = {urlsplit(url).netloc for url in asked if urlsplit(url).scheme not in ("data", "blob")}
    assert hosts == {urlsplit(address).netloc}
    assert errors == []


def settle(page: Page) -> None:
    page.wait_for_timeout(150)  # the browser asks for a rerun a moment after the event
    page.wait_for_function(IDLE, timeout=PATIENCE)


def sideways(page: Page) -> int:
    """Return by how many pixels a page, or the part of it that scrolls, is wider than what is seen of it."""
    return page.evaluate(
        "() => Math.max(...[document.documentElement, document.querySelector('[data-testid=stMain]')]"
        ".map(part => part.scrollWidth - part.clientWidth))"
    )


def drawn(page: Page, key: str) -> list[dict]:
    """Return the traces that plotly drew in the chart of that key, and what points tell the pointer."""
    chart = page.locator(f".st-key-{key} .js-plotly-plot")
    expect(chart.locator(".main-svg").first).to_be_visible()
    return chart.evaluate(
        "plot => plot._fullData.map(trace => ({name: trace.name, x: Array.from(trace.x || []), "
        "text: Array.from(trace.text || []), details: Array.from(trace.customdata || [])}))"
    )


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def check_drawing(page: Page, charts: int, shot: Path) -> None:
    """Check that a page draws its charts, each told in words and within the window; keep a screenshot."""
    width = page.viewport_size["width"]
    expect(page.locator(".js-plotly-plot")).to_have_count(charts)
    for number in range(charts):
        expect(page.locator(".js-plotly-plot").nth(number).locator(".main-svg").first).to_be_visible()
    assert all(len(one.get_attribute("aria-label") or "") > 40 for one in page.get_by_role("figure").all())
    page.screenshot(path=shot, full_page=True)
    assert sideways(page) <= 0
    for box in page.locator(".js-plotly-plot").evaluate_all(BOXES):
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width + 1


@pytest.mark.parametrize("device", WIDTHS)
@pytest.mark.parametrize("path", PAGES)
def test_every_page_draws_and_fits(open_page: OpenPage, shots: Path, path: str, device: str) -> None:
    width, height = WIDTHS[device]
    page = open_page(f"{path}?present=1" if device == "wall" else path, width=width, height=height)
    check_drawing(page, PAGES[path], shots / f"{path or 'home'}-{device}.png")
    if device == "desk":
        check_with_axe(page)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (400, 800)])
def test_the_first_screen_asks_reveals_and_turns_without_scrolling(
    open_page: OpenPage, shots: Path, width: int, height: int
) -> None:
    page = open_page("", width=width, height=height)
    expect(page.locator(".lexdial .shown")).to_be_hidden()
    page.locator(".lexdial .guess button").first.click()
    say, dial = page.locator(".lexdial .say"), page.locator(".lexdial .dial")
    expect(say).to_contain_text("Before, the opposite is nearer")
    box = say.bounding_box()
    assert box["y"] + box["height"] <= height
    assert sideways(page) <= 0
    far = page.locator(".lexdial .antonym")
    at = far.evaluate("one => parseFloat(one.style.left)")
    expect(dial).to_be_focused()
    page.keyboard.press("End")
    expect(say).to_contain_text("Before, the opposite was nearer. Now")
    assert far.evaluate("one => parseFloat(one.style.left)") < at
    assert page.title() == "Home · lexclip"
    page.screenshot(path=shots / f"first-screen-{width}.png")


def test_back_and_forward_show_what_was_typed(open_page: OpenPage) -> None:
    page = open_page("word?word=sad")
    box = page.get_by_label("Word", exact=True)
    for word in ("hot", "cold"):
        box.fill(word)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/word?word={word}")
        expect(page.get_by_role("heading", name=f"Word: {word}")).to_be_visible()
        settle(page)
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.locator("h1")).to_have_text("Runs")
    settle(page)
    for step, word in ((page.go_back, "cold"), (page.go_back, "hot"), (page.go_forward, "cold")):
        step()
        expect(page.get_by_role("heading", name=f"Word: {word}")).to_be_visible()
        expect(box).to_have_value(word)
        settle(page)


def test_a_saved_view_works_without_a_network(open_page: OpenPage, browser: Browser, tmp_path: Path) -> None:
    page = open_page("pairs?outcome=Repaired")
    button, state = page.get_by_role("button", name="Save this view (HTML)"), "[data-test-script-state]"
    button.evaluate("one => { one.seen = 0; one.addEventListener('click', () => { one.seen++; }); }")
    page.locator(state).evaluate("one => { one.dataset.testScriptState = 'running'; }")
    button.click()
    assert button.evaluate("one => one.seen") == 0  # while a page is drawn anew there is nothing to save yet
    with page.expect_download() as download:
        page.locator(state).evaluate("one => { one.dataset.testScriptState = 'notRunning'; }")
    saved = tmp_path / "view.html"
    download.value.save_as(saved)
    assert saved.stat().st_size < 5_000_000
    context = browser.new_context(offline=True)
    alone = context.new_page()
    alone.goto(saved.as_uri())
    expect(alone.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    assert alone.locator(".js-plotly-plot").count() >= 2
    context.close()


@pytest.mark.parametrize("path", ["names", "queries", "trade_offs"])
def test_pages_of_pictures_have_no_serious_finding_of_axe(open_page: OpenPage, path: str) -> None:
    check_with_axe(open_page(path))


def check_with_axe(page: Page) -> None:
    """Check that axe finds nothing on a page but what is minor."""
    page.evaluate(Path(__file__).with_name("axe.min.js").read_text())
    faults = {"not": ["asked"]}
    for _ in range(8):  # what is drawn anew is pale for a moment: a finding counts that stays
        page.wait_for_timeout(1_000)
        settle(page)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        faults = {
            one["id"]: [node["html"][:80] for node in one["nodes"][:3]]
            for one in found
            if one["impact"] != "minor"
        }
        if not faults:
            break
    assert faults == {}


def test_a_selection_changes_the_picture_and_the_address(open_page: OpenPage) -> None:
    page = open_page("word?word=hot")
    before = [trace["text"] for trace in drawn(page, "neighbours")]
    page.get_by_label("Word", exact=True).fill("sad")
    page.keyboard.press("Enter")
    expect(page.get_by_text("words nearest to sad", exact=False).first).to_be_visible()
    settle(page)
    assert [trace["text"] for trace in drawn(page, "neighbours")] != before
    assert query(page) == {"word": ["sad"]}


def test_a_deep_link_shows_what_it_names_on_first_load(open_page: OpenPage) -> None:
    page = open_page("pairs?run=blog-release-4567cdef&a=hot&b=cold&relations=antonym")
    expect(page.get_by_text("Wu-Palmer of class names, seed 0").first).to_be_visible()
    expect(page.get_by_label("First word", exact=True)).to_have_value("hot")
    assert {trace["name"] for trace in drawn(page, "named")} >= {"antonym, before", "antonym"}
    assert {trace["name"].split(",")[0] for trace in drawn(page, "histogram")} == {"antonym"}
    assert query(page) == {
        "run": ["blog-release-4567cdef"],
        "a": ["hot"],
        "b": ["cold"],
        "relations": ["antonym"],
    }


def test_a_typed_word_is_encoded_live(open_page: OpenPage) -> None:
    page = open_page("pairs")
    page.get_by_label("First word", exact=True).fill("volcano")
    page.get_by_label("Second word", exact=True).fill("glacier")
    page.keyboard.press("Enter")
    expect(page.get_by_text("volcano \N{EN DASH} glacier").first).to_be_visible()
    settle(page)
    typed = drawn(page, "named")[-1]
    assert len(typed["x"]) == 1
    assert -1 <= typed["x"][0] <= 1


def test_the_run_follows_from_page_to_page(open_page: OpenPage) -> None:
    page = open_page("?run=shuffled-89ab0123")
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.locator("h1")).to_have_text("Runs")
    settle(page)
    expect(page.get_by_text("control: shuffled targets").first).to_be_visible()
    page.wait_for_url("**/runs?run=shuffled-89ab0123")  # the address follows a moment after the page


def test_an_unknown_run_in_the_address_falls_back_with_a_message(open_page: OpenPage) -> None:
    page = open_page("runs?run=lexclip-gone")
    expect(page.get_by_text("There is no run called “lexclip-gone”")).to_be_visible()
    expect(page.get_by_text("Showing lexclip-0123abcd instead")).to_be_visible()


def test_an_unknown_page_is_named_and_the_nearest_is_shown(open_page: OpenPage) -> None:
    page = open_page("wrod?word=hot")
    expect(page.get_by_role("heading", name="Word: hot")).to_be_visible()
    expect(
        page.get_by_text("There is no page called “wrod”. The nearest is Word, shown here.")
    ).to_be_visible()
    assert page.get_by_role("dialog").count() == 0


def test_a_word_is_completed_by_the_browser(open_page: OpenPage) -> None:
    page = open_page("word?word=hot")
    box = page.get_by_label("Word", exact=True)
    expect(box).to_have_attribute("list", "completions")
    offered = page.locator("#completions option").evaluate_all("all => all.map(one => one.value)")
    assert "happy" in offered


def test_words_are_trained_while_one_watches_and_any_step_is_shown_again(
    open_page: OpenPage, shots: Path
) -> None:
    page = open_page("train?words=hot,+warm,+cold&steps=3&tower=tiny-random")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("Done: 3 steps")).to_be_visible()
    settle(page)
    page.screenshot(path=shots / "train-done.png", full_page=True)
    page.get_by_role("slider", name="Show step").press("ArrowLeft")
    expect(page.get_by_text("Cosines after step 2")).to_be_visible()
    expect(page.get_by_role("button", name="Keep this run, as after step 2")).to_be_visible()


def test_hostile_text_stays_text(open_page: OpenPage) -> None:
    page = open_page("pairs?a=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E&b=%5Bx%5D(http%3A%2F%2Fevil.example)")
    expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("a[href*='://evil']").count() == 0  # a link to the word's own page names it, quoted


def test_the_server_answers_this_machine_only(address: str) -> None:
    port = urlsplit(address).port
    others = {entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), port, socket.AF_INET)}
    for other in others - {"127.0.0.1"}:
        with socket.socket() as probe:
            probe.settimeout(2)
            assert probe.connect_ex((other, port)) != 0
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(b"GET /_stcore/stream HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\n"
                     b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")  # fmt: skip
        assert b" 403 " in line.recv(200).splitlines()[0]


def test_names_are_swapped_kept_in_the_address_and_fit_a_phone(open_page: OpenPage, shots: Path) -> None:
    page = open_page("names?set=Food+and+drink&n=12", width=400, height=3000)
    box = page.get_by_label("Class names, one per line", exact=True)
    expect(box).to_be_visible()
    synonyms = box.input_value()  # which the page opens with
    assert len(synonyms.splitlines()) == 12
    page.get_by_role("button", name="Hypernyms", exact=True).click()
    settle(page)
    expect(box).not_to_have_value(synonyms)
    assert query(page) == {"set": ["Food and drink"], "n": ["12"], "names": [box.input_value()]}
    pictures = page.locator("figure img")
    expect(pictures).to_have_count(12)
    assert all(picture.evaluate("one => one.naturalWidth") > 0 for picture in pictures.all())
    assert sideways(page) <= 0
    page.screenshot(path=shots / "names-phone.png", full_page=True)
    page.get_by_role("button", name="Synonyms", exact=True).click()
    settle(page)
    expect(box).to_have_value(synonyms)
    assert "names" not in query(page)


def test_queries_and_trade_offs_draw_what_is_committed(browser: Browser, shots: Path, tmp_path: Path) -> None:
    with explorer(storage.data_folder() / "runs", tmp_path / "log.txt") as address:
        for path, charts in (("queries", 2), ("trade_offs", 1)):
            for device, (width, height) in WIDTHS.items():
                page = browser.new_page(viewport={"width": width, "height": height})
                page.set_default_timeout(PATIENCE)
                page.goto(f"{address}/{path}" + ("?present=1" if device == "wall" else ""))
                check_drawing(page, charts, shots / f"{path}-{device}.png")
                page.close()
    assert "Traceback" not in (tmp_path / "log.txt").read_text()
