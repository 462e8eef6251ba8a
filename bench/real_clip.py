"""What each step of docs/real_clip.md costs with a CLIP of real size: ViT-B-32 with random weights.

Random weights cost what trained ones cost. A few steps of each training are timed and the whole is
extrapolated; times are CPU seconds of one core, since the machine may be busy, and memory is the peak of a
process of its own. `python -m bench.real_clip` keeps data/scale/real_clip.csv; with
names of `PARTS` it measures their rows alone. The lexical card wants `--test-sets`: every `SAMPLED`th of its
texts is encoded, the rest of it is done as it is.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image
from safetensors.torch import save_file

from bench.encoding import one_core
from bench.paraphrase_records import made_up_records
from bench.scale import peak_memory
from bench.table import processor
from lexclip_core import storage
from lexclip_core.evaluation.card import CardTower
from lexclip_core.evaluation.card_measures import make_card
from lexclip_core.experiments.pipeline import word_objective
from lexclip_core.experiments.word_measures import card_items
from lexclip_core.experiments.words import frequent_words
from lexclip_core.paraphrase.records import PictureRows, RecordTable
from lexclip_core.targets.taxonomy import load_taxonomy
from lexclip_core.towers.loading import load, load_image
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import set_trainable
from lexclip_core.training.loop import train
from lexclip_core.training.objectives import Objective, ParaclipObjective
from lexclip_core.training.settings import ParaphraseSettings, RelationSettings, TrainingSettings, settings_of

ARCHITECTURE = "ViT-B-32-quickgelu"
WORDS, PICTURES, TIMED, SAMPLED = 400, 16, 2, 20
COLUMNS = ("what", "unit", "seconds_each", "times", "hours", "peak_mb", "processor")

logger = logging.getLogger(__name__)


def random_clip_file(path: Path) -> Path:
    """Write a whole CLIP with open_clip's own random initial weights, seed 0."""
    torch.manual_seed(0)
    tensors = {
        name: value.contiguous() for name, value in open_clip.create_model(ARCHITECTURE).state_dict().items()
    }
    save_file(tensors, path, {"architecture": ARCHITECTURE, "activation": "quickgelu"})
    return path


def _steps(settings: TrainingSettings, objective: Objective, tower: Tower) -> float:
    """Return the CPU seconds of a step after the first, which sets up what the others use."""
    whole, objective.steps = objective.steps, 1 + TIMED
    ended: list[float] = []
    step = objective.step

    def timed(number: int, world: object) -> object:
        ended.append(time.process_time())
        return step(number, world)  # type: ignore[arg-type]

    objective.step = timed  # type: ignore[method-assign, assignment]
    train(tower, objective, settings)
    objective.steps = whole
    return (time.process_time() - ended[1]) / TIMED


def encoding(file: Path) -> tuple[str, float, int]:
    """Time the words of a vocabulary."""
    tower, words = load(str(file), device="cpu"), frequent_words(WORDS + 20)
    tower.encode_texts(words[:20])
    began = time.process_time()
    tower.encode_texts(words[20:])
    return "a word encoded", (time.process_time() - began) / WORDS, 1_000


def pictures(file: Path) -> tuple[str, float, int]:
    """Time pictures of noise, prepared and encoded."""
    tower = load_image(str(file), device="cpu")
    noise = np.random.default_rng(0).integers(0, 256, (PICTURES + 1, 256, 256, 3), dtype=np.uint8)
    shown = [Image.fromarray(one) for one in noise]
    tower.encode_pictures(shown[:1])
    began = time.process_time()
    tower.encode_pictures(shown[1:])
    return "a picture encoded", (time.process_time() - began) / PICTURES, 50_000


def words_step(preset: str, file: Path) -> tuple[str, float, int]:
    """Time steps of a training on words; where two recipes are added, a step of each."""
    settings = settings_of(preset, {"tower": str(file), "device": "cpu"})
    tower = load(str(file), device="cpu", dtype=settings.dtype)
    objective, _ = word_objective(settings, tower)  # type: ignore[arg-type]
    set_trainable(tower, settings.trainable)
    what, each = f"a step of {preset}", _steps(settings, objective, tower)
    if objective.plus and isinstance(settings, RelationSettings) and (second := settings.second()):
        share = objective.plus.steps / objective.steps
        return (
            f"{what}, of both recipes",
            each + share * _steps(second, objective.plus, tower),
            objective.steps,
        )
    return what, each, objective.steps


