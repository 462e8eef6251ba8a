"""The recipes of docs/how_to_add.md work: each adds a toy one through public names alone."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import pytest
from PIL import Image

import lexclip_core as lexclip
from lexclip_core.datasets.pictures.sources import PICTURE_SOURCES, open_set
from lexclip_core.errors import InputError, LexclipError
from lexclip_core.targets.registry import TARGETS
from lexclip_core.towers.loading import FAMILIES
from lexclip_core.training.losses import PENALTIES

ROOT = Path(__file__).resolve().parents[2]
WORDS = ["hot", "cold", "house", "car"]


def recipe(part: str) -> str:
    """Return the code of a recipe, as it stands on the page."""
    page = (ROOT / "docs" / "how_to_add.md").read_text(encoding="utf-8")
    [chapter] = re.findall(rf"^## A {part}.*\n(?:(?!## ).*\n)*", page, re.MULTILINE)
    [code] = re.findall(r"```python\n(.*?)```", chapter, re.DOTALL)
    return str(code)


@contextmanager
def added(part: str, registry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Run a recipe, give its names, and take away again what it added to the registry."""
    before = dict(registry)
    names: dict[str, Any] = {"__name__": "recipe"}
    exec(compile(recipe(part), "docs/how_to_add.md", "exec"), names)
    try:
        yield names
    finally:
        registry.clear()
        registry.update(before)


def test_a_target_is_one_entry():
    with added("target", TARGETS):
        result = lexclip.tune(
            WORDS, tower="tiny-random", target="same_initial", steps=20, lr=1e-3, trainable="all"
        )
        pairs = result.pairs([("hot", "house"), ("hot", "car")]).set_index("word_b").cosine_after
        assert pairs["house"] > pairs["car"]
        with pytest.raises(InputError, match="same_initial"):
            lexclip.tune(WORDS, target="no_such_target")


def test_a_loss_is_one_entry():
    with added("loss", PENALTIES):
        terms = [
            lexclip.tune(WORDS, tower="tiny-random", penalty=penalty, steps=1).history.distance.item()
            for penalty in ("absolute", "square")
        ]
        assert terms[0] != terms[1]
        with pytest.raises(InputError, match="absolute"):
            lexclip.tune(WORDS, penalty="no_such_penalty")


def test_a_picture_source_is_one_object(tmp_path: Path):
    for name in ("daisy", "rose"):
        (tmp_path / "val" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), "white").save(tmp_path / "val" / name / "one.jpg")
    with added("picture or text source", PICTURE_SOURCES) as names:
        [PICTURE_SOURCES["flowers"]] = names["SOURCES"]
        assert [one.name for one in open_set("flowers", tmp_path).classes] == ["daisy", "rose"]
        assert PICTURE_SOURCES["flowers"].count(tmp_path) == {"classes": 2, "pictures": 2}
        with pytest.raises(InputError, match="flowers"):
            open_set("no_such_set")
        with pytest.raises(LexclipError, match=r"A folder of flowers: .*val is not there"):
            open_set("flowers", tmp_path / "val")


def test_a_tower_family_is_one_entry(tmp_path: Path):
    vectors = {letter: [float(place == i) for i in range(26)] for place, letter in enumerate(ascii_lowercase)}
    (tmp_path / "letters.json").write_text(json.dumps(vectors))
    with added("tower family", FAMILIES):
        rows = lexclip.load(tmp_path).encode_texts(["abba", "cat", "act"])
        assert rows @ rows[1] == pytest.approx([2 / (8**0.5 * 3**0.5), 1, 1])
        result = lexclip.tune(WORDS, tower=tmp_path, steps=20, lr=0.1, trainable="all")
        assert result.history.total.iloc[-1] < result.history.total.iloc[0]
        for setting in ("lora:2", "last:1"):
            with pytest.raises(InputError, match=r"no transformer blocks(.|\n)*'all'"):
                lexclip.tune(WORDS, tower=tmp_path, trainable=setting)


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
    (app / "app_pages" / "most_moved.py").write_text(recipe("page of the explorer"))
    pages = (app / "pages.py").read_text(encoding="utf-8")
    assert pages.count(')\n"""Every page') == 1
    (app / "pages.py").write_text(pages.replace(')\n"""Every page', ENTRY), encoding="utf-8")
    command = [sys.executable, "-c", SCRIPT, str(app / "streamlit_app.py")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=600)
    assert done.stdout.strip() == "Most moved 5 True", done.stderr
