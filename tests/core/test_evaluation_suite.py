"""The measurements of one encoder, end to end on made-up files: letters stand for meaning."""

from __future__ import annotations

import numpy as np
import pytest

from lexclip_core.datasets import sentence_similarity, word_similarity
from lexclip_core.errors import InputError
from lexclip_core.evaluation.lexical import Triples, measure_triples, template_cosines, triple_cosines
from lexclip_core.evaluation.similarity import measure_sts, measure_word_similarity, text_cosines

TRIPLES = Triples(("ab", "cd"), ("ac", "xy"), ("xy", "ce"), ("a", "n"), "same_synset")


class Letters:
    """An encoder whose vectors count letters; it remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, texts):
        self.asked.append(list(texts))
        counts = np.array([[text.count(chr(97 + i)) + 1e-3 for i in range(26)] for text in texts])
        return (counts / np.linalg.norm(counts, axis=1, keepdims=True)).astype(np.float32)


def test_every_distinct_text_is_encoded_once():
    encode = Letters()
    cosines = text_cosines(encode, ["ab", "ab", "cd"], ["ab", "cd", "ab"])
    assert encode.asked == [["ab", "cd"]]
    assert cosines[0] == pytest.approx(1)
    assert cosines[1] == cosines[2]
    with pytest.raises(InputError, match="do not pair"):
        text_cosines(encode, ["a"], [])


def test_triples_are_measured_by_part_of_speech():
    near, far = triple_cosines(Letters(), TRIPLES)
    assert near[0] > far[0]
    assert near[1] < far[1]
    result = measure_triples(Letters(), TRIPLES, split="all")
    assert result["all/inversion_rate/same_synset/a"].value == 0
    assert result["all/inversion_rate/same_synset/n"].value == 1


def test_templates_stand_around_the_word():
    encode = Letters()
    near, far = template_cosines(encode, TRIPLES, ("{}", "a photo of {}"))
    assert near.shape == far.shape == (2, 2)
    assert encode.asked[1][0] == "a photo of ab"
    assert not np.allclose(near[0], near[1])
    with pytest.raises(InputError, match="has no place for a word"):
        triple_cosines(encode, TRIPLES, "a photo")


@pytest.fixture
def small(monkeypatch):
    """Make every set three rows long."""
    for module in (word_similarity, sentence_similarity):
        cards = {name: type(card)(**{**vars(card), "rows": 3}) for name, card in module.CARDS.items()}
        monkeypatch.setattr(module, "CARDS", cards)


def test_word_similarity_of_a_folder(tmp_path, small, caplog):
    (tmp_path / "EN-RG-65.txt").write_text("ab\tab\t3\nab\tac\t2\nab\txy\t1\n")
    result = measure_word_similarity(Letters(), tmp_path)
    assert {name: estimate.value for name, estimate in result.items()} == {
        "all/rg-65/spearman": pytest.approx(1)
    }
    tuned = measure_word_similarity(Letters(), tmp_path, seen_words=["zz"])
    assert set(tuned) == {"heldout/rg-65/spearman"}
    assert measure_word_similarity(Letters(), tmp_path, seen_words=["XY"]) == {}  # two pairs are too few
    assert measure_word_similarity(Letters(), tmp_path, unknown=lambda _: ["xy"]) == {}  # likewise
    assert "1 of 3 pairs of rg-65 have a word without a vector and are not counted" in caplog.text
    change = measure_word_similarity(Letters(), tmp_path, seen_words=["zz"], before=Letters())
    assert change["heldout/rg-65/spearman"].value == 0


def test_sts_of_a_folder_with_the_mean(tmp_path, small):
    lines = ["task\tsubset\tline\tscore\ts1_raw\ts2_raw\ts1_tok\ts2_tok"]
    for task, scores in (("STS12", (5, 3, 1)), ("STS-B-dev", (1, 3, 5))):
        for score, other in zip(scores, ("ab", "ac", "xy"), strict=True):
            lines.append(f"{task}\tx\t0\t{score}\tab\t{other}\tab\t{other}")
    (tmp_path / "all_pairs.tsv").write_text("\n".join(lines) + "\n")
    result = measure_sts(Letters(), tmp_path, ("sts12", "sts-b-dev"))
    assert result["test/sts12/spearman"].value == pytest.approx(1)
    assert result["dev/sts-b-dev/spearman"].value == pytest.approx(-1)
    assert result["test/sts_mean/spearman"].value == pytest.approx(0)
    assert "test/sts_mean/spearman" not in measure_sts(Letters(), tmp_path, ("sts12",))
    assert measure_sts(Letters(), tmp_path, ("sts12",), unknown=lambda _: ["ac"]) == {}  # two are too few
