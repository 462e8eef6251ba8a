"""A measured value with its 95 % interval, and the ways such intervals are made.

Shares of independent items get Wilson's interval, means over training seeds or draws a t interval, anything
else a percentile bootstrap over items, or over groups of items that belong together. scipy's statistics take
most of a second to import, and many only read an `Estimate`: each function imports what it needs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, reduce
from itertools import chain
from typing import Any, Literal

import numpy as np

from lexclip_core.errors import InputError

CONFIDENCE = 0.95
RESAMPLES = 1000
_BLOCK = 50  # resamples at a time, of which RESAMPLES is a multiple: there may be tens of thousands of pairs

Statistic = Callable[..., "np.ndarray | float"]
CountedStatistic = Callable[[np.ndarray], np.ndarray]
"""How often each of n items counts, float64 (n, resamples), to its value on each resample, (resamples,)."""
ResampledBy = Literal["pictures", "classes"]


@dataclass(frozen=True)
class Estimate:
    """A measured value with its 95 % interval.

    Attributes:
        value: The number measured.
        low: Lower end of the interval; `value` where no interval can be had, None where none was asked for.
        high: Upper end of the interval, likewise.
        n: How many items or draws were measured.
        note: What the interval is over and how it was made, or what stands in its way.
        p: Two-sided p-value of a paired test, where the value is a change that was tested.
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None
    note: str = ""
    p: float | None = None

    @classmethod
    def of(cls, given: Any) -> Estimate:
        """Return a number, a mapping or an estimate as a checked estimate without note.

        An interval of no width says nothing: where low = high both ends are dropped.

        Args:
            given: A number, or an estimate: a mapping, a named tuple or an object with value (or mean), and
                low, high and n where known.

        Raises:
            InputError: There is no value, it is not finite, or it lies outside its interval.

        >>> Estimate.of({"mean": 0.5, "low": 0.25, "high": 0.75, "n": 3})
        Estimate(value=0.5, low=0.25, high=0.75, n=3, note='', p=None)
        >>> Estimate.of({"value": 0.5, "low": 0.5, "high": 0.5, "n": 1}).low is None
        True
        """
        names = ("value", "mean", "low", "high", "n")
        entry: Mapping[str, Any] = {"value": given}
        if isinstance(given, Mapping):
            entry = given
        elif hasattr(given, "low"):
            entry = {name: getattr(given, name) for name in names if hasattr(given, name)}
        value = entry.get("value", entry.get("mean"))
        if value is None:
            raise InputError(f"{dict(entry)} has no value", "give value, low, high and n")
        low, high, n = (entry.get(name) for name in ("low", "high", "n"))
        ends = None
        if low is not None and high is not None and low != high:
            ends = float(low), float(high)
        numbers = [float(value), *(ends or ())]
        if not all(map(math.isfinite, numbers)):
            raise InputError(f"{numbers} is not finite", "measure only what has a value")
        if ends and not ends[0] - 1e-9 <= numbers[0] <= ends[1] + 1e-9:
            raise InputError(
                f"{numbers[0]} lies outside its interval {ends}", "give low, value and high in order"
            )
        low, high = ends or (None, None)
        return cls(numbers[0], low, high, None if n is None else int(n))

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends of the interval; the value twice where there is none."""
        return self.value if self.low is None else self.low, self.value if self.high is None else self.high

    def scaled(self, factor: float) -> Estimate:
        """Return the value and its interval times a number above 0, such as 100 for per cent.

        >>> Estimate(0.5, 0.25, 0.75).scaled(100).ends
        (25.0, 75.0)
        """
        low, high = (None if end is None else factor * end for end in (self.low, self.high))
        return replace(self, value=factor * self.value, low=low, high=high)

    def as_dict(self) -> dict[str, float | int | str | None]:
        """Return the entry that a run's metrics.json holds: value, low, high, n, note, and p where tested.

        >>> wilson_interval(1, 2).as_dict()["value"]
        0.5
        """
        return {name: one for name, one in asdict(self).items() if name != "p" or one is not None}


def with_baseline(
    before: Mapping[str, Estimate],
    after: Mapping[str, Estimate],
    changes: Mapping[str, Estimate] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return each estimate after tuning as an entry of metrics.json, the value before under "before".

    Args:
        before: By the metric's name.
        after: Likewise.
        changes: Paired changes of some of them, which get "change", "change_low" and "change_high".

    >>> with_baseline({"test/auc": Estimate(0.5)}, {"test/auc": Estimate(0.75)})["test/auc"]["before"]
    0.5
    """
    entries = {name: estimate.as_dict() | {"before": before[name].value} for name, estimate in after.items()}
    for name, one in (changes or {}).items():
        entries[name] |= {"change": one.value, "change_low": one.low, "change_high": one.high}
    return entries


