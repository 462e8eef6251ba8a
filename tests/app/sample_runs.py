"""Run folders with made-up but structured vectors: synonyms close, antonyms close before and apart after."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from lexclip_core.experiments import run_folder

DIM = 64
TRIPLES = (
    ("happy", "cheerful", "sad"),
    ("smart", "intelligent", "dumb"),
    ("hot", "warm", "cold"),
    ("fast", "quick", "slow"),
    ("big", "large", "small"),
    ("rich", "wealthy", "poor"),
)
TREE = {"dog": "", "puppy": "dog", "hound": "dog", "beagle": "hound", "poodle": "dog", "terrier": "dog"}
WORDS = (*(word for triple in TRIPLES for word in triple), *TREE)
COMMAND = "lexclip tune --preset lexclip --seed 0 --out data/runs"


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def vectors(*, repaired: bool, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return (before, after): antonyms share a direction before; `repaired` turns it round for them after."""
    rng = np.random.default_rng(seed)
    before, after = [], []
    for _ in TRIPLES:
        topic, own = rng.normal(size=DIM), rng.normal(size=DIM)
        for sign, closeness in ((1, 1.0), (1, 0.7), (-1, 0.9)):
            noise = 0.5 * rng.normal(size=DIM)
            before.append(closeness * topic + noise)
            after.append(before[-1] + (1.2 * sign * own if repaired else 0.1 * own))
    root = rng.normal(size=DIM)
    for _ in TREE:
        before.append(root + 0.8 * rng.normal(size=DIM))
        after.append(before[-1] + 0.3 * root)
    return unit(np.array(before)), unit(np.array(after))


def pair_table(before: np.ndarray, after: np.ndarray) -> pd.DataFrame:
    row = {word: index for index, word in enumerate(WORDS)}
    rows = []
    for word, synonym, antonym in TRIPLES:
        for other, relation in ((synonym, "synonym"), (antonym, "antonym"), ("beagle", "unrelated")):
            a, b = row[word], row[other]
            rows.append((word, other, relation, "a", "test", before[a] @ before[b], after[a] @ after[b]))
    return pd.DataFrame(rows, columns=list(run_folder.PAIR_COLUMNS))


def triple_table(before: np.ndarray, after: np.ndarray) -> pd.DataFrame:
    """Return the triples with their cosines on the line from before to after."""
    row, table = {word: index for index, word in enumerate(WORDS)}, []
    for word, synonym, antonym in TRIPLES:
        facts = {
            "word": word,
            "synonym": synonym,
            "antonym": antonym,
            "pos": "a",
            "kind": "synonym",
            "count": 9,
        }
        for name, other in (("synonym", synonym), ("antonym", antonym)):
            a, b = row[word], row[other]
            ends = float(before[a] @ before[b]), float(after[a] @ after[b])
            facts |= {f"{name}_{at}": ends[0] + at / 100 * (ends[1] - ends[0]) for at in run_folder.POSITIONS}
        table.append(facts)
    return pd.DataFrame(table)[list(run_folder.TRIPLE_COLUMNS)]


def layout_table() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    tables = []
    for subtree, words in (("dog.n.01", TREE), ("canine.n.02", dict.fromkeys(TREE, "dog") | {"dog": ""})):
        at = rng.normal(size=(len(words), 2)) * 4
        moved = at + 0.5 * rng.normal(size=at.shape)
        tables.append(
            pd.DataFrame(
                {
                    "subtree": subtree,
                    "word": list(words),
                    "synset": [f"{word}.n.01" for word in words],
                    "parent": [f"{parent}.n.01" if parent else "" for parent in words.values()],
                    "gloss": [f"a made-up gloss of {word}, with <b>tags</b>" for word in words],
                    "x_before": at[:, 0],
                    "y_before": at[:, 1],
                    "x_after": moved[:, 0],
                    "y_after": moved[:, 1],
                    "trustworthiness_before": 0.91,
                    "trustworthiness_after": 0.93,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def metrics(auc: float) -> dict[str, dict[str, float]]:
    return {
        "test/synonym_over_antonym_auc": {
            "value": auc,
            "low": auc - 0.03,
            "high": auc + 0.03,
            "n": 900,
            "before": 0.43,
        },
        "test/synonym_over_antonym_auc/adjectives": {"value": auc, "n": 300, "before": 0.5},
        "dev/synonym_over_antonym_auc": {"value": auc, "n": 300, "before": 0.4},
        "test/inversion_rate/same_synset": {
            "value": 1 - auc,
            "low": 0.1,
            "high": 0.6,
            "n": 300,
            "before": 0.52,
        },
        "heldout/men/spearman": {"value": 0.728, "low": 0.7, "high": 0.75, "n": 3000, "before": 0.735},
        "retention/test/neighbour_overlap@10": {"value": 0.647, "low": 0.63, "high": 0.66, "n": 2000},
    }


def content(run_id: str, *, auc: float, repaired: bool, **config: str) -> run_folder.RunContent:
    before, after = vectors(repaired=repaired)
    steps = np.arange(0, 200, 10)
    decay = np.exp(-steps / 60)
    history = pd.DataFrame(
        {
            "step": steps,
            "epoch": steps // 50,
            "seconds": steps * 0.1,
            "distance": decay,
            "anchor": 0.1 * decay,
        }
    )
    return run_folder.RunContent(
        run_id=run_id,
        config={
            "preset": run_id.rsplit("-", 1)[0],
            "target": "lexical",
            "control": "none",
            "tower": "tiny-random",
            "seed": 0,
            "note": "synthetic vectors made by a test",
            **config,
        },
        metrics=metrics(auc),
        history=history.assign(total=history["distance"] + history["anchor"]),
        words=WORDS,
        before=before,
        after=after,
        pairs=pair_table(before, after),
        layout=layout_table(),
        triples=triple_table(before, after) if repaired else None,
        provenance={"command": COMMAND, "seed": 0, "versions": {"torch": "0"}, "wall_seconds": 20.0},
    )


def write_samples(folder: Path, *, tuned: Path | None = None) -> Path:
    """Write a run of each kind into `folder` and return it; the first is the default."""
    run_folder.write_run(folder, content("lexclip-0123abcd", auc=0.87, repaired=True), tuned=tuned)
    run_folder.write_run(
        folder, content("blog-release-4567cdef", auc=0.51, repaired=False, target="wu_palmer_nltk")
    )
    run_folder.write_run(folder, content("shuffled-89ab0123", auc=0.44, repaired=False, control="shuffled"))
    return folder
