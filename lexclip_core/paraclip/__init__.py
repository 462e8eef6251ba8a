"""ParaCLIP on the embedded default: material, tuning to a run folder, and sweeps over loss terms."""

from __future__ import annotations

from lexclip_core.paraclip.material import (
    Material,
    Size,
    captioned_material,
    emoji_material,
    features_by,
    recorded_material,
)
from lexclip_core.paraclip.measuring import Tests, beside, emoji_tests, measure
from lexclip_core.paraclip.photographs import caption_material, caption_tests
from lexclip_core.paraclip.sweeps import Sweep, emoji_sweep, sweep_ablation, sweep_table2, sweep_trade_offs
from lexclip_core.paraclip.tuning import Trained, train_on, tune

__all__ = [
    "Material",
    "Size",
    "Sweep",
    "Tests",
    "Trained",
    "beside",
    "caption_material",
    "caption_tests",
    "captioned_material",
    "emoji_material",
    "emoji_sweep",
    "emoji_tests",
    "features_by",
    "measure",
    "recorded_material",
    "sweep_ablation",
    "sweep_table2",
    "sweep_trade_offs",
    "train_on",
    "tune",
]
