"""Towers that differ in one thing: the rows of Table 2, weights with alpha, alpha alone, the number of words.

A sweep keeps what was measured of each setting and seed in the cache, so that a killed one goes on where it
stopped, and joins all in one long table. Settings are trained once: an alpha only interpolates what was
trained. Under torchrun all processes train, and all return the same table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lexclip_core.cache import JSON, cached
from lexclip_core.errors import InputError
from lexclip_core.evaluation.card_measures import MEASURES, CardItems
from lexclip_core.evaluation.embeddings import BeforeAfter
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.evaluation.lexical import DOMINANT, synonym_over_antonym_auc
from lexclip_core.evaluation.neighbourhoods import neighbour_overlap
from lexclip_core.evaluation.similarity import text_cosines
from lexclip_core.evaluation.table1 import ItemScores
from lexclip_core.experiments import paraphrases
from lexclip_core.experiments.paraphrases import Material, Measured, emoji_material, features_by
from lexclip_core.experiments.pipeline import (
    WordExperiment,
    one_training,
    paraphrase_objective,
    train_tower,
    tuned_copy,
    word_objective,
)
from lexclip_core.experiments.run_folder import summarise, tensors_of
from lexclip_core.experiments.word_measures import card_items
from lexclip_core.experiments.words import Lexicon, lexicon
from lexclip_core.towers import loading
from lexclip_core.towers.encoder import Encoder, TextRows
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.weights import apply_tuned, interpolate
from lexclip_core.training.distributed import is_writer, wait_for_all
from lexclip_core.training.objectives import LexicalObjective
from lexclip_core.training.samplers import RelationSampler
from lexclip_core.training.settings import (
    TABLE_2,
    ParaphraseSettings,
    RelationSettings,
    TrainingSettings,
    WordSettings,
)

TABLE_2_COLUMNS = ("row", "seed", "metric", "split", "value", "low", "high", "before", "n")
TRADE_OFF_COLUMNS = (
    *("name", "w_image", "w_caption", "w_paraphrase", "alpha"),
    *("seed", "metric", "split", "value", "low", "high"),
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
WORD_COLUMNS = (
    *("words", "control", "opposites", "relatives", "metric", "value", "low", "high", "n"),
    *("change", "change_low", "change_high", "cpu_seconds"),
)
ALPHA_COLUMNS = ("run", "preset", "alpha", "metric", "value", "low", "high", "n", "before")
WORD_COUNTS = (100, 300, 1_000, 3_000, 10_000, 50_000)
WORD_METRICS: Mapping[str, str] = {
    "separation/dominant": "AUC, dominant senses",
    "separation/all": "AUC, all senses",
    "ranks/synonym/median_rank": "median rank of a synonym",
    "ranks/antonym/median_rank": "median rank of an antonym",
    "word_similarity/simlex-999": "SimLex-999, rho",
    "retained/neighbour_overlap@10": "neighbours retained",
}
"""Row of a lexical card, or measure of the geometry -> how the curve over words calls it."""
WORD_CURVE = RelationSettings.from_flat({"preset": "lexclip-first"}).replace(
    preset="word-curve",
    batch=32,
    retained=96,
    steps=80,
    sense_weight=0.5,
    least_share=0.03,
    sentences=10.0,
    sentences_drawn=16,
    alpha=1.0,
)
"""The recipe of the curve over words, half as large as ours: however many words, the steps are the same."""

Make = Callable[[ParaphraseSettings], Material]


@dataclass(frozen=True, eq=False)
class Sweep:
    """What the settings of a sweep share.

    Args:
        start: The settings that each row changes.
        base: Its tower.
        make: The material of settings; it changes with the seed and the provider alone.
        tests: What is measured.
    """

    start: ParaphraseSettings
    base: Tower
    make: Make
    tests: paraphrases.Tests


def emoji_sweep(
    start: ParaphraseSettings, *, count: int = paraphrases.SCENES, folder: Path | None = None
) -> Sweep:
    """Return a sweep on the embedded default: emoji material, and the test scenes of held-out things.

    Args:
        start: The settings that each row changes.
        count: Test scenes.
        folder: A folder with `sts` and `sugarcrepe_pp`, measured as well.

    Raises:
        MissingResourceError: The emoji, or a tower, are not there.
    """
    features = features_by(loading.load_image(start.image_tower))
    base = loading.load(start.tower, device=start.device, dtype=start.dtype)
    tests = paraphrases.emoji_tests(features, count=count, folder=folder)
    tests = paraphrases.with_other_concepts(tests, features)

    @lru_cache(maxsize=1)  # weights and scales come one after the other, and change no material
    def material(seed: int, provider: str) -> Material:
        return emoji_material(start.replace(seed=seed, provider=provider), features)

    return Sweep(start, base, lambda settings: material(settings.seed, settings.provider), tests)


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


def _by_setting(sweep: Sweep, seeds: Sequence[int], rows: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    before = paraphrases.measured_base(sweep.base, sweep.tests).metrics
    found = _rows({"row": "base", "seed": -1}, before, before) if "base" in rows else []
    for seed in seeds:
        for name, changes in rows.items():
            if name != "base":
                after = _one(sweep, changes, seed).metrics
                found += _rows({"row": name, "seed": seed}, after, before)
    return pd.DataFrame(found, columns=list(TABLE_2_COLUMNS))


def sweep_items(
    sweep: Sweep, seeds: Sequence[int], rows: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[dict[str, ItemScores]]]:
    """Return what every item scored in the columns of Table 1: row -> column -> scores, for each seed.

    What a table of the same sweep measured is not trained again.

    Args:
        sweep: What the rows share.
        seeds: Each row is trained under each; the row `base` is not trained, and listed once.
        rows: Name -> what changes, such as `TABLE_2` or a part of `ABLATION`.
    """
    base = paraphrases.measured_base(sweep.base, sweep.tests).items
    return {
        name: [base] if name == "base" else [_one(sweep, changes, seed).items for seed in seeds]
        for name, changes in rows.items()
    }


def _one(sweep: Sweep, changes: Mapping[str, Any], seed: int) -> Measured:
    settings = sweep.start.replace(**changes, seed=seed)
    return _measured(sweep, settings, (settings.alpha,))[settings.alpha]


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
    before = paraphrases.measured_base(sweep.base, sweep.tests).metrics
    none = {"w_image": 0.0, "w_caption": 0.0, "w_paraphrase": 0.0, "alpha": 0.0}
    found = _rows({"name": "base", **none, "seed": -1}, before, before)
    for seed in seeds:
        for name, (image, caption, paraphrase) in weights.items():
            settings = sweep.start.replace(
                seed=seed,
                image_caption=0.0,
                image_paraphrase_1=0.0,
                image_paraphrase_2=image,
                caption_paraphrase=caption,
                paraphrase_paraphrase=paraphrase,
            )
            shares = {"w_image": image, "w_caption": caption, "w_paraphrase": paraphrase}
            for alpha, after in _measured(sweep, settings, alphas).items():
                label = name if alpha == 1 else f"{name}, alpha {alpha:g}"
                found += _rows({"name": label, **shares, "alpha": alpha, "seed": seed}, after.metrics, before)
    return pd.DataFrame(found, columns=list(TRADE_OFF_COLUMNS))


def _measured(sweep: Sweep, settings: ParaphraseSettings, alphas: Sequence[float]) -> dict[float, Measured]:
    """Return what was measured at every alpha; settings that were not measured before are trained."""
    at = {alpha: settings.replace(alpha=alpha) for alpha in alphas}
    known = {alpha: paraphrases.known_setting(one, sweep.base, sweep.tests) for alpha, one in at.items()}
    wait_for_all()  # nobody measures before all have looked, so all know the same
    if None not in known.values():
        return {alpha: one for alpha, one in known.items() if one is not None}
    whole = settings.replace(alpha=1.0)
    with one_training(whole):
        trained = train_tower(
            whole, paraphrase_objective(whole, sweep.make(whole), sweep.base), sweep.base, every=10
        )

        def measure(alpha: float) -> Measured:
            tower = trained.tower if alpha == 1 else interpolate(sweep.base, trained.tower, alpha)
            return paraphrases.measured_setting(at[alpha], sweep.base, sweep.tests, tower.encode_texts)

        measured = {alpha: measure(alpha) for alpha in alphas} if is_writer() else {}
        wait_for_all()
        if is_writer():
            trained.remove_files()
    return measured or {alpha: measure(alpha) for alpha in alphas}  # of the others: read, not measured


def _rows(
    keys: Mapping[str, Any], after: Mapping[str, Estimate], before: Mapping[str, Estimate]
) -> list[dict[str, Any]]:
    """Return a row for every metric that a table shows, beside the base's value of it."""
    rows = []
    for name, one in after.items():
        split, _, metric = name.partition("/")
        label = (OUTSIDE if split == "outside" else MEASURED).get(metric)
        if label:
            values = {"value": one.value, "low": one.low, "high": one.high, "n": one.n}
            rows.append({**keys, "metric": label, "split": split, **values, "before": before[name].value})
    return rows


