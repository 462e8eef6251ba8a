"""The Towers page: what is here, fetched from a hub, or added; and a tower looked at as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import known_towers
import pytest
from fetching import Fetch, repository
from file_server import Hub, serving
from streamlit.testing.v1 import AppTest
from test_names_page import texts
from test_train_page import wait

OpenApp = Callable[..., AppTest]
VECTORS = "hot 1 0 0\nwarm 0.9 0.1 0\ncold 0.8 0 0.2\nfast 0 1 0\n"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))
    known_towers.state.clear()


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """Yield a hub of one repository whose files are no model, and whose cache is empty."""
    with serving(Hub({"config.json": b"{}", "notes.txt": b"nothing"})) as server:
        monkeypatch.setenv("LEXCLIP_OFFLINE", "0")
        monkeypatch.setenv("HF_ENDPOINT", server.url("").rstrip("/"))
        monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
        yield server


def test_a_file_of_word_vectors_is_added_and_looked_at_as_it_is(open_app: OpenApp, tmp_path: Path) -> None:
    file = tmp_path / "own.vec"
    file.write_text(VECTORS)
    app = open_app("towers")
    assert not app.exception
    assert "all-MiniLM-L6-v2" in texts(app)
    one = Fetch(str(file))
    wait(lambda: one.over)
    assert one.good, one.problem
    known_towers.add(str(file))
    assert str(file) in texts(open_app("towers"))
    assert known_towers.here()[-1] == str(file)
    word = open_app("word", run=f"tower:{file}", word="hot")
    assert not word.exception
    assert not word.error
    assert "the nearest to **hot** is **warm**" in texts(word)
    assert "shown as it is" in texts(word)
    known_towers.remove(str(file))
    assert known_towers.added() == []
    assert "There is no run called" in texts(open_app("word", run=f"tower:{file}"))


def test_an_added_tower_is_called_by_its_file_and_by_more_where_two_end_alike(
    open_app: OpenApp, tmp_path: Path
) -> None:
    files = [
        tmp_path / folder / name for folder, name in (("a", "own.vec"), ("b", "own.vec"), ("b", "x.vec"))
    ]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text(VECTORS)
    known_towers.add(str(files[0]))
    assert known_towers.called(str(files[0])) == "own.vec"
    for file in files[1:]:
        known_towers.add(str(file))
    assert [known_towers.called(str(file)) for file in files] == ["a/own.vec", "b/own.vec", "x.vec"]
    for name in ("all-MiniLM-L6-v2", "ViT-B-32-quickgelu/openai", "hf-hub:owner/model"):
        assert known_towers.called(name) == name
    said = texts(open_app("towers"))
    assert f"**b/own.vec**  \n:gray[added here · {files[1]}]" in said
    word = open_app("word", run=f"tower:{files[1]}", word="hot")
    assert "**The tower b/own.vec, as it is** · " in texts(word)
    assert str(files[1]) not in "".join(one.value for one in word.caption if "own.vec, as it is" in one.value)
    for asked in ("b/own.vec", str(files[1])):
        train = open_app("train", tower=asked, words="hot, warm")
        assert train.selectbox(key="tower").value == str(files[1])
        assert "no tower on this machine" not in texts(train)


def test_what_cannot_be_loaded_is_said_with_its_remedy(tmp_path: Path) -> None:
    one = Fetch(str(tmp_path / "nothing.safetensors"))
    wait(lambda: one.over)
    assert not one.good
    assert "there is no weight file" in str(one.problem)


def test_a_model_of_the_hub_is_asked_for_and_what_is_wrong_with_it_said(hub: Hub) -> None:
    one = Fetch("hf-hub:owner/model")
    wait(lambda: one.over)
    assert hub.paths
    assert one.problem is not None
    assert one.problem.remedy


def test_an_offline_server_asks_no_hub_whatever_is_typed(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEXCLIP_OFFLINE", "1")
    one = Fetch("https://huggingface.co/owner/model/resolve/main/weights.bin#ViT-B-32")
    wait(lambda: one.over)
    assert one.problem is not None
    assert hub.paths == []


def test_a_fetch_can_be_ended(tmp_path: Path) -> None:
    one = Fetch("all-MiniLM-L6-v2")
    one.end()
    wait(lambda: one.over)
    assert not one.good
    assert one.problem is None
    assert one.megabytes >= 0


def test_names_lead_to_repositories() -> None:
    assert repository("hf-hub:owner/model@v1") == "owner/model"
    assert repository("ViT-B-32-quickgelu/openai").count("/") == 1
    assert repository("/a/folder") == ""


def test_a_tower_that_is_not_here_has_a_button_and_one_that_must_be_supplied_says_how(
    open_app: OpenApp,
) -> None:
    app = open_app("towers")
    labels = [one.label for one in app.button]
    assert any(label.startswith("Fetch ") and label.endswith(" MB") for label in labels)
    assert any("LaCLIP" in one.label for one in app.expander)


def test_without_any_run_a_tower_is_still_looked_at(open_app: OpenApp, tmp_path: Path) -> None:
    file = tmp_path / "own.vec"
    file.write_text(VECTORS)
    known_towers.add(str(file))
    app = open_app("word", folder=tmp_path / "none", run=f"tower:{file}", word="cold")
    assert not app.exception
    assert "the nearest to **cold**" in texts(app)
