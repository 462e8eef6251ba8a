"""Many trainings that differ in one thing: the rows of Table 2, and the three weights with alpha.

A sweep keeps a file a setting and seed, so that a killed one goes on where it stopped, and joins them in one
long table. Settings are trained once: an alpha only interpolates what was trained.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from lexclip_core import towers
from lexclip_core.config import TABLE_2, ParaclipExperiment
from lexclip_core.evaluation.statistics import Estimate
from lexclip_core.paraclip import kept, measuring
from lexclip_core.paraclip.material import Material, emoji_material, features_by
from lexclip_core.paraclip.tuning import train_on
from lexclip_core.towers import Tower

logger = logging.getLogger(__name__)

TABLE_2_COLUMNS = ("row", "seed", "metric", "split", "value", "low", "high", "before", "n")
TRADE_OFF_COLUMNS = (
    "name",
    "w_image",
    "w_caption",
    "w_paraphrase",
    "alpha",
    "seed",
    "metric",
    "split",
    "value",
    "low",
    "high",
)
MEASURED: Mapping[str, str] = {
    "paraphrased/ao@10": "AO@10",
    "paraphrased/js@10": "JS@10",
    "vg-relation/macro": "relations",
    "vg-attribution/macro": "attributes",
    "sts_mean/spearman": "scene sentences, rho",
    "zero-shot/top-1": "zero-shot accuracy",
    "zero-shot-others/top-1": "zero-shot accuracy, other concepts",
    "retrieval/text_r@5": "text retrieval R@5",
    "retrieval/image_r@5": "image retrieval R@5",
}
"""Metric -> how a table calls it, on the tests' split."""
OUTSIDE: Mapping[str, str] = {
    "sts_mean/spearman": "STS, rho",
    "sugarcrepe-pp-tot/replace_att/accuracy": "SugarCrepe++ replaced attribute",
    "sugarcrepe-pp-tot/swap_att/accuracy": "SugarCrepe++ swapped attribute",
}
WEIGHTS: Mapping[str, tuple[float, float, float]] = {
    "L1''": (1.0, 0.0, 0.0),
    "L2+L3": (0.0, 1.0, 1.0),
    "L1''+L2": (1.0, 1.0, 0.0),
    "L1''+L3": (1.0, 0.0, 1.0),
    "L1''+L2+L3": (1.0, 1.0, 1.0),
    "3 L1''+L2+L3": (3.0, 1.0, 1.0),
    "L1''+3 L2+3 L3": (1.0, 3.0, 3.0),
}
"""The settings of the sweep over weights: name -> weights of L1'', L2 and L3."""
ABLATION: Mapping[str, Mapping[str, Any]] = {
    "scales separate and fixed": {},
    "scales separate and trained": {"scale_training": "trained"},
    "one scale, fixed": {"scale": "shared"},
    "one scale, trained": {"scale": "shared", "scale_training": "trained"},
    "one scale, trained, from 100": {"scale": "shared", "scale_training": "trained", "scale_start": 100.0},
    "batch 16": {"batch": 16},
    "batch 256": {"batch": 256},
    "paraphrases by rules alone": {"provider": "rules"},
    "paraphrases by siblings alone": {"provider": "siblings"},
}
"""What is changed, one choice at a time; the first is the start itself."""

Make = Callable[[ParaclipExperiment], Material]


@dataclass(frozen=True, eq=False)
class Sweep:
    """What the settings of a sweep share.

    Args:
        start: The experiment that each setting changes.
        base: Its tower.
        make: The material of an experiment; it changes with the seed and the provider alone.
        tests: What is measured.
        folder: Where a setting's numbers are kept; by default in the cache.
    """

    start: ParaclipExperiment
    base: Tower
    make: Make
    tests: measuring.Tests
    folder: Path | None = None


def emoji_sweep(
    start: ParaclipExperiment, *, count: int = measuring.SCENES, folder: Path | None = None
) -> Sweep:
    """Return a sweep on the embedded default: emoji material, and the test scenes of held-out things.

    Args:
        start: The experiment that each setting changes.
        count: Test scenes.
        folder: A folder with `sts` and `sugarcrepe_pp`, measured as well.

    Raises:
        MissingResourceError: The emoji, or a tower, are not there.
    """
    features = features_by(towers.load_image(start.image_tower))
    base = towers.load(start.tower, device=start.device, dtype=start.dtype)
    tests = measuring.emoji_tests(features, count=count, folder=folder)
    tests = measuring.with_other_concepts(tests, features)
    return Sweep(start, base, lambda experiment: emoji_material(experiment, features), tests)


def sweep_table2(
    sweep: Sweep, seeds: Sequence[int] = (0, 1, 2), rows: Sequence[str] = tuple(TABLE_2)
) -> pd.DataFrame:
    """Return every metric of rows of ParaCLIP's Table 2, columns `TABLE_2_COLUMNS`.

    The row `base` is not trained, so it has no seed (-1). `before` is the base's value.

    Args:
        sweep: What the rows share.
        seeds: Each row is trained under each.
        rows: Keys of `TABLE_2`.
    """
    return _by_setting(sweep, seeds, {row: TABLE_2[row] for row in rows})


