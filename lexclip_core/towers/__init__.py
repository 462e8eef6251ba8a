"""Towers for texts and pictures: load, encode, choose what is trained, save what was trained."""

from __future__ import annotations

from lexclip_core.towers.convert import convert
from lexclip_core.towers.freeze import frozen_digest, set_trainable
from lexclip_core.towers.image_tower import ImageSpec, ImageTower
from lexclip_core.towers.load import load
from lexclip_core.towers.load_image import load_image
from lexclip_core.towers.prompts import openai_templates
from lexclip_core.towers.registry import REGISTRY, TowerSpec, spec
from lexclip_core.towers.save_image import save_image
from lexclip_core.towers.settle import settle
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.weights import apply_tuned, interpolate, save_tuned, tuned_metadata

__all__ = [
    "REGISTRY",
    "ImageSpec",
    "ImageTower",
    "Tower",
    "TowerSpec",
    "apply_tuned",
    "convert",
    "frozen_digest",
    "interpolate",
    "load",
    "load_image",
    "openai_templates",
    "save_image",
    "save_tuned",
    "set_trainable",
    "settle",
    "spec",
    "tuned_metadata",
]
