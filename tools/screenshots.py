"""Photograph the explorer for the README: the real app, in a real browser, on the shipped runs.

`python -m tools.screenshots` writes docs/images/*.png; it needs Chromium.
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

FOLDER = storage.project_root() / "docs" / "images"
PICTURES = {"home": "", "word": "word?word=increase", "map": "subtree_map"}
"""Name of a picture -> the page's address."""
GUESS = ".lexdial .guess button"
"""What Home shows before it reveals its word; the picture is of what it reveals."""
WIDTH, HEIGHT = 1280, 1000
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
        tab.locator(".js-plotly-plot .main-svg").first.wait_for(timeout=180_000)
        tab.wait_for_function(
            "document.querySelector('[data-test-script-state]')"
            "?.getAttribute('data-test-script-state') !== 'running'",
            timeout=180_000,
        )
        if tab.locator(GUESS).count():
            tab.locator(GUESS).first.click()
        tab.wait_for_timeout(2_000)  # figures fade in
        picture = tab.screenshot()
        browser.close()
    return picture


def write(picture: bytes, path: Path) -> None:
    """Write a picture as a small PNG of its own colours."""
    with storage.atomic_write(path) as partial:
        Image.open(io.BytesIO(picture)).convert("RGB").save(partial, format="PNG", optimize=True)


def main() -> None:
    """Photograph every page of `PICTURES`."""
    with explorer() as address:
        for name, page in PICTURES.items():
            path = FOLDER / f"{name}.png"
            write(photograph(address, page), path)
            print(f"{path}: {path.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
