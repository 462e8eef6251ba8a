"""How measurements are judged and printed (what they measure is never a test: machines differ)."""

from __future__ import annotations

import json
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

from case_tables import each

import bench.__main__ as program
from bench import gpu
from bench.table import met, show
from lexclip_core import storage
from lexclip_core.towers.loading import load
from lexclip_core.towers.trainable import set_trainable


def row(**changes):
    return {"name": "n", "value": 5.0, "unit": "s", "baseline": 10.0, "ratio": 2.0, "target": None} | changes


@each(
    ("target", "expected"),
    [(None, None), ("< 5.1", True), ("< 5", False), ("<= 5", True), (">= 2x", True), (">= 2,000x", False)],
)
def test_a_target_with_an_x_is_about_the_ratio_any_other_about_the_value(target, expected):
    assert met(row(target=target)) is expected


def test_what_a_gpu_is_measured_by_runs_without_one():
    tower = load("tiny-random", device="cpu")
    set_trainable(tower, "last:1")
    rows = [
        *gpu.step_rows(tower, 4, "eager", 1),
        gpu.paraclip_row(tower, 8, 1),
        gpu.blog_fast_row(tower, 12, 1),
    ]
    assert [one["unit"] for one in rows] == ["tokens/s", "tokens/s", "records/s", "s"]
    assert all(one["value"] > 0 for one in rows)


def test_the_table_says_which_targets_are_missed(capsys):
    show([row(name="fast", target=">= 2x"), row(name="slow", value=1234.5, target="< 1"), row(baseline=None)])
    header, _, fast, slow, plain = capsys.readouterr().out.splitlines()
    assert header.split() == ["name", "value", "unit", "baseline", "ratio", "target", "met"]
    assert fast.split() == ["fast", "5", "s", "10", "2x", ">=", "2x", "yes"]
    assert slow.split()[-1] == "NO"
    assert "1,234" in slow
    assert plain.split() == ["n", "5", "s", "2x"]


def test_a_part_that_is_stored_replaces_its_own_rows_alone(tmp_path, monkeypatch, capsys):
    toy = ModuleType("bench.toy")
    toy.__spec__ = ModuleSpec("bench.toy", None)
    toy.rows = lambda: [row(value=7.0)]
    monkeypatch.setitem(sys.modules, "bench.toy", toy)
    monkeypatch.setattr(program, "PARTS", ("bench.toy", "bench.table"))
    monkeypatch.setattr(storage, "project_root", lambda: tmp_path)
    monkeypatch.setattr(storage, "data_folder", lambda: tmp_path)
    stored = tmp_path / "scale" / "bench.json"
    for words, expected in ([], {"table": []}), (["--keep"], {"toy": [row(value=7.0)], "table": []}):
        stored.parent.mkdir(exist_ok=True)
        stored.write_text(json.dumps({"table": {"rows": []}, "gone": {"rows": []}}))
        monkeypatch.setattr(sys, "argv", ["bench", "toy", *words])
        program.main()
        now = json.loads(stored.read_text())
        assert {part: one["rows"] for part, one in now.items() if part != "gone"} == expected
        assert ("gone" in now) is (not words)
        assert list(json.loads((tmp_path / "build" / "bench.json").read_text())) == ["toy"]
    assert "kept in" in capsys.readouterr().out
