"""The command `lexclip paraphrase`: records, estimates, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from chat_server import chat_server

from lexclip_core.cli.__main__ import main
from lexclip_core.paraphrase.records import read_records


class Done(NamedTuple):
    status: int
    out: str
    err: str


Call = Callable[..., Done]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    monkeypatch.setenv("LEXCLIP_CACHE", str(tmp_path / "cache"))

    def run(*arguments: str) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["paraphrase", *arguments])
        said = capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)

    return run


@pytest.fixture
def captions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "captions.txt"
    path.write_text("a dog above a couch\nSTOCK PHOTO OF A RED CAR!!!\ndog\nIMG_1.jpg ##\n", encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def wordnet_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from lexclip_core.wordnet.tables import load_wordnet

    load_wordnet()  # before the cache is moved


def test_rules_write_records_and_say_how_good_they_are(call: Call, captions: str, tmp_path: Path):
    for name in ("out.jsonl", "out.parquet"):
        done = call(captions, "--out", str(tmp_path / name))
        assert done.status == 0
        made = read_records(tmp_path / name)
        assert [one.caption for one in made] == ["a dog above a couch", "STOCK PHOTO OF A RED CAR!!!"]
        assert made[1].paraphrase_1 == "there is a red car"
    assert "2 records, 1 failures, 1 filtered, by rules, seed 0" in done.out
    assert "step 2" in done.out
    assert "failed in step 1: 'IMG_1.jpg ##': nothing is left" in done.err


def test_json_is_for_scripts(call: Call, captions: str, tmp_path: Path):
    done = call(captions, "--out", str(tmp_path / "o.jsonl"), "--seed", "3", "--words", "5-5", "--json")
    value = json.loads(done.out)
    assert (value["provider"], value["records"], value["filtered"]) == ("rules, seed 3", 1, 3)
    assert value["quality"]["both steps"]["failed"] == 0


def test_siblings_are_taken_from_the_file(call: Call, tmp_path: Path):
    lines = [json.dumps({"caption": f"a dog, take {n}", "image": "1.jpg"}) for n in range(3)]
    (tmp_path / "c.jsonl").write_text("\n".join(lines), encoding="utf-8")
    done = call(str(tmp_path / "c.jsonl"), "--provider", "siblings", "--out", str(tmp_path / "o.jsonl"))
    assert done.status == 0
    assert len(read_records(tmp_path / "o.jsonl")) == 3


def test_a_service_is_estimated_then_asked_then_not_asked_again(
    call: Call, captions: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with chat_server() as server:
        common = [captions, "--provider", "chat", "--base-url", server.url, "--model", "m"]
        common += ["--prices", "2,4", "--set", "temperature=none", "--set", "max_tokens=9", "--json"]
        value = json.loads(call(*common, "--dry-run").out)
        assert (value["captions"], value["requests"], value["cached"]) == (3, 6, 0)
        assert value["cost"] > 0
        assert not server.prompts
        done = call(*common, "--out", str(tmp_path / "o.jsonl"), "--budget", "1")
        assert (done.status, json.loads(done.out)["records"]) == (0, 3)
        assert set(server.bodies[0]) == {"messages", "model", "top_p", "max_tokens"}
        assert json.loads(call(*common, "--dry-run").out)["requests"] == 0
        assert call(*common, "--out", str(tmp_path / "o.jsonl")).status == 0
        assert sum(server.prompts.values()) == 6


def test_above_the_budget_nothing_is_asked_or_written(call: Call, captions: str, tmp_path: Path):
    with chat_server() as server:
        done = call(
            *[captions, "--provider", "chat", "--base-url", server.url, "--out", str(tmp_path / "o.jsonl")],
            *["--prices", "1e6,1e6", "--budget", "5"],
        )
    assert done.status == 2
    assert "6 requests are estimated to cost" in done.err
    assert not server.prompts
    assert not (tmp_path / "o.jsonl").exists()


def test_without_a_key_openai_is_not_asked(call: Call, captions: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = call(captions, "--provider", "chat", "--out", "o.jsonl")
    assert done.status == 1
    assert "OPENAI_API_KEY is not set" in done.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--provider", "magic"], "choose one of rules, siblings, siblings-rules, local, chat"),
        (["--provider", "openai"], "unknown provider 'openai'\n  Remedy: it is called 'chat' now"),
        (["--words", "few"], "--words is 'few'"),
        (["--words", "5-2"], "the bounds are 5 to 2 words"),
        (["--out", "o.csv"], "cannot write o.csv"),
        (["--prices", "1", "--provider", "chat"], "--prices is '1'"),
        (["--budget", "1", "--provider", "chat"], "there is a --budget but no --prices"),
        (["--set", "height=3", "--provider", "chat"], "--set 'height=3'"),
        (["--set", "top_p=much", "--provider", "chat"], "top_p is 'much'"),
    ],
)
def test_what_cannot_be_used_is_named(call: Call, captions: str, options: list[Any], said: str):
    done = call(captions, *options)
    assert done.status == 2
    assert said in done.err


def test_no_record_at_all_is_an_error(call: Call, captions: str, tmp_path: Path):
    done = call(captions, "--words", "9-10", "--out", str(tmp_path / "o.jsonl"))
    assert done.status == 1
    assert "no record was made: 0 captions failed, 4 are not of 9 to 10 words" in done.err
