"""Two processes on the command line: every command that trains writes and prints once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lexclip_core import storage
from lexclip_core.experiments.run_folder import read_run
from lexclip_core.training.settings import settings_of

WORDS = "words=happy,sad,cheerful,dog,cat,wolf"
SMALL = ("device=cpu", "trainable=last:1")
# pictures and texts need one dimension, which the tiny towers do not share
PARAPHRASES = (*SMALL, "max_records=16", "batch=8", "steps=2")


def run(tmp_path: Path, *arguments: str, processes: int = 2) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would, under torchrun where there are several processes."""
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    start = [sys.executable, *(launcher if processes > 1 else []), "-m", "lexclip_core.cli"]
    runs = {"LEXCLIP_RUNS": str(tmp_path / "runs")}
    environment = {**os.environ, **runs, "OMP_NUM_THREADS": "1", "LEXCLIP_PROGRESS": "0"}
    done = subprocess.run([*start, *arguments], capture_output=True, text=True, env=environment, timeout=900)
    assert done.returncode == 0, done.stderr[-3000:]
    return done


def changes(*texts: str) -> list[str]:
    return [part for text in texts for part in ("--set", text)]


@pytest.mark.parametrize(
    ("command", "preset", "texts"),
    [
        (["tune"], "blog-release", ("tower=tiny-random", *SMALL, WORDS, "steps=3", "target=lexical")),
        (["paraclip", "tune"], "paraclip-emoji", PARAPHRASES),
    ],
    ids=["words", "paraphrases"],
)
def test_a_run_of_two_processes_is_written_and_printed_once(tmp_path, command, preset, texts):
    done = run(tmp_path, *command, "--preset", preset, *changes(*texts), "--json")
    answer = json.loads(done.stdout)
    [folder] = (tmp_path / "runs").iterdir()
    assert answer["path"] == str(folder)
    made = read_run(folder)
    kind = type(settings_of(preset))
    assert made.run_id == kind.from_flat({"preset": preset} | kind.read_texts(texts)).run_id
    assert len(made.history) == made.config["steps"]
    assert not any((storage.cache_folder() / "experiments" / made.run_id).iterdir())


def test_a_sweep_of_two_processes_is_written_and_printed_once(tmp_path):
    texts = changes(*PARAPHRASES)
    out = ("--out", str(tmp_path), "--scenes", "12", "--seeds", "1")
    done = run(tmp_path, "paraclip", "sweep", "tradeoffs", *texts, *out)
    assert done.stdout.count(" rows in ") == 1
    [table] = tmp_path.glob("*.csv")
    rows = table.read_text().splitlines()
    assert f"{len(rows) - 1} rows in {table}" in done.stdout