def sweep_ablation(
    sweep: Sweep, seeds: Sequence[int] = (0,), settings: Mapping[str, Mapping[str, Any]] = ABLATION
) -> pd.DataFrame:
    """Return every metric with one choice changed at a time, columns `TABLE_2_COLUMNS`.

    Args:
        sweep: What the settings share.
        seeds: Each setting is trained under each.
        settings: Name -> what changes.
    """
    return _by_setting(sweep, seeds, {"base": {}, **settings})


def _by_setting(
    sweep: Sweep, seeds: Sequence[int], settings: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    before = kept.measured_base(sweep.base, sweep.tests, sweep.folder)
    found = [_setting_rows("base", -1, before, before)] if "base" in settings else []
    for seed in seeds:
        for name, changes in settings.items():
            if name != "base":
                experiment = ParaclipExperiment.from_flat(sweep.start.flat() | dict(changes) | {"seed": seed})
                after = next(iter(_measured(sweep, experiment, (sweep.start.alpha,))))[1]
                found.append(_setting_rows(name, seed, after, before))
    return pd.concat(found, ignore_index=True)


def sweep_trade_offs(
    sweep: Sweep,
    seeds: Sequence[int] = (0,),
    alphas: Sequence[float] = (0.5, 1.0),
    weights: Mapping[str, tuple[float, float, float]] = WEIGHTS,
) -> pd.DataFrame:
    """Return every metric over the three weights and alpha, columns `TRADE_OFF_COLUMNS`.

    The setting `base` has weights and alpha 0, and no seed (-1).

    Args:
        sweep: What the settings share.
        seeds: Each setting is trained under each.
        alphas: Interpolations of what was trained with the base.
        weights: Name -> weights of L1'', L2 and L3.
    """
    found = [
        _trade_off_rows(
            "base", (0.0, 0.0, 0.0, 0.0), -1, kept.measured_base(sweep.base, sweep.tests, sweep.folder)
        )
    ]
    for seed in seeds:
        for name, (image, caption, paraphrase) in weights.items():
            experiment = replace(
                sweep.start,
                seed=seed,
                image_caption=0.0,
                image_paraphrase_1=0.0,
                image_paraphrase_2=image,
                caption_paraphrase=caption,
                paraphrase_paraphrase=paraphrase,
            )
            for alpha, after in _measured(sweep, experiment, alphas):
                label = name if alpha == 1 else f"{name}, alpha {alpha:g}"
                found.append(_trade_off_rows(label, (image, caption, paraphrase, alpha), seed, after))
    return pd.concat(found, ignore_index=True)


def _measured(
    sweep: Sweep, experiment: ParaclipExperiment, alphas: Sequence[float]
) -> Iterator[tuple[float, dict[str, Estimate]]]:
    whole = replace(experiment, alpha=1.0)
    folder = kept.folder_of(sweep.tests, sweep.base, sweep.folder)
    paths = {alpha: folder / kept.file_of(experiment, alpha) for alpha in alphas}
    if not all(path.is_file() for path in paths.values()):
        trained = train_on(whole, sweep.make(whole), sweep.base)
        for alpha, path in paths.items():
            tower = trained.tower if alpha == 1 else towers.settle(sweep.base, trained.tower, alpha)
            kept.write(path, measuring.measure(tower.encode_texts, sweep.tests))
        for leftover in trained.weights.parent.iterdir():
            leftover.unlink()
    for alpha, path in paths.items():
        yield alpha, kept.read(path)


def _shown(found: Mapping[str, Estimate]) -> Iterator[tuple[str, str, Estimate]]:
    """Yield split, the table's name and the estimate of every metric that a table shows."""
    for name, estimate in found.items():
        split, _, metric = name.partition("/")
        label = (OUTSIDE if split == "outside" else MEASURED).get(metric)
        if label:
            yield split, label, estimate


def _setting_rows(
    row: str, seed: int, after: Mapping[str, Estimate], before: Mapping[str, Estimate]
) -> pd.DataFrame:
    base = {(split, label): estimate.value for split, label, estimate in _shown(before)}
    rows = [
        (row, seed, label, split, one.value, one.low, one.high, base[split, label], one.n)
        for split, label, one in _shown(after)
    ]
    return pd.DataFrame(rows, columns=list(TABLE_2_COLUMNS))


def _trade_off_rows(
    name: str, setting: tuple[float, float, float, float], seed: int, after: Mapping[str, Estimate]
) -> pd.DataFrame:
    rows = [
        (name, *setting, seed, label, split, one.value, one.low, one.high)
        for split, label, one in _shown(after)
    ]
    return pd.DataFrame(rows, columns=list(TRADE_OFF_COLUMNS))
