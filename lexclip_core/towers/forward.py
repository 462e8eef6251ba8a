"""The forward pass of text towers over token ids at their true length, instead of a padded context.

A causal text tower reads its feature at the end token, which no later position can influence: leaving the
padding out changes nothing but the time. `packed` goes further and computes the tokens that all texts begin
with only once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lexclip_core.errors import DamagedFileError, InputError
from lexclip_core.text_files import lone_surrogate

Ids = tuple[int, ...]

PADDED, PACKED = 2048, 8192
"""Most tokens in a batch, padding included, and of packed texts: more would leave a processor's cache."""

logger = logging.getLogger(__name__)


def checked_texts(texts: Sequence[str]) -> list[str]:
    """Return the texts as a list after checking that there are some and that each is a string.

    Raises:
        InputError: A bare string, an empty list, or an element that is not a string or holds half of a
            surrogate pair.
    """
    if isinstance(texts, str):
        problem = f"expected a list of texts, got the single text {texts[:60]!r}"
        raise InputError(problem, "put it in a list: [text]")
    checked = list(texts)
    if not checked:
        problem = "there is no text to encode: the list is empty"
        raise InputError(problem, "give at least one word or sentence")
    for index, text in enumerate(checked):
        if not isinstance(text, str):
            problem = f"text number {index} is {type(text).__name__} {str(text)[:60]!r}, not a string"
            raise InputError(problem, "drop it or turn it into a string")
        if half := lone_surrogate(text):
            problem = f"text number {index}, {text[:60]!r}, holds {half}, half of a character"
            raise InputError(problem, "write the whole character")
    return checked


class TextTokenizer:
    """A tokenizer that returns plain id tuples and remembers the texts it has seen.

    Args:
        encode: Texts -> untruncated id lists, start and end tokens included.
        context_length: Longest list of ids the tower takes.
        name: What the tokenizer is, for provenance.
        remembered: Most texts that are remembered; then it begins anew.
    """

    def __init__(
        self,
        encode: Callable[[list[str]], Sequence[Sequence[int]]],
        *,
        context_length: int,
        name: str,
        remembered: int = 200_000,
    ) -> None:
        self._encode = encode
        self._seen: dict[str, Ids] = {}
        self._remembered = remembered
        self.context_length = context_length
        self.name = name

    def __call__(self, texts: Sequence[str]) -> list[Ids]:
        """Return the ids of each text, cut to the context length with the end token kept.

        A warning says how many of the texts were cut.
        """
        wanted = dict.fromkeys(texts)
        fresh = [text for text in wanted if text not in self._seen]
        if len(self._seen) + len(fresh) > self._remembered:
            self._seen = {}
            fresh = list(wanted)
        if fresh:
            self._seen |= {text: tuple(ids) for text, ids in zip(fresh, self._encode(fresh), strict=True)}
        seen = self._seen
        cut = sum(len(seen[text]) > self.context_length for text in wanted)
        if cut:
            logger.warning(
                "%d of %d texts are longer than %d tokens and were cut", cut, len(wanted), self.context_length
            )
        return [self._cut(seen[text]) for text in texts]

    def _cut(self, ids: Ids) -> Ids:
        if len(ids) <= self.context_length:
            return ids
        return (*ids[: self.context_length - 1], ids[-1])