def metric_name(split: str, *parts: str) -> str:
    """Join a split and the parts of a metric's name.

    Raises:
        InputError: The split is empty.

    >>> metric_name("heldout", "simlex-999", "spearman")
    'heldout/simlex-999/spearman'
    """
    if not split.strip("/ "):
        raise InputError("a metric must say its split", "name it: heldout, seen, all, ...")
    return "/".join(part for part in (split, *parts) if part)


def wilson_interval(successes: int, n: int) -> Estimate:
    """Return a share and its 95 % Wilson score interval.

    Raises:
        InputError: n is 0, or there are more successes than trials.

    >>> share = wilson_interval(0, 20)
    >>> share.value, round(share.high, 2)
    (0.0, 0.16)
    """
    from scipy import stats

    if n < 1:
        raise InputError("a share of nothing has no value: n is 0", "give at least one item")
    if not 0 <= successes <= n:
        raise InputError(f"{successes} successes of {n} items", "successes lie between 0 and n")
    interval = stats.binomtest(int(successes), int(n)).proportion_ci(CONFIDENCE, method="wilson")
    return Estimate(int(successes) / int(n), float(interval.low), float(interval.high), int(n), "Wilson")


def t_interval(values: Sequence[float]) -> Estimate:
    """Return the mean over seeds or draws with its 95 % t interval.

    One value has no interval: low = value = high.

    Raises:
        InputError: There is no value, or one is not finite.

    >>> mean = t_interval([1.0, 2.0, 3.0])
    >>> mean.value, round(mean.high, 2)
    (2.0, 4.48)
    """
    from scipy import stats

    (array,) = paired(np.asarray(values, np.float64))
    mean, half, n = float(array.mean()), 0.0, len(array)
    if n > 1:
        half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * array.std(ddof=1) / np.sqrt(n))
    return Estimate(mean, mean - half, mean + half, n, f"t, {n} draws" if n > 1 else "no interval: one draw")


