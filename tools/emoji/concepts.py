"""The emoji concepts of Unicode's list: what is left out, and what is folded into one drawing."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

_LEFT_OUT_GROUPS = {"flags": "flags", "component": "skin tones and hair"}


@dataclass(frozen=True)
class Concept:
    """One emoji concept.

    Args:
        concept: The CLDR label's slug: the key of every table.
        hexcode: Code points as `emojibase` writes them.
        label: The English CLDR short name.
        tags: CLDR keywords.
        group: Unicode's group, such as `animals-nature`.
        subgroup: Unicode's subgroup, such as `animal-bird`.
        version: The Emoji version that introduced it.
        slugs: Names under which icon sets may know it, the best first.
    """

    concept: str
    hexcode: str
    label: str
    tags: tuple[str, ...]
    group: str
    subgroup: str
    version: float
    slugs: tuple[str, ...]

    @property
    def emoji(self) -> str:
        """The characters themselves."""
        return "".join(chr(int(code, 16)) for code in self.hexcode.split("-"))


# Drawings that differ from another by a hand, a head count or the way they face: no name separates them.
_FOLDED: tuple[tuple[str, str], ...] = (
    (r".*: facing right", "facing the other way"),
    (r"(?!three o).* o[\u2019']clock|\w+-thirty", "clock faces"),
    (r"family: .+", "family variants"),
    (r"(kiss|couple with heart): .+", "couple variants"),
)
_RENAMED = {"three o\u2019clock": "clock face", "three o'clock": "clock face"}


def slug(label: str) -> str:
    """Return a label as icon sets write it: lower case, hyphens, no punctuation."""
    plain = re.sub(r"[\u2018\u2019\u201c\u201d'.]", "", label.lower()).replace("ñ", "n").replace("&", " and ")
    plain = plain.replace("#", "hash").replace("*", "asterisk")
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def read_concepts(emojibase: Path) -> tuple[list[Concept], Counter[str]]:
    """Return the concepts in Unicode's order, and how many emoji were left out or folded, by reason.

    Args:
        emojibase: The unpacked package `emojibase-data`.
    """
    meta = json.loads((emojibase / "meta" / "groups.json").read_text("utf-8"))
    entries = json.loads((emojibase / "en" / "data.json").read_text("utf-8"))
    codes = _shortcodes(emojibase)
    concepts: list[Concept] = []
    left_out: Counter[str] = Counter()
    for entry in sorted(entries, key=lambda entry: entry.get("order", 10**6)):
        left_out["skin tones"] += len(entry.get("skins", ()))
        group = meta["groups"].get(str(entry.get("group")), "component")
        reason = _LEFT_OUT_GROUPS.get(group) or _folded(entry["label"])
        if reason:
            left_out[reason] += 1
            continue
        label = _RENAMED.get(entry["label"], entry["label"])
        names = [slug(entry["label"]), *(code.replace("_", "-") for code in codes.get(entry["hexcode"], ()))]
        concepts.append(
            Concept(
                slug(label),
                entry["hexcode"],
                label,
                tuple(entry.get("tags", ())),
                group,
                meta["subgroups"][str(entry["subgroup"])],
                float(entry["version"]),
                tuple(dict.fromkeys(names)),
            )
        )
    return concepts, left_out


def _folded(label: str) -> str | None:
    return next((reason for pattern, reason in _FOLDED if re.fullmatch(pattern, label)), None)


def _shortcodes(emojibase: Path) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    for file in ("cldr", "emojibase", "github", "iamcal", "joypixels"):
        path = emojibase / "en" / "shortcodes" / f"{file}.json"
        if path.exists():
            for code, listed in json.loads(path.read_text("utf-8")).items():
                names.setdefault(code, []).extend([listed] if isinstance(listed, str) else listed)
    return names
