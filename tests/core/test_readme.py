"""What the documents promise exists: commands, links, settings."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import typer

import lexclip_core.cli.__main__  # noqa: F401 - importing it adds the commands
from lexclip_core.cli import application

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))
# old decisions may name commands of their time, but their links still lead somewhere
DECISIONS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "decisions").glob("*.md"))
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "data/README.md", "notebooks/README.md", *PAGES)
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
VARIABLE = re.compile(r"^\| `([A-Z_]+)` \|", re.MULTILINE)
# a command at the start of a line of a code block, or a whole span of code
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    (make .*|lexclip .*)$", re.MULTILINE)
SPAN = re.compile(r"`((?:make|lexclip) [^`]+)`")


def text_of(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def commands(program: str) -> list[tuple[str, str]]:
    """Return (document, command line) for every command of a program that the documents name."""
    found = []
    for document in DOCUMENTS:
        text = text_of(document)
        blocks = [line for block in BLOCK.findall(text) for line in block.splitlines()]
        lines = [*blocks, *INDENTED.findall(text), *SPAN.findall(text)]
        found += [
            (document, line.partition(" #")[0].strip()) for line in lines if line.startswith(f"{program} ")
        ]
    return sorted(set(found))


def test_the_two_commands_come_first():
    first = BLOCK.search(text_of("README.md")).group(1)
    assert [line.split("#")[0].strip() for line in first.splitlines()] == ["make app", "make test"]
    assert text_of("README.md").index("make app") < 200


def test_make_targets_exist():
    targets = set(TARGET.findall(text_of("Makefile")))
    named = {
        (document, line): [word for word in shlex.split(line)[1:] if "=" not in word]
        for document, line in commands("make")
    }
    assert len(named) >= 10
    assert [place for place, words in named.items() if not words or not set(words) <= targets] == []


def test_lexclip_commands_parse():
    lines = commands("lexclip")
    assert len(lines) >= 30
    assert {place: problem for place in lines if (problem := fault_of(place[1]))} == {}


def fault_of(line: str) -> str:
    """Return why a command line of lexclip does not parse, or an empty text."""
    command = typer.main.get_command(application.application)
    given = shlex.split(line)[1:]
    while hasattr(command, "commands") and given and given[0] != "--help":
        if given[0] not in command.commands:
            return f"no command {given[0]}"
        command = command.commands[given.pop(0)]
    try:
        if "--help" not in given and given:
            command.make_context("lexclip", list(given))
    except typer.BadParameter as error:
        return str(error)
    return ""


def test_links_lead_somewhere():
    links = [
        (document, target)
        for document in (*DOCUMENTS, *DECISIONS)
        for target in LINK.findall(text_of(document))
        if "://" not in target
    ]
    assert len(links) >= 50
    assert [link for link in links if not (ROOT / link[0]).parent.joinpath(link[1]).exists()] == []


def test_settings_are_read_by_the_source():
    sources = [*(ROOT / "lexclip_core").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    source = "\n".join(path.read_text(encoding="utf-8") for path in sources if path.name != "test_readme.py")
    variables = VARIABLE.findall(text_of("docs/installing.md"))
    assert len(variables) >= 5
    assert [name for name in variables if name not in source] == []


def test_the_house_is_the_one_that_is_there():
    house = text_of("CONTRIBUTING.md").partition("## The house")[2].partition("**Imports.**")[0]
    core, _, folders = house.partition("| folder |")
    named = re.findall(r"^\| `([a-z_]+(?:/|\.py))` \|", core, re.MULTILINE)
    there = [
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "lexclip_core").iterdir()
        if path.name != "__pycache__"
    ]
    assert sorted(named) == sorted(there)
    outside = re.findall(r"^\| `([a-z_]+/)` \|", folders, re.MULTILINE)
    assert len(outside) >= 6
    assert [folder for folder in outside if not (ROOT / folder).is_dir()] == []


def test_the_readme_is_short():
    assert len(text_of("README.md").split()) <= 900


def test_decisions_are_numbered_and_listed():
    folder = ROOT / "docs" / "decisions"
    files = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))
    row = re.compile(r"^\| (\d{4}) \| \[(.+)\]\((.+)\) \| (\S+) \| (\w+)", re.MULTILINE)
    index = row.findall(text_of("docs/decisions/README.md"))
    assert [file for _, _, file, _, _ in index] == files
    for number, title, file, date, status in index:
        text = (folder / file).read_text(encoding="utf-8")
        assert text.startswith(f"# {number}. {title}\n\n- Date: {date}\n- Status: {status}")
        parts = re.findall(r"^\*\*(\w+)\.\*\* \S", text, re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences"]


def test_every_make_target_is_in_its_help():
    makefile = text_of("Makefile")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE).group(1).split()
    explained = re.findall(r"^([a-z]+):.* ## \S", makefile, re.MULTILINE)
    assert sorted(phony) == sorted(explained)


def test_continuous_check_is_make_lint_test():
    script = text_of(".ci/run")
    assert re.search(r"^exec make lint test$", script, re.MULTILINE)
    assert script.rstrip().endswith("make lint test")


def test_make_demo_makes_every_committed_run_on_words():
    demo = re.search(r"^DEMO := ((?:.*\\\n)*.*)$", text_of("Makefile"), re.MULTILINE).group(1)
    runs = sorted((ROOT / "data" / "runs").glob("*/provenance.json"))
    said = [json.loads(run.read_text(encoding="utf-8"))["command"] for run in runs]
    commands = [one.removesuffix(" --test-sets FOLDER") for one in said]
    commands = [command for command in commands if not command.startswith("lexclip paraclip tune ")]
    assert commands
    made = [f"lexclip tune --preset {run}" for run in re.findall(r'"([^"]+)"', demo)]
    assert [command for command in commands if command not in made] == []
