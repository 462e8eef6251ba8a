"""The explorer as a visitor waits for it: start to the first drawn picture, and a changed selection.

Both are measured in a real headless Chromium, from the outside. The run behind the pages is made up. Many
visitors at once are shown the shipped runs, and all of them ask the towers for words of their own.
"""

from __future__ import annotations

import json
import statistics
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
from tests.app.explorer_server import explorer

WORDS, DIM, PAIRS = 5_000, 384, 5_000
STARTS, CHANGES = 3, 9
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PICTURE = ".js-plotly-plot .main-svg"
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
    run_folder.write_run(
        folder, run_folder.RunContent("lexclip-bench", config, metrics, history, words, *unit, pairs)
    )


def start_seconds(folder: Path, log: Path, page: Page) -> float:
    """Return the seconds from starting the server to the home page's first drawn picture."""
    begun = time.perf_counter()
    with explorer(folder, log) as address:
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
    start_seconds(folder, log, page)  # not counted: it warms the disk cache
    start = statistics.median(start_seconds(folder, log, page) for _ in range(STARTS))
    with explorer(folder, log) as address:
        page.goto(f"{address}/neighbours?word=word+1")
        word = change_seconds(page, "neighbours", type_word(page))
        page.goto(f"{address}/pairs?a=word+1&b=word+2")
        relation = change_seconds(page, "histogram", toggle_relation(page))
    return start, word, relation


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
                    f"{address}/neighbours?word=qu{'aeiou'[place % 5]}{'bdfg'[place // 5]}",
                    wait_until="commit",
                )
            for page in group:
                page.locator(PICTURE).first.wait_for(timeout=PATIENCE)
                waits.append(time.perf_counter() - begun)
            used.append(memory(address))
    return statistics.median(waits[1:]), used[0], used[1]


def rows() -> list[dict[str, Any]]:
    """Return rows: seconds to the first picture, to a changed one, and with many visitors, and their memory.

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
        wait, one, many = visitors(Path(name) / "visitors.txt", browser)
        browser.close()
    shown = (
        ("start to first drawn picture, warm", start, "s", "< 10"),
        ("another word's neighbours, 5,000 words", word, "s", "< 0.5"),
        ("another relation, 5,000 pairs", relation, "s", "< 0.5"),
        (f"a new word's neighbours, {VISITORS} visitors at once", wait, "s", "< 60"),
        ("memory, one visitor", one, "MB", "< 1800"),
        (f"memory of each further one, of {VISITORS}", (many - one) / (VISITORS - 1), "MB", "< 20"),
    )
    return [
        {"name": name, "value": value, "unit": unit, "baseline": None, "ratio": None, "target": target}
        for name, value, unit, target in shown
    ]
