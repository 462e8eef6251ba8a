"""Bare weight files: what they are of is read or asked for, and nothing that a pickled one holds is run."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from tiny_tower import ARCHITECTURE, TEXTS, random_model, register_architectures
from torch import nn

import lexclip_core as lexclip
from lexclip_core.cli.__main__ import main
from lexclip_core.cli.training import on_tower
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.experiments.pipeline import tuned_copy
from lexclip_core.towers.conversion import convert, fitting_architectures
from lexclip_core.towers.loading import load, load_image
from lexclip_core.towers.open_clip import architecture_config, build_image_model, build_text_model
from lexclip_core.towers.weight_files import file_metadata
from lexclip_core.towers.weights import apply_tuned, save_tuned
from lexclip_core.training.losses import World
from lexclip_core.training.objectives import Step
from lexclip_core.training.settings import settings_of

QUICK = f"{ARCHITECTURE}-quickgelu"


@pytest.fixture(autouse=True, scope="module")
def _architectures(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_architectures(tmp_path_factory.mktemp("architectures"))


def plain_rows(model: nn.Module) -> np.ndarray:
    with torch.no_grad():
        return model.encode_text(open_clip.SimpleTokenizer()(TEXTS), normalize=True).numpy()


def training_checkpoint(model: nn.Module, path: Path, *, archive: bool = True, **more: object) -> Path:
    """Save what an old training script left: tensors, an optimiser, its arguments, NumPy numbers."""
    optimizer = torch.optim.AdamW(model.parameters())
    content = {
        "epoch": 32,
        "name": "run",
        "state_dict": {f"module.{name}": value for name, value in model.state_dict().items()},
        "optimizer": optimizer.state_dict(),
        "args": argparse.Namespace(lr=5e-4, model="ViT-B-32"),
        "best": np.float64(64.4),
        "curve": np.arange(3.0),
        **more,
    }
    torch.save(content, path, _use_new_zipfile_serialization=archive)
    return path


@pytest.mark.parametrize("archive", [True, False])
def test_one_with_the_usual_things_beside_its_tensors_loads_as_it_is(
    tmp_path: Path, archive: bool, caplog: pytest.LogCaptureFixture
) -> None:
    model = random_model(3)
    file = training_checkpoint(model, tmp_path / "old.pt", archive=archive)
    tower = load(str(file), architecture=ARCHITECTURE, device="cpu")
    assert np.abs(tower.encode_texts(TEXTS) - plain_rows(model)).max() < 1e-5
    assert "ignored, and not run: argparse.Namespace, numpy" in caplog.text


def test_loading_one_with_other_things_says_how_to_convert_it(tmp_path: Path) -> None:
    file = training_checkpoint(random_model(), tmp_path / "old.pt", more=Quiet())
    with pytest.raises(DamagedFileError, match=r"holds more than tensors \(argparse\.Namespace, ") as caught:
        load(str(file), architecture=ARCHITECTURE)
    assert (
        f"lexclip models convert {file} {tmp_path / 'old.safetensors'} --architecture" in caught.value.remedy
    )


# --- which architecture a file is of ---


def described(architecture: str, *, image: bool = True) -> dict[str, torch.Tensor]:
    """Return tensors of open_clip's names and shapes for an architecture, without numbers."""
    config = architecture_config(architecture)
    with torch.device("meta"):
        tensors = build_text_model(config).state_dict()
        visual = build_image_model(config).visual.state_dict() if image else {}
    return tensors | {f"visual.{name}": value for name, value in visual.items()}


@pytest.mark.parametrize(
    ("architecture", "fitting"),
    [
        ("ViT-S-32", ("ViT-S-32",)),
        ("ViTamin-S", ("ViTamin-S",)),
        ("RN50-quickgelu", ("RN50", "RN50-quickgelu")),
    ],
)
def test_shapes_show_the_architecture(architecture: str, fitting: tuple[str, ...]) -> None:
    tensors = described(architecture)
    assert fitting_architectures(tensors) == fitting
    assert set(fitting) <= set(fitting_architectures(described(architecture, image=False)))
    dropped = dict(tensors)
    dropped.popitem()
    assert fitting_architectures(dropped) == ()


def save(model: nn.Module, path: Path, *, wrapping: str = "", inside: str = "", **more: object) -> Path:
    tensors = {f"{wrapping}{name}": value for name, value in model.state_dict().items()} | more
    torch.save({inside: tensors, "epoch": 1} if inside else tensors, path)
    return path


