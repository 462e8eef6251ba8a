"""Why tuning on names wins so little back on emoji: the pictures, the tower or the method, one at a time.

`python -m tools.name_causes` writes `data/name_study/causes.csv`, of which `make tables` makes the table of
docs/pictures.md. The
classes with a synonym or a level-1 hypernym are those of notebook 12, in its draws and tuned as there, so
that what it tuned is in the cache; 200 and 800 candidates are of all emoji that WordNet names. Varied are:

- the pictures: the emoji as the image tower sees them; "as sharp", each picture at its class's own name in
  the text tower plus noise that makes the accuracy by own names that of the emoji; "perfect", without noise;
- the method: the blog's, for 10 and for 30 steps; the shipped run of `lexclip`; and oracles, which move the
  row of another name a share of the way to the row of the class's own one, and nothing else;
- the tower: MiniLM and GloVe, the latter on perfect pictures, since nothing else fits it.

`--quick` leaves out all that is not in the cache of notebook 12: 30 steps, larger K, and GloVe.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lexclip_core import storage
from lexclip_core.datasets.class_names import Kind, NamedClass, combinations, name_set, possible, subsets
from lexclip_core.datasets.emoji.sprites import domain, picture_set
from lexclip_core.datasets.pictures.features import picture_features
from lexclip_core.datasets.pictures.picture_set import PictureSet, named_classes
from lexclip_core.evaluation.intervals import Estimate, grouped_mean
from lexclip_core.evaluation.zero_shot import class_weights, correct
from lexclip_core.experiments.class_names import METHOD, tuned, vocabulary
from lexclip_core.towers.encoder import Encoder, TextRows
from lexclip_core.towers.loading import load, load_image
from lexclip_core.towers.tower import Tower
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.workbench import shipped_tower
from tools.markdown import interval, table

KINDS: tuple[Kind, ...] = ("synonym", "hypernym")
SIZES, LARGE = (25, 50, 100), (200, 800)
BLOG = METHOD.replace(steps=10, lr=1e-4, dtype="bfloat16")  # as notebook 12
SUBSETS, DRAWS, MORE_STEPS, PULLS = 3, 5, 30, (0.25, 0.5, 0.75)
BLOG_NAME, MORE_NAME = "blog's, 10 steps", f"blog's, {MORE_STEPS} steps"
HALF = "oracle, 50% of the way"
COLUMNS = (
    *("kind", "K", "tower", "pictures", "method", "value", "low", "high"),
    *("change", "change_low", "change_high", "n"),
)

Hits = dict[str, np.ndarray]
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Question:
    """Some classes to be renamed among K candidates, and the pictures of each.

    Attributes:
        renamed: The classes whose pictures are sorted.
        others: Names of the other candidates, which keep theirs.
        features: Rows of the pictures by the image tower, (pictures, dim).
        labels: Place in `renamed` of each picture.
        draws: Names of the renamed classes: own ones first, then draws of other ones.
    """

    renamed: tuple[NamedClass, ...]
    others: tuple[str, ...]
    features: np.ndarray
    labels: np.ndarray
    draws: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> list[str]:
        """All names of the renamed classes, as notebook 12 asks for them."""
        return [word for one in self.renamed for word in one.words]


def questions(kind: Kind, size: int, features: Callable[[PictureSet], np.ndarray]) -> list[Question]:
    """Return the draws of notebook 12, or for larger K one question of all emoji that WordNet names."""
    shown = domain("first", seed=0) if size in SIZES else picture_set()
    named = named_classes(shown, load_wordnet())
    found = name_set(load_wordnet(), named, kind)
    drawn = subsets(found, size, SUBSETS, 0) if size in SIZES else (found.classes[:size],)
    return [_question(shown, features(shown), named, renamed, size) for renamed in drawn]


def _question(
    shown: PictureSet,
    features: np.ndarray,
    named: Mapping[str, tuple[str, str]],
    renamed: tuple[NamedClass, ...],
    size: int,
) -> Question:
    place = {one.key: number for number, one in enumerate(renamed)}
    taken = {word for one in renamed for word in one.words}
    rest = dict.fromkeys(name for key, (_, name) in named.items() if key not in place and name not in taken)
    keys = [shown.classes[label].key for label in shown.labels]
    chosen = [number for number, key in enumerate(keys) if key in place]
    own = tuple(one.original for one in renamed)
    draws = combinations(renamed, min(DRAWS, possible(renamed)), 0)
    others = tuple(rest)[: max(0, size - len(renamed))]
    labels = np.array([place[keys[number]] for number in chosen])
    return Question(renamed, others, features[chosen], labels, (own, *draws))


def unit(rows: np.ndarray) -> np.ndarray:
    """Return rows of length 1."""
    scaled: np.ndarray = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def as_sharp(asked: Question, own: np.ndarray) -> np.ndarray:
    """Return rows of pictures around their names' rows, with noise that makes them as hard as the emoji.

    Args:
        asked: The question.
        own: Rows of the own names of all candidates, (K, dim).
    """
    aim = correct(asked.features, own, asked.labels).mean()
    noise = np.random.default_rng(0).normal(size=(len(asked.labels), own.shape[1])) / own.shape[1] ** 0.5
    low, high = 0.0, 16.0
    for _ in range(20):
        sigma = (low + high) / 2
        right = correct(unit(own[asked.labels] + sigma * noise), own, asked.labels).mean()
        low, high = (sigma, high) if right > aim else (low, sigma)
    return unit(own[asked.labels] + low * noise)


def hits_of(asked: Question, features: np.ndarray, base: Encoder, methods: Mapping[str, Encoder]) -> Hits:
    """Return by method how often each picture is right by other names, and by own ones under "own names"."""

    def weights(encode: Encoder, names: Sequence[str]) -> np.ndarray:
        return class_weights(encode, (*names, *asked.others))

    def replaced(rows: Callable[[Sequence[str]], np.ndarray]) -> np.ndarray:
        right = [correct(features, rows(names), asked.labels) for names in asked.draws[1:]]
        rate: np.ndarray = np.mean(np.array(right, dtype=float), axis=0)
        return rate

    own = weights(base, asked.draws[0])
    found = {"own names": correct(features, own, asked.labels).astype(float)}
    found["other names"] = replaced(lambda names: weights(base, names))
    for name, encode in methods.items():
        found[name] = replaced(lambda names, encode=encode: weights(encode, names))  # type: ignore[misc]
        right = correct(features, weights(encode, asked.draws[0]), asked.labels)
        found[f"{name}, own names"] = right.astype(float)
    for share in PULLS:
        found[f"oracle, {share:.0%} of the way"] = replaced(
            lambda names, share=share: unit((1 - share) * weights(base, names) + share * own)  # type: ignore[misc]
        )
    return found


def tuned_rows(tower: Tower, asked: Question, *, steps: int, lr: float, dtype: str) -> Encoder:
    """Return the rows of all names by a copy of a tower tuned on the words of the renamed classes."""
    settings = BLOG.replace(steps=steps, lr=lr, dtype=dtype)
    texts = [*asked.words, *asked.others]
    return tuned(tower, vocabulary(asked.renamed, "tuned_on", 0), settings, texts).rows


def table_rows(parts: Sequence[tuple[Question, Hits]], **facts: Any) -> list[Row]:
    """Return the rows of one kind, K, tower and pictures, the draws together."""
    keys = np.concatenate([np.array([asked.renamed[i].key for i in asked.labels]) for asked, _ in parts])
    joined = {name: np.concatenate([hits[name] for _, hits in parts]) for name in parts[0][1]}
    rows = []
    for name, hits in joined.items():
        one = grouped_mean(hits, keys, over="classes")
        row: Row = {**facts, "method": name, "value": one.value, "low": one.low, "high": one.high}
        if name != "own names":
            against = joined[
                "own names" if name == "other names" or name.endswith("own names") else "other names"
            ]
            change = grouped_mean(hits - against, keys, over="classes")
            row |= {"change": change.value, "change_low": change.low, "change_high": change.high}
        rows.append(row | {"n": len(set(keys.tolist()))})
    return rows


def causes(*, quick: bool = False) -> pd.DataFrame:
    """Return the table, columns `COLUMNS`.

    Args:
        quick: Leave out what notebook 12 has not tuned.
    """
    image, base = (
        load_image("emoji", activation="as-published"),
        load("all-MiniLM-L6-v2", activation="as-published"),
    )
    shipped = shipped_tower(base).encode_texts
    rows: list[Row] = []
    for kind in KINDS:
        for size in SIZES if quick else (*SIZES, *LARGE):
            asked = questions(kind, size, lambda shown: picture_features(image, shown))
            by_pictures: dict[str, list[tuple[Question, Hits]]] = {}
            for one in asked:
                known = TextRows(base.encode_texts, [*one.words, *one.others])
                methods = {BLOG_NAME: tuned_rows(base, one, steps=10, lr=1e-4, dtype="bfloat16")}
                if size == max(SIZES) and not quick and one is asked[0]:
                    methods[MORE_NAME] = tuned_rows(base, one, steps=MORE_STEPS, lr=1e-4, dtype="bfloat16")
                methods["lexclip"] = TextRows(shipped, [*one.words, *one.others])
                own = class_weights(known, (*one.draws[0], *one.others))
                pictures = {"emoji": one.features, "as sharp": as_sharp(one, own), "perfect": own[one.labels]}
                for name, features in pictures.items():
                    by_pictures.setdefault(name, []).append((one, hits_of(one, features, known, methods)))
            for name, parts in by_pictures.items():
                shared = set.intersection(*(set(hits) for _, hits in parts))
                alike = [(one, {k: v for k, v in hits.items() if k in shared}) for one, hits in parts]
                facts = {"kind": kind, "K": size, "tower": base.name, "pictures": name}
                rows += table_rows(alike, **facts)
                if MORE_NAME in parts[0][1]:
                    extra = table_rows(parts[:1], **facts)
                    rows += [row for row in extra if row["method"].startswith(MORE_NAME)]
        if not quick:
            rows += _glove(kind)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _glove(kind: Kind) -> Iterable[Row]:
    tower = load("glove-6b-50d")
    parts = []
    for asked in questions(kind, max(SIZES), lambda shown: np.zeros((len(shown.labels), 1), np.float32)):
        known = TextRows(tower.encode_texts, asked.words)
        own = class_weights(known, asked.draws[0])
        methods = {BLOG_NAME: tuned_rows(tower, asked, steps=10, lr=0.05, dtype="float32")}
        parts.append((asked, hits_of(asked, own[asked.labels], known, methods)))
    return table_rows(parts, kind=kind, K=max(SIZES), tower=tower.name, pictures="perfect")


def page_table(measured: pd.DataFrame) -> str:
    """Return the Markdown table of docs/pictures.md, and what it says."""
    shown = {
        BLOG_NAME: "gain, blog's 10 steps",
        MORE_NAME: f"gain, {MORE_STEPS} steps",
        HALF: "gain, half way",
    }
    shown = {name: title for name, title in shown.items() if name in set(measured["method"])}
    heads = ["other names", "K", "tower, pictures", "own names", "other names", *shown.values()]
    lines = []
    for (kind, size, tower, pictures), part in measured.groupby(
        ["kind", "K", "tower", "pictures"], sort=False
    ):
        rows = part.drop_duplicates("method").set_index("method")
        cells = [kind, f"{size}", f"{tower.split('-')[0 if tower.startswith('g') else 1]}, {pictures}"]
        cells += [f"{rows['value'][name]:.3f}" for name in ("own names", "other names")]
        lines.append([*cells, *(_gain(rows, name) for name in shown)])
    return f"{table(heads, lines)}\n{answer(measured)}\n"


def answer(measured: pd.DataFrame) -> str:
    """Return what the table says of pictures and method, from its numbers."""
    minilm = measured[(measured["tower"] != "glove-6b-50d") & measured["change"].notna()]

    def gains(pictures: str, method: str) -> str:
        rows = minilm[(minilm["pictures"] == pictures) & (minilm["method"] == method)]
        above = int((rows["change_low"] > 0).sum())
        low, high = rows["change"].min(), rows["change"].max()
        return f"{low:+.3f} to {high:+.3f}, beyond its interval in {above} of {len(rows)} cells"

    return (
        f"The pictures could reward a gain: half way to the own name wins {gains('emoji', HALF)}, on the "
        f"emoji as they are. The method moves names the right way, but not far: on perfect pictures, where "
        f"nothing else can be wrong, it wins {gains('perfect', BLOG_NAME)}, and half way "
        f"{gains('perfect', HALF)}. And blurred pictures hide what it moves: on the emoji it wins "
        f"{gains('emoji', BLOG_NAME)}, on pictures as sharp as they are but true to the text tower "
        f"{gains('as sharp', BLOG_NAME)}. So what keeps the gain away is first the method, which brings "
        f"another name hardly nearer to its own one than to all others, and then the blur of the pictures."
    )


def _gain(rows: pd.DataFrame, name: str) -> str:
    if name not in rows.index:
        return ""
    return interval(Estimate(*rows.loc[name, ["change", "change_low", "change_high"]]), "+")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only what notebook 12 has tuned")
    measured = causes(quick=parser.parse_args(arguments).quick)
    with storage.atomic_write(storage.data_folder() / "name_study" / "causes.csv") as temporary:
        measured.to_csv(temporary, index=False, float_format="%.4f", lineterminator="\n")


if __name__ == "__main__":
    main()
