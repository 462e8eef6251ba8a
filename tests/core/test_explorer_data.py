"""What the explorer shows at once: held-out triples at five weights, and packed vectors of many words."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from case_tables import each
from hypothesis import given
from hypothesis import strategies as st

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError
from lexclip_core.experiments import explorer_data, run_folder
from lexclip_core.experiments.words import lexicon
from lexclip_core.figures.maps import Places
from lexclip_core.training.settings import settings_of

RUNS = storage.data_folder() / "runs"
DEFAULT = RUNS / settings_of("lexclip").run_id
ENDS = ["synonym_0", "antonym_0", "synonym_100", "antonym_100"]


def test_triples_are_held_out_used_in_their_sense_and_distinct() -> None:
    table = explorer_data.heldout_triples()
    words = lexicon()
    split = dict(zip(words.words, words.split.tolist(), strict=True))
    named = table[["word", "synonym", "antonym"]]
    assert "train" not in {split[word] for word in named.to_numpy().ravel()}
    assert (named.nunique(axis=1) == 3).all()
    assert not named.duplicated().any()
    assert (table["count"] > 0).all()
    rows = {tuple(row): kind for *row, kind in table[[*named, "kind"]].itertuples(index=False)}
    assert rows["wide", "broad", "narrow"] == "synonym"
    assert rows["fast", "quick", "slow"] == "similar"
    fewer = explorer_data.heldout_triples(seen=["Wide"])
    assert "wide" in set(table["word"]) - set(fewer["word"]) <= {"wide", "narrow"}


@each(
    ("preset", "changes", "seen"),
    [
        ("lexclip", {}, ()),
        ("custom", {"method": "matrix", "words": "hot, cold"}, ("hot", "cold")),
        ("paraclip-emoji", {}, ()),
    ],
)
def test_what_a_training_saw_is_read_from_its_settings(preset: str, changes: dict, seen: tuple) -> None:
    assert explorer_data.seen_words(settings_of(preset, changes)) == seen


def test_class_names_were_seen() -> None:
    seen = explorer_data.seen_words(settings_of("blog-release", {"classes": 3}))
    assert len(seen) >= 6


def test_cosines_are_those_of_interpolated_weights() -> None:
    import torch

    from lexclip_core.towers import loading, trainable, weights

    base = loading.load("tiny-random", device="cpu")
    tuned = loading.load("tiny-random", device="cpu")
    trainable.set_trainable(tuned, ["text_projection"])
    generator = torch.Generator().manual_seed(0)
    shift = torch.randn(base.model.text_projection.shape, generator=generator)
    tuned.load_state({"text_projection": base.model.text_projection + shift})
    table = explorer_data.triple_table(base, tuned)
    assert table is not None
    assert list(table) != []
    assert set(table) == set(run_folder.TRIPLE_COLUMNS)
    row = table.iloc[7]
    for percent in run_folder.POSITIONS:
        tower = weights.interpolate(base, tuned, percent / 100)
        word, synonym, antonym = tower.encode_texts([row["word"], row["synonym"], row["antonym"]])
        assert row[f"synonym_{percent}"] == pytest.approx(word @ synonym, abs=1e-5)
        assert row[f"antonym_{percent}"] == pytest.approx(word @ antonym, abs=1e-5)


def test_outcomes_and_their_order_come_from_the_numbers_alone() -> None:
    rows = [
        ("still", "x", "y", 9, 0.5, 0.7, 0.5, 0.6),
        ("rare", "x", "y", 1, 0.3, 0.9, 0.9, 0.1),
        ("good", "x", "y", 9, 0.5, 0.6, 0.7, 0.5),
        ("best", "x", "y", 9, 0.5, 0.7, 0.7, 0.3),
        ("best", "z", "y", 9, 0.4, 0.7, 0.7, 0.3),
        ("worse", "x", "y", 9, 0.5, 0.4, 0.5, 0.6),
        ("tie", "x", "y", 9, 0.5, 0.5, 0.5, 0.5),
        ("fine", "x", "y", 9, 0.5, 0.4, 0.5, 0.4),
    ]
    table = pd.DataFrame(rows, columns=["word", "synonym", "antonym", "count", *ENDS]).assign(kind="synonym")
    ranked = explorer_data.by_strength(table)
    assert ranked["word"].tolist() == ["best", "good", "best", "rare", "still", "worse", "tie", "fine"]
    assert ranked["synonym"].tolist()[:3] == ["z", "x", "x"]
    assert ranked["outcome"].tolist() == [
        *["repaired"] * 4, "not repaired", "made worse", "not repaired", "right",
    ]  # fmt: skip


@given(st.integers(0, 2**32 - 1), st.sampled_from([16, 64, 384]), st.floats(0, 3))
def test_packing_moves_no_cosine_far(seed: int, dim: int, common: float) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(30, dim)) + common * rng.normal(size=dim)
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    packed = explorer_data.pack(rows)
    assert packed.dtype == np.int8
    again = explorer_data.unpack(packed)
    assert np.allclose(np.linalg.norm(again, axis=1), 1, atol=1e-5)
    assert np.abs(again @ again.T - rows @ rows.T).max() < 4 * explorer_data.PACKING_ERROR


def test_the_shipped_vectors_keep_the_stated_error_and_show_what_tuning_did() -> None:
    summary = run_folder.summarise(DEFAULT)
    wide = explorer_data.stored_vocabulary(summary)
    assert wide is not None
    assert wide.words == explorer_data.wide_words()
    run = run_folder.read_run(DEFAULT)
    place = {word: row for row, word in enumerate(wide.words)}
    shared = [(row, place[word]) for row, word in enumerate(run.words) if word in place]
    own, stored = (list(column) for column in zip(*shared, strict=True))
    for rows, packed in ((run.before, wide.before), (run.after, wide.after)):
        error = rows[own] @ rows[own].T - packed[stored] @ packed[stored].T
        assert np.abs(error).max() < explorer_data.PACKING_ERROR
    increase, decrease = place["increase"], place["decrease"]
    ranks = [int((rows @ rows[increase] > rows[decrease] @ rows[increase]).sum()) for rows in wide[1:]]
    assert ranks[0] <= 10 < 1_000 < ranks[1]
    shuffled = run_folder.run_of_preset("lexclip-shuffled")
    assert explorer_data.stored_vocabulary(shuffled) is None


def packed_bytes(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


WORDS, CODES = np.array(["hot", "cold"]), np.ones((2, 3), np.int8)


@each(
    ("content", "reason"),
    [
        (b"", "vocabulary.npz"),
        (packed_bytes(words=WORDS, codes=CODES)[:100], "vocabulary.npz"),
        (packed_bytes(words=WORDS), "codes.npy"),
        (packed_bytes(words=WORDS, codes=CODES.astype(np.float32)), "int8"),
        (packed_bytes(words=np.array([1, 2]), codes=CODES), "int8"),
        (packed_bytes(words=WORDS[:1], codes=CODES), "differ in length"),
        (packed_bytes(words=WORDS, codes=CODES[0]), "differ in length"),
    ],
)
def test_a_damaged_file_of_vectors_is_named(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / explorer_data.PACKED).write_bytes(content)
    with pytest.raises(DamagedFileError, match=reason):
        run_folder.read_packed(tmp_path, explorer_data.PACKED)


def test_packed_files_are_read_as_written(tmp_path: Path) -> None:
    rows = np.eye(3, dtype=np.float32)
    explorer_data.write_packed(tmp_path / explorer_data.PACKED, ["a", "b", "ç"], rows)
    words, codes = run_folder.read_packed(tmp_path, explorer_data.PACKED)
    assert words == ("a", "b", "ç")
    assert np.allclose(explorer_data.unpack(codes), rows)
    outside = explorer_data.base_file("../../../etc")
    assert outside.parent.name == "unknown"


ATLAS = {
    "words": np.array(["0" * 64]),
    "places": np.zeros((2, 4), np.uint16),
    "trust": np.array([0.5, 0.9], np.float32),
}


@each(
    ("changes", "reason"),
    [
        ({"places": None}, "places.npy"),
        ({"places": np.zeros((2, 3), np.uint16)}, "not that of an atlas"),
        ({"places": np.zeros((2, 4), np.float32)}, "not that of an atlas"),
        ({"places": np.zeros((0, 4), np.uint16)}, "holds something else"),
        ({"places": np.asfortranarray(np.ones((2, 4), np.uint16))}, "not that of an atlas"),
        ({"places": np.uint16(1)}, "atlas.npz"),
        ({"trust": np.array([0.5, np.nan], np.float32)}, "cannot be"),
        ({"trust": np.array([0.5, 1.5], np.float32)}, "cannot be"),
        ({"words": np.array(["Z" * 64])}, "cannot be"),
        ({"words": np.array(["0" * 64, "1" * 64])}, "not that of an atlas"),
    ],
)
def test_a_damaged_atlas_is_named(changes: dict, reason: str, tmp_path: Path) -> None:
    arrays = {key: value for key, value in (ATLAS | changes).items() if value is not None}
    (tmp_path / explorer_data.ATLAS).write_bytes(packed_bytes(**arrays))
    with pytest.raises(DamagedFileError, match=reason):
        run_folder.read_atlas(tmp_path, explorer_data.ATLAS)


def test_an_atlas_is_read_as_written_and_only_for_its_words(tmp_path: Path) -> None:
    before, after = np.array([[0.0, 0.0], [3.0, 1.0]]), np.array([[4.0, 2.0], [-1.0, 0.0]])
    words, summary = ("hot", "cold"), SimpleNamespace(path=tmp_path)
    assert explorer_data.stored_atlas(summary, words) is None
    digests = set()
    for _ in range(2):
        explorer_data.write_atlas(tmp_path / explorer_data.ATLAS, words, Places(before, after, 0.75, 0.5))
        digests.add(storage.sha256(tmp_path / explorer_data.ATLAS))
    assert len(digests) == 1  # the same content is the same file
    stored = explorer_data.stored_atlas(summary, words)
    assert stored is not None
    assert stored[2:] == (0.75, 0.5)
    scale = 65_535 / 5  # both axes share the larger extent
    assert np.abs(np.diff(stored.before.astype(float), axis=0) - scale * np.diff(before, axis=0)).max() <= 1
    assert np.abs((stored.after.astype(float) - stored.before) - scale * (after - before)).max() <= 1
    assert explorer_data.stored_atlas(summary, ("hot", "warm")) is None
    assert explorer_data.stored_atlas(summary, ("hot",)) is None


def test_landmarks_are_distinct_and_half_of_them_frequent() -> None:
    words = explorer_data.atlas_words()
    rows = explorer_data.landmarks(words, 1_000)
    assert len(set(rows.tolist())) == len(rows) == 1_000
    assert len(explorer_data.landmarks(words[:50], 1_000)) == 50
    frequent = set(explorer_data.wide_words()[:500])
    assert frequent <= {words[row] for row in rows}


@each(
    ("change", "reason"),
    [
        (lambda text: text.replace("synonym_25", "other"), "column 'synonym_25' is missing"),
        (lambda text: text.replace("0.7387", "7", 1), "synonym_0"),
        (lambda text: text.replace("0.7387", "hot", 1), "synonym_0"),
        (lambda text: text.replace("0.7387", "", 1), "synonym_0"),
    ],
)
def test_damaged_triples_are_named(change: object, reason: str, tmp_path: Path) -> None:
    import shutil

    path = Path(shutil.copytree(DEFAULT, tmp_path / "run", ignore=shutil.ignore_patterns("*.npz", "tuned*")))
    (path / "embeddings.npz").symlink_to(DEFAULT / "embeddings.npz")
    file = path / "triples.csv"
    file.write_text(change(file.read_text()))  # type: ignore[operator]
    with pytest.raises(DamagedFileError, match=reason):
        run_folder.read_run(path)


def test_a_run_is_completed_from_its_tensors(tmp_path: Path) -> None:
    import torch

    from lexclip_core.towers import loading, trainable, weights

    base = loading.load("tiny-random", device="cpu")
    tuned = base.copy()
    trainable.set_trainable(tuned, ["text_projection"])
    with torch.no_grad():
        for parameter in tuned.trainable_parameters().values():
            parameter.mul_(-1)
    weights.save_tuned(tuned, tmp_path / "tuned.safetensors")
    rows = base.encode_texts(["hot", "cold"])
    content = run_folder.RunContent(
        "custom-1", settings_of("lexclip", {"tower": "tiny-random"}).flat(), {},
        pd.DataFrame(columns=list(run_folder.HISTORY_COLUMNS), dtype=float), ("hot", "cold"), rows, rows,
    )  # fmt: skip
    path = run_folder.write_run(tmp_path, content, tuned=tmp_path / "tuned.safetensors")
    assert run_folder.read_run(path).triples is None
    explorer_data.complete_run(path, base)
    triples = run_folder.read_run(path).triples
    assert triples is not None
    assert len(triples) == len(explorer_data.heldout_triples())