def bootstrap_interval(
    samples: Sequence[np.ndarray] | np.ndarray,
    statistic: Statistic = np.mean,
    *,
    seed: int = 0,
) -> Estimate:
    """Return a statistic and its 95 % percentile bootstrap interval over items.

    Args:
        samples: One array (n,), or several of the same length whose items belong together.
        statistic: Takes the arrays and `axis`, and reduces that axis.
        seed: Seed of the draw.

    Resamples on which the statistic has no value (a correlation of equal numbers) are left out;
    where the statistic is the same on all, low = value = high.

    Raises:
        InputError: There is no item, the lengths differ, or a value is not finite.

    >>> bootstrap_interval(np.array([0.0, 1.0, 1.0, 1.0])).value
    0.75
    """
    arrays = paired(samples)
    n = len(arrays[0])
    value = float(statistic(*arrays, axis=-1))
    if n == 1 or not np.isfinite(value):
        note = "no interval: one item" if n == 1 else "no value: constant input"
        return Estimate(value, value, value, n, note)
    rng, drawn, step = np.random.default_rng(seed), [], max(1, 2_000_000 // n)
    for start in range(0, RESAMPLES, step):
        rows = rng.integers(n, size=(min(step, RESAMPLES - start), n))
        drawn.append(statistic(*(array[rows] for array in arrays), axis=-1))
    low, high = interval_of(np.concatenate(drawn), value)
    return Estimate(value, low, high, n, f"bootstrap, {RESAMPLES} resamples")


def counted_bootstrap(
    statistics: Sequence[CountedStatistic],
    n: int,
    words: Sequence[tuple[str, ...]] | None = None,
    *,
    seed: int = 0,
) -> Estimate:
    """Return a statistic of how often items count, with its 95 % bootstrap interval over items or words.

    Pairs that share a word at either end are not independent: where words are drawn anew, a pair counts as
    often as its first word was drawn times its second (Snijders and Borgatti 1999 draw the vertices of a
    network so). Resamples on which the statistic has no value are left out.

    Args:
        statistics: One; or two, before and after tuning: then the value is the paired change.
        n: How many items there are.
        words: The words of each item, of one number; None draws items, as `bootstrap_interval` does.
        seed: Seed of the draw.

    >>> pairs = [("hot", "cold"), ("hot", "warm")]
    >>> counted_bootstrap([lambda counts: counts.mean(axis=0)], 2, pairs).value
    1.0
    """
    *before, after = statistics

    def change(counts: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return after(counts) - before[0](counts) if before else after(counts)

    value = float(change(np.ones((n, 1)))[0])
    if not np.isfinite(value):
        return Estimate(value, value, value, n, "no value: constant input")
    blocks, over = _item_counts(n, seed), ""
    if words is not None:
        number, blocks = len(set(chain.from_iterable(words))), _word_counts(words, seed)
        over = f" over {number} words at both ends"
    low, high = interval_of(np.concatenate([change(counts) for counts in blocks]), value)
    note = f"{'paired ' if before else ''}bootstrap{over}, {RESAMPLES} resamples"
    return Estimate(value, low, high, n, note)


def _word_counts(words: Sequence[tuple[str, ...]], seed: int) -> Iterator[np.ndarray]:
    places = {word: place for place, word in enumerate(sorted(set(chain.from_iterable(words))))}
    ends = [[places[word] for word in end] for end in zip(*words, strict=True)]
    draws = _draws(len(places), seed)
    for start in range(0, RESAMPLES, _BLOCK):
        some = draws[:, start : start + _BLOCK].astype(np.float64)
        yield reduce(np.multiply, (some[end] for end in ends))


@lru_cache(maxsize=16)  # both towers of a comparison, and all measures of one set of words, draw alike
def _draws(number: int, seed: int) -> np.ndarray:
    """Return how often each of some things is drawn in each resample, (number, RESAMPLES), of few bytes."""
    chances = np.full(number, 1 / number)
    draws = np.random.default_rng(seed).multinomial(number, chances, size=RESAMPLES).T
    return np.ascontiguousarray(draws, np.min_scalar_type(int(draws.max())))


def _item_counts(n: int, seed: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(seed)
    for _ in range(RESAMPLES // _BLOCK):
        rows = rng.integers(n, size=(_BLOCK, n))
        rows += n * np.arange(len(rows))[:, None]
        counts = np.bincount(rows.ravel(), minlength=rows.size).reshape(rows.shape)
        yield np.ascontiguousarray(counts.T, np.float64)


def mean_over_words(values: np.ndarray, words: Sequence[tuple[str, ...]], *, seed: int = 0) -> Estimate:
    """Return the mean of values with its 95 % bootstrap interval over the words of their pairs or triples.

    Args:
        values: (n,) scores or hits.
        words: The words of each, as `counted_bootstrap` takes them.
        seed: Seed of the draw.

    Raises:
        InputError: There is no item, the lengths differ, or a value is not finite.

    >>> mean_over_words(np.array([0.0, 1.0]), [("hot", "cold"), ("big", "small")]).value
    0.5
    """
    (array,) = paired(values)
    one = counted_bootstrap([lambda each: array @ each / each.sum(axis=0)], len(array), words, seed=seed)
    if one.low == one.high and np.isin(array, (0, 1)).all():
        low, high = wilson_interval(int(array.sum()), len(array)).ends
        return replace(one, low=low, high=high)
    return one


def median_over_words(values: np.ndarray, words: Sequence[tuple[str, ...]]) -> Estimate:
    """Return the median of values with its 95 % bootstrap interval over the words of their pairs or triples.

    Args:
        values: (n,) numbers, such as ranks.
        words: The words of each, as `counted_bootstrap` takes them.

    Raises:
        InputError: There is no item, the lengths differ, or a value is not finite.

    >>> median_over_words(np.array([1, 5, 9]), [("a", "b"), ("c", "d"), ("e", "f")]).value
    5.0
    """
    (array,) = paired(values)
    order = np.argsort(array)

    def median(counts: np.ndarray) -> np.ndarray:
        upto = counts[order].cumsum(axis=0)  # the item at a place is the first that reaches beyond it
        places = ((upto[-1] - 1) // 2, upto[-1] // 2)
        ends = [array[order[(upto[:-1] <= place).sum(axis=0)]] for place in places]
        return np.where(upto[-1] > 0, np.mean(ends, axis=0), np.nan)

    return counted_bootstrap([median], len(array), words)


def interval_of(distribution: np.ndarray, value: float) -> tuple[float, float]:
    """Return the 95 % percentile interval of a bootstrap distribution, ignoring resamples without a value.

    Args:
        distribution: (resamples,) the statistic on each resample; nan where it has no value.
        value: Both ends where no resample has a value.

    >>> interval_of(np.array([np.nan, 0.25, 0.25]), 0.5)
    (0.25, 0.25)
    """
    finite = distribution[np.isfinite(distribution)]
    if len(finite) == 0:
        return value, value
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(finite, [tail, 1 - tail])
    return float(low), float(high)


def paired_permutation(before: np.ndarray, after: np.ndarray) -> float:
    """Return the two-sided p-value of a mean change between paired scores, by exchanging pairs at random.

    Exact where 2^n is at most 9,999; else as many permutations are drawn. Scores must be on one scale: ranks
    of two models' cosines, errors, or hits, not cosines of two models.

    Args:
        before: (n,) scores.
        after: (n,) scores of the same items.

    Raises:
        InputError: There is no item, the lengths differ, or a value is not finite.

    >>> paired_permutation(np.zeros(3), np.ones(3))  # 2 of 2 ** 3 arrangements
    0.25
    """
    from scipy import stats

    scores_before, scores_after = paired((before, after))
    if len(scores_before) == 1 or np.array_equal(scores_before, scores_after):
        return 1.0  # of one item, both arrangements are as extreme
    result = stats.permutation_test(
        (scores_after, scores_before),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=9999,
        batch=max(1, 2_000_000 // len(scores_before)),
        rng=np.random.default_rng(0),
    )
    return float(result.pvalue)


def grouped_mean(values: np.ndarray, groups: np.ndarray, *, over: str) -> Estimate:
    """Return the mean of values with its 95 % bootstrap interval over groups, each with all its items.

    Hits (0 or 1) that are their own groups, or that are all alike, get Wilson's interval.

    Args:
        values: (n,) scores or hits.
        groups: (n,) what the items of one group have in common, such as their class or their intent.
        over: What the note calls the groups.

    Raises:
        InputError: Lengths that differ, or no item.

    >>> grouped_mean(np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1]), over="classes").ends
    (0.0, 1.0)
    """
    sums, counts = _sums(values, groups)
    estimate = bootstrap_interval((sums, counts), _ratio)
    alone, hits = counts.max() == 1, bool(np.isin(values, (0, 1)).all())
    if hits and len(counts) > 1 and (alone or estimate.low == estimate.high):
        # Independent hits; or groups all alike, of which resamples know no spread: a hit for each group.
        share = wilson_interval(round(estimate.value * len(counts)), len(counts))
        ends = min(share.ends[0], estimate.value), max(share.ends[1], estimate.value)
        note = f"Wilson over {len(counts)} {over}"
        return Estimate(estimate.value, *ends, len(values), note)
    return replace(estimate, n=len(values), note=_note(over, estimate, len(counts)))


def accuracy_of(hits: np.ndarray, labels: np.ndarray, *, groups: ResampledBy = "classes") -> Estimate:
    """Return the share of hits with its 95 % bootstrap interval; as `zero_shot.accuracy`, from its `correct`.

    Args:
        hits: (pictures,) bool.
        labels: Each picture's class, (pictures,).
        groups: What is drawn: `classes`, each with all its pictures (another set of classes could have been
            chosen), or `pictures` (these classes are the question).

    Raises:
        InputError: Lengths that differ, no picture, or an unknown `groups`.

    >>> accuracy_of(np.array([True, True, True, False]), np.array([0, 0, 1, 1])).value
    0.75
    """
    return grouped_mean(hits, _drawn(groups, hits, labels), over=groups)


def accuracy_change(
    before: np.ndarray,
    after: np.ndarray,
    labels: np.ndarray,
    *,
    groups: ResampledBy = "classes",
) -> Estimate:
    """Return accuracy after minus before on the same pictures, its 95 % interval and a paired p-value.

    Both resample `groups`: the interval draws them with replacement; the test exchanges before and after in
    each, all pictures of a class together, because pictures of one class share its name's luck.

    Args:
        before: What `zero_shot.correct` gave before, (pictures,) bool.
        after: What it gave after.
        labels: Each picture's class, (pictures,).
        groups: `classes` or `pictures`.

    Raises:
        InputError: Lengths that differ, no picture, or an unknown `groups`.

    >>> change = accuracy_change(np.array([False, False]), np.array([True, False]), np.array([0, 1]))
    >>> change.value, change.p
    (0.5, 1.0)
    """
    drawn = _drawn(groups, before, labels)
    (old, counts), (new, _) = _sums(before, drawn), _sums(after, drawn)
    estimate = bootstrap_interval((new - old, counts), _ratio)
    if estimate.low == estimate.high and len(counts) > 1:  # all groups alike: of so many, none was otherwise
        unseen = wilson_interval(0, len(counts)).ends[1]
        estimate = replace(
            estimate, low=max(-1.0, estimate.value - unseen), high=min(1.0, estimate.value + unseen)
        )
    changed = old != new  # what did not change is the same either way round
    p = paired_permutation(old[changed], new[changed]) if changed.any() else 1.0
    return replace(estimate, n=len(before), note=_note(groups, estimate, len(counts)), p=p)


_GROUPS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "pictures": lambda labels: np.arange(len(labels)),
    "classes": np.asarray,
}


def _drawn(groups: str, hits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    if groups not in _GROUPS:
        raise InputError(f"unknown groups {groups!r}", f"choose one of: {', '.join(_GROUPS)}")
    if np.ndim(hits) != 1 or np.shape(hits) != np.shape(labels):
        raise InputError(
            f"hits {np.shape(hits)} and labels {np.shape(labels)} do not fit", "give one of each per picture"
        )
    return _GROUPS[groups](labels)


def _sums(values: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of values and the number of items of each group that has any."""
    if np.ndim(values) != 1 or np.shape(values) != np.shape(groups):
        raise InputError(
            f"values {np.shape(values)} and groups {np.shape(groups)} do not fit", "give one of each per item"
        )
    _, place, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return np.bincount(place, weights=np.asarray(values, np.float64)), counts.astype(np.float64)


def _ratio(sums: np.ndarray, counts: np.ndarray, axis: int) -> np.ndarray:
    ratio: np.ndarray = sums.sum(axis=axis) / counts.sum(axis=axis)
    return ratio


def _note(over: str, estimate: Estimate, count: int) -> str:
    return estimate.note if count == 1 else f"bootstrap over {count} {over}, {RESAMPLES} resamples"


def paired(samples: Sequence[np.ndarray] | np.ndarray) -> tuple[np.ndarray, ...]:
    """Return vectors of one length as float64, once each is known to be finite.

    Raises:
        InputError: There is none, or no item; the lengths differ, or a value is not finite.
    """
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
