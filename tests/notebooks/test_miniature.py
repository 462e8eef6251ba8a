"""The profile `paper` from end to end, on a miniature of the official layouts with random weights.

Four notebooks stand for all, as each takes half a minute; LEXCLIP_MINIATURE=all runs every one.
"""

from __future__ import annotations

import os
from pathlib import Path

import miniature
import pytest

from lexclip_core import notebook_runner
from lexclip_core.notebook_runner.paths import names_of

# FER2013, ImageNet, OpenImages, COCO
SOME = ("11_emotions", "12_synonyms", "15_second_domain", "21_paraclip_finetuning")
EXPERIMENTS = notebook_runner.read_experiments()


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("miniature")
    yield miniature.build(folder)
    (folder / "weights" / "open_clip_model.safetensors").unlink()  # 300 MB


def chosen() -> tuple[str, ...]:
    if os.environ.get("LEXCLIP_MINIATURE") == "all":
        return tuple(one.stem for one in EXPERIMENTS)
    return SOME


def test_the_papers_profile_lacks_nothing_but_real_files(paths: Path, tmp_path: Path):
    settings = notebook_runner.Settings(jobs=2, paths=paths, overrides=miniature.TINY)
    outcomes = notebook_runner.run_notebooks("paper", only=chosen(), output=tmp_path, settings=settings)
    assert [Path(one.file).stem for one in outcomes] == list(chosen())
    assert all(one.metrics for one in outcomes)


def test_these_notebooks_read_all_kinds_of_sets_and_weights():
    def asked(stems: tuple[str, ...]) -> set[tuple[str, str]]:
        profiles = [one.parameters["paper"] for one in EXPERIMENTS if one.stem in stems]
        return {need for parameters in profiles for need in names_of(parameters)}

    every = tuple(one.stem for one in EXPERIMENTS)
    assert {need for need in asked(every) if need[0] == "folders"} <= asked(SOME)


def test_the_miniature_is_complete_and_of_the_official_layouts(paths: Path):
    found = notebook_runner.read_paths(paths)
    parameters = {one.file: one.parameters["paper"] for one in EXPERIMENTS}
    assert notebook_runner.lacking(EXPERIMENTS, parameters, found) == ()
