"""`make setup` finds a Python, survives being killed, does nothing twice, never runs beside itself."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from collections import Counter
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
posix_only = pytest.mark.skipif(os.name != "posix", reason="a POSIX shell script")


class FakeInstaller:
    """Stands in for the commands that set_up runs, and remembers them."""

    def __init__(self, module: ModuleType, root: Path) -> None:
        self.module = module
        self.root = root
        self.commands: list[str] = []
        self.fails = ""
        self.killed_at = ""

    def run(self, *command: str) -> int:
        text = " ".join(command)
        self.commands.append(text)
        if "-m venv" in text:
            self.module.BIN.mkdir(parents=True)
            (self.module.BIN / "python").touch()
        if self.killed_at and self.killed_at in text:
            raise KeyboardInterrupt
        return 1 if self.fails and self.fails in text else 0

    def prepare_wordnet(self) -> str:
        self.commands.append("wordnet")
        (self.root / "wordnet").mkdir(exist_ok=True)
        return str(self.root / "wordnet")

    def ran(self, text: str) -> bool:
        return any(text in command for command in self.commands)


@pytest.fixture
def installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeInstaller:
    specification = importlib.util.spec_from_file_location("set_up", ROOT / "scripts" / "set_up.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    for name in ("requirements.lock", "requirements.txt", "pyproject.toml"):
        (tmp_path / name).write_text(name)
    venv = tmp_path / ".venv"
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", venv)
    monkeypatch.setattr(module, "BIN", venv / "bin")
    monkeypatch.setattr(module, "MARKER", venv / module.MARKER.name)
    monkeypatch.setattr(module, "LOCK_FILE", tmp_path / ".cache" / "set-up.lock")
    fake = FakeInstaller(module, tmp_path)
    monkeypatch.setattr(module, "run", fake.run)
    monkeypatch.setattr(module, "runs", lambda *_command: True)
    monkeypatch.setattr(module, "prepare_wordnet", fake.prepare_wordnet)
    return fake


def test_a_bare_folder_gets_everything_in_order(installer: FakeInstaller, capsys: pytest.CaptureFixture[str]):
    assert installer.module.main() == 0
    venv, requirements, project, wordnet, kernels = installer.commands
    assert "-m venv" in venv
    assert "requirements.lock" in requirements
    assert "--no-deps --editable ." in project
    assert wordnet == "wordnet"
    assert "wu_palmer_matrix([" in kernels
    assert "word_places(rows, rows)" in kernels
    said = capsys.readouterr().out
    assert all(word in said for word in ("making .venv", "requirements.lock", "lexclip itself", "WordNet"))


def test_the_second_call_does_and_says_nothing(installer: FakeInstaller, capsys: pytest.CaptureFixture[str]):
    installer.module.main()
    installer.commands.clear()
    capsys.readouterr()
    assert installer.module.main() == 0
    assert installer.commands == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("file", "again"),
    [("requirements.lock", "--requirement requirements.lock"), ("pyproject.toml", "--editable .")],
)
def test_a_changed_file_repeats_its_own_step(installer: FakeInstaller, file: str, again: str):
    installer.module.main()
    installer.commands.clear()
    (installer.root / file).write_text("changed")
    assert installer.module.main() == 0
    assert len(installer.commands) == 1
    assert installer.ran(again)


def test_kernels_that_cannot_be_compiled_are_left_to_their_first_use(
    installer: FakeInstaller, capsys: pytest.CaptureFixture[str]
):
    installer.fails = "wu_palmer"
    assert installer.module.main() == 0
    assert "the first use of Wu-Palmer and the first map try it again" in capsys.readouterr().out
    installer.commands.clear()
    assert installer.module.main() == 0
    assert installer.commands == []


@pytest.mark.parametrize("file", ["targets/kernel.py", "figures/maps.py"])
def test_changed_kernels_are_compiled_again(installer: FakeInstaller, file: str):
    installer.module.main()
    installer.commands.clear()
    kernel = installer.root / "lexclip_core" / file
    kernel.parent.mkdir(parents=True)
    kernel.write_text("changed")
    assert installer.module.main() == 0
    assert len(installer.commands) == 1
    assert installer.ran("wu_palmer")


def test_wordnet_that_went_away_is_fetched_again(installer: FakeInstaller):
    installer.module.main()
    installer.commands.clear()
    (installer.root / "wordnet").rmdir()
    installer.module.main()
    assert installer.commands == ["wordnet"]


@pytest.mark.parametrize("step", ["-m venv", "requirements.lock"])
def test_killed_in_an_installation_it_starts_the_environment_afresh(
    installer: FakeInstaller, capsys: pytest.CaptureFixture[str], step: str
):
    installer.killed_at = step
    assert installer.module.main() == 130
    half = installer.module.BIN / "half-installed"
    half.touch()
    installer.killed_at = ""
    assert installer.module.main() == 0
    assert not half.exists()
    assert not installer.module.MARKER.exists()
    assert "an earlier set-up did not finish" in capsys.readouterr().out


def test_an_environment_whose_python_is_gone_is_made_anew(
    installer: FakeInstaller, monkeypatch: pytest.MonkeyPatch
):
    installer.module.main()
    left_over = installer.module.VENV / "left-over"
    left_over.touch()
    monkeypatch.setattr(installer.module, "runs", lambda *_command: False)
    assert installer.module.main() == 0
    assert not left_over.exists()


def test_pip_takes_over_where_uv_fails(installer: FakeInstaller):
    installer.fails = "-m uv"
    assert installer.module.main() == 0
    assert installer.ran("-m pip install --quiet --require-hashes --requirement requirements.lock")


def test_even_the_installer_is_installed_by_its_hashes(
    installer: FakeInstaller, monkeypatch: pytest.MonkeyPatch
):
    own = "uv==0.9 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n"
    (installer.root / "requirements.lock").write_text(f"uvicorn==1\n{own}    # via -r x\nuv-build==3\n")
    monkeypatch.setattr(installer.module, "runs", lambda *command: "uv" not in command)
    assert installer.module.main() == 0
    alone = installer.module.VENV / "uv.lock"
    assert alone.read_text() == own
    assert installer.ran(f"-m pip install --quiet --require-hashes --requirement {alone}")
    installs = [command for command in installer.commands if " install " in command]
    assert all("--require-hashes" in one or "--no-build-isolation" in one for one in installs)


def test_a_failing_installer_is_told_and_leaves_no_stamp(
    installer: FakeInstaller, capsys: pytest.CaptureFixture[str]
):
    installer.fails = "requirements.lock"
    assert installer.module.main() == 1
    assert "is the package index in reach" in capsys.readouterr().err
    assert installer.module.read_stamp("requirements") == ("", "")


def test_two_at_once_take_turns(installer: FakeInstaller, monkeypatch: pytest.MonkeyPatch):
    waiting = threading.Event()
    monkeypatch.setattr(
        installer.module, "say", lambda text: waiting.set() if "waiting for it" in text else None
    )
    with installer.module.one_at_a_time():
        second = threading.Thread(target=installer.module.main)
        second.start()
        assert waiting.wait(30)
        assert installer.commands == []
    second.join(30)
    assert installer.ran("requirements.lock")


def folder_of_programs(folder: Path, pythons: dict[str, str]) -> Path:
    """Make a PATH folder with the few tools that setup.sh needs and the given fake Pythons."""
    folder.mkdir()
    for tool in ("sh", "dirname", "cat"):
        (folder / tool).symlink_to(shutil.which(tool))
    for name, script in pythons.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def call_setup(path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [path / "sh", ROOT / "scripts" / "setup.sh"],
        env={"PATH": str(path), **environment},
        capture_output=True,
        text=True,
    )


@posix_only
def test_without_a_new_enough_python_it_says_which_and_how(tmp_path: Path):
    old = "exit 1"
    done = call_setup(folder_of_programs(tmp_path / "bin", {"python3.12": old, "python3": old}))
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
    assert "PYTHON=/path/to/python make setup" in done.stderr


@posix_only
def test_a_launcher_without_its_python_is_passed_over(tmp_path: Path):
    good = 'case "$1" in -c) exit 0;; esac; echo "ran $1"'
    programs = folder_of_programs(tmp_path / "bin", {"python3.13": "exit 127", "python3": good})
    done = call_setup(programs)
    assert done.stdout == "ran scripts/set_up.py\n"


@posix_only
def test_a_python_chosen_by_hand_must_run(tmp_path: Path):
    done = call_setup(folder_of_programs(tmp_path / "bin", {}), PYTHON="/nowhere/python")
    assert done.returncode == 1
    assert "PYTHON=/nowhere/python" in done.stderr


def locked() -> dict[str, str]:
    """Return what requirements.lock pins: normalised name -> version."""
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line.rstrip(" \\")) for line in lines if line and line[0].isalnum()]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def required(file: str) -> list[Requirement]:
    """Return the bounds that a requirements file gives."""
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    bounds = [line.partition("#")[0].strip() for line in lines]
    return [Requirement(bound) for bound in bounds if bound and not bound.startswith("-")]


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_the_lock_satisfies_every_bound(file: str):
    pins = locked()
    wanted = required(file)
    assert wanted
    for requirement in wanted:
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{requirement} against {version}: run make lock"


def test_every_pin_has_the_hashes_of_its_files_and_every_requirement_has_bounds():
    hashes: Counter[str] = Counter()
    name = ""
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        name = line if line[:1].isalnum() else name
        hashes[name] += bool(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line))
    del hashes[""]  # the lines at the top
    assert [name for name, count in hashes.items() if not count] == []
    assert {"uv", "setuptools"} <= locked().keys()  # which set-up itself uses
    for file in ("requirements.txt", "requirements-dev.txt"):
        for requirement in required(file):
            ends = {one.operator for one in requirement.specifier}
            assert "<" in ends or "==" in ends, f"{requirement} has no upper bound"
            assert ends - {"<"}, f"{requirement} has no lower bound"


def test_requirements_name_no_index_and_no_local_version():
    for file in ("requirements.txt", "requirements-dev.txt", "requirements.lock"):
        text = (ROOT / file).read_text(encoding="utf-8")
        assert "--index-url" not in text
        assert "--extra-index-url" not in text
        assert "--find-links" not in text
        assert "://" not in text
        assert not [pin for pin in text.splitlines() if "==" in pin and "+" in pin.partition(";")[0]]


def imported_libraries(folder: str) -> dict[str, str]:
    """Return the top-level modules that a folder's sources import from outside: name -> a file that does."""
    found: dict[str, str] = {}
    own = {"tests", "tools", "bench", "app"}
    own |= {path.stem for path in ROOT.rglob("*.py") if ".venv" not in path.parts}
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            for name in (one.split(".")[0] for one in names):
                if name not in sys.stdlib_module_names and name != "lexclip_core" and name not in own:
                    found.setdefault(name, str(path.relative_to(ROOT)))
    return found


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        ("lexclip_core", "requirements.txt"),
        ("app", "requirements.txt"),
        ("bench", "requirements-dev.txt"),
        ("tests", "requirements-dev.txt"),
    ],
)
def test_every_imported_library_is_required_by_name(folder: str, file: str):
    declared = {canonicalize_name(one.name) for one in required(file)}
    if file == "requirements-dev.txt":
        declared |= {canonicalize_name(one.name) for one in required("requirements.txt")}
    distributions = packages_distributions()
    missing = {
        name: path
        for name, path in imported_libraries(folder).items()
        if not declared & {canonicalize_name(one) for one in distributions.get(name, [name])}
    }
    assert missing == {}
