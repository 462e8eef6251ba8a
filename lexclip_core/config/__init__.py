"""The settings of an experiment: a frozen record, its presets, and its readable id."""

from lexclip_core.config.lexical import (
    PRESETS,
    Control,
    Experiment,
    Sampling,
    Target,
    Vocabulary,
    preset,
)
from lexclip_core.config.paraclip import PARACLIP_PRESETS, TABLE_2, TERMS, ParaclipExperiment, paraclip_preset
from lexclip_core.config.training import Optimizer, Schedule, TrainingSettings

__all__ = [
    "PARACLIP_PRESETS",
    "PRESETS",
    "TABLE_2",
    "TERMS",
    "Control",
    "Experiment",
    "Optimizer",
    "ParaclipExperiment",
    "Sampling",
    "Schedule",
    "Target",
    "TrainingSettings",
    "Vocabulary",
    "paraclip_preset",
    "preset",
]
