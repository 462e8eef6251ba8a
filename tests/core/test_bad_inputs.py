"""Whatever is typed or named ends well or with a message that says what is wrong: never in a traceback."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from lexclip_core.cli.__main__ import main
from lexclip_core.errors import LexclipError
from lexclip_core.training.settings import METHODS, settings_of

TEXTS = (
    "",
    " ",
    "-",
    "--",
    "nan",
    "-1",
    "1e999",
    "9" * 400,
    "../..",
    "/",
    "/dev/null",
    "/dev/zero",
    "/etc/passwd",
    "a" * 5000,
    "\udcff",
    "💥",
    "%s{}$(x)`y`",
    "[" * 500,
    "{",
    "pipe:ls",
    "\u202e",
    "a\nb",
    "none",
    "dog.n.99",
    "\ufeff",
    "é/../é",
)
VALUES = (
    *TEXTS,
    None,
    True,
    -1,
    0,
    2.5,
    10**400,
    float("nan"),
    float("inf"),
    [],
    {},
    [[1]],
    {"a": {}},
    b"x",
    ("a",),
    object(),
)
COMMANDS = (
    ("runs", "show", "?"),
    ("runs", "list", "--folder", "?"),
    ("runs", "validate", "--folder", "?"),
    ("runs", "compare", "--folder", "?"),
    ("cache", "clear", "?"),
    ("wup", "?"),
    ("wup", "dog", "?", "--pos", "n"),
    ("wup", "dog", "cat", "--pos", "?"),
    ("wup", "dog", "cat", "--pos", "n", "--how", "?"),
    ("emoji", "show", "?"),
    ("emoji", "list", "?"),
    ("ledger", "--claim", "?"),
    ("ledger", "--verdict", "?"),
    ("paraphrase", "?", "--out", "made.jsonl"),
    ("paraphrase", "texts.txt", "--out", "?"),
    ("paraphrase", "texts.txt", "--out", "made.jsonl", "--words", "?"),
    ("paraphrase", "texts.txt", "--out", "made.jsonl", "--provider", "?"),
    ("notebooks", "run", "--only", "?"),
    ("notebooks", "run", "--profile", "?"),
    ("?",),
)
FILES = (
    b"",
    b"\x00" * 100,
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"a":' * 50_000,
    b'"',
    b'a,"b\nc',
    b"\x89PNG\r\n\x1a\n",
    b"PK\x03\x04",
    b"1e999",
    b"<html>",
    b"version https://git-lfs.github.com/spec/v1\n",
    b"[null]",
    b'{"annotations": 3}',
    b'{"images": {}}',
    b"\r\r\r",
    b'{"caption": "\\ud800", "paraphrase_1": "a", "paraphrase_2": "b"}\n',
    b"caption,image\n" + b"x" * 200_000 + b'",,,\n',
)


def changes() -> Iterator[tuple[str, str, object]]:
    for method, kind in METHODS.items():
        for name in [*kind().flat(), "unheard of"]:
            for value in VALUES:
                yield method, name, value


def test_settings_are_taken_or_refused_by_name():
    refused = taken = 0
    presets = {"matrix": "blog-release", "relations": "lexclip", "paraphrases": "paraclip-emoji"}
    for method, name, value in random.Random(0).sample(list(changes()), 600):
        try:
            settings_of(presets[method], {name: value}).flat()
            taken += 1
        except LexclipError:
            refused += 1
    assert refused > 300
    assert taken > 5


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("LEXCLIP_RUNS", "LEXCLIP_PICTURES"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts.txt").write_text("a dog on the grass\n")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_command_takes_or_refuses_whatever_is_typed(
    place: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], command: tuple[str, ...]
):
    if command[0] == "cache":
        monkeypatch.setenv("LEXCLIP_CACHE", str(place / "cache"))
    for text in TEXTS:
        with pytest.raises(SystemExit) as done:
            main([text if part == "?" else part for part in command])
        said = "".join(capfd.readouterr())
        assert "Traceback" not in said
        assert done.value.code in (0, 1, 2, None), text
        assert said or not done.value.code, text


@pytest.mark.parametrize("suffix", [".txt", ".csv", ".tsv", ".json", ".jsonl", ".tar", ".parquet", ".arrow"])
def test_a_file_of_captions_is_read_or_refused(place: Path, capfd: pytest.CaptureFixture[str], suffix: str):
    for content in FILES:
        (place / f"bad{suffix}").write_bytes(content)
        with pytest.raises(SystemExit) as done:
            main(["paraphrase", f"bad{suffix}", "--out", "made.jsonl", "--provider", "siblings"])
        said = "".join(capfd.readouterr())
        assert "Traceback" not in said
        assert done.value.code in (0, 1, 2, None)
        assert "bad." in said or "no record was made" in said or not done.value.code, content[:50]
