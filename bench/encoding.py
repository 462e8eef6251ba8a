"""Encode 10,000 class names: texts at their true length against open_clip's plain call at 77 tokens.

Both sides run the same ViT-B-32 text tower with random weights, which costs what trained weights cost. The
plain call is timed on a sample of the names, since all of them would take a quarter of an hour. All times are
CPU seconds of one core, since the machine may be busy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import open_clip
import torch

from bench.table import Row, show
from lexclip_core.towers.open_clip import architecture_config, build_text_model, build_tokenizer
from lexclip_core.towers.registry import TowerSpec
from lexclip_core.towers.tower import Tower
from lexclip_core.wordnet.tables import load_wordnet

T = TypeVar("T")

NAMES = 10_000
SAMPLE = 192
PLAIN_BATCH = 64
ARCHITECTURE = "ViT-B-32"


@contextmanager
def one_core() -> Iterator[None]:
    """Let torch compute on one core inside the block."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Return the CPU seconds of a call, and its result."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def agreement(name: str, difference: float) -> Row:
    """Return the row that says how far two ways of computing the same lie apart."""
    return {
        "name": name,
        "value": difference,
        "unit": "difference",
        "baseline": None,
        "ratio": None,
        "target": "<= 1e-5",
    }


def random_clip() -> Tower:
    """Return a ViT-B-32 text tower with open_clip's own random initial weights, seed 0."""
    torch.manual_seed(0)
    config = architecture_config(ARCHITECTURE)
    tokenizer = build_tokenizer(config)
    record = TowerSpec("random", ARCHITECTURE, "", "gelu", tokenizer.name, 77, 512, "random numbers")
    return Tower(build_text_model(config), tokenizer, record, sha256="", device=torch.device("cpu"))


def class_names(count: int) -> list[str]:
    """Return `count` different WordNet nouns, drawn with a fixed seed."""
    nouns = sorted(load_wordnet().words("n"))
    drawn = np.random.default_rng(0).choice(len(nouns), size=count, replace=False)
    return [nouns[index] for index in drawn]


def plain_call(tower: Tower, texts: list[str]) -> np.ndarray:
    """Return the embeddings as open_clip's documentation computes them: 77 tokens a text."""
    batches = []
    with torch.no_grad():
        for start in range(0, len(texts), PLAIN_BATCH):
            tokens = open_clip.tokenize(texts[start : start + PLAIN_BATCH])
            batches.append(tower.model.encode_text(tokens, normalize=True).numpy())
    return np.concatenate(batches)


def rows() -> list[Row]:
    """Return the CPU time of a name, ours and plain, and how far the vectors lie apart."""
    tower, names = random_clip(), class_names(NAMES)
    sample = names[:SAMPLE]
    with one_core():
        plain_call(tower, sample[:PLAIN_BATCH])
        tower.encode_texts(sample[:PLAIN_BATCH])
        plain_seconds, plain = timed(lambda: plain_call(tower, sample))
        tower.tokenizer = build_tokenizer(architecture_config(ARCHITECTURE))  # with nothing remembered
        seconds, ours = timed(lambda: tower.encode_texts(names))
    each, plain_each = seconds / NAMES, plain_seconds / SAMPLE
    return [
        {
            "name": f"encode {NAMES:,} class names, {ARCHITECTURE}, against 77 tokens",
            "value": 1000 * each,
            "unit": "ms/name",
            "baseline": 1000 * plain_each,
            "ratio": plain_each / each,
            "target": ">= 8x",
        },
        agreement("vectors, ours and plain", float(np.abs(ours[:SAMPLE] - plain).max())),
    ]


if __name__ == "__main__":
    show(rows())
