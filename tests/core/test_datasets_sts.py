"""STS tasks: official layouts, the single table, the hub's copies, and what is said when they are wrong."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import huggingface_hub
import pandas as pd
import pytest
from huggingface_hub import constants

from lexclip_core.datasets import sentence_similarity
from lexclip_core.datasets.sentence_similarity import CARDS, SEVEN
from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError

HEADER = "task\tsubset\tline\tscore\ts1_raw\ts2_raw\ts1_tok\ts2_tok\n"


@pytest.fixture
def small(monkeypatch):
    """Make every task three pairs long, so that made-up files are complete."""
    for name, card in CARDS.items():
        monkeypatch.setitem(CARDS, name, replace(card, rows=3))


def write_year(folder, name, sizes):
    for (file, gold), size in zip(zip(*[iter(CARDS[name].files)] * 2, strict=True), sizes, strict=True):
        subset = file.removesuffix(".txt").partition(".input.")[2]
        lines = [f"A {subset} {i} runs.\tA {subset} {i} walks.\textra" for i in range(size + 1)]
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text("\n".join(lines) + "\n")
        # the last pair was scored by nobody
        (folder / gold).write_text("".join(f"{i}.5\n" for i in range(size)) + "\n")
    return (folder / file).parent


def test_semeval_years_pair_sentences_with_scores_and_leave_unscored_pairs_out(tmp_path, small):
    place = write_year(tmp_path, "sts13", (1, 2, 0))
    pairs = sentence_similarity.read("sts13", tmp_path)
    assert pairs.sentences_a == ("A FNWN 0 runs.", "A headlines 0 runs.", "A headlines 1 runs.")
    assert pairs.sentences_b[2] == "A headlines 1 walks."
    assert pairs.scores.tolist() == [0.5, 0.5, 1.5]
    assert pairs.subsets == ("FNWN", "headlines", "headlines")
    assert pairs.path == place


def test_sentences_may_hold_what_other_readers_take_for_line_ends(tmp_path, small):
    place = write_year(tmp_path, "sts13", (1, 1, 1))
    (place / "STS.input.FNWN.txt").write_bytes("one\x85 two\u2028\rthree\tfour\r\nfive\tsix\r\n".encode())
    pairs = sentence_similarity.read("sts13", tmp_path)
    assert pairs.sentences_a[0] == "one\x85 two\u2028\rthree"
    assert pairs.sentences_b[0] == "four"


def test_the_benchmark_has_no_header_and_may_carry_sources(tmp_path, small):
    (tmp_path / "STSBenchmark").mkdir()
    lines = [
        'main-news\theadlines\t2015\t001\t4.2\tA "wug runs.\tA wug walks.\n',
        "main-news\theadlines\t2015\t002\t1\tb\tc\tsource\tlicence\n",
        "main-captions\tMSRvid\t2012test\t003\t0.0\td\te\n",
    ]
    (tmp_path / "STSBenchmark" / "sts-test.csv").write_text("".join(lines))
    pairs = sentence_similarity.read("sts-b", tmp_path)
    assert pairs.sentences_a[0] == 'A "wug runs.'
    assert pairs.scores.tolist() == [4.2, 1, 0]
    assert pairs.subsets[2] == "main-captions/MSRvid"


def test_sick_has_a_header(tmp_path, small):
    lines = ["pair_ID\tsentence_A\tsentence_B\trelatedness_score\tentailment_judgment\n"]
    lines += [f"{i}\ta{i}\tb{i}\t{i}.5\tNEUTRAL\n" for i in (1, 2, 3)]
    (tmp_path / "SICK_test_annotated.txt").write_text("".join(lines))
    pairs = sentence_similarity.read("sick-r", tmp_path)
    assert pairs.sentences_b == ("b1", "b2", "b3")
    assert pairs.scores.tolist() == [1.5, 2.5, 3.5]


def test_the_single_table_holds_all_tasks(tmp_path, small):
    rows = [f"STS12\tMSRpar\t{i}\t{i}.0\tIt's raw.\t\"x\tit 's raw .\t\" x\n" for i in range(3)]
    rows += [f"STS-B-dev\tx\t{i}\t{i}.0\tp\tq\tp\tq\n" for i in range(3)]
    (tmp_path / "all_pairs.tsv").write_text(HEADER + "".join(rows))
    pairs = sentence_similarity.read("sts12", tmp_path)
    assert pairs.sentences_a == ("It's raw.",) * 3
    assert len(sentence_similarity.read("sts-b-dev", tmp_path)) == 3
    with pytest.raises(DamagedFileError, match="0 pairs where STS16 has 3"):
        sentence_similarity.read("sts16", tmp_path)


def test_official_files_come_before_the_table(tmp_path, small):
    write_year(tmp_path, "sts13", (1, 1, 1))
    (tmp_path / "all_pairs.tsv").write_text(HEADER + "STS13\tOnWN\t0\t1\ta\tb\ta\tb\n" * 3)
    assert sentence_similarity.read("sts13", tmp_path).path.name == "STS13-en-test"


def test_a_missing_task_names_the_first_path_the_source_and_the_hub(tmp_path):
    with pytest.raises(MissingResourceError) as error:
        sentence_similarity.read("sts12", tmp_path)
    assert str(tmp_path / "STS12-en-test" / "STS.input.MSRpar.txt") in error.value.problem
    assert "mteb/sts12-sts" in error.value.remedy
    with pytest.raises(MissingResourceError, match="nowhere is not there"):
        sentence_similarity.read("sts-b", tmp_path / "nowhere")


def test_a_missing_subset_is_named(tmp_path):
    place = write_year(tmp_path, "sts13", (1, 1, 1))
    (place / "STS.gs.headlines.txt").unlink()
    with pytest.raises(MissingResourceError, match=r"STS\.gs\.headlines\.txt is not there"):
        sentence_similarity.read("sts13", tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("STS.gs.FNWN.txt", "1.0\n2.0\n3.0\n", "3 scores for 2 pairs of STS.input.FNWN.txt"),
        ("STS.gs.FNWN.txt", "much\n\n", "line 1: 'much' is not a score"),
        ("STS.input.FNWN.txt", "one sentence only\nx\ty\n", "line 1: no tab between two sentences"),
        ("STS.input.FNWN.txt", "\tb\nx\ty\n", "lacks a sentence or a score"),
    ],
)
def test_damage_is_named_with_its_line(tmp_path, file, content, message):
    place = write_year(tmp_path, "sts13", (1, 1, 1))
    (place / file).write_text(content)
    with pytest.raises(DamagedFileError, match=message):
        sentence_similarity.read("sts13", tmp_path)


def test_a_task_cut_short_is_refused(tmp_path):
    write_year(tmp_path, "sts13", (1, 1, 1))
    with pytest.raises(DamagedFileError, match=r"3 pairs where .* has 1,500"):
        sentence_similarity.read("sts13", tmp_path)


def test_a_table_without_a_column_is_refused(tmp_path):
    (tmp_path / "all_pairs.tsv").write_text("task\tsubset\tscore\ts1_raw\n")
    with pytest.raises(DamagedFileError, match="'s2_raw' is missing"):
        sentence_similarity.read("sts12", tmp_path)


def test_unknown_names_list_the_valid_ones(tmp_path):
    with pytest.raises(InputError, match="sick-r"):
        sentence_similarity.read("sts17", tmp_path)


def jsonl(folder, name, rows):
    with gzip.open(folder / name, "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize("written", ["jsonl", "parquet"])
def test_the_hub_is_asked_for_one_split_at_a_pinned_revision(tmp_path, small, monkeypatch, written):
    rows = [{"sentence1": f"a{i}", "sentence2": "1999-01-01", "score": float(i)} for i in range(3)]
    asked = {}

    def snapshot(repo, **options):
        asked.update(options, repo=repo)
        if written == "jsonl":
            jsonl(tmp_path, "validation.jsonl.gz", rows)
        else:
            (tmp_path / "data").mkdir()
            pd.DataFrame(rows).to_parquet(tmp_path / "data" / "validation-00000-of-00001.parquet")
        return str(tmp_path)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    pairs = sentence_similarity.read("sts-b-dev")
    assert pairs.sentences_a == ("a0", "a1", "a2")
    assert pairs.sentences_b == ("1999-01-01",) * 3
    assert pairs.scores.tolist() == [0, 1, 2]
    assert asked["repo"] == "mteb/stsbenchmark-sts"
    assert len(asked["revision"]) == 40
    assert asked["repo_type"] == "dataset"


def test_a_hub_copy_without_the_split_or_the_columns_is_refused(tmp_path, small, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda repo, **_: str(tmp_path))
    with pytest.raises(DamagedFileError, match="holds no test split of mteb/sts12-sts"):
        sentence_similarity.read("sts12")
    jsonl(tmp_path, "test.jsonl.gz", [{"sentence1": "a", "score": 1.0}])
    with pytest.raises(DamagedFileError, match="'sentence2' is missing"):
        sentence_similarity.read("sts12")


def test_without_network_the_way_out_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(MissingResourceError, match="neither in the hub's cache nor within reach") as error:
        sentence_similarity.read("sts16")
    assert "STS16-en-test/STS.input.answer-answer.txt" in error.value.remedy


def test_sick_is_not_taken_from_the_hub_since_its_copy_is_another_set():
    with pytest.raises(MissingResourceError, match="no copy on the hub that fits"):
        sentence_similarity.read("sick-r")


def test_cards_cover_the_seven_tasks():
    assert set(SEVEN) < set(CARDS)
    assert sum(CARDS[name].rows for name in SEVEN) == 18_850


def test_the_real_tasks_are_complete(evaldata):
    folder = evaldata / "sts"
    assert sentence_similarity.available(folder) == tuple(CARDS)
    for name in CARDS:
        pairs = sentence_similarity.read(name, folder)
        assert len(pairs) == CARDS[name].rows
        assert 0 <= pairs.scores.min() < pairs.scores.max() == 5
    assert set(sentence_similarity.read("sts14", folder).subsets) == {
        file.removesuffix(".txt").partition(".input.")[2] for file in CARDS["sts14"].files[::2]
    }
