"""A headless browser opens JupyterLab in another folder and runs all cells of three notebooks."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser

from lexclip_core import storage

pytestmark = pytest.mark.browser
PATIENCE = 240_000  # milliseconds: a machine that does other work meanwhile may be very slow
NOTEBOOKS = {
    "course/C0_surprise.ipynb": "",
    "course/C2_wordnet.ipynb": "",
    "02_wu_palmer.ipynb": "random_pairs: int = 2_000",  # smaller than its default
}
RUN = """
async ([path]) => {
  const app = window.jupyterapp;
  await app.restored;
  const panel = await app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
  await panel.context.ready;
  await panel.sessionContext.ready;
  app.shell.activateById(panel.id);
  const whole = await app.commands.execute('notebook:run-all-cells');
  const cells = [...panel.content.model.cells].filter(cell => cell.type === 'code');
  const outputs = cells.flatMap(cell => cell.sharedModel.toJSON().outputs);
  return { whole, counts: cells.map(cell => cell.executionCount), outputs };
}
"""
DRAWN = "[...document.querySelectorAll('.jp-RenderedPlotly')].every(one => one.querySelector('.main-svg'))"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with copies of the notebooks, their parameters made small."""
    for name, smaller in NOTEBOOKS.items():
        notebook = nbformat.read(storage.notebooks_folder() / name, as_version=4)
        for cell in notebook.cells:
            if smaller and "parameters" in cell.metadata.get("tags", []):
                cell.source = re.sub(rf"{smaller.split(' = ')[0]} = \S+", smaller, cell.source)
                assert smaller in cell.source
        nbformat.write(notebook, tmp_path / Path(name).name)
    return tmp_path


@pytest.fixture
def lab(folder: Path) -> Iterator[str]:
    """Yield the address of a JupyterLab on the folder, which knows nothing of this machine's settings."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    options = {
        "ServerApp.port": address.rpartition(":")[2],
        "IdentityProvider.token": "",
        "ServerApp.root_dir": str(folder),
        "LabApp.expose_app_in_browser": "True",
        "LabApp.news_url": "",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(folder / "config"), "LEXCLIP_PROGRESS": "0"}
    with (folder / "log.txt").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
    try:
        end = time.monotonic() + PATIENCE / 1000
        while time.monotonic() < end and server.poll() is None:
            try:
                urllib.request.urlopen(f"{address}/api", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=120)


def test_three_notebooks_run_in_jupyterlab_from_top_to_bottom(lab: str, browser: Browser):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(f"{lab}/lab")
    page.wait_for_function("window.jupyterapp !== undefined", timeout=PATIENCE)
    for name in NOTEBOOKS:
        ran = page.evaluate(RUN, [Path(name).name])
        failed = [one for one in ran["outputs"] if one["output_type"] == "error"]
        assert ran["whole"], failed
        assert all(ran["counts"]), "every cell ran"
        assert failed == []
        assert [one["text"] for one in ran["outputs"] if one.get("name") == "stderr"] == [], "no red warning"
        shown = [one["data"] for one in ran["outputs"] if "data" in one]
        figures = [one for one in shown if "application/vnd.plotly.v1+json" in one]
        assert all({"image/png", "image/jpeg"} & set(one) for one in figures), "a static picture, too"
        page.wait_for_function(DRAWN, timeout=PATIENCE)
    assert page.locator(".js-plotly-plot").count(), "figures are plotly's, not pictures in their place"
    page.close()
