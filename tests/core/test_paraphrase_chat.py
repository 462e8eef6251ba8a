"""Paraphrases by a chat service: a real server on this machine that stalls, breaks, lies and limits."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from case_tables import each
from chat_server import ChatServer, chat_server
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lexclip_core.errors import InputError, LexclipError, MissingResourceError
from lexclip_core.paraphrase.chat import DEFAULT_URL, ChatModel, ChatProvider, retry_after
from lexclip_core.paraphrase.limits import Pace, Prices, RateLimits, RetryLater, tokens_of, with_retries
from lexclip_core.paraphrase.provider import (
    CAPTION_TO_PARAPHRASE,
    PARAPHRASE_TO_PARAPHRASE,
    Answer,
    Caption,
    Failure,
    answer_log,
    clean_reply,
    make_records,
    prompt,
)
from lexclip_core.paraphrase.records import ParaphraseRecord

KEY = "sk-a-secret-that-no-file-may-hold"
CAPTIONS = [Caption(f"a dog and {n} cats", f"{n}.jpg") for n in range(12)]
Make = Callable[..., ChatProvider]


@pytest.fixture(scope="module")
def running() -> Iterator[ChatServer]:
    with chat_server() as server:
        yield server


@pytest.fixture
def server(running: ChatServer) -> ChatServer:
    url = running.url
    running.__init__()  # type: ignore[misc]
    running.url = url
    return running


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def make(
    server: ChatServer, tmp_path: Path, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Make]:
    """Make a provider on the server whose waits take no time."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    made: list[ChatProvider] = []

    def build(prices: Prices | None = None, file: str = "answers.jsonl", **limits: float) -> ChatProvider:
        for old in made:
            old.store.close()
        chosen = replace(RateLimits(concurrency=1, attempts=3, timeout=5.0), **limits)
        provider = ChatProvider(
            ChatModel(server.url, "m"),
            answer_log(tmp_path / file),
            limits=chosen,
            prices=prices,
            sleep=slept.append,
        )
        made.append(provider)
        return provider

    yield build
    for provider in made:
        provider.store.close()


def test_the_prompts_are_the_papers():
    quoted = "“Paraphrase the given caption “text” concisely while preserving the meaning.”"
    assert CAPTION_TO_PARAPHRASE.format(text="text") == quoted[1:-1].translate({8220: '"', 8221: '"'})
    quoted = (
        "“Paraphrase the given text “text” concisely while preserving the meaning "
        "and avoiding use of existing words."
    )
    assert PARAPHRASE_TO_PARAPHRASE.format(text="text") == quoted[1:].translate({8220: '"', 8221: '"'})


@pytest.mark.parametrize("text", ["{text}", "a {0} {text} {", 'say "hi"', "\\1 %s"])
def test_a_prompt_is_assembled_once_whatever_the_text_holds(text: str):
    assert prompt(1, text) == f'Paraphrase the given caption "{text}" concisely while preserving the meaning.'
    assert prompt(2, text).count(text) >= 1
    assert prompt(2, text).startswith(f'Paraphrase the given text "{text}" concisely')


def test_the_second_prompt_holds_the_first_answer(make: Make, server: ChatServer):
    [record] = make().paraphrase([Caption("a dog", "1.jpg")])
    assert record == ParaphraseRecord("1.jpg", "a dog", "plainly a dog", "other words for plainly a dog")
    assert list(server.prompts) == [prompt(1, "a dog"), prompt(2, "plainly a dog")]


def test_what_is_sent_are_the_published_settings(make: Make, server: ChatServer):
    list(make().paraphrase([Caption("a dog")]))
    assert server.bodies[0] == {
        "messages": [{"role": "user", "content": prompt(1, "a dog")}],
        "model": "m",
        "temperature": 1.0,
        "top_p": 0.1,
        "max_tokens": 512,
    }
    assert ChatModel().model == "gpt-3.5-turbo-0301"
    assert ChatModel(temperature=None, max_tokens=None).sent() == {
        "model": "gpt-3.5-turbo-0301",
        "top_p": 0.1,
    }


FAULTS = [
    "500",
    "503",
    "429",
    "408",
    "409",
    "cut",
    "stall",
    "stall inside",
    "no json",
    "no object",
    "html",
    "no choices",
    "null choices",
    "null content",
    "blank content",
]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_either_step_is_tried_again_and_leaves_no_trace(
    make: Make, server: ChatServer, fault: str
):
    provider = make(timeout=0.3 if "stall" in fault else 5.0)
    for step, thing in ((1, "a dog"), (2, "a cat")):
        server.prompts.clear()
        server.plans.extend(["ok"] * (step - 1) + [fault])
        [outcome] = provider.paraphrase([Caption(thing)])
        assert outcome == ParaphraseRecord("", thing, f"plainly {thing}", f"other words for plainly {thing}")
        assert list(server.prompts.values()) == [3 - step, step]


