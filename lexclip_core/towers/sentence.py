"""Sentence encoders: all-MiniLM-L6-v2 in plain torch, and folders of sentence-transformers.

`Bert` is BERT's encoder (Devlin et al., 2019), bit for bit the numbers of transformers' `BertModel`. The
default tower is one and is loaded at every start; transformers would bring two thousand modules for it. Names
of modules and parameters are those of `BertModel`, so that weight files and adapters fit both.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, NamedTuple, NotRequired

import torch
from pydantic import Field
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional
from typing_extensions import TypedDict

from lexclip_core.download import checked_sha256
from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.text_files import read_json
from lexclip_core.towers import sources
from lexclip_core.towers.forward import TextTokenizer, read_config, read_tokenizer, whole_ids
from lexclip_core.towers.registry import MINILM, TowerSpec, spec
from lexclip_core.towers.tower import Tower
from lexclip_core.towers.weight_files import load_strictly, read_tensors

# Families whose vectors are tested against the library; the positions that each keeps free of tokens.
_FREE_POSITIONS = {"bert": 0, "distilbert": 0, "roberta": 2, "xlm-roberta": 2, "mpnet": 2}
# A configuration names a class to import; only these names are taken, and nothing is imported by name.
_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "Tanh": nn.Tanh,
    "Identity": nn.Identity,
    "ReLU": nn.ReLU,
    "GELU": nn.GELU,
}
_LEGACY_POOLERS = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_LOGIT_SCALE = math.log(1 / 0.07)  # as a fresh CLIP has it; no text loss uses it
_PROBE = ("happy", [101, 3407, 102])  # a wrong vocabulary would give wrong vectors without a word


def mean_of_tokens(states: Tensor, mask: Tensor) -> Tensor:
    """Return the mean state of the tokens, (texts, width), from states (texts, tokens, width) and a mask."""
    return (states * mask.unsqueeze(-1)).sum(dim=1) / mask.sum(-1, keepdim=True)


def first_token(states: Tensor, mask: Tensor) -> Tensor:
    """Return the state of the first token, (texts, width), from states (texts, tokens, width)."""
    return states[:, 0, :]


POOLINGS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"mean": mean_of_tokens, "cls": first_token}


class SentenceEncoder(nn.Module):
    """Token ids (texts, tokens) -> features (texts, dim): an encoder, the pooling, and what follows it.

    Args:
        transformer: An encoder such as transformers' or `Bert`.
        config: Its configuration; `pad_token_id` says what padding is.
        pooling: A name of `POOLINGS`.
        layers: What follows the pooling.
    """

    def __init__(self, transformer: nn.Module, config: Any, pooling: str, layers: nn.Sequential) -> None:
        super().__init__()
        self.config = config
        self.transformer = transformer
        self.pooling = POOLINGS[pooling]
        self.proj = layers

    def forward(self, ids: Tensor) -> Tensor:
        """Return features of padded token ids, (texts, dim), not normalised."""
        mask = (ids != self.config.pad_token_id).long()
        states = self.transformer(input_ids=ids, attention_mask=mask).last_hidden_state
        features: Tensor = self.proj(self.pooling(states, mask))
        return features


class TextModel(nn.Module):
    """The outside of an open_clip model that has a text half alone."""

    def __init__(self, text: nn.Module) -> None:
        super().__init__()
        self.text = text
        self.visual = None
        self.logit_scale = nn.Parameter(torch.tensor(_LOGIT_SCALE))


class _Dense(nn.Module):
    def __init__(self, inputs: int, outputs: int, *, bias: bool, activation: nn.Module) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=bias)
        self.activation_function = activation

    def forward(self, rows: Tensor) -> Tensor:
        features: Tensor = self.activation_function(self.linear(rows))
        return features


def load_minilm(path: Path | None, *, device: torch.device, dtype: torch.dtype) -> Tower:
    """Return all-MiniLM-L6-v2 as a `Tower`, its weights verified by checksum.

    Raises:
        DamagedFileError: The weights, the configuration or the tokenizer are not the model's.
        InputError: The given folder lacks a file.
        MissingResourceError: The model is nowhere.
    """
    record, folder = spec(MINILM), sources.minilm_folder(path)
    weights = folder / "model.safetensors"
    digest = checked_sha256(weights, record.sha256)
    try:
        config = SimpleNamespace(**read_json(folder / "config.json", dict[str, Any]))
        with torch.random.fork_rng(devices=[]):  # random initial weights must not move the caller's seed
            encoder = SentenceEncoder(Bert(config), config, "mean", nn.Sequential())
        _fill(encoder.transformer, weights, "its config.json")
    except (InputError, TypeError, AttributeError, RuntimeError) as error:
        problem = f"{folder} cannot be read as {MINILM}: {getattr(error, 'problem', error)}"
        remedy = "fetch config.json and model.safetensors of the same model"
        raise DamagedFileError(problem, remedy) from error
    tokenizer = _minilm_tokenizer(folder, record)
    return Tower(TextModel(encoder), tokenizer, record, sha256=digest, device=device, dtype=dtype)


def _minilm_tokenizer(folder: Path, record: TowerSpec) -> TextTokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # the library raises bare Exceptions
        raise DamagedFileError(f"the tokenizer of {folder} cannot be read: {error}", "restore it") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    text, expected = _PROBE
    ids = tokenizer.encode(text).ids
    if ids != expected:
        raise DamagedFileError(
            f"{folder}/tokenizer.json turns {text!r} into {ids}, not {expected}: another model's tokenizer",
            f"fetch tokenizer.json of {record.source}",
        )

    def encode(texts: list[str]) -> list[list[int]]:
        return [one.ids for one in tokenizer.encode_batch_fast(texts)]

    return TextTokenizer(encode, context_length=record.context_length, name=record.tokenizer)


def load_sentence_folder(name: str, folder: Path, *, device: torch.device, dtype: torch.dtype) -> Tower:
    """Return the sentence encoder of a folder as a `Tower`, every tensor of it from the weight files.

    Its vectors are unit rows whether or not the model ends in a Normalize module. A folder with the published
    all-MiniLM-L6-v2 is that tower.

    Raises:
        DamagedFileError: A file cannot be read, or is another model's.
        InputError: The model has a part that this loader would not compute as the library does.
        MissingResourceError: A file is not there.
    """
    if sources.is_minilm_folder(folder):
        return load_minilm(folder, device=device, dtype=dtype)
    parts = _read_parts(folder)
    config = _encoder_config(parts.encoder)
    stated: _Encoding = _read(parts.encoder / "sentence_bert_config.json", _Encoding, default={})
    tokenizer = _tokenizer(parts.encoder, config, stated, name)
    with torch.random.fork_rng(devices=[]):  # random initial weights must not move the caller's seed
        layers = [_dense_layer(part) for part in parts.dense]
        encoder = SentenceEncoder(_transformer(config), config, parts.pooling, nn.Sequential(*layers))
    files = [sources.weight_file(parts.encoder, sources.WEIGHT_NAMES)]
    _fill(encoder.transformer, files[0], f"its config.json ({config.model_type})")
    for layer, part in zip(layers, parts.dense, strict=True):
        files.append(sources.weight_file(part, sources.WEIGHT_NAMES))
        load_strictly(layer, read_tensors(files[-1]), source=str(files[-1]), architecture="its config.json")
    digests = [checked_sha256(file) for file in files]
    digest = digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
    repository = sources.hub_repository(name)
    theirs = all(sources.published_sha256(*one, "", repository) for one in zip(files, digests, strict=True))
    record = TowerSpec(
        name=name,
        architecture=config.model_type,
        pretrained="",
        activation="gelu",
        tokenizer=tokenizer.name,
        context_length=tokenizer.context_length,
        dim=layers[-1].linear.out_features if layers else config.hidden_size,
        source=str(folder),
        sha256=digest if theirs else "",
    )
    return Tower(TextModel(encoder), tokenizer, record, sha256=digest, device=device, dtype=dtype)


_Count = Annotated[int, Field(ge=1)]


class _Module(TypedDict):
    type: str
    path: str


class _Prompts(TypedDict):
    prompts: NotRequired[dict[str, str | None] | None]
    default_prompt_name: NotRequired[str | None]


class _Encoding(TypedDict):
    max_seq_length: NotRequired[_Count | None]
    do_lower_case: NotRequired[bool]


class _DenseConfig(TypedDict):
    in_features: _Count
    out_features: _Count
    bias: NotRequired[bool]
    activation_function: NotRequired[str]
    use_residual: NotRequired[bool | None]
    module_input_name: NotRequired[str | None]


def _read(file: Path, shape: Any, default: Any = None) -> Any:
    return read_json(file, shape, remedy="restore the file", default=default)


@dataclass(frozen=True)
class _Parts:
    """A model's encoder folder, its pooling, and the folders of the dense layers behind it."""

    encoder: Path
    pooling: str
    dense: list[Path]


