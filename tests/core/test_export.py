"""What a run exports, other libraries load: with the vectors that lexclip computes, and its image half."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import open_clip
import pandas as pd
import pytest
import test_towers_dual_encoders as duals
import test_towers_hugging_face_clip as clips
import test_towers_sentence_encoders as sentences
import torch
from sentence_transformers import SentenceTransformer
from tiny_tower import ARCHITECTURE, random_model, register_architectures
from transformers import AutoModel, AutoTokenizer, CLIPModel

from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.experiments import run_folder
from lexclip_core.experiments.export import export_run, model_card
from lexclip_core.towers.loading import load, load_image
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.trainable import set_trainable
from lexclip_core.towers.weights import apply_tuned, interpolate, save_tuned

TEXTS = ["dog", "a photo of a golden retriever", "happy"]
EMBEDDINGS = np.eye(2, dtype=np.float32)


class Base(NamedTuple):
    """A stand-in for a downloaded model: what lexclip loads, and what else loads what it exports."""

    name: str
    setting: str
    libraries: dict[str, Callable[[Path], np.ndarray]]


def by_open_clip(folder: Path) -> np.ndarray:
    model, _ = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokens = open_clip.get_tokenizer(f"local-dir:{folder}")(TEXTS)
    with torch.no_grad():
        return model.eval().encode_text(tokens, normalize=True).numpy()


def by_transformers(folder: Path) -> np.ndarray:
    model = CLIPModel.from_pretrained(folder).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(TEXTS, return_tensors="pt", padding=True)
    with torch.no_grad():
        found = model.get_text_features(**tokens)
    rows = getattr(found, "pooler_output", found)
    return torch.nn.functional.normalize(rows, dim=-1).numpy()


def by_siglip(folder: Path) -> np.ndarray:
    options = {"padding": "max_length", "max_length": duals.LENGTH, "return_tensors": "pt"}
    tokens = AutoTokenizer.from_pretrained(folder)(TEXTS, **options)
    with torch.no_grad():
        found = AutoModel.from_pretrained(folder).eval().get_text_features(tokens["input_ids"])
    return torch.nn.functional.normalize(found.pooler_output, dim=-1).numpy()


def by_sentence_transformers(folder: Path) -> np.ndarray:
    return SentenceTransformer(str(folder), device="cpu").encode(TEXTS, normalize_embeddings=True)


def open_clip_file(folder: Path) -> Base:
    from safetensors.torch import save_file

    register_architectures(folder)
    path = folder / "clip.safetensors"
    header = {"architecture": f"{ARCHITECTURE}-quickgelu", "activation": "quickgelu"}
    save_file(
        {k: v.contiguous() for k, v in random_model(quick_gelu=True).state_dict().items()}, path, header
    )
    return Base(str(path), "lora:2", {"open_clip": by_open_clip})


def transformers_folder(folder: Path) -> Base:
    clips.saved(folder / "clip")
    libraries = {"open_clip": by_open_clip, "transformers": by_transformers}
    return Base(str(folder / "clip"), "all", libraries)


def siglip_folder(folder: Path) -> Base:
    duals.saved(folder / "siglip", "siglip")
    return Base(str(folder / "siglip"), "last:1", {"transformers": by_siglip})


def sentence_folder(folder: Path) -> Base:
    sentences.saved(folder, family="bert", dense=((16, torch.nn.Tanh()),))
    return Base(str(folder / "model"), "last:1", {"sentence-transformers": by_sentence_transformers})


def minilm(folder: Path) -> Base:
    return Base("all-MiniLM-L6-v2", "lora:2", {"sentence-transformers": by_sentence_transformers})


BASES = [open_clip_file, transformers_folder, siglip_folder, sentence_folder, minilm]


def run_of(base: Base, folder: Path, **config: Any) -> tuple[run_folder.RunSummary, Tower, Tower]:
    """Write a run whose tower was moved by made-up steps."""
    tower = load(base.name, device="cpu")
    tuned = tower.copy()
    set_trainable(tuned, base.setting)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for value in tuned.trainable_parameters().values():
            value += 0.05 * torch.randn(value.shape, generator=generator)
    save_tuned(tuned, folder / "tensors.safetensors", base=tower)
    content = run_folder.RunContent(
        run_id="lexclip-0123abcd",
        config={"preset": "lexclip", "method": "relations", "tower": base.name, **config},
        metrics={"test/sts-b/spearman": {"value": 0.5, "low": 0.4, "high": 0.6, "before": 0.25}},
        history=pd.DataFrame({name: [0.0] for name in run_folder.HISTORY_COLUMNS}),
        words=("a", "b"),
        before=EMBEDDINGS,
        after=EMBEDDINGS,
    )
    path = run_folder.write_run(folder / "runs", content, tuned=folder / "tensors.safetensors")
    return run_folder.summarise(path), tower, tuned


@pytest.mark.parametrize("made", BASES, ids=lambda one: one.__name__)
def test_each_library_computes_the_same(made: Callable[[Path], Base], tmp_path: Path) -> None:
    base = made(tmp_path)
    run, untouched, tuned = run_of(base, tmp_path)
    exported = export_run(run, tmp_path / "out")
    assert exported.libraries == tuple(base.libraries)
    rows = tuned.encode_texts(TEXTS)
    assert np.abs(rows - untouched.encode_texts(TEXTS)).max() > 1e-2  # or the base alone would do
    for read in base.libraries.values():
        assert np.abs(read(exported.folder) - rows).max() < 1e-5
    again = load(str(exported.folder), device="cpu")
    assert np.abs(again.encode_texts(TEXTS) - rows).max() < 1e-5
    if "open_clip" in exported.libraries:
        before, after = (
            load_image(one).encode_pictures(clips.PICTURES) for one in (base.name, str(exported.folder))
        )
        np.testing.assert_array_equal(before, after)
    assert exported.bytes == sum(one.stat().st_size for one in exported.folder.rglob("*") if one.is_file())


def test_an_alpha_goes_part_of_the_way_and_the_card_says_so(tmp_path: Path) -> None:
    run, untouched, _ = run_of(open_clip_file(tmp_path), tmp_path)
    exported = export_run(run, tmp_path / "out", alpha=0.5)
    half = interpolate(untouched, apply_tuned(untouched, run.tuned_path), 0.5)
    assert np.abs(by_open_clip(exported.folder) - half.encode_texts(TEXTS)).max() < 1e-5
    card = (exported.folder / "README.md").read_text(encoding="utf-8")
    assert "at alpha 0.5" in card
    assert "at the alpha exported here nothing was measured" in card
    with pytest.raises(InputError, match="is not an empty folder"):
        export_run(run, tmp_path / "out")


def test_the_card_has_numbers_controls_and_licence(tmp_path: Path) -> None:
    run, *_ = run_of(minilm(tmp_path), tmp_path, control="none")
    alone = model_card(run, ("sentence-transformers",), licence="Apache-2.0", sha256="ab" * 32)
    assert "license: apache-2.0" in alone
    assert "| STS-B test, rho | 0.250 | 0.500 (0.400 to 0.600) |" in alone
    assert "No control of this training is at hand" in alone
    content = run_folder.read_run(run.path)
    control = {**content.config, "control": "shuffled", "preset": "lexclip-shuffled"}
    parts = {
        name: getattr(content, name) for name in ("metrics", "history", "words", "before", "after", "pairs")
    }
    run_folder.write_run(run.path.parent, run_folder.RunContent("shuffled-1", control, **parts))
    assert "| measure | before | after | shuffled |" in model_card(run, ("open_clip",))


def test_what_cannot_be_exported_is_said(tmp_path: Path) -> None:
    run, *_ = run_of(Base("tiny-random", "last:1", {}), tmp_path)
    with pytest.raises(InputError, match="no other library has a model like tiny-random"):
        export_run(run, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (run.path / "tuned.safetensors").unlink()
    with pytest.raises(MissingResourceError, match="make the run again"):
        export_run(run_folder.summarise(run.path), tmp_path / "out")
