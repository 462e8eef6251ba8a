"""The registries of what a training on words may be penalised by: its error, and its distance from the base.

A penalty is one entry of `PENALTIES`, an anchor one of `ANCHORS`; settings and losses take them by name.
Importing this module is cheap: the entries call methods of tensors, and torch is imported where one needs it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def square(error: Tensor) -> Tensor:
    """Return e^2, the penalty that was released."""
    return error.square()


def logcosh(error: Tensor) -> Tensor:
    """Return log cosh e, written so that a large error cannot overflow."""
    from torch.nn import functional

    return error.abs() + functional.softplus(-2 * error.abs()) - error.new_tensor(math.log(2.0))


def huber(error: Tensor) -> Tensor:
    """Return e^2 / 2 up to |e| = 1, and |e| - 1/2 beyond."""
    from torch.nn import functional

    return functional.huber_loss(error, error.new_zeros(error.shape), reduction="none", delta=1.0)


def exp(error: Tensor) -> Tensor:
    """Return e^|error| - 1; the released code has e^|error| / 10."""
    return error.abs().expm1()


PENALTIES: dict[str, Callable[[Tensor], Tensor]] = {
    "square": square,
    "logcosh": logcosh,
    "huber": huber,
    "exp": exp,
}
"""Name -> penalty on the scaled error e = c (target - cosine), any shape; all are even and zero at zero."""


def euclidean(difference: Tensor) -> Tensor:
    """Return the lengths of rows, (n, dim) -> (n,): ||M(w) - M0(w)|| as the blog writes it."""
    import torch

    length: Tensor = torch.linalg.vector_norm(difference, dim=1)
    return length


def squared(difference: Tensor) -> Tensor:
    """Return the squared lengths of rows, (n, dim) -> (n,): what the blog's released code computes."""
    return difference.square().sum(dim=1)


ANCHORS: dict[str, Callable[[Tensor], Tensor]] = {"euclidean": euclidean, "squared": squared}
"""Name -> distance of embeddings from where they were."""