def _read_parts(folder: Path) -> _Parts:
    """Return the parts of a model of sentence-transformers, or refuse what would be computed differently."""
    listed: list[_Module] = _read(folder / sources.SENTENCE_CONFIG, list[_Module])
    kinds = [one["type"].rpartition(".")[2] for one in listed]
    places = [folder / one["path"] for one in listed]
    middle = [kind for kind in kinds[2:] if kind != "Normalize"]
    if kinds[:2] != ["Transformer", "Pooling"] or set(middle) - {"Dense"} or "Normalize" in kinds[2:-1]:
        remedy = "only Transformer, Pooling, any Dense, and Normalize at the end can be loaded"
        raise InputError(f"{folder} is made of {', '.join(kinds)}", remedy)
    prompts: _Prompts = _read(folder / "config_sentence_transformers.json", _Prompts, default={})
    default = (prompts.get("prompts") or {}).get(prompts.get("default_prompt_name") or "")
    if default:
        remedy = "set default_prompt_name to null in config_sentence_transformers.json, and write it yourself"
        raise InputError(f"{folder} puts {default!r} before every text", remedy)
    return _Parts(places[0], _pooling(places[1]), places[2 : 2 + len(middle)])


def _pooling(folder: Path) -> str:
    stated: dict[str, Any] = _read(folder / "config.json", dict[str, Any])
    modes = stated.get("pooling_mode")
    if modes is None:
        on = [key for key, value in stated.items() if key.startswith("pooling_mode_") and value is True]
        modes = [_LEGACY_POOLERS.get(key, key) for key in on]
    chosen = [modes] if isinstance(modes, str) else list(modes)
    if len(chosen) != 1 or chosen[0] not in POOLINGS:
        problem = f"{folder} pools by {' and '.join(chosen) or 'nothing'}"
        raise InputError(problem, f"only one of {', '.join(POOLINGS)} can be loaded")
    return str(chosen[0])


