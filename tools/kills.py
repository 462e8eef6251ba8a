"""Kill long works at random moments, call them again, and compare the end with one that was left alone.

Run as `python -m tools.kills --kills 100`. Each work runs in a process and with a cache of its own. After the
kill the same call must end with the same files, byte for byte but for times, and leave nothing half done.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from lexclip_core import storage
from lexclip_core.cache import content_key

SHARED = ("nltk_data", "wordnet", "taxonomy", "numba")  # of the cache: what takes long and no work here makes
TIMED = ("provenance.json", "history.csv", "verified.json", "index.html")  # files that hold seconds
_LEFT_OVER = ".lexclip-"


def features(pictures: Any) -> np.ndarray:
    """Return random unit rows of 64 numbers, the same for the same picture."""
    rows = np.stack([np.random.default_rng(int(one[:8], 16)).normal(size=64) for one in pictures.digests])
    unit: np.ndarray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


@cache
def vocabulary() -> Any:
    """Return a lexicon of some thousand words, antonyms among them."""
    from lexclip_core.experiments.words import make_lexicon
    from lexclip_core.wordnet.tables import load_wordnet
    from lexclip_core.words import normalise

    wordnet = load_wordnet()
    opposed = np.unique(wordnet.antonym_links.synset_i)[::2]
    words = sorted({normalise(lemma) for synset in opposed for lemma in wordnet.lemmas[synset]})
    return make_lexicon(wordnet, tuple(words), set())


def tune(out: Path) -> None:
    """Tune a tiny tower on words."""
    from lexclip_core.experiments.pipeline import WordExperiment
    from lexclip_core.experiments.pipeline import tune as run
    from lexclip_core.training.settings import MatrixSettings

    settings = MatrixSettings(
        tower="tiny-random", device="cpu", words="dog, cat, wolf, joy, car, river", batch=12, epochs=40
    )
    run(
        settings,
        out,
        experiment=lambda base: WordExperiment(settings, base, roots=(), vocabulary=vocabulary()),
    )


@cache
def emoji() -> tuple[Any, Any, Any]:
    """Return settings, material and tests of a tiny training on paraphrases."""
    from lexclip_core.experiments import paraphrases
    from lexclip_core.training.settings import settings_of

    settings: Any = settings_of("paraclip-emoji").replace(
        tower="tiny-random", dtype="float32", trainable="last:1", batch=8, steps=30, device="cpu"
    )
    size = paraphrases.Size(scenes=16, concepts=16)
    made = paraphrases.emoji_tests(features, count=12)
    return settings, paraphrases.emoji_material(settings, features, size), made


def paraclip_tune(out: Path) -> None:
    """Tune a tiny tower on paraphrases of emoji scenes."""
    from lexclip_core.experiments.pipeline import ParaphraseExperiment
    from lexclip_core.experiments.pipeline import tune as run

    settings, material, tests = emoji()
    run(
        settings,
        out,
        experiment=lambda base: ParaphraseExperiment(
            settings, base, tests=tests, material=material, vocabulary=vocabulary()
        ),
    )


def paraphrase(out: Path) -> None:
    """Paraphrase captions by rules."""
    nouns = ("dog", "cat", "horse", "boat", "child", "tree")
    lines = [
        f"a {one} and {number} {other}s on the grass"
        for number in range(9)
        for one in nouns
        for other in nouns
    ]
    out.mkdir(parents=True, exist_ok=True)
    (out.parent / "captions.txt").write_text("\n".join(lines), encoding="utf-8")
    command("paraphrase", str(out.parent / "captions.txt"), "--out", str(out / "made.jsonl"))


def picture_features(out: Path) -> None:
    """Encode emoji by the shipped image tower."""
    from lexclip_core.datasets.emoji import sprites
    from lexclip_core.datasets.pictures import features as module
    from lexclip_core.towers.loading import load_image

    pictures = sprites.picture_set()
    part = pictures.take(range(0, len(pictures), 12))
    rows = module.picture_features(load_image(), part, shard=16)
    with storage.atomic_write(out / "rows.npy") as temporary:
        np.save(temporary, rows)


def notebooks(out: Path) -> None:
    """Run a notebook."""
    command("notebooks", "run", "--profile", "smoke", "--only", "02", "--output", str(out))


def command(*arguments: str) -> None:
    """Run the `lexclip` command in this process.

    Raises:
        RuntimeError: It ended with an error.
    """
    from lexclip_core.cli.__main__ import main

    sys.argv = ["lexclip", *arguments]
    try:
        main()
    except SystemExit as done:
        if done.code:
            raise RuntimeError(f"{arguments[0]} ended with {done.code}") from None


@dataclass(frozen=True)
class Work:
    """Something long that is killed.

    Attributes:
        run: What it does, given the folder for its files.
        loaded: What every run needs in memory, loaded once before all.
        share: Of the kills.
        same_bytes: Whether its files are equal from run to run.
    """

    run: Callable[[Path], None]
    loaded: Callable[[], object] = lambda: None
    share: int = 5
    same_bytes: bool = True


WORKS = {
    "tune": Work(tune, vocabulary),
    "paraclip tune": Work(paraclip_tune, emoji),
    "paraphrase": Work(paraphrase, lambda: import_module("lexclip_core.wordnet.tables").load_wordnet()),
    "picture features": Work(picture_features, lambda: import_module("lexclip_core.towers.loading")),
    "notebooks run": Work(notebooks, share=1, same_bytes=False),
}
"""Every work that is killed, by its name."""


def started(work: Work, folder: Path, log: Path) -> int:
    """Start a work in a process of its own and return the process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ["LEXCLIP_CACHE"] = str(folder / "cache")
        os.environ["LEXCLIP_PROGRESS"] = "0"
        work.run(folder / "out")
        status = 0
    except BaseException:
        logging.exception("failed")
    finally:
        os._exit(status)


