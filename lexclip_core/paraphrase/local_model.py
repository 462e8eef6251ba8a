"""Paraphrases by a causal language model in Hugging Face's format that runs on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from lexclip_core import storage
from lexclip_core.cache import AppendLog, content_key
from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.paraphrase.provider import Answer, Caption, Failure, Outcome, Step, clean_reply, prompt
from lexclip_core.paraphrase.records import ParaphraseRecord
from lexclip_core.towers.loading import chosen_device, chosen_precision


@dataclass(frozen=True)
class LocalModel:
    """Which model on this machine answers, and how.

    Attributes:
        name: A folder with config, tokenizer and safetensors, or a name on the hub.
        device: `auto`, or a torch device.
        dtype: `float32` or `bfloat16`.
        batch: Captions answered at a time.
        temperature: Randomness; 0 takes the likeliest token.
        top_p: Share of probability that is drawn from.
        max_tokens: Longest answer.
        seed: Of what is drawn.
    """

    name: str
    device: str = "auto"
    dtype: str = "float32"
    batch: int = 16
    temperature: float = 1.0
    top_p: float = 0.1
    max_tokens: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.name:
            raise InputError("no local model is named", "name a folder of a causal model, or one on the hub")
        if min(self.batch, self.max_tokens) < 1 or self.temperature < 0 or not 0 < self.top_p <= 1:
            remedy = "batch and max_tokens are at least 1, temperature at least 0, top_p in (0, 1]"
            raise InputError(f"a local model with {self}", remedy)


class LocalProvider:
    """Paraphrases by a causal model, batch by batch.

    A chat template is used where the model has one; else the prompt stands alone and the first line that
    follows is the answer.

    Args:
        model: Which model, and how it answers.
        store: An `answer_log`, so that a killed run goes on; None stores none.

    Raises:
        MissingResourceError: There is no such model, or its weights are not safetensors.
        InputError: There is no such device or dtype.
    """

    def __init__(self, model: LocalModel, store: AppendLog | None = None) -> None:
        self.model, self.store = model, store
        self._device = chosen_device(model.device)
        self._tokenizer, self._network = _loaded(model, self._device)
        self._network.to(self._device).eval()
        if self._tokenizer.pad_token is None:
            self._tokenizer.pad_token = self._tokenizer.eos_token
        self._digest = _digest(model.name, self._network.config)

    @property
    def name(self) -> str:
        """What made the paraphrases, for provenance."""
        one = self.model
        return f"{Path(one.name).name} {self._digest[:8]}, temperature {one.temperature}, top_p {one.top_p}"

    def paraphrase(self, captions: Sequence[Caption]) -> Iterator[Outcome]:
        """Yield one outcome per caption, in order; an empty answer fails its caption."""
        for start in range(0, len(captions), self.model.batch):
            yield from self._outcomes(captions[start : start + self.model.batch])

    def _outcomes(self, captions: Sequence[Caption]) -> list[Outcome]:
        first = self._answers(1, [caption.text for caption in captions])
        second = iter(self._answers(2, [text for text in first if text]))
        outcomes: list[Outcome] = []
        for caption, text in zip(captions, first, strict=True):
            other = next(second) if text else ""
            if other:
                outcomes.append(ParaphraseRecord(caption.image, caption.text, text, other))
            else:
                outcomes.append(Failure(caption, 2 if text else 1, "the model's answer is empty"))
        return outcomes

    def _answers(self, step: Step, texts: Sequence[str]) -> list[str]:
        keys = [self._key(step, text) for text in texts]
        stored = {key: self.store.get(key) for key in keys} if self.store else {}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if stored.get(key) is None}
        made = self.generate([prompt(step, text) for text in missing.values()]) if missing else []
        answers = {key: row["text"] for key, row in stored.items() if row is not None}
        for key, text in zip(missing, made, strict=True):
            answers[key] = text
            if self.store is not None and text:
                self.store.append(key, asdict(Answer(text)))
        return [answers[key] for key in keys]

    def _key(self, step: Step, text: str) -> str:
        one = self.model
        settings = (one.dtype, one.temperature, one.top_p, one.max_tokens, one.seed)
        question = {"provider": f"local {self._digest}", "settings": settings}
        return content_key({**question, "prompt": prompt(step, text)})

    @torch.inference_mode()
    def generate(self, prompts: Sequence[str]) -> list[str]:
        """Return the model's answer to each prompt, "" where it has none; nothing is looked up or stored."""
        chat = self._tokenizer.chat_template is not None
        texts = [self._as_chat(one) for one in prompts] if chat else [f"{one}\n" for one in prompts]
        batch = self._tokenizer(
            texts, return_tensors="pt", padding=True, add_special_tokens=not chat, return_token_type_ids=False
        ).to(self._device)
        with torch.random.fork_rng():
            torch.manual_seed(_seed(self.model.seed, texts))
            made = self._network.generate(**batch, **self._drawing())
        new = made[:, batch["input_ids"].shape[1] :]
        replies = self._tokenizer.batch_decode(new, skip_special_tokens=True)
        if not chat:
            replies = [reply.strip().partition("\n")[0] for reply in replies]
        return [clean_reply(reply) for reply in replies]

    def _as_chat(self, question: str) -> str:
        messages = [{"role": "user", "content": question}]
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    def _drawing(self) -> dict[str, Any]:
        one = self.model
        drawing = {"do_sample": True, "temperature": one.temperature, "top_p": one.top_p, "top_k": 0}
        return {
            "max_new_tokens": one.max_tokens,
            "pad_token_id": self._tokenizer.pad_token_id,
            **(drawing if one.temperature else {"do_sample": False}),
        }


def _loaded(model: LocalModel, device: torch.device) -> tuple[Any, Any]:
    try:
        tokenizer = AutoTokenizer.from_pretrained(model.name, padding_side="left", trust_remote_code=False)
        network = AutoModelForCausalLM.from_pretrained(
            model.name,
            use_safetensors=True,
            dtype=chosen_precision(model.dtype, device),
            trust_remote_code=False,
        )
    except (OSError, ValueError) as error:
        problem = f"cannot load a causal model from {model.name!r}: {str(error).splitlines()[0]}"
        remedy = "name a folder with config.json, a tokenizer and .safetensors, or a model on the hub"
        raise MissingResourceError(problem, remedy) from error
    return tokenizer, network


def _seed(seed: int, texts: Sequence[str]) -> int:
    """Return a seed that depends on the batch, so that the same batch always draws the same."""
    return int.from_bytes(hashlib.sha256("\n".join((str(seed), *texts)).encode()).digest()[:4], "big")


def _digest(name: str, config: Any) -> str:
    """Return what tells a model from every other: of its files, or its commit on the hub."""
    folder = Path(name)
    if not folder.is_dir():
        return content_key({"name": name, "commit": str(getattr(config, "_commit_hash", None))})
    files = sorted(file for file in folder.iterdir() if file.suffix in (".safetensors", ".json", ".jinja"))
    return content_key({file.name: storage.sha256(file) for file in files})
