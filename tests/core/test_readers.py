"""No reader loses or changes a row: what is written comes back, or is refused with its file and line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from case_tables import each
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from lexclip_core.datasets import captions, composition, sentence_similarity, word_similarity
from lexclip_core.datasets.pictures.sources import PICTURE_SOURCES, open_set
from lexclip_core.errors import DamagedFileError, LexclipError
from lexclip_core.paraphrase.provider import read_captions
from lexclip_core.paraphrase.records import read_records
from lexclip_core.words import as_spelt, is_invisible, read_words

Rows = list[tuple[str, str, str]]

ODD = "\"',;|#\t\n\r\x00\x0b\x1c\x85\u2028\u2029\ufeff😀é "
TEXT = st.text(st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"]), min_size=1, max_size=10)
SAID = TEXT.map(str.strip).filter(bool)  # readers of captions and queries take off the blanks around a text
ROWS = st.lists(st.tuples(SAID, SAID, st.sampled_from(["1.jpg", "2.jpg"])), min_size=1, max_size=5)
FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = ("query", "paraphrase", "image")


def comma(rows: Sequence[Sequence[str]], header: Sequence[str] = NAMES, mark: str = ",") -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=mark, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([header, *rows])
    return stream.getvalue()


def tabbed(rows: Sequence[Sequence[str]], header: Sequence[str] = NAMES) -> str:
    return "".join("\t".join(row) + "\n" for row in (header, *rows))


def lines(rows: Rows, header: Sequence[str] = NAMES) -> str:
    return "".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows)


def pairs(path: Path) -> Rows:
    read = captions.read_query_pairs(path)
    return list(zip(read.queries_a, read.queries_b, read.images, strict=True))


def asked(path: Path) -> Rows:
    return [(one.text, "", one.image) for one in read_captions(path)]


def records(path: Path) -> Rows:
    return [(one.caption, one.paraphrase_1, one.image) for one in read_records(path)]


def flickr(path: Path) -> Rows:
    for name in ("1.jpg", "2.jpg"):
        Image.new("RGB", (2, 2)).save(path.parent / name)
    read = captions.open_captions("flickr8k", path.parent, split="all")
    names = zip(read.pictures.titles, read.captions, strict=True)
    return [(text, "", name) for name, texts in names for text in texts]


def coco_json(rows: Rows) -> str:
    images = [{"id": one, "file_name": f"{one}.jpg"} for one in (1, 2)]
    notes = [{"image_id": int(name[0]), "caption": text} for text, _, name in rows]
    return json.dumps({"images": images, "annotations": notes})


NOTED = ("caption", "image")
HELD = ("caption", "paraphrase_1", "image", "paraphrase_2")
READERS: dict[str, tuple[str, Callable[[Rows], str], Callable[[Path], Rows]]] = {
    "queries, commas": ("p.csv", comma, pairs),
    "queries, semicolons": ("p.csv", lambda rows: comma(rows, mark=";"), pairs),
    "queries, tabs": ("p.tsv", tabbed, pairs),
    "queries, objects": ("p.jsonl", lines, pairs),
    "captions, commas": ("c.csv", lambda rows: comma([(a, n) for a, _, n in rows], NOTED), asked),
    "captions, tabs": ("c.tsv", lambda rows: tabbed([(a, n) for a, _, n in rows], NOTED), asked),
    "captions, objects": ("c.jsonl", lambda rows: lines(rows, ("caption", "more", "image")), asked),
    "captions, COCO": ("c.json", coco_json, asked),
    "captions, lines": ("c.txt", lambda rows: "".join(f"{text}\n" for text, _, _ in rows), asked),
    "records": ("r.jsonl", lambda rows: lines([(*row, "x") for row in rows], HELD), records),  # type: ignore[misc]
    "Flickr, commas": ("captions.txt", lambda rows: comma([(n, a) for a, _, n in rows], NOTED[::-1]), flickr),
    "Flickr, tabs": ("captions.tsv", lambda rows: tabbed([(n, a) for a, _, n in rows], NOTED[::-1]), flickr),
    "Flickr, bars": (
        "results.csv",
        lambda rows: "image|n|caption\n" + "".join(f"{n}|0|{a}\n" for a, _, n in rows),
        flickr,
    ),
    "Flickr, tokens": (
        "Flickr8k.token.txt",
        lambda rows: "".join(f"{n}#0\t{a}\n" for a, _, n in rows),
        flickr,
    ),
    "Flickr, lists": (
        "flickr_annotations_30k.csv",
        lambda rows: comma([(json.dumps([a]), n) for a, _, n in rows], ("raw", "filename")),
        flickr,
    ),
}
BOUND_TO_LINES = ("captions, lines", *(f"{kind}, tabs" for kind in ("queries", "captions", "Flickr")))
BOUND_TO_LINES += ("Flickr, bars", "Flickr, tokens")


def on_one_line(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, "\n\r\t"), "_"))


def expected(kind: str, rows: Rows) -> Rows:
    """Return the rows as their reader gives them: by picture where it groups them, without what it lacks."""
    first = [(a, b if kind.startswith(("queries", "records")) else "", n) for a, b, n in rows]
    if kind == "captions, lines":
        return [(a, "", "") for a, _, _ in first]
    order = list(dict.fromkeys(name for _, _, name in first))
    return sorted(first, key=lambda row: order.index(row[2])) if kind.startswith("Flickr") else first


@pytest.mark.parametrize("kind", READERS)
@given(rows=ROWS, bom=st.booleans())
@FEW
def test_every_row_comes_back_as_it_was_written(tmp_path: Path, kind: str, rows: Rows, bom: bool):
    name, write, read = READERS[kind]
    if kind in BOUND_TO_LINES:  # such a file cannot hold a line end, nor one with tabs a tab
        rows = [(on_one_line(a), on_one_line(b), name) for a, b, name in rows]
    path = tmp_path / name
    path.write_bytes(b"\xef\xbb\xbf" * (bom and not name.endswith(".json")) + write(rows).encode())
    assert read(path) == expected(kind, rows)


@pytest.mark.parametrize("kind", ["queries, tabs", "captions, tabs", "Flickr, tabs"])
@given(rows=ROWS, place=st.integers(0, 4))
@FEW
def test_a_cell_too_many_is_refused_with_its_line(tmp_path: Path, kind: str, rows: Rows, place: int):
    name, write, read = READERS[kind]
    plain = [("a dog", "a hound", picture) for _, _, picture in rows]
    text = write(plain).splitlines()
    line = 1 + place % len(rows)
    text[line] += "\tmore"
    (tmp_path / name).write_text("\n".join(text), "utf-8")
    with pytest.raises(DamagedFileError, match=rf"line {line + 1}: \d cells"):
        read(tmp_path / name)


@pytest.fixture
def short_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every task two pairs long."""
    for name, card in sentence_similarity.CARDS.items():
        monkeypatch.setitem(sentence_similarity.CARDS, name, replace(card, rows=2))


