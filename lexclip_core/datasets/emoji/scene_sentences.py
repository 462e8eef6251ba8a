"""Sentence pairs about scenes, graded by how much of what they say is the same: a stand-in for the STS tasks.

The STS tasks are not ours to ship. Their grades are people's; these are known by construction.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lexclip_core.datasets.emoji.scene_queries import RESERVED, HeldOut
from lexclip_core.datasets.emoji.scene_sets import split_objects, split_scenes
from lexclip_core.datasets.emoji.scene_words import PHRASINGS
from lexclip_core.datasets.emoji.scenes import Scene, swapped, told
from lexclip_core.datasets.emoji.sprites import data_folder
from lexclip_core.datasets.sts import SentencePairs

GRADES = {
    3.0: "the same",
    2.0: "the same things, their places or colours exchanged",
    1.0: "one thing replaced",
    0.0: "both things replaced",
}
"""What a score says of two sentences."""

COUNT = 800


def scene_sentences(split: HeldOut = "test", *, seed: int = 0, count: int = COUNT) -> SentencePairs:
    """Return sentence pairs in different phrasings, the grades of `GRADES` in turn.

    Args:
        split: `test`, or `development`.
        seed: The same seed gives the same pairs.
        count: How many.

    Raises:
        InputError: As in `scenes`, or no such split.
        MissingResourceError: The concepts or their senses are not there.
    """
    generator = np.random.default_rng([seed, 3])
    grades = list(GRADES)
    rows = []
    for place, scene in enumerate(split_scenes(split, seed, count)):
        grade = grades[(place // 2) % len(grades)]  # the kinds of scenes come in turn as well
        other = _changed(scene, grade, split_objects(split), generator)
        one, two = generator.choice(len(_ways(scene, split)), 2, replace=False)
        rows.append(
            (told(scene, _ways(scene, split)[one]), told(other, _ways(other, split)[two]), grade, scene.kind)
        )
    first, second, scores, kinds = zip(*rows, strict=True)
    return SentencePairs(f"scene-sts-{split}", first, second, np.array(scores), kinds, data_folder())


def _ways(scene: Scene, split: str) -> tuple[str, ...]:
    return *PHRASINGS[scene.relation], *RESERVED[split][scene.relation]


def _changed(scene: Scene, grade: float, things: tuple[str, ...], generator: np.random.Generator) -> Scene:
    """Return what the second sentence is about."""
    if grade == 3:
        return scene
    if grade == 2:
        return swapped(scene)
    free = [thing for thing in things if thing not in (scene.first, scene.second)]
    one, two = (free[place] for place in generator.choice(len(free), 2, replace=False))
    return replace(scene, second=one) if grade == 1 else replace(scene, first=one, second=two)
