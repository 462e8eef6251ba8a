"""The README's table of runs: one row per measure, one column per preset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lexclip_core import storage
from lexclip_core.experiments.run_folder import (
    COMPARED,
    RunSummary,
    comparison,
    list_runs,
    run_of_preset,
)
from lexclip_core.training.settings import PRESETS

AUC = "test/synonym_over_antonym_auc"
RELATEDNESS = "heldout/wordsim-353-relatedness/spearman"
RUNS = storage.data_folder() / "runs"


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
        "|---|---|---|---|",
        "| … all senses | 0.400 | 0.750 (0.700-0.800) | 0.500 (0.450-0.550) |",
    ]


def test_columns_can_be_chosen_and_ranks_are_whole_numbers():
    ranked = replace(
        summary("a", "lexclip"),
        metrics={"test/antonym/median_rank": {"value": 2709.5, "low": 2384, "high": 3034, "before": 292}},
    )
    others = [summary("b", "blog-release", value=0.5), summary("c", "lexclip-shuffled", value=0.4)]
    table = comparison([*others, ranked], ("lexclip-shuffled", "lexclip")).splitlines()
    assert table[0] == "| measure | before | `lexclip-shuffled` | `lexclip` |"
    assert table[2] == "| rank of an antonym, median | 292 | n/a | 2,710 (2,384-3,034) |"


def test_a_run_that_was_not_measured_shows_na():
    table = comparison([summary("a", "lexclip", value=0.7), summary("b", "bare")])
    assert table.splitlines()[2] == "| … all senses | n/a | 0.700 | n/a |"


def test_runs_on_paraphrases_have_no_column():
    other = summary("c", "paraclip-emoji", value=0.4)
    on_pictures = replace(other, config={"preset": "paraclip-emoji", "image_tower": "emoji"})
    assert comparison([summary("a", "lexclip", value=0.7), on_pictures]) == comparison(
        [summary("a", "lexclip", value=0.7)]
    )


def test_what_the_readme_says_of_its_table_holds():
    text = " ".join((storage.project_root() / "README.md").read_text(encoding="utf-8").split())
    ours, first = (run_of_preset(preset).metrics for preset in ("lexclip", "lexclip-first"))
    change, low, high = (ours[AUC][name] for name in ("change", "change_low", "change_high"))
    assert f"The paired change of the AUC is {change:+.2f} ({low:.2f} to {high:.2f}) for seed 0" in text
    assert change == pytest.approx(ours[AUC]["value"] - ours[AUC]["before"])
    assert ours[RELATEDNESS]["value"] < ours[RELATEDNESS]["before"]
    seeds = [run.metrics for run in list_runs(RUNS)[0] if run.preset == "lexclip"]
    for key, label in COMPARED.items():  # ahead of the first recipe in every row
        mean = np.mean([one[key]["value"] for one in seeds])
        lower_is_better = "synonym, rate" in label or "rank of a synonym" in label
        assert (mean < first[key]["value"]) if lower_is_better else (mean > first[key]["value"]), label
    similar = [key for key in COMPARED if key.startswith("heldout/")]
    gains = {key: ours[key]["value"] - ours[key]["before"] for key in similar}
    assert max(gains, key=lambda key: gains[key]) == "heldout/simlex-999/spearman"
    ranks = {one: ours[f"test/{one}/median_rank"] for one in ("synonym", "antonym")}
    assert ranks["antonym"]["value"] > 5 * ranks["antonym"]["before"]
    low, high = ranks["synonym"]["low"], ranks["synonym"]["high"]
    assert low < ranks["synonym"]["before"] < high  # synonyms stay where they were


def test_what_the_page_on_tuning_says_of_its_tables_holds():
    table = pd.read_csv(storage.data_folder() / "scale" / "alphas.csv")
    own = table[table["alpha"] == table["preset"].map(lambda preset: PRESETS[preset].alpha)]
    both = own.groupby(["metric", "preset"])["value"].last().unstack()
    ours, second = both["lexclip"], both["lexclip-second"]
    kept = "retention/dev/neighbour_overlap@10"
    assert ours[kept] == pytest.approx(second[kept], abs=0.01)  # with nearly as many neighbours
    for split in ("dev", "test"):
        better = [f"{split}/synonym_over_antonym_auc{one}" for one in ("", "/dominant")]
        assert (ours[better] > second[better]).all()
        assert ours[f"{split}/antonym/median_rank"] > second[f"{split}/antonym/median_rank"]
        assert ours[f"{split}/synonym/median_rank"] < second[f"{split}/synonym/median_rank"]
    metrics = [run_of_preset(preset).metrics for preset in ("lexclip", "lexclip-constant")]
    for one in (one[f"heldout/{name}/spearman"] for name in ("simlex-999", "men") for one in metrics):
        assert one["value"] > one["before"]  # similarity gains, part of it without values
    pairs = table.loc[table["metric"] == "dev/synonym_over_antonym_auc/dominant", "n"]
    page = (storage.project_root() / "docs" / "tuning.md").read_text(encoding="utf-8")
    assert f"There are only {pairs.iloc[0]:.0f} development pairs" in page


def test_a_run_at_its_own_alpha_is_the_run():
    table = pd.read_csv(storage.data_folder() / "scale" / "alphas.csv")
    run = run_of_preset("lexclip")
    own = table[(table["run"] == run.run_id) & (table["alpha"] == run.config["alpha"])]
    own = own.set_index("metric")["value"]
    for key in (AUC, "heldout/simlex-999/spearman", "retention/test/neighbour_overlap@10"):
        assert own[key] == pytest.approx(run.metrics[key]["value"], abs=1e-3)
