"""Run the project's notebooks with named parameter profiles, and refuse what papermill lets pass.

`notebooks/experiments.toml` lists the notebooks in reading order with their parameters for each profile:
`smoke` (minutes for all, for tests), `embedded` (the offline default) and `paper` (the papers' settings, with
weights and data sets whose places a `paths.toml` names).
"""

from lexclip_core.notebook_runner.book import Page, write_book
from lexclip_core.notebook_runner.execution import NotebookError, Outcome, run_notebook
from lexclip_core.notebook_runner.experiments import (
    PROFILES,
    Experiment,
    Profile,
    index_table,
    notebooks_folder,
    read_experiments,
    selected,
)
from lexclip_core.notebook_runner.parameters import Parameter, check_parameters, declared_parameters
from lexclip_core.notebook_runner.paths import Paths, lacking, read_paths
from lexclip_core.notebook_runner.records import read_measured, read_metrics, record
from lexclip_core.notebook_runner.running import NotebooksFailed, Settings, run_notebooks

__all__ = [
    "PROFILES",
    "Experiment",
    "NotebookError",
    "NotebooksFailed",
    "Outcome",
    "Page",
    "Parameter",
    "Paths",
    "Profile",
    "Settings",
    "check_parameters",
    "declared_parameters",
    "index_table",
    "lacking",
    "notebooks_folder",
    "read_experiments",
    "read_measured",
    "read_metrics",
    "read_paths",
    "record",
    "run_notebook",
    "run_notebooks",
    "selected",
    "write_book",
]
