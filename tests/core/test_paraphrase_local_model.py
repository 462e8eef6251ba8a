"""Paraphrases by a causal model on this machine: tiny untrained models of two architectures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.paraphrase.local_model import LocalModel, LocalProvider
from lexclip_core.paraphrase.provider import Caption, Failure, answer_log, clean_reply, prompt
from lexclip_core.paraphrase.records import ParaphraseRecord

CAPTIONS = [Caption("a dog", "1"), Caption("a red house above a blue car", "2"), Caption("two cats", "3")]
CHAT = (
    "{% for m in messages %}<s>{{ m['content'] }}</s>{% endfor %}{% if add_generation_prompt %}<s>{% endif %}"
)


def tokenizer(template: str | None) -> PreTrainedTokenizerFast:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: place for place, letter in enumerate(letters)}, []))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    whole = PreTrainedTokenizerFast(tokenizer_object=made, bos_token="<s>", eos_token="</s>")
    whole.chat_template = template
    return whole


def save(folder: Path, architecture: str, template: str | None = None) -> str:
    torch.manual_seed(0)
    words = tokenizer(template)
    network: torch.nn.Module
    if architecture == "gpt2":
        network = GPT2LMHeadModel(
            GPT2Config(vocab_size=len(words), n_embd=32, n_layer=2, n_head=2, n_positions=512)
        )
    else:
        network = LlamaForCausalLM(
            LlamaConfig(
                vocab_size=len(words),
                hidden_size=32,
                intermediate_size=64,
                num_hidden_layers=2,
                num_attention_heads=2,
            )
        )
    network.save_pretrained(folder)  # type: ignore[operator]
    words.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp("llama"), "llama", CHAT)


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory: pytest.TempPathFactory) -> str:
    return save(tmp_path_factory.mktemp("gpt2"), "gpt2")


def model(name: str) -> LocalModel:
    return LocalModel(name, device="cpu", max_tokens=4, top_p=1.0)


@pytest.fixture(scope="module")
def loaded(llama: str) -> LocalProvider:
    return LocalProvider(model(llama))


@pytest.fixture(scope="module")
def loaded_gpt2(gpt2: str) -> LocalProvider:
    return LocalProvider(model(gpt2))


@pytest.fixture
def provider(loaded: LocalProvider, llama: str) -> LocalProvider:
    loaded.model, loaded.store = model(llama), None
    return loaded


def test_records_come_in_order_with_two_texts_each(provider: LocalProvider, loaded_gpt2: LocalProvider):
    for one in (provider, loaded_gpt2):
        outcomes = list(one.paraphrase(CAPTIONS))
        assert len(outcomes) == 3
        for caption, outcome in zip(CAPTIONS, outcomes, strict=True):
            if isinstance(outcome, ParaphraseRecord):
                assert (outcome.image, outcome.caption) == (caption.image, caption.text)
            else:
                assert (outcome.caption, outcome.reason) == (caption, "the model's answer is empty")
        assert any(isinstance(outcome, ParaphraseRecord) for outcome in outcomes)


def test_the_same_seed_draws_the_same_and_leaves_the_callers_generator_alone(provider: LocalProvider):
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    once = list(provider.paraphrase(CAPTIONS))
    assert torch.equal(torch.rand(2), expected)
    assert once == list(provider.paraphrase(CAPTIONS))
    provider.model = replace(provider.model, seed=1)
    assert once != list(provider.paraphrase(CAPTIONS))


def test_without_randomness_a_batch_says_what_each_alone_says(provider: LocalProvider):
    provider.model = replace(provider.model, temperature=0)
    together = list(provider.paraphrase(CAPTIONS))
    provider.model = replace(provider.model, batch=1)
    assert list(provider.paraphrase(CAPTIONS)) == together


def test_the_answer_is_what_the_network_generates_after_the_prompt(gpt2: str, loaded_gpt2: LocalProvider):
    network, words = GPT2LMHeadModel.from_pretrained(gpt2).eval(), tokenizer(None)
    ids = words(f"{prompt(1, 'a dog')}\n", return_tensors="pt")["input_ids"]
    start = ids.shape[1]
    with torch.inference_mode():
        for _ in range(loaded_gpt2.model.max_tokens):
            following = network(ids).logits[0, -1].argmax()
            if following == words.eos_token_id:
                break
            ids = torch.cat([ids, following.view(1, 1)], dim=1)
    said = words.decode(ids[0, start:], skip_special_tokens=True).strip().partition("\n")[0]
    loaded_gpt2.model = replace(loaded_gpt2.model, temperature=0)
    assert loaded_gpt2.generate([prompt(1, "a dog")]) == [clean_reply(said)]


def test_a_model_with_a_chat_template_gets_the_prompt_in_it(llama: str, provider: LocalProvider):
    network, words = LlamaForCausalLM.from_pretrained(llama).eval(), tokenizer(CHAT)
    ids = words("<s>hi</s><s>", return_tensors="pt", add_special_tokens=False)["input_ids"]
    with torch.inference_mode():
        made = network.generate(ids, max_new_tokens=4, do_sample=False, pad_token_id=words.eos_token_id)
    provider.model = replace(provider.model, temperature=0)
    expected = words.decode(made[0, ids.shape[1] :], skip_special_tokens=True)
    assert provider.generate(["hi"]) == [clean_reply(expected)]


def test_stored_answers_are_not_generated_again(
    provider: LocalProvider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with answer_log(tmp_path / "a.jsonl") as provider.store:
        once = list(provider.paraphrase(CAPTIONS))
    kept = [outcome for outcome in once if isinstance(outcome, ParaphraseRecord)]
    monkeypatch.setattr(provider, "generate", lambda prompts: [f"new {len(prompts)}"] * len(prompts))
    with answer_log(tmp_path / "a.jsonl") as provider.store:
        assert list(provider.paraphrase([Caption(one.caption, one.image) for one in kept])) == kept
        [new] = provider.paraphrase([Caption("a horse")])
        assert new == ParaphraseRecord("", "a horse", "new 1", "new 1")
        provider.model = replace(provider.model, seed=7)
        assert next(provider.paraphrase(CAPTIONS[:1])) == ParaphraseRecord("1", "a dog", "new 1", "new 1")


def test_an_empty_answer_fails_its_step(provider: LocalProvider, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(provider, "generate", lambda prompts: [""] * len(prompts))
    assert [one.step for one in provider.paraphrase(CAPTIONS) if isinstance(one, Failure)] == [1, 1, 1]
    monkeypatch.setattr(
        provider, "generate", lambda prompts: ["x" if "caption" in one else "" for one in prompts]
    )
    assert [one.step for one in provider.paraphrase(CAPTIONS) if isinstance(one, Failure)] == [2, 2, 2]


def test_the_name_tells_models_and_settings_apart(provider: LocalProvider, loaded_gpt2: LocalProvider):
    loaded_gpt2.model = replace(loaded_gpt2.model, temperature=1.0)
    names = {one.name for one in (provider, loaded_gpt2)}
    assert len(names) == 2
    assert all("temperature 1.0, top_p 1.0" in name for name in names)


def test_what_cannot_be_loaded_or_used_is_named(tmp_path: Path):
    with pytest.raises(MissingResourceError, match="cannot load a causal model"):
        LocalProvider(LocalModel(str(tmp_path), device="cpu"))
    with pytest.raises(InputError, match="at least 1"):
        LocalModel("m", batch=0)
    with pytest.raises(InputError, match="top_p in"):
        LocalModel("m", top_p=0)
    with pytest.raises(InputError, match="no local model is named"):
        LocalModel("")
