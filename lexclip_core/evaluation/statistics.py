"""Intervals and tests that stand beside every metric: Wilson, bootstrap, permutation, spread over seeds."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from lexclip_core.errors import InputError

CONFIDENCE = 0.95
RESAMPLES = 1000

Statistic = Callable[..., "np.ndarray | float"]
Alternative = Literal["two-sided", "less", "greater"]


@dataclass(frozen=True)
class Estimate:
    """One number with its 95 % interval.

    Args:
        value: The number measured.
        low: Lower end of the interval; equal to `value` where no interval can be had.
        high: Upper end of the interval.
        n: How many items were measured.
        note: How the interval was made, or what stands in its way.
    """

    value: float
    low: float
    high: float
    n: int
    note: str = ""

    def as_dict(self) -> dict[str, float | int | str]:
        """Return the entry that a run's metrics.json holds."""
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "note": self.note}


@dataclass(frozen=True)
class Spread:
    """What several seeds gave: mean, extremes, and the 95 % t interval of the mean."""

    mean: float
    low: float
    high: float
    minimum: float
    maximum: float
    n: int


def metric_name(split: str, *parts: str) -> str:
    """Join a split and the parts of a metric's name: "heldout/simlex-999/spearman".

    Raises:
        InputError: The split is empty.
    """
    if not split.strip("/ "):
        raise InputError("a metric must say its split", "name it: heldout, seen, all, ...")
    return "/".join(part for part in (split, *parts) if part)


def wilson_interval(successes: int, n: int, *, note: str = "Wilson") -> Estimate:
    """Return a share and its 95 % Wilson score interval.

    Raises:
        InputError: n is 0, or there are more successes than trials.
    """
    if n < 1:
        raise InputError("a share of nothing has no value: n is 0", "give at least one item")
    if not 0 <= successes <= n:
        raise InputError(f"{successes} successes of {n} items", "successes lie between 0 and n")
    interval = stats.binomtest(int(successes), int(n)).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(int(successes) / int(n), float(interval.low), float(interval.high), int(n), note)


def bootstrap_interval(
    samples: Sequence[np.ndarray] | np.ndarray,
    statistic: Statistic = np.mean,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Return a statistic and its 95 % percentile bootstrap interval over items.

    Args:
        samples: One array (n,), or several of the same length whose items belong together.
        statistic: Takes the arrays and `axis`, and reduces that axis.
        resamples: How many resamples to draw.
        seed: Seed of the draw.

    Resamples on which the statistic has no value (a correlation of equal numbers) are left out;
    where the statistic is the same on all, low = value = high.

    Raises:
        InputError: There is no item, the lengths differ, or a value is not finite.
    """
    arrays = _paired(samples)
    n = len(arrays[0])
    value = float(statistic(*arrays, axis=-1))
    if n == 1 or not np.isfinite(value):
        return Estimate(
            value, value, value, n, "no interval: one item" if n == 1 else "no value: constant input"
        )
    with warnings.catch_warnings():
        # It complains of resamples without a value, which interval_of leaves out.
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        result = stats.bootstrap(
            arrays,
            statistic,
            n_resamples=resamples,
            batch=max(1, 2_000_000 // n),
            paired=True,
            vectorized=True,
            confidence_level=CONFIDENCE,
            method="percentile",
            rng=np.random.default_rng(seed),
        )
    low, high = interval_of(result.bootstrap_distribution, value)
    return Estimate(value, low, high, n, f"bootstrap, {resamples} resamples")


def interval_of(distribution: np.ndarray, value: float) -> tuple[float, float]:
    """Return the 95 % percentile interval of a bootstrap distribution, ignoring resamples without a value."""
    finite = distribution[np.isfinite(distribution)]
    if len(finite) == 0:
        return value, value
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)


def paired_permutation(
    before: np.ndarray,
    after: np.ndarray,
    *,
    alternative: Alternative = "two-sided",
    resamples: int = 9999,
    seed: int = 0,
) -> float:
    """Return the p-value of a mean change between paired scores, by swapping each pair at random.

    Exact where 2^n is at most `resamples`. Scores must be on one scale: ranks of two models' cosines,
    errors, or hits, not cosines of two models.

    Args:
        before: (n,) scores.
        after: (n,) scores of the same items; "greater" asks whether they are higher.
        alternative: Which change counts.
        resamples: How many permutations to draw.
        seed: Seed of the draw.

    Raises:
        InputError: There is no item, the lengths differ, or a value is not finite.
    """
    scores_before, scores_after = _paired((before, after))
    if np.array_equal(scores_before, scores_after):
        return 1.0
    if len(scores_before) == 1:  # two arrangements, both as extreme unless a direction was named
        rose = bool(scores_after[0] > scores_before[0])
        return 0.5 if alternative == ("greater" if rose else "less") else 1.0
    result = stats.permutation_test(
        (scores_after, scores_before),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=max(1, 2_000_000 // len(scores_before)),
        alternative=alternative,
        rng=np.random.default_rng(seed),
    )
    return float(result.pvalue)


def spread(values: Sequence[float]) -> Spread:
    """Return the mean over seeds with its 95 % t interval, and the extremes.

    One value has no interval: low = mean = high.

    Raises:
        InputError: There is no value, or one is not finite.
    """
    (array,) = _paired(np.asarray(values, np.float64))
    mean = float(array.mean())
    half = 0.0
    if len(array) > 1:
        half = float(
            stats.t.ppf((1 + CONFIDENCE) / 2, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array))
        )
    return Spread(mean, mean - half, mean + half, float(array.min()), float(array.max()), len(array))


def _paired(samples: Sequence[np.ndarray] | np.ndarray) -> tuple[np.ndarray, ...]:
    if isinstance(samples, np.ndarray):
        samples = (samples,)
    arrays = tuple(np.asarray(sample, np.float64) for sample in samples)
    shapes = [array.shape for array in arrays]
    if not arrays or len(shapes[0]) != 1 or len(set(shapes)) != 1:
        raise InputError(f"arrays of shapes {shapes} are not paired", "give vectors of one length")
    if shapes[0] == (0,):
        raise InputError("there is nothing to measure: 0 items", "give at least one item")
    for array in arrays:
        if not np.isfinite(array).all():
            position = int(np.flatnonzero(~np.isfinite(array))[0])
            raise InputError(
                f"value {position} is {array[position]}, not a finite number", "drop or repair it"
            )
    return arrays
