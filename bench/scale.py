"""Text-side training at scale: all of ImageNet's words at once, and memory as the vocabulary grows.

The tower of the first part is ViT-B-32 with random weights, saved as a checkpoint and loaded like a real one:
it costs what trained weights cost. Times are CPU seconds of one core, since the machine may be busy. Memory
is the peak of a process of its own for each size, which imports, reads WordNet, encodes the vocabulary and
takes some steps. `python -m bench.scale` also keeps data/scale/memory.csv and data/scale/times.csv; with
`times` it measures the latter alone.
"""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from bench.encoding import ARCHITECTURE, one_core, timed
from bench.table import Row, show
from lexclip_core import storage
from lexclip_core.datasets.class_names import name_set
from lexclip_core.datasets.pictures.imagenet import wnids
from lexclip_core.experiments.words import matrix_materials
from lexclip_core.targets.wu_palmer import wu_palmer_blocks
from lexclip_core.towers.loading import load
from lexclip_core.towers.open_clip import architecture_config, build_text_model
from lexclip_core.towers.trainable import set_trainable
from lexclip_core.training.loop import train
from lexclip_core.training.objectives import LexicalObjective
from lexclip_core.training.settings import MatrixSettings
from lexclip_core.wordnet.tables import load_wordnet

SIZES = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000)
STEPS, BATCH = 6, 256
WHOLE_STEPS = 2
COLUMNS = ("words", "peak_mb", "all_pairs_mb", "before_mb")
_BYTES_A_PAIR = 12  # float64 as computed and float32 as trained on


def random_checkpoint(path: Path) -> Path:
    """Write the text half of a ViT-B-32 with open_clip's own random initial weights, seed 0."""
    torch.manual_seed(0)
    model = build_text_model(architecture_config(ARCHITECTURE))
    header = {"architecture": ARCHITECTURE, "activation": "gelu"}
    with storage.atomic_write(path) as temporary:
        save_file({name: value.contiguous() for name, value in model.state_dict().items()}, temporary, header)
    return path


def imagenet_vocabulary() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the blog's 1,358 words, of 478 ImageNet classes as its code spells them, and their synsets."""
    wordnet = load_wordnet()
    lemmas = {wnid: wordnet.lemmas[wordnet.index(wnid)] for wnid in wnids()}
    several = {
        wnid: (wnid, names[0].replace("_", " ").lower()) for wnid, names in lemmas.items() if len(names) > 1
    }
    found = name_set(wordnet, several, "synonym", comparison="as_spelt")
    return (
        tuple(word for one in found.classes for word in one.words),
        tuple(synset for one in found.classes for synset in one.synsets),
    )


def whole_vocabulary() -> list[Row]:
    """Return the cost of a step over all pairs of ImageNet's words, and of encoding them."""
    words, synsets = imagenet_vocabulary()
    settings = MatrixSettings(preset="bench", sampling="full_matrix", steps=WHOLE_STEPS, lr=1e-5)
    with tempfile.TemporaryDirectory() as folder, one_core():
        tower = load(str(random_checkpoint(Path(folder) / "random.safetensors")), device="cpu")
        made_seconds, material = timed(lambda: matrix_materials(settings, words, synsets))
        encoded_seconds, reference = timed(lambda: tower.encode_texts(words))
        set_trainable(tower, "all")
        objective = LexicalObjective(words, material.sampler, settings, reference)
        seconds, _ = timed(lambda: train(tower, objective, settings))
    pairs = len(words) * (len(words) - 1) // 2
    return [
        _row(f"targets of {pairs:,} pairs of {len(words):,} words", made_seconds, "s", "< 10"),
        _row(f"encode {len(words):,} words, {ARCHITECTURE}", 1000 * encoded_seconds / len(words), "ms/word"),
        _row(
            f"a step, which is an epoch, over all {pairs:,} pairs", seconds / WHOLE_STEPS, "s/step", "< 180"
        ),
        _row("words trained on", WHOLE_STEPS * len(words) / seconds, "words/s"),
    ]