def all_tasks(rows: Rows) -> str:
    header = ("task", "subset", "line", "score", "s1_raw", "s2_raw", "s1_tok", "s2_tok")
    return tabbed([("SICK-R-test", "s", "0", "1.5", a, b, a, b) for a, b, _ in rows], header)


def benchmark(rows: Rows) -> str:
    return "".join(f"genre\tfile\t2015\t1\t1.5\t{a}\t{b}\n" for a, b, _ in rows)


def sick(rows: Rows) -> str:
    header = ("pair_ID", "sentence_A", "sentence_B", "relatedness_score", "entailment_judgment")
    return tabbed([("1", a, b, "1.5", "NEUTRAL") for a, b, _ in rows], header)


@pytest.mark.parametrize(
    ("task", "file", "write"),
    [
        ("sick-r", "all_pairs.tsv", all_tasks),
        ("sts-b", "sts-test.csv", benchmark),
        ("sick-r", "SICK_test_annotated.txt", sick),
    ],
)
@given(rows=st.lists(st.tuples(SAID, SAID, st.just("")), min_size=2, max_size=2))
@FEW
def test_scored_sentences_come_back(
    tmp_path: Path, short_tasks: None, task: str, file: str, write: Callable[[Rows], str], rows: Rows
):
    rows = [(on_one_line(a), on_one_line(b), "") for a, b, _ in rows]
    (tmp_path / file).write_bytes(write(rows).encode())
    read = sentence_similarity.read(task, tmp_path)
    assert [(a, b, "") for a, b in zip(read.sentences_a, read.sentences_b, strict=True)] == rows


