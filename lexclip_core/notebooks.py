"""What a notebook asks of the library: record, compare with what was expected, check exercises, quiz."""

from __future__ import annotations

import base64
import io
import json
import math
import sys
import textwrap
import tomllib
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from numbers import Integral
from typing import TYPE_CHECKING, Any

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.experiments.run_folder import check_metrics
from lexclip_core.papers.measurement import Measurement

if TYPE_CHECKING:
    import plotly.graph_objects as go

METRICS_MIME = "application/vnd.lexclip.metrics+json"
MEASURED_MIME = "application/vnd.lexclip.measured+json"


def use_in_notebook() -> None:
    """Make a kernel ready: figures with a static picture next to them, and parameters that are checked.

    Figures are shown as plotly's, which offer no upload, and as PNG, so that nbconvert and a repository's
    viewer have them; what PLOTLY_RENDERER names in the environment is left as it is. A wrong parameter is
    refused in the cell that gives it.

    Example:
        In a notebook's first cell: `use_in_notebook()`.
    """
    from IPython import get_ipython

    if (root := str(storage.project_root())) not in sys.path:
        sys.path.append(root)  # `tools.notebook_runner` lies there, in a clone as in a wheel
    from tools.notebook_runner import kernel

    kernel.prepare(get_ipython())


