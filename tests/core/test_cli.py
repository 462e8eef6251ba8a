"""The command line: quick help with working examples, JSON for scripts, errors without tracebacks."""

from __future__ import annotations

import io
import json
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import typer

from lexclip_core import storage
from lexclip_core.cli import application, machine
from lexclip_core.cli.__main__ import main
from lexclip_core.errors import InputError, LexclipError, MissingResourceError
from lexclip_core.experiments import run_folder
from lexclip_core.training.settings import DEFAULT_TOWER

TINY = "tiny-random"
CAPTIONS = str(storage.project_root() / "requirements.txt")  # any file of lines


class Done(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Call = Callable[..., Done]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command line in this process."""

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    return run


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command with the words that lead to it."""
    group = group or typer.main.get_command(application.application)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands())


def test_help_shows_an_example_of_the_same_command_that_parses(call: Call):
    assert len(COMMANDS) >= 20
    for path, command in COMMANDS.items():
        done = call(*path, "--help")
        assert done.status == 0, path
        _, lead, example = command.epilog.rpartition("Example: lexclip ")
        assert lead, path
        assert " ".join(example.split()) in " ".join(done.out.split())
        given = shlex.split(example)
        assert tuple(given[: len(path)]) == path
        command.make_context("lexclip", given[len(path) :])


def test_every_command_and_option_is_explained():
    silent = [
        (*path, parameter.name)
        for path, command in COMMANDS.items()
        for parameter in command.params
        if parameter.name != "help" and not parameter.help
    ]
    assert silent == []
    assert [path for path, command in COMMANDS.items() if not command.help] == []


def test_help_imports_nothing_heavy():
    heavy = "torch open_clip transformers streamlit plotly pandas nltk numba umap sklearn scipy papermill"
    code = (
        "import sys, typer; from lexclip_core.cli import __main__, application;"
        "typer.main.get_command(application.application);"
        f"print(sorted(set(sys.modules) & set('{heavy}'.split())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("error", "status"),
    [(InputError("'blurf' is no word", "name another"), 2), (LexclipError("it is broken"), 1)],
)
def test_an_expected_error_prints_problem_and_remedy_without_a_traceback(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: LexclipError, status: int
):
    def fail(folder: Path) -> None:
        raise error

    monkeypatch.setattr(run_folder, "list_runs", fail)
    done = call("runs", "list")
    assert done.status == status
    assert done.out == ""
    remedy = f"\n  Remedy: {error.remedy}" if error.remedy else ""
    assert done.err == f"lexclip: {error.problem}{remedy}\n"


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch):
    def fail(folder: Path) -> None:
        raise InputError("bad")

    monkeypatch.setattr(run_folder, "list_runs", fail)
    with pytest.raises(InputError):
        main(["--debug", "runs", "list"])