def read_tokenizer(folder: Path) -> Any:
    """Return transformers' tokenizer of a folder; no code of the folder is run.

    Raises:
        DamagedFileError: Its files are damaged or missing.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises many kinds
        problem = f"the tokenizer of {folder} cannot be read: {str(error)[:200]}"
        raise DamagedFileError(problem, "restore it") from error


def read_config(folder: Path) -> Any:
    """Return transformers' configuration of a folder's encoder; no code of the folder is run.

    Raises:
        DamagedFileError: It is damaged or missing.
    """
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers raises many kinds
        raise DamagedFileError(f"{folder / 'config.json'} cannot be read: {error}", "restore it") from error


def whole_ids(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    """Return the ids of texts by a tokenizer of transformers, neither padded nor cut."""
    ids: list[list[int]] = tokenizer(texts, padding=False, truncation=False, verbose=False).input_ids
    return ids


def length_batches(ids: Sequence[Ids], batch_size: int, token_budget: int = PADDED) -> list[np.ndarray]:
    """Return index arrays that cover all texts once, shortest texts first.

    Args:
        ids: Token ids of each text.
        batch_size: Most texts in a batch.
        token_budget: Most tokens in a batch, padding included; a longer text has a batch of its own.

    >>> length_batches([(1, 2, 9), (1, 9), (1, 3, 9)], batch_size=2)
    [array([1, 0]), array([2])]
    """
    order = sorted(range(len(ids)), key=lambda index: len(ids[index]))
    batches, start = [], 0
    for stop in range(1, len(order) + 1):
        full = stop - start >= batch_size
        if stop == len(order) or full or (stop + 1 - start) * len(ids[order[stop]]) > token_budget:
            batches.append(np.array(order[start:stop]))
            start = stop
    return batches


def even_batches(ids: Sequence[Ids], fewest: int = 32) -> list[np.ndarray]:
    """Return index arrays that cover all texts once, shortest first, without much padding.

    Args:
        ids: Token ids of each text.
        fewest: Texts from which on a batch ends where the next text is longer.

    >>> even_batches([(1, 2, 9), (1, 9), (1, 3, 9)], fewest=1)
    [array([1]), array([0, 2])]
    """
    order = np.argsort([len(one) for one in ids], kind="stable")
    starts = [0]
    for place in range(1, len(order)):
        if place - starts[-1] >= fewest and len(ids[order[place]]) > len(ids[order[place - 1]]):
            starts.append(place)
    return np.split(order, starts[1:])


def prefix_batches(ids: Sequence[Ids], batch_size: int, token_budget: int = PACKED) -> list[np.ndarray]:
    """Return index arrays that cover all texts once, texts that begin alike next to each other.

    Args:
        ids: Token ids of each text.
        batch_size: Most texts in a batch.
        token_budget: Most tokens in a batch; a longer text has a batch of its own.
    """
    order = sorted(range(len(ids)), key=lambda index: ids[index])
    batches, start, tokens = [], 0, 0
    for stop, index in enumerate(order):
        tokens += len(ids[index])
        if stop > start and (stop - start >= batch_size or tokens > token_budget):
            batches.append(np.array(order[start:stop]))
            start, tokens = stop, len(ids[index])
    return [*batches, np.array(order[start:])]


@dataclass(frozen=True)
class TextParts:
    """The modules of a native open_clip text tower."""

    token_embedding: nn.Embedding
    positional_embedding: Tensor
    blocks: nn.ModuleList
    ln_final: nn.Module
    projection: nn.Module | Tensor | None

    def project(self, ends: Tensor) -> Tensor:
        """Return features of shape (n, dim) from the last states at the end tokens, shape (n, width)."""
        rows: Tensor = self.ln_final(ends)
        if self.projection is None:
            return rows
        features: Tensor = (
            self.projection(rows) if isinstance(self.projection, nn.Module) else rows @ self.projection
        )
        return features


@dataclass(frozen=True)
class _Group:
    """Texts of one length: their rows, as (start, number of texts, own tokens of each)."""

    start: int
    texts: int
    length: int

    @property
    def rows(self) -> slice:
        return slice(self.start, self.start + self.texts * self.length)


@dataclass(frozen=True)
class _Layout:
    """Texts packed into one row of tokens: first those that all share, then each text's own, by length."""

    tokens: list[int]
    positions: list[int]
    shared: int
    groups: list[_Group]
    order: list[int]

    @property
    def ends(self) -> list[int]:
        return [
            group.start + (text + 1) * group.length - 1
            for group in self.groups
            for text in range(group.texts)
        ]


