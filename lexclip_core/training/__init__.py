"""The one visible training loop, what it trains on, and how several processes share it.

`fit` tunes on words; `train` takes any objective, such as `ParaclipObjective`. Under torchrun both use all
processes: `torchrun --nproc-per-node 2 -m lexclip_core.cli tune ...`.
"""

from lexclip_core.training.distributed import gather, is_writer, join, wait_for_all
from lexclip_core.training.history import History, Terms
from lexclip_core.training.lexical import LexicalObjective, fit, loss_terms
from lexclip_core.training.loop import train
from lexclip_core.training.objective import Objective, Step
from lexclip_core.training.optimisation import learning_rate, seed_everything
from lexclip_core.training.paraclip import ParaclipObjective

__all__ = [
    "History",
    "LexicalObjective",
    "Objective",
    "ParaclipObjective",
    "Step",
    "Terms",
    "fit",
    "gather",
    "is_writer",
    "join",
    "learning_rate",
    "loss_terms",
    "seed_everything",
    "train",
    "wait_for_all",
]
