"""Works that are killed at random end as if they had not been; `python -m tools.kills` does a hundred."""

from __future__ import annotations

import random
import sys
import time

import pytest

from tools import kills

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="works are forked")


def test_a_killed_work_ends_as_if_it_had_been_left_alone(tmp_path):
    assert kills.examine("paraphrase", 3, random.Random(3), tmp_path) == []


def test_a_wrong_end_is_noticed(tmp_path, monkeypatch):
    def appending(out):
        out.mkdir(parents=True, exist_ok=True)
        with (out / "lines.txt").open("a") as stream:
            for number in range(50):
                stream.write(f"{number}\n")
                stream.flush()
                time.sleep(0.005)

    monkeypatch.setitem(kills.WORKS, "appending", kills.Work(appending))
    wrong = kills.examine("appending", 3, random.Random(1), tmp_path)
    assert wrong
    assert all("ends otherwise" in one for one in wrong)
