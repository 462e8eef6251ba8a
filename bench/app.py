"""The explorer as a visitor waits for it: start to the first drawn picture, and a changed selection.

Both are measured in a real headless Chromium, from the outside. The run behind the pages is made up. Many
visitors at once are shown the shipped runs, and all of them ask the towers for words of their own.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, Page, sync_playwright

from lexclip_core import doctor, storage
from lexclip_core.experiments import run_folder
from lexclip_core.training.settings import settings_of
from tests.app.explorer_server import explorer

WORDS, DIM, PAIRS, DRAWN = 5_000, 384, 5_000, 2_000
STARTS, CHANGES = 3, 9
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PICTURE = ".js-plotly-plot .main-svg"
GRAPHICS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
"""Flags of a browser that draws WebGL without a graphics card."""
FRAMES = "() => document.querySelector('.lexmap').lexmap.measure(90)"
PLAYED = """() => new Promise((done) => {
  const map = document.querySelector(".lexmap"), began = performance.now();
  let frames = 0;
  map.querySelector(".play").click();
  const count = (now) => {
    frames += 1;
    if (now - began < 300 || map.lexmap.look().t < 1) requestAnimationFrame(count);
    else done((1000 * frames) / (now - began));
  };
  requestAnimationFrame(count);
})"""
"""Frames a second that the browser asks for while Play turns the dial from before to after."""
RENDERER = "() => document.querySelector('.lexmap').dataset.renderer"
VISITORS = 20
PATIENCE = 240_000
"""Milliseconds until a page counts as broken."""


def made_up_run(folder: Path) -> None:
    """Write a run of 5,000 words and 5,000 pairs with random vectors."""
    rng = np.random.default_rng(0)
    before = rng.normal(size=(WORDS, DIM)).astype(np.float32)
    after = before + 0.5 * rng.normal(size=before.shape).astype(np.float32)
    words = tuple(f"word {index}" for index in range(WORDS))
    cosines = rng.uniform(-1, 1, size=(PAIRS, 2)).round(4)
    pairs = pd.DataFrame(
        {
            "word_a": rng.choice(words, PAIRS),
            "word_b": rng.choice(words, PAIRS),
            "relation": np.where(np.arange(PAIRS) % 2, "synonym", "antonym"),
            "pos": "n",
            "split": "test",
            "cosine_before": cosines[:, 0],
            "cosine_after": cosines[:, 1],
        }
    )
    history = pd.DataFrame({"step": [0, 1], "epoch": 0, "seconds": [0.0, 1.0], "total": [1.0, 0.5]})
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (before, after)]
    metrics = {
        "test/synonym_over_antonym_auc": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 1, "before": 0.5}
    }
    config = {"preset": "lexclip", "note": "made up for a measurement"}
    layout = pd.DataFrame(rng.normal(size=(DRAWN, 4)), columns=list(run_folder.LAYOUT_COLUMNS[5:9])).assign(
        subtree="made.n.01",
        word=words[:DRAWN],
        gloss="",
        trustworthiness_before=0.5,
        trustworthiness_after=0.5,
    )
    layout["synset"] = [f"made.n.{row}" for row in range(DRAWN)]
    layout["parent"] = ["", *(f"made.n.{row // 8}" for row in range(1, DRAWN))]
    run_folder.write_run(
        folder,
        run_folder.RunContent("lexclip-bench", config, metrics, history, words, *unit, pairs, layout),
    )


def start_seconds(log: Path, page: Page) -> float:
    """Return the seconds from starting the server to Home's first drawn picture, of the runs that ship."""
    begun = time.perf_counter()
    with explorer(storage.runs_folder(), log) as address:
        page.goto(address)
        page.locator(PICTURE).first.wait_for(timeout=PATIENCE)
        return time.perf_counter() - begun


def change_seconds(page: Page, key: str, act: Callable[[int], None]) -> float:
    """Return the median seconds from a visitor's act to the changed picture, over several acts."""
    page.locator(f".st-key-{key} {PICTURE}").first.wait_for(timeout=PATIENCE)
    shown = (
        f"() => JSON.stringify(document.querySelector('.st-key-{key} .js-plotly-plot')"
        "._fullData.map(trace => [trace.name, trace.text, Array.from(trace.y || [])]))"
    )
    times = []
    for turn in range(CHANGES):
        page.wait_for_selector("[data-test-script-state=notRunning]", timeout=PATIENCE)
        old = json.dumps(page.evaluate(shown))
        begun = time.perf_counter()
        act(turn)
        page.wait_for_function(f"({shown})() !== {old}", polling="raf", timeout=PATIENCE)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def type_word(page: Page) -> Callable[[int], None]:
    """Return the act of asking for another word's neighbours."""

    def act(turn: int) -> None:
        page.get_by_label("Word", exact=True).fill(f"word {100 + turn}")
        page.keyboard.press("Enter")

    return act


def toggle_relation(page: Page) -> Callable[[int], None]:
    """Return the act of hiding or showing a relation."""
    return lambda _: page.locator(".st-key-relations").get_by_role("button", name="antonym").click()


def measure(folder: Path, log: Path, page: Page) -> tuple[float, float, float]:
    """Return seconds: start to picture, another word at 5,000 words, another relation at 5,000 pairs."""
    start_seconds(log, page)  # not counted: it warms the disk cache
    start = statistics.median(start_seconds(log, page) for _ in range(STARTS))
    with explorer(folder, log) as address:
        page.goto(f"{address}/word?word=word+1")
        word = change_seconds(page, "neighbours", type_word(page))
        page.goto(f"{address}/pairs?a=word+1&b=word+2")
        relation = change_seconds(page, "histogram", toggle_relation(page))
    return start, word, relation


