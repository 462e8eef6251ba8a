"""ViT-B-32 with random weights on a GPU: steps against open_clip's own, ParaCLIP, blog-fast, a card's words.

It takes a few minutes and keeps data/scale/gpu-NAME.csv. In the first part every step is an update by InfoNCE
between 3,072 pairs of captions, in bfloat16. open_clip pads each to 77 tokens and compiles nothing. What is
counted are the tokens of the captions, not their padding.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

import numpy as np
import open_clip
import pandas as pd
import torch
from torch import Tensor

from bench.encoding import random_clip
from bench.paraphrase_records import made_up_records
from bench.scale import imagenet_vocabulary
from bench.table import Row, show
from lexclip_core import storage
from lexclip_core.experiments.explorer_data import wide_words
from lexclip_core.experiments.words import matrix_materials
from lexclip_core.paraphrase.records import PictureRows, RecordTable
from lexclip_core.towers import trainable
from lexclip_core.towers.tower import Tower
from lexclip_core.training.loop import train
from lexclip_core.training.losses import info_nce
from lexclip_core.training.objectives import LexicalObjective, ParaclipObjective
from lexclip_core.training.settings import MatrixSettings, ParaphraseSettings, settings_of

logger = logging.getLogger(__name__)

PAIRS, STEPS, CONTEXT = 3_072, 20, 77


def _captions(count: int) -> list[str]:
    return [record.caption for record in made_up_records(count)]


def _stepping(tower: Tower, rows: Callable[[], Tensor]) -> Callable[[], None]:
    """Return an update of a tower by InfoNCE between the first and the second half of some rows."""
    optimiser = torch.optim.AdamW(list(tower.trainable_parameters().values()), lr=1e-6)
    scale = torch.tensor(100.0, device=tower.device)

    def step() -> None:
        optimiser.zero_grad(set_to_none=True)
        info_nce(*rows().chunk(2), scale).backward()
        optimiser.step()

    return step


def text_steps(tower: Tower, texts: list[str], compiler: str) -> dict[str, Callable[[], None]]:
    """Return an update over texts as open_clip trains, and as lexclip does, as it is and compiled.

    Args:
        tower: A native text tower whose parameters are in training.
        texts: An even number of texts.
        compiler: The backend of torch.compile.
    """
    padded = open_clip.tokenize(texts, context_length=CONTEXT).to(tower.device)
    cut = padded[:, : max(len(ids) for ids in tower.tokens(texts))]
    mask, positions = tower.model.attn_mask, tower.model.positional_embedding

    def plain() -> Tensor:
        with torch.autocast(tower.device.type, dtype=torch.bfloat16):
            return tower.model.encode_text(padded, normalize=True).float()

    def short() -> Tensor:
        length = cut.shape[1]
        rows = tower.model.token_embedding(cut) + positions[:length]
        rows = tower.model.transformer(rows, attn_mask=mask[:length, :length])
        ends = tower.model.ln_final(rows)[torch.arange(len(cut), device=cut.device), cut.argmax(dim=-1)]
        return torch.nn.functional.normalize((ends @ tower.model.text_projection).float(), dim=-1)

    compiled = torch.compile(short, backend=compiler)

    def fast() -> Tensor:
        with torch.autocast(tower.device.type, dtype=torch.bfloat16):
            return compiled()

    return {
        "open_clip's own": _stepping(tower, plain),
        "true length": _stepping(tower, lambda: tower.embed(texts)),
        "longest length, compiled": _stepping(tower, fast),
    }


def _each(work: Callable[[], object], device: torch.device, times: int) -> float:
    """Return the seconds that a call takes on a device, after one that is not timed."""
    work()
    _wait(device)
    began = time.monotonic()
    for _ in range(times):
        work()
    _wait(device)
    return (time.monotonic() - began) / times


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize()


def step_rows(tower: Tower, pairs: int, compiler: str, times: int) -> list[Row]:
    """Return text tokens a second of each way to train, open_clip's own as the baseline."""
    texts = _captions(2 * pairs)
    tokens = sum(map(len, tower.tokens(texts)))
    steps = text_steps(tower, texts, compiler)
    found = {name: tokens / _each(step, tower.device, times) for name, step in steps.items()}
    own = found.pop("open_clip's own")
    return [
        _row(f"{pairs:,} pairs of captions, {name}", rate, "tokens/s", own) for name, rate in found.items()
    ]


