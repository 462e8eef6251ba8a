"""What the registry states is whole and of the right kinds; a new family of folders is one entry."""

from __future__ import annotations

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
from lexclip_core.datasets.pictures import imagenet
from lexclip_core.errors import InputError
from lexclip_core.towers.loading import FAMILIES, Family, load, load_image
from lexclip_core.towers.registry import REGISTRY, Activation, TowerSpec, spec
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
    with pytest.raises(InputError, match="knows no pictures"):
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
