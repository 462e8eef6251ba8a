"""The import graph of `lexclip_core`, read off its source: counts, circles, docs/architecture.md.

`python -m tools.architecture` prints how many modules, lines and packages there are; with `--write` it draws
the page anew.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CORE = ROOT / "lexclip_core"
PAGE = ROOT / "docs" / "architecture.md"

# In the order of reading; each is imported by one before it.
READING_PATH = (
    *("cli.__main__", "cli.training", "training.settings", "training.strict_settings"),
    *("experiments.pipeline", "experiments.words", "targets.relations", "training.objectives"),
    *("training.samplers", "training.losses", "towers.loading", "towers.sentence", "towers.tower"),
    *("towers.trainable", "training.loop", "training.distributed", "towers.weights"),
    *("experiments.word_measures", "experiments.run_folder"),
)

Graph = dict[str, set[str]]
"""A module or package -> what it imports."""


@dataclass(frozen=True)
class Module:
    """One file of the library.

    Args:
        name: Dotted name, such as `lexclip_core.targets.wu_palmer`.
        path: Its file.
        summary: The first sentence of its docstring.
        lines: How many lines it has.
        imports: Modules of the library that it imports, at its top or inside a function; those only for type
            checkers do not count.
    """

    name: str
    path: Path
    summary: str
    lines: int
    imports: frozenset[str]

    @property
    def package(self) -> str:
        """The package below `lexclip_core` that it belongs to, or its own name at the top."""
        return self.name.split(".")[1] if "." in self.name else self.name


def modules(core: Path = CORE) -> tuple[Module, ...]:
    """Return every module of the library, by name."""
    files = {_dotted(file, core): file for file in sorted(core.rglob("*.py"))}
    made = []
    for name, file in files.items():
        source = file.read_text(encoding="utf-8")
        tree = ast.parse(source)
        summary = " ".join((ast.get_docstring(tree) or "").split("\n\n")[0].split())
        reached = frozenset(_reached(tree, files)) - {name}
        made.append(Module(name, file, summary, len(source.splitlines()), reached))
    return tuple(made)


def module_graph(parsed: Iterable[Module]) -> Graph:
    """Return module -> imported modules."""
    return {module.name: set(module.imports) for module in parsed}


def package_graph(parsed: Iterable[Module]) -> Graph:
    """Return package -> imported packages; a module at the top of the library is a package of its own."""
    listed = tuple(parsed)
    package = {module.name: module.package for module in listed}
    graph: Graph = {module.package: set() for module in listed}
    for module in listed:
        graph[module.package] |= {package[name] for name in module.imports} - {module.package}
    return graph


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return a circle of imports, or nothing where there is none.

    >>> circle({"a": ["b"], "b": ["c"], "c": []})
    []
    >>> sorted(set(circle({"a": ["b"], "b": ["a"]})))
    ['a', 'b']
    """
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def layers(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return packages by how deep they lie: the first import nothing, each imports only earlier ones.

    >>> layers({"a": ["b"], "b": [], "c": ["b"]})
    [['b'], ['a', 'c']]
    """
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    parsed = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        parsed.append(ready)
        sorter.done(*ready)
    return parsed


def counts(parsed: Iterable[Module]) -> dict[str, int]:
    """Return how many modules, lines and packages there are; the root is no package of its own."""
    listed = tuple(parsed)
    folders = {module.path.parent for module in listed if module.path.name == "__init__.py"}
    return {
        "modules": len(listed),
        "lines": sum(module.lines for module in listed),
        "packages": len(folders) - 1,
    }


def page(parsed: Iterable[Module]) -> str:
    """Return docs/architecture.md: the graph of packages, their layers, and one sentence for each module."""
    listed = tuple(parsed)
    graph = package_graph(listed)
    number = counts(listed)
    text = [
        "# Architecture",
        "",
        "Drawn from the source by `python -m tools.architecture --write`; a test holds it to the code.",
        "",
        f"{number['modules']} modules, {number['lines']:,} lines, {number['packages']} packages. No circle: "
        "each layer imports only from layers above it, and from modules of its own package.",
        "",
        "| layer | packages and modules at the top of `lexclip_core` |",
        "|---|---|",
        *(f"| {depth} | {', '.join(f'`{name}`' for name in names)} |" for depth, names in _rows(graph)),
        "",
        "```mermaid",
        "graph BT",
        *(f"    {name} --> {other}" for name in sorted(graph) for other in sorted(_direct(graph, name))),
        "```",
        "",
        "An arrow points to what is imported; arrows that follow from others are left out.",
    ]
    summaries = {module.name.removeprefix("lexclip_core."): module.summary for module in listed}
    text += [
        "",
        "## From `lexclip tune` to a run folder",
        "",
        f"These {len(READING_PATH)} files, read in this order, tell how a run on words is made.",
        "",
        *(f"{place}. `{name}`: {summaries[name]}" for place, name in enumerate(READING_PATH, start=1)),
    ]
    for package in sorted({module.package for module in listed} - {"lexclip_core"}):
        inside = [module for module in listed if module.package == package]
        text += ["", f"## {package}", ""]
        text += [f"- `{module.name.removeprefix('lexclip_core.')}`: {module.summary}" for module in inside]
    return "\n".join(text) + "\n"


def main() -> None:
    """Print the counts, or write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--write", action="store_true", help="write docs/architecture.md")
    options = parser.parse_args()
    parsed = modules()
    for name, number in counts(parsed).items():
        print(f"{name}: {number:,}")
    print(f"circles: {' -> '.join(circle(module_graph(parsed)) or circle(package_graph(parsed))) or 'none'}")
    if options.write:
        PAGE.write_text(page(parsed), encoding="utf-8")


def _dotted(file: Path, core: Path) -> str:
    parts = file.relative_to(core.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _reached(tree: ast.Module, files: Mapping[str, Path]) -> Iterator[str]:
    """Yield the modules of the library that a module imports, whether at its top or inside a function."""
    for node in _running(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in files)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                if inner in files:
                    yield inner
                elif node.module in files:
                    yield node.module


def _running(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree but for what only type checkers read."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _running(child)


def _rows(graph: Graph) -> Iterator[tuple[int, list[str]]]:
    return enumerate([[n for n in names if n != "lexclip_core"] for names in layers(graph)], start=1)


def _direct(graph: Graph, name: str) -> set[str]:
    """Return what a package imports, without what one of those imports as well."""
    behind: set[str] = set()
    for other in graph[name]:
        behind |= _behind(graph, other)
    return graph[name] - behind


def _behind(graph: Graph, name: str) -> set[str]:
    parsed, todo = set(), list(graph[name])
    while todo:
        one = todo.pop()
        if one not in parsed:
            parsed.add(one)
            todo += graph[one]
    return parsed


if __name__ == "__main__":
    main()