@pytest.mark.parametrize(
    ("wrapping", "inside"),
    [
        ("", "model"),
        ("module.", "state_dict"),
        ("_orig_mod.", "model_state_dict"),
        ("module._orig_mod.", ""),
        ("_orig_mod.module.", "model"),
    ],
)
def test_every_wrapping_of_a_state_dict_is_taken_off(tmp_path: Path, inside: str, wrapping: str) -> None:
    model = random_model(4)
    file = save(model, tmp_path / "w.bin", wrapping=wrapping, inside=inside)
    tower = load(f"{file}#{ARCHITECTURE}", device="cpu")
    assert np.abs(tower.encode_texts(TEXTS) - plain_rows(model)).max() < 1e-5


def test_a_file_is_loaded_without_a_word_where_it_is_certain_what_it_is_of(tmp_path: Path) -> None:
    model = random_model(5, quick_gelu=True)
    certain = [
        save(model, tmp_path / "mine-quickgelu.pt"),  # its name says what its shapes leave open
        save(model, tmp_path / "openai.pt", input_resolution=torch.tensor(32)),  # only OpenAI's have that
    ]
    for file in certain:
        tower = load(str(file), device="cpu")
        assert (tower.name, tower.spec.architecture) == (str(file), QUICK)
        assert np.abs(tower.encode_texts(TEXTS) - plain_rows(model)).max() < 1e-5
    folder = tmp_path / "bare"
    folder.mkdir()
    file = save(model, folder / "mine.pt")
    with pytest.raises(InputError, match=f"its tensors fit {ARCHITECTURE}, {QUICK}") as caught:
        load(str(folder))
    assert f"{file}#{ARCHITECTURE}" in caught.value.remedy
    for name, architecture in ((str(folder), QUICK), (f"{file}#{QUICK}", None), (f"{file}#{QUICK}", QUICK)):
        tower = load(name, architecture=architecture, device="cpu")
        assert tower.name == f"{name.removesuffix('#' + QUICK)}#{QUICK}"
        assert load_image(tower.name, device="cpu").spec.architecture == QUICK
    with pytest.raises(InputError, match="has no meaning for"):
        load(f"{file}#{QUICK}", architecture=ARCHITECTURE)
    torch.save({"x": torch.ones(1)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="its tensors fit none"):
        load(str(tmp_path / "other.pt"))


class Apart:
    """Moves two words apart, in two steps."""

    steps, steps_per_epoch, lr_multiplier = 2, 1, 1.0

    def step(self, number: int, world: World) -> Step:
        return Step(("hot", "cold"), lambda rows: {"distance": (rows[0] * rows[1]).sum()})

    def scales(self) -> dict:
        return {}

    def limit_scales(self) -> None:
        """Train no scale."""


def test_a_bare_file_is_tuned_like_any_tower(tmp_path: Path) -> None:
    file = save(random_model(6), tmp_path / "w.pt")
    settings = on_tower(settings_of("lexclip"), str(file), ARCHITECTURE)
    assert settings.tower == f"{file}#{ARCHITECTURE}"
    base = lexclip.load(settings.tower, device="cpu")
    assert lexclip.load(file, architecture=ARCHITECTURE, device="cpu").name == base.name == settings.tower
    objective = Apart()
    tuned, history = tuned_copy(settings.replace(trainable="last:1", noise="off"), objective, base)
    assert len(history.rows) == objective.steps
    assert tuned.title == f"{file}#{ARCHITECTURE} (unverified)"
    save_tuned(tuned, tmp_path / "tuned.safetensors", base=base)
    again = apply_tuned(load(settings.tower, device="cpu"), tmp_path / "tuned.safetensors")
    assert np.array_equal(again.encode_texts(TEXTS), tuned.encode_texts(TEXTS))
    assert not np.array_equal(again.encode_texts(TEXTS), base.encode_texts(TEXTS))


@pytest.mark.parametrize("archive", [True, False])
@pytest.mark.parametrize("name", [ARCHITECTURE, QUICK])
def test_the_converted_file_gives_the_models_vectors(tmp_path: Path, name: str, archive: bool) -> None:
    model = random_model(2, quick_gelu=name == QUICK)
    file = training_checkpoint(model, tmp_path / "old.pt", archive=archive)
    left_out = convert(file, tmp_path / "new.safetensors", name)
    assert {"argparse.Namespace", "numpy.dtype"} <= set(left_out)
    tower = load(str(tmp_path / "new.safetensors"), device="cpu")  # it says itself which architecture it is
    assert np.abs(tower.encode_texts(TEXTS) - plain_rows(model)).max() < 1e-5
    assert tower.spec.architecture == name
    assert load_image(str(tmp_path / "new.safetensors"), device="cpu").spec.architecture == name


def test_the_converted_file_refuses_the_other_activation(tmp_path: Path) -> None:
    file = training_checkpoint(random_model(2, quick_gelu=True), tmp_path / "old.pt")
    out = tmp_path / "new.safetensors"
    convert(file, out, QUICK)
    assert file_metadata(out)["activation"] == "quickgelu"
    with pytest.raises(InputError, match="was trained with quickgelu"):
        load(str(out), architecture=ARCHITECTURE)


class Trap:
    def __reduce__(self) -> tuple:
        return os.mkdir, ("trap-was-sprung",)


class Quiet:
    def __reduce__(self) -> tuple:
        return Path.touch, (Path("trap-was-sprung"),)


def test_what_a_file_names_is_neither_called_nor_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, trap in enumerate((Trap(), Quiet())):
        file = training_checkpoint(random_model(), tmp_path / f"trap{number}.pt", more=trap)
        with contextlib.suppress(DamagedFileError):  # some names may not even stand there
            convert(file, tmp_path / "out.safetensors", ARCHITECTURE)
        assert not Path("trap-was-sprung").exists()


def test_nothing_is_marked_as_safe_for_later(tmp_path: Path) -> None:
    before = set(torch.serialization.get_safe_globals())  # torch lists them in no fixed order
    convert(
        training_checkpoint(random_model(), tmp_path / "old.pt"), tmp_path / "new.safetensors", ARCHITECTURE
    )
    assert set(torch.serialization.get_safe_globals()) == before


def test_nothing_is_written_for_another_architecture(tmp_path: Path) -> None:
    model = random_model(layers=1)
    out = tmp_path / "new.safetensors"
    with pytest.raises(InputError, match=r"does not fit lexclip-test: .*resblocks\.1"):
        convert(training_checkpoint(model, tmp_path / "old.pt"), out, ARCHITECTURE)
    del model.visual.proj
    model.visual.proj = nn.Parameter(torch.zeros(3, 3))
    assert not out.exists()


def test_half_an_image_tower_is_refused(tmp_path: Path) -> None:
    model = random_model()
    del model.visual.ln_post
    with pytest.raises(InputError, match=r"missing \(visual\.ln_post"):
        convert(training_checkpoint(model, tmp_path / "old.pt"), tmp_path / "new.safetensors", ARCHITECTURE)


@pytest.mark.parametrize(
    ("source", "out", "error", "message"),
    [
        ("old.safetensors", "new.safetensors", InputError, "cannot be converted"),
        ("old.pt", "new.pt", InputError, "cannot be converted"),
        ("gone.pt", "new.safetensors", MissingResourceError, "there is no weight file"),
        ("cut.pt", "new.safetensors", DamagedFileError, "cannot be read"),
        ("text.pt", "new.safetensors", DamagedFileError, "cannot be read"),
        ("list.pt", "new.safetensors", DamagedFileError, r"its content is no state_dict \(list\)"),
        ("empty.pt", "new.safetensors", DamagedFileError, "holds no tensors"),
    ],
)
def test_what_cannot_be_converted_is_named(
    tmp_path: Path, source: str, out: str, error: type[Exception], message: str
) -> None:
    whole = training_checkpoint(random_model(), tmp_path / "old.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.pt").write_text("no checkpoint")
    torch.save([1, 2], tmp_path / "list.pt")
    torch.save({"epoch": 1}, tmp_path / "empty.pt")
    with pytest.raises(error, match=message):
        convert(tmp_path / source, tmp_path / out, ARCHITECTURE)
    assert not (tmp_path / "new.safetensors").exists()


def test_the_command_converts_and_says_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = training_checkpoint(random_model(), tmp_path / "old.pt"), tmp_path / "new.safetensors"
    with pytest.raises(SystemExit) as caught:
        main(["models", "convert", str(file), str(out), "--architecture", ARCHITECTURE, "--json"])
    assert not caught.value.code
    told = json.loads(capsys.readouterr().out)
    assert told["out"] == str(out)
    assert "argparse.Namespace" in told["left_out"]
    assert load(str(out), device="cpu").dim == 32
