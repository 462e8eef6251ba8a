"""`lexclip emoji`: what is listed, shown and written, and which errors name what."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from lexclip_core.cli.__main__ import main
from lexclip_core.datasets.emoji import sprites

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command line in this process: exit status, output, errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


def test_the_first_concepts_are_listed_and_the_others_counted(call: Call):
    status, out, _ = call("emoji", "list")
    total = len(sprites.concepts())
    assert status == 0
    assert len(out.splitlines()) == 22
    assert f"(the first 20 of {total}; --json gives all)" in out


def test_a_list_can_be_searched(call: Call):
    status, out, _ = call("emoji", "list", "Animal-Bug", "--json")
    found = json.loads(out)
    assert status == 0
    assert {row["subgroup"] for row in found} == {"animal-bug"}
    assert len(found) == (sprites.concepts()["subgroup"] == "animal-bug").sum()
    _, out, _ = call("emoji", "list", "animal-bug")
    assert len(out.splitlines()) == len(found) + 1


def test_a_search_that_finds_nothing_says_so(call: Call):
    status, _, err = call("emoji", "list", "xyzzy")
    assert status == 2
    assert "no concept has 'xyzzy'" in err


def test_a_concept_is_shown_and_its_drawing_written(call: Call, tmp_path: Path):
    path = tmp_path / "dog.png"
    status, out, err = call("emoji", "show", "dog", "--style", "twemoji", "--out", str(path), "--json")
    assert status == 0
    assert json.loads(out)["hexcode"] == "1F415"
    assert isinstance(json.loads(out)["tags"], list)
    assert str(path) in err
    assert Image.open(path).tobytes() == sprites.sprite("dog", "twemoji").tobytes()
    _, out, _ = call("emoji", "show", "dog")
    assert "1F415" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "guide"), "unknown emoji concept 'guide'"),
        (("show", "dog", "--style", "oil"), "unknown emoji style 'oil'"),
        (("show", "dog", "--out", "dog.jpg"), "cannot write dog.jpg"),
    ],
)
def test_bad_requests_end_with_status_2(call: Call, arguments: tuple[str, ...], message: str):
    status, out, err = call("emoji", *arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert "Remedy" in err
