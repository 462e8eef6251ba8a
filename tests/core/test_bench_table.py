"""How measurements are judged and printed (what they measure is never a test: machines differ)."""

from __future__ import annotations

from case_tables import each

from bench import gpu
from bench.table import met, show
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
