"""`lexclip notebooks`: list, copy and run, on notebooks made here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbclient
import pytest

from lexclip_core import storage
from lexclip_core.cli.__main__ import main
from tools.notebook_runner.catalogue import read_catalogue
from tools.notebook_runner.running import course_folders


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command line in this process, and return its status, what it printed, and its errors."""

    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["notebooks", *map(str, arguments)])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run


Call = Callable[..., tuple[int, str, str]]


def test_list_gives_the_reading_order(call: Call):
    entries = read_catalogue()
    listed = json.loads(call("list", "--json")[1])
    assert [one["file"] for one in listed] == [entry.file for entry in entries]
    assert set(listed[0]) == {"file", "question", "claims", "minutes"}
    text = call("list")[1]
    assert all(entry.question in text for entry in entries)


def test_run_gives_profile_choice_and_settings_to_the_notebooks(call: Call, folder: Path, started: list[str]):
    given = ("run", "--profile", "smoke", "--only", "00", "--folder", folder, "--set", "words=[]", "--set")
    [outcome] = json.loads(call(*given, "epochs=4", "--json")[1])
    assert started == ['00_good.ipynb {"epochs": 4, "words": []}']
    executed = folder / "executed" / "smoke" / "00_good.ipynb"
    assert {"file": "00_good.ipynb", "executed": str(executed), "cached": False, "metrics": {}} == {
        name: outcome[name] for name in ("file", "executed", "cached", "metrics")
    }
    table = call(*given, "epochs=4")[1]
    assert str(executed) in table
    assert "yes" in table, "it is unchanged"
    assert len(started) == 1
    output = folder / "elsewhere"
    call(*given, "epochs=4", "--again", "--jobs", 1, "--output", output)
    assert len(started) == 2
    assert (output / "index.html").exists()


def test_run_shows_what_ran_and_then_what_failed(call: Call, folder: Path, monkeypatch: pytest.MonkeyPatch):
    def run(source: Path, target: Path, **options: object) -> None:
        if source.name == "01_failing.ipynb":
            raise nbclient.exceptions.DeadKernelError("gone")
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr("papermill.execute_notebook", run)
    status, out, err = call("run", "--profile", "smoke", "--folder", folder)
    assert status == 1
    assert "00_good.ipynb" in out
    assert "1 of 3 notebooks failed:" in err
    assert "01_failing.ipynb: the kernel died" in err


def test_a_setting_without_a_value_is_refused_and_what_is_not_toml_is_a_text(call: Call, folder: Path):
    status, _, err = call("run", "--set", "steps")
    assert status == 2
    assert "--set 'steps' is not NAME=VALUE" in err
    status, _, err = call("run", "--folder", folder, "--set", "epochs=a/b")
    assert status == 2
    assert "epochs is 'a/b' (str), not int" in err


def test_the_course_runs_with_its_answers_by_option_or_by_name(
    call: Call, tmp_path: Path, started: list[str]
):
    folder, output = course_folders()
    assert [one.stem.split("_")[0] for one in read_catalogue(folder)] == [
        f"C{number}" for number in range(11)
    ]
    assert output == storage.build_folder() / "notebooks" / "course"
    given = ("run", "--output", tmp_path / "out", "--only", "C2_wordnet")
    assert call(*given)[0] == 0
    assert "what a taxonomy knows" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "yes" in call(*given, "--course")[1], "it is unchanged"
    assert started == ["C2_wordnet.ipynb {}"]
    assert course_folders(tmp_path) == (tmp_path / "course" / "solutions", None)


@pytest.mark.parametrize(
    "arguments", [["--profile", "blurf"], ["--profile", "smoke", "--only", "blurf"], ["--set", "blurf=1"]]
)
def test_run_refuses_what_it_does_not_know(call: Call, arguments: list[str]):
    status, _, err = call("run", *arguments)
    assert status == 2
    assert "blurf" in err
    assert "Remedy: " in err


def test_copies_can_be_listed_and_run_from_anywhere(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, started: list[str]
):
    status, out, _ = call("copy", tmp_path / "mine")
    assert status == 0
    assert f"jupyter lab {tmp_path / 'mine'}" in out
    monkeypatch.chdir("/")
    assert len(json.loads(call("list", "--folder", tmp_path / "mine", "--json")[1])) == len(read_catalogue())
    status, _, err = call("run", "--profile", "smoke", "--only", "00", "--folder", tmp_path / "mine")
    assert (status, [text.split()[0] for text in started]) == (0, ["00_tour.ipynb"]), err
    (tmp_path / "mine" / "README.md").write_text("mine", encoding="utf-8")
    status, _, err = call("copy", tmp_path / "mine")
    assert status == 2
    assert "README.md exists and differs" in err