WORD = st.text(
    st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc"]), min_size=1, max_size=8
).filter(lambda word: word.strip() and "\ufeff" not in word)


@given(rows=st.lists(st.tuples(WORD, WORD), min_size=1, max_size=5), mark=st.sampled_from(["\t", " "]))
@FEW
def test_scored_words_come_back(tmp_path: Path, rows: list[tuple[str, str]], mark: str):
    path = tmp_path / "pairs.txt"
    path.write_text("".join(f"{a}{mark}{b}{mark}2.5\n" for a, b in rows), "utf-8")
    read = word_similarity.read_file(path, "pairs")
    assert list(zip(read.words_a, read.words_b, strict=True)) == rows


@given(rows=st.lists(st.tuples(SAID, SAID), min_size=1, max_size=4), keyed=st.booleans())
@FEW
def test_composition_comes_back(tmp_path: Path, rows: list[tuple[str, str]], keyed: bool):
    items = [{"filename": "1.jpg", "caption": a, "negative_caption": b} for a, b in rows]
    content = {str(number): item for number, item in enumerate(items)} if keyed else items
    (tmp_path / "add_att.json").write_text(json.dumps(content), "utf-8")
    read = composition.read("sugarcrepe", tmp_path, kinds=["add_att"])
    assert list(zip(read.true, read.false, strict=True)) == rows


NAMED = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(
    lambda name: not is_invisible(as_spelt(name))
)


@given(names=st.lists(NAMED, min_size=2, max_size=2, unique=True))
@FEW
def test_names_of_labels_come_back(tmp_path: Path, names: list[str]):
    labels = ["/m/a", "/m/b"]
    (tmp_path / "oidv7-test-annotations-human-imagelabels.csv").write_text(
        comma([("1", label, "1") for label in labels], ("ImageID", "LabelName", "Confidence")), "utf-8"
    )
    described = comma(list(zip(labels, names, strict=True)), ("LabelName", "DisplayName"))
    (tmp_path / "oidv7-class-descriptions.csv").write_bytes(described.encode())
    Image.new("RGB", (2, 2)).save(tmp_path / "1.jpg")
    assert [one.name for one in open_set("openimages", tmp_path, sample="all").classes] == names


@given(words=st.lists(TEXT, min_size=1, max_size=5))
@FEW
def test_lists_of_words_are_read_line_by_line(tmp_path: Path, words: list[str]):
    plain = [word.replace("\n", " ").replace("\r", " ") for word in ["dog", *words]]
    path = tmp_path / "words.txt"
    path.write_bytes("\n".join(plain).encode())
    listed, given_words = read_words(path), read_words(plain)
    assert listed.words == given_words.words
    assert {one.text for one in listed.dropped} | {""} == {one.text for one in given_words.dropped} | {""}


PIECES = [
    b"caption",
    b"image",
    b"query",
    b"paraphrase",
    b",",
    b"\t",
    b";",
    b"|",
    b'"',
    b"\n",
    b"\r\n",
    b"\xff",
    b"\xef\xbb\xbf",
]
PIECES += [
    b"{",
    b"}",
    b"[",
    b"]",
    b":",
    b"null",
    b'"caption"',
    b'"images"',
    b'"annotations"',
    b"1e999",
    b"\\ud83d",
    b"#0",
    b"1.jpg",
]


@pytest.mark.parametrize("kind", READERS)
@given(content=st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=30).map(b"".join))
@FEW
def test_no_content_escapes_as_another_error(tmp_path: Path, kind: str, content: bytes):
    name, _, read = READERS[kind]
    (tmp_path / name).write_bytes(content)
    with suppress(LexclipError):
        read(tmp_path / name)


# --- files that people reported ---

