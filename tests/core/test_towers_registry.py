"""What the registry states is whole and of the right kinds; a new family of folders is one entry."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import open_clip
import pytest
import torch
from tiny_tower import tiny_tower

from lexclip_core import storage
from lexclip_core.cli.__main__ import main
from lexclip_core.datasets.pictures import imagenet
from lexclip_core.errors import InputError
from lexclip_core.towers.loading import FAMILIES, Family, load, load_image
from lexclip_core.towers.registry import REGISTRY, Activation, TowerSpec, is_published, spec, titled
from lexclip_core.towers.sources import availability
from lexclip_core.towers.tower import Tower


@pytest.mark.parametrize("name", REGISTRY)
def test_every_record_is_whole(name: str) -> None:
    record = spec(name)
    assert record.name == name
    hints = get_type_hints(TowerSpec)
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        assert isinstance(value, hints[field.name] if hints[field.name] in (int, str) else str), field.name
    assert record.activation in get_args(Activation)
    assert re.fullmatch("[0-9a-f]{64}|[0-9a-f]{8}|", record.sha256)
    assert record.dim > 0
    assert record.context_length > 0
    assert record.source
    assert record.note.endswith(".")


def test_an_unknown_name_is_refused_with_the_nearest_and_all_there_are() -> None:
    with pytest.raises(InputError, match="unknown tower 'all-MiniLM-L6'") as caught:
        spec("all-MiniLM-L6")
    assert "did you mean 'all-MiniLM-L6-v2'?" in caught.value.remedy
    assert all(name in caught.value.remedy for name in REGISTRY)


def test_a_new_family_of_folders_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_toy(name: str, folder: Path, *, device: torch.device, dtype: torch.dtype) -> Tower:
        size = json.loads((folder / "toy.json").read_text())["size"]
        record = TowerSpec(name, "toy", "", "gelu", "clip-bpe", 77, size, str(folder))
        tiny = tiny_tower()
        return Tower(tiny.model, tiny.tokenizer, record, sha256=64 * "0", device=device, dtype=dtype)

    (tmp_path / "toy.json").write_text('{"size": 64}')
    with pytest.raises(InputError, match="does not hold a model of a known layout"):
        load(str(tmp_path))
    toy = Family("toy.json", (), lambda folder: (folder / "toy.json").is_file(), load_toy)
    monkeypatch.setitem(FAMILIES, "toy", toy)
    tower = load(str(tmp_path), device="cpu")
    assert tower.name == str(tmp_path)
    np.testing.assert_array_equal(tower.encode_texts(["dog"]), tiny_tower().encode_texts(["dog"]))
    with pytest.raises(InputError, match="no pictures are encoded with it"):
        load_image(str(tmp_path))
    with pytest.raises(InputError, match="does not hold a model") as caught:
        load(str(tmp_path.parent))
    assert "or toy (toy.json)" in caught.value.remedy


def test_published_texts_are_open_clips_own() -> None:
    assert imagenet.curated_imagenet_names() == tuple(open_clip.IMAGENET_CLASSNAMES)
    templates = [one.format("dog") for one in imagenet.openai_templates()]
    assert templates == [one("dog") for one in open_clip.OPENAI_IMAGENET_TEMPLATES]


def test_published_texts_without_open_clip_are_missed_in_one_sentence() -> None:
    code = (
        "import sys; sys.modules['open_clip'] = None\n"
        "from lexclip_core.datasets.pictures.imagenet import openai_templates\n"
        "openai_templates()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=storage.project_root()
    )
    assert "MissingResourceError: open_clip is not installed here" in done.stderr


CLIP, OPENAI = "ViT-B-32-quickgelu/laion400m_e31", "ViT-B-32-quickgelu/openai"


def test_each_tower_says_where_its_weights_are_or_how_they_come_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEXCLIP_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in ("tiny-random", "all-MiniLM-L6-v2", "glove-6b-50d"):
        assert str(availability(name)) == "here"
    assert (availability(CLIP).state, "huggingface.co/timm" in availability(CLIP).how) == ("supply", True)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    assert str(availability(CLIP)) == "fetchable (605 MB)"
    theirs = availability("LaCLIP/laion400m_laclip")
    folder = tmp_path / "weights" / "LaCLIP" / "laion400m_laclip"
    assert (str(theirs), str(folder) in theirs.how) == ("supply", True)
    old = tmp_path / ".cache" / "clip" / "ViT-B-32.pt"
    for file in (old, folder / "laion400m_laclip.pt", tmp_path / "weights" / CLIP / "any.bin"):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"random weights")
    assert str(availability("LaCLIP/laion400m_laclip")) == str(availability(CLIP)) == "here, unverified"
    assert availability(OPENAI).state == "fetchable"  # another file of the right name is not it


def test_the_command_lists_every_tower_with_its_state(capsys: pytest.CaptureFixture[str]) -> None:
    with contextlib.suppress(SystemExit):
        main(["models", "--json"])
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == list(REGISTRY)
    assert {one["state"] for one in listed} <= {"here", "fetchable", "supply"}
    with contextlib.suppress(SystemExit):
        main(["models"])
    shown = capsys.readouterr().out
    assert "glove-6b-50d                        here" in shown
    assert "ParaCLIP/openai: get them from its authors, on request, and put the file into" in shown


@pytest.mark.parametrize(
    ("name", "sha256", "published", "title"),
    [
        ("all-MiniLM-L6-v2", REGISTRY["all-MiniLM-L6-v2"].sha256, True, "all-MiniLM-L6-v2"),
        (CLIP, "d867053b" + 56 * "0", True, CLIP),
        (CLIP, 64 * "0", False, f"{CLIP} (unverified)"),
        ("ParaCLIP/openai", 64 * "0", False, "ParaCLIP/openai (unverified)"),
        ("my/own.pt", 64 * "0", False, "my/own.pt (unverified)"),
    ],
)
def test_a_stored_name_and_checksum_tell_whose_the_weights_are(
    name: str, sha256: str, published: bool, title: str
) -> None:
    assert is_published(name, sha256) is published
    assert titled(name, verified=published) == title
