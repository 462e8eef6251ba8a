"""The papers' numbers: complete, equal to what the papers print, and read back under the right names."""

from __future__ import annotations

import pytest
from case_tables import each

from lexclip_core.errors import DamagedFileError, InputError, MissingResourceError
from lexclip_core.papers import reported

HEAD = "paper,where,row,column,value,uncertainty,setting,unit,claims\n"


def value(table, **where) -> float:
    """Return the one accuracy of a table at a place."""
    for column, wanted in where.items():
        table = table[table[column] == wanted]
    [found] = table["accuracy"]
    return found


def test_every_number_has_one_place_and_an_uncertainty():
    table = reported.read()
    keys = ["paper", "where", "row", "column", "setting"]
    assert not table.duplicated(keys).any()
    assert (table[keys] != "").all(axis=None)
    assert table["paper"].value_counts().to_dict() == {
        "blog": (8 + 7 + 5) * 4 + (1 + 2) * 4 + (4 * 2 + 4) * 2 + 2 * 4 + 16 + 5,
        "paraclip": 10 * 8 + 9 * 8 + 23 + 9 + 3 + 2,
        "open_clip": 7 + 8,
        "clip_benchmark": 3,
    }
    digitised = table["where"].isin(["ImageNet", "OpenImages", "OpenImages comparison"])
    assert set(table.loc[digitised, "uncertainty"]) == {0.3}
    assert set(table.loc[~digitised, "uncertainty"]) == {0.0}


@each(
    ("kind", "dataset", "classes"),
    [
        ("synonym", "ImageNet", [100, 150, 200, 250, 300, 350, 400, 478]),
        ("hypernym", "ImageNet", [100, 150, 200, 250, 300, 400, 528]),
        ("mixed", "ImageNet", [100, 150, 200, 250, 313]),
        ("synonym", "OpenImages", [93]),
        ("hypernym", "OpenImages", [100, 150]),
    ],
)
def test_a_curve_has_four_accuracies_per_point(kind, dataset, classes):
    table = reported.blog_curve(kind, dataset)
    assert list(table.columns) == ["kind", "classes", "names", "tower", "accuracy", "uncertainty"]
    assert list(dict.fromkeys(table["classes"])) == classes
    assert len(table) == 4 * len(classes)
    assert set(table["kind"]) == {kind}
    for _, point in table.groupby("classes"):
        four = {(row.tower, row.names): row.accuracy for row in point.itertuples()}
        assert len(four) == 4
        # what all of the figures show: replaced names cost accuracy, and tuning wins some of it back
        assert four["base", "replaced"] < four["tuned", "replaced"] < four["tuned", "original"]


def test_the_statements_drawn_from_the_curves():
    gains = {}
    for kind in ("synonym", "hypernym", "mixed"):
        curve = reported.blog_curve(kind)
        for classes in (curve["classes"].min(), curve["classes"].max()):
            tuned, base = (
                value(curve, classes=classes, names="replaced", tower=side) for side in ("tuned", "base")
            )
            gains.setdefault(kind, []).append(round(100 * (tuned - base), 1))
    assert gains == {"synonym": [7.9, 2.7], "hypernym": [5.3, 2.7], "mixed": [9.9, 5.3]}
    hypernym = reported.blog_curve("hypernym")
    assert value(hypernym, classes=100, names="original", tower="base") == 0.809
    assert value(hypernym, classes=100, names="original", tower="tuned") == 0.805
    first = reported.blog_curve("synonym").query("classes == 100 and tower == 'base'").set_index("names")
    original, replaced = first["accuracy"]["original"], first["accuracy"]["replaced"]
    assert 1 - replaced / original == pytest.approx(0.25, abs=0.005)


def test_transfer_names_what_the_tower_was_tuned_on():
    table = reported.blog_transfer()
    assert set(table["tower"]) == {"base", "ImageNet hypernym", "ImageNet synonym", "ImageNet mixed"}
    assert len(table) == 2 * 4 * 3
    assert value(table, kind="hypernym", classes=100, tower="ImageNet hypernym", names="replaced") == 0.342
    assert value(table, kind="synonym", classes=93, tower="base", names="original") == 0.759
    assert value(table, kind="hypernym", classes=150, tower="ImageNet mixed", names="original") == 0.758
    # the same untouched tower and words in two figures: how far two runs lie apart
    once = value(reported.blog_curve("synonym", "OpenImages"), tower="base", names="replaced")
    again = value(table, kind="synonym", tower="base", names="replaced")
    assert again - once == pytest.approx(0.008)


