"""Text towers: load, encode, choose what is trained, save what was trained."""

from __future__ import annotations

from lexclip_core.towers.load import load
from lexclip_core.towers.registry import REGISTRY, TowerSpec, spec
from lexclip_core.towers.tower import Tower

__all__ = ["REGISTRY", "Tower", "TowerSpec", "load", "spec"]
