"""Where each task of semantic textual similarity comes from, and how its official files are called."""

from __future__ import annotations

from dataclasses import dataclass

from lexclip_core.datasets.card import Card


@dataclass(frozen=True)
class Task:
    """How one task is laid out.

    Args:
        folders: Folders, relative to the one given, that the official files may be in.
        subsets: Parts of a SemEval year, each a file; empty where the task is one file.
        file: The file of a task that is one file.
        table_name: What the single-table layout calls the task.
        revision: Pinned revision of the hub's copy, "" where there is none.
        hub_split: The split of the hub's copy.
    """

    folders: tuple[str, ...]
    table_name: str
    subsets: tuple[str, ...] = ()
    file: str = ""
    revision: str = ""
    hub_split: str = "test"


def _year(year: int, subsets: tuple[str, ...], revision: str) -> Task:
    name = f"STS{year}"
    return Task((f"{name}-en-test", f"STS/{name}-en-test"), name, subsets, revision=revision)


_BENCHMARK = ("STSBenchmark", "STS/STSBenchmark", "stsbenchmark", ".")
_BENCHMARK_REVISION = "b0fddb56ed78048fa8b90373c8a3cfc37b684831"

TASKS: dict[str, Task] = {
    "sts12": _year(
        12,
        ("MSRpar", "MSRvid", "SMTeuroparl", "surprise.OnWN", "surprise.SMTnews"),
        "a0d554a64d88156834ff5ae9920b964011b16384",
    ),
    "sts13": _year(13, ("FNWN", "headlines", "OnWN"), "7e90230a92c190f1bf69ae9002b8cea547a64cca"),
    "sts14": _year(
        14,
        ("deft-forum", "deft-news", "headlines", "images", "OnWN", "tweet-news"),
        "6031580fec1f6af667f0bd2da0a551cf4f0b2375",
    ),
    "sts15": _year(
        15,
        ("answers-forums", "answers-students", "belief", "headlines", "images"),
        "ae752c7c21bf194d8b67fd573edf7ae58183cbe3",
    ),
    "sts16": _year(
        16,
        ("answer-answer", "headlines", "plagiarism", "postediting", "question-question"),
        "4d8694f8f0e0100860b497b999b3dbed754a0513",
    ),
    "sts-b": Task(_BENCHMARK, "STS-B-test", file="sts-test.csv", revision=_BENCHMARK_REVISION),
    "sts-b-dev": Task(
        _BENCHMARK, "STS-B-dev", file="sts-dev.csv", revision=_BENCHMARK_REVISION, hub_split="validation"
    ),
    "sick-r": Task(("SICK", "."), "SICK-R-test", file="SICK_test_annotated.txt"),
}

# The seven that papers average (claims P11); sts-b-dev is for choosing, not for reporting.
SEVEN = ("sts12", "sts13", "sts14", "sts15", "sts16", "sts-b", "sick-r")

_SEMEVAL = "https://ixa2.si.ehu.eus/stswiki (SentEval's data/downstream script lays the files out)"
_MIXED = "mixed, by subset; MSRpar and MSRvid are for non-commercial research"
_MEASURE = "it measures: tune nothing on it"


def _semeval(name: str, title: str, rows: int, reference: str, hub: str) -> Card:
    return Card(
        name=name,
        title=title,
        rows=rows,
        scale="0 to 5, semantic equivalence of two sentences",
        reference=reference,
        source=_SEMEVAL,
        licence=_MIXED,
        files=official_files(name),
        hub=hub,
        warning=_MEASURE,
    )


def official_files(name: str) -> tuple[str, ...]:
    """Return the files of a task as its first official folder names them."""
    task = TASKS[name]
    parts = tuple(f"STS.{kind}.{subset}.txt" for subset in task.subsets for kind in ("input", "gs"))
    return tuple(f"{task.folders[0]}/{file}" for file in parts or (task.file,))


_CER = "Cer et al. (2017), SemEval-2017 task 1"
CARDS: dict[str, Card] = {
    card.name: card
    for card in (
        _semeval("sts12", "STS12", 3108, "Agirre et al. (2012), SemEval-2012 task 6", "mteb/sts12-sts"),
        _semeval("sts13", "STS13 (no SMT)", 1500, "Agirre et al. (2013), *SEM shared task", "mteb/sts13-sts"),
        _semeval("sts14", "STS14", 3750, "Agirre et al. (2014), SemEval-2014 task 10", "mteb/sts14-sts"),
        _semeval("sts15", "STS15", 3000, "Agirre et al. (2015), SemEval-2015 task 2", "mteb/sts15-sts"),
        _semeval("sts16", "STS16", 1186, "Agirre et al. (2016), SemEval-2016 task 1", "mteb/sts16-sts"),
        _semeval("sts-b", "STS-B test", 1379, _CER, "mteb/stsbenchmark-sts"),
        _semeval("sts-b-dev", "STS-B dev", 1500, _CER, "mteb/stsbenchmark-sts"),
        Card(
            name="sick-r",
            title="SICK-R test",
            rows=4927,
            scale="1 to 5, relatedness of two sentences",
            reference="Marelli et al. (2014), A SICK cure for the evaluation of compositional models",
            source="https://zenodo.org/records/2787612",
            licence="CC BY-NC-SA 3.0",
            files=official_files("sick-r"),
            warning=f"{_MEASURE}; the hub's mteb/sickr-sts mixes train, trial and test (9,927 pairs)",
        ),
    )
}
