"""The Train page: what is asked for, seen live, undone, saved, and said as code; one at a time a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import live_training
import numpy as np
import pandas as pd
import pytest
import word_sets
from case_tables import each
from live_training import Asked, Job, Line, Training
from streamlit.testing.v1 import AppTest
from test_names_page import texts

import lexclip_core as lexclip
from lexclip_core.errors import InputError

OpenApp = Callable[..., AppTest]
WORDS = ("hot", "warm", "cold", "tepid")
ASKED = Asked(WORDS, "tiny-random", steps=3, lr=1e-3, trainable="all")
PATIENCE = 120.0


def wait(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(scope="module")
def tower() -> lexclip.Tower:
    return lexclip.load("tiny-random", device="cpu")


@pytest.fixture(scope="module")
def seen(tower: lexclip.Tower) -> Training:
    """Return a training that ran to its end."""
    training = Training(ASKED, lambda _: tower)
    training.run()
    assert training.stage == "finished", training.problem
    return training


def test_every_step_is_seen_and_the_code_gives_the_same_numbers(seen: Training) -> None:
    assert len(seen.cosines) == 4
    assert [row["step"] for row in seen.rows] == [0, 1, 2]
    for steps in (3, 2):
        lines = seen.asked.code(steps).splitlines()
        assert len(lines) == 5
        names: dict = {}
        exec("\n".join(lines[:3]), names)
        result = names["result"]
        rows = result.after.encode_texts(WORDS)
        np.testing.assert_allclose(rows @ rows.T, seen.cosines[steps], atol=2e-3)  # stored at half precision
        assert result.history["total"].tolist() == pytest.approx(
            [row["total"] for row in seen.rows[:steps]], rel=1e-5
        )


def test_drawn_targets_are_trained_towards_and_stand_in_the_code(tower: lexclip.Tower) -> None:
    wanted = np.eye(4) + 0.5 * (1 - np.eye(4))
    asked = replace(ASKED, drawn=tuple(map(tuple, wanted.tolist())), steps=20, anchor_weight=0.0)
    training = Training(asked, lambda _: tower)
    training.run()
    errors = [np.abs(one - wanted).mean() for one in (training.cosines[0], training.cosines[-1])]
    assert errors[1] < 0.5 * errors[0]
    assert "targets=[[1.0, 0.5," in asked.code(20)
    assert "target='lexical'" not in asked.code(20)


def test_what_goes_wrong_is_said_and_the_line_goes_on(tower: lexclip.Tower) -> None:
    line, wrong = Line(), Training(replace(ASKED, words=("hot", "xyzzyq")), lambda _: tower)
    good = Job()
    for one in (wrong, good):
        line.add(one)
    wait(lambda: good.over)
    assert wrong.stage == "failed"
    assert isinstance(wrong.problem, InputError)
    assert "xyzzyq" in str(wrong.problem)
    assert good.stage == "finished"


def test_one_works_at_a_time_the_others_know_their_place_and_a_closed_tab_ends_its_own() -> None:
    go, there = threading.Event(), threading.Event()

    class Held(Job):
        def work(self) -> None:
            self.stage = "training"
            while not go.is_set():
                self.look()
                time.sleep(0.005)

    there.set()
    line = Line()
    first, gone, stopped, last = Held(there.is_set), Held(lambda: False), Held(), Held()
    for one in (first, gone, stopped, last):
        line.add(one)
    wait(lambda: first.stage == "training")
    assert [line.before(one) for one in (first, gone, stopped, last)] == [0, 1, 2, 3]
    assert (line.waiting, last.stage) == (3, "waiting")
    stopped.stop()
    there.clear()
    wait(lambda: last.stage == "training")
    assert [one.stage for one in (first, gone, stopped)] == ["stopped"] * 3
    go.set()
    wait(lambda: last.over)
    assert last.stage == "finished"


def test_a_pause_holds_until_going_on(tower: lexclip.Tower) -> None:
    training = Training(ASKED, lambda _: tower)
    training.pause()
    thread = threading.Thread(target=training.run)
    thread.start()
    wait(lambda: training.stage == "paused")
    assert training.steps == 1
    training.go_on()
    thread.join(PATIENCE)
    assert (training.stage, training.steps) == ("finished", 3)


TRIPLES = pd.DataFrame(
    [
        ("wide", "broad", "narrow", "a", 9, 0.5, 0.75),
        ("fast", "quick", "slow", "a", 9, 0.5, 0.625),
        ("win", "triumph", "lose", "v", 9, 0.25, 0.5),
        ("rare", "scarce", "common", "a", 0, 0.0, 1.0),
        ("hot", "warm", "cold", "a", 9, 0.75, 0.5),
    ],
    columns=["word", "synonym", "antonym", "pos", "count", "synonym_0", "antonym_0"],
)


def test_ready_sets_are_what_the_tower_gets_wrong_and_right() -> None:
    sets = word_sets.ready_sets(TRIPLES)
    assert sets[word_sets.WRONG] == (
        "wide",
        "broad",
        "narrow",
        "win",
        "triumph",
        "lose",
        "fast",
        "quick",
        "slow",
    )
    assert sets[word_sets.RIGHT] == ("hot", "warm", "cold")
    assert sets[word_sets.PARTS["v"]] == ("win", "triumph", "lose")
    assert word_sets.PARTS["n"] not in sets
    many = pd.concat(
        [TRIPLES.head(1).assign(word=f"w{n}", synonym=f"s{n}", antonym=f"a{n}") for n in range(12)]
    )
    assert len(word_sets.ready_sets(many)[word_sets.WRONG]) == 30


def test_the_sentence_counts_words_whose_opposite_is_nearer() -> None:
    related = word_sets.Related.of(("fast", "quick", "slow", "table"))
    before = np.eye(4)
    before[0, 1] = before[1, 0] = 0.5
    before[0, 2] = before[2, 0] = 0.75
    before[1, 2] = before[2, 1] = 0.25
    now = before.copy()
    now[0, 2] = now[2, 0] = 0.25
    said = word_sets.finding(related, before, now)
    assert said.startswith(
        "**fast**: its synonym **quick** 0.50, its opposite **slow** 0.75; now 0.50 and 0.25."
    )
    assert "the opposite is nearer in 1 of 2, now in 0." in said
    assert "nothing can be inverted" in word_sets.finding(word_sets.Related.of(("table", "sky")), before, now)


def trained(app: AppTest) -> AppTest:
    app.button(key="train").click().run()
    training = app.session_state["trainings"][-1]
    wait(lambda: training.over)
    return app.run()


def test_the_page_trains_goes_back_undoes_and_keeps(
    open_app: OpenApp, tmp_path: Path, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app("train", folder=run_folder, tower="tiny-random", words="hot, warm, cold", steps="2")
    assert not app.exception
    assert len(app.get("plotly_chart")) == 1  # what the cosines should become
    app = trained(app)
    assert not app.exception
    assert "Done: 2 steps" in texts(app)
    assert len(app.get("plotly_chart")) == 2
    app.slider[0].set_value(1).run()
    assert "Cosines after step 1" in texts(app)
    assert "steps=1" in app.code[0].value
    app.number_input(key="steps").set_value(3).run()
    assert "Done: 3 steps" in texts(trained(app))
    app.button(key="undo").click().run()
    assert "Done: 2 steps" in texts(app)
    assert app.number_input(key="steps").value == 2
    kept = []
    monkeypatch.setattr(
        lexclip.Result, "save", lambda _, maps: kept.append(maps) or tmp_path / "own-words-12345678"
    )  # measuring takes a minute, and is tested where it is done
    app.button(key="keep").click().run()
    wait(lambda: bool(kept))
    wait(lambda: "saving" not in app.run().session_state)
    assert kept == [False]  # its maps are laid out where they are looked at
    assert app.session_state["saved_run"] == "own-words-12345678"
    assert not app.exception


@each(
    "query, problem",
    [
        ({"words": "hot"}, "There are 1 words"),
        ({"words": "hot, xyzzyq"}, "xyzzyq"),
        ({"words": "dog, quickly", "targets": "Wu-Palmer"}, "quickly"),
        ({"targets": "Wu"}, "There is no kind of targets called “Wu”"),
    ],
)
def test_what_cannot_be_trained_is_said_before(
    open_app: OpenApp, query: dict[str, str], problem: str
) -> None:
    app = open_app("train", tower="tiny-random", **query)
    assert not app.exception
    assert problem in texts(app)


def test_there_is_one_line_for_all_visitors() -> None:
    assert live_training.line() is live_training.line()
