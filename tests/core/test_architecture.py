"""The house rules that a machine can read off the source: no circle, libraries in their rooms, names."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from case_tables import each

from tools import architecture

ROOT = architecture.ROOT
MODULES = architecture.modules()

# library -> the only packages of lexclip_core that may import it
ROOMS = {
    "nltk": {"wordnet"},
    "open_clip": {"towers", "training"},
    "peft": {"towers"},
    "transformers": {"towers", "paraphrase"},
    "plotly": {"figures"},
    "typer": {"cli"},
    "papermill": set[str](),
    "nbconvert": set[str](),
    "streamlit": set[str](),
    "app": set[str](),
}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def imports(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted module) for every import that runs, wherever it stands."""
    tree = ast.parse(source)
    for_types = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    idle = {id(inner) for node in for_types for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in idle:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide what is imported"
            yield node.lineno, f"{node.module}"


def outside_their_room(source: str, package: str) -> list[str]:
    """Name the imports of libraries that a package may not use."""
    return [
        f"line {line}: {module} may be imported only in {sorted(ROOMS[module.split('.')[0]]) or 'no package'}"
        for line, module in imports(source)
        if package not in ROOMS.get(module.split(".")[0], {package})
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
        if name in ("pickle.load", "pickle.loads"):
            found.append(f"line {call.lineno}: {name}")
        if name.endswith("load") and options.get("allow_pickle", "False") != "False":
            found.append(f"line {call.lineno}: {name} with allow_pickle")
    return found


def ends_the_process(source: str, package: str) -> set[str]:
    """Name the calls that print or exit: the command line alone may exit, and what cells call may print."""
    names = {name for name, _ in calls(source)}
    refused = {"exit", "quit", "os._exit"}
    refused |= set() if package == "cli" else {"sys.exit"}
    return names & (refused | (set() if package == "notebooks" else {"print"}))


def chosen_devices(source: str) -> list[str]:
    """Name the places that speak of a GPU by name."""
    found = [
        f"line {node.lineno}: {node.value!r}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and node.value == "cuda"
    ]
    return found + [f"line {call.lineno}: {name}" for name, call in calls(source) if name.endswith(".cuda")]


def misnamed(path: Path, source: str) -> list[str]:
    """Say what is wrong with a file's name, its docstring, or a function that is called as the file is."""
    tree = ast.parse(source)
    first = (ast.get_docstring(tree) or "").split("\n\n")[0].rstrip()
    found = []
    if path.stem in EMPTY_NAMES:
        found.append(f"{path.stem} says nothing")
    if not first.endswith((".", "?", ":")):
        found.append("the docstring does not begin with a sentence")
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    if path.stem in functions and path.parts[0] not in ("tests", "scripts"):
        found.append(f"the function {path.stem} is called as its module is")
    return found


def complaints(check: object, *, but: frozenset[str] = frozenset()) -> dict[str, object]:
    """Return module -> what a check of (source, package) says against it."""
    assert callable(check)
    found = {
        module.name: check(module.path.read_text(encoding="utf-8"), module.package)
        for module in MODULES
        if module.package not in but
    }
    return {name: said for name, said in found.items() if said}


def test_imports_have_no_circle():
    assert architecture.circle(architecture.module_graph(MODULES)) == []
    assert architecture.circle(architecture.package_graph(MODULES)) == []


def test_libraries_stay_in_their_rooms():
    assert complaints(outside_their_room) == {}


def test_nothing_is_unpickled():
    assert complaints(lambda source, _: unsafe_loads(source)) == {}


def test_library_code_neither_prints_nor_exits():
    assert complaints(ends_the_process) == {}


def test_the_device_is_chosen_in_towers_alone():
    assert complaints(lambda source, _: chosen_devices(source), but=frozenset({"towers"})) == {}


def test_files_and_functions_are_named_by_what_they_are():
    files = [
        file
        for folder in ("lexclip_core", "app", "tests", "scripts", "tools")
        for file in (ROOT / folder).rglob("*.py")
        if "__pycache__" not in file.parts
    ]
    assert len(files) > 100
    found = {
        str(file): misnamed(file.relative_to(ROOT), file.read_text(encoding="utf-8"))
        for file in files
        if file.stat().st_size
    }
    assert {name: said for name, said in found.items() if said} == {}


def test_the_library_does_not_grow():
    # lower these with every piece that leaves; docs/decisions/0052 says what raises them
    number = architecture.counts(MODULES)
    assert number["modules"] <= 132
    assert number["lines"] <= 34_900
    assert number["packages"] <= 14


def test_the_page_of_the_architecture_is_that_of_the_source():
    assert architecture.PAGE.read_text(encoding="utf-8") == architecture.page(MODULES), (
        "run python -m tools.architecture --write"
    )


def test_the_path_from_a_command_to_a_run_is_short_and_unbroken():
    graph = architecture.module_graph(MODULES)
    path = [f"lexclip_core.{name}" for name in architecture.READING_PATH]
    assert len(path) <= 20
    assert [
        name
        for place, name in enumerate(path[1:], start=1)
        if not any(name in graph[one] for one in path[:place])
    ] == []
    steps = {"cli.training", "experiments.pipeline", "training.loop", "experiments.run_folder"}
    assert steps <= set(architecture.READING_PATH)


@each(
    ("what", "heavy"),
    [
        ("lexclip_core", ("torch", "numpy", "pandas", "plotly")),
        ("lexclip_core.experiments.run_folder", ("torch",)),
        ("lexclip_core.wordnet.tables", ("torch",)),
        ("lexclip_core.targets.relations", ("torch",)),
        ("lexclip_core.training.settings", ("torch",)),
        ("lexclip_core.figures.maps", ("torch", "umap")),
        ("lexclip_core.datasets.cards", ("torch", "pandas")),
        ("lexclip_core.papers.ledger", ("torch",)),
        ("lexclip_core.towers.loading", ("timm", "torchvision", "open_clip", "peft")),
        ("lexclip_core.cli.application", ("torch", "numpy", "pandas")),
    ],
)
def test_what_is_light_does_not_import_what_is_heavy(what: str, heavy: tuple[str, ...]):
    code = f"import sys, {what}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


# The checks themselves, on sources that break each rule.


def test_a_circle_is_seen(tmp_path: Path):
    core = tmp_path / "lexclip_core"
    (core / "one").mkdir(parents=True)
    (core / "one" / "__init__.py").write_text('"""One."""\n')
    (core / "two.py").write_text('"""Two."""\nfrom lexclip_core.one import three\n')
    (core / "one" / "three.py").write_text('"""Three."""\ndef f():\n    from lexclip_core import two\n')
    (core / "__init__.py").write_text('"""Root."""\n')
    found = architecture.modules(core)
    assert set(architecture.circle(architecture.module_graph(found))) == {
        "lexclip_core.one.three",
        "lexclip_core.two",
    }
    (core / "one" / "three.py").write_text(
        '"""Three."""\nfrom typing import TYPE_CHECKING\n'
        "if TYPE_CHECKING:\n    from lexclip_core import two\n"
    )
    assert architecture.circle(architecture.module_graph(architecture.modules(core))) == []


@each(
    ("check", "source"),
    [
        (outside_their_room, "import nltk"),
        (outside_their_room, "from nltk.corpus import wordnet"),
        (outside_their_room, "def f():\n    import streamlit"),
        (ends_the_process, "def f():\n    print(1)"),
        (ends_the_process, "import sys\nsys.exit(1)"),
    ],
)
def test_a_broken_rule_is_seen(check: object, source: str):
    assert callable(check)
    assert len(check(source, "targets")) == 1


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


def test_a_device_by_name_is_seen():
    assert len(chosen_devices("model.cuda()\nx = torch.device('cuda')")) == 2


def test_a_bad_name_is_seen():
    said = misnamed(Path("utils.py"), "def utils(): ...")
    assert len(said) == 3
    assert misnamed(Path("scenes.py"), '"""Scenes of two things."""\ndef scene(): ...') == []


def test_counts_are_those_of_the_files():
    assert architecture.counts(MODULES)["modules"] == len(list(architecture.CORE.rglob("*.py")))
    assert re.search(r"\d+ modules", architecture.page(MODULES))
