"""The commands of tools that documents name exist, and take what the documents give them."""

from __future__ import annotations

import importlib
import re
import shlex

import pytest
import typer

from lexclip_core import storage

ROOT = storage.project_root()
PAGES = (
    "README.md",
    "data/README.md",
    "data/emoji/LICENCES.md",
    *(f"docs/{one.name}" for one in (ROOT / "docs").glob("*.md")),
)
NAMED = re.compile(r"python -m (tools\.\w+)([^`#\n|]*)")


def commands() -> list[tuple[str, str]]:
    texts = [(ROOT / page).read_text("utf-8") for page in PAGES if (ROOT / page).is_file()]
    return sorted({(name, arguments.strip()) for text in texts for name, arguments in NAMED.findall(text)})


def test_the_builds_are_named():
    assert {
        ("tools.emoji", "build"),
        ("tools.image_tower", "build"),
        ("tools.image_tower", "measure"),
    } <= set(commands())


@pytest.mark.parametrize("tool", ["tools.emoji", "tools.image_tower"])
def test_commands_of_the_documents_parse(tool: str):
    group = typer.main.get_command(importlib.import_module(f"{tool}.__main__").application)
    for name, arguments in commands():
        if name == tool:
            first, *others = shlex.split(arguments)
            assert first in group.commands
            group.commands[first].make_context(tool, others)
