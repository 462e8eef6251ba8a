"""Every number of both papers beside ours, with a verdict.

A notebook states what it measured on (`conditions`) and hands `conditions.measured(...)` entries to
`notebook_runner.record`; `table` joins what was collected in `data/measured` with `data/reported.csv` and the
claims.
"""

from lexclip_core.datasets.reported import Place
from lexclip_core.ledger.claims import Claim, read_claims
from lexclip_core.ledger.files import entries, measured_folder, read_measurements, write_measurements
from lexclip_core.ledger.joining import NUMBER_COLUMNS, TEXT_COLUMNS, details, table
from lexclip_core.ledger.measurement import Conditions, Expectation, Measurement, conditions
from lexclip_core.ledger.page import write_page
from lexclip_core.ledger.quantity import Quantity
from lexclip_core.ledger.verdicts import Verdict

__all__ = [
    "NUMBER_COLUMNS",
    "TEXT_COLUMNS",
    "Claim",
    "Conditions",
    "Expectation",
    "Measurement",
    "Place",
    "Quantity",
    "Verdict",
    "conditions",
    "details",
    "entries",
    "measured_folder",
    "read_claims",
    "read_measurements",
    "table",
    "write_measurements",
    "write_page",
]
