"""Tuned weights come back as they were saved, on their own base alone."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_tower import ARCHITECTURE, random_model, register_architectures, save_checkpoint, tiny_tower

from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError, StorageError
from lexclip_core.towers.loading import load
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import set_trainable
from lexclip_core.towers.weight_files import file_metadata
from lexclip_core.towers.weights import apply_tuned, save_tuned

WORDS = ["happy", "sad", "a photo of a dog", "hot"]
SETTINGS = ["all", "last:1", "lora:4", ["*.mlp.c_fc.weight"]]


def trained(setting: object, tower: Tower | None = None) -> Tower:
    tower = tower or tiny_tower()
    set_trainable(tower, setting)
    parameters = tower.trainable_parameters()
    for _ in range(2):
        rows = tower.embed(WORDS)
        gradients = torch.autograd.grad(((rows @ rows.T) ** 2).sum(), list(parameters.values()))
        with torch.no_grad():
            for value, gradient in zip(parameters.values(), gradients, strict=True):
                value -= 0.05 * gradient
    return tower


@pytest.fixture(scope="module")
def minilm() -> Tower:
    return load("all-MiniLM-L6-v2", device="cpu")


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_what_was_saved_comes_back_bit_for_bit(setting: object, tmp_path: Path) -> None:
    base, tuned = tiny_tower(), trained(setting)
    before = base.encode_texts(WORDS)
    file = tmp_path / "run" / "tuned.safetensors"
    save_tuned(tuned, file)
    back = apply_tuned(base, file)
    assert np.array_equal(back.encode_texts(WORDS), tuned.encode_texts(WORDS))
    assert not np.array_equal(back.encode_texts(WORDS), before)
    assert np.array_equal(base.encode_texts(WORDS), before)
    assert back.trainable == tuned.trainable


def test_the_embedded_default_comes_back_too(minilm: Tower, tmp_path: Path) -> None:
    tuned = trained("lora:2", minilm.copy())
    file = tmp_path / "tuned.safetensors"
    save_tuned(tuned, file)
    assert np.array_equal(apply_tuned(minilm, file).encode_texts(WORDS), tuned.encode_texts(WORDS))
    assert file.stat().st_size < 400_000


def test_only_what_was_trained_is_saved_with_what_it_belongs_to(tmp_path: Path) -> None:
    file = tmp_path / "tuned.safetensors"
    tuned = trained(["text_projection"])
    save_tuned(tuned, file)
    assert set(load_file(file)) == {"text_projection"}
    assert file_metadata(file) == {
        "format": "lexclip-tuned-1",
        "base": "tiny-random",
        "base_sha256": tuned.sha256,
        "architecture": "lexclip-tiny",
        "activation": "gelu",
        "tokenizer": "clip-bpe",
        "trainable": '["text_projection"]',
        "dtype": "float32",
    }


def test_of_a_large_vocabulary_only_the_changed_rows_are_saved_and_nothing_is_lost(tmp_path: Path) -> None:
    base, tuned = tiny_tower(), trained(["token_embedding.weight", "ln_final.*"])
    whole, rows = tmp_path / "whole.safetensors", tmp_path / "rows.safetensors"
    save_tuned(tuned, whole)
    save_tuned(tuned, rows, base=base)
    assert rows.stat().st_size < whole.stat().st_size / 1_000
    back = apply_tuned(base, rows)
    assert all(torch.equal(value, tuned.state()[name]) for name, value in back.state().items())
    with pytest.raises(DamagedFileError, match="does not hold the tensors it names"):
        apply_tuned(base, rewritten(rows, add="nothing.weight#rows"))


def test_half_precision_halves_the_file_and_stays_near(tmp_path: Path) -> None:
    tuned = trained("all")
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    save_tuned(tuned, whole)
    save_tuned(tuned, half, dtype="float16")
    assert half.stat().st_size < 0.51 * whole.stat().st_size
    back = apply_tuned(tiny_tower(), half)
    assert all(value.dtype == torch.float32 for value in back.model.parameters())
    difference = np.abs(back.encode_texts(WORDS) - tuned.encode_texts(WORDS)).max()
    assert 0 < difference < 5e-3


def test_saving_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    file = tmp_path / "tuned.safetensors"
    with pytest.raises(InputError, match="nothing is trainable in tiny-random"):
        save_tuned(tiny_tower(), file)
    with pytest.raises(InputError, match="unknown dtype 'int8'"):
        save_tuned(trained("all"), file, dtype="int8")
    assert not file.exists()


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tuned.safetensors"
    save_tuned(trained("last:1"), file)
    content = file.read_bytes()

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match=r"tuned\.safetensors: No space left(.|\n)*free some disk space"):
        save_tuned(trained("all"), file)
    assert file.read_bytes() == content
    assert list(tmp_path.iterdir()) == [file]


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "tuned.safetensors").mkdir()
    with pytest.raises(StorageError, match=r"cannot write .*tuned\.safetensors: it is a folder"):
        save_tuned(trained("last:1"), tmp_path / "tuned.safetensors")


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    file = tmp_path / "tuned.safetensors"
    save_tuned(trained(["text_projection", "ln_final.*"]), file)
    return file


def rewritten(file: Path, *, drop: str = "", add: str = "", **header: str) -> Path:
    tensors = load_file(file)
    if drop:
        del tensors[drop]
    if add:
        tensors[add] = torch.ones(2)
    save_file(tensors, file, {**file_metadata(file), **header})
    return file


@pytest.mark.parametrize("length", [0, 7, 100, -1])
def test_a_truncated_file_is_damaged(saved: Path, length: int) -> None:
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(DamagedFileError, match=r"tuned\.safetensors cannot be read"):
        apply_tuned(tiny_tower(), saved)


def test_a_file_of_another_program_is_refused(tmp_path: Path) -> None:
    save_file({"x": torch.ones(2)}, tmp_path / "other.safetensors")
    with pytest.raises(DamagedFileError, match="does not hold tuned weights of lexclip"):
        apply_tuned(tiny_tower(), tmp_path / "other.safetensors")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingResourceError, match=r"no file of tuned weights at .*gone\.safetensors"):
        apply_tuned(tiny_tower(), tmp_path / "gone.safetensors")


def test_a_missing_or_surplus_tensor_is_damage(saved: Path) -> None:
    content = saved.read_bytes()
    with pytest.raises(DamagedFileError, match=r"ln_final\.bias"):
        apply_tuned(tiny_tower(), rewritten(saved, drop="ln_final.bias"))
    saved.write_bytes(content)
    with pytest.raises(DamagedFileError, match="surplus"):
        apply_tuned(tiny_tower(), rewritten(saved, add="surplus"))


@pytest.mark.parametrize("setting", ["[", '"sideways"', '["nothing.*"]'])
def test_an_unreadable_setting_is_damage(saved: Path, setting: str) -> None:
    with pytest.raises(DamagedFileError, match="does not hold the tensors it names"):
        apply_tuned(tiny_tower(), rewritten(saved, trainable=setting))


def test_weights_tuned_from_another_base_are_refused(saved: Path, minilm: Tower) -> None:
    with pytest.raises(InputError, match=r"was tuned from tiny-random .*not from all-MiniLM-L6-v2") as caught:
        apply_tuned(minilm, saved)
    assert caught.value.remedy == "load tiny-random"


def test_weights_tuned_with_another_activation_are_refused(tmp_path: Path) -> None:
    register_architectures(tmp_path)
    file = str(save_checkpoint(random_model(), tmp_path / "base.pt"))
    tuned = trained("last:1", load(file, architecture=ARCHITECTURE))
    save_tuned(tuned, tmp_path / "tuned.safetensors")
    other = load(file, architecture=f"{ARCHITECTURE}-quickgelu")
    with pytest.raises(InputError, match="was tuned with activation gelu, not quickgelu"):
        apply_tuned(other, tmp_path / "tuned.safetensors")


def test_adapters_are_not_stacked(tmp_path: Path) -> None:
    tuned = trained("lora:2")
    save_tuned(tuned, tmp_path / "tuned.safetensors")
    with pytest.raises(InputError, match="already carries adapters"):
        apply_tuned(tuned, tmp_path / "tuned.safetensors")


def test_the_saved_setting_can_be_read_as_json(saved: Path) -> None:
    assert json.loads(file_metadata(saved)["trainable"]) == ["text_projection", "ln_final.*"]
