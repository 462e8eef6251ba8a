"""`blog-fast` against `blog-release`: how close 100 steps over all pairs end to thousands over ten each.

Both tune the default tower on the names and synonyms of some ImageNet classes. What is compared are the
cosines of all pairs of those words after training; two released runs that differ in the order of their pairs
alone say how close two ends can be. `python -m bench.blog_fast` keeps data/scale/blog_fast.csv; it takes ten
minutes of one core.
"""

from __future__ import annotations

import csv
import logging
import sys
import time

import numpy as np

from bench.encoding import one_core
from lexclip_core import storage
from lexclip_core.datasets.pictures.imagenet import synonym_classes
from lexclip_core.experiments.pipeline import tuned_copy
from lexclip_core.experiments.words import matrix_materials
from lexclip_core.towers.loading import load
from lexclip_core.towers.tower import Tower
from lexclip_core.training.objectives import LexicalObjective
from lexclip_core.training.settings import MatrixSettings, settings_of
from lexclip_core.wordnet.tables import load_wordnet

CLASSES = 16
FAST_STEPS = (25, 100)
COLUMNS = ("run", "words", "steps", "seconds", "moved", "from_release", "largest", "correlation")

logger = logging.getLogger(__name__)


def ended(settings: MatrixSettings, base: Tower, classes: int) -> tuple[np.ndarray, int, float, int]:
    """Return the cosines of all pairs after a training, its steps, seconds and words."""
    named = synonym_classes(load_wordnet(), classes, seed=0)
    both = [(word, wnid) for wnid, words in named.items() for word in words]
    words, synsets = tuple(word for word, _ in both), tuple(wnid for _, wnid in both)
    sampler = matrix_materials(settings, words, synsets).sampler
    objective = LexicalObjective(words, sampler, settings, base.encode_texts(words))
    began = time.process_time()
    tower, _ = tuned_copy(settings, objective, base)
    seconds = time.process_time() - began
    rows = tower.encode_texts(words)
    return (rows @ rows.T)[np.triu_indices(len(words), k=1)], objective.steps, seconds, len(words)


def compared() -> list[dict[str, object]]:
    """Return a row for each run: how far its cosines moved, and how far they lie from the first run's."""
    base, release = load("all-MiniLM-L6-v2", device="cpu"), settings_of("blog-release")
    fast = {f"blog-fast, {n} steps": settings_of("blog-fast", {"steps": n}) for n in FAST_STEPS}
    runs = {"blog-release": release, "blog-release, another order": release.replace(seed=1)} | fast
    named = synonym_classes(load_wordnet(), CLASSES, seed=0).values()
    rows = base.encode_texts([word for some in named for word in some])
    before, first = (rows @ rows.T)[np.triu_indices(len(rows), k=1)], None
    found: list[dict[str, object]] = []
    for name, settings in runs.items():
        after, steps, seconds, count = ended(settings, base, CLASSES)
        first = after if first is None else first
        found.append(
            {
                "run": name,
                "words": count,
                "steps": steps,
                "seconds": round(seconds, 1),
                "moved": round(float(np.abs(after - before).mean()), 4),
                "from_release": round(float(np.abs(after - first).mean()), 4),
                "largest": round(float(np.abs(after - first).max()), 4),
                "correlation": round(float(np.corrcoef(after - before, first - before)[0, 1]), 4),
            }
        )
        logger.info("%s", found[-1])
    return found


def main() -> None:
    """Measure and keep the table."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with one_core():
        found = compared()
    path = storage.data_folder() / "scale" / "blog_fast.csv"
    with storage.atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
