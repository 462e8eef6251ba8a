"""The examples in docstrings run: those of every module that has one, and the tutorial of the front door."""

from __future__ import annotations

import doctest
import importlib
import inspect
from types import ModuleType

import pytest

from tools import architecture

MODULES = [
    module.name for module in architecture.modules() if ">>>" in module.path.read_text(encoding="utf-8")
]


def failures(module: ModuleType) -> tuple[int, int]:
    """Return how many examples of a module failed, and how many there are."""
    found = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    return found.failed, found.attempted


@pytest.mark.parametrize("name", MODULES)
def test_examples_give_what_they_say(name: str):
    failed, attempted = failures(importlib.import_module(name))
    assert attempted
    assert failed == 0


def test_the_front_door_has_an_example_for_each_function():
    workbench = importlib.import_module("lexclip_core.workbench")
    root = importlib.import_module("lexclip_core")
    functions = [getattr(workbench, name) for name in root.__all__ if inspect.isfunction(getattr(root, name))]
    assert len(functions) == 4
    for function in functions:
        assert ">>>" in (function.__doc__ or "")


def test_a_wrong_example_is_seen():
    module = ModuleType("wrong")
    module.__doc__ = ">>> 1 + 1\n3\n"
    assert doctest.run_docstring_examples
    assert failures(module)[0] == 1
