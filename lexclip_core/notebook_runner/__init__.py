"""Run the project's notebooks with named parameter profiles, and refuse what papermill lets pass.

`notebooks/experiments.toml` lists the notebooks in reading order with their parameters for each profile:
`smoke` (minutes for all, for tests), `embedded` (the offline default) and `paper` (the papers' settings).
"""

from lexclip_core.notebook_runner.execution import NotebookError, Outcome, run_notebook, run_notebooks
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
from lexclip_core.notebook_runner.records import read_metrics, record

__all__ = [
    "PROFILES",
    "Experiment",
    "NotebookError",
    "Outcome",
    "Parameter",
    "Profile",
    "check_parameters",
    "declared_parameters",
    "index_table",
    "notebooks_folder",
    "read_experiments",
    "read_metrics",
    "record",
    "run_notebook",
    "run_notebooks",
    "selected",
]
