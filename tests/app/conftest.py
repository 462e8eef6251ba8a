"""What the explorer's tests share: run folders, and the app started in-process."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from explorer_server import explorer
from sample_runs import write_samples
from streamlit.testing.v1 import AppTest

from lexclip_core import storage

APP = storage.project_root() / "app"

if str(APP) not in sys.path:  # `streamlit run` does the same for the entry script's folder
    sys.path.insert(0, str(APP))
sys.path.append(str(Path(__file__).parents[1] / "core"))  # its local hub


@pytest.fixture(autouse=True)
def _no_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load no tower and encode no vocabulary behind a test's back; `test_warm_up` says what does it."""
    import store
    from background import BackgroundJob

    monkeypatch.setattr(store, "warm_up", lambda _listing: None)
    monkeypatch.setattr(store, "fill_vocabulary", lambda _summary: BackgroundJob())


@pytest.fixture(scope="session")
def tuned_tensors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return tuned tensors of the untrained tiny tower, shifted by a little so that words move."""
    import torch

    from lexclip_core.towers import loading, trainable, weights

    tower = loading.load("tiny-random", device="cpu")
    trainable.set_trainable(tower, "all")
    with torch.no_grad():
        generator = torch.Generator().manual_seed(0)
        for parameter in tower.trainable_parameters().values():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator)
    path = tmp_path_factory.mktemp("tuned") / "tuned.safetensors"
    weights.save_tuned(tower, path)
    return path


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory, tuned_tensors: Path) -> Path:
    """Return a folder of three runs; only the first keeps tuned tensors. Tests only read it."""
    return write_samples(tmp_path_factory.mktemp("samples") / "runs", tuned=tuned_tensors)


@pytest.fixture(scope="module")
def address(sample_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of an explorer started from a folder that is not the project's."""
    log = tmp_path_factory.mktemp("server") / "log.txt"
    with explorer(sample_folder, log) as running:
        yield running
    assert "Traceback" not in log.read_text()


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
