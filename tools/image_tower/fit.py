"""The loop that trains the picture encoder against a locked text tower; it resumes after a kill."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from open_clip.timm_model import TimmModel
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from lexclip_core import storage
from lexclip_core.errors import DamagedFileError, DivergenceError, InputError
from lexclip_core.towers.loading import has_bfloat16
from lexclip_core.training.losses import concept_contrast
from tools.image_tower.augment import vary
from tools.image_tower.material import Material
from tools.image_tower.recipe import Recipe, Stage
from tools.image_tower.saving import new_visual
from tools.image_tower.scene_batches import SceneBank

MEAN, STD = 0.5, 0.25
_LARGEST_SCALE = 100.0
_TRUE_COLOURS = {"hue": 0.0, "grey": 0.0, "invert": 0.0, "line_art": 0.0}


@dataclass(frozen=True)
class Checkpoints:
    """What a training writes while it runs.

    Args:
        file: The last good state; where it exists, training resumes from it.
        every: Steps between two writes of it.
        snapshots: Folder for the averaged weights after each tenth of the steps; None writes none.
    """

    file: Path
    every: int = 200
    snapshots: Path | None = None


@dataclass
class State:
    """The picture encoder in training."""

    visual: TimmModel
    average: AveragedModel
    classifier: nn.Linear
    log_scale: nn.Parameter
    optimizer: torch.optim.Optimizer
    step: int = 0
    rows: list[dict[str, float]] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return everything that a resumed run needs, as tensors and plain values."""
        parts = {name: getattr(self, name).state_dict() for name in _MODULES}
        return parts | {"log_scale": self.log_scale.detach(), "step": self.step, "rows": self.rows}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take over what `plain` returned."""
        for name in _MODULES:
            getattr(self, name).load_state_dict(saved[name])
        self.log_scale.data.copy_(saved["log_scale"])
        self.step, self.rows = saved["step"], saved["rows"]


_MODULES = ("visual", "average", "classifier", "optimizer")


def new_state(material: Material, recipe: Recipe, device: torch.device) -> State:
    """Return an untrained encoder with its optimiser."""
    torch.manual_seed(recipe.seed)
    visual = new_visual(material.names.shape[2]).to(device).to(memory_format=torch.channels_last)
    width = visual.trunk.num_features
    classifier = nn.Linear(width, len(material.concepts)).to(device)
    log_scale = nn.Parameter(torch.tensor(math.log(20.0), device=device))
    weights = [*visual.parameters(), *classifier.parameters()]
    groups = [
        {"params": [p for p in weights if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [*(p for p in weights if p.ndim <= 1), log_scale], "weight_decay": 0.0},
    ]
    ema = get_ema_multi_avg_fn(recipe.average)  # type: ignore[no-untyped-call]
    average = AveragedModel(visual, multi_avg_fn=ema, use_buffers=True)
    return State(visual, average, classifier, log_scale, torch.optim.AdamW(groups, lr=recipe.lr))


def batches(material: Material, recipe: Recipe) -> Iterator[tuple[Stage, Tensor, torch.Generator]]:
    """Yield (stage, rows of drawings, generator) for every step; each step depends on the seed alone."""
    step = 0
    for stage in recipe.stages:
        for _ in range(stage.epochs):
            order = torch.randperm(
                len(material.labels), generator=torch.Generator().manual_seed(recipe.seed * 7919 + step)
            )
            for start in range(0, len(order) - recipe.batch + 1, recipe.batch):
                generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
                yield stage, order[start : start + recipe.batch], generator
                step += 1


def fit_tower(
    material: Material,
    recipe: Recipe,
    *,
    scenes: SceneBank | None = None,
    checkpoints: Checkpoints | None = None,
    device: str = "cpu",
) -> State:
    """Train the picture encoder and return its state; `state.average` holds what to keep.

    Args:
        material: Drawings and the locked text tower's rows.
        recipe: Stages, optimiser, weights of the terms.
        scenes: Two-object scenes, for stages that ask for some.
        checkpoints: What is written on the way; None writes nothing.
        device: A torch device; the encoder computes in bfloat16 where the device does not emulate it.

    Raises:
        InputError: A stage asks for scenes and none are given, or the checkpoint belongs to another recipe.
        DamagedFileError: The checkpoint cannot be read.
        DivergenceError: The loss became NaN or infinite; the last checkpoint stays.
    """
    where = torch.device(device)
    state = new_state(material, recipe, where)
    key = recipe.digest(material)
    if checkpoints and checkpoints.file.exists():
        state.restore(_read(checkpoints.file, key))
    schedule = list(batches(material, recipe))
    began = time.monotonic() - (state.rows[-1]["seconds"] if state.rows else 0)
    bar = storage.progress(range(state.step, len(schedule)), initial=state.step, total=len(schedule))
    for step in bar:
        stage, rows, generator = schedule[step]
        for group in state.optimizer.param_groups:
            group["lr"] = recipe.lr * _share(step, len(schedule))
        done = step / len(schedule)
        terms = _terms(state, material, recipe, (stage, rows, generator), done=done, scenes=scenes)
        _update(state, terms)
        seconds = round(time.monotonic() - began, 1)
        state.rows.append(
            {"step": step, "size": stage.size, "seconds": seconds}
            | {name: round(float(term.detach()), 4) for name, term in terms.items()}
        )
        bar.set_postfix({name: f"{float(term.detach()):.2f}" for name, term in terms.items()})
        if checkpoints:
            _save(checkpoints, state, key, steps=len(schedule))
    return state


def _update(state: State, terms: dict[str, Tensor]) -> None:
    total = torch.stack(list(terms.values())).sum()
    value = float(total.detach())
    if not math.isfinite(value):
        raise DivergenceError(f"the loss is {value} at step {state.step}", "lower the learning rate")
    state.optimizer.zero_grad(set_to_none=True)
    total.backward()  # type: ignore[no-untyped-call]
    state.optimizer.step()
    state.average.update_parameters(state.visual)
    state.step += 1


def _share(step: int, steps: int) -> float:
    warm_up = min(200, max(1, steps // 20))
    return min(1.0, (step + 1) / warm_up) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _terms(
    state: State,
    material: Material,
    recipe: Recipe,
    batch: tuple[Stage, Tensor, torch.Generator],
    *,
    done: float,
    scenes: SceneBank | None,
) -> dict[str, Tensor]:
    stage, rows, generator = batch
    labels = material.labels[rows]
    # Names change slowly into what they will be: weak variations first, full strength at the end.
    strength = recipe.augmentation.scaled(0.3 + 0.7 * done)
    pictures = vary(material.drawings[rows], material.mirrored[labels], stage.size, strength, generator)
    if stage.scenes and scenes is None:
        raise InputError(
            "this stage asks for scenes and there is no scene bank", "give scenes, or ask for none"
        )
    drawn = scenes.draw(stage.scenes, generator) if scenes and stage.scenes else None
    if drawn is not None:
        # A mirror image or a turn would swap left and right or above and below, another hue the colours.
        still = torch.zeros(len(drawn.canvases), dtype=torch.bool)
        upright = strength.scaled(1, rotation=8.0, **_TRUE_COLOURS)
        pictures = torch.cat([pictures, vary(drawn.canvases, still, stage.size, upright, generator)])
    device = state.log_scale.device
    scale = state.log_scale.exp().clamp(max=_LARGEST_SCALE)
    features, unit = _encode(state.visual, pictures.to(device))
    count, labels = len(rows), labels.to(device)
    picked = torch.randint(len(material.names), (len(material.concepts),), generator=generator)
    names = material.names[picked, torch.arange(len(picked))].to(device)
    terms = {
        "names": concept_contrast(unit[:count], names, labels, scale, smoothing=recipe.smoothing),
        "tags": recipe.tags
        * concept_contrast(
            unit[:count], material.tags.to(device), material.tagged[labels.cpu()].to(device), scale
        ),
        "classes": recipe.classes
        * functional.cross_entropy(
            state.classifier(features[:count]).float(), labels, label_smoothing=recipe.smoothing
        ),
    }
    if drawn is not None:
        texts, targets = drawn.texts.to(device), drawn.targets.to(device)
        terms["scenes"] = 0.5 * concept_contrast(unit[count:], texts, targets, scale)
    return terms


def _encode(visual: TimmModel, pictures: Tensor) -> tuple[Tensor, Tensor]:
    batch = pictures.sub(MEAN).div(STD).contiguous(memory_format=torch.channels_last)
    device = pictures.device
    with torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device)):
        features = visual.trunk(batch)
        rows = visual.head(features)
    return features.float(), functional.normalize(rows.float(), dim=-1)


def _read(path: Path, key: str) -> dict[str, Any]:
    try:
        saved: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    except Exception as error:
        raise DamagedFileError(
            f"{path} cannot be read: {error}", "delete it; training then starts anew"
        ) from error
    if saved.get("key") != key:
        raise InputError(
            f"{path} belongs to another recipe", "delete it, or give the recipe it was made with"
        )
    return saved


def _save(checkpoints: Checkpoints, state: State, key: str, *, steps: int) -> None:
    if state.step % checkpoints.every == 0 or state.step == steps:
        with storage.atomic_write(checkpoints.file) as partial:
            torch.save(state.plain() | {"key": key}, partial)
    if checkpoints.snapshots and state.step % max(1, steps // 10) == 0:
        with storage.atomic_write(checkpoints.snapshots / f"step-{state.step:06d}.pt") as partial:
            torch.save(state.average.module.state_dict(), partial)
