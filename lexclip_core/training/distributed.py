"""Several processes that train one tower together, as torchrun starts them.

Every process gives terms whose mean over the processes is the loss. Gradients are averaged by the wrapper of
torch, which works only when the wrapper itself is called: so the encoder below is a module whose forward pass
takes texts. Calling a method of the module inside would skip the averaging without a word.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from lexclip_core import storage
from lexclip_core.towers.tower import Tower
from lexclip_core.training.losses import ALONE, Terms, World


def join() -> World:
    """Return this process's place among those that torchrun started, joining them at the first call.

    A process that was started alone is alone. Each one takes the accelerator of its local rank, where there
    are any; without them they talk over gloo. Call it before a tower is loaded.
    """
    if not distributed.is_available():
        return ALONE
    if not distributed.is_initialized():
        if storage.processes()[1] < 2:
            return ALONE
        place = int(os.environ.get("LOCAL_RANK", "0"))
        if torch.accelerator.is_available():
            torch.accelerator.set_device_index(place % torch.accelerator.device_count())
        distributed.init_process_group()  # the fitting backend for each kind of device
    return World(distributed.get_rank(), distributed.get_world_size())


def is_writer() -> bool:
    """Return whether this process is the one that writes files and reports."""
    return join().rank == 0


def wait_for_all() -> None:
    """Wait until every process has come this far."""
    if join().size > 1:
        distributed.barrier()


def agreed(value: str) -> str:
    """Return the first process's value, in every process."""
    box = [value]
    if join().size > 1:
        distributed.broadcast_object_list(box)
    return box[0]


class Encoder:
    """A tower's rows of texts with gradients, averaged over the processes where there are several.

    Args:
        tower: The tower in training.
        noise: As in `Tower.embed`.
        world: This process's place.
    """

    def __init__(self, tower: Tower, noise: Any, world: World) -> None:
        self._module: nn.Module = _TextRows(tower, noise)
        self._wrapped: nn.Module = self._module
        if world.size > 1:
            self._wrapped = DistributedDataParallel(self._module)

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return the unit rows of texts, (len(texts), dim)."""
        rows: Tensor = self._wrapped(list(texts))
        return rows

    def without_gradient(self, texts: Sequence[str]) -> Tensor:
        """Return the unit rows of texts, (len(texts), dim), for which nothing is kept."""
        with torch.no_grad():
            rows: Tensor = self._module(list(texts))
            return rows

    def keep_local(self) -> AbstractContextManager[None]:
        """Return a context in which gradients are added up here and not yet averaged."""
        if isinstance(self._wrapped, DistributedDataParallel):
            return self._wrapped.no_sync()
        return nullcontext()


class _TextRows(nn.Module):
    def __init__(self, tower: Tower, noise: Any) -> None:
        super().__init__()
        self.model = tower.model  # so that the wrapper finds the parameters
        self._embed, self._noise = tower.embed, noise

    def forward(self, texts: list[str]) -> Tensor:
        return self._embed(texts, noise=self._noise)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, rows: Tensor, world: World) -> Tensor:
        context.world, context.n = world, len(rows)
        parts = [torch.empty_like(rows) for _ in range(world.size)]
        distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        total = gradients[0].contiguous()
        distributed.all_reduce(total)  # each process's loss looks at all rows
        start = context.world.rank * context.n
        return total[start : start + context.n], None


def gather(rows: Tensor, world: World) -> Tensor:
    """Return the rows of all processes in the order of their ranks, with gradients to every one of them.

    Args:
        rows: As many in each process, shape (n, dim).
        world: This process's place.
    """
    return rows if world.size == 1 else _Gather.apply(rows, world)


def mean_terms(terms: Terms, world: World) -> Terms:
    """Return the mean of the terms over the processes, detached: what the history holds and all agree on."""
    values = {name: term.detach() for name, term in terms.items()}
    if world.size == 1 or not values:
        return values
    stacked = torch.stack([value.float() for value in values.values()])
    distributed.all_reduce(stacked)
    return dict(zip(values, stacked / world.size, strict=True))


def average_gradients(parameters: Iterable[nn.Parameter], world: World) -> None:
    """Average the gradients of parameters that stand outside the encoder."""
    if world.size == 1:
        return
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        distributed.all_reduce(parameter.grad)
        parameter.grad /= world.size
