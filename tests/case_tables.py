"""One test over a table of cases: each case passes or fails as a subtest, and all are collected as one test.

For cheap cases of one law. Cases that are slow or change a fixture stay with `pytest.mark.parametrize`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import pytest


def each(names: str | Sequence[str], cases: Iterable[Any]) -> Callable[[Callable[..., None]], Any]:
    """Run a test on every case in turn; it is written like `pytest.mark.parametrize`, and stacks like it.

    Fixtures are shared by the cases, except `tmp_path`: every case has a new folder.

    Args:
        names: The arguments of a case, as a sequence or joined by commas; a lone one is given bare.
        cases: The values, one sequence a case (or one value where there is one name).
    """
    keys = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    table = [dict(zip(keys, case if len(keys) > 1 else [case], strict=True)) for case in cases]
    assert table, "a table without cases tests nothing"

    def decorate(test: Callable[..., None]) -> Any:
        asked = inspect.signature(test).parameters
        fixtures = [one for name, one in asked.items() if name not in (*keys, "subtests")]

        @wraps(test)
        def over_all(subtests: pytest.Subtests, **given: Any) -> None:
            if "subtests" in asked:  # a table in a table
                given["subtests"] = subtests
            for number, case in enumerate(table):
                folders = {}
                if "tmp_path" in given:
                    folders["tmp_path"] = given["tmp_path"] / str(number)
                    folders["tmp_path"].mkdir()
                with subtests.test(", ".join(f"{name}={value!r:.60}" for name, value in case.items())):
                    test(**given | folders | case)

        first = inspect.Parameter("subtests", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        over_all.__signature__ = inspect.Signature([first, *fixtures])  # type: ignore[attr-defined]
        return over_all

    return decorate