def sweep_words(
    start: RelationSettings = WORD_CURVE,
    counts: Sequence[int] = WORD_COUNTS,
    *,
    test_sets: Path | None = None,
    vocabulary: Lexicon | None = None,
) -> pd.DataFrame:
    """Return what tuning on so many words does to words of held-out families, columns `WORD_COLUMNS`.

    The words are the most frequent ones of the training split, equals in a random order; nothing else is
    seen, sentences included. Each number is tuned with the targets and with shuffled ones, for the same
    number of steps, so that words are all that is added. The base comes first, as 0 words and control "base".

    Args:
        start: The settings; `control` is set by the sweep.
        counts: Numbers of words.
        test_sets: Folder with `wordsim`, measured as well.
        vocabulary: The words to train on and to judge by; by default WordNet's, under the settings' split.
    """
    known = vocabulary or lexicon(start.split)
    base = loading.load(start.tower, device=start.device, dtype=start.dtype)
    items = replace(card_items("test", known), test_sets=test_sets)
    before = TextRows(base.encode_texts, items.vocabulary)
    rows = _word_rows({"words": 0, "control": "base"}, _word_scores(before, before, items))
    for count in counts:
        fewer = only_frequent(known, count, start.seed)
        for control in ("none", "shuffled"):
            settings = start.replace(control=control)
            content = {"words": fewer.words, "split": fewer.split.tolist(), "settings": settings.run_id}
            content |= {"tower": base.sha256, "test_sets": test_sets is not None, "count": count}

            def make(settings: RelationSettings = settings, fewer: Lexicon = fewer) -> list[dict[str, Any]]:
                began = time.process_time()
                objective, _ = word_objective(settings, base, fewer)
                tower, _ = tuned_copy(settings, objective, base)
                facts = _drawn_pairs(objective)
                found = _word_rows(facts, _word_scores(before, tower.encode_texts, items))
                return [row | {"cpu_seconds": time.process_time() - began} for row in found]

            measured = cached("measurements", {"word curve": content}, make, codec=JSON)
            rows += [{"words": count, "control": control} | row for row in measured]
    return pd.DataFrame(rows, columns=list(WORD_COLUMNS))