def ended(process: int) -> int:
    """Wait for a process and return its exit code, negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def prepared(folder: Path) -> Path:
    """Return a folder with a cache that has WordNet, and nothing else."""
    for name in SHARED:
        source = storage.cache_folder() / name
        if source.is_dir():
            shutil.copytree(source, folder / "cache" / name, copy_function=os.link)
    return folder


def outcome(work: Work, folder: Path) -> dict[str, str]:
    """Return each file that a work made with its sha256, or its name alone where it holds times."""
    files = [path for path in sorted((folder / "out").rglob("*")) if path.is_file()]
    exact = [work.same_bytes and path.name not in TIMED for path in files]
    return {
        str(path.relative_to(folder)): content(path) if one else ""
        for path, one in zip(files, exact, strict=True)
    }


def content(path: Path) -> str:
    """Return the sha256 of a file, or of its arrays where it holds times or names in any order as well."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return content_key(dict(arrays))
    if path.suffix == ".safetensors":
        return content_key(import_module("safetensors.numpy").load_file(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def left_over(folder: Path) -> list[str]:
    """Return the files and folders that somebody was still writing."""
    return [str(path.relative_to(folder)) for path in folder.rglob(f"{_LEFT_OVER}*")]


def examine(name: str, kills: int, rng: random.Random, folder: Path) -> list[str]:
    """Kill one work so many times, each time anew, and return what was wrong at the end of each.

    Raises:
        RuntimeError: It does not even end when left alone.
    """
    work, log = WORKS[name], folder / "log.txt"
    alone = prepared(folder / "alone")
    work.loaded()
    began = time.monotonic()
    if ended(started(work, alone, log)):
        raise RuntimeError(f"{name} fails without any kill:\n{log.read_text()[-3000:]}")
    seconds, expected, wrong = time.monotonic() - began, outcome(work, alone), []
    for number in range(kills):
        here, delay = prepared(folder / str(number)), rng.uniform(0, 1.1 * seconds)
        process = started(work, here, log)
        time.sleep(delay)
        os.kill(process, signal.SIGKILL)
        ended(process)
        if ended(started(work, here, log)):
            wrong.append(f"{name}, killed after {delay:.2f} s, fails:\n{log.read_text()[-3000:]}")
        elif outcome(work, here) != expected:
            other = sorted(dict(outcome(work, here).items() ^ expected.items()))
            wrong.append(f"{name}, killed after {delay:.2f} s, ends otherwise: {other}")
        elif left := left_over(here):
            wrong.append(f"{name}, killed after {delay:.2f} s, leaves {left}")
        shutil.rmtree(here)
    return wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Kill the works named on the command line, or all, and return 0 where every end was right."""
    parser = argparse.ArgumentParser(prog="python -m tools.kills", description=__doc__)
    parser.add_argument("works", nargs="*", help=f"some of {', '.join(map(repr, WORKS))}; all if none")
    parser.add_argument("--kills", type=int, default=100, help="how many in all [100]")
    parser.add_argument("--seed", type=int, default=0, help="of the moments [0]")
    chosen = parser.parse_args(arguments)
    names, rng = chosen.works or list(WORKS), random.Random(chosen.seed)
    shares = sum(WORKS[name].share for name in names)
    wrong, done = [], 0
    for name in names:
        kills = max(1, round(chosen.kills * WORKS[name].share / shares))
        with tempfile.TemporaryDirectory(prefix="lexclip-kills-") as folder:
            wrong += examine(name, kills, rng, Path(folder))
        done += kills
        print(f"{name}: {kills} kills", flush=True)
    print("\n".join([*wrong, f"{done} kills, {done - len(wrong)} right endings"]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
