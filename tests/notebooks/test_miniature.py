"""The profile `paper` from end to end, on a miniature of the official layouts with random weights.

Four notebooks stand for all, as each takes long; LEXCLIP_MINIATURE=all runs every one.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import miniature
import pytest
from warm_kernels import warm_kernels

from lexclip_core.papers.ledger import ledger_table
from tools.notebook_runner.catalogue import read_catalogue
from tools.notebook_runner.execution import collect_measurements
from tools.notebook_runner.paths import missing_resources, placeholders, read_paths
from tools.notebook_runner.running import RunOptions, run_notebooks

# FER2013; ImageNet; OpenImages; COCO with ARO, STS and pairs of queries
SOME = ("11_emotions", "12_other_names", "15_second_domain", "22_table1")
FEWER = {"sizes": [3]}  # than `miniature.TINY` has: each size is trained on anew
ENTRIES = read_catalogue()
EVERY = os.environ.get("LEXCLIP_MINIATURE") == "all"


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("miniature")
    yield miniature.build(folder)
    (folder / "weights" / "open_clip_model.safetensors").unlink()  # 300 MB


def test_the_papers_profile_lacks_nothing_but_real_files(paths: Path, tmp_path: Path):
    stems = tuple(one.stem for one in ENTRIES) if EVERY else SOME
    overrides = miniature.TINY | ({} if EVERY else FEWER)
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    with warm_kernels({"OMP_NUM_THREADS": threads, "NUMBA_NUM_THREADS": threads}):
        options = RunOptions(jobs=2, paths=paths, overrides=overrides)
        outcomes = run_notebooks("paper", only=stems, output=tmp_path, options=options)
    assert [Path(one.file).stem for one in outcomes] == list(stems)
    assert all(one.metrics for one in outcomes)
    # Random weights under the real names are judged by nothing; under their checksums they would be by value.
    made = [one for found in collect_measurements(tmp_path, profile="paper").values() for one in found]
    assert set(_number_rows(made)["comparison"]) <= {"", "elsewhere", "level"}
    real = [replace(one, conditions=replace(one.conditions, verified=True)) for one in made]
    judged = _number_rows(real).query("comparison == 'value'")
    assert judged["id"].str.startswith("paraclip | Table 1 | OpenAI").sum() == 16
    assert judged["id"].str.startswith("blog | FER2013").sum() == 8
    towers = {one.conditions.text_tower: one.conditions.activation for one in made}
    assert towers["ViT-B-32/laion400m_e31"] == "gelu"  # as published, and the right one next to it
    assert towers["ViT-B-32-quickgelu/laion400m_e31"] == "quickgelu"


def _number_rows(measurements):
    table = ledger_table(measurements)
    return table[(table["kind"] == "number") & (table["measured"] != "")]


def test_these_notebooks_read_all_kinds_of_sets_and_weights():
    def asked(stems: tuple[str, ...]) -> set[tuple[str, str]]:
        profiles = [one.parameters["paper"] for one in ENTRIES if one.stem in stems]
        return {need for parameters in profiles for need in placeholders(parameters)}

    every = tuple(one.stem for one in ENTRIES)
    assert {need for need in asked(every) if need[0] == "folders"} <= asked(SOME)


def test_the_miniature_is_complete_and_of_the_official_layouts(paths: Path):
    parameters = {one.stem: one.parameters["paper"] for one in ENTRIES}
    assert missing_resources(parameters, read_paths(paths)) == {}
