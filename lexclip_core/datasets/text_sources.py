"""Every set of texts by its name: captioned pictures, scored sentences and words, composition, queries.

A set is added by one module of `datasets` that declares a `Source` in a tuple `SOURCES`, with a card in
`data/cards.toml` or in the module. What another program adds to `TEXT_SOURCES` is opened the same way.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lexclip_core.datasets.captions import CaptionSet
from lexclip_core.datasets.cards import Source, declared_sources, entry_of
from lexclip_core.errors import InputError

TEXT_SOURCES: dict[str, Source[Any]] = declared_sources("lexclip_core.datasets")
"""Name -> source of a `captions.CaptionSet`, a `sentence_similarity.SentencePairs`,
a `word_similarity.WordPairs`, a `composition.CaptionTests` or a `query_pairs.QueryPairs`."""


def open_captions(name: str, path: Path | None = None, *, split: str = "test") -> CaptionSet:
    """Return pictures with their captions, by the name of the set.

    Args:
        name: `coco`, `flickr8k` or `flickr30k`, or what was added.
        path: Where the set lies on disk; by default the folder with its name in `cards.pictures_folder()`.
            COCO is read by Karpathy's `dataset_coco.json` where it is there; else `train` is
            `annotations/captions_train2017.json` with `train2017`, and every other part is that of val2017.
        split: The part: `test`, `train`, `development` or `all`.

    Raises:
        InputError: No such set or part, or it has no captions.
        MissingResourceError: As in `captions.coco` and `captions.flickr`.
        DamagedFileError: As in `captions.coco` and `captions.flickr`.
    """
    texts = entry_of(TEXT_SOURCES, name, "set of texts").open(path, sample=split)
    if not isinstance(texts, CaptionSet):
        raise InputError(f"{name} is not a set of captioned pictures", "name one, such as coco or flickr30k")
    return texts
