"""The README's table of runs: one row per measure, one column per preset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lexclip_core import storage
from lexclip_core.experiments.run_folder import RunSummary, comparison, list_runs

AUC = "test/synonym_over_antonym_auc"


def summary(run_id: str, preset: str, **entry: float) -> RunSummary:
    metrics = {AUC: entry} if entry else {}
    return RunSummary(run_id, Path(run_id), 0, {"preset": preset}, metrics, {}, 2, False, False)


def test_seeds_share_a_column_and_single_runs_show_their_interval():
    table = comparison(
        [
            summary("a", "lexclip", value=0.7, before=0.4, low=0.6, high=0.8),
            summary("b", "blog-release", value=0.5, before=0.4, low=0.45, high=0.55),
            summary("c", "lexclip", value=0.8, before=0.4, low=0.7, high=0.9),
        ]
    )
    assert table.splitlines() == [
        "| measure | before | `lexclip`, 2 seeds | `blog-release` |",
        "| --- | --- | --- | --- |",
        "| synonym over antonym, AUC | 0.400 | 0.750 (0.700 to 0.800) | 0.500 (0.450 to 0.550) |",
    ]


def test_a_run_that_was_not_measured_shows_na():
    table = comparison([summary("a", "lexclip", value=0.7), summary("b", "bare")])
    assert table.splitlines()[2] == "| synonym over antonym, AUC | n/a | 0.700 | n/a |"


def test_runs_on_paraphrases_have_no_column():
    other = summary("c", "paraclip-emoji", value=0.4)
    on_pictures = replace(other, config={"preset": "paraclip-emoji", "image_tower": "emoji"})
    assert comparison([summary("a", "lexclip", value=0.7), on_pictures]) == comparison(
        [summary("a", "lexclip", value=0.7)]
    )


def test_the_readme_shows_the_committed_runs():
    summaries, damaged = list_runs(storage.data_folder() / "runs")
    assert not damaged
    readme = (storage.project_root() / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("<!-- measured: begin -->\n")[2].partition("<!-- measured: end -->")[0]
    assert shown == comparison(summaries), "paste the output of `lexclip runs compare --folder data/runs`"


@pytest.mark.parametrize("preset", ["lexclip", "lexclip-constant", "lexclip-shuffled", "blog-release"])
def test_the_page_on_tuning_has_the_paired_changes_of_the_committed_runs(preset: str):
    [run] = [
        one
        for one in list_runs(storage.data_folder() / "runs")[0]
        if one.preset == preset and not one.config["seed"]
    ]
    change, low, high = (run.metrics[AUC][name] for name in ("change", "change_low", "change_high"))
    assert low < change < high
    assert change == pytest.approx(run.metrics[AUC]["value"] - run.metrics[AUC]["before"])
    page = " ".join((storage.project_root() / "docs" / "tuning.md").read_text(encoding="utf-8").split())
    assert f"{change:+.3f} ({low:.3f} to {high:.3f})" in page
