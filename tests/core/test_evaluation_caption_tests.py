"""Official tests of composition end to end: SugarCrepe by kind, SugarCrepe++ with pictures and without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cosine
from torchmetrics.retrieval import RetrievalHitRate

from lexclip_core.datasets import composition
from lexclip_core.datasets.captions import open_captions
from lexclip_core.datasets.composition import CaptionTests
from lexclip_core.errors import InputError
from lexclip_core.evaluation.composition import measure_pictures, measure_text_only
from lexclip_core.evaluation.retrieval import recall_at_k
from lexclip_core.towers.loading import load

ANGLES = {"true": 0, "alike": 20, "near": 15, "far": 60}


def by_angle(texts: Sequence[str]) -> np.ndarray:
    radians = np.radians([ANGLES[text] for text in texts])
    return np.stack([np.cos(radians), np.sin(radians)], axis=1)


def bag_of_words(texts: Sequence[str]) -> np.ndarray:
    rows = []
    for text in texts:
        words = sorted(text.lower().replace(".", " ").replace(",", " ").split())
        rows.append(sum(np.random.default_rng(list(word.encode())).normal(size=128) for word in words))
    array = np.array(rows)
    return (array / np.linalg.norm(array, axis=1, keepdims=True)).astype(np.float32)


def values(measured: dict) -> dict[str, float]:
    return {name: estimate.value for name, estimate in measured.items()}


def test_pictures_choose_between_captions_by_kind():
    tests = CaptionTests(
        "sugarcrepe", ("1", "2", "3"), ("true",) * 3, ("near", "far", "far"), ("a", "a", "b")
    )
    pictures = by_angle(["alike", "alike", "true"])  # the first is nearer to the false caption
    assert values(measure_pictures(by_angle, tests, pictures)) == {
        "test/sugarcrepe/micro": 2 / 3,
        "test/sugarcrepe/macro": 3 / 4,
        "test/sugarcrepe/a/accuracy": 1 / 2,
        "test/sugarcrepe/b/accuracy": 1,
    }
    assert "dev/mine/micro" in measure_pictures(by_angle, tests, pictures, split="dev", name="mine")


def test_two_true_captions_must_both_be_nearer_and_must_be_near_each_other():
    tests = CaptionTests(
        "sugarcrepe-pp", ("1", "2"), ("true",) * 2, ("near", "far"), ("a", "a"), ("alike",) * 2
    )
    pictures = by_angle(["true", "true"])
    assert values(measure_pictures(by_angle, tests, pictures))["test/sugarcrepe-pp-itt/micro"] == 1 / 2
    assert values(measure_text_only(by_angle, tests))["test/sugarcrepe-pp-tot/a/accuracy"] == 1 / 2


def test_what_does_not_fit_is_named():
    tests = CaptionTests("sugarcrepe", ("1",), ("true",), ("far",), ("a",))
    with pytest.raises(InputError, match="sugarcrepe has one true caption per item"):
        measure_text_only(by_angle, tests)
    with pytest.raises(InputError, match="2 picture rows for 1 items of sugarcrepe"):
        measure_pictures(by_angle, tests, by_angle(["true", "true"]))


def test_the_text_only_test_equals_a_loop_over_scipys_distances(evaldata: Path):
    tests = composition.read("sugarcrepe-pp", evaldata, ("swap_att",))
    hits = []
    for texts in zip(tests.true, tests.paraphrases, tests.false, strict=True):
        true, other, false = bag_of_words(texts)
        hits.append(cosine(true, other) < min(cosine(true, false), cosine(other, false)))
    assert 0 < sum(hits) < 666
    measured = measure_text_only(bag_of_words, tests)
    assert measured["test/sugarcrepe-pp-tot/micro"].value == sum(hits) / 666


def test_minilm_on_the_text_only_test_of_sugarcrepe_pp(evaldata: Path):
    tests = composition.read("sugarcrepe-pp", evaldata, ("swap_att",))
    measured = measure_text_only(load("all-MiniLM-L6-v2").encode_texts, tests)
    assert measured["test/sugarcrepe-pp-tot/swap_att/accuracy"].value == 150 / 666  # 22.52 %


def test_words_alone_find_the_pictures_of_other_captions_in_a_real_set(evaldata: Path):
    """A picture stands for the mean of four captions and is asked for by the fifth."""
    found = open_captions("flickr8k", evaldata / "flickr8k_sample", split="all")
    pictures = np.stack([bag_of_words(texts[1:]).mean(axis=0) for texts in found.captions])
    pictures = (pictures / np.linalg.norm(pictures, axis=1, keepdims=True)).astype(np.float32)
    first = bag_of_words([texts[0] for texts in found.captions])
    owners = np.arange(len(found))
    measured = recall_at_k(first, pictures, owners, split="test", ks=(5,))
    cosines = torch.from_numpy(first @ pictures.T)
    index = torch.arange(len(found))[:, None].expand_as(cosines)
    wanted = RetrievalHitRate(top_k=5)(
        cosines.flatten(), torch.eye(len(found)).bool().flatten(), index.flatten()
    )
    assert measured["test/retrieval/image_r@5"].value == pytest.approx(float(wanted), abs=1e-6)
    assert measured["test/retrieval/image_r@5"].value > 10 * 5 / len(found)
