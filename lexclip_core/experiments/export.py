"""Write a run's tuned tower as a model folder that other libraries load, with image half and model card.

The layout is that of the base: a CLIP becomes a folder of open_clip, one that came from transformers also a
folder of transformers, and a sentence encoder a folder of sentence-transformers.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexclip_core import storage
from lexclip_core.errors import InputError
from lexclip_core.experiments.run_folder import COMPARED, RunSummary, list_runs, tensors_of
from lexclip_core.training.settings import DEFAULT_TOWER

if TYPE_CHECKING:
    from torch import Tensor

    from lexclip_core.towers.open_clip import Checkpoint

_COPIED = (".json", ".txt", ".model")  # configurations and tokenizers; weights are written anew
_MINILM_PARTS: Mapping[str, Any] = {
    "modules.json": [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ],
    "1_Pooling/config.json": {"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True},
    "sentence_bert_config.json": {"max_seq_length": 256, "do_lower_case": False},
}
"""What makes the bare files of all-MiniLM-L6-v2 a folder of sentence-transformers."""

_LOADED_BY: Mapping[str, str] = {
    "open_clip": """import open_clip

model, preprocess = open_clip.create_model_from_pretrained("local-dir:FOLDER")
tokenizer = open_clip.get_tokenizer("local-dir:FOLDER")
rows = model.encode_text(tokenizer(["a dog"]), normalize=True)""",
    "transformers": """from transformers import AutoModel, AutoTokenizer

model, tokenizer = AutoModel.from_pretrained("FOLDER"), AutoTokenizer.from_pretrained("FOLDER")
rows = model.get_text_features(**tokenizer(["a dog"], return_tensors="pt"))""",
    "sentence-transformers": """from sentence_transformers import SentenceTransformer

rows = SentenceTransformer("FOLDER").encode(["a dog"], normalize_embeddings=True)""",
}
"""Library -> how it loads an exported folder."""

_CONTROLS = ("constant", "shuffled", "random_words")


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        folder: The model folder.
        libraries: The libraries that load it, the first one its own.
        bytes: Its size.
    """

    folder: Path
    libraries: tuple[str, ...]
    bytes: int


def export_run(run: RunSummary, folder: Path, *, alpha: float = 1.0) -> Exported:
    """Write a run's tuned tower as a model folder with its image half, tokenizer, model card and licence.

    What the folder's own library computes with it is what lexclip computes, to rounding.

    Args:
        run: A run whose tuned tensors are here.
        folder: Where it is written; a folder that holds something is refused.
        alpha: How far from the base (0) to the run's own weights (1); up to 2, beyond them on the same line.

    Raises:
        InputError: The folder is not empty, alpha is out of range, or no other library has such a model.
        MissingResourceError: The base or the run's tensors are not on this machine.
        DamagedFileError: The tensors do not fit the base.
        StorageError: The folder cannot be written.
    """
    from lexclip_core.towers.loading import load
    from lexclip_core.towers.weights import apply_tuned, interpolate, merged_tensors

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} is not an empty folder", "name one that is not there yet")
    file, name = tensors_of(run), str(run.config.get("tower") or DEFAULT_TOWER)
    base = load(name, device="cpu")
    tuned = apply_tuned(base, file)
    tensors = merged_tensors(tuned if alpha == 1 else interpolate(base, tuned, alpha))
    with storage.atomic_folder(folder) as target:
        libraries = _write_model(name, tensors, target)
        card = model_card(run, libraries, alpha=alpha, licence=base.spec.licence, sha256=base.sha256)
        (target / "README.md").write_text(card, encoding="utf-8")
    size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
    return Exported(folder, libraries, size)


def _write_model(name: str, tensors: Mapping[str, Tensor], target: Path) -> tuple[str, ...]:
    from lexclip_core.towers import loading, sources
    from lexclip_core.towers.registry import MINILM

    folder = sources.minilm_folder() if name == MINILM else loading.named_folder(name)
    if folder and sources.is_sentence_folder(folder):
        _write_sentence_encoder(folder, tensors, target)
        return ("sentence-transformers",)
    if folder and sources.is_dual_folder(folder):
        _copy_texts(folder, target)
        _write_part(sources.weight_file(folder, sources.WEIGHT_NAMES), tensors, "text.transformer.", target)
        return ("transformers",)
    checkpoint = loading.checkpoint_of(name)
    if checkpoint is None:
        raise InputError(f"no other library has a model like {name}", "export a run of a CLIP or of MiniLM")
    _write_open_clip(name, checkpoint, tensors, target)
    if folder and sources.is_clip_folder(folder):
        _write_transformers(checkpoint, tensors, target)
        return ("open_clip", "transformers")
    return ("open_clip",)


def _write_open_clip(name: str, checkpoint: Checkpoint, tensors: Mapping[str, Tensor], target: Path) -> None:
    """Write open_clip's configuration and weights: the tuned text half and the base's image half."""
    from lexclip_core.towers.loading import load_image

    given = checkpoint.read(checkpoint.weights)
    pictures = load_image(name, device="cpu")  # refuses a base without image half
    whole = {one: value for one, value in given.items() if one.startswith(("visual.", "logit_"))}
    whole |= {one: value for one, value in tensors.items() if one not in whole}
    config = {**checkpoint.config, "text_cfg": dict(checkpoint.config["text_cfg"])}
    if checkpoint.tokenizer is not None:  # of its own files, which open_clip looks for in the folder
        config["text_cfg"]["hf_tokenizer_name"] = checkpoint.architecture
    stated = {"model_cfg": config, "preprocess_cfg": pictures.preprocess}
    _copy_texts(checkpoint.folder, target)
    _write_json(target / "open_clip_config.json", stated)
    _write_tensors(target / "open_clip_model.safetensors", whole)


