"""Image towers give open_clip's own picture embeddings, whole and in evaluation mode, or say why not."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tiny_tower import (
    ARCHITECTURE,
    CONFIG,
    publish,
    random_model,
    register_architectures,
    save_checkpoint,
)

from lexclip_core.download import checked_sha256
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.towers.images import ImageTower
from lexclip_core.towers.loading import emoji_tower_folder, load, load_image
from tools.image_tower.saving import EMOJI_MODEL, EMOJI_PREPROCESS, new_visual, save_image

QUICK = f"{ARCHITECTURE}-quickgelu"
WEIGHTS = "open_clip_model.safetensors"
SIZE = EMOJI_PREPROCESS["size"]


def picture(seed: int, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """Return a picture of random blocks."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, size=(4, 4, 4), dtype=np.uint8)
    return Image.fromarray(small, "RGBA").resize(size, Image.Resampling.NEAREST).convert("RGB")


PICTURES = [picture(0), picture(1, (90, 30)), picture(2, (20, 50)), picture(0)]


def plain_rows(model: torch.nn.Module, pictures: list[Image.Image] = PICTURES) -> np.ndarray:
    """Return picture embeddings as open_clip's documentation computes them."""
    cfg = open_clip.transform.PreprocessCfg(**model.visual.preprocess_cfg)
    prepare = open_clip.transform.image_transform_v2(cfg, is_train=False)
    with torch.no_grad():
        pixels = torch.stack([prepare(one) for one in pictures])
        return model.eval().encode_image(pixels, normalize=True).numpy()