def paraclip_row(tower: Tower, records: int, steps: int) -> Row:
    """Return the records a second of ParaCLIP's final loss, pictures encoded before."""
    made = made_up_records(records)
    rows = np.random.default_rng(0).standard_normal((len(made), tower.dim)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    table = RecordTable.of(made)
    settings = settings_of("paraclip", {"batch": records, "steps": steps, "provider": "rules"})
    assert isinstance(settings, ParaphraseSettings)
    shown = PictureRows.matched(table, [one.image for one in made], rows)
    objective = ParaclipObjective(table, settings, pictures=shown, device=tower.device)
    seconds = _each(lambda: train(tower, objective, settings), tower.device, 1) / steps
    return _row(f"ParaCLIP's step over {records:,} records", records / seconds, "records/s")


def blog_fast_row(tower: Tower, classes: int, steps: int) -> Row:
    """Return the seconds of blog-fast's 100 steps over the blog's words, from a few of them."""
    words, synsets = (part[:classes] for part in imagenet_vocabulary())
    settings = settings_of("blog-fast", {"steps": steps})
    assert isinstance(settings, MatrixSettings)
    sampler = matrix_materials(settings, words, synsets).sampler
    objective = LexicalObjective(words, sampler, settings, tower.encode_texts(words))
    seconds = _each(lambda: train(tower, objective, settings), tower.device, 1) / steps
    return _row(f"blog-fast on {len(words):,} words, 100 steps", 100 * seconds, "s")


def card_row(tower: Tower, most: int | None = None) -> Row:
    """Return the milliseconds a word of the vocabulary that a lexical card is about."""
    words = wide_words()[:most]
    seconds = _each(lambda: tower.encode_texts(words), tower.device, 1)
    return _row(f"the card's {len(words):,} words encoded", 1000 * seconds / len(words), "ms/word")


def _row(name: str, value: float, unit: str, baseline: float | None = None) -> Row:
    ratio = value / baseline if baseline else None
    return {"name": name, "value": value, "unit": unit, "baseline": baseline, "ratio": ratio, "target": None}


def tower_on(device: torch.device, dtype: torch.dtype) -> Tower:
    """Return ViT-B-32's text tower with random weights, all of them in training."""
    made = random_clip()
    tower = Tower(made.model, made.tokenizer, made.spec, sha256="", device=device, dtype=dtype)
    trainable.set_trainable(tower, "all")
    return tower


def rows() -> list[Row]:
    """Return what a GPU does with ViT-B-32; nothing, and the reason, without one."""
    if not torch.accelerator.is_available():
        logger.info("no GPU here: ViT-B-32's steps in bfloat16, blog-fast and the card's words are left out")
        return []
    device = torch.device(torch.accelerator.current_accelerator())
    found = [
        *step_rows(tower_on(device, torch.bfloat16), PAIRS, "inductor", STEPS),
        paraclip_row(tower_on(device, torch.bfloat16), PAIRS, 3),
        blog_fast_row(tower_on(device, torch.float32), 1_358, 5),
        card_row(tower_on(device, torch.bfloat16)),
    ]
    name = torch.cuda.get_device_name() if device.type == "cuda" else device.type
    path = storage.data_folder() / "scale" / f"gpu-{re.sub('[^a-z0-9]+', '-', name.lower())}.csv"
    with storage.atomic_write(path) as temporary:
        pd.DataFrame(found).assign(device=name).to_csv(temporary, index=False, float_format="%.4g")
    return found


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    show(rows())
