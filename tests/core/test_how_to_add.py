"""The recipes of docs/how_to_add.md work: each adds a toy one through public names alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import lexclip_core as lexclip
from lexclip_core.datasets.cards import Card, Draw, Source
from lexclip_core.datasets.pictures.picture_set import PictureSet, folder
from lexclip_core.datasets.pictures.sources import PICTURE_SOURCES, open_set
from lexclip_core.errors import InputError
from lexclip_core.targets.registry import TARGETS, Among, Target
from lexclip_core.towers.loading import FAMILIES, Family
from lexclip_core.towers.tower import Tower
from lexclip_core.training.penalties import PENALTIES

ROOT = Path(__file__).resolve().parents[2]
WORDS = ["hot", "cold", "house", "car"]


def same_initial(words: Sequence[str], synsets: Sequence[str]) -> Among:
    """Words that begin alike should be near: 0.8, else 0.2; a word is 1 with itself."""
    initials = np.array([word[0] for word in words])

    def among(rows: np.ndarray) -> np.ndarray:
        cosines = np.where(initials[rows][:, None] == initials[rows][None, :], 0.8, 0.2)
        np.fill_diagonal(cosines, 1.0)
        return cosines

    return among


@pytest.fixture
def toy_target() -> Iterator[str]:
    TARGETS["same_initial"] = Target("words that begin alike", same_initial)
    yield "same_initial"
    del TARGETS["same_initial"]


def test_a_target_is_one_entry(toy_target: str):
    result = lexclip.tune(WORDS, tower="tiny-random", target=toy_target, steps=200, lr=1e-3, trainable="all")
    pairs = result.pairs([("hot", "house"), ("hot", "car")]).set_index("word_b").cosine_after
    assert pairs["house"] > pairs["car"]
    with pytest.raises(InputError, match="same_initial"):
        lexclip.tune(WORDS, target="no_such_target")


def test_a_penalty_is_one_entry():
    PENALTIES["absolute"] = torch.abs
    try:
        terms = [
            lexclip.tune(WORDS, tower="tiny-random", penalty=penalty, steps=1).history.distance.item()
            for penalty in ("absolute", "square")
        ]
        assert terms[0] != terms[1]
        with pytest.raises(InputError, match="absolute"):
            lexclip.tune(WORDS, penalty="no_such_penalty")
    finally:
        del PENALTIES["absolute"]


def test_a_picture_source_is_one_object(tmp_path: Path):
    for name in ("daisy", "rose"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (8, 8), "white").save(tmp_path / name / "one.png")

    def read(path: Path, draw: Draw, seed: int) -> PictureSet:
        return folder(path)

    def check(path: Path, draw: Draw) -> dict[str, int]:
        return {"classes": len(list(path.iterdir()))}

    card = Card(
        "flowers",
        "A folder of flowers",
        0,
        "one class per picture",
        "none",
        "your disk",
        "yours",
        ("*/*.png",),
    )
    PICTURE_SOURCES["flowers"] = Source(card, read, check, location="given")
    try:
        assert [one.name for one in open_set("flowers", tmp_path).classes] == ["daisy", "rose"]
        assert PICTURE_SOURCES["flowers"].count(tmp_path) == {"classes": 2}
        with pytest.raises(InputError, match="flowers"):
            open_set("no_such_set")
    finally:
        del PICTURE_SOURCES["flowers"]


def test_a_tower_family_is_one_entry(tmp_path: Path):
    (tmp_path / "my_config.json").write_text("{}")

    def load_mine(name: str, path: Path, *, device: torch.device, dtype: torch.dtype) -> Tower:
        return lexclip.load("tiny-random", device=str(device))

    FAMILIES["mine"] = Family(
        "my_config.json", (), lambda path: (path / "my_config.json").is_file(), load=load_mine
    )
    try:
        tower = lexclip.load(tmp_path)
        assert np.array_equal(tower.encode_texts(WORDS), lexclip.load("tiny-random").encode_texts(WORDS))
    finally:
        del FAMILIES["mine"]


PAGE = '''"""Most moved: which pairs this training moved most."""

import layout

summary, run = layout.begin("Most moved", "Which pairs did this training move most?", fills="pairs")
moved = run.pairs.assign(change=run.pairs.cosine_after - run.pairs.cosine_before)
layout.table(moved.loc[moved.change.abs().nlargest(5).index])
'''
ENTRY = '''    Page("app_pages/most_moved.py", "Most moved", "the pairs that moved farthest"),
)
"""Every page'''
SCRIPT = """
import sys
from streamlit.testing.v1 import AppTest
app = AppTest.from_file(sys.argv[1], default_timeout=300).run()
links = [element.proto.label for element in app.get("page_link")]
app.switch_page("app_pages/most_moved.py").run()
assert not app.exception, app.exception
print(app.title[0].value, len(app.dataframe[0].value), any("Most moved" in label for label in links))
"""


def test_a_page_is_one_file_and_one_entry(tmp_path: Path):
    app = tmp_path / "app"
    shutil.copytree(ROOT / "app", app, ignore=shutil.ignore_patterns("__pycache__"))
    (app / "app_pages" / "most_moved.py").write_text(PAGE)
    pages = (app / "pages.py").read_text(encoding="utf-8")
    assert pages.count(')\n"""Every page') == 1
    (app / "pages.py").write_text(pages.replace(')\n"""Every page', ENTRY), encoding="utf-8")
    command = [sys.executable, "-c", SCRIPT, str(app / "streamlit_app.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert done.stdout.strip() == "Most moved 5 True", done.stderr