def _dense_layer(folder: Path) -> _Dense:
    stated: _DenseConfig = _read(folder / "config.json", _DenseConfig)
    name = str(stated.get("activation_function", "Tanh")).rpartition(".")[2]
    computed = {"use_residual": False, "module_input_name": "sentence_embedding"}
    other = {key for key, value in computed.items() if (stated.get(key) or value) != value}
    if name not in _ACTIVATIONS or other:
        problem = f"{folder} is a dense layer with {name}{''.join(f', {key}' for key in sorted(other))}"
        raise InputError(problem, f"only plain ones with {', '.join(_ACTIVATIONS)} can be loaded")
    return _Dense(
        stated["in_features"],
        stated["out_features"],
        bias=bool(stated.get("bias", True)),
        activation=_ACTIVATIONS[name](),
    )


def _encoder_config(folder: Path) -> Any:
    config = read_config(folder)
    if config.model_type not in _FREE_POSITIONS:
        remedy = f"only {', '.join(_FREE_POSITIONS)} are known to give the library's vectors here"
        raise InputError(f"{folder} is an encoder of type {config.model_type}", remedy)
    return config


def _transformer(config: Any) -> Any:
    from transformers import AutoModel

    auto: Any = AutoModel
    transformer = auto.from_config(config, trust_remote_code=False)
    if getattr(transformer, "pooler", None) is not None:
        transformer.pooler = None  # trained for another task, and read by neither pooling
    return transformer


def _fill(encoder: nn.Module, file: Path, architecture: str) -> None:
    given: Mapping[str, Tensor] = read_tensors(file)
    prefix = f"{getattr(encoder, 'base_model_prefix', '')}."
    if all(name.startswith((prefix, "lm_head.", "cls.")) for name in given):
        given = {name.removeprefix(prefix): value for name, value in given.items() if name.startswith(prefix)}
    used = {
        name: value
        for name, value in given.items()
        if not name.startswith("pooler.") and not name.endswith("position_ids")
    }
    load_strictly(encoder, used, source=str(file), architecture=architecture)


