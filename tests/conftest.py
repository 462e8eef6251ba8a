"""Fixtures that every test may use."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flat_maps import use_flat_maps, use_umap
from hypothesis import settings

from lexclip_core import doctor, storage

settings.register_profile("lexclip", deadline=None)  # a busy machine is no failure
settings.load_profile("lexclip")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("LEXCLIP_PROGRESS", "0")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Where a test's own cache folder would have it compile everything anew, for a quarter of a minute.
os.environ.setdefault("NUMBA_CACHE_DIR", str(storage.cache_folder() / "numba"))
# Numba's first parallel loop (UMAP has some) sets OpenMP's threads, torch's included, to all cores: with
# several workers each then waits for the others, and training takes ten times as long.
os.environ.setdefault("NUMBA_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", "1").partition(",")[0])

#: The files that take longest, the longest first: they start first, so that no worker ends long after the
#: others (with `--no-loadscope-reorder`, as pytest-xdist would go by the number of tests).
LONGEST = (
    "test_browser.py",
    "test_smoke.py",
    "test_tasks.py",
    "test_torchrun.py",
    "test_miniature.py",
    "test_course.py",
    "test_jupyterlab.py",
    "test_pages.py",
    "test_wordnet_install.py",
    "test_wheel.py",
    "test_examples.py",
    "test_tuning.py",
    "test_bad_inputs.py",
    "test_image_tower.py",
    "test_geometry.py",
    "test_tour.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest files start first."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


@pytest.fixture(autouse=True)
def _closed_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine: a test that needs the network is a broken test."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1"):
            raise OSError(f"a test tried to reach {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="module", autouse=True)
def _own_main_module() -> Iterator[None]:
    """Put `__main__` back after each file: Streamlit's AppTest leaves its page there, and a spawned process
    runs whatever is there."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture(scope="module")
def quick_maps() -> Iterator[None]:
    """Lay words out flat, where a file's tests draw maps and do not look at them."""
    usual = use_flat_maps()
    yield
    use_umap(usual)


@pytest.fixture
def bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute in bfloat16 where that is asked for, on a processor that has to emulate it as well."""
    monkeypatch.setattr("lexclip_core.towers.loading.has_bfloat16", lambda _: True)


@pytest.fixture(scope="session")
def evaldata() -> Path:
    """Return the folder of third-party test sets, which this repository does not ship."""
    folder = Path(os.environ.get("LEXCLIP_EVALDATA") or storage.project_root().parent / "shared" / "evaldata")
    if not folder.is_dir():
        pytest.skip(f"third-party test sets are not here: {folder} (set LEXCLIP_EVALDATA)")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of a Chromium; skip where there is none, or fail where one is required."""
    found = doctor.find_browser()
    if found:
        return found
    reason = f"no Chromium on this machine: looked for {', '.join(doctor.BROWSERS)} (or set LEXCLIP_CHROMIUM)"
    if os.environ.get("LEXCLIP_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[object]:
    """Yield a real headless Chromium that calls nobody by itself, for the tests of one file.

    Playwright keeps an event loop running in the thread for as long as it is open: a second one beside it
    is an error, and so is `asyncio.run` in a later test. So it ends with the file, whatever runs next.
    """
    from playwright.sync_api import sync_playwright

    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", *quiet]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield running
        running.close()
