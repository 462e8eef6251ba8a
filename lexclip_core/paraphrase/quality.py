"""How good paraphrases are: how long, how different, how near in meaning, how many failed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import sacrebleu

from lexclip_core.errors import InputError
from lexclip_core.paraphrase.english import load_english
from lexclip_core.paraphrase.grammar import split
from lexclip_core.paraphrase.provider import Failure, Made, caption_form
from lexclip_core.paraphrase.records import ParaphraseRecord
from lexclip_core.towers.encoder import Encoder

PAIRS = {
    "step 1": ("caption", "paraphrase_1"),
    "step 2": ("paraphrase_1", "paraphrase_2"),
    "both steps": ("caption", "paraphrase_2"),
}
"""Row of the report -> from which text to which."""

COLUMNS = ("words", "length_ratio", "overlap", "unchanged", "identical", "self_bleu", "cosine", "failed")


def content_words(text: str) -> frozenset[str]:
    """Return the words of a text in lower case, without function words and marks.

    >>> sorted(content_words("There is a Red dog!"))
    ['dog', 'red']
    """
    words = (word.lower() for word in split(text))
    return frozenset(
        word for word in words if word[0].isalnum() and word not in load_english().function_words
    )


def overlap(source: str, target: str) -> float:
    """Return the Jaccard similarity of two texts' content words, in [0, 1]; 1 where neither has any.

    >>> overlap("a red dog", "the dog barks") == 1 / 3
    True
    """
    one, other = content_words(source), content_words(target)
    return len(one & other) / len(one | other) if one | other else 1.0


def unchanged_words(source: str, target: str) -> float:
    """Return the share of the source's words, function words included, that the target has too, in [0, 1]."""
    words = [word.lower() for word in split(source) if word[0].isalnum()]
    others = {word.lower() for word in split(target)}
    return sum(word in others for word in words) / len(words) if words else 1.0


def identical(source: str, target: str) -> bool:
    """Return whether two texts are the same but for case and closing marks."""
    return caption_form(source) == caption_form(target)


def self_bleu(sources: Sequence[str], targets: Sequence[str]) -> float:
    """Return corpus BLEU of the paraphrases with their sources as references, in [0, 1]; 1 is a copy.

    Texts are compared in lower case, with sacrebleu's own tokenizer and smoothing.

    Raises:
        InputError: The lists are empty or differ in length.
    """
    if not sources or len(sources) != len(targets):
        raise InputError(f"{len(sources)} sources and {len(targets)} paraphrases", "give as many of each")
    return sacrebleu.corpus_bleu(list(targets), [list(sources)], lowercase=True).score / 100


def mean_cosine(sources: Sequence[str], targets: Sequence[str], encode: Encoder) -> float:
    """Return the mean cosine of each text and its paraphrase, in [-1, 1]; `encode` is asked once per text."""
    texts = list(dict.fromkeys((*sources, *targets)))
    rows = dict(zip(texts, encode(texts), strict=True))
    products = [float(rows[one] @ rows[other]) for one, other in zip(sources, targets, strict=True)]
    return float(np.mean(products))


def quality_table(made: Made, encode: Encoder | None = None) -> pd.DataFrame:
    """Return one row for step 1, step 2 and both, with means over the records.

    Columns: words (of the target), length_ratio (target to source, in words), overlap, unchanged, identical
    (share of records), self_bleu, cosine (NaN without `encode`), failed (share of what the step was given).

    Args:
        made: The records and the failures.
        encode: Texts -> unit rows, for the column cosine.

    Raises:
        InputError: There is no record.
    """
    if not made.records:
        raise InputError("there is no record to judge", "look at the failures")
    rows = {name: _row(made, pair, encode) for name, pair in PAIRS.items()}
    for name, share in _failed(made.failures, len(made.records)).items():
        rows[name]["failed"] = share
    return pd.DataFrame.from_dict(rows, orient="index")[list(COLUMNS)]


def examples(records: Sequence[ParaphraseRecord], count: int, seed: int = 0) -> pd.DataFrame:
    """Return some records to read, drawn by a seed, with the overlap of caption and second paraphrase."""
    chosen = np.random.default_rng(seed).permutation(len(records))[:count]
    rows = [records[place] for place in sorted(chosen.tolist())]
    return pd.DataFrame(
        {
            "caption": [row.caption for row in rows],
            "paraphrase_1": [row.paraphrase_1 for row in rows],
            "paraphrase_2": [row.paraphrase_2 for row in rows],
            "overlap": [overlap(row.caption, row.paraphrase_2) for row in rows],
        }
    )


def _row(made: Made, pair: tuple[str, str], encode: Encoder | None) -> dict[str, float]:
    sources = [getattr(record, pair[0]) for record in made.records]
    targets = [getattr(record, pair[1]) for record in made.records]
    both = list(zip(sources, targets, strict=True))
    return {
        "words": float(np.mean([len(target.split()) for target in targets])),
        "length_ratio": float(np.mean([len(new.split()) / len(old.split()) for old, new in both])),
        "overlap": float(np.mean([overlap(*one) for one in both])),
        "unchanged": float(np.mean([unchanged_words(*one) for one in both])),
        "identical": float(np.mean([identical(*one) for one in both])),
        "self_bleu": self_bleu(sources, targets),
        "cosine": mean_cosine(sources, targets, encode) if encode else float("nan"),
    }


def _failed(failures: Sequence[Failure], records: int) -> dict[str, float]:
    first = sum(failure.step == 1 for failure in failures)
    second = len(failures) - first
    asked = records + len(failures)
    return {
        "step 1": first / asked,
        "step 2": second / (asked - first),
        "both steps": len(failures) / asked,
    }