def test_an_error_of_the_operating_system_is_told_plainly(call: Call, monkeypatch: pytest.MonkeyPatch):
    def fail(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", "/secret")

    monkeypatch.setattr(run_folder, "list_runs", fail)
    done = call("runs", "list")
    assert (done.status, done.err) == (1, "lexclip: /secret: Permission denied\n")


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch):
    def fail(folder: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(run_folder, "list_runs", fail)
    with pytest.raises(ZeroDivisionError):
        main(["runs", "list"])


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_no_letter_of_a_text_ends_a_command(monkeypatch: pytest.MonkeyPatch, encoding: str):
    said, complained = io.BytesIO(), io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(said, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(complained, encoding=encoding))
    shown = typer.Typer()

    @shown.command()
    def fail(*, as_json: bool = False) -> None:
        if as_json:
            application.emit({"word": "≥ 😀"})
        else:
            application.table(("word",), [("≥ 😀 \ud83d",)])
            raise InputError("no such word: ≥ 😀 \ud83d")

    with pytest.raises(SystemExit):
        application.run(shown, "shown", [])
    with pytest.raises(SystemExit):
        application.run(shown, "shown", ["--as-json"])
    sys.stdout.flush()
    sys.stderr.flush()
    table, _, value = said.getvalue().decode(encoding).partition("{")
    assert table.split() == ["word", r"\u2265", r"\U0001f600", r"\ud83d"]
    assert json.loads("{" + value) == {"word": "≥ 😀"}
    assert r"no such word: \u2265 \U0001f600 \ud83d" in complained.getvalue().decode(encoding)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("embed", "\u200b"), "nothing to see: zero-width characters alone"),
        (("embed", "dog\udcff"), "half of a character"),
        (("embed", "dog", "--tower", "hf-hub:"), "is not the address of a model on the hub"),
        (("embed", "dog", "--tower", "ViT-B/32"), "'ViT-B-32-quickgelu/openai'"),
        (("paraphrase", "x.txt", "--seed", "-1"), "greater than or equal to 0"),
        (("paraphrase", "x.txt", "--seed", "4294967296"), "less than or equal to 4294967295"),
        (("paraclip", "tune", "--seed", "-1"), "greater than or equal to 0"),
        (("paraphrase", CAPTIONS, "--provider", "chat", "--base-url", "http://[bad"), "is not an address"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(call: Call, arguments: tuple[str, ...], message: str):
    done = call(*arguments)
    assert done.status == 2
    assert message in done.err


def test_an_unknown_command_is_refused(call: Call):
    done = call("blurf")
    assert done.status == 2
    assert "blurf" in done.err


# doctor and wordnet


@pytest.mark.parametrize(("status", "needed"), [(0, False), (1, True)])
def test_doctor_ends_with_the_verdict_as_its_status(
    call: Call, monkeypatch: pytest.MonkeyPatch, status: int, needed: bool
):
    from lexclip_core import doctor

    report = doctor.Report((doctor.Finding("thing", "absent", "not here", "get it", needed=needed),))
    monkeypatch.setattr(doctor, "examine", lambda: report)
    assert call("doctor", "--json") == Done(status, json.dumps(report.as_dict(), indent=2) + "\n", "")
    done = call("doctor")
    assert done.status == status
    assert "fix: get it" in done.out


def test_wordnet_tells_where_it_is(call: Call):
    found = call("wordnet", "--json").json
    assert found["synsets"] == 117_659
    assert (Path(found["folder"]) / "data.noun").is_file()
    assert found["folder"] in call("wordnet").out


# app


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind((machine.ADDRESS, 0))
        server.listen()
        yield server.getsockname()[1]


def test_the_next_free_port_is_found(taken_port: int):
    assert machine.next_free_port(taken_port) > taken_port


def test_no_free_port_is_told(taken_port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "LAST_PORT", taken_port)
    with pytest.raises(MissingResourceError, match=f"no port from {taken_port}"):
        machine.next_free_port(taken_port)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Collect what would have replaced this process."""
    programs: list[list[str]] = []
    monkeypatch.setattr(machine.os, "execv", lambda _path, arguments: programs.append(arguments))
    monkeypatch.setattr(machine.os, "chdir", lambda _path: None)
    monkeypatch.setattr(machine.os, "environ", dict(os.environ))
    return programs


def test_app_says_the_address_and_starts_streamlit_there(
    call: Call, started: list[list[str]], taken_port: int
):
    done = call("app", "--port", str(taken_port))
    [arguments] = started
    assert arguments[1:4] == ["-m", "streamlit", "run"]
    assert Path(arguments[4]) == storage.project_root() / "app" / "streamlit_app.py"
    assert arguments[5] == "--server.port"
    port = int(arguments[6])
    assert port > taken_port
    assert f"Port {taken_port} is taken: using {port}." in done.out
    assert done.out.count("http") == 1
    assert f"http://localhost:{port}" in done.out
    options = dict(zip(arguments[5::2], arguments[6::2], strict=True))
    assert options["--logger.hideWelcomeMessage"] == "true"  # else the address is printed twice


@pytest.mark.parametrize(("display", "headless"), [(":0", "false"), ("", "true")])
def test_app_opens_the_browser_where_one_can_open(
    call: Call, started: list[list[str]], monkeypatch: pytest.MonkeyPatch, display: str, headless: str
):
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setitem(machine.os.environ, "DISPLAY", display)
    monkeypatch.delitem(machine.os.environ, "WAYLAND_DISPLAY", raising=False)
    call("app")
    assert started[0][started[0].index("--server.headless") + 1] == headless


def test_app_shows_another_folder_of_runs(call: Call, started: list[list[str]], tmp_path: Path):
    call("app", "--runs", str(tmp_path))
    assert machine.os.environ["LEXCLIP_RUNS"] == str(tmp_path)
    assert started


def test_app_without_the_explorer_says_so(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(storage, "project_root", lambda: tmp_path)
    done = call("app")
    assert done.status == 1
    assert "streamlit_app.py is not there" in done.err
    assert "clone of its repository" in done.err


# models and embed


def test_models_lists_every_tower_with_the_default_first(call: Call):
    from lexclip_core.towers.registry import REGISTRY

    listed = call("models", "--json").json
    assert [one["name"] for one in listed] == list(REGISTRY)
    assert next(iter(REGISTRY)) == DEFAULT_TOWER
    assert listed[0]["sha256"] == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert all(name in call("models").out for name in REGISTRY)


def test_embed_prints_cosines_and_what_it_dropped(call: Call):
    done = call("embed", "--tower", TINY, "happy", "sad", "Happy")
    assert done.status == 0
    header, first, second = (line.split() for line in done.out.splitlines())
    assert header == ["cosine", "happy", "sad"]
    assert first[:2] == ["happy", "1.000"]
    assert second[0] == "sad"
    assert second[2] == "1.000"
    assert first[2] == second[1]
    assert "dropped 'Happy'" in done.err


def test_embed_writes_and_prints_the_same_unit_rows(call: Call, tmp_path: Path):
    file, out = tmp_path / "words.txt", tmp_path / "rows.npz"
    file.write_text("happy\nsad\n")
    done = call("embed", "--tower", TINY, "--file", str(file), "--out", str(out), "--json")
    stored = np.load(out)
    assert stored["words"].tolist() == done.json["words"] == ["happy", "sad"]
    assert stored["embeddings"].dtype == np.float32
    np.testing.assert_array_equal(stored["embeddings"], np.array(done.json["embeddings"], dtype=np.float32))
    np.testing.assert_allclose(np.linalg.norm(stored["embeddings"], axis=1), 1, atol=1e-6)
    assert str(out) in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "name words, or a --file of words"),
        (["dog", "--file", "words.txt"], "and not both"),
        (["dog", "--out", "rows.csv"], "ends in .npz"),
        (["dog", "--tower", "blurf"], "unknown tower 'blurf'"),
        (["--file", "/no/such/file"], "/no/such/file"),
        (["   "], "empty"),
        (["--tower", TINY, "dog", "--tuned", "/no/such.safetensors"], "/no/such.safetensors"),
    ],
)
def test_embed_refuses_what_it_cannot_use(call: Call, arguments: list[str], message: str):
    done = call("embed", *arguments)
    assert done.status in (1, 2)
    assert message in done.err
    assert "Remedy: " in done.err
    assert done.out == ""


def test_embed_of_tuned_weights_differs_from_the_base(call: Call, tmp_path: Path):
    import torch

    from lexclip_core.towers.loading import load
    from lexclip_core.towers.trainable import set_trainable
    from lexclip_core.towers.weights import save_tuned

    tower = load(TINY)
    set_trainable(tower, "all")
    with torch.no_grad():
        for parameter in tower.trainable_parameters().values():
            parameter += 0.01
    save_tuned(tower, tmp_path / "tuned.safetensors")
    given = ("embed", "--tower", TINY, "happy", "--json")
    base = call(*given).json["embeddings"]
    tuned = call(*given, "--tuned", str(tmp_path / "tuned.safetensors")).json["embeddings"]
    np.testing.assert_allclose(tuned, tower.encode_texts(["happy"]), atol=1e-6)
    assert np.abs(np.array(base) - np.array(tuned)).max() > 1e-3


def test_embed_shows_a_corner_of_many_words(call: Call, tmp_path: Path):
    (tmp_path / "words.txt").write_text("\n".join(f"word {number}" for number in range(25)))
    done = call("embed", "--tower", TINY, "--file", str(tmp_path / "words.txt"))
    assert len(done.out.splitlines()) == 1 + application.MOST_SHOWN + 1
    assert "the first 20 of 25" in done.out


# wup


def test_wup_of_synsets_and_wnids(call: Call):
    from lexclip_core.targets.wu_palmer import wu_palmer_matrix

    done = call("wup", "dog.n.01", "n02121620", "--json").json
    assert done["names"] == ["dog.n.01", "n02121620"]
    np.testing.assert_array_equal(done["similarity"], wu_palmer_matrix(["dog.n.01", "cat.n.01"]))
    text = call("wup", "dog.n.01", "cat.n.01").out
    assert text.splitlines()[0].split() == ["wup", "(symmetric)", "dog.n.01", "cat.n.01"]
    assert f"{done['similarity'][0][1]:.3f}" in text


def test_wup_of_words_chooses_senses_as_told(call: Call):
    from lexclip_core.targets.word_level import wu_palmer_of_words

    done = call("wup", "bank", "river", "--pos", "n", "--how", "first_sense", "--json").json
    np.testing.assert_array_equal(
        done["similarity"], wu_palmer_of_words(["bank", "river"], pos="n", how="first_sense")
    )


def test_wup_under_nltk_is_not_reflexive(call: Call):
    [[value]] = call("wup", "dog.n.01", "--policy", "nltk", "--json").json["similarity"]
    assert value == 13 / 14


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["dgo.n.01"], "dgo.n.01"),
        (["happy.a.01", "sad.a.01"], "adjective"),
        (["dog.n.01", "--policy", "blurf"], "blurf"),
        (["dog", "--pos", "q"], "'q'"),
        (["dog", "--pos", "n", "--how", "blurf"], "blurf"),
        (["xyzzy", "--pos", "n"], "xyzzy"),
    ],
)
def test_wup_refuses_what_it_cannot_use(call: Call, arguments: list[str], message: str):
    done = call("wup", *arguments)
    assert done.status == 2
    assert message in done.err
    assert "Remedy: " in done.err


# evaluate


def test_evaluate_inversion_is_the_library_s_own_number(call: Call):
    from lexclip_core.evaluation.lexical import measure_triples, wordnet_triples
    from lexclip_core.towers.loading import load
    from lexclip_core.wordnet.tables import load_wordnet

    done = call("evaluate", "inversion", "--pos", "r", "--sample", "50", "--tower", TINY, "--json").json
    triples = wordnet_triples(load_wordnet(), "r", "same_synset").sample(50, seed=0)
    expected = measure_triples(load(TINY).encode_texts, triples, split="all")
    assert done == {name: one.as_dict() for name, one in expected.items()}
    assert done["all/inversion_rate/same_synset"]["n"] == 50


@pytest.fixture
def made_up_pairs(tmp_path: Path) -> Path:
    """A set in RG-65's layout and size, with words and scores of our own."""
    lines = [f"thing {number};object {65 - number};{number % 5}" for number in range(65)]
    (tmp_path / "RG-65.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_evaluate_word_similarity_reads_a_folder(call: Call, made_up_pairs: Path):
    done = call("evaluate", "word-similarity", str(made_up_pairs), "--tower", TINY)
    header, row = (line.split() for line in done.out.splitlines())
    assert header == ["metric", "value", "low", "high", "n"]
    assert row[0] == "all/rg-65/spearman"
    assert float(row[2]) <= float(row[1]) <= float(row[3])
    assert row[4] == "65"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["word-similarity", "/no/such/folder"], "has no word-similarity set"),
        (["sts", "/no/such/folder", "--tower", TINY], "/no/such/folder"),
        (["sts", "/no/such/folder", "--task", "blurf", "--tower", TINY], "'blurf'"),
        (["inversion", "--pos", "q"], "'q'"),
        (["inversion", "--policy", "blurf"], "'blurf'"),
    ],
)
def test_evaluate_refuses_what_it_cannot_use(call: Call, arguments: list[str], message: str):
    done = call("evaluate", *arguments)
    assert done.status in (1, 2)
    assert message in done.err
    assert "Remedy: " in done.err