def _write_transformers(checkpoint: Checkpoint, tensors: Mapping[str, Tensor], target: Path) -> None:
    from lexclip_core.towers.hugging_face import stored_tensor
    from lexclip_core.towers.weight_files import read_tensors

    given = read_tensors(checkpoint.weights)
    mine = {one: stored_tensor(one, tensors) for one in given}
    kept = {one: given[one] if value is None else value for one, value in mine.items()}
    _write_tensors(target / "model.safetensors", kept)


def _write_sentence_encoder(folder: Path, tensors: Mapping[str, Tensor], target: Path) -> None:
    """Write each weight file of a sentence encoder anew: the encoder's, and those of its dense layers."""
    from lexclip_core.text_files import read_json
    from lexclip_core.towers import sources

    _copy_texts(folder, target)
    if not (target / "modules.json").is_file():
        for name, content in _MINILM_PARTS.items():
            _write_json(target / name, content)
    listed = read_json(target / "modules.json", list[dict[str, Any]], remedy="restore the file")
    kinds = {one["path"]: one["type"].rpartition(".")[2] for one in listed}
    places = [path for path, kind in kinds.items() if kind in ("Transformer", "Dense")]
    for number, path in enumerate(places):
        part = folder / path if (folder / path).is_dir() else folder
        start = "text.transformer." if not number else f"text.proj.{number - 1}."
        _write_part(sources.weight_file(part, sources.WEIGHT_NAMES), tensors, start, target / path)


def _write_part(file: Path, tensors: Mapping[str, Tensor], start: str, target: Path) -> None:
    """Write a weight file anew: a tensor whose name, after `start`, is a tuned one's becomes that one."""
    from lexclip_core.towers.weight_files import read_tensors

    mine = {name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
    kept = {}
    for name, value in read_tensors(file).items():
        bare = name if name in mine else name.partition(".")[2]  # a model with a head has `bert.` before it
        kept[name] = mine.get(bare, value)
    _write_tensors(target / "model.safetensors", kept)


def _copy_texts(source: Path | None, target: Path) -> None:
    for file in sorted(source.rglob("*")) if source else ():
        if file.is_file() and file.suffix in _COPIED and not file.name.endswith(".index.json"):
            place = target / file.relative_to(source or file)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)


def _write_json(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous().clone() for name, value in tensors.items()}, path, {"format": "pt"})


# --- the model card ---


def model_card(
    run: RunSummary, libraries: tuple[str, ...], *, alpha: float = 1.0, licence: str = "", sha256: str = ""
) -> str:
    """Return the README of an exported model: what it is, what was measured beside controls, its licence.

    Args:
        run: The run; its controls are looked for in its folder of runs.
        libraries: The libraries that load the folder.
        alpha: As in `export_run`.
        licence: Licence of the base's weights; empty where it is not known.
        sha256: Checksum of the base's weights.
    """
    name = str(run.config.get("tower") or DEFAULT_TOWER)
    way = "" if alpha == 1 else f", at alpha {alpha:g} between the base (0) and that run (1)"
    measured = (
        "Before and after tuning, with 95 % intervals; every word, or picture, was held out from training."
        if alpha == 1
        else "Measured on the run itself, at alpha 1; at the alpha exported here nothing was measured."
    )
    known = licence or "not known here: it is that of the base's weights"
    code = "\n\n".join(f"With {one}:\n\n```python\n{_LOADED_BY[one]}\n```" for one in libraries)
    return f"""---
license: {re.sub(r"[^a-z0-9.-]", "", licence.lower()) or "other"}
base_model: {name}
library_name: {libraries[0]}
tags: [lexclip, {run.config.get("method", "")}]
---

# {name}, tuned with lexclip ({run.preset})

The text encoder of `{name}` (sha256 `{sha256[:12]}`) after lexclip run `{run.run_id}`{way}. The image
encoder, where there is one, is the base's own.

Made by `{run.provenance.get("command", "lexclip tune")}`.

## Use

{code}

## What was measured

{measured}

{_measured(run)}
## Licence

Of the weights: {known}. lexclip is under the MIT licence.
"""


def _measured(run: RunSummary) -> str:
    controls = _controls(run)
    named = [name for name in COMPARED if name in run.metrics]
    named += [name for name in run.metrics if name not in COMPARED and name.count("/") == 1]
    heads = ["measure", "before", "after", *controls]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for name in named:
        one = run.metrics[name]
        cells = [_number(one.get("before")), _estimate(one)]
        cells += [_estimate(other.metrics.get(name, {})) for other in controls.values()]
        lines.append(f"| {' | '.join([COMPARED.get(name, name), *cells])} |")
    about = (
        f"Controls: the same training with {' and '.join(f'{one} targets' for one in controls)}.\n"
        if controls
        else "No control of this training is at hand: how much any training would change is not known.\n"
    )
    return "\n".join(lines) + "\n\n" + about + "\n"


def _controls(run: RunSummary) -> dict[str, RunSummary]:
    """Return the runs beside a run that differ from it in their control alone."""
    free = ("control", "preset", "seed")
    same = {name: value for name, value in run.config.items() if name not in free}
    found = {}
    for other in list_runs(run.path.parent)[0]:
        control = other.config.get("control")
        if control in _CONTROLS and same == {n: v for n, v in other.config.items() if n not in free}:
            found[str(control)] = other
    return found if run.config.get("control", "none") == "none" else {}


def _estimate(metric: Mapping[str, Any]) -> str:
    low, high = metric.get("low"), metric.get("high")
    spread = f" ({_number(low)} to {_number(high)})" if low is not None and high is not None else ""
    return _number(metric.get("value")) + spread


def _number(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, int | float) else "n/a"
