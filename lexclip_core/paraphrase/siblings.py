"""Other people's captions of the same picture as paraphrases: COCO and Flickr have five a picture."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from lexclip_core.pairs.records import ParaphraseRecord
from lexclip_core.paraphrase.provider import Caption, Failure, Outcome


class SiblingProvider:
    """Two other captions of the same picture, drawn by caption and seed.

    No caption is made from another: step one and step two are two people who saw the same picture.

    Args:
        seed: Another seed draws others.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    @property
    def name(self) -> str:
        """What made the paraphrases, for provenance."""
        return f"siblings, seed {self.seed}"

    def paraphrase(self, captions: Sequence[Caption]) -> Iterator[Outcome]:
        """Yield one outcome a caption, in order; the siblings are looked for among the captions given.

        A picture with fewer than three different captions gives failures: of step 1 without a sibling, of
        step 2 with one.
        """
        texts: dict[str, dict[str, str]] = {}
        for caption in captions:
            texts.setdefault(caption.image, {}).setdefault(_form(caption.text), caption.text.strip())
        for caption in captions:
            yield self._outcome(caption, texts[caption.image] if caption.image else {})

    def _outcome(self, caption: Caption, texts: dict[str, str]) -> Outcome:
        others = [form for form in texts if form != _form(caption.text)]
        if len(others) < 2:
            where = f"the picture {caption.image!r}" if caption.image else "a caption without a picture"
            reason = f"{where} has {len(others)} other captions, not two"
            return Failure(caption, 2 if others else 1, reason)
        first, second = sorted(others, key=lambda form: self._draw(caption, form))[:2]
        return ParaphraseRecord(caption.image, caption.text, texts[first], texts[second])

    def _draw(self, caption: Caption, form: str) -> bytes:
        return hashlib.sha256(f"{self.seed}\n{_form(caption.text)}\n{form}".encode()).digest()


def _form(text: str) -> str:
    return " ".join(text.casefold().rstrip(" .!").split())
