"""Text towers: load, encode, choose what is trained, save what was trained."""

from __future__ import annotations

from lexclip_core.towers.freeze import frozen_digest, set_trainable
from lexclip_core.towers.load import load
from lexclip_core.towers.registry import REGISTRY, TowerSpec, spec
from lexclip_core.towers.settle import settle
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.weights import apply_tuned, interpolate, save_tuned, tuned_metadata

__all__ = [
    "REGISTRY",
    "Tower",
    "TowerSpec",
    "apply_tuned",
    "frozen_digest",
    "interpolate",
    "load",
    "save_tuned",
    "set_trainable",
    "settle",
    "spec",
    "tuned_metadata",
]
