"""Every command of docs/real_clip.md, on a small stand-in that has the real tower's name and layout."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from lexclip_core import storage
from lexclip_core.cli.__main__ import main
from lexclip_core.experiments import pipeline, run_folder
from lexclip_core.experiments.words import make_lexicon
from lexclip_core.towers import loading, weights
from lexclip_core.training.settings import settings_of
from lexclip_core.wordnet.tables import load_wordnet
from lexclip_core.words import normalise

PAGE = (storage.project_root() / "docs" / "real_clip.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
TOWER = "ViT-B-32-quickgelu/laion400m_e31"
RUN = settings_of("lexclip", {"tower": TOWER}).run_id
"""What the page calls the run."""
SMALL = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"layers": 1, "width": 64, "head_width": 64, "image_size": 32, "patch_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 2},
}
FEWER = {
    "tune": "--set steps=2 --set batch=4 --set retained=8",
    "paraclip": "--set batch=8 --set chunk=4 --set lr=0.001",
}
ELSEWHERE = (
    "app",
    "notebooks",
)  # the explorer is asked below; tests/notebooks runs a miniature of the profile


def words() -> tuple[str, ...]:
    wordnet = load_wordnet()
    synsets = np.unique(wordnet.antonym_links.synset_i)[::3]
    linked = {normalise(lemma) for synset in synsets for lemma in wordnet.lemmas[synset]}
    every = [word for word in wordnet.words() if word.isascii() and word.isalpha()]
    return tuple(dict.fromkeys([*sorted(linked), *every[::120], *pipeline.BLOG_WORDS]))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a folder with the stand-in, its architecture under the real name, and captions with pictures."""
    folder = tmp_path_factory.mktemp("real")
    file = folder / "architectures" / "ViT-B-32-quickgelu.json"
    supplied = folder / "weights" / TOWER
    for one in (file.parent, supplied, folder / "photos"):
        one.mkdir(parents=True)
    file.write_text(json.dumps(SMALL))
    known = list(open_clip.factory._MODEL_CONFIG_PATHS)
    open_clip.add_model_config(file)
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-B-32-quickgelu")
    save_file(
        {name: one.contiguous() for name, one in model.state_dict().items()}, supplied / "clip.safetensors"
    )
    rows = []
    for number in range(40):
        Image.new("RGB", (9, 7), (6 * number, 80, 9)).save(folder / "photos" / f"{number}.jpg")
        rows.append(
            json.dumps({"image": f"{number}.jpg", "caption": f"a small red dog number {number} outside"})
        )
    (folder / "captions.jsonl").write_text("\n".join(rows) + "\n")
    load_wordnet()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("WEIGHTS", "weights"), ("RUNS", "runs"), ("CACHE", "cache")):
            patch.setenv(f"LEXCLIP_{name}", str(folder / value))
        patch.chdir(folder)
        vocabulary = make_lexicon(load_wordnet(), words(), ())
        fewer = partial(pipeline.WordExperiment, roots=(), vocabulary=vocabulary)
        patch.setitem(pipeline.EXPERIMENTS, "relations", fewer)
        fewer = partial(pipeline.ParaphraseExperiment, vocabulary=vocabulary)
        patch.setitem(pipeline.EXPERIMENTS, "paraphrases", fewer)
        yield folder
    open_clip.factory._MODEL_CONFIG_PATHS[:] = known
    open_clip.factory._rescan_model_configs()


@pytest.fixture(scope="module")
def said(place: Path) -> dict[str, str]:
    """Run the page's commands in order and return what each printed; the run is called as it came out."""
    found, run = {}, ""
    for command in COMMANDS:
        first = command.split()[1]
        if first in ELSEWHERE:
            continue
        arguments = shlex.split(f"{command} {FEWER.get(first, '')}".replace(RUN, run or "none"))[1:]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as ended:
            main(arguments)
        assert not ended.value.code, command
        found[command] = printed.getvalue()
        run = run or next((one.name for one in (place / "runs").glob("lexclip-*")), "")
    return found


def test_the_commands_are_those_of_the_page(said: dict[str, str]) -> None:
    assert [one.split()[1] for one in COMMANDS[:3]] == ["embed", "tune", "app"]
    assert len(said) == len(COMMANDS) - 2
    assert f"lexclip export {RUN} build/tuned-clip" in COMMANDS


def test_tuning_says_where_the_tensors_are(said: dict[str, str], place: Path) -> None:
    [run] = (place / "runs").glob("lexclip-*")
    assert f"tuned tensors: {run / 'tuned.safetensors'} (" in said[COMMANDS[1]]
    before, after = (said[one].splitlines()[1] for one in COMMANDS if one.startswith("lexclip embed"))
    assert before != after


def test_the_explorer_answers_words_that_the_run_does_not_hold(said: dict[str, str], place: Path) -> None:
    import store

    [run] = (place / "runs").glob("lexclip-*")
    summary = run_folder.summarise(run)
    typed = ("zebra crossing", "a chequered past")
    before, after = store.vectors(summary, typed)
    base = loading.load(TOWER, device="cpu")
    tuned = weights.apply_tuned(base, run_folder.tensors_of(summary))
    np.testing.assert_allclose(before, base.encode_texts(typed), atol=1e-5)
    np.testing.assert_allclose(after, tuned.encode_texts(typed), atol=1e-5)
    assert np.abs(after - before).max() > 1e-3


def test_what_was_exported_is_the_tuned_tower(said: dict[str, str], place: Path) -> None:
    [run] = (place / "runs").glob("lexclip-*")
    base = loading.load(TOWER, device="cpu")
    tuned = weights.apply_tuned(base, run / "tuned.safetensors")
    for name, tower in (("tuned-clip", tuned), ("half-way", weights.interpolate(base, tuned, 0.5))):
        model, _ = open_clip.create_model_from_pretrained(f"local-dir:{place / 'build' / name}")
        with torch.no_grad():
            rows = model.eval().encode_text(open_clip.tokenize(["a dog"]), normalize=True).numpy()
        assert np.abs(rows - tower.encode_texts(["a dog"])).max() < 1e-5
    card = (place / "build" / "tuned-clip" / "README.md").read_text(encoding="utf-8")
    assert "| measure | before | after |" in card
    assert "license: mit" in card


def test_captions_of_ones_own_make_a_run_that_keeps_its_tensors(said: dict[str, str], place: Path) -> None:
    [run] = (place / "runs").glob("paraclip-*")
    summary = run_folder.summarise(run)
    assert summary.config["image_tower"] == TOWER
    assert summary.config["records"] == str(place / "captions.jsonl")
    assert summary.has_tuned
    assert "test/retrieval/image_r@1" in summary.metrics
