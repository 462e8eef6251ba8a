"""Photograph the explorer for the README: the real app, in a real browser, on the shipped runs.

`python -m tools.screenshots` writes docs/images/*.png, and a short animation of Home: guess, see, turn the
dial. It needs Chromium.
"""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from lexclip_core import storage
from lexclip_core.doctor import find_browser
from lexclip_core.errors import InputError

FOLDER = storage.project_root() / "docs" / "images"
PICTURES = {"map": "map"}
"""Name of a picture -> the page's address."""
GUESS = ".lexdial .guess button"
"""What Home shows before it reveals its word."""
WIDTH, HEIGHT = 1280, 1000
ANIMATION = "home.webp"
STAGE = (940, 680)
"""The window of the animation, in pixels: Home's first screen as for the wall, without the sidebar."""
LONG, STEP = 1_800, 70
"""Milliseconds that a picture stays where something is to be read, and where the dial turns."""
MOVES = 4
"""Pictures of each step of the dial, in which the points move."""
LARGEST = 600_000
"""Bytes that the animation may have."""
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


@contextmanager
def explorer() -> Iterator[str]:
    """Yield the address of an explorer that runs for as long as the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    entry = storage.project_root() / "app" / "streamlit_app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(entry), "--server.port", str(port)]
    process = subprocess.Popen(command, env=os.environ | {"HF_HUB_OFFLINE": "1"}, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                    break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait()


def photograph(address: str, page: str) -> bytes:
    """Return a page as PNG once its figures are drawn."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser(), args=_FLAGS)
        tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        tab.goto(f"{address}/{page}")
        tab.locator(".js-plotly-plot .main-svg, .lexmap[data-ready]").first.wait_for(timeout=180_000)
        tab.wait_for_function(
            "document.querySelector('[data-test-script-state]')"
            "?.getAttribute('data-test-script-state') !== 'running'",
            timeout=180_000,
        )
        tab.wait_for_timeout(2_000)  # figures fade in
        picture = tab.screenshot()
        browser.close()
    return picture


def animate(address: str) -> list[tuple[bytes, int]]:
    """Return pictures of Home: a guess, what is true, the dial's way; with milliseconds that each stays."""
    pictures: list[tuple[bytes, int]] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser(), args=_FLAGS)
        tab = browser.new_page(viewport={"width": STAGE[0], "height": STAGE[1]})
        tab.set_default_timeout(180_000)
        tab.goto(f"{address}/?present=1")
        guess, dial = tab.locator(GUESS), tab.locator(".lexdial .dial")
        guess.first.wait_for(timeout=180_000)
        tab.wait_for_timeout(1_500)  # fonts
        pictures.append((tab.screenshot(), LONG))
        guess.first.hover()
        pictures.append((tab.screenshot(), LONG // 2))
        guess.first.click()
        tab.wait_for_timeout(900)
        pictures.append((tab.screenshot(), LONG))
        for _ in range(int(dial.get_attribute("max") or 1)):
            dial.press("ArrowRight")
            for _ in range(MOVES):
                pictures.append((tab.screenshot(), STEP))
                tab.wait_for_timeout(STEP)
        tab.wait_for_timeout(900)
        pictures.append((tab.screenshot(), 2 * LONG))
        browser.close()
    return pictures


def write_animation(pictures: list[tuple[bytes, int]], path: Path) -> None:
    """Write pictures as an animated WebP that repeats.

    Raises:
        InputError: It is larger than the README should load.
    """
    frames = [Image.open(io.BytesIO(picture)).convert("RGB") for picture, _ in pictures]
    with storage.atomic_write(path) as partial:
        frames[0].save(
            partial,
            format="WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=[stays for _, stays in pictures],
            loop=0,
            quality=80,
            method=6,
        )
        if (size := partial.stat().st_size) > LARGEST:
            raise InputError(f"{path.name} has {size:,} bytes", f"make it smaller than {LARGEST:,}")


def write(picture: bytes, path: Path) -> None:
    """Write a picture as a small PNG of its own colours."""
    with storage.atomic_write(path) as partial:
        Image.open(io.BytesIO(picture)).convert("RGB").save(partial, format="PNG", optimize=True)


def main() -> None:
    """Photograph every page of `PICTURES`, and Home as it moves."""
    with explorer() as address:
        path = FOLDER / ANIMATION
        write_animation(animate(address), path)
        print(f"{path}: {path.stat().st_size // 1024} kB")
        for name, page in PICTURES.items():
            path = FOLDER / f"{name}.png"
            write(photograph(address, page), path)
            print(f"{path}: {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
