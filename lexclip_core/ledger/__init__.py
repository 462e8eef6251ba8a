"""Every number of both papers beside ours, with a verdict.

A notebook states what it measured on (`conditions`) and hands `conditions.measured(...)` entries to
`notebook_runner.record`.
"""

from lexclip_core.datasets.reported import Place
from lexclip_core.ledger.measurement import Conditions, Expectation, Measurement, Quantity, conditions

__all__ = ["Conditions", "Expectation", "Measurement", "Place", "Quantity", "conditions"]