def test_emotions_are_whole_pictures_of_700_and_2100():
    table = reported.blog_emotions()
    assert set(table["classes"]) == {7}
    pictures = {}
    for row in table.itertuples():
        of = 700 if row.names == "original" else 2100
        count = row.accuracy * of
        assert abs(count - round(count)) < 5e-5 * of + 1e-9
        pictures[row.template, row.tower, row.names] = round(count)
    plain = [pictures["no template", *side] for side in (("base", "original"), ("tuned", "original"))]
    within = [pictures["with template", *side] for side in (("base", "original"), ("tuned", "original"))]
    assert (plain, within) == ([153, 205], [203, 218])
    assert sorted(v for (_, _, names), v in pictures.items() if names == "replaced") == [389, 436, 486, 501]


def test_paraclips_tables_are_wide():
    table = reported.paraclip_table()
    assert table.shape == (10, 8)
    assert table.loc[("LaCLIP (400M)", "ParaCLIP"), "STS"] - table.loc[
        ("LaCLIP (400M)", "base"), "STS"
    ] == pytest.approx(12.6)
    assert table.loc[("OpenAI", "base")].tolist() == [67.2, 57.7, 59.7, 63.2, 65.1, 63.4, 75.0, 54.8]
    assert table.loc[("OpenCLIP (2B)", "ParaCLIP"), "image retrieval R@5"] == 63.3
    ablation = reported.paraclip_ablation()
    assert ablation.shape == (9, 8)
    assert ablation.loc["L2+L3"].tolist() == [70.5, 61.2, 61.5, 65.1, 74.5, 56.7, 74.6, 51.8]
    assert set(ablation.loc["L2+L3"][["VG-R", "VG-A", "STS"]] - ablation[["VG-R", "VG-A", "STS"]].max()) == {
        0
    }
    assert ablation["classification"].idxmin() == "L2+L3"
    # one model, two tables
    once, again = table.loc[("OpenAI", "ParaCLIP")], ablation.loc["L1''+L2+L3"]
    assert (again - once).round(1)[["VG-R", "VG-A", "STS"]].tolist() == [-0.3, -0.1, 0.0]


def test_the_activation_costs_as_much_as_the_method_gains():
    table = reported.read()
    top = table[(table["paper"] == "open_clip") & (table["column"] == "ImageNet top-1")]
    top = top.set_index(["row", "setting"])["value"]
    lost = top["ViT-B-32-quickgelu", "laion400m_e31"] - top["ViT-B-32", "laion400m_e31"]
    assert lost == pytest.approx(2.72)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: reported.blog_curve("antonym"),
            r"no figure of ImageNet 'antonym'\n.*synonym, hypernym, mixed",
        ),
        (
            lambda: reported.blog_curve("mixed", "OpenImages"),
            r"no figure of OpenImages 'mixed'\n.*synonym, hypernym",
        ),
        (lambda: reported.blog_curve("mixed", "CIFAR"), r"unknown data set 'CIFAR'\n.*ImageNet, OpenImages"),
    ],
)
def test_what_the_blog_has_not_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


@each(
    ("content", "message"),
    [
        ("a,b\n1,2\n", "columns"),
        (HEAD + "blog,F,1,x,many,0,y,percent,\n", "many"),
        (HEAD + "blog,F,1,x,743,0,y,percent,\n", "743 lies outside 0 to 100, percent"),
        (HEAD + "blog,F,1,x,-5,0,y,count,\n", "-5 lies outside 0 to inf, count"),
        (HEAD + "blog,F,1,x,1.5,0,y,cosine,\n", "outside -1 to 1, cosine"),
        (HEAD + "blog,F,1,x,5,0,y,per mille,\n", "unknown unit 'per mille'"),
        (HEAD + "blog,F,1,x,5,9,y,percent,\n", "an uncertainty outside 0 to 5"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content, message):
    path = tmp_path / "reported.csv"
    path.write_text(content)
    with pytest.raises(DamagedFileError, match=rf"reported\.csv .*{message}"):
        reported.read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingResourceError, match=r"none\.csv is not there"):
        reported.read(tmp_path / "none.csv")
