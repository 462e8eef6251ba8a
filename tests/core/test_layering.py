"""The house rules that a machine can read off the source: one arrow, each library in its room."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "lexclip_core"

ARROW = (
    ("errors", "storage"),
    ("config",),
    ("words",),
    ("synsets",),
    ("targets",),
    ("pairs",),
    ("losses",),
    ("towers",),
    ("training",),
    ("paraphrase",),
    ("datasets",),
    ("picture_features", "class_names"),
    ("evaluation",),
    ("geometry",),
    ("figures",),
    ("runs",),
    ("tuning",),
    ("name_study", "image_training", "paraclip"),
    ("ledger",),
    ("notebook_runner",),
    ("doctor",),
    ("cli",),
)
RANK = {name: rank for rank, names in enumerate(ARROW) for name in names}

# library -> the only parts of lexclip_core that may import it
ROOMS = {
    "nltk": {"synsets"},
    "open_clip": {"towers", "losses"},
    "peft": {"towers"},
    "transformers": {"towers", "paraphrase"},
    "openai": {"paraphrase"},
    "plotly": {"figures"},
    "typer": {"cli"},
    "webdataset": {"pairs"},
    "papermill": {"notebook_runner"},
    "nbconvert": {"notebook_runner"},
    "streamlit": set(),
    "app": set(),
}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def part_of(file: Path) -> str:
    """Return the part of the arrow that a file of lexclip_core belongs to."""
    return file.relative_to(CORE).with_suffix("").parts[0]


def python_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.py") if "__pycache__" not in file.parts)


MODULES = [file for file in python_files(CORE) if part_of(file) != "__init__"]
NAMES = [str(file.relative_to(ROOT)) for file in MODULES]
each_module = pytest.mark.parametrize("file", MODULES, ids=NAMES)


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted module) for every import, wherever it stands, names of a package spelt out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide the arrow"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"


def against_the_arrow(source: str, part: str) -> list[str]:
    """Name the imports that point to the right of `part`, or to no part at all."""
    found = []
    for line, module in imports(source):
        names = module.split(".")
        if names[0] != "lexclip_core":
            continue
        target = names[1] if len(names) > 1 else ""
        if target not in RANK:
            found.append(f"line {line}: {module} is no part of the arrow")
        elif target != part and RANK[target] > RANK[part]:
            found.append(f"line {line}: {part} imports {target}, which stands to its right")
    return found


def outside_their_room(source: str, part: str) -> list[str]:
    """Name the imports of libraries that `part` may not use."""
    return [
        f"line {line}: {module} may be imported only in {sorted(ROOMS[module.split('.')[0]]) or 'no part'}"
        for line, module in imports(source)
        if part not in ROOMS.get(module.split(".")[0], {part})
    ]


def calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def unsafe_loads(source: str) -> list[str]:
    """Name the calls that would unpickle what a file says."""
    found = []
    for name, call in calls(source):
        options = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name == "torch.load" and options.get("weights_only") != "True":
            found.append(f"line {call.lineno}: torch.load without weights_only=True")
        if name in ("pickle.load", "pickle.loads", "pickle.Unpickler"):
            found.append(f"line {call.lineno}: {name}")
        if name.endswith("load") and options.get("allow_pickle", "False") != "False":
            found.append(f"line {call.lineno}: {name} with allow_pickle")
    return found


@each_module
def test_a_module_belongs_to_the_arrow_and_imports_only_leftwards(file: Path):
    assert part_of(file) in RANK
    assert against_the_arrow(file.read_text(encoding="utf-8"), part_of(file)) == []


@each_module
def test_libraries_stay_in_their_rooms(file: Path):
    assert outside_their_room(file.read_text(encoding="utf-8"), part_of(file)) == []


@each_module
def test_nothing_is_unpickled(file: Path):
    assert unsafe_loads(file.read_text(encoding="utf-8")) == []


@each_module
def test_library_code_neither_prints_nor_exits(file: Path):
    names = {name for name, _ in calls(file.read_text(encoding="utf-8"))}
    assert not names & {"print", "exit", "quit", "os._exit"}
    if part_of(file) != "cli":
        assert "sys.exit" not in names


@each_module
def test_the_device_is_chosen_in_towers_alone(file: Path):
    literals = {
        node.value
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
    }
    attributes = {name for name, _ in calls(file.read_text(encoding="utf-8"))}
    if part_of(file) != "towers":
        assert "cuda" not in literals
        assert not {name for name in attributes if name.endswith(".cuda")}


@pytest.mark.parametrize("folder", ["lexclip_core", "app", "tests", "scripts"])
def test_file_names_say_something(folder: str):
    stems = {file.stem for file in python_files(ROOT / folder)}
    assert stems, f"{folder} holds no Python file"
    assert not stems & EMPTY_NAMES


@each_module
def test_a_module_says_in_one_sentence_what_it_is(file: Path):
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    assert docstring, f"{file} has no docstring"
    assert docstring.split("\n\n")[0].rstrip().endswith((".", "?", ":"))


def test_every_part_of_the_arrow_exists():
    assert set(RANK) == {part_of(file) for file in MODULES}


# The checks themselves, on sources that break each rule.


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("from lexclip_core.towers import load", "losses imports towers"),
        ("from lexclip_core import runs", "losses imports runs"),
        ("import lexclip_core.cli", "losses imports cli"),
        ("def f():\n    from lexclip_core.training import fit", "line 2: losses imports training"),
        ("import lexclip_core.helpers", "no part of the arrow"),
    ],
)
def test_an_import_to_the_right_is_seen(source: str, complaint: str):
    [found] = against_the_arrow(source, "losses")
    assert complaint in found


def test_an_import_to_the_left_or_at_home_is_allowed():
    source = "import torch\nfrom lexclip_core import storage\nfrom lexclip_core.losses.kinds import square\n"
    assert against_the_arrow(source, "losses") == []


@pytest.mark.parametrize(
    "source", ["import nltk", "from nltk.corpus import wordnet", "def f():\n    import streamlit"]
)
def test_a_library_outside_its_room_is_seen(source: str):
    assert len(outside_their_room(source, "losses")) == 1


@pytest.mark.parametrize(
    "source",
    [
        "torch.load('x.pt')",
        "torch.load(path, weights_only=False)",
        "np.load('x.npz', allow_pickle=True)",
        "pickle.loads(text)",
    ],
)
def test_unsafe_loading_is_seen(source: str):
    assert len(unsafe_loads(source)) == 1


def test_safe_loading_is_allowed():
    assert unsafe_loads("torch.load(p, weights_only=True)\nnp.load(p)\nnp.load(p, allow_pickle=False)") == []
