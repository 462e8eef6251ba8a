"""The gradient of one step: in one pass, or in two over chunks when a batch is too large to keep.

Gradient caching: the rows of all texts are computed and nothing else is kept; the loss tells how it changes
with each row; then every chunk is encoded again and that change is sent back through it. The result is the
plain gradient, for one more forward pass and the memory of one chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from lexclip_core.training.distributed import Encoder
from lexclip_core.training.history import Terms
from lexclip_core.training.objective import Step

Accept = Callable[[Terms], Tensor]
"""Weighted terms -> their sum, after a look at whether it is any use."""

_CHUNKS = 100_003  # far more than a batch has; keeps the seeds of chunks apart


def plain(encoder: Encoder, step: Step, accept: Accept, *, seed: int) -> None:
    """Add the gradient of a step to that of every trained parameter, in one pass.

    Args:
        encoder: Encodes the texts.
        step: The texts and their terms.
        accept: Returns the sum of the terms, or raises.
        seed: Of dropout.
    """
    torch.manual_seed(seed)
    accept(step.terms(encoder(step.texts))).backward()  # type: ignore[no-untyped-call]


def cached(encoder: Encoder, step: Step, accept: Accept, *, seed: int, chunk: int) -> None:
    """Add the gradient of a step to that of every trained parameter, a chunk of texts at a time.

    A text that occurs several times is encoded once. Dropout is drawn anew for every chunk, alike in both
    passes.

    Args:
        encoder: Encodes the texts.
        step: The texts and their terms.
        accept: Returns the sum of the terms, or raises.
        seed: Of dropout.
        chunk: Texts kept at a time.
    """
    chunks, inverse = text_chunks(step.texts, chunk)
    rows = []
    for number, texts in enumerate(chunks):
        torch.manual_seed(chunk_seed(seed, number))
        rows.append(encoder.without_gradient(texts))
    unique = torch.cat(rows).requires_grad_()
    accept(step.terms(unique[inverse.to(unique.device)])).backward()  # type: ignore[no-untyped-call]
    gradient = unique.grad if unique.grad is not None else torch.zeros_like(unique)
    parts = gradient.split([len(texts) for texts in chunks])
    for number, (texts, part) in enumerate(zip(chunks, parts, strict=True)):
        torch.manual_seed(chunk_seed(seed, number))
        if number + 1 < len(chunks):
            with encoder.keep_local():
                encoder(texts).backward(part)  # type: ignore[no-untyped-call]
        else:  # where there are several processes, this one averages over them
            encoder(texts).backward(part)  # type: ignore[no-untyped-call]


def chunk_seed(seed: int, number: int) -> int:
    """Return the seed of a chunk's dropout."""
    return seed * _CHUNKS + number


def text_chunks(texts: Sequence[str], chunk: int) -> tuple[list[list[str]], Tensor]:
    """Return the different texts in chunks, and the place of each given text among them, int64 (n,).

    Texts of about one length stand together, so that little of a chunk is padding.
    """
    unique = sorted(dict.fromkeys(texts), key=lambda text: (len(text), text))
    place = {text: number for number, text in enumerate(unique)}
    chunks = [unique[start : start + chunk] for start in range(0, len(unique), chunk)]
    return chunks, torch.tensor([place[text] for text in texts])
