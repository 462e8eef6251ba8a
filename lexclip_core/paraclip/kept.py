"""Measurements kept in the cache, so that the same tower is asked the same tests once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lexclip_core import storage
from lexclip_core.config import ParaclipExperiment
from lexclip_core.evaluation.statistics import Estimate
from lexclip_core.paraclip.measuring import Tests, measure
from lexclip_core.towers import Tower

Found = dict[str, Estimate]


def folder_of(tests: Tests, base: Tower, folder: Path | None = None) -> Path:
    """Return where what is measured by some tests, on towers tuned from a base, is kept.

    Args:
        tests: Their texts and pictures all count.
        base: Its weights and precision count.
        folder: The folder of all; by default in the cache.
    """
    digest = hashlib.sha256("\n".join([base.sha256, str(base.dtype), *_texts(tests)]).encode())
    digest.update(tests.table.pictures.tobytes())
    for part in (tests.table.classes, tests.others):
        digest.update(part.features.tobytes() if part else b"-")
    return (folder or storage.cache_folder() / "paraclip_measured") / digest.hexdigest()[:16]


def file_of(experiment: ParaclipExperiment, alpha: float) -> str:
    """Return the name of the file of a training at an alpha; presets and alphas do not change a training."""
    return f"{replace(experiment, preset='kept', alpha=1.0).run_id}-{alpha:g}.json"


def measured_base(base: Tower, tests: Tests, folder: Path | None = None) -> Found:
    """Return every metric of an untouched tower, from disk where the same was measured before."""
    path = folder_of(tests, base, folder) / "base.json"
    return once(path, lambda: measure(base.encode_texts, tests))


def once(path: Path, make: Callable[[], Mapping[str, Estimate]]) -> Found:
    """Return the metrics of a file, made and written if it is not there."""
    if not path.is_file():
        write(path, make())
    return read(path)


def write(path: Path, found: Mapping[str, Estimate]) -> None:
    """Write metrics as JSON, whole or not at all."""
    with storage.atomic_write(path) as partial:
        values = {name: estimate.as_dict() for name, estimate in found.items()}
        partial.write_text(json.dumps(values, allow_nan=False), encoding="utf-8")


def read(path: Path) -> Found:
    """Return the metrics of a file of `write`."""
    values = json.loads(path.read_text(encoding="utf-8"))
    return {name: Estimate(**value) for name, value in values.items()}


def _texts(tests: Tests) -> Iterator[str]:
    yield tests.split
    yield from tests.table.texts()
    for task in tests.sentences:
        yield from (*task.sentences_a, *task.sentences_b)
    yield from tests.swaps.texts() if tests.swaps else ()
    yield from tests.others.names if tests.others else ()