def all_nouns() -> list[Row]:
    """Return how fast all pairs of WordNet's nouns are streamed."""
    wordnet = load_wordnet()
    nouns = np.flatnonzero(wordnet.pos == "n")
    part = nouns[:: len(nouns) // 4_096]  # a sample of the rows, against all columns
    next(wu_palmer_blocks(nouns))  # compiled, and its memory touched
    seconds, sums = timed(lambda: sum(int(strip.shape[0]) for _, strip in wu_palmer_blocks(part, nouns)))
    each = seconds / (sums * len(nouns))
    return [
        _row(f"stream all {len(nouns):,} x {len(nouns):,} nouns", each * len(nouns) ** 2, "s", "< 120"),
        _row("... at", 1e-6 / each, "million pairs/s"),
    ]


def _row(name: str, value: float, unit: str, target: str | None = None) -> Row:
    return {"name": name, "value": value, "unit": unit, "baseline": None, "ratio": None, "target": target}


def peak_memory() -> float:
    """Return the most memory this process ever had, in megabytes."""
    if Path("/proc/self/status").exists():
        # Linux hands `ru_maxrss` down from whoever started the process; the kernel's own mark begins anew.
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(status.split("VmHWM:")[1].split()[0]) / (1 << 10)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)  # macOS counts in bytes


def measured_here(size: int) -> dict[str, float]:
    """Return the peak memory of this process after some steps on as many WordNet nouns, in megabytes."""
    nouns = sorted(load_wordnet().words("n"))
    drawn = np.random.default_rng(0).choice(len(nouns), size=size, replace=False)
    words = tuple(nouns[index] for index in drawn)
    tower = load("tiny-random", device="cpu")
    tower.encode_texts(words[:BATCH])
    before = peak_memory()
    settings = MatrixSettings(preset="bench", sampling="in_batch", batch=BATCH, steps=STEPS, lr=1e-5)
    material = matrix_materials(settings, words)
    set_trainable(tower, "all")
    train(tower, LexicalObjective(words, material.sampler, settings, tower.encode_texts(words)), settings)
    return {
        "words": size,
        "peak_mb": round(peak_memory(), 1),
        "all_pairs_mb": round(_BYTES_A_PAIR * size**2 / (1 << 20), 1),
        "before_mb": round(before, 1),
    }


def memory() -> Iterator[dict[str, float]]:
    """Yield the peak memory at each size, each measured in a fresh process."""
    for size in storage.progress(SIZES, desc="memory"):
        done = subprocess.run(
            [sys.executable, "-m", "bench.scale", str(size)],
            cwd=storage.project_root(),
            env={**os.environ, "LEXCLIP_PROGRESS": "0"},
            capture_output=True,
            check=True,
            text=True,
        )
        yield json.loads(done.stdout.splitlines()[-1])


def keep(name: str, columns: Sequence[str], measured: Sequence[Mapping[str, Any]]) -> None:
    """Write a table of data/scale."""
    path = storage.data_folder() / "scale" / f"{name}.csv"
    with storage.atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(measured)


def memory_rows(measured: list[dict[str, float]]) -> list[Row]:
    """Return the measured peaks as rows, each beside what a matrix of all pairs would take."""
    rows = [
        {
            **_row(f"peak memory, {one['words']:,} words in batches of {BATCH}", one["peak_mb"], "MB"),
            "baseline": one["all_pairs_mb"],
        }
        for one in measured
    ]
    grown = measured[-1]["peak_mb"] / measured[0]["peak_mb"]
    rows.append(_row("... the largest over the smallest", grown, "x", "< 1.5"))
    return rows


def rows() -> list[Row]:
    """Return the cost of ImageNet's whole vocabulary, of all nouns' pairs, and memory by vocabulary."""
    return [*whole_vocabulary(), *all_nouns(), *memory_rows(list(memory()))]


def main() -> None:
    """Measure one size in this process, as JSON, or everything, or the times; then keep the tables."""
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        sys.stdout.write(json.dumps(measured_here(int(sys.argv[1]))) + "\n")
        return
    times = [*whole_vocabulary(), *all_nouns()]
    keep("times", ("name", "value", "unit"), [{**one, "value": f"{one['value']:.4g}"} for one in times])
    if sys.argv[1:] == ["times"]:
        show(times)
        return
    measured = list(memory())
    keep("memory", COLUMNS, measured)
    show([*times, *memory_rows(measured)])


if __name__ == "__main__":
    main()
