"""The measurements of one text encoder: texts in, metrics out; the encoder is any function of texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from lexclip_core.datasets import sentence_similarity, word_similarity
from lexclip_core.datasets.sentence_similarity import SentencePairs
from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import row_cosines
from lexclip_core.evaluation.intervals import Estimate
from lexclip_core.evaluation.lexical import Triples, inversion_rate
from lexclip_core.evaluation.similarity import FEWEST_PAIRS, heldout_pairs, macro_mean, spearman
from lexclip_core.towers.encoder import Encoder, TextRows


def text_cosines(encode: Encoder, texts_a: Sequence[str], texts_b: Sequence[str]) -> np.ndarray:
    """Return the cosine of each text with its partner, (n,) float64, encoding every distinct text once.

    Args:
        encode: Texts to unit rows, such as `Tower.encode_texts`.
        texts_a: First texts, (n,).
        texts_b: Second texts, (n,).

    Raises:
        InputError: The lengths differ.

    >>> rows = {"hot": [1.0, 0.0], "warm": [0.8, 0.6], "cold": [0.0, 1.0]}
    >>> text_cosines(lambda texts: np.array([rows[text] for text in texts]), ["hot", "hot"], ["warm", "cold"])
    array([0.8, 0. ])
    """
    if len(texts_a) != len(texts_b):
        raise InputError(f"{len(texts_a)} texts and {len(texts_b)} texts do not pair", "give as many of each")
    rows = TextRows(encode, [*texts_a, *texts_b])
    return row_cosines(rows(texts_a), rows(texts_b))


def triple_cosines(encode: Encoder, triples: Triples, template: str = "{}") -> tuple[np.ndarray, np.ndarray]:
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
    encode: Encoder, triples: Triples, templates: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return `triple_cosines` under each of T templates, (T, n) each: what `template_consistency` takes."""
    near, far = zip(*(triple_cosines(encode, triples, template) for template in templates), strict=True)
    return np.stack(near), np.stack(far)


def measure_triples(encode: Encoder, triples: Triples, *, split: str) -> dict[str, Estimate]:
    """Return the `inversion_rate` of an encoder on triples, as a whole and by part of speech."""
    near, far = triple_cosines(encode, triples)
    words = list(zip(triples.words, triples.synonyms, triples.antonyms, strict=True))
    return inversion_rate(near, far, split=split, policy=triples.policy, pos=triples.pos, words=words)


def measure_word_similarity(
    encode: Encoder,
    folder: Path,
    *,
    seen_words: Collection[str] | None = None,
    before: Encoder | None = None,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return rho on every word-similarity set of a folder, of all pairs or of those with no seen word.

    Args:
        encode: Texts to unit rows.
        folder: Folder of word-similarity sets.
        seen_words: The words that tuning used, whose pairs are left out; None for an encoder that was not
            tuned. A set of which too few pairs are left is left out.
        before: The encoder before tuning: then the values are paired changes.
        seed: Seed of the bootstrap.
    """
    result: dict[str, Estimate] = {}
    for name in word_similarity.available(folder):
        pairs = word_similarity.read(name, folder)
        words = list(zip(pairs.words_a, pairs.words_b, strict=True))
        chosen = np.flatnonzero(heldout_pairs(words, seen_words or ()))
        if len(chosen) < FEWEST_PAIRS:
            continue
        encoders = [encode] if before is None else [before, encode]
        cosines = np.stack([text_cosines(one, pairs.words_a, pairs.words_b)[chosen] for one in encoders])
        split = "all" if seen_words is None else "heldout"
        left = [words[place] for place in chosen.tolist()]
        result |= spearman(cosines, pairs.scores[chosen], split=split, name=name, words=left, seed=seed)
    return result


def measure_sts(
    encode: Encoder, folder: Path | None, tasks: Sequence[str] = sentence_similarity.SEVEN, *, seed: int = 0
) -> dict[str, Estimate]:
    """Return rho ("all" aggregation) of each task and, of more than one, their plain mean.

    The sentences of all tasks are encoded in one call, each once.

    Args:
        encode: Texts to unit rows.
        folder: Folder of the tasks; None asks the hub.
        tasks: Names of tasks; by default the seven that papers average.
        seed: Seed of the bootstrap.
    """
    read = [sentence_similarity.read(name, folder) for name in tasks]
    rows = TextRows(encode, [text for pairs in read for text in (*pairs.sentences_a, *pairs.sentences_b)])
    result: dict[str, Estimate] = {}
    for pairs in read:
        result |= sentence_rho(rows, pairs, split="dev" if pairs.name.endswith("-dev") else "test", seed=seed)
    return result | macro_mean(result, split="test") if len(result) > 1 else result


def sentence_rho(encode: Encoder, pairs: SentencePairs, *, split: str, seed: int = 0) -> dict[str, Estimate]:
    """Return "split/task/spearman" of one task of sentence similarity, in the "all" aggregation.

    Args:
        encode: Texts to unit rows.
        pairs: The task.
        split: What the sentences are to the encoder: usually "test".
        seed: Seed of the bootstrap.
    """
    cosines = text_cosines(encode, pairs.sentences_a, pairs.sentences_b)
    return spearman(cosines, pairs.scores, split=split, name=pairs.name, seed=seed)
