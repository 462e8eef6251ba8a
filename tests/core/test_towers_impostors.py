"""Files and names that people have in place of weights: each is called what it is, with what helps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_tower import ARCHITECTURE, CONFIG, TEXTS, random_model, register_architectures
from torch import nn

from lexclip_core.cli.__main__ import main
from lexclip_core.errors import DamagedFileError, InputError, LexclipError, MissingResourceError
from lexclip_core.towers.conversion import convert
from lexclip_core.towers.loading import load, load_image
from lexclip_core.towers.registry import elsewhere
from lexclip_core.towers.sources import hub_address
from lexclip_core.towers.weight_files import read_tensors


@pytest.fixture(autouse=True, scope="module")
def _architectures(tmp_path_factory: pytest.TempPathFactory) -> None:
    register_architectures(tmp_path_factory.mktemp("architectures"))


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"
TENSORS = {0: torch.ones(2), 1: torch.ones(2)}


@pytest.mark.parametrize("suffix", [".pt", ".bin", ".safetensors"])
@pytest.mark.parametrize(
    ("content", "message", "remedy"),
    [
        (b"<html>404</html>", "is a web page, not weights", "/resolve/"),
        (b"\n <!DOCTYPE html><title>Sign in</title>", "is a web page, not weights", "download link"),
        (POINTER, "is git-lfs's pointer", "git lfs pull"),
        (b"", "is empty", "fetch the file again"),
    ],
)
def test_what_is_no_weight_file_is_called_what_it_is(
    tmp_path: Path, suffix: str, content: bytes, message: str, remedy: str
):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    for use in (read_tensors, lambda file: load(str(file), architecture=ARCHITECTURE)):
        with pytest.raises(DamagedFileError, match=message) as raised:
            use(path)
        assert remedy in raised.value.remedy
    if suffix != ".safetensors":
        with pytest.raises(DamagedFileError, match=message):
            convert(path, tmp_path / "new.safetensors", ARCHITECTURE)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TENSORS, r"names tensors by numbers \(0, "),
        ({"state_dict": TENSORS}, r"names tensors by numbers \(0, "),
        ({"state_dict": None, "epoch": 3}, "its state_dict is null"),
        ([torch.ones(2)], r"its content is no state_dict \(list\)"),
        ({"epoch": 3}, "holds no tensors"),
    ],
)
def test_checkpoints_without_a_models_names_are_refused(tmp_path: Path, content: object, message: str):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(DamagedFileError, match=message) as raised:
        load(str(tmp_path / "w.pt"), architecture=ARCHITECTURE)
    assert "state_dict" in raised.value.remedy


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 2).half()
        self.register_buffer("counts", torch.arange(4)[1:])

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return self.linear(rows) + self.counts.sum()


def as_archive(model: nn.Module, path: Path) -> Path:
    """Save a model's tensors as TorchScript whose program has nothing to say."""
    root = _Shell()
    for name, value in model.state_dict().items():
        place, *path_to, last = root, *name.split(".")
        for part in path_to:
            if not hasattr(place, part):
                place.add_module(part, _Shell())
            place = getattr(place, part)
        place.register_buffer(last, value)
    torch.jit.save(torch.jit.script(root), str(path))
    return path


class _Shell(nn.Module):
    def forward(self) -> int:
        return 0


def test_the_tensors_of_a_torchscript_archive_are_read_and_its_program_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    script = torch.jit.script(Layer())
    torch.jit.save(script, str(tmp_path / "jit.pt"))
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("the program was loaded"))
    read = read_tensors(tmp_path / "jit.pt")
    expected = script.state_dict()
    assert read.keys() == expected.keys()
    assert all(
        torch.equal(read[name], value) and read[name].dtype == value.dtype for name, value in expected.items()
    )


def test_a_clip_in_torchscript_is_loaded_and_converted(tmp_path: Path):
    model = random_model()
    path = as_archive(model, tmp_path / "clip.pt")
    torch.save(model.state_dict(), tmp_path / "plain.pt")
    plain = load(str(tmp_path / "plain.pt"), architecture=ARCHITECTURE).encode_texts(TEXTS)
    assert (load(str(path), architecture=ARCHITECTURE).encode_texts(TEXTS) == plain).all()
    assert "TorchScript" in convert(path, tmp_path / "new.safetensors", ARCHITECTURE)[0]
    assert (load(str(tmp_path / "new.safetensors")).encode_texts(TEXTS) == plain).all()


def test_a_damaged_archive_is_refused(tmp_path: Path):
    torch.jit.save(torch.jit.script(Layer()), str(tmp_path / "jit.pt"))
    content = (tmp_path / "jit.pt").read_bytes()
    (tmp_path / "jit.pt").write_bytes(content.replace(b"_rebuild_tensor_v2", b"_rebuild_tensor_v9"))
    with pytest.raises(DamagedFileError, match=r"jit\.pt.* (cannot be read|holds no tensors)"):
        read_tensors(tmp_path / "jit.pt")


