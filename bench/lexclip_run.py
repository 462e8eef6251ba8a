"""A run of `lexclip` on the embedded default: words encoded a second, and minutes of training.

Words are encoded by transformers' own model in batches of 32, each padded to its longest word, as
sentence-transformers does by default, and by ours. The minutes are those of all steps of both recipes, from
two steps of each after a first one; measuring the run and drawing its maps come on top.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional
from transformers import AutoModel, AutoTokenizer

from bench.encoding import agreement, class_names, one_core, timed
from bench.real_clip import words_step
from bench.table import Row, show
from lexclip_core.towers.loading import load
from lexclip_core.towers.registry import MINILM
from lexclip_core.towers.sources import minilm_folder

WORDS, BATCH = 3_000, 32


def plain_call(words: list[str]) -> np.ndarray:
    """Return unit rows of words, batch by padded batch: the mean over tokens of transformers' model."""
    folder, rows = str(minilm_folder()), []
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    model = AutoModel.from_pretrained(folder, use_safetensors=True, trust_remote_code=False).eval()
    with torch.inference_mode():
        for start in range(0, len(words), BATCH):
            batch = tokenizer(words[start : start + BATCH], padding=True, return_tensors="pt")
            mask = batch["attention_mask"].unsqueeze(-1)
            states = model(**batch).last_hidden_state
            rows.append(functional.normalize((states * mask).sum(dim=1) / mask.sum(dim=1), dim=-1))
    return torch.cat(rows).numpy()


def rows() -> list[Row]:
    """Return words a second against the plain way, and the CPU minutes of a run's training."""
    words, tower = class_names(WORDS), load(MINILM, device="cpu")
    with one_core():
        plain_call(words[:BATCH])
        tower.encode_texts(words[-BATCH:])
        plain_seconds, plain = timed(lambda: plain_call(words))
        seconds, ours = timed(lambda: tower.encode_texts(words))
        what, each, steps = words_step("lexclip", Path(MINILM))
    return [
        {
            "name": f"words encoded, {MINILM}, against transformers' model in batches of {BATCH}",
            "value": WORDS / seconds,
            "unit": "words/s",
            "baseline": WORDS / plain_seconds,
            "ratio": plain_seconds / seconds,
            "target": "> 1x",
        },
        agreement("vectors of words, ours and transformers'", float(np.abs(ours - plain).max())),
        {
            "name": f"training of a run: {steps} times {what}",
            "value": each * steps / 60,
            "unit": "CPU minutes",
            "baseline": None,
            "ratio": None,
            "target": "<= 20",
        },
    ]


if __name__ == "__main__":
    show(rows())