def paraclip_step(file: Path) -> tuple[str, float, int]:
    """Time steps over 64 records a step, and give the time of one record."""
    made = made_up_records(256)
    changes = {"tower": str(file), "image_tower": str(file), "provider": "rules", "batch": 64, "chunk": 64}
    settings = settings_of("paraclip", {**changes, "device": "cpu"})
    assert isinstance(settings, ParaphraseSettings)
    rows = np.random.default_rng(0).standard_normal((len(made), 512)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    table, tower = RecordTable.of(made), load(str(file), device="cpu")
    set_trainable(tower, settings.trainable)
    shown = PictureRows.matched(table, [one.image for one in made], rows)
    objective = ParaclipObjective(table, settings, pictures=shown)
    return "a record of paraclip, one epoch", _steps(settings, objective, tower) / settings.batch, 100_000


def card(file: Path, test_sets: Path) -> tuple[str, float, int]:
    """Time a lexical card with all measures, per text that it encodes."""
    tower, images = load(str(file), device="cpu"), load_image(str(file), device="cpu")
    items = replace(card_items(), test_sets=test_sets, images=lambda: images)
    load_taxonomy()  # what every later card finds at hand
    asked: list[str] = []

    def made_up(texts: Sequence[str]) -> np.ndarray:
        asked.extend(texts)
        rows = np.random.default_rng(len(asked)).standard_normal((len(texts), tower.dim)).astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    began = time.process_time()
    if made := make_card(CardTower.of(tower), made_up, items).missing:
        raise RuntimeError(f"measures are missing: {made}")
    measuring, began = time.process_time() - began, time.process_time()
    sample = sorted(asked, key=len)[::SAMPLED]
    tower.encode_texts(sample)
    encoded = (time.process_time() - began) / len(sample)
    return "a text of a lexical card, with all measures", measuring / len(asked) + encoded, len(asked)


PARTS: dict[str, Callable[[Path], tuple[str, float, int]]] = {
    "encoding": encoding,
    "pictures": pictures,
    "lexclip": lambda file: words_step("lexclip", file),
    "blog-fast": lambda file: words_step("blog-fast", file),
    "blog-release": lambda file: words_step("blog-release", file),
    "paraclip": paraclip_step,
}


def measured(part: str, file: Path, test_sets: Path | None) -> dict[str, object]:
    """Return the row of a part, measured in this process."""
    with one_core():
        what, each, times = PARTS[part](file) if test_sets is None else card(file, test_sets)
    return {
        "what": what,
        "unit": "CPU s",
        "seconds_each": round(each, 4),
        "times": times,
        "hours": round(each * times / 3600, 3),
        "peak_mb": round(peak_memory()),
        "processor": processor(),
    }


def keep(found: Sequence[dict[str, object]]) -> None:
    """Write data/scale/real_clip.csv, other rows as they are."""
    path = storage.data_folder() / "scale" / "real_clip.csv"
    with path.open(encoding="utf-8", newline="") as stream:
        rows: dict[object, dict[str, object]] = {row["what"]: {**row} for row in csv.DictReader(stream)}
    rows |= {one["what"]: one for one in found}
    with storage.atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())


def main() -> None:
    """Measure parts, each in a process of its own, and keep the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.real_clip", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all by default")
    parser.add_argument("--test-sets", type=Path, help="measure the lexical card, on these sets")
    parser.add_argument("--file", type=Path, help="measure one part in this process, with these weights")
    given = parser.parse_args()
    if given.file:
        found = measured(given.parts[0], given.file, given.test_sets)
        sys.stdout.write(json.dumps(found) + "\n")
        return
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    asked = [[part] for part in given.parts or PARTS]
    if given.test_sets:
        asked.append(["card", "--test-sets", str(given.test_sets)])
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        file = random_clip_file(Path(folder) / "clip.safetensors")
        here = {"LEXCLIP_PROGRESS": "0", "OMP_NUM_THREADS": "1", "LEXCLIP_CACHE": folder}
        for part in asked:
            command = [sys.executable, "-m", "bench.real_clip", *part, "--file", str(file)]
            done = subprocess.run(
                command, capture_output=True, text=True, env={**os.environ, **here}, check=False
            )
            if done.returncode:
                logger.info("%s: %s", part[0], done.stderr[-2000:])
                continue
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            logger.info("%s", rows[-1])
    keep(rows)


if __name__ == "__main__":
    main()