def record(metrics: Mapping[str, Any], measured: Sequence[Measurement] = ()) -> None:
    """Record a notebook's metrics as the output of its last cell, where the runner reads them back.

    Args:
        metrics: "split/name" to a number, a dict with "value" and where known "low", "high", "n" and
            "note", or an object whose `as_dict()` gives one.
        measured: What the ledger puts next to the papers: `measurement.conditions(...).measured(...)`.

    Raises:
        InputError: A metric has no number, or its name does not say its split.

    Example:
        In a notebook's last cell: `record({"heldout/auc": 0.75}, measured=measured)`.
    """
    from IPython.display import display

    recorded = {name: _metric(value) for name, value in metrics.items()}
    check_metrics(recorded)
    for name, entry in recorded.items():
        if "/" not in name:
            raise InputError(
                f"metrics: {name!r} does not say its split", f"name it heldout/{name} or all/{name}"
            )
        try:
            json.dumps(entry, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise InputError(f"metrics: {name!r}: {error}", "record plain, finite numbers") from error
    lines = [f"{name}: {entry['value']:.4g}" for name, entry in recorded.items()]
    bundle: dict[str, Any] = {METRICS_MIME: recorded}
    if measured:
        from lexclip_core.experiments.run_folder import git_commit

        bundle[MEASURED_MIME] = {"commit": git_commit(), "measured": [one.as_dict() for one in measured]}
        lines.append(f"for the ledger: {len(measured)} measurements")
    display(bundle | {"text/plain": "\n".join(lines)}, raw=True)  # type: ignore[no-untyped-call]


def expect(text: str, condition: object, **numbers: object) -> None:
    """Print whether what a notebook expects is so, with the numbers that decide it.

    Args:
        text: The expectation as a sentence: "the opposite is nearer than the synonym".
        condition: Whether it is so, one truth value.
        **numbers: What it was decided by; numbers that are not whole are rounded to three digits.

    >>> expect("the opposite is nearer", 0.75 > 0.65, fast_slow=0.75, fast_quick=0.651234)
    as expected: the opposite is nearer (fast slow 0.75, fast quick 0.651)
    """
    shown = ", ".join(f"{name.replace('_', ' ')} {_rounded(value)}" for name, value in numbers.items())
    verdict = "as expected" if bool(condition) else "not as expected"
    _say(f"{verdict}: {text}{f' ({shown})' if shown else ''}")


def reveal(guess: object, answer: object, *figures: object) -> bool:
    """Show an answer, and the figures that go with it, once a guess has been made; return whether it was.

    The guess is a variable of the notebook that starts as None, so it works in every front end.

    Args:
        guess: A number, a text, or None for no guess yet.
        answer: What was measured, of the same kind as the guess.
        *figures: What the front end displays below the answer.

    Raises:
        InputError: The guess is a text and the answer a number, or the other way round.

    >>> reveal(None, 0.61)
    Hidden until you have guessed: put your guess in place of None, and run both cells.
    False
    >>> reveal(0.5, 0.61)
    Your guess: 0.5. Measured: 0.61, which is 0.11 more.
    True
    """
    if guess is None:
        _say("Hidden until you have guessed: put your guess in place of None, and run both cells.")
        return False
    if isinstance(guess, str) != isinstance(answer, str):
        wanted = "a text" if isinstance(answer, str) else "a number"
        raise InputError(f"the guess is {guess!r}", f"guess {wanted}")
    if isinstance(answer, str):
        verdict = "You are right" if str(guess).strip().casefold() == answer.casefold() else "It is another"
        _say(f"Your guess: {guess}. {verdict}. Measured: {answer}.")
    else:
        off = float(answer) - float(guess)  # type: ignore[arg-type]
        how = f"which is {_rounded(abs(off))} {'more' if off > 0 else 'less'}" if off else "just that"
        _say(f"Your guess: {guess}. Measured: {_rounded(answer)}, {how}.")
    if figures:
        from IPython.display import display

        display(*figures)  # type: ignore[no-untyped-call]
    return True


def picture_sheet(pictures: Sequence[Any], titles: Sequence[str], *, columns: int = 8, side: int = 96) -> Any:
    """Return pictures in rows, each above its title, as one picture that every front end shows.

    Args:
        pictures: PIL images of any size.
        titles: One per picture; what exceeds two lines is cut.
        columns: Pictures per row.
        side: Width of a picture in pixels, of its title too.
    """
    from PIL import Image, ImageDraw, ImageFont

    rows = max(1, math.ceil(len(pictures) / columns))
    sheet = Image.new("RGB", (min(columns, max(len(pictures), 1)) * (side + 12), rows * (side + 44)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for place, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        left, top = (place % columns) * (side + 12) + 6, (place // columns) * (side + 44) + 2
        sheet.paste(picture.convert("RGB").resize((side, side)), (left, top))
        lines = "\n".join(textwrap.wrap(title, side // 6, max_lines=2, placeholder="…"))
        draw.multiline_text((left, top + side + 3), lines, fill="#1f1f1f", font=font)
    return sheet


def picture_address(picture: Any, *, framed: bool = False, side: int = 96) -> str:
    """Return a picture as the `data:` address that `ribbons_figure` draws, its longer side `side` pixels.

    Args:
        picture: A PIL image of any size.
        framed: Whether an orange frame marks it, as the wanted one.
        side: Width or height in pixels.

    >>> from PIL.Image import new
    >>> picture_address(new("RGB", (200, 100)))[:22]
    'data:image/png;base64,'
    """
    from PIL import ImageOps

    from lexclip_core.figures.style import PALETTE

    drawn = ImageOps.contain(picture.convert("RGB"), (side, side))
    if framed:
        drawn = ImageOps.expand(ImageOps.crop(drawn, 6), 6, PALETTE["vermillion"])
    stream = io.BytesIO()
    drawn.save(stream, format="PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def dial(draw: Callable[[float], go.Figure], values: Sequence[float], *, name: str = "alpha") -> go.Figure:
    """Return one figure with a slider over several: it moves the points of the traces, in any front end.

    The slider is plotly's and needs no kernel: it works in JupyterLab, in the book and in exported pages. The
    static picture next to it shows the last value.

    Args:
        draw: Returns the figure of one value; all have the same traces.
        values: What the slider can be set to, in order.
        name: What it is called.

    >>> from plotly.graph_objects import Figure, Scatter
    >>> figure = dial(lambda share: Figure(Scatter(x=[0, share], y=[0, 1])), [0.0, 0.5, 1.0])
    >>> [step.args[0]["x"][0][1] for step in figure.layout.sliders[0].steps]
    [0.0, 0.5, 1.0]
    """
    steps = []
    for value in values:
        figure = draw(value)
        moved: dict[str, Any] = {axis: [list(one[axis]) for one in figure.data] for axis in ("x", "y")}
        steps.append({"label": f"{value:g}", "method": "restyle", "args": [moved]})
    shown = {"steps": steps, "active": len(steps) - 1, "currentvalue": {"prefix": f"{name}: "}}
    return figure.update_layout(sliders=[shown | {"pad": {"t": 50, "b": 30}}])


def _say(text: str) -> None:
    print(text)  # noqa: T201 - what a cell prints is what it is for


def _rounded(value: object) -> object:
    whole = isinstance(value, str | Integral)  # a count is shown in full
    return value if whole else float(f"{float(value):.3g}")  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def _course() -> dict[str, Any]:
    return tomllib.loads((storage.notebooks_folder() / "course" / "course.toml").read_text(encoding="utf-8"))


def _of_course(part: str, name: str) -> Any:
    known = _course()[part]
    if name not in known:
        raise InputError(f"unknown {part} {name!r}", f"choose from {', '.join(known)}")
    return known[name]


def check(exercise: str, function: Callable[..., Any]) -> str:
    """Say whether a learner's function solves an exercise of the course, and if not, which mistake it makes.

    Args:
        exercise: Its name in notebooks/course/course.toml, which has the cases.
        function: What the learner wrote; it returns one number.

    Raises:
        InputError: The exercise is unknown; the message lists those that are known.

    >>> check("cosine", lambda a, b: sum(x * y for x, y in zip(a, b)))
    '<lambda>(a=[3.0, 4.0], b=[4.0, 3.0]) returns 24, but must return 0.96: divide by both lengths, 5 and 5.'
    """
    cases = _of_course("exercise", exercise)
    complaints = (_complaint(function, **case) for case in cases)
    return next(filter(None, complaints), f"Right, on all {len(cases)} cases.")


def quiz(lesson: str, answers: Sequence[str] = ()) -> str:
    """Return a lesson's questions with their options, and for each one that was answered whether it is right.

    Args:
        lesson: C0 to C10.
        answers: One letter per question, in their order; "" where there is no answer yet.

    Raises:
        InputError: The lesson is unknown, there are more answers than questions, or one is no letter of its
            question.
    """
    questions = _of_course("quiz", lesson)
    if len(answers) > len(questions):
        problem = f"{len(answers)} answers to {len(questions)} questions"
        raise InputError(problem, "give one letter per question")
    lines, right = [], 0
    padded = [*(str(one).strip().casefold() for one in answers), *[""] * len(questions)]
    for number, (question, answer) in enumerate(zip(questions, padded, strict=False), start=1):
        options = dict(zip("abcd", question["options"], strict=False))
        lines.append(f"{number}. {question['ask']}")
        lines += [f"   {letter}) {text}" for letter, text in options.items()]
        if answer and answer not in options:
            raise InputError(f"answer {number} is {answer!r}", f"choose from {', '.join(options)}")
        if answer:
            correct = answer == question["answer"]
            right += correct
            lines.append(f"   {answer}: {'right' if correct else 'no'}. {question['why']}")
    given = sum(map(bool, padded))
    return "\n".join([*lines, f"{right} of {given} right." if given else "Put your letters into the list."])


def _metric(value: Any) -> Any:
    if hasattr(value, "as_dict"):
        return value.as_dict()
    if hasattr(value, "item"):
        value = value.item()
    return dict(value) if isinstance(value, Mapping) else {"value": value}


def _complaint(
    function: Callable[..., Any],
    arguments: Mapping[str, Any],
    expected: float,
    lesson: str,
    traps: Sequence[tuple[float, str]] = (),
) -> str:
    """Return what is wrong about one call: a trap is a wrong answer that a known mistake leads to."""
    call = f"{getattr(function, '__name__', 'your function')}({_shown(arguments)})"
    try:
        answer = function(*arguments.values())
    except Exception as error:
        return f"{call} stops with {type(error).__name__}: {error}.{_hint(error)}"
    if answer is None:
        return "Not solved yet: your function returns None. Write its body, and let it return a number."
    try:
        value = float(answer)
    except (TypeError, ValueError):
        return f"{call} returns {answer!r}: one number is wanted."
    if math.isclose(value, expected, rel_tol=1e-6, abs_tol=1e-9):
        return ""
    why = next((text for wrong, text in traps if math.isclose(value, wrong)), lesson)
    return f"{call} returns {value:.4g}, but must return {_fraction(expected)}: {why}."


def _hint(error: Exception) -> str:
    if isinstance(error, TypeError) and "argument" not in str(error):
        return " Cosines and targets are plain lists: loop over them, or use np.asarray."
    return ""


def _shown(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items())


def _fraction(value: float) -> str:
    exact = Fraction(value).limit_denominator(10)
    return f"{value:.4g}" if float(exact) != value or exact.denominator == 1 else f"{exact} = {value:.4g}"
