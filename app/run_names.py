"""What a run is called on the pages: what it was tuned on, whether it is a control, and its seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import known_towers

from lexclip_core.experiments.run_folder import RunSummary

CONTROLS = {
    "shuffled": "control: shuffled targets",
    "constant": "control: one constant target",
    "random_words": "control: random words",
}
SUBJECTS = {
    "relations": "synonyms and opposites",
    "matrix": "similarities of words",
    "paraphrases": "paraphrases",
}
SORTS = {
    "lexclip-first": ", the first recipe",
    "lexclip-second": ", the second recipe",
    "lexclip-wordnet": ", no word held out",
}
TARGETS = {
    "lexical": "antonym-aware similarities",
    "wu_palmer_nltk": "Wu-Palmer of class names",
    "wu_palmer": "Wu-Palmer of class names",
}
PICTURE_TERMS = ("image_caption", "image_paraphrase_1", "image_paraphrase_2")
IGNORED = {"preset", "seed", "control", "tower", "method", "target"}


def names(summaries: Sequence[RunSummary]) -> dict[str, str]:
    """Return run id -> a name that no other of these runs has; the tower is named where it is not the usual.

    Runs that differ in other settings say in which; a run that says nothing of itself is called by its id.
    """
    used = Counter(str(one.config.get("tower") or "") for one in summaries)
    usual = used.most_common(1)[0][0] if used else ""
    short = {one.run_id: _short(one.config, usual) for one in summaries}
    taken = Counter(short.values())
    named = {
        one.run_id: name if taken[name] == 1 else f"{name}{_changes(one, summaries, short)}"
        for one, name in ((one, short[one.run_id]) for one in summaries)
    }
    twice = Counter(named.values())
    return {run_id: name if twice[name] == 1 else f"{name} ({run_id})" for run_id, name in named.items()}


def _short(config: Mapping[str, Any], usual: str) -> str:
    control = CONTROLS.get(str(config.get("control")), "")
    tower = str(config.get("tower") or "")
    named = known_towers.called(tower) if tower and tower != usual and config.get("method") != "none" else ""
    parts = [subject(config), control, f"seed {config['seed']}" if "seed" in config else ""]
    return ", ".join(filter(None, [*parts, named]))


def subject(config: Mapping[str, Any]) -> str:
    """Return what a run was tuned on, in plain words."""
    preset, method = str(config.get("preset", "")), str(config.get("method", ""))
    if method == "none":
        return f"the tower {known_towers.called(str(config.get('tower')))}, as it is"
    if method == "paraphrases":
        pictures = any(config.get(name) for name in PICTURE_TERMS if name in config)
        return "paraphrases of emoji scenes" + ("" if pictures else ", texts alone")
    if config.get("words"):
        listed = [word.strip() for word in str(config["words"]).split(",") if word.strip()]
        return f"{len(listed)} words: {', '.join(listed[:3])}" + (" …" if len(listed) > 3 else "")
    if method == "relations":
        return SUBJECTS[method] + SORTS.get(preset, "")
    return TARGETS.get(str(config.get("target", "")), "") or SUBJECTS.get(method, "") or preset or "a run"


def _changes(one: RunSummary, summaries: Sequence[RunSummary], short: Mapping[str, str]) -> str:
    """Return what sets a run apart from others of its name, as " (steps 20)"; "" where settings do not."""
    alike = [other for other in summaries if short[other.run_id] == short[one.run_id]]
    keys = sorted({key for other in alike for key in other.config if _differs(key, alike)} - IGNORED)
    said = ", ".join(f"{key} {one.config[key]}" for key in keys[:3] if key in one.config)
    return f" ({said[:80]})" if said else ""


def _differs(key: str, runs: Sequence[RunSummary]) -> bool:
    return len({str(run.config.get(key)) for run in runs}) > 1