def shared_length(ids: Sequence[Ids]) -> int:
    """Return how many leading tokens all texts have in common, leaving each text at least one of its own."""
    low, high = min(ids), max(ids)
    alike = next((i for i, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    return min(alike, min(map(len, ids)) - 1)


def _to_end(ids: Ids) -> Ids:
    return ids[: ids.index(max(ids)) + 1]  # the end token has the largest id of the vocabulary


def _layout(ids: Sequence[Ids]) -> _Layout:
    texts = [_to_end(one) for one in ids]
    shared = shared_length(texts)
    tokens, positions = list(texts[0][:shared]), list(range(shared))
    order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    groups: list[_Group] = []
    for length, members in groupby(order, key=lambda index: len(texts[index])):
        rows = [texts[index][shared:] for index in members]
        groups.append(_Group(len(tokens), len(rows), length - shared))
        tokens.extend(chain(*rows))
        positions.extend([*range(shared, length)] * len(rows))
    return _Layout(tokens, positions, shared, groups, order)


def _heads(rows: Tensor, texts: int, heads: int) -> Tensor:
    """(texts * length, width) -> (texts, heads, length, width / heads)."""
    return rows.view(texts, -1, heads, rows.shape[-1] // heads).transpose(1, 2)


def _flat(states: Tensor) -> Tensor:
    """(texts, heads, length, head width) -> (texts * length, width)."""
    return states.transpose(1, 2).flatten(2).flatten(0, 1)


def _with_shared(own: Tensor, shared: Tensor) -> Tensor:
    return torch.cat([shared.expand(len(own), -1, -1, -1), own], dim=2)


def _attend(queries: Tensor, keys: Tensor, values: Tensor, *, layout: _Layout, heads: int) -> Tensor:
    """Return attention outputs for all rows, or for the end tokens alone if only they ask."""
    common = slice(0, layout.shared)
    shared_keys, shared_values = _heads(keys[common], 1, heads), _heads(values[common], 1, heads)
    only_ends = len(queries) < len(keys)
    outputs, asked = [], 0
    if not only_ends:
        first = _heads(queries[common], 1, heads)
        states = functional.scaled_dot_product_attention(first, shared_keys, shared_values, is_causal=True)
        outputs.append(_flat(states))
    for group in layout.groups:
        width = group.texts if only_ends else group.texts * group.length
        start = asked if only_ends else group.start
        asked += width
        mask = None
        if not only_ends and group.length > 1:
            shape = group.length, layout.shared + group.length
            mask = torch.ones(shape, dtype=torch.bool, device=keys.device).tril(diagonal=layout.shared)
        states = functional.scaled_dot_product_attention(
            _heads(queries[start : start + width], group.texts, heads),
            _with_shared(_heads(keys[group.rows], group.texts, heads), shared_keys),
            _with_shared(_heads(values[group.rows], group.texts, heads), shared_values),
            attn_mask=mask,
        )
        outputs.append(_flat(states))
    return torch.cat(outputs)


def _block(block: Any, rows: Tensor, layout: _Layout, ends: Tensor | None) -> Tensor:
    """Return the output of open_clip's residual block for all rows, or for the rows `ends` alone."""
    attention = block.attn
    normal = block.ln_1(rows)
    width = normal.shape[-1]
    weight, bias = attention.in_proj_weight, attention.in_proj_bias
    if ends is None:
        queries, keys, values = functional.linear(normal, weight, bias).chunk(3, dim=-1)
    else:
        queries = functional.linear(normal[ends], weight[:width], bias[:width])
        keys, values = functional.linear(normal, weight[width:], bias[width:]).chunk(2, dim=-1)
        rows = rows[ends]
    states = _attend(queries, keys, values, layout=layout, heads=attention.num_heads)
    rows = rows + block.ls_1(attention.out_proj(states))
    rows = rows + block.ls_2(block.mlp(block.ln_2(rows)))
    return rows


def packed(parts: TextParts, ids: Sequence[Ids]) -> Tensor:
    """Return features of shape (n, dim) of n texts, equal to the padded forward pass up to rounding.

    Args:
        parts: Modules of a causal text tower whose end token has the largest id.
        ids: Token ids of each text, start and end tokens included, without padding.
    """
    layout = _layout(ids)
    device = parts.positional_embedding.device
    tokens = torch.tensor(layout.tokens, device=device)
    positions = torch.tensor(layout.positions, device=device)
    rows = parts.token_embedding(tokens) + parts.positional_embedding[positions]
    ends = torch.tensor(layout.ends, device=device)
    for block in parts.blocks[:-1]:
        rows = _block(block, rows, layout, None)
    features = parts.project(_block(parts.blocks[-1], rows, layout, ends))
    return features[torch.tensor(layout.order, device=device).argsort()]


@dataclass(frozen=True)
class TextForward:
    """How one kind of text tower is run.

    Attributes:
        run: (model, ids of n texts) -> features of shape (n, dim), not normalised, rows in the order given.
        batches: (ids, batch_size) -> index arrays that cover all texts once.
    """

    run: Callable[[nn.Module, Sequence[Ids]], Tensor]
    batches: Callable[[Sequence[Ids], int], list[np.ndarray]]


def forward_for(model: nn.Module) -> TextForward:
    """Return the fastest exact forward pass for a model's kind of text tower."""
    if is_hugging_face(model):
        return TextForward(hugging_face, length_batches)
    if not is_causal(model):
        return TextForward(whole_context, length_batches)
    from open_clip.transformer import ResidualAttentionBlock  # such a model is open_clip's own

    if all(type(block) is ResidualAttentionBlock for block in text_parts(model).blocks):
        return TextForward(lambda model, ids: packed(text_parts(model), ids), prefix_batches)
    return TextForward(truncated, length_batches)


def is_hugging_face(model: nn.Module) -> bool:
    """Return whether a model's text half is a Hugging Face encoder: it has the encoder's configuration."""
    return hasattr(getattr(model, "text", None), "config")


def is_causal(model: Any) -> bool:
    """Return whether a native text tower is causal and reads its feature at the end token."""
    holder: Any = getattr(model, "text", model)
    pooling = getattr(holder, "text_pool_type", None) or getattr(holder, "pool_type", None)
    masked = getattr(holder, "attn_mask", None) is not None and getattr(holder, "cls_emb", None) is None
    return masked and pooling == "argmax"


def text_parts(model: Any) -> TextParts:
    """Return the modules of a native open_clip text tower, whichever class holds them."""
    holder: Any = getattr(model, "text", model)
    return TextParts(
        holder.token_embedding,
        holder.positional_embedding,
        holder.transformer.resblocks,
        holder.ln_final,
        holder.text_projection,
    )


def _padded(ids: Sequence[Ids], padding: int, device: torch.device) -> Tensor:
    longest = max(map(len, ids))
    rows = [(*one, *[padding] * (longest - len(one))) for one in ids]
    return torch.tensor(rows, dtype=torch.long, device=device)


def hugging_face(model: Any, ids: Sequence[Ids]) -> Tensor:
    """Return features of a Hugging Face text tower, padded to the longest text given and masked there."""
    tokens = _padded(ids, model.text.config.pad_token_id, model.logit_scale.device)
    features: Tensor = model.text(tokens)
    return features


def whole_context(model: Any, ids: Sequence[Ids]) -> Tensor:
    """Return features by the model's own `encode_text`, for towers that attend to their padding.

    Any module that has one takes this way: it is given ids (texts, longest), padded with 0, and returns
    features (texts, dim), not normalised.
    """
    features: Tensor = model.encode_text(_padded(ids, 0, next(model.parameters()).device))
    return features


def truncated(model: Any, ids: Sequence[Ids]) -> Tensor:
    """Return features of a causal text tower, positions and mask cut to the longest text given."""
    holder: Any = getattr(model, "text", model)
    tokens = _padded(ids, 0, model.logit_scale.device)
    length = tokens.shape[1]
    rows = holder.token_embedding(tokens) + holder.positional_embedding[:length]
    rows = holder.transformer(rows, attn_mask=holder.attn_mask[:length, :length])
    ends = rows[torch.arange(len(ids), device=rows.device), tokens.argmax(dim=-1)]
    return text_parts(model).project(ends)
