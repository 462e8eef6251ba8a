"""The training that the blog released, restated in plain steps from what its code does.

Written from the facts that docs/discrepancies.md tells (D1 to D5, D10, D11), and from nothing of lexclip:
every batch's different words are padded to 77 tokens and encoded once, pairs are taken one at a time, the
optimiser is torch's own over every parameter whose name lacks "visual", and the model is in train mode.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import open_clip
import torch
from torch import Tensor, nn

Pair = tuple[str, str]

PENALTIES: dict[str, Callable[[Tensor], Tensor]] = {
    "square": lambda error: error**2,
    "logcosh": lambda error: torch.log(torch.cosh(torch.abs(error))),
    "huber": lambda error: (
        error**2 / 2 if torch.abs(error) <= 1 else torch.abs(error) - torch.tensor(0.5, dtype=error.dtype)
    ),
    "exp": lambda error: torch.exp(torch.abs(error)) / 10,
}


def different(words: Sequence[str]) -> list[str]:
    return [word for place, word in enumerate(words) if word not in words[:place]]


def distance_term(
    now: Mapping[str, Tensor], pairs: Sequence[Pair], targets: Mapping[Pair, float], c: float, kind: str
) -> Tensor:
    """Return the mean penalty of pairs; `now` has the unit vector of each word."""
    total = torch.zeros(())
    for first, second in pairs:
        cosine = (now[first] * now[second]).sum()
        total = total + PENALTIES[kind](c * (targets[first, second] - cosine))
    return total / len(pairs)


def regulariser(now: Mapping[str, Tensor], before: Mapping[str, Tensor]) -> Tensor:
    """Return the sum of squared differences of unit vectors over the words, by the number of words."""
    total = torch.zeros(())
    for word, vector in now.items():
        total = total + ((vector - before[word]) ** 2).sum()
    return total / len(now)


class ReleasedTraining:
    """A copy of a model in training.

    Args:
        model: An open_clip model.
        targets: The similarity of every two words, in both orders.
        regularised: Pairs with a regulariser, by SGD; otherwise batches of words without one, by AdamW.
        c: Scale of the error: 3 in the released run, 4 by default.
        kind: The penalty; the released code always squares.
        rate: Learning rate; by default the released one.
    """

    def __init__(
        self,
        model: nn.Module,
        targets: Mapping[Pair, float],
        *,
        regularised: bool,
        c: float,
        kind: str = "square",
        rate: float | None = None,
    ) -> None:
        self.model = copy.deepcopy(model).train()
        self.targets, self.regularised, self.c, self.kind = targets, regularised, c, kind
        self.parameters = {
            name: value.requires_grad_()
            for name, value in self.model.named_parameters()
            if "visual" not in name
        }
        with torch.no_grad():
            self.before = self.encode(different([first for first, _ in targets]))
        trained = list(self.parameters.values())
        self.optimiser: torch.optim.Optimizer = (
            torch.optim.SGD(trained, lr=rate or 1e-4)
            if regularised
            else torch.optim.AdamW(trained, lr=rate or 1e-5)
        )

    def encode(self, words: Sequence[str]) -> dict[str, Tensor]:
        features = self.model.encode_text(open_clip.tokenize(list(words)))
        return dict(zip(words, features / features.norm(dim=-1, keepdim=True), strict=True))

    def loss(self, batch: Sequence[Pair] | Sequence[str]) -> Tensor:
        """Return the loss of a batch: of pairs with the regulariser, or of words without it."""
        if not self.regularised:
            pairs = list(combinations(batch, 2))
            return distance_term(self.encode(batch), pairs, self.targets, self.c, self.kind)
        now = self.encode(different([word for pair in batch for word in pair]))
        distance = distance_term(now, batch, self.targets, self.c, self.kind)
        return distance + 0.08 * regulariser(now, self.before)

    def gradients(self, batch: Sequence[Pair] | Sequence[str]) -> dict[str, Tensor | None]:
        values = torch.autograd.grad(self.loss(batch), list(self.parameters.values()), allow_unused=True)
        return dict(zip(self.parameters, values, strict=True))

    def step(self, batch: Sequence[Pair] | Sequence[str]) -> float:
        loss = self.loss(batch)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return float(loss.detach())
