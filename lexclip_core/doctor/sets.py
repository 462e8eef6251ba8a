"""A finding for every picture set and caption set of the papers: what is there, or where to get it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from lexclip_core.datasets.card import Card
from lexclip_core.datasets.picture_samples import Sample
from lexclip_core.doctor.report import Finding, broken
from lexclip_core.errors import LexclipError

SAMPLES: tuple[Sample, ...] = ("heldout", "released")
Parts = dict[str, Callable[[], dict[str, int]]]


def sets() -> list[Finding]:
    """Return a finding for every set, looked for by its name in the folder of sets."""
    from lexclip_core.datasets import captions, picture_sets

    folder = picture_sets.pictures_folder()
    findings = []
    for name, card in picture_sets.CARDS.items():
        parts: Parts = {
            picture_sets.SAMPLES[name][sample].part: partial(
                picture_sets.check, name, folder / name, sample=sample
            )
            for sample in SAMPLES
            if sample in picture_sets.SAMPLES[name]
        }
        findings.append(_finding(card, folder / name, parts))
    for name, card in captions.CARDS.items():
        whole: Parts = {"": partial(captions.check, name, folder / name, split="all")}
        findings.append(_finding(card, folder / name, whole))
    return findings


def _finding(card: Card, place: Path, parts: Parts) -> Finding:
    """Return what is there of a set; it is broken only where no part of it can be used."""
    name = f"set {card.name}"
    if not place.exists():
        fix = f"to use it, put {' or '.join(card.files)} into {place} (LEXCLIP_PICTURES); from {card.source}"
        return Finding(
            name,
            "absent",
            f"{card.title} ({card.rows:,} rows; licence: {card.licence}) is not in {place}",
            fix,
        )
    found, errors = [], []
    for part, count in parts.items():
        try:
            counts = ", ".join(f"{number:,} {what}" for what, number in count().items())
            found.append(f"{part}: {counts}" if part else counts)
        except LexclipError as error:
            errors.append(error)
    if not found:
        return broken(name, errors[0])
    return Finding(name, "ok", f"{card.title} in {place}; {'; '.join(found)}")
