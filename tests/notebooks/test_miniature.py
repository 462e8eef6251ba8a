"""The profile `paper` from end to end, on a miniature of the official layouts with random weights.

Four notebooks stand for all, as each takes half a minute; LEXCLIP_MINIATURE=all runs every one.
"""

from __future__ import annotations

import os
from pathlib import Path

import miniature
import pytest

from tools.notebook_runner.catalogue import read_catalogue
from tools.notebook_runner.paths import missing_resources, placeholders, read_paths
from tools.notebook_runner.running import RunOptions, run_notebooks

# FER2013, ImageNet, OpenImages, COCO
SOME = ("11_emotions", "12_synonyms", "15_second_domain", "21_paraclip_finetuning")
ENTRIES = read_catalogue()


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("miniature")
    yield miniature.build(folder)
    (folder / "weights" / "open_clip_model.safetensors").unlink()  # 300 MB


def chosen() -> tuple[str, ...]:
    if os.environ.get("LEXCLIP_MINIATURE") == "all":
        return tuple(one.stem for one in ENTRIES)
    return SOME


def test_the_papers_profile_lacks_nothing_but_real_files(paths: Path, tmp_path: Path):
    options = RunOptions(jobs=2, paths=paths, overrides=miniature.TINY)
    outcomes = run_notebooks("paper", only=chosen(), output=tmp_path, options=options)
    assert [Path(one.file).stem for one in outcomes] == list(chosen())
    assert all(one.metrics for one in outcomes)


def test_these_notebooks_read_all_kinds_of_sets_and_weights():
    def asked(stems: tuple[str, ...]) -> set[tuple[str, str]]:
        profiles = [one.parameters["paper"] for one in ENTRIES if one.stem in stems]
        return {need for parameters in profiles for need in placeholders(parameters)}

    every = tuple(one.stem for one in ENTRIES)
    assert {need for need in asked(every) if need[0] == "folders"} <= asked(SOME)


def test_the_miniature_is_complete_and_of_the_official_layouts(paths: Path):
    parameters = {one.stem: one.parameters["paper"] for one in ENTRIES}
    assert missing_resources(parameters, read_paths(paths)) == {}
