"""Names of metrics, such as `heldout/simlex-999/spearman` -> what a reader reads, and which matter first."""

from __future__ import annotations

from collections.abc import Iterable

HEADLINE = "synonym_over_antonym_auc"
INVERSION_RATE = "test/inversion_rate/same_synset"
"""How often the opposite of a word that no training saw is nearer than its synonym."""
LABELS = {
    HEADLINE: "Synonyms nearer than antonyms (AUC)",
    "inversion_rate": "Antonym nearer than synonym (rate)",
    "template_consistency": "Same order under every template",
    "drift": "Drift (1 − cosine with its former self)",
    "men": "MEN",
    "rg-65": "RG-65",
    "simlex-999": "SimLex-999",
    "simverb-3500": "SimVerb-3500",
    "wordsim-353": "WordSim-353",
    "wordsim-353-similarity": "WordSim-353 similarity",
    "wordsim-353-relatedness": "WordSim-353 relatedness",
    "sts-b": "STS-B sentences",
    "spearman": "(Spearman)",
    "same_synset": "",
    "dominant": "dominant senses",
    "a": "adjectives",
    "n": "nouns",
    "v": "verbs",
    "r": "adverbs",
}
PARTS_OF_SPEECH = {"adjectives", "nouns", "verbs", "adverbs", "a", "n", "v", "r"}
DEVELOPMENT = {"dev", "development", "seen", "train"}
RANKS = ((HEADLINE,), ("inversion_rate",), ("spearman",), ("neighbour_overlap", "drift"))


def split_of(key: str) -> str:
    """Return the split that a metric's name says: what stands first, or second after `retention`."""
    parts = key.split("/")
    first = parts[1:] if parts[0] == "retention" and len(parts) > 2 else parts
    return first[0] if len(first) > 1 else ""


def label(key: str) -> str:
    """Return a metric's name as a reader reads it, without its split."""
    split = split_of(key)
    parts = [part for part in key.split("/") if part not in (split, "retention")]
    return " ".join(filter(None, (_word(part) for part in parts)))


def full_label(key: str) -> str:
    """Return a metric's name with its split in brackets."""
    return f"{label(key)} [{split_of(key)}]" if split_of(key) else label(key)


def _word(part: str) -> str:
    name, _, depth = part.partition("@")
    if name == "neighbour_overlap":
        return f"Neighbours retained, of {depth}" if depth else "Neighbours retained"
    return LABELS.get(part, part.replace("_", " "))


def leading(keys: Iterable[str]) -> list[str]:
    """Return the metrics to show first: not of words tuned on, nor of one part of speech; by weight."""
    measured = [key for key in keys if split_of(key) not in DEVELOPMENT and not _is_part(key)]
    return sorted(measured, key=lambda key: (_rank(key), label(key), key))


def headline(keys: Iterable[str]) -> str | None:
    """Return the metric that answers the main question, or None."""
    found = [key for key in leading(keys) if _rank(key) < len(RANKS) - 1 and not key.startswith("retention/")]
    return found[0] if found else None


def outside(keys: Iterable[str]) -> list[str]:
    """Return the correlations with people's judgements: test sets that nothing was tuned on."""
    return [key for key in leading(keys) if key.endswith("/spearman")]


def _is_part(key: str) -> bool:
    return key.split("/")[-1] in PARTS_OF_SPEECH


def _rank(key: str) -> int:
    parts = {part.partition("@")[0] for part in key.split("/")}
    return next((rank for rank, names in enumerate(RANKS) if parts & set(names)), len(RANKS))
