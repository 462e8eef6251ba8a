"""What a notebook asks of the library: record, compare with what was expected, check exercises, quiz."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.experiments.run_folder import check_metrics
from lexclip_core.papers.measurement import Measurement
from lexclip_core.towers.registry import REGISTRY

METRICS_MIME = "application/vnd.lexclip.metrics+json"
MEASURED_MIME = "application/vnd.lexclip.measured+json"


def as_trained(name: str) -> str:
    """Return the name of the same weights under the activation they were trained with; "" if it is the same.

    Both papers ran weights of LAION-400M with another one (D6): a notebook that is given the architecture as
    published measures the right one next to it.

    >>> as_trained("ViT-B-32/laion400m_e31")
    'ViT-B-32-quickgelu/laion400m_e31'
    """
    architecture, _, tag = name.rpartition("/")
    right = f"{architecture}-quickgelu/{tag}"
    return right if name not in REGISTRY and right in REGISTRY else ""


def record(metrics: Mapping[str, Any], measured: Sequence[Measurement] = ()) -> None:
    """Record a notebook's metrics as the output of its last cell, where the runner reads them back.

    Args:
        metrics: "split/name" to a number, a dict with "value" and where known "low", "high", "n" and
            "note", or an object whose `as_dict()` gives one.
        measured: What the ledger puts next to the papers: `ledger.conditions(...).measured(...)` entries.

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
        **numbers: What it was decided by; numbers are rounded to three digits.

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


def _say(text: str) -> None:
    print(text)  # noqa: T201 - what a cell prints is what it is for


def _rounded(value: object) -> object:
    return value if isinstance(value, str | bool) else float(f"{float(value):.3g}")  # type: ignore[arg-type]


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
    return _checked(
        function,
        [
            Case(case["arguments"], case["expected"], case["lesson"], dict(map(tuple, case.get("traps", []))))
            for case in _of_course("exercise", exercise)
        ],
    )


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


_UNSOLVED = "Not solved yet: your function returns None. Write its body, and let it return a number."
_SOLVED = "Right, on all {} cases."


class Case(NamedTuple):
    """One call of the learner's function.

    Attributes:
        arguments: What it is called with, by name.
        expected: What it must return.
        lesson: Why that is the answer.
        traps: A wrong answer that a known mistake leads to -> what the mistake is.
    """

    arguments: Mapping[str, Any]
    expected: float
    lesson: str
    traps: Mapping[float, str]


def check_wu_palmer(function: Callable[..., Any]) -> str:
    """Say whether `function(depth_of_meeting, depth_a, depth_b)` is Wu-Palmer similarity."""
    names = ("depth_of_meeting", "depth_a", "depth_b")
    factor = "the depth of the meeting counts twice, once for each synset: without the 2 even equals get 1/2"
    product = "divide by the sum of the two depths, not by their product"
    return _checked(
        function,
        [
            Case(
                dict(zip(names, (3, 4, 5), strict=True)),
                2 / 3,
                "2 · 3 / (4 + 5)",
                {1 / 3: factor, 3 / 10: product, 6 / 20: product, 3 / 4.5 / 2: factor},
            ),
            Case(
                dict(zip(names, (7, 7, 7), strict=True)),
                1.0,
                "a synset meets itself at its own depth, so it is 1 similar to itself",
                {1 / 2: factor, 2 / 7: product},
            ),
            Case(
                dict(zip(names, (1, 9, 1), strict=True)),
                1 / 5,
                "the root is an ancestor of everything: 2 · 1 / (9 + 1)",
                {0.0: "the root has depth 1, not 0: depths are counted in nodes", 1 / 10: factor},
            ),
        ],
    )


def check_distance_term(function: Callable[..., Any]) -> str:
    """Say whether `function(cosines, targets, c)` is the mean of (c (target - cosine))^2 over the pairs."""
    outside = "c is inside the square: the error is scaled first and squared then, so it acts as c²"
    total = "take the mean over the pairs, not their sum: else the loss grows with the number of pairs"
    absolute = "square the scaled error instead of taking its absolute value"
    return _checked(
        function,
        [
            Case(
                {"cosines": [0.8], "targets": [0.0], "c": 3.0},
                5.76,
                "(3 · (0 - 0.8))²",
                {1.92: outside, 0.64: "the constant c is missing", 2.4: absolute, -2.4: absolute},
            ),
            Case(
                {"cosines": [0.5, 0.5], "targets": [1.0, 0.0], "c": 2.0},
                1.0,
                "both errors are ½, doubled 1, squared 1; their mean is 1",
                {2.0: total, 0.0: "square each error before the mean: else errors of opposite sign cancel"},
            ),
            Case(
                {"cosines": [0.2, 0.9, 0.4], "targets": [0.2, 0.9, 0.4], "c": 3.0},
                0.0,
                "cosines that have reached their targets cost nothing",
                {},
            ),
        ],
    )


def check_inversion_rate(function: Callable[..., Any]) -> str:
    """Say whether `function(cosine_synonym, cosine_antonym)` is the share of inverted triples."""
    turned = "this is the share of triples in the right order: the inverted ones have the antonym nearer"
    ties = "a tie counts as inverted: else an encoder that maps all words to one point looks perfect"
    count = "return the share of the triples, not their number"
    return _checked(
        function,
        [
            Case(
                {"cosine_synonym": [0.79, 0.75, 0.9, 0.6], "cosine_antonym": [0.80, 0.80, 0.1, 0.2]},
                1 / 2,
                "the first two of the four are inverted",
                {2.0: count},
            ),
            Case(
                {"cosine_synonym": [0.9, 0.8, 0.7], "cosine_antonym": [0.1, 0.2, 0.9]},
                1 / 3,
                "only the third is inverted",
                {2 / 3: turned, 1.0: count},
            ),
            Case(
                {"cosine_synonym": [0.5, 0.5], "cosine_antonym": [0.5, 0.1]},
                1 / 2,
                "the first is a tie and counts, the second is in the right order",
                {0.0: ties, 1.0: "count the ties, but not the triples in the right order"},
            ),
        ],
    )


def _checked(function: Callable[..., Any], cases: Sequence[Case]) -> str:
    for case in cases:
        complaint = _complaint(function, case)
        if complaint:
            return complaint
    return _SOLVED.format(len(cases))


def _complaint(function: Callable[..., Any], case: Case) -> str:
    call = f"{getattr(function, '__name__', 'your function')}({_shown(case.arguments)})"
    try:
        answer = function(*case.arguments.values())
    except Exception as error:
        return f"{call} stops with {type(error).__name__}: {error}.{_hint(error)}"
    if answer is None:
        return _UNSOLVED
    try:
        value = float(answer)
    except (TypeError, ValueError):
        return f"{call} returns {answer!r}: one number is wanted."
    if math.isclose(value, case.expected, rel_tol=1e-6, abs_tol=1e-9):
        return ""
    lesson = next((text for wrong, text in case.traps.items() if math.isclose(value, wrong)), case.lesson)
    return f"{call} returns {value:.4g}, but must return {_fraction(case.expected)}: {lesson}."


def _hint(error: Exception) -> str:
    if isinstance(error, TypeError) and "argument" not in str(error):
        return " Cosines and targets are plain lists: loop over them, or use np.asarray."
    return ""


def _shown(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items())


def _fraction(value: float) -> str:
    exact = Fraction(value).limit_denominator(10)
    return f"{value:.4g}" if float(exact) != value or exact.denominator == 1 else f"{exact} = {value:.4g}"
