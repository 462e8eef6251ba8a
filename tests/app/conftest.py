"""What the explorer's tests share: run folders, the app started in-process, the app in a real browser."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sample_runs import write_samples
from streamlit.testing.v1 import AppTest

from lexclip_core import doctor, storage

APP = storage.project_root() / "app"

if str(APP) not in sys.path:  # `streamlit run` does the same for the entry script's folder
    sys.path.insert(0, str(APP))


@pytest.fixture(autouse=True)
def _no_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load no tower behind a test's back; `test_warm_up` says what does it."""
    import store

    monkeypatch.setattr(store, "warm_up", lambda _listing: None)


@pytest.fixture(scope="session")
def tuned_tensors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return tuned tensors of the untrained tiny tower, shifted by a little so that words move."""
    import torch

    from lexclip_core import towers

    tower = towers.load("tiny-random", device="cpu")
    towers.set_trainable(tower, "all")
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        for parameter in tower.trainable_parameters().values():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    path = tmp_path_factory.mktemp("tuned") / "tuned.safetensors"
    towers.save_tuned(tower, path)
    return path


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory, tuned_tensors: Path) -> Path:
    """Return a folder of three runs; only the first keeps tuned tensors. Tests only read it."""
    return write_samples(tmp_path_factory.mktemp("samples") / "runs", tuned=tuned_tensors)


@pytest.fixture
def run_folder(sample_folder: Path, tmp_path: Path) -> Path:
    """Return a copy of the sample runs that a test may damage."""
    return Path(shutil.copytree(sample_folder, tmp_path / "runs"))


@pytest.fixture
def open_app(sample_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AppTest]:
    """Return a function that opens a page of the app on a folder of runs, with query parameters."""

    def opened(page: str = "home", *, folder: Path | None = None, **query: str) -> AppTest:
        monkeypatch.setenv("LEXCLIP_RUNS", str(sample_folder if folder is None else folder))
        app = AppTest.from_file(str(APP / "streamlit_app.py"), default_timeout=300)
        for name, value in query.items():
            app.query_params[name] = value
        if page != "home":
            app.switch_page(f"app_pages/{page}.py")
        return app.run()

    return opened


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


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[object]:
    """Yield a real headless Chromium that calls nobody by itself."""
    from playwright.sync_api import sync_playwright

    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", *quiet]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield running
        running.close()
