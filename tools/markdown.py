"""Markdown as the documents have it: tables, intervals, and blocks between two comments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lexclip_core.errors import DamagedFileError
from lexclip_core.evaluation.intervals import Estimate


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, with a line break at its end.

    >>> print(table(["run", "rank"], [["base", 12]]), end="")
    | run | rank |
    |---|---|
    | base | 12 |
    """
    head, *lines = [f"| {' | '.join(map(str, cells))} |\n" for cells in (heads, *rows)]
    return "".join([head, f"|{'---|' * len(heads)}\n", *lines])


def interval(one: Estimate, sign: str = "", digits: int = 3) -> str:
    """Return a value with the ends of its interval.

    Args:
        one: The value.
        sign: "+" to show the sign of what is positive.
        digits: After the point.

    >>> interval(Estimate(0.25, 0.125, 0.375), "+")
    '+0.250 (+0.125 to +0.375)'
    """
    rounded = (round(number, digits) + 0.0 for number in (one.value, *one.ends))  # no "-0.000"
    value, low, high = (f"{number:{sign}.{digits}f}" for number in rounded)
    return f"{value} ({low} to {high})"


def with_block(text: str, name: str, made: str) -> str:
    r"""Return a page with other lines between the two comments of a name.

    Raises:
        DamagedFileError: The page does not have the two comments once.

    >>> with_block("<!-- a: begin -->\nold\n<!-- a: end -->\n", "a", "new\n")
    '<!-- a: begin -->\nnew\n<!-- a: end -->\n'
    """
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    first, begun, rest = text.partition(begin)
    _, ended, last = rest.partition(end)
    if not (begun and ended) or begin in rest or end in first + last:
        raise DamagedFileError(f"a page has not one block {name}", f"put {begin!r} and {end!r} in, once")
    return first + begin + made + end + last
