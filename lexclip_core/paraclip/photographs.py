"""The same training and tests on photographs that people captioned: COCO, Flickr8k and Flickr30k."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lexclip_core.config import ParaclipExperiment
from lexclip_core.datasets.captions import CaptionSet
from lexclip_core.datasets.query_pairs import QueryPairs
from lexclip_core.evaluation.table1 import PictureClasses, Table1Tests
from lexclip_core.paraclip.material import Features, Material, captioned_material
from lexclip_core.paraclip.measuring import Tests, sentence_tasks, swap_tests
from lexclip_core.paraphrase import Caption


def caption_material(experiment: ParaclipExperiment, shown: CaptionSet, features: Features) -> Material:
    """Return one record a picture, of its captions and what the experiment's provider makes of them.

    Args:
        experiment: Its provider, seed and `max_records` are used.
        shown: Pictures to train on; those measured on must be others.
        features: Picture set -> unit rows.

    Raises:
        InputError: As in `captioned_material`.
    """
    generator = np.random.default_rng([experiment.seed, 20])
    asked = []
    for place, texts in enumerate(shown.captions):
        order = generator.permutation(len(texts))
        asked.append([Caption(texts[one], f"{shown.name}-{place}") for one in order])
    return captioned_material(experiment, asked, features(shown.pictures))


def caption_tests(
    shown: CaptionSet,
    features: Features,
    *,
    queries: QueryPairs | None = None,
    classes: PictureClasses | None = None,
    folder: Path | None = None,
) -> Tests:
    """Return the tests on captioned pictures.

    Args:
        shown: Pictures that nothing was trained on.
        features: Picture set -> unit rows.
        queries: Pairs of queries; by default two captions of each picture ask for it.
        classes: Pictures to classify.
        folder: A folder with `sts` and `sugarcrepe_pp`; a part that is not there is left out.
    """
    table = Table1Tests(
        pictures=features(shown.pictures),
        queries=queries or _two_captions(shown),
        captions=shown.texts,
        owners=shown.picture_of,
        classes=classes,
    )
    return Tests("test", table, sentence_tasks(folder), swap_tests(folder))


def _two_captions(shown: CaptionSet) -> QueryPairs | None:
    pairs = [(texts[0], texts[1], str(place)) for place, texts in enumerate(shown.captions) if len(texts) > 1]
    if not pairs:
        return None
    one, other, images = zip(*pairs, strict=True)
    return QueryPairs(f"{shown.name}-captions", one, other, images, ("",) * len(pairs))