# runs


def run_content(run_id: str) -> run_folder.RunContent:
    rows = np.eye(3, 4, dtype=np.float32)
    return run_folder.RunContent(
        run_id=run_id,
        config={"preset": "lexclip", "seed": 0},
        metrics={"heldout/auc": {"value": 0.75, "low": 0.5, "high": 1.0, "n": 40}},
        history=pd.DataFrame([dict.fromkeys(run_folder.HISTORY_COLUMNS, 1.0)]),
        words=("happy", "sad", "glad"),
        before=rows,
        after=rows,
        provenance={"command": "lexclip tune --preset lexclip"},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one good run and one whose embeddings are cut short."""
    for run_id in ("first", "second"):
        run_folder.write_run(tmp_path, run_content(run_id))
    archive = tmp_path / "second" / "embeddings.npz"
    archive.write_bytes(archive.read_bytes()[:-40])
    return tmp_path


def test_runs_list_names_the_good_and_the_damaged(call: Call, folder: Path):
    listed = call("runs", "list", "--folder", str(folder), "--json").json
    assert listed["runs"] == [{"run_id": "first", "preset": "lexclip", "words": 3, "tuned": False}]
    [damaged] = listed["damaged"]
    assert damaged["path"] == str(folder / "second")
    assert "embeddings.npz" in damaged["reason"]
    done = call("runs", "list", "--folder", str(folder))
    assert "first" in done.out
    assert "embeddings.npz" in done.err


def test_runs_list_of_an_empty_or_missing_folder(call: Call, tmp_path: Path):
    assert "No runs in" in call("runs", "list", "--folder", str(tmp_path)).out
    done = call("runs", "list", "--folder", str(tmp_path / "nowhere"))
    assert done.status == 2
    assert "nowhere is not a folder" in done.err


def test_runs_show_gives_settings_metrics_and_origin(call: Call, folder: Path):
    shown = call("runs", "show", "first", "--folder", str(folder), "--json").json
    assert shown["config"] == {"preset": "lexclip", "seed": 0}
    assert shown["metrics"]["heldout/auc"]["value"] == 0.75
    text = call("runs", "show", "first", "--folder", str(folder)).out
    assert "heldout/auc  0.7500  0.5000  1.0000  40\n" in text
    assert "made by: lexclip tune --preset lexclip" in text


def test_runs_show_of_an_unknown_run_names_the_others(call: Call, folder: Path):
    done = call("runs", "show", "third", "--folder", str(folder))
    assert done.status == 2
    assert "choose one of: first, second" in done.err


@pytest.mark.parametrize("run", ["/etc", "", "..", "no_run"])
def test_runs_show_never_takes_for_a_run_what_is_none(call: Call, folder: Path, run: str):
    (folder / "no_run").mkdir()
    done = call("runs", "show", run, "--folder", str(folder))
    assert done.status == 2
    assert "delete" not in done.err
    assert f"no run {run!r}" in done.err or "is not a run: it has no config.json" in done.err


def test_runs_validate_says_nothing_good_of_a_folder_that_is_not_there(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert call("runs", "validate", "--folder", str(tmp_path / "none")).status == 2
    monkeypatch.setenv("LEXCLIP_RUNS", str(tmp_path / "none"))
    done = call("runs", "validate")
    assert (done.status, done.out) == (2, "")
    assert "none is not a folder" in done.err


def test_runs_validate_fails_when_one_is_damaged(call: Call, folder: Path):
    done = call("runs", "validate", "--folder", str(folder), "--json")
    assert done.status == 1
    assert done.json["good"] == ["first"]
    assert list(done.json["damaged"]) == ["second"]
    assert "1 good, 1 damaged" in call("runs", "validate", "--folder", str(folder)).out


# tune


@pytest.fixture
def tuned(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, Path, Path | None]]:
    """Stand in for the hours of tuning: write a small run, and collect what was asked for."""
    from lexclip_core.experiments import pipeline

    asked: list[tuple[Any, Path, Path | None]] = []

    def tune(experiment: Any, out: Path, *, test_sets: Path | None = None) -> Path:
        asked.append((experiment, out, test_sets))
        return run_folder.write_run(out, run_content(experiment.run_id))

    monkeypatch.setattr(pipeline, "tune", tune)
    return asked


def test_tune_hands_the_preset_with_its_changes_to_the_library(call: Call, tuned: list[Any], tmp_path: Path):
    from lexclip_core.training.settings import settings_of

    changes = ("--set", "seed=3", "--set", "lr=1e-2", "--set", "tower=tiny-random")
    done = call("tune", "--preset", "blog-release", *changes, "--out", str(tmp_path), "--test-sets", "sets")
    [(experiment, out, test_sets)] = tuned
    assert experiment == settings_of("blog-release", {"seed": 3, "lr": 0.01, "tower": TINY})
    assert (out, test_sets) == (tmp_path, Path("sets"))
    assert f"run folder: {tmp_path / experiment.run_id}" in done.out
    assert "heldout/auc  0.7500" in done.out


def test_tune_prints_json_and_writes_where_the_explorer_reads(
    call: Call, tuned: list[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("LEXCLIP_RUNS", str(tmp_path))
    done = call("tune", "--json").json
    [(experiment, _, _)] = tuned
    assert experiment.preset == "lexclip"
    assert done["run_id"] == experiment.run_id
    assert Path(done["path"]) == tmp_path / experiment.run_id
    assert done["metrics"]["heldout/auc"]["n"] == 40


def test_the_command_that_a_run_records_makes_the_same_run(call: Call, tuned: list[Any], tmp_path: Path):
    from lexclip_core.experiments.run_folder import command
    from lexclip_core.training.settings import MatrixSettings, settings_of

    for wanted in (
        MatrixSettings(words="happy, sad", lr=0.5, seed=9),
        settings_of("lexclip", {"seed": 1}),
        settings_of("paraclip-emoji", {"steps": 0, "epochs": 2}),
    ):
        call(*shlex.split(command(wanted, Path("sets")))[1:], "--out", str(tmp_path))
        assert tuned.pop() == (wanted, tmp_path, Path("sets"))


def test_settings_are_read_from_a_file_and_changed_after_it(call: Call, tuned: list[Any], tmp_path: Path):
    from lexclip_core.training.settings import settings_of

    file = tmp_path / "mine.toml"
    file.write_text('preset = "blog-release"\nwords = ["hot", "cold"]\nseed = 3\n', encoding="utf-8")
    call("tune", "--config", str(file), "--set", "seed=4", "--out", str(tmp_path))
    assert tuned.pop()[0] == settings_of("blog-release", {"words": "hot, cold", "seed": 4})
    call("paraclip", "tune", "--seed", "5", "--out", str(tmp_path))
    assert tuned.pop()[0] == settings_of("paraclip-emoji", {"seed": 5})


def test_help_explains_every_setting(call: Call):
    from lexclip_core.training.settings import METHODS, describe_settings

    out = " ".join(call("tune", "--help").out.split())
    for method in METHODS:
        for row in describe_settings(method):
            assert f"{row.name}: {row.meaning}" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preset", "blurf"], "unknown preset 'blurf'"),
        (["--set", "lr"], "has no value"),
        (["--set", "blurf=1"], "unknown setting 'blurf'"),
        (["--set", "steps=many"], "steps is 'many'"),
        (["--set", "steps=-1"], "steps is -1"),
        (["--set", "target=lexical"], "method 'relations' does not read the setting 'target'"),
        (["--set", "lenient=0.1"], "the setting 'lenient' has another name now"),
        (["--preset", "custom", "--set", "method=matrix", "--set", "sampling=blurf"], "sampling is 'blurf'"),
        (["--config", "nowhere.toml"], "nowhere.toml is not there"),
    ],
)
def test_tune_refuses_what_it_cannot_use(call: Call, tuned: list[Any], arguments: list[str], message: str):
    done = call("tune", *arguments)
    assert done.status == 2
    assert message in done.err
    assert "Remedy: " in done.err
    assert tuned == []


def test_no_progress_bar_is_drawn_into_a_file(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("LEXCLIP_PROGRESS", raising=False)
    call("runs", "list", "--folder", str(tmp_path))  # standard error is captured here, so it is no terminal
    assert os.environ["LEXCLIP_PROGRESS"] == "0"
