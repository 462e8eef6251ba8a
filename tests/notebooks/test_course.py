"""The course: each lesson runs as a student finds it and as solved, and its checks say what is wrong."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from case_tables import each
from jupyter_client.manager import start_new_kernel

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.notebooks import check, expect, quiz, reveal

FOLDER = storage.notebooks_folder() / "course"
ASKED = tomllib.loads((FOLDER / "course.toml").read_text(encoding="utf-8"))
LESSONS = [f"C{number}" for number in range(11)]
SECONDS = 120  # most that a cell may take on a busy machine
MOST_CODE_CELLS, LONGEST_LINE, MOST_TERMS = 12, 100, 40
MOST_SECONDS_TO_SURPRISE = 60  # of computing, from the kernel's start to C0's figure

each_lesson = pytest.mark.parametrize("name", LESSONS)


def of(name: str, folder: Path = FOLDER) -> nbformat.NotebookNode:
    [path] = folder.glob(f"{name}_*.ipynb")
    return nbformat.read(path, as_version=4)


def code_of(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def is_answer(cell: nbformat.NotebookNode) -> bool:
    return "answer" in cell.metadata.get("tags", [])


class Kernel:
    """One kernel for all lessons, emptied between them: a start costs more than most lessons."""

    def __init__(self, folder: Path) -> None:
        self.manager, self.client = start_new_kernel(kernel_name="python3", cwd=str(folder))

    def run(self, source: str) -> str:
        """Return all that a cell shows as text; its traceback is a failure."""
        shown: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            assert kind != "error", "\n".join(content["traceback"])
            if kind == "stream":
                shown.append(content["text"])
            elif kind in ("execute_result", "display_data"):
                data = content["data"]
                shown.append("<figure>" if "application/vnd.plotly.v1+json" in data else data["text/plain"])

        self.client.execute_interactive(source, output_hook=hear, timeout=SECONDS)
        return "\n".join(shown)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    started = Kernel(tmp_path_factory.mktemp("elsewhere"))
    yield started
    started.client.stop_channels()
    started.manager.shutdown_kernel(now=True)


def all_shown(kernel: Kernel, notebook: nbformat.NotebookNode) -> str:
    kernel.run("%reset -f")
    return "\n".join(kernel.run(cell.source) for cell in code_of(notebook))


def test_the_first_inverted_pair_is_there_within_a_minute_of_opening_the_first_lesson(kernel: Kernel):
    for cell in code_of(of("C0", FOLDER / "solutions")):
        shown = kernel.run(cell.source)
        if "<figure>" in shown:
            break
    assert "as expected: the opposite is nearer" in shown
    seconds = kernel.run("import time; print(time.process_time())")  # whatever else runs here
    assert float(seconds) < MOST_SECONDS_TO_SURPRISE


@each_lesson
def test_a_lesson_hides_its_answers_until_a_guess_is_made(name: str, kernel: Kernel):
    notebook = of(name)
    shown = all_shown(kernel, notebook)
    guesses = sum(cell.source.rstrip().endswith("= None") for cell in code_of(notebook) if is_answer(cell))
    assert guesses
    assert shown.count("Hidden until you have guessed") == guesses
    assert "Measured:" not in shown
    assert shown.count("Not solved yet") == 2
    assert "not as expected" not in shown


@each_lesson
def test_its_solution_solves_everything_and_shows_what_is_expected(name: str, kernel: Kernel):
    shown = all_shown(kernel, of(name, FOLDER / "solutions"))
    assert len(re.findall(r"Right, on all \d cases", shown)) == 2
    assert "5 of 5 right" in shown
    assert "Hidden" not in shown
    assert "Measured:" in shown
    assert "<figure>" in shown
    assert "as expected" in shown
    assert "not as expected" not in shown


@each_lesson
def test_a_solution_differs_from_its_lesson_in_the_answers_alone(name: str):
    lesson, solution = of(name), of(name, FOLDER / "solutions")
    for number, (one, other) in enumerate(zip(lesson.cells, solution.cells, strict=True)):
        assert one.metadata == other.metadata
        if is_answer(one):
            assert one.source != other.source
        elif number not in (0, len(lesson.cells) - 1):  # their links point elsewhere
            assert one.source == other.source, f"cell {number}: mend both"


@pytest.mark.parametrize("folder", [FOLDER, FOLDER / "solutions"], ids=["lesson", "solution"])
@each_lesson
def test_a_lesson_has_its_parts(name: str, folder: Path):
    notebook = of(name, folder)
    code, first, last = code_of(notebook), notebook.cells[0].source, notebook.cells[-1].source
    assert not any(cell.outputs or cell.execution_count for cell in code)
    assert len(code) <= MOST_CODE_CELLS
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1
    assert all(part in first for part in ("**Minutes.**", "**Goals.**", "http://localhost:8501/"))
    assert last.startswith("## What you learned")
    text = "\n".join(cell.source for cell in notebook.cells)
    assert max(map(len, text.splitlines())) <= LONGEST_LINE
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (folder / target).exists(), target
    assert f'quiz("{name}"' in text
    assert len(ASKED["quiz"][name]) == 5


@pytest.mark.parametrize("name", ASKED["quiz"])
def test_each_question_of_a_quiz_can_be_answered_and_says_why(name: str):
    questions = ASKED["quiz"][name]
    right = [one["answer"] for one in questions]
    assert "5 of 5 right." in quiz(name, right)
    wrong = ["b" if letter == "a" else "a" for letter in right]
    checked = quiz(name, wrong)
    assert "0 of 5 right." in checked
    assert all(one["why"] in checked for one in questions)
    unanswered = quiz(name)
    assert not any(one["why"] in unanswered for one in questions)


@pytest.mark.parametrize("name", ASKED["exercise"])
def test_each_mistake_is_explained(name: str):
    cases = ASKED["exercise"][name]

    def answering(number: int, wrong: object) -> Callable[..., object]:
        values = iter([*(case["expected"] for case in cases[:number]), wrong])
        return lambda *_arguments: next(values)

    for number, case in enumerate(cases):
        for value, mistake in case.get("traps", []):
            assert mistake in check(name, answering(number, value))
        assert case["lesson"] in check(name, answering(number, 987.0))
    assert check(name, lambda *_arguments: None).startswith("Not solved yet")


def test_an_expectation_says_what_it_was_decided_by(capsys: pytest.CaptureFixture[str]):
    expect("it falls", condition=False, before=1 / 3, after=1234)
    assert capsys.readouterr().out == "not as expected: it falls (before 0.333, after 1234)\n"


@each(
    ("guess", "answer", "said"),
    [
        (None, 0.5, "Hidden until"),
        (0.25, 0.5, "Measured: 0.5, which is 0.25 more."),
        (0.75, 0.5, "which is 0.25 less."),
        (0.5, 0.5, "just that."),
        ("Dry ", "dry", "You are right."),
        ("damp", "dry", "It is another. Measured: dry."),
    ],
)
def test_an_answer_is_shown_once_a_guess_is_made(
    guess: object, answer: object, said: str, capsys: pytest.CaptureFixture[str]
):
    assert reveal(guess, answer) is (guess is not None)
    assert said in capsys.readouterr().out


@each(
    ("call", "complaint"),
    [
        (lambda: reveal("half", 0.5), r"the guess is 'half'\n.*a number"),
        (lambda: reveal(1, "dry"), r"the guess is 1\n.*a text"),
        (lambda: quiz("C99"), r"unknown quiz 'C99'\n.*C0"),
        (lambda: quiz("C0", ["e"]), r"answer 1 is 'e'\n.*a, b, c"),
        (lambda: quiz("C0", ["a"] * 6), "6 answers to 5 questions"),
        (lambda: check("cosines", len), r"unknown exercise 'cosines'\n.*cosine"),
    ],
)
def test_what_cannot_be_meant_is_refused(call: Callable[[], object], complaint: str):
    with pytest.raises(InputError, match=complaint):
        call()


def test_the_glossary_is_short_sorted_and_linked():
    terms = re.findall(r"^\*\*(.+?)\*\*", (FOLDER / "GLOSSARY.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert 20 <= len(terms) <= MOST_TERMS
    assert terms == sorted(terms, key=str.casefold)