# --- configurations ---


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"model_cfg": None}, "model_cfg is None"),
        ({"model_cfg": {"embed_dim": 4}}, r"model_cfg\.text_cfg is missing"),
        ({"model_cfg": {**CONFIG, "embed_dim": "4"}}, r"model_cfg\.embed_dim is '4'"),
        ({"model_cfg": {**CONFIG, "text_cfg": {"width": 0}}}, r"model_cfg\.text_cfg\.width is 0"),
        ({"model_cfg": {**CONFIG, "text_cfg": {"width": 33, "heads": 2}}}, "33, which 2 heads do not divide"),
        ({"model_cfg": {**CONFIG, "vision_cfg": []}}, r"model_cfg\.vision_cfg is \[\]"),
        ([], r"the whole is \[\]"),
    ],
)
@pytest.mark.parametrize("loader", [load, load_image])
def test_open_clips_configuration_of_another_shape_is_named(
    tmp_path: Path, loader, content: object, message: str
):
    (tmp_path / "open_clip_config.json").write_text(json.dumps(content))
    save_file({"x": torch.ones(1)}, tmp_path / "open_clip_model.safetensors")
    with pytest.raises(DamagedFileError, match=rf"open_clip_config\.json: .*{message}"):
        loader(str(tmp_path))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"config.json": {"model_type": "clip", "text_config": {"hidden_size": "x"}}},
            r"text_config\.hidden_size is 'x'",
        ),
        ({"config.json": {"model_type": "clip", "vision_config": [1]}}, r"vision_config is \[1\]"),
        ({"modules.json": [{"type": "T"}]}, r"modules\.json: 0\.path is missing"),
        ({"modules.json": {"a": 1}}, "modules.json: the whole is"),
        ({"config.json": [1]}, r"config\.json: the whole is \[1\]"),
    ],
)
def test_other_configurations_of_another_shape_are_named(
    tmp_path: Path, files: dict[str, object], message: str
):
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    save_file({"x": torch.ones(1)}, tmp_path / "model.safetensors")
    with pytest.raises(DamagedFileError, match=message):
        load(str(tmp_path))


# --- names ---


@pytest.mark.parametrize(
    ("name", "error", "hint"),
    [
        ("ViT-B/32", InputError, "'ViT-B-32-quickgelu/openai'"),
        ("ViT-L/14@336px", InputError, "'ViT-L-14-336-quickgelu/openai'"),
        ("RN50", InputError, "'RN50-quickgelu/openai'"),
        ("openai/clip-vit-base-patch32", InputError, "'hf-hub:openai/clip-vit-base-patch32'"),
        ("hf-hub:", InputError, "hf-hub:owner/model@revision"),
        ("hf-hub:a/b/c", InputError, "hf-hub:owner/model"),
        ("hf-hub:../x", InputError, "hf-hub:owner/model"),
        ("https://host/ViT-B-32.pt", InputError, "a single file is fetched by hand"),
        ("hf-hub:owner/model@main", MissingResourceError, "https://huggingface.co/owner/model"),
        ("https://huggingface.co/owner/model", MissingResourceError, "https://huggingface.co/owner/model"),
        (
            "hf-hub:https://huggingface.co/owner/model",
            MissingResourceError,
            "https://huggingface.co/owner/model",
        ),
        ("/no/such", MissingResourceError, "check the path"),
        ("", InputError, "registered towers"),
        ("\x00", InputError, "registered towers"),
    ],
)
def test_a_name_of_another_kind_gets_the_hint_that_works(
    name: str, error: type[LexclipError], hint: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(error) as raised:
        load(name)
    assert hint in raised.value.remedy


def test_the_hint_of_each_of_openais_names_is_a_name_that_loads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in (
        "RN50",
        "RN101",
        "RN50x4",
        "RN50x16",
        "RN50x64",
        "ViT-B/32",
        "ViT-B/16",
        "ViT-L/14",
        "ViT-L/14@336px",
    ):
        with pytest.raises(LexclipError) as raised:
            load(elsewhere(name).split("'")[-2])
        assert not isinstance(raised.value, InputError), name  # a known tag, whose weights are not here


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("owner/model", ("owner/model", None)),
        ("gpt2", ("gpt2", None)),
        ("owner/model@refs/pr/1", ("owner/model", "refs/pr/1")),
        ("https://huggingface.co/owner/model/", ("owner/model", None)),
        ("https://hf.co/owner/model/tree/v1.0", ("owner/model", "v1.0")),
    ],
)
def test_addresses_of_the_hub(address: str, parts: tuple[str, str | None]):
    assert hub_address(address) == parts


def test_a_weight_file_is_used_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    torch.save(random_model().state_dict(), tmp_path / "w.pt")
    with pytest.raises(SystemExit) as ended:
        main(
            [
                "embed",
                "hot",
                "cold",
                "--tower",
                str(tmp_path / "w.pt"),
                "--architecture",
                ARCHITECTURE,
                "--json",
            ]
        )
    assert not ended.value.code
    rows = load(str(tmp_path / "w.pt"), architecture=ARCHITECTURE).encode_texts(["hot", "cold"])
    assert json.loads(capsys.readouterr().out)["embeddings"] == rows.tolist()
