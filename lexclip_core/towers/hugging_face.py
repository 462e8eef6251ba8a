"""Folders of transformers: a CLIPModel read into open_clip's modules, and the text half of other pairs.

A CLIP's tensors are the same numbers under other names. Of SigLIP and other pairs of encoders the text half
is computed by transformers' own modules.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, NotRequired

import torch
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import TypedDict

from lexclip_core.download import checked_sha256
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.text_files import read_json
from lexclip_core.towers.forward import TextTokenizer, read_config, read_tokenizer, whole_ids
from lexclip_core.towers.open_clip import Checkpoint, Config
from lexclip_core.towers.registry import Activation, TowerSpec
from lexclip_core.towers.sentence import TextModel
from lexclip_core.towers.sources import (
    DUAL_ENCODERS,
    TRANSFORMERS_CONFIG,
    WEIGHT_NAMES,
    hub_repository,
    published_sha256,
    weight_file,
)
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.weight_files import load_strictly, read_tensors

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


def stored_tensor(name: str, tensors: Mapping[str, Tensor]) -> Tensor | None:
    """Return a tensor of transformers' CLIPModel out of those under open_clip's names; None if none is its.

    Args:
        name: Its name in transformers.
        tensors: Tensors under open_clip's names.
    """
    renamed = _renamed(name)
    part = _PART.fullmatch(renamed)
    if part:
        whole = tensors.get(f"{part[1]}in_proj_{part[2]}")
        letter = renamed.removeprefix(part[1])[0]
        return None if whole is None else whole.chunk(3)["qkv".index(letter)]
    value = tensors.get(renamed)
    return value.T if value is not None and renamed in _PROJECTIONS else value


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


# --- other pairs of encoders ---

_PADDING = -1  # its own token where the text ends, as some vocabularies pad with the end token


class TextFeatures(nn.Module):
    """Token ids (texts, tokens), padded with -1 -> features (texts, dim), by `get_text_features`.

    Args:
        transformer: A pair of encoders of transformers, of which the text half alone is left.
        tokenizer: Has the token that texts are padded with, and the side.
        length: The length that every text is padded to, unmasked; 0 masks what is padding.
    """

    def __init__(self, transformer: nn.Module, tokenizer: Any, *, length: int) -> None:
        super().__init__()
        self.config = SimpleNamespace(pad_token_id=_PADDING)
        self.transformer = transformer
        self.padding, self.left, self.length = (
            tokenizer.pad_token_id,
            tokenizer.padding_side == "left",
            length,
        )

    def forward(self, ids: Tensor) -> Tensor:
        """Return features, (texts, dim), not normalised."""
        own = ids != _PADDING
        mask = {} if self.length else {"attention_mask": own.long()}
        if self.length:
            lengths = own.sum(dim=1, keepdim=True)
            places = torch.arange(self.length, device=ids.device) - self.left * (self.length - lengths)
            own = (places >= 0) & (places < lengths)
            ids = ids.gather(1, places.clamp(0, ids.shape[1] - 1))
        model: Any = self.transformer
        features: Tensor = model.get_text_features(ids.where(own, self.padding), **mask).pooler_output
        return features


def load_dual_folder(name: str, folder: Path, *, device: torch.device, dtype: torch.dtype) -> Tower:
    """Return the text tower of a folder with a pair of encoders that transformers has saved, such as SigLIP.

    Args:
        name: The name it was asked for by.
        folder: A folder of one of the types of `sources.DUAL_ENCODERS`.
        device: Where it computes.
        dtype: float32, or bfloat16 for mixed precision.

    Raises:
        DamagedFileError: A file of the folder cannot be read, or the tokenizer is another model's.
        InputError: The tensors do not fit the configuration.
        MissingResourceError: There are no weights.
    """
    from transformers import AutoModel

    config, tokenizer = read_config(folder), read_tokenizer(folder)
    text, weights = config.text_config, weight_file(folder, WEIGHT_NAMES)
    length = min(tokenizer.model_max_length, text.max_position_embeddings)
    if len(tokenizer) > text.vocab_size or tokenizer.pad_token_id is None:
        problem = f"the tokenizer of {folder} knows {len(tokenizer)} tokens, the tower {text.vocab_size}"
        raise DamagedFileError(problem, "put the model's own tokenizer files there, its padding included")
    auto: Any = AutoModel
    with torch.random.fork_rng(devices=[]):  # random initial weights must not move the caller's seed
        transformer: nn.Module = auto.from_config(config, trust_remote_code=False)
    parts = [*transformer.named_children(), *transformer.named_parameters(recurse=False)]
    for part in [part for part, _ in parts if not part.startswith("text")]:
        delattr(transformer, part)  # the image half, and the scales of a loss
    tensors = {key: value for key, value in read_tensors(weights).items() if key.startswith("text")}
    used = {key: value for key, value in tensors.items() if not key.endswith("position_ids")}
    load_strictly(
        transformer, used, source=str(weights), architecture=f"its config.json ({config.model_type})"
    )
    whole = length if DUAL_ENCODERS[config.model_type] else 0
    features = TextFeatures(transformer.eval(), tokenizer, length=whole)
    digest = checked_sha256(weights)
    with torch.inference_mode():
        dim = features(torch.tensor([[features.padding]])).shape[-1]
    record = TowerSpec(
        name=name,
        architecture=config.model_type,
        pretrained="",
        activation="quickgelu" if getattr(text, "hidden_act", "") == "quick_gelu" else "gelu",
        tokenizer=folder.name,
        context_length=length,
        dim=dim,
        source=str(weights),
        sha256=published_sha256(weights, digest, "", hub_repository(name)),
    )
    encode = TextTokenizer(partial(whole_ids, tokenizer), context_length=length, name=record.tokenizer)
    return Tower(TextModel(features), encode, record, sha256=digest, device=device, dtype=dtype)
