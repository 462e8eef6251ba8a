"""The registry of providers: each by its name, what it opens is closed, and nothing large is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lexclip_core.errors import InputError, MissingResourceError
from lexclip_core.paraphrase.limits import Prices, RateLimits
from lexclip_core.paraphrase.provider import Caption, answer_log
from lexclip_core.paraphrase.records import ParaphraseRecord
from lexclip_core.paraphrase.registry import PROVIDERS, ProviderOptions, open_provider

CAPTIONS = [Caption("a dog above a couch", "1"), Caption("a couch below a dog", "1"), Caption("a dog", "1")]


def test_every_provider_says_what_it_is_and_what_it_needs():
    for name, entry in PROVIDERS.items():
        assert entry.meaning, name
        assert entry.needs, name
    assert [name for name, entry in PROVIDERS.items() if entry.beforehand] == ["local", "chat"]


@pytest.mark.parametrize("name", ["rules", "siblings", "siblings-rules"])
def test_a_provider_by_its_name_paraphrases_by_its_seed_and_captions(name: str):
    with open_provider(name, ProviderOptions(seed=4, among=CAPTIONS)) as provider:
        assert provider.name == f"{name}, seed 4"
        [record] = provider.paraphrase(CAPTIONS[:1])
    assert isinstance(record, ParaphraseRecord)


def test_a_chat_service_gets_its_options_and_its_file_of_answers_is_closed(tmp_path: Path):
    options = ProviderOptions(
        model="m",
        base_url="http://127.0.0.1:9/v1",
        settings={"temperature": None, "max_tokens": 9},
        answers=tmp_path / "a.jsonl",
        limits=RateLimits(concurrency=2),
        prices=Prices(1, 2),
    )
    with open_provider("chat", options) as provider:
        assert provider.name == "m at http://127.0.0.1:9/v1, top_p 0.1, max_tokens 9"
        with pytest.raises(InputError, match="another process"):
            answer_log(tmp_path / "a.jsonl")
    answer_log(tmp_path / "a.jsonl").close()


def test_a_missing_model_is_named_and_an_unknown_provider_refused(tmp_path: Path):
    with (
        pytest.raises(MissingResourceError, match="cannot load a causal model"),
        open_provider("local", ProviderOptions(model=str(tmp_path), answers=tmp_path / "a.jsonl")),
    ):
        pass
    with (
        pytest.raises(
            InputError, match=r"unknown provider 'magic'\n.*rules, siblings, siblings-rules, local"
        ),
        open_provider("magic", ProviderOptions()),
    ):
        pass


@pytest.mark.parametrize("module", ["rules", "registry", "records", "provider"])
def test_importing_what_needs_no_model_loads_no_large_library(module: str):
    code = (
        f"import sys, lexclip_core.paraphrase.{module};"
        "print(sorted({'torch', 'transformers', 'pandas', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