def _drawn_pairs(objective: LexicalObjective) -> dict[str, int]:
    """Return how many pairs are pushed apart, and how many pulled together."""
    assert isinstance(objective.sampler, RelationSampler)
    pairs = objective.sampler.pairs
    opposite, drawn = pairs.opposite, pairs.weights > 0
    return {"opposites": int((opposite & drawn).sum()), "relatives": int((~opposite & drawn).sum())}


def only_frequent(vocabulary: Lexicon, count: int, seed: int) -> Lexicon:
    """Return a lexicon whose training split is its most frequent words alone, equals in a random order.

    Words that fall out belong to the split "unused".
    """
    train = np.flatnonzero(vocabulary.split == "train")
    drawn = np.random.default_rng(seed).random(len(train))
    order = train[np.lexsort((drawn, -vocabulary.counts[train]))]
    split = vocabulary.split.astype("<U6")
    split[order[count:]] = "unused"
    return replace(vocabulary, split=split)


Scores = dict[str, tuple[Estimate, Estimate | None]]


def _word_scores(before: Encoder, after: Encoder, items: CardItems) -> Scores:
    """Return the metrics of `WORD_METRICS`, those of the AUC with their paired change."""
    rows = TextRows(after, items.vocabulary)
    asked = ("separation", "ranks", *(("word_similarity",) if items.test_sets else ()))
    found = {name: one for task in asked for name, one in MEASURES[task](items).measure(rows).items()}
    words = [word for word in items.frequent if word in items.heldout][:2_000]
    found |= neighbour_overlap(before(words), rows(words), split="retained")
    pairs = items.related
    ends = pairs["word_a"].tolist(), pairs["word_b"].tolist()
    both = np.stack([text_cosines(encode, *ends) for encode in (before, rows)])
    changes = {}
    for part, chosen in (("dominant", pairs["share"] >= DOMINANT), ("all", pairs["share"] >= 0)):
        kept = chosen.to_numpy()
        words_of = [pair for pair, keep in zip(items.both, kept, strict=True) if keep]
        relations = pairs["relation"][chosen].tolist()
        auc = synonym_over_antonym_auc(both[:, kept], relations, split=part, words=words_of)
        (changes[f"separation/{part}"],) = auc.values()
    return {name: (found[name], changes.get(name)) for name in WORD_METRICS if name in found}


