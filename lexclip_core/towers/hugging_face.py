"""A folder of transformers' CLIPModel, read into open_clip's modules: the same numbers under other names."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NotRequired

import torch
from pydantic import Field
from torch import Tensor
from typing_extensions import TypedDict

from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.text_files import read_json
from lexclip_core.towers.forward import TextTokenizer, read_tokenizer, whole_ids
from lexclip_core.towers.open_clip import Checkpoint, Config
from lexclip_core.towers.registry import Activation
from lexclip_core.towers.sources import TRANSFORMERS_CONFIG, WEIGHT_NAMES, weight_file
from lexclip_core.towers.weight_files import read_tensors

TOKENIZER_FILES = ("tokenizer.json", "vocab.json")

_ACTIVATIONS: dict[str, Activation] = {"quick_gelu": "quickgelu", "gelu": "gelu"}
_OPEN_CLIP_EPS = 1e-5
_FIRST_END_TOKEN = 2  # written into configurations before transformers 4.31; it then reads the largest id
# PIL's numbers of filters -> what open_clip calls them
_FILTERS = {2: "bilinear", 3: "bicubic"}

# A shared beginning of names, and the end that a projection or a plain tensor has.
_RENAMED = (
    (r"text_model\.embeddings\.token_embedding\.", "token_embedding."),
    (r"text_model\.embeddings\.position_embedding\.weight", "positional_embedding"),
    (r"text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"text_model\.final_layer_norm\.", "ln_final."),
    (r"text_projection\.weight", "text_projection"),
    (r"vision_model\.embeddings\.class_embedding", "visual.class_embedding"),
    (r"vision_model\.embeddings\.patch_embedding\.weight", "visual.conv1.weight"),
    (r"vision_model\.embeddings\.position_embedding\.weight", "visual.positional_embedding"),
    (r"vision_model\.encoder\.layers\.", "visual.transformer.resblocks."),
    (r"vision_model\.pre_layrnorm\.", "visual.ln_pre."),  # transformers' own spelling
    (r"vision_model\.post_layernorm\.", "visual.ln_post."),
    (r"visual_projection\.weight", "visual.proj"),
)
_IN_BLOCK = (
    (".layer_norm1.", ".ln_1."),
    (".layer_norm2.", ".ln_2."),
    (".mlp.fc1.", ".mlp.c_fc."),
    (".mlp.fc2.", ".mlp.c_proj."),
    (".self_attn.", ".attn."),
)
_PROJECTIONS = ("text_projection", "visual.proj")  # stored the other way round
_PART = re.compile(r"(.*\.attn\.)[qkv]_proj\.(weight|bias)")


_Count = Annotated[int, Field(ge=1)]


class _Half(TypedDict):
    hidden_size: NotRequired[_Count]
    num_hidden_layers: NotRequired[_Count]
    num_attention_heads: NotRequired[_Count]
    intermediate_size: NotRequired[_Count]
    hidden_act: NotRequired[str]
    layer_norm_eps: NotRequired[float]
    max_position_embeddings: NotRequired[_Count]
    vocab_size: NotRequired[_Count]
    image_size: NotRequired[_Count]
    patch_size: NotRequired[_Count]


class _Stated(TypedDict):
    projection_dim: NotRequired[_Count]
    text_config: NotRequired[_Half | None]
    vision_config: NotRequired[_Half | None]


class _Preprocessor(TypedDict):
    resample: NotRequired[int]
    image_mean: NotRequired[list[float] | None]
    image_std: NotRequired[list[float] | None]


def from_clip_folder(folder: Path) -> Checkpoint:
    """Return the weights of a folder that transformers' `CLIPModel.save_pretrained` has written.

    Raises:
        DamagedFileError: A file of the folder cannot be read.
        InputError: The configuration is of a model that open_clip's modules do not compute.
        MissingResourceError: There are no weights.
    """
    config, end_token = _config(folder)
    return Checkpoint(
        weight_file(folder, WEIGHT_NAMES),
        config,
        folder.name,
        trained="quickgelu" if config["quick_gelu"] else "gelu",
        folder=folder,
        read=_read,
        tokenizer=partial(_tokenizer, folder, config["text_cfg"], end_token),
        preprocess=_preprocess(folder),
    )


def _config(folder: Path) -> tuple[Config, int]:
    """Return open_clip's configuration of the model, and the token that its texts end with."""
    from transformers import CLIPConfig

    read_json(folder / TRANSFORMERS_CONFIG, _Stated, remedy="restore the file")
    try:
        stated: Any = CLIPConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises many kinds
        problem = f"{folder / TRANSFORMERS_CONFIG} cannot be read: {error}"
        raise DamagedFileError(problem, "restore the file") from error
    text, vision = stated.text_config, stated.vision_config
    acts = {text.hidden_act, vision.hidden_act}
    if len(acts) > 1 or not acts <= _ACTIVATIONS.keys():
        remedy = f"only models with one of {', '.join(_ACTIVATIONS)} in both halves can be loaded"
        raise InputError(f"{folder} computes with {' and '.join(sorted(acts))}", remedy)
    config = {
        "embed_dim": stated.projection_dim,
        "quick_gelu": acts == {"quick_gelu"},
        "text_cfg": {
            "context_length": text.max_position_embeddings,
            "vocab_size": text.vocab_size,
            **_sizes(text),
            "heads": text.num_attention_heads,
        },
        "vision_cfg": {
            "image_size": vision.image_size,
            "patch_size": vision.patch_size,
            **_sizes(vision),
            "head_width": vision.hidden_size // vision.num_attention_heads,
        },
    }
    return config, text.eos_token_id