@pytest.mark.parametrize("fault", ["500", "null content", "no json", "no choices"])
@pytest.mark.parametrize("step", [1, 2])
def test_a_lasting_fault_fails_its_caption_alone_and_can_be_retried(
    make: Make, server: ChatServer, fault: str, step: int
):
    server.plans.extend(["ok"] * (step - 1) + [fault] * 3)
    failure, record = make().paraphrase([Caption("a dog", "1"), Caption("a cat", "2")])
    assert isinstance(failure, Failure)
    assert (failure.caption, failure.step) == (Caption("a dog", "1"), step)
    assert record == ParaphraseRecord("2", "a cat", "plainly a cat", "other words for plainly a cat")
    assert not any("None" in asked for asked in server.prompts)
    asked = server.prompts[prompt(1, "a dog")]
    [again] = make().paraphrase([Caption("a dog", "1")])
    assert again == ParaphraseRecord("1", "a dog", "plainly a dog", "other words for plainly a dog")
    assert server.prompts[prompt(1, "a dog")] == asked + (step == 1)


def test_waits_double_and_what_the_server_asks_for_is_followed(
    make: Make, server: ChatServer, slept: list[float]
):
    server.plans.extend(["500", "500", "ok"])
    list(make(first_wait=2.0).paraphrase([Caption("a dog")]))
    assert slept == [2.0, 4.0]
    slept.clear()
    server.plans.extend(["429 after 7", "ok"])
    list(make().paraphrase([Caption("a cat")]))
    assert slept == [pytest.approx(7, abs=0.5)] * len(slept)
    assert slept


@each(("header", "seconds"), [("7", 7), ("0.5", 0.5), ("-3", 0), ("soon", 0), ("", 0), ("None", 0)])
def test_retry_after_is_read(header: str, seconds: float):
    assert retry_after(header) == seconds


def test_retry_after_may_be_a_date():
    assert retry_after("Thu, 01 Jan 1970 00:00:00 GMT") == 0
    later = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    assert retry_after(later) == pytest.approx(100, abs=2)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("401", "refuses the key"),
        ("403", "refuses the key"),
        ("404", "knows no model 'm'"),
        ("no money", "no money left"),
        ("bad setting", "refuses max_tokens"),
    ],
)
def test_what_would_fail_every_caption_ends_the_work_at_once(
    make: Make, server: ChatServer, fault: str, said: str
):
    server.plans.extend([fault] * 50)
    with pytest.raises(LexclipError, match=said) as raised:
        list(make().paraphrase(CAPTIONS))
    assert sum(server.prompts.values()) <= 5
    assert KEY not in str(raised.value)


def test_a_question_that_is_refused_fails_alone_without_another_attempt(make: Make, server: ChatServer):
    server.plans.append("bad question")
    failure, record = make().paraphrase(CAPTIONS[:2])
    assert isinstance(failure, Failure)
    assert "this caption is not liked" in failure.reason
    assert isinstance(record, ParaphraseRecord)
    assert server.prompts[prompt(1, CAPTIONS[0].text)] == 1


@pytest.mark.parametrize(("fault", "finish"), [("too long", "length"), ("filtered", "content_filter")])
def test_an_answer_that_ended_early_is_a_failure_that_is_not_paid_for_again(
    make: Make, server: ChatServer, fault: str, finish: str
):
    server.plans.append(fault)
    for _ in range(2):
        [failure] = make().paraphrase([Caption("a dog")])
        assert isinstance(failure, Failure)
        assert f"ended early ({finish})" in failure.reason
    assert sum(server.prompts.values()) == 1


def test_outcomes_come_in_the_order_of_the_captions_and_no_more_at_once_than_allowed(
    make: Make, server: ChatServer
):
    server.plans.extend(["slow"] * 24)
    made = make_records(CAPTIONS, make(concurrency=4))
    assert [record.image for record in made.records] == [caption.image for caption in CAPTIONS]
    assert 1 < server.most_at_once <= 4


def test_equal_captions_under_way_together_are_asked_once(make: Make, server: ChatServer):
    server.plans.append("slow")
    made = make_records([Caption("a dog", str(n)) for n in range(6)], make(concurrency=6))
    assert [record.image for record in made.records] == list("012345")
    assert sorted(server.prompts.values()) == [1, 1]


