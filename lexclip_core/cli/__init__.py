"""The `lexclip` command; the libraries a command needs are imported when it runs, so that --help is quick."""

from __future__ import annotations

from lexclip_core.cli import (
    evaluation,
    image_tower,
    ledger,
    machine,
    models,
    notebooks,
    paraclip,
    paraphrase,
    pictures,
    run_folders,
    tuning,
    words,
)
from lexclip_core.cli.application import application, main

__all__ = [
    "application",
    "evaluation",
    "image_tower",
    "ledger",
    "machine",
    "main",
    "models",
    "notebooks",
    "paraclip",
    "paraphrase",
    "pictures",
    "run_folders",
    "tuning",
    "words",
]