def _sizes(half: Any) -> Config:
    sizes = {
        "width": half.hidden_size,
        "layers": half.num_hidden_layers,
        "mlp_ratio": half.intermediate_size / half.hidden_size,
    }
    if half.layer_norm_eps != _OPEN_CLIP_EPS:
        sizes["norm_kwargs"] = {"eps": half.layer_norm_eps}
    return sizes


def _read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a weight file under open_clip's names; names unknown here stay as they are."""
    renamed = {_renamed(name): value for name, value in read_tensors(path).items()}
    for name in _PROJECTIONS:
        if name in renamed:
            renamed[name] = renamed[name].T.contiguous()
    for before, kind in {match.groups() for name in renamed if (match := _PART.fullmatch(name))}:
        parts = [f"{before}{letter}_proj.{kind}" for letter in "qkv"]
        if all(part in renamed for part in parts):  # else strict loading names the one that is missing
            renamed[f"{before}in_proj_{kind}"] = torch.cat([renamed.pop(part) for part in parts])
    return renamed


def _renamed(name: str) -> str:
    for old, new in _RENAMED:
        name, changed = re.subn(f"^{old}", new, name)
        if changed:
            break
    if ".resblocks." in name:
        for old, new in _IN_BLOCK:
            name = name.replace(old, new)
    return name


def _tokenizer(folder: Path, text: Config, stated: int) -> TextTokenizer:
    """Return the folder's own tokenizer, after a look at the end token that the tower reads its feature at.

    Raises:
        DamagedFileError: The files are no tokenizer, or another model's.
        MissingResourceError: There is none: another one may share a vocabulary's size and none of its ids.
    """
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        problem = f"{folder} holds no tokenizer"
        raise MissingResourceError(problem, f"put {TOKENIZER_FILES[0]} of the same model there")
    tokenizer = read_tokenizer(folder)
    size, end = text["vocab_size"], tokenizer.eos_token_id
    if len(tokenizer) > size or end != len(tokenizer) - 1 or stated not in (_FIRST_END_TOKEN, end):
        raise DamagedFileError(
            f"the tokenizer of {folder} knows {len(tokenizer)} tokens and ends texts with {end}; the tower "
            f"knows {size} and reads at {'the largest' if stated == _FIRST_END_TOKEN else stated}",
            "put the model's own tokenizer files there",
        )

    encode = partial(whole_ids, tokenizer)
    return TextTokenizer(encode, context_length=text["context_length"], name="clip-bpe")


def _preprocess(folder: Path) -> dict[str, Any]:
    """Return how pictures were prepared, in open_clip's terms; its defaults are OpenAI's, as here."""
    file = folder / "preprocessor_config.json"
    stated: _Preprocessor = read_json(file, _Preprocessor, remedy="restore the file", default={})
    if not stated:
        return {}
    filter_number = stated.get("resample", 3)
    if filter_number not in _FILTERS:
        raise InputError(f"{file} resizes with filter {filter_number}", f"use one of {_FILTERS}")
    preprocess = {
        "mean": stated.get("image_mean"),
        "std": stated.get("image_std"),
        "interpolation": _FILTERS[filter_number],
    }
    return {name: value for name, value in preprocess.items() if value is not None}
