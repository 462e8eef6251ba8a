"""Training the text half of ViT-B-32 on a GPU: tokens a second of open_clip's own way, and of lexclip's.

Every step is one update by InfoNCE between 3,072 pairs of captions, in bfloat16. open_clip pads each to 77
tokens and compiles nothing. What is counted are the tokens of the captions, not their padding.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import open_clip
import torch
from torch import Tensor

from bench.encoding import random_clip
from bench.paraphrase_records import made_up_records
from bench.table import Row, show
from lexclip_core.towers import trainable
from lexclip_core.towers.tower import Tower
from lexclip_core.training.losses import info_nce

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


def gpu_rows() -> list[Row]:
    """Return text tokens a second on a GPU of each way to train; nothing, and the reason, without one."""
    if not torch.accelerator.is_available():
        logger.info("no GPU here: the step over %s captions in bfloat16 is left out", f"{PAIRS:,}")
        return []
    on_cpu, texts = random_clip(), _captions(2 * PAIRS)
    device = torch.device(torch.accelerator.current_accelerator())
    tower = Tower(on_cpu.model, on_cpu.tokenizer, on_cpu.spec, sha256="", device=device, dtype=torch.bfloat16)
    trainable.set_trainable(tower, "all")
    tokens = sum(map(len, tower.tokens(texts)))
    found: dict[str, float] = {}
    for name, step in text_steps(tower, texts, "inductor").items():
        for _ in range(3):
            step()
        torch.accelerator.synchronize()
        began = time.monotonic()
        for _ in range(STEPS):
            step()
        torch.accelerator.synchronize()
        found[name] = STEPS * tokens / (time.monotonic() - began)
    own = found.pop("open_clip's own")
    return [
        {
            "name": f"{PAIRS:,} pairs of captions on a GPU, {name}",
            "value": rate,
            "unit": "tokens/s",
            "baseline": own,
            "ratio": rate / own,
            "target": None,
        }
        for name, rate in found.items()
    ]


if __name__ == "__main__":
    show(gpu_rows())
