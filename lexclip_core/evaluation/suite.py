"""The measurements of one text encoder: words in, metrics out; the encoder is any function of texts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np

from lexclip_core.datasets import sts as sts_data
from lexclip_core.datasets import word_similarity as word_data
from lexclip_core.errors import InputError
from lexclip_core.evaluation.lexical import inversion_rate
from lexclip_core.evaluation.statistics import Estimate
from lexclip_core.evaluation.sts import macro_of, sts
from lexclip_core.evaluation.text_rows import TextRows
from lexclip_core.evaluation.triples import Triples
from lexclip_core.evaluation.word_similarity import (
    row_cosines,
    spearman,
    spearman_by_part,
    split_by_words,
)

Encode = Callable[[Sequence[str]], np.ndarray]


def pair_cosines(encode: Encode, texts_a: Sequence[str], texts_b: Sequence[str]) -> np.ndarray:
    """Return the cosine of each text with its partner, (n,) float64, encoding every distinct text once.

    Args:
        encode: Texts to unit rows, such as `Tower.encode_texts`.
        texts_a: First texts, (n,).
        texts_b: Second texts, (n,).

    Raises:
        InputError: The lengths differ.
    """
    if len(texts_a) != len(texts_b):
        raise InputError(f"{len(texts_a)} texts and {len(texts_b)} texts do not pair", "give as many of each")
    distinct = list(dict.fromkeys([*texts_a, *texts_b]))
    place = {text: number for number, text in enumerate(distinct)}
    vectors = encode(distinct)
    rows_a, rows_b = ([place[text] for text in texts] for texts in (texts_a, texts_b))
    return row_cosines(vectors[rows_a], vectors[rows_b])


def triple_cosines(encode: Encode, triples: Triples, template: str = "{}") -> tuple[np.ndarray, np.ndarray]:
    """Return the cosines of each word with its synonym and with its antonym, (n,) each, inside a template.

    Args:
        encode: Texts to unit rows.
        triples: From `wordnet_triples`.
        template: A text in which `{}` stands for the word.

    Raises:
        InputError: The template has no place for a word.
    """
    if "{}" not in template:
        raise InputError(f"template {template!r} has no place for a word", "write {} where the word goes")
    vectors = encode([template.replace("{}", word) for word in triples.vocabulary])
    words, synonyms, antonyms = (vectors[rows] for rows in triples.indices())
    return row_cosines(words, synonyms), row_cosines(words, antonyms)


def template_cosines(
    encode: Encode, triples: Triples, templates: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return `triple_cosines` under each of T templates, (T, n) each: what `template_consistency` takes."""
    near, far = zip(*(triple_cosines(encode, triples, template) for template in templates), strict=True)
    return np.stack(near), np.stack(far)


def measure_triples(encode: Encode, triples: Triples, *, split: str) -> dict[str, Estimate]:
    """Return the `inversion_rate` of an encoder on triples, as a whole and by part of speech."""
    near, far = triple_cosines(encode, triples)
    return inversion_rate(near, far, split=split, policy=triples.policy, pos=triples.pos)


def measure_word_similarity(
    encode: Encode, folder: Path, *, seen_words: Collection[str] | None = None, seed: int = 0
) -> dict[str, Estimate]:
    """Return rho on every word-similarity set of a folder: of all pairs, and by part where words were seen.

    Args:
        encode: Texts to unit rows.
        folder: Folder of word-similarity sets.
        seen_words: The words that tuning used; None for an encoder that was not tuned.
        seed: Seed of the bootstrap.
    """
    result: dict[str, Estimate] = {}
    for name in word_data.available(folder):
        pairs = word_data.read(name, folder)
        cosines = pair_cosines(encode, pairs.words_a, pairs.words_b)
        if seen_words is None:
            result |= spearman(cosines, pairs.scores, split="all", name=name, seed=seed)
        else:
            parts = split_by_words(list(zip(pairs.words_a, pairs.words_b, strict=True)), seen_words)
            result |= spearman_by_part(cosines, pairs.scores, parts, name=name, seed=seed)
    return result


def measure_sts(
    encode: Encode, folder: Path | None, tasks: Sequence[str] = sts_data.SEVEN, *, seed: int = 0
) -> dict[str, Estimate]:
    """Return rho ("all" aggregation) of each task and, of more than one, their plain mean.

    The sentences of all tasks are encoded in one call, each once.

    Args:
        encode: Texts to unit rows.
        folder: Folder of the tasks; None asks the hub.
        tasks: Names of tasks; by default the seven that papers average.
        seed: Seed of the bootstrap.
    """
    read = [sts_data.read(name, folder) for name in tasks]
    rows = TextRows(encode, [text for pairs in read for text in (*pairs.sentences_a, *pairs.sentences_b)])
    result: dict[str, Estimate] = {}
    for pairs in read:
        cosines = row_cosines(rows(pairs.sentences_a), rows(pairs.sentences_b))
        split = "dev" if pairs.name.endswith("-dev") else "test"
        result |= sts(cosines, pairs.scores, split=split, task=pairs.name, seed=seed)
    return result | macro_of(result, split="test") if len(result) > 1 else result


def sts_mean(encode: Encode, folder: Path | None = None, *, seed: int = 0) -> Estimate:
    """Return the mean rho of the seven tasks, the "Avg." of ParaCLIP's tables (claim P11).

    Args:
        encode: Texts to unit rows.
        folder: Folder of the tasks; None asks the hub.
        seed: Seed of the bootstrap.

    Raises:
        MissingResourceError: A task is not there.
    """
    return measure_sts(encode, folder, seed=seed)["test/sts_mean/spearman"]
