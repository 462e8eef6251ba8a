"""Inside a kernel: wrong parameters are refused where they are given, and figures have a static picture."""

from __future__ import annotations

import ast
import base64
import io
from pathlib import Path

import nbformat
import papermill
import plotly.graph_objects as go
import pytest
from case_tables import each
from handmade import write_notebook
from nbconvert.exporters import HTMLExporter, MarkdownExporter
from papermill.exceptions import PapermillExecutionError
from PIL import Image

from lexclip_core.errors import InputError
from lexclip_core.notebooks import dial
from tools.notebook_runner.parameters import ParameterCheck

START = "from lexclip_core.notebooks import use_in_notebook\nuse_in_notebook()"
DECLARED = 'steps: int = 3  # updates\nlr: float = 5e-5  # rate\nwords: list[str] = ["hot"]  # words'
FIGURE = """
import pandas as pd
from lexclip_core.figures.curves import curve_figure
curve_figure(pd.DataFrame({"step": [1, 2], "loss": [1.0, 0.5]}), "step", "loss", title="It falls")
"""


def run_cells(*cells: str) -> dict[str, object]:
    """Run cells one after the other as a kernel with the check would, and return the variables."""
    variables: dict[str, object] = {}
    running = [""]
    check = ParameterCheck(lambda: running[0])
    for running[0] in cells:
        tree = check.visit(ast.parse(running[0]))
        exec(compile(tree, "cell", "exec"), variables)
    return variables


@each(
    ("given", "complaint"),
    [
        ("step = 2", r"no parameter 'step'\n.*did you mean 'steps'\? it has: steps, lr, words"),
        ('steps = "2"', r"steps is '2' \(str\), not int\n.*the default, 3"),
        ("steps = -2", "steps is -2, below 0"),
        ("lr = -1e-4", "lr is -0.0001, below 0"),
        ('words = ["hot", 3]', r"not list\[str\]"),
    ],
)
def test_a_wrong_parameter_is_refused_in_the_cell_that_gives_it(given: str, complaint: str):
    with pytest.raises(InputError, match=complaint):
        run_cells(DECLARED, f"# Parameters\n{given}")


def test_a_parameters_cell_that_was_edited_wrongly_is_refused_itself():
    with pytest.raises(InputError, match=r"steps is '3' \(str\), not int\n.*a value of that type"):
        run_cells(DECLARED.replace("= 3", "= '3'"))


def test_right_parameters_and_all_other_cells_run_as_they_are():
    made = run_cells("x = 1", DECLARED, "# Parameters\nsteps = 5\nlr = 0", "step = -1\nother: int = -1")
    assert {name: made[name] for name in ("x", "steps", "lr", "words", "step", "other")} == {
        "x": 1, "steps": 5, "lr": 0, "words": ["hot"], "step": -1, "other": -1,
    }  # fmt: skip


def test_plain_papermill_shows_figures_with_a_picture_and_refuses_a_wrong_parameter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, out = write_notebook(tmp_path, "a.ipynb", parameters=DECLARED), tmp_path / "out.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[:0] = map(nbformat.v4.new_code_cell, (START, FIGURE))
    nbformat.write(notebook, path)
    monkeypatch.chdir("/")
    given = {"kernel_name": "python3", "language": "python", "progress_bar": False}
    with pytest.raises(PapermillExecutionError, match=r"no parameter 'step'") as caught:
        papermill.execute_notebook(path, out, {"step": 5}, **given)
    assert (caught.value.ename, caught.value.exec_count) == ("InputError", 4)
    executed = nbformat.read(out, as_version=4)
    [output] = next(cell.outputs for cell in executed.cells if cell.source == FIGURE)
    assert output.data["application/vnd.plotly.v1+json"]["data"]
    png = output.data["image/png"]
    picture = Image.open(io.BytesIO(base64.b64decode(png)))
    assert picture.size == (900, 460)
    assert (0, 0x72, 0xB2) in {color[:3] for _, color in picture.getcolors(maxcolors=100_000)}, "its line"
    page, _ = HTMLExporter().from_notebook_node(executed)
    assert png[:100] in page
    _, resources = MarkdownExporter().from_notebook_node(executed)
    assert [name[-3:] for name in resources["outputs"]] == ["png"]


def test_a_dial_moves_the_points_to_where_each_value_has_them():
    figure = dial(lambda share: go.Figure(go.Scatter(x=[0, share], y=[share, 1])), [0, 0.5, 1], name="share")
    [slider] = figure.layout.sliders
    assert [step.label for step in slider.steps] == ["0", "0.5", "1"]
    moved = [step.args[0] for step in slider.steps]
    assert [(one["x"], one["y"]) for one in moved] == [([[0, at]], [[at, 1]]) for at in (0, 0.5, 1)]
    assert figure.data[0].x == (0, 1), "what is shown first, and in the static picture, is the last value"
