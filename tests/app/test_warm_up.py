"""Towers are loaded behind the pages: once a server, waited for by nobody, and harmless where it fails."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import store
from streamlit.testing.v1 import AppTest

from lexclip_core.errors import MissingResourceError
from lexclip_core.experiments import run_folder as run_folder_module

OpenApp = Callable[..., AppTest]
WARM_UP = store.warm_up  # the other tests go without it
PATIENCE = 120
"""Seconds until a load that nobody let go counts as waited for."""


class HeldLoad:
    """Stands in for loading the towers: begins when asked to, and ends when the test lets it go."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.let_go, self.ended = threading.Event(), threading.Event()

    def __call__(self, name: str, tuned: str, _stamp: int, _version: str) -> None:
        self.asked.append((name, tuned))
        self.let_go.wait(PATIENCE)
        self.ended.set()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[threading.Timer]]:
    """Turn the warm-up on, without its delay; yield the threads it begins, all ended afterwards."""
    monkeypatch.setattr(store, "warm_up", WARM_UP)
    monkeypatch.setattr(store, "WARM_UP_AFTER", 0)
    threads: list[threading.Timer] = []

    class Remembered(threading.Timer):
        def start(self) -> None:
            threads.extend([self] if self.function is store.load_ahead else [])
            super().start()

    monkeypatch.setattr(store.threading, "Timer", Remembered)
    store.warming.clear()
    yield threads
    for thread in threads:
        thread.join(PATIENCE)
    store.warming.clear()


@pytest.fixture
def load(begun: list[threading.Timer], monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldLoad]:
    """Yield a load that lasts until the test lets it go."""
    held = HeldLoad()
    monkeypatch.setattr(store, "tuned_tower", held)
    yield held
    held.let_go.set()


@pytest.mark.parametrize("page", ["home", "word"])
def test_no_page_waits_for_it(
    open_app: OpenApp, load: HeldLoad, begun: list[threading.Timer], page: str, sample_folder: Path
) -> None:
    app = open_app(page)
    assert not app.exception
    assert app.get("plotly_chart")
    assert not load.ended.is_set()  # the page is drawn, and the load is still held
    load.let_go.set()
    [thread] = begun
    thread.join(PATIENCE)
    assert thread.daemon  # it never keeps a server from ending
    tuned = run_folder_module.summarise(sample_folder / "lexclip-0123abcd").tuned_path
    assert load.asked == [("tiny-random", str(tuned))]


def test_a_server_does_it_once(open_app: OpenApp, load: HeldLoad, begun: list[threading.Timer]) -> None:
    open_app().run()
    open_app("runs", run="blog-release-4567cdef")
    assert len(begun) == 1


def test_a_failure_is_kept_for_the_page_that_needs_the_tower(
    open_app: OpenApp,
    begun: list[threading.Timer],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def absent(*_arguments: object) -> None:
        raise MissingResourceError("the tower is not here", "fetch it")

    monkeypatch.setattr(store, "base_tower", absent)
    store.tuned_tower.clear()
    store.encode_both.clear()  # another test may have asked for the same word
    with caplog.at_level(logging.INFO, logger="store"):
        app = open_app()
        begun[0].join(PATIENCE)
    assert not app.exception
    assert "not loaded ahead: the tower is not here" in caplog.text
    asked = open_app("word", word="volcano")
    assert "the tower is not here" in asked.error[0].value.replace("\\", "")


def test_nothing_is_loaded_where_no_word_can_be_typed_or_a_tower_might_be_fetched(
    open_app: OpenApp, begun: list[threading.Timer], run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_app(folder=run_folder / "none")
    shutil.rmtree(run_folder / "lexclip-0123abcd")  # the only run with tensors
    open_app(folder=run_folder)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    open_app()
    assert begun == []