def _tokenizer(folder: Path, config: Any, stated: Mapping[str, Any], name: str) -> TextTokenizer:
    tokenizer = read_tokenizer(folder)
    if len(tokenizer) > config.vocab_size or tokenizer.pad_token_id != config.pad_token_id:
        raise DamagedFileError(
            f"the tokenizer of {folder} knows {len(tokenizer)} tokens and pads with "
            f"{tokenizer.pad_token_id}; the encoder knows {config.vocab_size} and pads with "
            f"{config.pad_token_id}",
            "put the model's own tokenizer files there",
        )
    room = config.max_position_embeddings - _FREE_POSITIONS[config.model_type]
    length = min(stated.get("max_seq_length") or tokenizer.model_max_length, room)
    lower = bool(stated.get("do_lower_case", False))

    def encode(texts: list[str]) -> list[list[int]]:
        cleaned = [text.strip().lower() if lower else text.strip() for text in texts]
        return whole_ids(tokenizer, cleaned)

    return TextTokenizer(encode, context_length=length, name=name)


# --- BERT ---


class Output(NamedTuple):
    """What the encoder returns: the states of all tokens, (texts, tokens, hidden_size)."""

    last_hidden_state: Tensor


class Bert(nn.Module):
    """Token ids (texts, tokens) and their mask, 1 for a token and 0 for padding -> states of all tokens.

    Args:
        config: The sizes, as attributes that are named as in transformers' config.json.
    """

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.embeddings = _Embeddings(config)
        layers = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))
        self.encoder = nn.ModuleDict({"layer": layers})

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Output:
        """Return the states of all tokens; those of padding mean nothing."""
        states = self.embeddings(input_ids)
        texts, tokens = input_ids.shape
        mask = None  # without padding: another kernel runs then, with other roundings
        if not attention_mask.all():
            mask = attention_mask.bool()[:, None, None, :].expand(texts, 1, tokens, tokens)
        layers: Any = self.encoder["layer"]
        for layer in layers:
            states = layer(states, mask)
        return Output(states)


class _Embeddings(nn.Module):
    position_ids: Tensor
    token_type_ids: Tensor

    def __init__(self, config: Any) -> None:
        super().__init__()
        width, positions = config.hidden_size, config.max_position_embeddings
        self.word_embeddings = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(positions, width)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.register_buffer("position_ids", torch.arange(positions)[None], persistent=False)
        self.register_buffer("token_type_ids", torch.zeros(1, positions, dtype=torch.long), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        places, kinds = self.position_ids[:, : ids.shape[1]], self.token_type_ids[:, : ids.shape[1]]
        rows: Tensor = self.word_embeddings(ids) + self.token_type_embeddings(kinds.expand(ids.shape))
        rows = self.dropout(self.LayerNorm(rows + self.position_embeddings(places)))
        return rows


class _SelfAttention(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.dropout = nn.Dropout(config.attention_probs_dropout_prob)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        shape = (*states.shape[:-1], self.heads, -1)
        parts = (self.query, self.key, self.value)
        query, key, value = (part(states).view(shape).transpose(1, 2) for part in parts)
        rows = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, dropout_p=self.dropout.p if self.training else 0.0
        )
        return rows.transpose(1, 2).contiguous().flatten(2)


class _AddAndNorm(nn.Module):
    """A linear layer, dropout, what came before added, and a norm."""

    def __init__(self, inputs: int, config: Any) -> None:
        super().__init__()
        self.dense = nn.Linear(inputs, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, rows: Tensor, before: Tensor) -> Tensor:
        rows = self.LayerNorm(self.dropout(self.dense(rows)) + before)
        return rows


class _Layer(nn.Module):
    def __init__(self, config: Any) -> None:
        super().__init__()
        width, inner = config.hidden_size, config.intermediate_size
        self.attention = nn.ModuleDict({"self": _SelfAttention(config), "output": _AddAndNorm(width, config)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = _AddAndNorm(inner, config)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        states = self.attention["output"](self.attention["self"](states, mask), states)
        states = self.output(functional.gelu(self.intermediate["dense"](states)), states)
        return states