def _word_rows(facts: Mapping[str, Any], scores: Scores) -> list[dict[str, Any]]:
    rows = []
    for name, (one, change) in scores.items():
        row = {**facts, "metric": WORD_METRICS[name], "value": one.value, "low": one.low, "high": one.high}
        if change is not None:
            row |= {"change": change.value, "change_low": change.low, "change_high": change.high}
        rows.append(row | {"n": one.n})
    return rows


def sweep_alphas(path: Path, alphas: Sequence[float], *, test_sets: Path | None = None) -> pd.DataFrame:
    """Return what a run on words measures with its weights at other alphas, columns `ALPHA_COLUMNS`.

    Nothing is trained: each tower lies on the line from the base through the tuned weights. What is chosen is
    chosen by the rows of split dev.

    Args:
        path: The run's folder.
        alphas: Between 0 and 2.
        test_sets: Folder with `wordsim`, `sts` and `sugarcrepe_pp`, measured as well.

    Raises:
        MissingResourceError: The run has no tuned tensors.
        InputError: The run was not tuned on words, or an alpha is out of range.
    """
    summary = summarise(path)
    settings = TrainingSettings.from_flat(dict(summary.config))
    if not isinstance(settings, WordSettings):
        raise InputError(
            f"{summary.run_id} was not tuned on words", "name a run of method matrix or relations"
        )
    base = loading.load(settings.tower, device="cpu", dtype=settings.dtype)
    tuned = apply_tuned(base, tensors_of(summary))
    experiment, rows = WordExperiment(settings, base, test_sets, roots=()), []
    for alpha in alphas:
        tower = interpolate(base, tuned, alpha / settings.alpha)
        metrics, _ = experiment.measure(BeforeAfter(base.encode_texts, tower.encode_texts))
        facts = {"run": summary.run_id, "preset": summary.preset, "alpha": alpha}
        rows += [{**facts, "metric": name, **entry} for name, entry in metrics.items()]
    return pd.DataFrame(rows).reindex(columns=list(ALPHA_COLUMNS))
