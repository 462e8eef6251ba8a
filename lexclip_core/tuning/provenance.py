"""Where a run comes from: versions, commit, weights, seeds, time, and the command that repeats it."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
from importlib import metadata
from typing import Any

from lexclip_core import storage
from lexclip_core.config import Experiment, ParaclipExperiment, TrainingSettings
from lexclip_core.towers import Tower

_PACKAGES = ("torch", "open_clip_torch", "transformers", "peft", "nltk", "numpy", "umap-learn")
_COMMANDS: dict[type[TrainingSettings], str] = {
    Experiment: "lexclip tune",
    ParaclipExperiment: "lexclip paraclip tune",
}


def provenance(experiment: TrainingSettings, tower: Tower, *, seconds: float) -> dict[str, Any]:
    """Return what a later reader needs to trust or repeat a run."""
    return {
        "command": command(experiment),
        "git_commit": git_commit(),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "cores": os.cpu_count(),
        "device": str(tower.device),
        "seed": experiment.seed,
        "weights_sha256": tower.sha256,
        "wall_seconds": round(seconds, 1),
    }


def command(experiment: TrainingSettings) -> str:
    """Return the shell command that makes the run again, naming only what differs from its preset."""
    kind = type(experiment)
    start = kind.presets().get(experiment.preset, kind()).flat()
    changed = {name: value for name, value in experiment.flat().items() if value != start[name]}
    changed.pop("preset", None)
    settings = " ".join(f"--set {shlex.quote(f'{name}={value}')}" for name, value in changed.items())
    return f"{_COMMANDS[kind]} --preset {experiment.preset} {settings}".strip()


def git_commit() -> str:
    """Return the commit that the code stands at, or `unknown` outside of git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            cwd=storage.project_root(),
            capture_output=True,
            text=True,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"