def frame_rates(page: Page) -> tuple[float, float]:
    """Return frames a second of the map on a page: finished one after the other, and asked for in Play."""
    page.wait_for_timeout(3_000)  # the map itself is drawn first
    # Play comes first: after the other, labels are still on their way to the screen.
    played = float(page.evaluate(PLAYED))
    return float(page.evaluate(FRAMES)), played


def frames(folder: Path, log: Path, page: Page) -> tuple[tuple[float, float], tuple[float, float], str]:
    """Return frames a second (finished, and asked for in Play) of a map of 2,000 words and of the atlas.

    Returns:
        Both, and what drew them: the name of the renderer that the browser gives.
    """
    with explorer(folder, log) as address:
        page.goto(f"{address}/map?pair=0")
        page.locator(".lexmap[data-ready]").wait_for(timeout=PATIENCE)
        dial = frame_rates(page)
    with explorer(storage.runs_folder(), log) as address:
        page.goto(f"{address}/atlas?run={settings_of('lexclip').run_id}&pair=0")
        page.locator(".lexmap[data-ready], .stMain .stAlert").first.wait_for(timeout=PATIENCE)
        if not page.locator(".lexmap[data-ready]").count():
            return dial, (float("nan"), float("nan")), "no atlas is stored"
        atlas = frame_rates(page)
        return dial, atlas, str(page.evaluate(RENDERER))


def memory(address: str) -> float:
    """Return the most memory that the explorer at an address ever had, in megabytes."""
    port = address.rpartition(":")[2].encode()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError):  # it may end meanwhile
            if (process / "cmdline").read_bytes().split(b"--server.port\0")[1].startswith(port):
                return int((process / "status").read_text().split("VmHWM:")[1].split()[0]) / (1 << 10)
    return float("nan")


def visitors(log: Path, browser: Browser) -> tuple[float, float, float]:
    """Return the median seconds until one of many sees a word's neighbours, and memory for one and all."""
    with explorer(storage.runs_folder(), log) as address:
        pages = [browser.new_page() for _ in range(VISITORS)]
        waits, used = [], []
        for group in (pages[:1], pages):  # the first loads the towers
            begun = time.perf_counter()
            for place, page in enumerate(group):
                page.goto(
                    f"{address}/word?word=qu{'aeiou'[place % 5]}{'bdfg'[place // 5]}",
                    wait_until="commit",
                )
            for page in group:
                page.locator(PICTURE).first.wait_for(timeout=PATIENCE)
                waits.append(time.perf_counter() - begun)
            used.append(memory(address))
    return statistics.median(waits[1:]), used[0], used[1]


def train_seconds(trainable: str) -> float:
    """Return the median seconds of a training as page Train makes it: 30 words, 30 steps, the tower there.

    Args:
        trainable: What may move.
    """
    sys.path.insert(0, str(storage.project_root() / "app"))
    from live_training import Asked, Training

    from lexclip_core.experiments.words import frequent_words
    from lexclip_core.towers.loading import load
    from lexclip_core.training.settings import DEFAULT_TOWER

    tower, times = load(DEFAULT_TOWER, device="cpu"), []
    asked = Asked(frequent_words(30), DEFAULT_TOWER, steps=30, trainable=trainable)
    for _ in range(STARTS):
        training = Training(asked, lambda _: tower)
        training.run()
        times.append(training.seconds)
    return statistics.median(times)


def rows() -> list[dict[str, Any]]:
    """Return rows: seconds to the first picture, to a changed one, of a training, and with many visitors.

    Raises:
        RuntimeError: There is no Chromium to measure in.
    """
    chromium = doctor.find_browser()
    if chromium is None:
        raise RuntimeError(f"no Chromium: looked for {', '.join(doctor.BROWSERS)} (or set LEXCLIP_CHROMIUM)")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name) / "runs"
        made_up_run(folder)
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        start, word, relation = measure(folder, Path(name) / "log.txt", page)
        last, adapters = train_seconds("last:2"), train_seconds("lora:8")
        wait, one, many = visitors(Path(name) / "visitors.txt", browser)
        browser.close()
        browser = playwright.chromium.launch(executable_path=chromium, args=GRAPHICS)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        dial, atlas, renderer = frames(folder, Path(name) / "frames.txt", page)
        browser.close()
    drawn_by = "software" if "SwiftShader" in renderer else renderer
    shown = (
        (f"dial, {DRAWN:,} words, WebGL by {drawn_by}", dial[0], "frames/s", "> 30"),
        (f"atlas, all words, WebGL by {drawn_by}", atlas[0], "frames/s", "> 10"),
        (f"Play, {DRAWN:,} words, as the browser shows it", dial[1], "frames/s", None),
        ("Play, atlas, as the browser shows it", atlas[1], "frames/s", None),
        ("start to first drawn picture, warm", start, "s", "< 10"),
        ("another word's neighbours, 5,000 words", word, "s", "< 0.5"),
        ("another relation, 5,000 pairs", relation, "s", "< 0.5"),
        ("training of 30 words, 30 steps, last two layers", last, "s", "< 3"),
        ("training of 30 words, 30 steps, adapters of rank 8", adapters, "s", "< 4"),
        (f"a new word's neighbours, {VISITORS} visitors at once", wait, "s", "< 60"),
        ("memory, one visitor", one, "MB", "< 1800"),
        (f"memory of each further one, of {VISITORS}", (many - one) / (VISITORS - 1), "MB", "< 20"),
    )
    return [
        {"name": name, "value": value, "unit": unit, "baseline": None, "ratio": None, "target": target}
        for name, value, unit, target in shown
    ]
