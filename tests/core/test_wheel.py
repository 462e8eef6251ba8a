"""A wheel built from the repository works outside the clone, from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a wheel of the repository, built without touching its folder."""
    folder = tmp_path_factory.mktemp("wheel")
    options = folder / "options.cfg"
    options.write_text(f"[build]\nbuild_base={folder / 'build'}\n[egg_info]\negg_base={folder}\n")
    build = ["-m", "pip", "wheel", str(ROOT), "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run(
        [sys.executable, *build, "--wheel-dir", str(folder)],
        check=True,
        env=os.environ | {"DIST_EXTRA_CONFIG": str(options)},
    )
    [made] = folder.glob("lexclip-*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the wheel is unpacked in, as an installer would leave it."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(
    installed: Path, folder: Path, *arguments: str, module: str = "lexclip_core.cli"
) -> subprocess.CompletedProcess[str]:
    """Run the `lexclip` command of the wheel in a folder, with its own home and this machine's caches."""
    import matplotlib

    from lexclip_core import storage

    environment = os.environ | {
        "PYTHONPATH": str(installed),
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "share"),
        "LEXCLIP_CACHE": str(storage.cache_folder()),
        "MPLCONFIGDIR": matplotlib.get_cachedir(),
    }
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_the_wheel_carries_the_explorer_the_notebooks_and_their_data(wheel: Path):
    names = zipfile.ZipFile(wheel).namelist()
    app = ("app/streamlit_app.py", "app/.streamlit/config.toml")
    for name in (*app, "notebooks/00_tour.ipynb", "data/claims.toml"):
        assert f"lexclip_core/_bundled/{name}" in names
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]


def test_the_wheel_finds_its_own_folders_and_the_users(installed: Path, tmp_path: Path):
    done = run(installed, tmp_path, "runs", "list", "--json")
    assert done.returncode == 0, done.stderr
    assert "lexclip" in done.stdout
    assert (tmp_path / "share" / "lexclip" / "runs").is_dir()
    assert not list((installed / "lexclip_core" / "_bundled" / "data" / "runs").glob(".*"))


def test_the_doctor_is_content_with_the_wheel(installed: Path, tmp_path: Path):
    done = run(installed, tmp_path, "doctor", "--json")
    assert '"explorer"' in done.stdout, done.stderr
    assert str(installed) in done.stdout


def test_notebooks_are_copied_into_a_folder(installed: Path, tmp_path: Path):
    done = run(installed, tmp_path, "notebooks", "copy", "lessons")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "lessons" / "00_tour.ipynb").is_file()
    assert not list((tmp_path / "lessons").rglob("executed"))


def test_a_copied_notebook_runs_by_plain_papermill_with_the_wheel_alone(installed: Path, tmp_path: Path):
    source = installed / "lexclip_core" / "_bundled" / "notebooks" / "_template.ipynb"
    executed = tmp_path / "out.ipynb"
    given = (str(source), str(executed), "--no-progress-bar", "-p", "tower_name", "tiny-random")
    done = run(installed, tmp_path, *given, module="papermill")
    assert done.returncode == 0, done.stderr
    outputs = [
        output["data"]
        for cell in json.loads(executed.read_text(encoding="utf-8"))["cells"]
        for output in cell.get("outputs", [])
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    assert outputs
    assert all("image/png" in data for data in outputs)
