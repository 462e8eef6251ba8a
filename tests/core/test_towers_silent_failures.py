"""What goes wrong without a word when CLIP is loaded by hand: each is provoked, and none passes here."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer
from safetensors.torch import save_file
from tiny_tower import ARCHITECTURE, CONFIG, TEXTS, random_model, register_architectures

from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.towers import open_clip as open_clip_module
from lexclip_core.towers import sources
from lexclip_core.towers.loading import load, load_image

QUICK = f"{ARCHITECTURE}-quickgelu"


@pytest.fixture(autouse=True, scope="module")
def _architectures(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_architectures(tmp_path_factory.mktemp("architectures"))


@pytest.fixture(autouse=True)
def _nothing_brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(tmp_path / "weights"))


def plain_rows(model: torch.nn.Module, *, normalize: bool = True) -> np.ndarray:
    with torch.no_grad():
        return model.encode_text(SimpleTokenizer()(TEXTS), normalize=normalize).numpy()


def saved(model: torch.nn.Module, file: Path, header: dict[str, str] | None = None) -> str:
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, file, header)
    return str(file)


# Random weights.


def test_random_weights_are_no_model_here(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        open_clip.create_model(ARCHITECTURE)
    assert "initialized randomly" in caplog.text  # open_clip says this much, and goes on
    for loader in (load, load_image):
        with pytest.raises(InputError, match=f"unknown .*tower '{ARCHITECTURE}'"):
            loader(ARCHITECTURE)


@pytest.mark.parametrize("loader", [load, load_image])
def test_weights_that_could_not_be_fetched_are_no_random_weights(loader, tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": CONFIG}))
    with pytest.raises(MissingResourceError, match="holds no weight file"):
        loader(str(tmp_path))
    with pytest.raises(MissingResourceError, match="the model lexclip-test/nowhere"):
        loader("hf-hub:lexclip-test/nowhere")


# A state_dict loaded in half, or under names that nobody asks for.


@pytest.mark.parametrize(
    ("keep", "rename"),
    [
        (lambda name: "resblocks.1" not in name, lambda name: name),
        (lambda name: name != "ln_final.bias", lambda name: name),
        (lambda name: True, lambda name: f"model.{name}"),
        (lambda name: True, lambda name: f"text.{name}" if not name.startswith("visual.") else name),
        (lambda name: True, lambda name: f"module.{name}" if "ln_final" in name else name),
    ],
)
def test_half_a_state_dict_is_refused_where_torch_takes_it(tmp_path: Path, keep, rename) -> None:
    state = {rename(name): value for name, value in random_model(1).state_dict().items() if keep(name)}
    model = random_model(2)
    model.load_state_dict(state, strict=False)  # not a word
    save_file(state, tmp_path / "mine.safetensors")
    with pytest.raises(InputError, match=r"does not fit .*nothing was loaded"):
        load(str(tmp_path / "mine.safetensors"), architecture=ARCHITECTURE)


@pytest.mark.parametrize("rename", [lambda name: f"model.{name}", lambda name: name.removeprefix("visual.")])
def test_an_image_tower_under_other_names_is_refused(tmp_path: Path, rename) -> None:
    state = {
        rename(name): value for name, value in random_model(1).visual.state_dict(prefix="visual.").items()
    }
    save_file({**state, "logit_scale": torch.tensor(1.0)}, tmp_path / "mine.safetensors")
    with pytest.raises(InputError, match="nothing was loaded"):
        load_image(str(tmp_path / "mine.safetensors"), architecture=ARCHITECTURE)


def test_the_prefix_of_parallel_training_is_taken_off_from_all_names_alike(tmp_path: Path) -> None:
    model = random_model(1)
    save_file(
        {f"module.{n}": value for n, value in model.state_dict().items()}, tmp_path / "mine.safetensors"
    )
    tower = load(str(tmp_path / "mine.safetensors"), architecture=ARCHITECTURE, device="cpu")
    assert np.abs(tower.encode_texts(TEXTS) - plain_rows(model)).max() < 1e-5


# Another tokenizer.


def test_a_tokenizer_that_is_nowhere_is_not_replaced_by_clips_own(tmp_path: Path) -> None:
    stand_in = open_clip.get_tokenizer(str(tmp_path / "some" / "model"))
    assert isinstance(stand_in, SimpleTokenizer)  # open_clip's answer to any unknown name
    text = {**CONFIG["text_cfg"], "hf_tokenizer_name": "some/model"}
    with pytest.raises(MissingResourceError, match="the configuration and tokenizer of some/model"):
        open_clip_module.build_tokenizer({**CONFIG, "text_cfg": text})
    with pytest.raises(MissingResourceError, match="some/model"):
        sources.hugging_face_folder("some/model")


# Train mode, vectors that are no unit vectors.


def test_dropout_and_train_mode_do_not_reach_the_vectors(tmp_path: Path) -> None:
    model = random_model(1)
    made = open_clip.create_model(ARCHITECTURE, pretrained=saved(model, tmp_path / "mine.safetensors"))
    assert made.training  # as open_clip hands it out
    tower = load(str(tmp_path / "mine.safetensors"), architecture=ARCHITECTURE, device="cpu")
    image = load_image(str(tmp_path / "mine.safetensors"), architecture=ARCHITECTURE, device="cpu")
    assert not any(part.training for part in tower.model.modules())
    assert not any(part.training for part in image.visual.modules())
    tower.model.train()  # somebody's doing
    assert np.array_equal(tower.encode_texts(TEXTS), tower.encode_texts(TEXTS))
    tower.embed(TEXTS, noise="dropout")
    assert not tower.model.training


def test_no_vector_leaves_a_tower_that_is_no_unit_vector(tmp_path: Path) -> None:
    model = random_model(1)
    lengths = np.linalg.norm(plain_rows(model, normalize=False), axis=1)
    assert np.abs(lengths - 1).min() > 0.1  # what encode_text gives when not asked to normalise
    tower = load(saved(model, tmp_path / "mine.safetensors"), architecture=ARCHITECTURE, device="cpu")
    for rows in (tower.encode_texts(TEXTS), tower.embed(TEXTS).detach().numpy()):
        assert np.abs(np.linalg.norm(rows, axis=1) - 1).max() < 1e-6


# Another activation: a file says nothing of it, and open_clip does not ask.


def test_a_files_own_activation_is_not_overruled_without_a_word(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    model = random_model(1, quick_gelu=True)
    file = saved(model, tmp_path / "mine.safetensors", {"activation": "quickgelu"})
    silent = open_clip.create_model(ARCHITECTURE, pretrained=file).eval()
    assert not [one for one in recwarn if "QuickGELU" in str(one.message)]
    assert np.abs(plain_rows(silent) - plain_rows(model)).max() > 1e-3
    for loader in (load, load_image):
        with pytest.raises(InputError, match="was trained with quickgelu") as caught:
            loader(file, architecture=ARCHITECTURE)
        assert repr(QUICK) in caught.value.remedy
        assert loader(file, architecture=ARCHITECTURE, activation="as-published").spec.activation == "gelu"
        assert loader(file, architecture=QUICK).spec.activation == "quickgelu"
