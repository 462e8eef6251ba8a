"""A training step on paraphrases: pictures encoded before against pictures encoded in the step, and its pace.

The towers are the embedded default in bfloat16, trained as the preset paraclip-emoji says by L1'' + L2 + L3.
Where the trained image tower is not there, one with random weights stands in: it costs the same. Times are
CPU seconds of one core. The step over 3,072 records is timed on every ninth of its chunks, since all of them
would take minutes.
"""

from __future__ import annotations

import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from PIL import Image

from bench.encoding import one_core, timed
from bench.image_tower import made_up_pictures, tower_folder
from bench.paraphrase_records import made_up_records
from bench.table import Row, show
from lexclip_core.paraphrase.records import PictureRows, RecordTable, open_records, write_records
from lexclip_core.towers import loading, trainable
from lexclip_core.towers.images import ImageTower
from lexclip_core.towers.tower import Tower
from lexclip_core.training.distributed import Encoder
from lexclip_core.training.loop import text_chunks, train
from lexclip_core.training.losses import ALONE
from lexclip_core.training.objectives import ParaclipObjective
from lexclip_core.training.settings import TABLE_2, ParaphraseSettings

COMPARED, SMALL, LARGE = 128, 256, 3_072
CHUNK, SAMPLED = 256, 9
PICTURES = 512
KEPT = 1_000_000  # records in the Arrow file that is read by row


class FreshPictures:
    """Picture rows as a step would have them that encodes its pictures.

    Args:
        tower: The image tower.
        pictures: What is encoded.
        of_record: Which picture each record shows.
    """

    def __init__(self, tower: ImageTower, pictures: list[Image.Image], of_record: np.ndarray) -> None:
        self._tower, self._pictures, self.of_record = tower, pictures, of_record

    def rows(self, records: np.ndarray) -> np.ndarray:
        """Return the rows of the pictures of some records, computed now."""
        return self._tower.encode_pictures(self._pictures[place] for place in self.of_record[records])


def settings(batch: int) -> ParaphraseSettings:
    """Return one step of the embedded default's training."""
    changed = {"device": "cpu", "dtype": "bfloat16", "batch": batch, "chunk": 0, "steps": 1}
    return ParaphraseSettings.from_flat({"preset": "paraclip-emoji"}).replace(
        **changed, **TABLE_2["L1''+L2+L3"]
    )


def step_seconds(base: Tower, experiment: ParaphraseSettings, objective: ParaclipObjective) -> float:
    """Return the CPU seconds of a training of one step."""
    tower = base.copy()
    trainable.set_trainable(tower, experiment.trainable)
    return timed(lambda: train(tower, objective, experiment))[0]


def cached_seconds(base: Tower, objective: ParaclipObjective) -> float:
    """Return the CPU seconds of a step with cached gradients, estimated from some of its chunks."""
    tower, step = base.copy(), objective.step(0, ALONE)
    trainable.set_trainable(tower, settings(LARGE).trainable)
    encoder = Encoder(tower, settings(LARGE).noise, ALONE)
    chunks, inverse = text_chunks(step.texts, CHUNK)
    sample = chunks[SAMPLED // 2 :: SAMPLED]

    def both_passes() -> None:
        for texts in sample:
            rows = encoder.without_gradient(texts)
            encoder(texts).backward(rows)

    def loss() -> None:
        rows = torch.nn.functional.normalize(torch.randn(sum(map(len, chunks)), tower.dim), dim=1)
        torch.stack(list(step.terms(rows.requires_grad_()[inverse]).values())).sum().backward()

    return timed(both_passes)[0] * len(chunks) / len(sample) + timed(loss)[0]


def pace(name: str, examples: float, baseline: float | None, target: str | None = None) -> Row:
    """Return the row of examples a second, beside another pace."""
    return {
        "name": name,
        "value": examples,
        "unit": "examples/s",
        "baseline": baseline,
        "ratio": examples / baseline if baseline else None,
        "target": target,
    }


def picture_rows() -> list[Row]:
    """Return the pace with kept picture rows, with pictures encoded, and of a large batch in chunks."""
    base = loading.load(
        ParaphraseSettings.from_flat({"preset": "paraclip-emoji"}).tower, device="cpu", dtype="bfloat16"
    )
    table = RecordTable.of(made_up_records(LARGE, PICTURES))
    pictures = made_up_pictures()
    with tempfile.TemporaryDirectory() as scratch, one_core():
        image = loading.load_image("emoji", path=tower_folder(Path(scratch)), device="cpu", dtype="bfloat16")
        kept = PictureRows.matched(table, list(map(str, range(PICTURES))), image.encode_pictures(pictures))
        fresh = FreshPictures(image, pictures, kept.of_record)

        def seconds(batch: int, shown: PictureRows | FreshPictures = kept) -> float:
            experiment = settings(batch)
            return step_seconds(base, experiment, ParaclipObjective(table, experiment, pictures=shown))

        seconds(COMPARED)  # not counted: the first step reads the texts and sets things up
        with_rows = min(seconds(COMPARED) for _ in range(2))
        with_pictures = min(seconds(COMPARED, shown=fresh) for _ in range(2))
        small = seconds(SMALL)
        large = cached_seconds(base, ParaclipObjective(table, settings(LARGE), pictures=kept))
    return [
        pace(
            f"step of {COMPARED}, picture rows kept, against pictures encoded",
            COMPARED / with_rows,
            COMPARED / with_pictures,
            "> 1x",
        ),
        pace(f"step of {SMALL}", SMALL / small, None),
        pace(f"step of {LARGE:,}, gradients cached in chunks of {CHUNK}", LARGE / large, SMALL / small),
    ]


def reading_rows() -> list[Row]:
    """Return how fast records are read by row from a file, and the most memory that takes."""
    some = made_up_records(10_000)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "records.arrow"
        write_records(path, (some[row % len(some)] for row in range(KEPT)))
        drawn = np.random.default_rng(0).permutation(KEPT)[: 10 * LARGE]
        table = open_records(path)
        seconds, _ = timed(lambda: [table.column(name, drawn) for name in ("caption", "paraphrase_1")])
        del table
        arrow = pa.total_allocated_bytes()
        tracemalloc.start()
        table = open_records(path)
        for start in range(0, len(drawn), LARGE):
            table.column("caption", drawn[start : start + LARGE])
        most = tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - arrow
        tracemalloc.stop()
        size = path.stat().st_size
    return [
        pace(f"records read by row, of {KEPT:,}", len(drawn) / seconds, None),
        {
            "name": f"memory to read {KEPT:,} records by row, against the file",
            "value": most / 2**20,
            "unit": "MB",
            "baseline": size / 2**20,
            "ratio": size / most,
            "target": None,
        },
    ]


def rows() -> list[Row]:
    """Return the pace of training steps, of reading records, and on a GPU where there is one."""
    return [*picture_rows(), *reading_rows()]


if __name__ == "__main__":
    show(rows())