@pytest.fixture(autouse=True, scope="module")
def _architectures(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_architectures(tmp_path_factory.mktemp("architectures"))


@pytest.fixture(scope="module")
def trained() -> torch.nn.Module:
    """An image half of the emoji tower's kind, with running statistics as training leaves them."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        visual = new_visual(384)
        visual.train()
        with torch.no_grad():
            for _ in range(2):
                visual(torch.randn(8, 3, 64, 64) + 0.5)
    return visual.eval()


@pytest.fixture(scope="module")
def emoji_folder(tmp_path_factory: pytest.TempPathFactory, trained: torch.nn.Module) -> Path:
    folder = tmp_path_factory.mktemp("towers") / "emoji"
    about = {"text_tower": "all-MiniLM-L6-v2"}
    save_image(folder, trained.state_dict(), logit_scale=20.0, about=about)
    return folder


@pytest.fixture(scope="module")
def emoji_tower(emoji_folder: Path) -> ImageTower:
    return load_image("emoji", path=emoji_folder, device="cpu")


@pytest.fixture(scope="module")
def tiny() -> ImageTower:
    return load_image("tiny-random", device="cpu")


# The folder that open_clip loads as it is.


def test_open_clip_itself_loads_the_folder_and_gives_the_same_bits(
    emoji_folder: Path, emoji_tower: ImageTower
):
    model = open_clip.create_model(f"local-dir:{emoji_folder}", require_pretrained=True)
    assert (emoji_tower.encode_pictures(PICTURES) == plain_rows(model)).all()
    assert emoji_tower.logit_scale == pytest.approx(model.logit_scale.exp().item())
    assert emoji_tower.logit_scale == pytest.approx(20)
    assert emoji_tower.preprocess == json.loads(json.dumps(model.visual.preprocess_cfg))


def test_the_folder_is_small_and_says_what_it_is(emoji_folder: Path, emoji_tower: ImageTower):
    assert (emoji_folder / WEIGHTS).stat().st_size < 12_000_000
    config = json.loads((emoji_folder / "open_clip_config.json").read_text())
    assert config["lexclip"] == {"text_tower": "all-MiniLM-L6-v2"}
    assert emoji_tower.sha256 == checked_sha256(emoji_folder / WEIGHTS)
    assert (emoji_tower.name, emoji_tower.dim) == ("emoji", 384)
    digest = emoji_tower.sha256[:12]  # trained for this test: nobody published it
    assert repr(emoji_tower) == f"ImageTower(emoji (unverified), dim 384, cpu, float32, sha256 {digest})"
    assert (load_image().verified, load_image().title) == (True, "emoji")


def test_rounding_for_storage_hardly_turns_a_vector(trained: torch.nn.Module, emoji_tower: ImageTower):
    pixels = torch.stack([emoji_tower.prepare(one) for one in PICTURES])
    with torch.no_grad():
        exact = torch.nn.functional.normalize(trained(pixels), dim=-1).numpy()
    assert (exact * emoji_tower.encode_pictures(PICTURES)).sum(axis=1).min() > 0.9999


def test_statistics_of_training_stay_exact(trained: torch.nn.Module, emoji_folder: Path):
    stored = load_file(emoji_folder / WEIGHTS)
    for name, value in trained.state_dict().items():
        assert stored[f"visual.{name}"].dtype == (torch.float16 if value.ndim > 1 else value.dtype)
        if value.ndim <= 1:
            assert torch.equal(stored[f"visual.{name}"], value)


def test_no_text_is_encoded_by_the_placeholder(emoji_folder: Path):
    model = open_clip.create_model(f"local-dir:{emoji_folder}", require_pretrained=True)
    with pytest.raises(IndexError):
        model.encode_text(open_clip.tokenize(["dog"])[:, :1])
    assert not torch.isfinite(model.encode_text(torch.tensor([[0]]))).any()
    with pytest.raises(InputError, match="holds an image tower alone"):
        load(str(emoji_folder))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda state: state.pop("head.proj.weight"), r"1 missing \(visual\.head\.proj\.weight\)"),
        (lambda state: state.update(extra=torch.zeros(2)), r"1 not expected \(visual\.extra\)"),
        (lambda state: state["head.proj.weight"].mul_(1e9), "head.proj.weight holds numbers that are not"),
        (lambda state: state["trunk.bn1.running_var"].fill_(torch.nan), "running_var holds numbers"),
        (
            lambda state: state.update({"head.proj.weight": torch.zeros(2, 2)}),
            r"is \(2, 2\), not \(384, 512\)",
        ),
    ],
)
def test_a_state_that_would_not_load_is_not_written(
    tmp_path: Path, trained: torch.nn.Module, spoil: Callable, message: str
):
    state = {name: value.clone() for name, value in trained.state_dict().items()}
    spoil(state)
    with pytest.raises(InputError, match=message):
        save_image(tmp_path / "tower", state, logit_scale=20)
    assert not (tmp_path / "tower").exists()


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_no_scale_is_refused(tmp_path: Path, trained: torch.nn.Module, scale: float):
    with pytest.raises(InputError, match="logit_scale is"):
        save_image(tmp_path / "tower", trained.state_dict(), logit_scale=scale)


def test_the_emoji_tower_of_the_repository_loads():
    if not emoji_tower_folder().is_dir():
        pytest.skip("the emoji image tower is not here yet")
    tower = load_image("emoji", device="cpu")
    assert tower.encode_pictures(PICTURES).shape == (4, 384)
    assert tower.preprocess == json.loads(json.dumps({**EMOJI_PREPROCESS, "size": [SIZE, SIZE]}))


def test_a_missing_emoji_tower_is_named(tmp_path: Path):
    with pytest.raises(MissingResourceError, match=r"'emoji' is not in .*nowhere"):
        load_image("emoji", path=tmp_path / "nowhere")


# Preparation.


def test_pictures_are_prepared_as_the_training_saw_them(emoji_tower: ImageTower):
    square = picture(5, (SIZE, SIZE))
    expected = (np.asarray(square, dtype=np.float32) / 255 - 0.5) / 0.25
    assert emoji_tower.prepare(square).permute(1, 2, 0).numpy() == pytest.approx(expected, abs=1e-6)


def test_a_picture_that_is_not_square_gets_white_margins(emoji_tower: ImageTower):
    pixels = emoji_tower.prepare(Image.new("RGB", (100, 50), "black"))
    assert pixels.shape == (3, SIZE, SIZE)
    assert (pixels[:, : SIZE // 4] == 2).all()  # white is (1 - 0.5) / 0.25
    assert (pixels[:, SIZE // 4 : 3 * SIZE // 4] == -2).all()
    assert (pixels[:, 3 * SIZE // 4 :] == 2).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_are_white(emoji_tower: ImageTower, mode: str):
    clear = Image.new("RGBA", (64, 64), (255, 0, 0, 0)).convert(mode)
    if mode == "P":
        clear.info["transparency"] = clear.getpixel((0, 0))
    assert (emoji_tower.prepare(clear) == 2).all()
    half = emoji_tower.prepare(Image.new("RGBA", (64, 64), (0, 0, 0, 51)))
    assert half.numpy() == pytest.approx((204 / 255 - 0.5) / 0.25, abs=1e-5)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "1"])
def test_other_modes_become_rgb(emoji_tower: ImageTower, mode: str):
    one = picture(7).convert(mode)
    assert torch.equal(emoji_tower.prepare(one), emoji_tower.prepare(one.convert("RGB")))


def test_the_preprocessing_has_a_name_that_changes_with_it(tmp_path: Path, trained: torch.nn.Module):
    found = []
    for change in ({}, {"interpolation": "bicubic"}, {"mean": [0.5, 0.5, 0.4]}, {"resize_mode": "squash"}):
        save_image(
            tmp_path / "t", trained.state_dict(), logit_scale=20, preprocess={**EMOJI_PREPROCESS, **change}
        )
        found.append(load_image(str(tmp_path / "t"), device="cpu"))
    assert len({tower.preprocess_id for tower in found}) == 4
    assert len({tower.identity for tower in found}) == 4
    assert len({tower.sha256 for tower in found}) == 1


def test_an_unknown_preprocessing_is_refused(tmp_path: Path, emoji_folder: Path):
    save_with(tmp_path, emoji_folder, preprocess_cfg={"resize_mode": "sideways"})
    with pytest.raises(InputError, match="knows no preprocessing"):
        load_image(str(tmp_path))
    save_with(tmp_path, emoji_folder, preprocess_cfg=[1])
    with pytest.raises(DamagedFileError, match="preprocess_cfg is"):
        load_image(str(tmp_path))


def save_with(folder: Path, source: Path, **changes: object) -> None:
    """Copy an open_clip folder with another configuration."""
    config = json.loads((source / "open_clip_config.json").read_text())
    (folder / "open_clip_config.json").write_text(json.dumps({**config, **changes}))
    (folder / WEIGHTS).write_bytes((source / WEIGHTS).read_bytes())


# Encoding.


def test_rows_are_unit_rows_whatever_the_batch(tiny: ImageTower):
    rows = tiny.encode_pictures(PICTURES)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)
    assert (rows[0] == rows[3]).all()
    assert tiny.encode_pictures(iter(PICTURES), batch_size=3) == pytest.approx(rows, abs=1e-6)
    assert np.abs(rows[0] - rows[1]).max() > 1e-3


def test_pictures_are_taken_a_batch_at_a_time(tiny: ImageTower):
    taken = []

    def source():
        for index in range(5):
            taken.append(index)
            yield PICTURES[0]

    seen = []
    watched = tiny.visual.register_forward_pre_hook(
        lambda visual, inputs: seen.append((len(inputs[0]), len(taken)))
    )
    try:
        tiny.encode_pictures(source(), batch_size=2)
    finally:
        watched.remove()
    assert seen == [(2, 2), (2, 4), (1, 5)]


def test_a_tower_left_in_train_mode_by_others_is_put_right(emoji_tower: ImageTower):
    rows = emoji_tower.encode_pictures(PICTURES)
    emoji_tower.visual.train()
    assert (emoji_tower.encode_pictures(PICTURES) == rows).all()
    assert not emoji_tower.visual.training
    assert not any(value.requires_grad for value in emoji_tower.visual.parameters())


@pytest.mark.usefixtures("bfloat16")
def test_mixed_precision_is_near_and_another_tower(emoji_folder: Path, emoji_tower: ImageTower):
    mixed = load_image("emoji", path=emoji_folder, device="cpu", dtype="bfloat16")
    rows, near = emoji_tower.encode_pictures(PICTURES), mixed.encode_pictures(PICTURES)
    assert near.dtype == np.float32
    assert (rows * near).sum(axis=1).min() > 0.999
    assert (rows != near).any()
    assert mixed.identity != emoji_tower.identity


def test_the_tiny_tower_is_the_same_everywhere_and_moves_no_seed():
    torch.manual_seed(5)
    first = load_image("tiny-random", device="cpu")
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), drawn)
    second = load_image("tiny-random", device="cpu")
    assert first.sha256 == second.sha256
    assert first.identity == second.identity
    assert (first.encode_pictures(PICTURES) == second.encode_pictures(PICTURES)).all()
    assert first.dim == 384


@pytest.mark.parametrize(
    ("pictures", "options", "message"),
    [
        ([], {}, "no pictures"),
        ([np.zeros((8, 8, 3), dtype=np.uint8)], {}, "ndarray is not a picture"),
        (["dog.png"], {}, "str is not a picture"),
        (PICTURES, {"batch_size": 0}, "batch_size is 0"),
    ],
)
def test_what_is_not_a_picture_is_refused(tiny: ImageTower, pictures: list, options: dict, message: str):
    with pytest.raises(InputError, match=message):
        tiny.encode_pictures(pictures, **options)


def test_weights_that_give_no_number_are_damaged(tmp_path: Path):
    model = random_model()
    with torch.no_grad():
        model.visual.proj.fill_(torch.nan)
    file = save_checkpoint(model, tmp_path / "mine.safetensors")
    with pytest.raises(DamagedFileError, match=r"mine\.safetensors gave a vector that is not finite"):
        load_image(str(file), architecture=ARCHITECTURE, device="cpu").encode_pictures(PICTURES)


# Weights of every kind.


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("quick", [False, True])
def test_a_local_file_gives_the_vectors_of_its_model(tmp_path: Path, suffix: str, quick: bool):
    file = save_checkpoint(random_model(2, quick_gelu=quick), tmp_path / f"mine{suffix}")
    name = QUICK if quick else ARCHITECTURE
    tower = load_image(str(file), architecture=name, device="cpu")
    model = open_clip.create_model(name, pretrained=str(file))
    assert np.abs(tower.encode_pictures(PICTURES) - plain_rows(model)).max() < 1e-6
    assert tower.spec.activation == ("quickgelu" if quick else "gelu")
    assert tower.spec.architecture == name


def test_a_tag_gives_the_vectors_and_the_preprocessing_of_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    entry = {"url": "", "hf_hub": "lexclip-test/nowhere/", "quick_gelu": True}
    entry |= {"mean": (0.1, 0.2, 0.3), "std": (0.5, 0.6, 0.7), "interpolation": "bilinear"}
    publish(monkeypatch, "a_tag", entry)
    file = save_checkpoint(random_model(2, quick_gelu=True), tmp_path / "mine.safetensors")
    tower = load_image(f"{QUICK}/a_tag", path=file, device="cpu")
    prepared = {key: entry[key] for key in ("mean", "std", "interpolation")}
    model = open_clip.create_model(QUICK, pretrained=str(file), force_preprocess_cfg=prepared)
    assert np.abs(tower.encode_pictures(PICTURES) - plain_rows(model)).max() < 1e-6
    assert tower.preprocess["mean"] == [0.1, 0.2, 0.3]
    with pytest.raises(InputError, match="trained with quickgelu"):
        load_image(f"{ARCHITECTURE}/a_tag", path=file)
    wrong = load_image(f"{ARCHITECTURE}/a_tag", path=file, activation="as-published", device="cpu")
    assert np.abs(wrong.encode_pictures(PICTURES) - tower.encode_pictures(PICTURES)).max() > 1e-4
    assert (wrong.sha256, wrong.preprocess_id) == (tower.sha256, tower.preprocess_id)
    assert wrong.identity != tower.identity


def test_a_file_that_states_another_activation_is_refused(tmp_path: Path):
    file = tmp_path / "mine.safetensors"
    save_file(random_model(2, quick_gelu=True).state_dict(), file, {"activation": "quickgelu"})
    with pytest.raises(InputError, match="trained with quickgelu"):
        load_image(str(file), architecture=ARCHITECTURE)


def test_a_folder_with_a_hugging_face_text_half_needs_none_of_it(tmp_path: Path):
    model = random_model(4, quick_gelu=True)
    state = {name: value for name, value in model.state_dict().items() if name.startswith("visual.")}
    save_file({**state, "logit_scale": torch.tensor(1.0)}, tmp_path / WEIGHTS)
    text = {"hf_model_name": "nobody/nothing", "hf_tokenizer_name": "nobody/nothing"}
    config = {**CONFIG, "text_cfg": text, "quick_gelu": True, "custom_text": True}
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    tower = load_image(str(tmp_path), device="cpu")
    prepared = torch.stack([tower.prepare(one) for one in PICTURES])
    with torch.no_grad():
        wanted = model.encode_image(prepared, normalize=True).numpy()
    assert np.abs(tower.encode_pictures(PICTURES) - wanted).max() < 1e-6
    assert tower.logit_scale == pytest.approx(np.e)
    assert tower.spec.activation == "quickgelu"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda state: state.pop("visual.proj"), r"1 missing \(visual\.proj\)"),
        (lambda state: state.update({"visual.more": torch.zeros(1)}), r"1 not expected \(visual\.more\)"),
        (lambda state: state.update({"visual.proj": torch.zeros(3, 3)}), r"visual\.proj is \(3, 3\), not"),
        (lambda state: state.pop("logit_scale"), "holds no logit_scale"),
    ],
)
def test_weights_that_do_not_fit_are_refused(tmp_path: Path, spoil: Callable, message: str):
    state = random_model().state_dict()
    spoil(state)
    save_file(state, tmp_path / "mine.safetensors")
    with pytest.raises(InputError, match=message):
        load_image(str(tmp_path / "mine.safetensors"), architecture=ARCHITECTURE)


def test_no_weights_are_no_random_weights(tmp_path: Path):
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": CONFIG}))
    with pytest.raises(MissingResourceError, match="holds no weight file"):
        load_image(str(tmp_path))


def test_a_damaged_file_is_named(tmp_path: Path, emoji_folder: Path):
    save_with(tmp_path, emoji_folder)
    (tmp_path / WEIGHTS).write_bytes((tmp_path / WEIGHTS).read_bytes()[:-100])
    with pytest.raises(DamagedFileError, match=WEIGHTS):
        load_image(str(tmp_path))


def test_a_net_that_open_clip_does_not_build_is_refused(tmp_path: Path, emoji_folder: Path):
    vision = {**EMOJI_MODEL["vision_cfg"], "timm_model_name": "no_such_net"}
    save_with(tmp_path, emoji_folder, model_cfg={**EMOJI_MODEL, "vision_cfg": vision, "text_cfg": {}})
    with pytest.raises(InputError, match="builds no image tower"):
        load_image(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("all-MiniLM-L6-v2", {}, "encodes texts alone(.|\n)*'emoji'"),
        ("no-such-tower", {}, "unknown image tower 'no-such-tower'(.|\n)*emoji, tiny-random"),
        ("emoji", {"dtype": "float8"}, "unknown dtype"),
        ("emoji", {"device": "abacus"}, "cannot compute on device"),
        ("emoji", {"activation": "relu"}, "unknown activation"),
    ],
)
def test_unknown_choices_are_named(name: str, options: dict, message: str):
    with pytest.raises(InputError, match=message):
        load_image(name, **options)


def test_nothing_is_said_about_random_weights(emoji_folder: Path, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        load_image(str(emoji_folder), device="cpu")
    assert not caplog.records
