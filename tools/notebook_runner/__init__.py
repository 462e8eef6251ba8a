"""Run the project's notebooks with named parameter profiles, and refuse what papermill lets pass.

`notebooks/experiments.toml` lists the notebooks in reading order with their parameters for each profile:
`smoke` (minutes for all, for tests), `embedded` (the offline default) and `paper` (the papers' settings, with
weights and data sets whose paths a `paths.toml` names). `running` runs them, `execution` one of them, `book`
makes a book of what ran, and `kernel` is what `use_in_notebook` calls inside a notebook.
"""