FAR = "a cat number 7"
REPORTED: dict[str, tuple[str, str, Callable[[Path], Any], Any]] = {
    "a caption in a TSV that begins with a mark": (
        "c.tsv",
        'caption\timage\na red bus\t1.jpg\n"stop" sign by a road\t2.jpg\n"go\t3.jpg\ntwo dogs\t4.jpg\n',
        lambda path: [one.text for one in read_captions(path)],
        ["a red bus", '"stop" sign by a road', '"go', "two dogs"],
    ),
    "the same, and a long file after it": (
        "c.tsv",
        'caption\timage\n"a dog\t1.jpg\n' + f"{FAR}\t7.jpg\n" * 6000,
        lambda path: [one.text for one in read_captions(path)],
        ['"a dog', *[FAR] * 6000],
    ),
    "a query in a TSV that begins with a mark": (
        "p.tsv",
        'query\tparaphrase\timage\na dog\ta puppy\t1.jpg\n"stop\thalt sign\t2.jpg\na cat\ta kitten\t3.jpg\n',
        lambda path: captions.read_query_pairs(path).queries_a,
        ("a dog", '"stop', "a cat"),
    ),
    "queries with a cell more than the header": (
        "p.csv",
        "query,paraphrase,image\na dog,a puppy,1.jpg,\n",
        captions.read_query_pairs,
        r"p\.csv, line 2: 4 cells where the header has 3",
    ),
    "a caption of two lines": (
        "captions.txt",
        'image,caption\n1.jpg,"a dog\nruns fast"\n2.jpg,a cat\n',
        lambda path: [text for text, _, _ in flickr(path)],
        ["a dog\nruns fast", "a cat"],
    ),
    "a caption that never ends": (
        "captions.txt",
        'image,caption\n1.jpg,"stop sign by a road\n2.jpg,a cat\n',
        flickr,
        r"captions\.txt, line 2: a quotation mark is never closed",
    ),
    "line ends of other alphabets": (
        "c.csv",
        "caption,image\na dog\x85runs,1.jpg\na cat\u2028sits,2.jpg\n",
        asked,
        [("a dog\x85runs", "", "1.jpg"), ("a cat\u2028sits", "", "2.jpg")],
    ),
    "half of an emoji": (
        "c.jsonl",
        '{"caption": "a dog \\ud83d runs"}\n{"caption": "a cat"}\n',
        read_captions,
        r"c\.jsonl, line 1: caption holds \\ud83d, half of a character",
    ),
    "COCO without pictures": (
        "c.json",
        '{"images": null, "annotations": [{"image_id": 1, "caption": "a dog runs"}]}',
        read_captions,
        r"c\.json: images is None",
    ),
    "COCO with pictures keyed": (
        "c.json",
        '{"images": {"1": "a.jpg"}, "annotations": [{"image_id": 1, "caption": "a dog"}]}',
        read_captions,
        r"c\.json: images is \{'1': 'a\.jpg'\}",
    ),
    "composition without a caption": (
        "add_att.json",
        '[{"filename": "1.jpg", "caption": null, "negative_caption": "x"}]',
        lambda path: composition.read("sugarcrepe", path.parent, kinds=["add_att"]),
        r"add_att\.json: 0\.caption is None",
    ),
    "composition that is a number": (
        "add_att.json",
        "5",
        lambda path: composition.read("sugarcrepe", path.parent, kinds=["add_att"]),
        r"add_att\.json: the whole is 5",
    ),
    "faces with a cell more than the header": (
        "fer2013.csv",
        "emotion,pixels,Usage\n0," + " ".join(["7"] * 2304) + ",PrivateTest,\n",
        lambda path: PICTURE_SOURCES["fer2013"].count(path.parent),
        r"fer2013\.csv, line 2: 4 cells where the header has 3",
    ),
    "numbers as ids": (
        "c.jsonl",
        '{"caption": "a dog", "image_id": 139}\n{"caption": "a cat", "image_id": null}\n',
        asked,
        [("a dog", "", "139"), ("a cat", "", "")],
    ),
}


@each("what", REPORTED)
def test_what_people_reported_is_read_or_refused_by_name(tmp_path: Path, what: str):
    name, content, read, right = REPORTED[what]
    (tmp_path / name).write_bytes(content.encode())
    if isinstance(right, str):
        with pytest.raises(DamagedFileError, match=right):
            read(tmp_path / name)
    else:
        assert read(tmp_path / name) == right


def test_labels_with_a_cell_more_than_the_header_are_refused(tmp_path: Path):
    (tmp_path / "oidv7-test-annotations-human-imagelabels.csv").write_text(
        "ImageID,Source,LabelName,Confidence\naaa,verification,/m/0bt9lr,1,\n"
    )
    (tmp_path / "oidv7-class-descriptions.csv").write_text("LabelName,DisplayName\n/m/0bt9lr,Dog\n")
    with pytest.raises(DamagedFileError, match="line 2: 5 cells where the header has 4"):
        PICTURE_SOURCES["openimages"].count(tmp_path)
