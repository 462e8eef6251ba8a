"""What paraphrases are worth, siblings as paraphrases, and files of captions."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from case_tables import each
from hypothesis import given
from hypothesis import strategies as st

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.paraphrase.provider import (
    COLUMNS,
    Caption,
    Failure,
    Made,
    content_words,
    examples,
    identical,
    mean_cosine,
    overlap,
    quality_table,
    read_captions,
    self_bleu,
    unchanged_words,
)
from lexclip_core.paraphrase.records import ParaphraseRecord
from lexclip_core.paraphrase.rules import SiblingProvider

TEXTS = st.text("ab ", min_size=1, max_size=12).filter(str.strip)
DOG = ParaphraseRecord("1", "a red dog on a bed", "there is a red dog on a bed", "a crimson canine on a bed")
CAT = ParaphraseRecord("2", "A cat.", "a cat", "a feline")


def test_content_words_leave_out_function_words_and_marks():
    assert content_words("There is a Red dog, on the bed!") == {"red", "dog", "bed"}


def test_overlap_is_jaccard_of_content_words():
    assert overlap(DOG.caption, DOG.paraphrase_2) == 1 / 5
    assert overlap("on it", "at the") == 1.0
    assert overlap("a dog", "it") == 0.0


@given(TEXTS, TEXTS)
def test_overlap_is_symmetric_bounded_and_1_for_equals(one: str, other: str):
    assert overlap(one, one) == 1.0
    assert 0 <= overlap(one, other) == overlap(other, one) <= 1


def test_unchanged_words_are_the_sources_words_that_stay():
    assert unchanged_words(DOG.caption, DOG.paraphrase_2) == 4 / 6
    assert unchanged_words("...", "a") == 1.0


def test_identical_ignores_case_and_closing_marks():
    assert identical("A cat.", "a  cat")
    assert not identical("a cat", "a cat sits")


def test_self_bleu_is_1_for_copies_and_falls_with_every_change():
    copies = ["a dog runs over the green grass", "two cats sleep on a soft sofa"]
    changed = ["a dog runs over the green lawn", "two cats sleep on a soft sofa"]
    assert self_bleu(copies, copies) == pytest.approx(1.0)
    assert self_bleu(copies, changed) < self_bleu(copies, copies)
    assert self_bleu(copies, ["x y z", "u v w"]) < 0.1
    assert self_bleu(copies, [text.upper() for text in copies]) == pytest.approx(1.0)
    with pytest.raises(InputError, match="2 sources and 1 paraphrases"):
        self_bleu(copies, copies[:1])


def test_self_bleu_by_hand():
    # 4 of 4 single words, 2 of 3 pairs, 1 of 2 triples, 0 of 1 in a row of four: smoothed to 1/2 of 1
    source, target = "a b c d", "a b c x d"
    matches, totals = [4, 2, 1, 1 / 2], [5, 4, 3, 2]
    expected = np.prod([m / t for m, t in zip(matches, totals, strict=True)]) ** (1 / 4)
    assert self_bleu([source], [target]) == pytest.approx(expected)


def test_the_cosine_is_the_mean_over_records_and_each_text_is_encoded_once():
    rows = {"a": [1.0, 0.0], "b": [0.6, 0.8], "c": [0.0, 1.0]}
    asked: list[str] = []

    def encode(texts: Sequence[str]) -> np.ndarray:
        asked.extend(texts)
        return np.array([rows[text] for text in texts])

    assert mean_cosine(["a", "a", "b"], ["b", "a", "c"], encode) == pytest.approx((0.6 + 1 + 0.8) / 3)
    assert sorted(asked) == ["a", "b", "c"]


def test_the_report_has_a_row_for_each_step_and_both():
    failures = (Failure(Caption("x"), 1, ""), Failure(Caption("y"), 2, ""), Failure(Caption("z"), 2, ""))
    table = quality_table(Made((DOG, CAT), failures), lambda texts: np.ones((len(texts), 1)))
    assert list(table.index) == ["step 1", "step 2", "both steps"]
    assert list(table.columns) == list(COLUMNS)
    assert table["words"].tolist() == [5, 4, 4]
    assert table.loc["step 1", "length_ratio"] == (8 / 6 + 2 / 2) / 2
    assert table.loc["both steps", "overlap"] == (1 / 5 + 0) / 2
    assert table["identical"].tolist() == [1 / 2, 0, 0]
    assert table["failed"].tolist() == [1 / 5, 2 / 4, 3 / 5]
    assert table["cosine"].tolist() == [1, 1, 1]
    assert quality_table(Made((DOG,)))["cosine"].isna().all()
    with pytest.raises(InputError, match="no record to judge"):
        quality_table(Made((), failures))


def test_examples_are_drawn_by_the_seed():
    records = [ParaphraseRecord("", f"caption {n}", f"one {n}", f"two {n}") for n in range(30)]
    table = examples(records, 5, seed=1)
    assert len(table) == 5
    assert table.equals(examples(records, 5, seed=1))
    assert not table.equals(examples(records, 5, seed=2))
    assert len(examples(records, 99)) == 30
    row = table.iloc[0]
    number = row["caption"].split()[1]
    assert (row["paraphrase_1"], row["paraphrase_2"]) == (f"one {number}", f"two {number}")


# Siblings.


def test_siblings_are_two_other_captions_of_the_same_picture():
    captions = [Caption(f"caption {n} of {image}", image) for image in "xy" for n in range(5)]
    outcomes = list(SiblingProvider(2).paraphrase(captions))
    for caption, record in zip(captions, outcomes, strict=True):
        assert isinstance(record, ParaphraseRecord)
        texts = {record.caption, record.paraphrase_1, record.paraphrase_2}
        assert len(texts) == 3
        assert record.caption == caption.text
        assert all(text.endswith(f"of {caption.image}") for text in texts)
    assert outcomes == list(SiblingProvider(2).paraphrase(captions))
    assert outcomes != list(SiblingProvider(3).paraphrase(captions))
    assert SiblingProvider(2).name == "siblings, seed 2"


def test_too_few_different_siblings_are_a_failure_of_the_step_that_lacks_one():
    captions = [
        Caption("A dog.", "x"),
        Caption("a  dog", "x"),
        Caption("a cat", "y"),
        Caption("two cats", "y"),
    ]
    failures = list(SiblingProvider().paraphrase(captions))
    assert [failure.step for failure in failures if isinstance(failure, Failure)] == [1, 1, 2, 2]
    assert isinstance(failures[0], Failure)
    assert failures[0].reason == "the picture 'x' has 0 other captions, not two"


def test_captions_without_a_picture_have_no_siblings():
    failures = list(SiblingProvider().paraphrase([Caption(f"text {n}") for n in range(4)]))
    assert all(isinstance(failure, Failure) and failure.step == 1 for failure in failures)


# Files of captions.

COCO = {
    "images": [{"id": 7, "file_name": "0007.jpg"}],
    "annotations": [
        {"image_id": 7, "id": 1, "caption": "A dog. "},
        {"image_id": 8, "id": 2, "caption": "A cat."},
    ],
}


@each(
    ("name", "content", "expected"),
    [
        ("c.txt", "\ufeffa dog\n\n  a cat \r\n", [("a dog", ""), ("a cat", "")]),
        (
            "c.jsonl",
            '{"caption": "a dog", "image_id": 7}\n\n{"text": "a cat"}\n',
            [("a dog", "7"), ("a cat", "")],
        ),
        ("c.tsv", "image\tcaption\n1.jpg\ta dog, a cat\n", [("a dog, a cat", "1.jpg")]),
        ("c.csv", 'caption,url\n"a dog, a cat",http://x\n', [("a dog, a cat", "http://x")]),
        ("c.json", json.dumps(COCO), [("A dog.", "0007.jpg"), ("A cat.", "8")]),
    ],
)
def test_captions_are_read(tmp_path: Path, name: str, content: str, expected: list[tuple[str, str]]):
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_captions(tmp_path / name) == tuple(Caption(*one) for one in expected)


@each(
    ("name", "content", "error", "said"),
    [
        ("c.md", "a dog", InputError, r"c\.md is not a file of captions"),
        ("c.txt", " \n", InputError, "has no captions"),
        ("c.jsonl", '{"caption": "a"}\n{"caption"', DamagedFileError, "line 2 is not JSON"),
        ("c.jsonl", "[1]", DamagedFileError, r"line 1 is \[1\], not an object"),
        ("c.jsonl", '{"title": "a"}', DamagedFileError, "line 1: column 'caption' or 'text' is missing"),
        ("c.tsv", "image\ttitle\n1\ta\n", DamagedFileError, "'text' is missing; it has image, title"),
        ("c.json", "{}", DamagedFileError, "annotations is missing"),
        ("c.json", '{"annotations": [{}]}', DamagedFileError, r"annotations\.0\.image_id is missing"),
    ],
)
def test_a_damaged_file_of_captions_is_named(
    tmp_path: Path, name: str, content: str, error: type[Exception], said: str
):
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(error, match=said) as raised:
        read_captions(tmp_path / name)
    assert name in str(raised.value)


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path):
    with pytest.raises(InputError, match="cannot read"):
        read_captions(tmp_path / "c.txt")
    (tmp_path / "c.txt").write_bytes(b"caf\xe9")
    with pytest.raises(DamagedFileError, match="line 1 is not UTF-8"):
        read_captions(tmp_path / "c.txt")


def test_real_files_of_captions_are_read(evaldata: Path):
    coco = read_captions(evaldata / "coco_mini" / "annotations" / "captions_val2017.json")
    assert all(caption.image.endswith(".jpg") for caption in coco)
    flickr = read_captions(evaldata / "flickr8k_sample" / "captions.tsv")
    assert len(flickr) == 1500
    records = [one for one in SiblingProvider().paraphrase(flickr) if isinstance(one, ParaphraseRecord)]
    assert len(records) > 1450


def test_a_cell_too_many_or_too_long_is_named_with_its_line_and_no_text_is_split(tmp_path: Path):
    path = tmp_path / "c.tsv"
    path.write_text("image\tcaption\n1.jpg\ta dog\u2028on a bed\n2.jpg\ta cat\tmore\n", encoding="utf-8")
    with pytest.raises(DamagedFileError, match=r"c\.tsv, line 3: 3 cells where the header has 2"):
        read_captions(path)
    path.write_text("image\tcaption\n1.jpg\ta dog\u2028on a bed\n", encoding="utf-8")
    assert read_captions(path) == (Caption("a dog\u2028on a bed", "1.jpg"),)
    path.write_text(f"image\tcaption\n1.jpg\t{'x' * 200_000}\n", encoding="utf-8")
    assert read_captions(path) == (Caption("x" * 200_000, "1.jpg"),)
