"""Zero-shot over 500 names and OpenAI's 80 templates: ours against open_clip's builder and plain loops.

Both sides run the same ViT-B-32 text tower with random weights, which costs what trained weights cost, on one
core. Ours encodes all 40,000 texts in one call at their true length; the builder runs 77 tokens a text, ten
names at a time, and is timed on some of the names, since all of them would take an hour.
"""

from __future__ import annotations

import numpy as np
import open_clip
from open_clip.zero_shot_metadata import OPENAI_IMAGENET_TEMPLATES

from bench.encoding import ARCHITECTURE, agreement, class_names, one_core, random_clip, timed
from bench.table import Row, show
from lexclip_core.evaluation import zero_shot

PICTURES = 1_000
NAMES = 500
SAMPLE = 4
"""Names that the builder is timed on."""
RESAMPLES = 1_000


def plain_accuracy(
    features: np.ndarray, weights: np.ndarray, labels: np.ndarray
) -> tuple[float, float, float]:
    """Return accuracy and its interval over classes, one picture and one resample at a time."""
    hits: dict[int, list[bool]] = {}
    for row, label in zip(features, labels, strict=True):
        hits.setdefault(int(label), []).append(bool((weights @ row).argmax() == label))
    rng = np.random.default_rng(0)
    classes, drawn = list(hits), []
    for _ in range(RESAMPLES):
        chosen = [hit for k in rng.integers(len(classes), size=len(classes)) for hit in hits[classes[k]]]
        drawn.append(sum(chosen) / len(chosen))
    low, high = np.quantile(drawn, [0.025, 0.975])
    every = [hit for of_class in hits.values() for hit in of_class]
    return sum(every) / len(every), float(low), float(high)


def made_up_pictures(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return unit rows that lie near their classes, and the classes."""
    rng = np.random.default_rng(0)
    labels = rng.integers(len(weights), size=PICTURES)
    spread = weights.std(axis=0, keepdims=True)
    rows = weights[labels] + 2 * spread * rng.normal(size=(PICTURES, weights.shape[1]))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32), labels


def rows() -> list[Row]:
    """Return the CPU time of the classifier and of the accuracy, ours and plain, and how far they differ."""
    tower, names = random_clip(), class_names(NAMES)
    templates = zero_shot.templates("openai")

    def build() -> np.ndarray:
        return zero_shot.class_weights(tower.encode_texts, names, templates)

    def plain() -> np.ndarray:
        found = open_clip.build_zero_shot_classifier(
            tower.model, open_clip.SimpleTokenizer(), names[:SAMPLE], OPENAI_IMAGENET_TEMPLATES
        )
        return found.numpy().T

    with one_core():
        plain_seconds, theirs = timed(plain)
        seconds, ours = timed(build)
        features, labels = made_up_pictures(ours)
        loop_seconds, loop = timed(lambda: plain_accuracy(features, ours, labels))
        array_seconds, array = timed(lambda: zero_shot.accuracy(features, ours, labels))
    each, plain_each = seconds / NAMES, plain_seconds / SAMPLE
    return [
        {
            "name": f"classifier of {NAMES} names x {len(templates)} templates, {ARCHITECTURE}",
            "value": 1000 * each,
            "unit": "ms/name",
            "baseline": 1000 * plain_each,
            "ratio": plain_each / each,
            "target": ">= 5x",
        },
        agreement("classifier, ours and open_clip's", float(np.abs(ours[:SAMPLE] - theirs).max())),
        {
            "name": f"accuracy of {PICTURES:,} pictures x {NAMES} names with its interval",
            "value": array_seconds,
            "unit": "s",
            "baseline": loop_seconds,
            "ratio": loop_seconds / array_seconds,
            "target": ">= 3x",
        },
        agreement("accuracy, ours and a loop's", abs(array.value - loop[0])),
    ]


if __name__ == "__main__":
    show(rows())
