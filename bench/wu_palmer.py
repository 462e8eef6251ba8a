"""Wu-Palmer against NLTK's own loop on the same pairs: speed, and with `--verify` equality.

All times are CPU seconds of one core (the machine may be busy), the best of several runs; the kernel is
compiled and NLTK has its synsets in memory before the clock starts. NLTK is timed on a seeded sample of
the pairs of each block.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from bench.table import Row, show
from lexclip_core.targets.taxonomy import load_taxonomy
from lexclip_core.targets.word_level import wu_palmer_of_words
from lexclip_core.targets.wu_palmer import wu_palmer_matrix
from lexclip_core.wordnet.install import ensure_wordnet
from lexclip_core.wordnet.tables import load_wordnet

SAMPLE = 3000
REPEATS = 9

_FRESH = """
import time
start = time.process_time()
from lexclip_core.targets.taxonomy import load_taxonomy
from lexclip_core.targets.wu_palmer import wu_palmer_matrix
imported = time.process_time()
load_taxonomy()
loaded = time.process_time()
wu_palmer_matrix(["dog.n.01"], ["cat.n.01"])
print(loaded - imported, time.process_time() - imported, time.process_time() - start)
"""


def nltk_wordnet() -> Any:
    """Return NLTK's own reader of the database: a yardstick for tests and benchmarks, not thread-safe."""
    import nltk

    folder = str(ensure_wordnet().parent.parent)
    if folder not in nltk.data.path:
        nltk.data.path.insert(0, folder)  # NLTK refuses corpora outside its own search path
    from nltk.corpus import wordnet

    wordnet.ensure_loaded()
    return wordnet


def imagenet_wnids() -> list[str]:
    """Return the wnids of the 1,000 classes of ImageNet, from the list that timm ships."""
    return (files("timm") / "data" / "_info" / "imagenet_synsets.txt").read_text(encoding="utf-8").split()


def cpu_seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the least CPU time that a piece of work took, after one run that does not count."""
    work()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def _nltk_rate(rows: Sequence[str], cols: Sequence[str]) -> float:
    """Return NLTK's pairs a second on a sample of a block's pairs."""
    reader, rng = nltk_wordnet(), np.random.default_rng(0)
    pairs = [
        (reader.synset(rows[i]), reader.synset(cols[j]))
        for i, j in zip(rng.integers(0, len(rows), SAMPLE), rng.integers(0, len(cols), SAMPLE), strict=True)
    ]
    return SAMPLE / cpu_seconds(lambda: [a.wup_similarity(b) for a, b in pairs], repeats=2)


def _block_rows(name: str, rows: Sequence[str], cols: Sequence[str]) -> list[Row]:
    baseline = _nltk_rate(rows, cols) / 1e6
    size = len(rows) * len(cols)
    measured: list[tuple[str, float, str | None]] = []
    for policy in ("nltk", "symmetric"):
        for dtype, target in ((np.float64, ">= 100,000x"), (np.float32, ">= 100,000x")):
            out = np.empty((len(rows), len(cols)), dtype)
            seconds = cpu_seconds(lambda: wu_palmer_matrix(rows, cols, policy, out=out))  # noqa: B023
            measured.append((f"{name}, policy {policy}, {np.dtype(dtype)}, out= reused", seconds, target))
    seconds = cpu_seconds(lambda: wu_palmer_matrix(rows, cols))
    measured.append((f"{name}, policy symmetric, float64, new array each time", seconds, None))
    return [
        {
            "name": label,
            "value": size / seconds / 1e6,
            "unit": "Mpairs/s",
            "baseline": baseline,
            "ratio": size / seconds / 1e6 / baseline,
            "target": target,
        }
        for label, seconds, target in measured
    ]


def _fresh_process_rows() -> list[Row]:
    runs = []
    for _ in range(4):  # the first may have to compile or to build the index
        done = subprocess.run([sys.executable, "-c", _FRESH], capture_output=True, text=True, check=True)
        runs.append([float(number) for number in done.stdout.split()])
    labels = (
        ("index loaded from disk, fresh process", "< 0.1"),
        ("first call of a fresh process, index included", "< 1"),
        ("first call of a fresh process, index and imports included", "< 1"),
    )
    return [
        {"name": name, "value": value, "unit": "CPU s", "baseline": None, "ratio": None, "target": target}
        for (name, target), value in zip(labels, np.min(runs[1:], axis=0).tolist(), strict=True)
    ]


def _word_rows() -> list[Row]:
    words, rng = load_wordnet().words("n"), np.random.default_rng(2)
    rows, cols = ([words[i] for i in rng.choice(len(words), 4096, replace=False)] for _ in range(2))
    measured: list[Row] = []
    for how in ("first_sense", "maximum", "expectation"):
        seconds = cpu_seconds(lambda: wu_palmer_of_words(rows, cols, pos="n", how=how), repeats=4)  # noqa: B023
        rate = len(rows) * len(cols) / seconds / 1e6
        name = f"4,096 x 4,096 noun words, {how}"
        measured.append(
            {
                "name": name,
                "value": rate,
                "unit": "Mpairs/s",
                "baseline": None,
                "ratio": None,
                "target": ">= 20",
            }
        )
    return measured


def rows() -> list[Row]:
    """Measure everything, in about a minute on an idle core."""
    names = load_taxonomy().names
    nouns = [name for name in names if name.rsplit(".", 2)[1] == "n"]
    rng = np.random.default_rng(1)
    some, others = ([nouns[i] for i in rng.choice(len(nouns), 4096, replace=False)] for _ in range(2))
    imagenet = [names[synset] for synset in load_taxonomy().ids(imagenet_wnids())]
    return [
        *_block_rows("1,000 x 1,000 ImageNet", imagenet, imagenet),
        *_block_rows("4,096 x 4,096 nouns", some, others),
        *_word_rows(),
        *_fresh_process_rows(),
    ]


if __name__ == "__main__":
    if sys.argv[1:] == ["--verify"]:
        from bench.wu_palmer_verification import verify

        show(verify())
    else:
        show(rows())
