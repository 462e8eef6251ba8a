"""One tuning experiment from settings to a run folder that the explorer can open."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import numpy as np
import pandas as pd

from lexclip_core import runs, storage, towers
from lexclip_core.config import Experiment
from lexclip_core.errors import MissingResourceError
from lexclip_core.towers import Tower
from lexclip_core.training import History, fit, is_writer, join
from lexclip_core.tuning import maps, measuring
from lexclip_core.tuning.embedding_cache import cached_embeddings
from lexclip_core.tuning.lexicon import lexicon
from lexclip_core.tuning.materials import Materials, materials, matrix_materials
from lexclip_core.tuning.provenance import command, provenance

__all__ = ["Materials", "command", "materials", "matrix_materials", "tune"]

logger = logging.getLogger(__name__)

_VOCABULARY = 2_000  # frequent words kept with a run, beside the words that its pages speak of
_BLOG_WORDS = ("happy", "sad", "cheerful", "smart", "dumb", "intelligent")
_CHECKPOINT_STEPS = 50
_HISTORY_ROWS = 1_000
_LARGEST = 8_000_000  # bytes of tuned tensors that a run folder may carry; larger ones are made again


def tune(
    experiment: Experiment,
    out: Path | None = None,
    *,
    test_sets: Path | None = None,
    roots: tuple[str, ...] = maps.SUBTREES,
) -> Path:
    """Tune a tower as an experiment says, measure it, and write its run folder; return that folder.

    A run that was killed goes on from its last checkpoint when called again with the same settings. Under
    torchrun all processes train; the first one measures and writes, and the others return early.

    Args:
        experiment: The settings.
        out: Folder of runs; the explorer's by default.
        test_sets: Folder with `wordsim` and `sts`, measured as well; nothing is tuned on them.
        roots: WordNet subtrees to draw.

    Raises:
        InputError: Settings that do not go together.
        DivergenceError: The loss became useless; the last checkpoint stays.
        MissingResourceError: The folder of test sets is not there.
        StorageError: The run folder cannot be written.
    """
    out, began = out or storage.runs_folder(), time.monotonic()
    if test_sets and not (test_sets / "wordsim").is_dir():
        raise MissingResourceError(f"{test_sets} has no folder wordsim", "name the folder that holds it")
    join()
    base, material, history, weights = _trained(experiment)
    if not is_writer():
        return out / experiment.run_id
    # What is measured is what is stored, rounding included.
    sides = measuring.Sides(base.encode_texts, towers.apply_tuned(base, weights).encode_texts)
    judged = {split: measuring.measured_pairs(sides, split, material.words) for split in ("dev", "test")}
    metrics = _metrics(sides, judged, material.words, test_sets)
    drawn = maps.nodes(roots) if roots else pd.DataFrame({"word": []})
    words = _kept_words(material, drawn)
    before, after = sides.before(words), sides.after(words)
    content = runs.RunContent(
        run_id=experiment.run_id,
        config=experiment.flat(),
        metrics=metrics,
        history=_thinned(history),
        words=words,
        before=before,
        after=after,
        pairs=pd.concat(judged.values(), ignore_index=True),
        layout=maps.layout(drawn, words, before, after, seed=experiment.seed) if roots else None,
        provenance=provenance(experiment, base, seconds=time.monotonic() - began),
    )
    small = weights.stat().st_size <= _LARGEST
    path = runs.write_run(out, content, tuned=weights if small else None)
    for leftover in weights.parent.iterdir():
        leftover.unlink()
    return path


def _work_folder(experiment: Experiment) -> Path:
    return storage.cache_folder() / "tuning" / experiment.run_id


def _trained(experiment: Experiment) -> tuple[Tower, Materials, History, Path]:
    base = towers.load(experiment.tower, device=experiment.device, dtype=experiment.dtype)
    material = materials(experiment, base)
    logger.info("%s: %d words, %d steps", experiment.run_id, len(material.words), material.sampler.steps)
    tower = base.copy()
    towers.set_trainable(tower, experiment.trainable, seed=experiment.seed)
    checkpoint = _work_folder(experiment) / "checkpoint.pt"
    history = fit(
        tower,
        material.words,
        material.sampler,
        experiment,
        reference=cached_embeddings(base, material.words),
        checkpoint=checkpoint,
        every=max(_CHECKPOINT_STEPS, material.sampler.steps // 20),
    )
    weights = checkpoint.with_name("tuned.safetensors")
    if is_writer():
        towers.save_tuned(towers.settle(base, tower, experiment.alpha), weights, dtype="float16")
    return base, material, history, weights


def _metrics(
    sides: measuring.Sides, judged: dict[str, pd.DataFrame], seen: tuple[str, ...], test_sets: Path | None
) -> measuring.Metrics:
    metrics = measuring.inversions(sides, seen)
    for split, table in judged.items():
        metrics |= measuring.separation(table, split) | measuring.retention(sides, split, seen)
    return metrics | (measuring.outside_sets(sides, test_sets, seen) if test_sets else {})


def _kept_words(material: Materials, drawn: pd.DataFrame) -> tuple[str, ...]:
    """Return the words that a run keeps: those its pages speak of, and frequent ones as neighbours."""
    vocabulary = lexicon()
    frequent = np.argsort(-vocabulary.counts, kind="stable")[:_VOCABULARY]
    own = material.words if len(material.words) <= _VOCABULARY else ()
    words = [*_BLOG_WORDS, *own, *drawn["word"], *(vocabulary.words[index] for index in frequent)]
    return tuple(dict.fromkeys(words))


def _thinned(history: History) -> pd.DataFrame:
    """Return the history as a table of at most 1,000 rows, each the mean of the steps it stands for."""
    table = pd.DataFrame(history.rows)
    stride = -(-len(table) // _HISTORY_ROWS)
    means = table.groupby(np.arange(len(table)) // stride).mean()
    ends = table.groupby(np.arange(len(table)) // stride).last()
    return means.assign(step=ends["step"], epoch=ends["epoch"], seconds=ends["seconds"])
