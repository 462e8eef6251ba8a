"""One training step on word pairs: the released way re-stated against ours, on the same text tower.

The released way: ten pairs a step, each of their different words at 77 tokens, one Python pass over the pairs
and one over the words. Ours encodes the same words at their true length and computes all cosines as one
matrix. Two comparisons, because they answer
different questions: a step over all pairs costs less than a step over ten (but is one update, not thousands),
and a step over the same ten pairs is the same update for less. The learning rate is zero, so that both sides
and all steps see the same weights; an optimiser step costs the same at any rate. At these weights the anchor
is at its minimum, so the gradients compared are those of the distance term.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import open_clip
import torch
from torch import Tensor

from bench.encoding import agreement, one_core, random_clip, timed
from bench.table import Row, show
from lexclip_core.targets.wu_palmer import wu_palmer_matrix
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import set_trainable
from lexclip_core.training.losses import lexical_loss
from lexclip_core.wordnet.tables import load_wordnet

NAMES = 274  # names in the released sample of 100 classes: 37,401 pairs
PAIRS_A_STEP = 10
SCALE, WEIGHT = 3.0, 0.08  # c and lambda of the released run
STEPS = 8  # batches of pairs, drawn from all of them, that are run both ways
COMPARED = 16  # names whose 120 pairs are run ten at a time and all at once
SUBTREES = ("artifact.n.01", "animal.n.01")

Pair = tuple[int, int]


@dataclass(frozen=True)
class Sample:
    """Words with their target similarities and their embeddings before training."""

    words: list[str]
    targets: Tensor
    reference: Tensor

    def part(self, indexes: Sequence[int]) -> Sample:
        """Return the sample of some of the words."""
        chosen = torch.tensor(indexes)
        return Sample(
            [self.words[i] for i in indexes], self.targets[chosen][:, chosen], self.reference[chosen]
        )


def draw_sample(tower: Tower) -> Sample:
    """Return 274 names of things and animals, drawn with a fixed seed, with Wu-Palmer targets."""
    wordnet = load_wordnet()
    first: dict[str, int] = {}
    for root in SUBTREES:
        for synset in wordnet.subtree(wordnet.index(root), 100_000):
            first.setdefault(wordnet.lemmas[synset][0].replace("_", " ").lower(), int(synset))
    words = sorted(first)
    drawn = np.random.default_rng(0).choice(len(words), size=NAMES, replace=False)
    chosen = [words[index] for index in drawn]
    targets = wu_palmer_matrix([wordnet.name(first[word]) for word in chosen])
    reference = torch.from_numpy(tower.encode_texts(chosen))
    return Sample(chosen, torch.from_numpy(targets).float(), reference)


def released_loss(tower: Tower, sample: Sample, pairs: Sequence[Pair]) -> Tensor:
    """Return the loss of a few pairs the released way: their different words padded, one pair at a time."""
    indexes = list(dict.fromkeys(index for pair in pairs for index in pair))
    encoded = tower.model.encode_text(
        open_clip.tokenize([sample.words[index] for index in indexes]), normalize=True
    )
    now = dict(zip(indexes, encoded, strict=True))
    distance = torch.zeros(())
    for first, second in pairs:
        cosine = torch.dot(now[first], now[second])
        distance = distance + (SCALE * (sample.targets[first, second] - cosine)) ** 2
    anchor = torch.zeros(())
    for index in indexes:
        anchor = anchor + ((now[index] - sample.reference[index]) ** 2).sum()
    return distance / len(pairs) + WEIGHT * anchor / len(indexes)


def our_loss(tower: Tower, sample: Sample, mask: Tensor | None = None) -> Tensor:
    """Return the loss of all pairs of a sample, or of those the mask weighs."""
    terms = lexical_loss(
        tower.embed(sample.words),
        sample.targets,
        sample.reference,
        c=SCALE,
        weight=WEIGHT,
        anchor="squared",
        mask=mask,
    )
    return torch.stack(list(terms.values())).sum()


def our_pairs_loss(tower: Tower, sample: Sample, pairs: Sequence[Pair]) -> Tensor:
    """Return the loss of a few pairs, each of their words encoded once."""
    indexes = sorted({index for pair in pairs for index in pair})
    mask = torch.zeros(len(indexes), len(indexes))
    for first, second in pairs:
        mask[indexes.index(first), indexes.index(second)] = 1
    return our_loss(tower, sample.part(indexes), mask)


def step(optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
    """Go one optimiser step down a loss, keeping the gradients for a look at them."""
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def gradient(tower: Tower) -> Tensor:
    """Return the gradients of the trained parameters, laid end to end."""
    return torch.cat([value.grad.reshape(-1) for value in tower.trainable_parameters().values()])


def _batches(pairs: Sequence[Pair]) -> list[Sequence[Pair]]:
    return [pairs[start : start + PAIRS_A_STEP] for start in range(0, len(pairs), PAIRS_A_STEP)]


def _apart(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).abs().max() / theirs.abs().max())


def rows() -> list[Row]:
    """Return the cost of a pair seen and of a ten-pair step, and how far the gradients lie apart."""
    tower = random_clip()
    sample = draw_sample(tower)
    set_trainable(tower, "all")
    optimiser = torch.optim.SGD(list(tower.trainable_parameters().values()), lr=0.0)
    drawn = np.random.default_rng(0).permutation(list(combinations(range(NAMES), 2)))[: STEPS * PAIRS_A_STEP]
    compared, released, ours, apart = sample.part(range(COMPARED)), [], [], []
    mean = torch.zeros(())
    with one_core():
        step(optimiser, our_pairs_loss(tower, sample, _batches(drawn.tolist())[0]))  # warm
        for some in _batches(drawn.tolist()):
            released.append(timed(lambda some=some: step(optimiser, released_loss(tower, sample, some)))[0])
            theirs = gradient(tower)
            ours.append(timed(lambda some=some: step(optimiser, our_pairs_loss(tower, sample, some)))[0])
            apart.append(_apart(gradient(tower), theirs))
        steps = _batches(list(combinations(range(COMPARED), 2)))
        for some in steps:
            step(optimiser, our_pairs_loss(tower, compared, some))
            mean = mean + gradient(tower) / len(steps)
        step(optimiser, our_loss(tower, compared))
        whole_apart = _apart(gradient(tower), mean)
        whole = min(timed(lambda: step(optimiser, our_loss(tower, sample)))[0] for _ in range(2))
    return [
        *_costs(statistics.median(released), statistics.median(ours), whole),
        agreement(f"gradients of {PAIRS_A_STEP} pairs, relative", max(apart)),
        agreement("mean gradient of all steps and full matrix, relative", whole_apart),
    ]


def _costs(released: float, ours: float, whole: float) -> list[Row]:
    seen = NAMES * (NAMES - 1) // 2
    each, released_each = whole / seen, released / PAIRS_A_STEP
    return [
        {
            "name": f"a pair seen: one step over all {seen:,} against {PAIRS_A_STEP} a step",
            "value": 1e6 * each,
            "unit": "us/pair",
            "baseline": 1e6 * released_each,
            "ratio": released_each / each,
            "target": ">= 1000x",
        },
        {
            "name": f"an update: {PAIRS_A_STEP} pairs, ours against the released loop",
            "value": ours,
            "unit": "s/step",
            "baseline": released,
            "ratio": released / ours,
            "target": ">= 8x",
        },
        {
            "name": f"one update over all {seen:,} pairs against one over {PAIRS_A_STEP}",
            "value": whole,
            "unit": "s/step",
            "baseline": released,
            "ratio": released / whole,
            "target": None,
        },
    ]


if __name__ == "__main__":
    show(rows())