def test_a_second_run_asks_nothing_and_more_captions_only_what_is_new(make: Make, server: ChatServer):
    first = list(make().paraphrase(CAPTIONS))
    server.prompts.clear()
    assert list(make().paraphrase(CAPTIONS)) == first
    assert not server.prompts
    list(make().paraphrase([*CAPTIONS, Caption("a horse")]))
    assert list(server.prompts) == [prompt(1, "a horse"), prompt(2, "plainly a horse")]


def test_another_model_or_setting_is_another_question(make: Make, server: ChatServer):
    provider = make()
    list(provider.paraphrase([Caption("a dog")]))
    for change in ({"model": "n"}, {"temperature": 0.5}, {"top_p": None}, {"max_tokens": 9}):
        other = ChatProvider(replace(provider.model, **change), provider.store)
        assert other.estimate([Caption("a dog")]).requests == 2
    same = ChatProvider(replace(provider.model, base_url=f"{server.url}/"), provider.store)
    assert same.estimate([Caption("a dog")]).requests == 0


def test_leaving_early_keeps_what_was_under_way(make: Make, server: ChatServer):
    outcomes = make(concurrency=2).paraphrase(CAPTIONS)
    next(outcomes)
    outcomes.close()
    answered = sum(server.answered.values())
    assert 2 <= answered < 24
    list(make().paraphrase(CAPTIONS))
    assert set(server.prompts.values()) == {1}
    assert sum(server.prompts.values()) == 24


@pytest.mark.parametrize("plan", ["echo in the answer", "echo in an error", "echo in the reason"])
def test_the_key_goes_to_the_service_and_nowhere_else_even_where_it_is_sent_back(
    make: Make, server: ChatServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, plan: str
):
    caplog.set_level(logging.DEBUG)
    server.plans.extend(["500", plan, plan, plan, "ok", "ok", "bad question"])
    provider = make()
    outcomes = list(provider.paraphrase(CAPTIONS[:3]))
    assert set(server.authorizations) == {f"Bearer {KEY}"}
    assert KEY not in (tmp_path / "answers.jsonl").read_text()
    assert KEY not in caplog.text
    assert KEY not in f"{provider.name}{provider.model!r}{vars(provider)!r}{outcomes!r}"
    assert "[key]" in repr(outcomes)


