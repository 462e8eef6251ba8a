"""The project's words are plain ones: those that the glossary replaced stand in no name and in no text."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools import architecture

ROOT = architecture.ROOT
FOLDERS = ("lexclip_core", "app", "tools")

AVOIDED = {
    "settle",
    "settled",
    "lots",
    "kept",
    "takeaway",
    "takeaways",
    "traffic",
    "spoken",
    "beside",
    "told",
    "dealt",
    "parted",
    "twin",
    "lawful",
    "rung",
    "rungs",
    "ladder",
    "wish",
    "wishes",
    "sides",
    "blank",
    "committed",
    "weighing",
    "lenient",
    "found",
}
"""Words that no public name has."""

PHRASES = (
    "settle", "takeaway", "lawful", "rung", "ladder", "lenient", "parted", "dealt", "twin", "small word",
    "brought by hand", "passed over", "one row a", "one line a",
)  # fmt: skip
"""Words and phrases that no text has which a reader sees."""

OLD_SPELLINGS = {"lawful", "lenient"}
"""What is refused by name, with the new word as remedy."""


def parts(name: str) -> set[str]:
    """Return the words of a name.

    >>> sorted(parts("keptRows_by_lots"))
    ['by', 'kept', 'lots', 'rows']
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return {part.lower() for part in re.split(r"[_\W]+", spaced) if part}


def public_names(tree: ast.Module) -> Iterator[str]:
    """Yield the public names of a module: functions, their parameters, classes, fields, constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node.name
            arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            yield from (one.arg for one in arguments if not one.arg.startswith("_"))
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.name
            targets = (one.target for one in node.body if isinstance(one, ast.AnnAssign))
            yield from (one.id for one in targets if isinstance(one, ast.Name) and not one.id.startswith("_"))
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            yield from (one.id for one in statement.targets if isinstance(one, ast.Name) and one.id[0] != "_")


def texts(tree: ast.Module) -> Iterator[str]:
    """Yield the texts of a module, docstrings included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def phrases_in(text: str) -> list[str]:
    """Return the phrases of a text that are avoided.

    >>> phrases_in("Small words: one row a run")
    ['small word', 'one row a']
    """
    return [one for one in PHRASES if re.search(rf"\b{re.escape(one)}(?:s|d|ed|ing)?\b", text, re.IGNORECASE)]


def sources() -> dict[str, ast.Module]:
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
    return {str(file.relative_to(ROOT)): ast.parse(file.read_text(encoding="utf-8")) for file in files}


SOURCES = sources()


def test_public_names_are_plain():
    said = {
        f"{file}: {name}"
        for file, tree in SOURCES.items()
        for name in public_names(tree)
        if parts(name) & AVOIDED
    }
    assert said == set()


def test_files_are_named_plainly():
    assert {file for file in SOURCES if parts(Path(file).stem) & AVOIDED} == set()


def test_texts_in_the_source_are_plain():
    said = {
        f"{file}: {phrases_in(text)} in {text[:60]!r}"
        for file, tree in SOURCES.items()
        for text in texts(tree)
        if phrases_in(text) and text not in OLD_SPELLINGS and "write " not in text
    }
    assert said == set()


@pytest.mark.parametrize("folder", ["docs", "notebooks"])
def test_documents_and_notebooks_are_plain(folder: str):
    said = set()
    for file in sorted((ROOT / folder).rglob("*")):
        if file.suffix == ".md":
            text = file.read_text(encoding="utf-8")
        elif file.suffix == ".ipynb" and "checkpoints" not in str(file):
            text = "\n".join("".join(cell["source"]) for cell in json.loads(file.read_text("utf-8"))["cells"])
        else:
            continue
        said |= {f"{file.relative_to(ROOT)}: {one}" for one in phrases_in(text)}
    assert said == set()


def test_an_avoided_word_is_seen():
    tree = ast.parse("LADDER = 1\ndef told(rung): ...\nclass Row:\n    kept: int = 0\n")
    assert {name for name in public_names(tree) if parts(name) & AVOIDED} == {
        "LADDER",
        "told",
        "rung",
        "kept",
    }
    assert phrases_in("the ladder, settled") == ["settle", "ladder"]
