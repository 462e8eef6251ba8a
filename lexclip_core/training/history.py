"""What a training was like: one row a step."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

Terms = dict[str, torch.Tensor]

_NO_TERMS = ("step", "epoch", "seconds", "total")


@dataclass
class History:
    """One row a step: step, epoch, seconds, each loss term, total."""

    rows: list[dict[str, float]] = field(default_factory=list)

    def add(self, step: int, epoch: int, seconds: float, terms: Terms) -> None:
        """Append the terms of a step."""
        values = {name: float(term.detach()) for name, term in terms.items()}
        row = {"step": step, "epoch": epoch, "seconds": round(seconds, 3)}
        self.rows.append(row | values | {"total": sum(values.values())})

    def shown(self) -> dict[str, str]:
        """Return the terms of the last step as a progress bar shows them."""
        return {name: f"{value:.4f}" for name, value in self.rows[-1].items() if name not in _NO_TERMS}