def test_a_login_in_the_url_is_sent_and_never_shown(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.plans.extend(["echo in the answer", "echo in an error"])
    with answer_log(tmp_path / "a.jsonl") as store:
        model = ChatModel(server.url.replace("//", "//me:hush%21hush@"), "m")
        outcomes = list(ChatProvider(model, store).paraphrase([Caption("a dog")]))
    basic = base64.b64encode(b"me:hush!hush").decode()
    assert set(server.authorizations) == {f"Basic {basic}"}
    assert basic not in (tmp_path / "a.jsonl").read_text() + repr(outcomes)


def test_a_key_that_no_header_can_hold_is_refused_without_showing_it(
    make: Make, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\nX-Other: 1")
    with pytest.raises(InputError, match="OPENAI_API_KEY has characters that no key has") as raised:
        list(make().paraphrase(CAPTIONS[:1]))
    assert KEY not in str(raised.value)


@pytest.mark.parametrize("plan", ["endless body", "endless error", "endless headers", "a byte at a time"])
def test_a_service_that_sends_without_end_is_given_up(make: Make, server: ChatServer, plan: str):
    server.plans.append(plan)
    began = time.monotonic()
    [failure] = make(timeout=0.4, attempts=1).paraphrase([Caption("a dog")])
    assert time.monotonic() - began < 30  # one that waits would wait for ever
    assert isinstance(failure, Failure)
    assert any(said in failure.reason for said in ("0.4 seconds", "bytes, or comes too slowly", "no answer"))


@pytest.mark.parametrize(
    ("plan", "outcome"),
    [("deep", Failure), ("absurd counts", ParaphraseRecord), ("empty", Failure), ("not utf-8", Failure)],
)
def test_what_no_service_should_send_costs_one_question_at_most(
    make: Make, server: ChatServer, plan: str, outcome: type
):
    server.plans.append(plan)
    provider = make(attempts=1)
    [got] = provider.paraphrase([Caption("a dog")])
    assert isinstance(got, outcome)
    assert provider.spending.input_tokens < 1000


def test_no_redirect_is_followed_as_the_key_would_go_along(make: Make, server: ChatServer):
    server.plans.append("elsewhere")
    with pytest.raises(LexclipError, match="sends elsewhere"):
        list(make().paraphrase(CAPTIONS[:1]))
    assert len(server.authorizations) == 1


def test_a_password_in_the_url_is_not_shown():
    model = ChatModel("https://me:hush@example.org/v1/")
    assert model.shown_url == "https://example.org/v1"
    with pytest.raises(InputError) as raised:
        ChatModel("ftp://me:hush@example.org/v1")
    assert "hush" not in str(raised.value)


def test_openai_itself_wants_a_key_and_another_service_need_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: ChatServer
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with answer_log(tmp_path / "a.jsonl") as store:
        with pytest.raises(MissingResourceError, match="OPENAI_API_KEY is not set"):
            list(ChatProvider(ChatModel(DEFAULT_URL), store).paraphrase([Caption("a dog")]))
        [record] = ChatProvider(ChatModel(server.url, "m"), store).paraphrase([Caption("a dog")])
    assert isinstance(record, ParaphraseRecord)


def test_the_estimate_counts_kept_answers_and_equal_captions_once(make: Make):
    provider = make(Prices(input_price=2.0, output_price=4.0))
    estimate = provider.estimate([Caption("a dog"), Caption("a dog", "2"), Caption("a cat")])
    assert (estimate.captions, estimate.requests, estimate.cached) == (3, 4, 0)
    asked = sum(tokens_of(prompt(step, text)) for step in (1, 2) for text in ("a dog", "a cat"))
    assert estimate.input_tokens == asked
    assert estimate.output_tokens == 4 * 3  # two words are 8/3 tokens
    assert estimate.cost == pytest.approx((2 * asked + 4 * 12) / 1e6)
    list(provider.paraphrase([Caption("a dog")]))
    after = provider.estimate([Caption("a dog"), Caption("a cat")])
    assert (after.requests, after.cached) == (2, 2)


def test_work_above_the_budget_does_not_start(make: Make, server: ChatServer):
    provider = make(Prices(input_price=1e6, output_price=1e6, budget=5))
    with pytest.raises(InputError, match=r"24 requests are estimated to cost .* budget of 5\.00 USD"):
        list(provider.paraphrase(CAPTIONS))
    assert not server.prompts


def test_work_that_turns_out_dearer_stops_at_the_budget(make: Make, server: ChatServer):
    # The server bills 30 tokens a request, whatever was estimated.
    provider = make(Prices(output_price=1e6 / 10, budget=4.0))
    made = make_records([Caption(text) for text in ("a b", "c d", "e f", "g h")], provider)
    assert provider.spending.cost == 4.0
    assert provider.spending.requests == 4
    assert [failure.reason for failure in made.failures] == ["the budget of 4.00 USD is spent"] * 2
    assert sum(server.prompts.values()) == 4


def test_requests_are_spread_over_the_minute():
    now, slept = [0.0], []
    pace = Pace(120, clock=lambda: now[0], sleep=slept.append)
    for _ in range(3):
        pace.wait()
    assert slept == [0.5, 1.0]
    now[0] = 10.0
    pace.wait()
    pace.pause(3)
    pace.wait()
    assert slept == [0.5, 1.0, 3.0]


def test_without_a_limit_nothing_waits():
    slept: list[float] = []
    pace = Pace(0, clock=lambda: 5.0, sleep=slept.append)
    for _ in range(100):
        pace.wait()
    assert slept == []


def test_the_last_attempt_is_the_last():
    asked = []

    def ask() -> None:
        asked.append(1)
        raise RetryLater("no")

    with pytest.raises(RetryLater):
        with_retries(ask, RateLimits(attempts=4), Pace(0), lambda _: None)
    assert len(asked) == 4


@pytest.mark.parametrize("change", [{"concurrency": 0}, {"attempts": 0}, {"timeout": 0}])
def test_impossible_rate_limits_are_refused(change: dict[str, int]):
    with pytest.raises(InputError, match="at least 1"):
        RateLimits(**change)


def test_impossible_prices_are_refused():
    with pytest.raises(InputError, match="at least 0"):
        Prices(input_price=-1)


# The file of answers.


def test_answers_outlive_the_process_and_lines_that_are_none_are_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "folder" / "a.jsonl"
    answer = Answer("one\ntwo \N{GRINNING FACE}", "stop", 3, 4)
    with answer_log(path) as store:
        store.append("k1", asdict(answer))
    path.write_bytes(path.read_bytes() + b'{"key": "k2", "text": "no tokens"}\n{"key": "k3", "te')
    with answer_log(path) as store:
        assert Answer(**store.get("k1")) == answer
        assert len(store) == 1
        assert "line 2 is damaged" in caplog.text
        assert "line 3 is damaged" in caplog.text


def test_a_second_writer_is_refused(tmp_path: Path):
    with answer_log(tmp_path / "a.jsonl"), pytest.raises(InputError, match="another process is writing"):
        answer_log(tmp_path / "a.jsonl")
    answer_log(tmp_path / "a.jsonl").close()


def test_a_question_is_known_by_the_digest_that_earlier_editions_used(make: Make):
    provider = make(file="old.jsonl")
    list(provider.paraphrase(CAPTIONS[:1]))
    question = {"provider": f"chat {provider.model.shown_url}", **provider.model.sent()}
    text = json.dumps({**question, "prompt": prompt(1, CAPTIONS[0].text)}, sort_keys=True)
    assert hashlib.sha256(text.encode()).hexdigest() in provider.store


@each(
    ("reply", "text"),
    [
        ('"A dog."', "A dog."),
        ("\n A dog\n runs ", "A dog runs"),
        ("Paraphrase: a dog", "a dog"),
        ('"A" and "B"', '"A" and "B"'),
        ("\u201ca dog\u201d", "a dog"),
        ('"', '"'),
        (" ", ""),
        ("\ud83d dog", "? dog"),
    ],
)
def test_a_reply_is_stripped_of_what_is_not_said(reply: str, text: str):
    assert clean_reply(reply) == text


def test_every_caption_ends_as_a_whole_record_or_a_failure_and_no_answer_is_paid_for_twice(
    make: Make, server: ChatServer, tmp_path: Path
):
    provider = make(concurrency=2)

    @given(
        captions=st.lists(st.text("abc ", min_size=1, max_size=6).filter(str.strip), min_size=1, max_size=6),
        faults=st.lists(st.sampled_from(["ok", "500", "no json", "null content"]), max_size=20),
    )
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(captions: list[str], faults: list[str]) -> None:
        server.answered.clear()
        server.plans.clear()
        server.plans.extend(faults)
        asked = [Caption(text, str(n)) for n, text in enumerate(captions)]
        (tmp_path / "once.jsonl").unlink(missing_ok=True)
        with answer_log(tmp_path / "once.jsonl") as provider.store:
            outcomes = list(provider.paraphrase(asked))
        server.plans.clear()
        with answer_log(tmp_path / "once.jsonl") as provider.store:
            again = list(provider.paraphrase(asked))
        assert len(outcomes) == len(again) == len(asked)
        for caption, first, second in zip(asked, outcomes, again, strict=True):
            assert isinstance(second, ParaphraseRecord)
            assert (second.image, second.caption) == (caption.image, caption.text)
            assert isinstance(first, Failure) or first == second
        assert set(server.answered.values()) == {1}

    holds()


KILLED = """
import sys
from pathlib import Path
from lexclip_core.paraphrase.provider import Caption, answer_log
from lexclip_core.paraphrase.chat import ChatModel, ChatProvider
from lexclip_core.paraphrase.limits import RateLimits

store = answer_log(Path(sys.argv[2]))
provider = ChatProvider(ChatModel(sys.argv[1], "m"), store, limits=RateLimits(concurrency=1))
for _ in provider.paraphrase([Caption(f"a dog and {n} cats", f"{n}.jpg") for n in range(12)]):
    print("one", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_after_a_kill_only_what_is_missing_is_asked(make: Make, server: ChatServer, tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), server.url, str(tmp_path / "answers.jsonl")],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    lines = (tmp_path / "answers.jsonl").read_text().splitlines()
    kept = {json.loads(line)["key"] for line in lines if line.endswith("}")}
    assert 6 <= len(kept) < 24
    before = dict(server.prompts)
    provider = make()
    assert provider.estimate(CAPTIONS).cached == len(kept)
    outcomes = list(provider.paraphrase(CAPTIONS))
    assert [outcome.paraphrase_2 for outcome in outcomes if isinstance(outcome, ParaphraseRecord)] == [
        f"other words for plainly {caption.text}" for caption in CAPTIONS
    ]
    twice = [asked for asked, count in server.prompts.items() if count > 1]
    # A request under way when the process was killed is the only one that may be asked again.
    assert len(twice) <= 1
    assert all(server.prompts[asked] == 1 for asked in list(before)[: len(kept)])
