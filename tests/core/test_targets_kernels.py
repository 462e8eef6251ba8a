"""Compiled functions: where their machine code is cached, and what happens where it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba.core import config

from lexclip_core.targets.kernels import compiled, compiled_once
from lexclip_core.targets.taxonomy import load_taxonomy
from lexclip_core.targets.wu_palmer import wu_palmer_matrix


def one_more(number):
    return number + 1


def test_machine_code_is_in_the_cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path))
    monkeypatch.setattr(config, "CACHE_DIR", "")
    assert compiled(one_more)(1) == 2
    assert list((tmp_path / "numba").rglob("*one_more*.nbi"))
    assert config.CACHE_DIR == ""  # other packages' functions are left alone


def test_a_folder_chosen_for_numba_is_respected(tmp_path, monkeypatch):
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "lexclip"))
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "chosen"))
    assert compiled(one_more)(1) == 2
    assert list((tmp_path / "chosen").rglob("*one_more*.nbi"))
    assert not (tmp_path / "lexclip").exists()


def test_a_function_is_compiled_once_however_often_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path))
    monkeypatch.setattr(config, "CACHE_DIR", "")
    assert compiled_once(one_more, fastmath=True) is compiled_once(one_more, fastmath=True)
    assert compiled_once(one_more, fastmath=True) is not compiled_once(one_more)
    assert compiled_once(one_more)(1) == 2
    assert list((tmp_path / "numba").rglob("*one_more*.nbi"))


def test_code_that_cannot_be_cached_runs_all_the_same(caplog):
    scope = {}
    exec("def two_more(number):\n    return number + 2\n", scope)  # no file, so numba finds no place for it
    assert compiled(scope["two_more"])(1) == 3
    assert "not cached for the next start" in caplog.text


def test_an_unusable_cache_folder_does_not_stop_the_import(tmp_path):
    (tmp_path / "file").write_text("a file stands where the folder should be")
    environment = {**os.environ, "LEXCLIP_CACHE": str(tmp_path / "file"), "HOME": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    code = "import lexclip_core.targets.kernels as kernel; print(kernel.score_block)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert "score_block" in done.stdout


def test_eight_threads_get_the_same_scores():
    nouns = np.flatnonzero(load_taxonomy().kinds == ord("n"))
    blocks = [np.random.default_rng(seed).choice(nouns, 300) for seed in range(8)]
    alone = [wu_palmer_matrix(block) for block in blocks]
    with ThreadPoolExecutor(8) as threads:
        for _ in range(5):
            for scores, expected in zip(threads.map(wu_palmer_matrix, blocks), alone, strict=True):
                np.testing.assert_array_equal(scores, expected)
