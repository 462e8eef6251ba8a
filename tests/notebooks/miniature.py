"""A miniature of all that the profile `paper` needs: official layouts, a few drawings each, random weights.

The pictures are this project's own emoji; the weights are random numbers in the papers' architecture. What
runs on it would run on the real files; its numbers mean nothing.

    PYTHONPATH=. python tests/notebooks/miniature.py FOLDER  # makes it, prints the command that runs on it
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

import open_clip
import torch
from PIL import Image, ImageEnhance
from safetensors.torch import save_file

from lexclip_core.datasets.emoji import sprites
from lexclip_core.datasets.pictures.fer2013 import EMOTIONS
from lexclip_core.datasets.pictures.picture_set import PictureSet
from lexclip_core.datasets.sentence_similarity import CARDS, SEVEN
from lexclip_core.wordnet.tables import load_wordnet
from tools.openimages_proposal import read_map

ARCHITECTURE = "ViT-B-32-quickgelu"
TOWERS = (  # of one architecture but for RoBERTa's, which is named and stands for nothing
    *("ViT-B-32-quickgelu/laion400m_e31", "ViT-B-32-quickgelu/openai", "ViT-B-32/laion400m_e32"),
    *("ViT-B-32/laion2b_s34b_b79k", "roberta-ViT-B-32/laion2b_s12b_b32k", "LaCLIP/laion400m_laclip"),
)
EACH = 2  # pictures of each class
IMAGENET = (
    *(
        "gorilla",
        "lion",
        "zebra",
        "hippopotamus",
        "beaver",
        "flamingo",
        "jellyfish",
        "snail",
        "ant",
        "scorpion",
    ),
    *("lemon", "pizza", "teapot", "volcano", "castle", "bullet-train"),
)
#: Settings so small that each notebook takes seconds: `RunOptions.overrides`.
TINY = {
    "steps": 1,
    "batch": 8,
    "test_scenes": 10,
    "scene_count": 12,
    "least": 1,
    "concept_count": 12,
    "rows": ["base", "L2+L3"],
    "seeds": [0],
    "bases": ["{weights:ViT-B-32-quickgelu/openai}"],
    "hand_steps": 1,
    "hand_batch": 4,
    "batches": [4, 8],
    "batch_steps": 1,
    "batch_seeds": [0],
    "distance_batch": 8,
    "classes": 4,
    "sizes": [3, 4],
    "size": 4,
    "subsets": 2,
    "combinations": 2,
    "controls": ["constant"],
    "template_set": "name",
    "templates": ["{}", "a photo of {}"],
    "sample": 20,
    "template_sample": 5,
    "vocabulary": 50,
    "polysemy_policies": ["exact"],
    "synonymy_policies": ["synsets"],
    "shown_classes": 2,
    "alphas": [1.0],
    "random_pairs": 2000,
    "source_kinds": ["synonym", "mixed"],
    "source_classes": 4,
    "factors": ["c"],
}


def build(folder: Path) -> Path:
    """Make the miniature in a folder, and return its paths.toml."""
    drawn = sprites.picture_set(which="mapped")
    imagenet(folder / "imagenet", drawn)
    openimages(folder / "openimages", drawn)
    fer2013(folder / "fer2013")
    coco(folder / "coco", drawn)
    queries(folder / "queries.tsv", drawn)
    aro(folder / "aro", drawn)
    sentences(folder / "evaldata" / "sts" / "all_pairs.tsv")
    weights(folder / "weights" / "open_clip_model.safetensors")
    paths = folder / "paths.toml"
    places = ("imagenet", "openimages", "fer2013", "coco", "aro", "evaldata")
    sets = {name: name for name in places} | {"queries": "queries.tsv"}
    towers = dict.fromkeys(TOWERS, "weights/open_clip_model.safetensors")
    lines = ["[folders]", *(f"{name} = '{place}'" for name, place in sets.items())]
    lines += ["[weights]", *(f"'{name}' = '{place}'" for name, place in towers.items())]
    paths.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return paths


def variants(pictures: PictureSet, place: int) -> list[Image.Image]:
    """Return one class's drawing in some brightnesses, larger than an image tower takes it."""
    [first, *_] = [picture for picture, label in enumerate(pictures.labels) if label == place]
    drawing = pictures.read(first).resize((256, 256))
    return [ImageEnhance.Brightness(drawing).enhance(1 - 0.2 * number) for number in range(EACH)]


def save(images: Iterable[Image.Image], files: Iterable[Path]) -> None:
    for image, file in zip(images, files, strict=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(file)


def imagenet(folder: Path, drawn: PictureSet) -> None:
    """`val/WNID/ILSVRC2012_val_*.JPEG`."""
    wordnet = load_wordnet()
    places = {one.key: place for place, one in enumerate(drawn.classes)}
    for number, concept in enumerate(IMAGENET):
        synset = drawn.classes[places[concept]].synset
        wnid = f"n{wordnet.offsets[wordnet.index(synset)]:08d}"
        files = [
            folder / "val" / wnid / f"ILSVRC2012_val_{EACH * number + i + 1:08d}.JPEG" for i in range(EACH)
        ]
        save(variants(drawn, places[concept]), files)


def openimages(folder: Path, drawn: PictureSet) -> None:
    """`images/ID.jpg` and Google's tables, with labels that nobody confirmed and of pictures not on disk."""
    places = {one.synset: place for place, one in enumerate(drawn.classes)}
    chosen = [(label, one) for label, one in sorted(read_map().items()) if one.synset in places][:16]
    rows = ["ImageID,Source,LabelName,Confidence"]
    for number, (label, one) in enumerate(chosen):
        names = [f"{number:08x}{i:08x}" for i in range(EACH)]
        save(variants(drawn, places[one.synset]), [folder / "images" / f"{name}.jpg" for name in names])
        rows += [f"{name},verification,{label},1" for name in names]
        rows += [
            f"{names[0]},verification,{chosen[number - 1][0]},0",
            f"{0xF << 60:016x},verification,{label},1",
        ]
    described = ["LabelName,DisplayName", *(f'{label},"{one.name}"' for label, one in chosen)]
    for name, lines in (
        ("oidv7-test-annotations-human-imagelabels.csv", rows),
        ("oidv7-class-descriptions.csv", described),
    ):
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def fer2013(folder: Path) -> None:
    """`test/EMOTION/*.png`, grey and 48 pixels wide."""
    faces = sprites.picture_set(which="emotions")
    places = {one.key: place for place, one in enumerate(faces.classes)}
    for emotion in EMOTIONS:
        images = [image.convert("L").resize((48, 48)) for image in variants(faces, places[emotion])]
        save(images, [folder / "test" / emotion / f"{i}.png" for i in range(EACH)])


def coco(folder: Path, drawn: PictureSet) -> None:
    """`annotations/captions_*2017.json` with five captions a picture, and `train2017` and `val2017`."""
    sentences = ("a {}", "a drawing of a {}", "one {} alone", "a picture that shows a {}", "there is a {}")
    (folder / "annotations").mkdir(parents=True)
    for start, part in enumerate(("train2017", "val2017")):
        images, notes = [], []
        for number, place in enumerate(range(start, len(drawn.classes), len(drawn.classes) // 12)):
            name = f"{number:012d}.jpg"
            save(variants(drawn, place)[:1], [folder / part / name])
            images.append({"id": number, "file_name": name})
            texts = [sentence.format(drawn.classes[place].name) for sentence in sentences]
            notes += [
                {"image_id": number, "id": 10 * number + i, "caption": text} for i, text in enumerate(texts)
            ]
        file = folder / "annotations" / f"captions_{part}.json"
        file.write_text(json.dumps({"images": images, "annotations": notes}), encoding="utf-8")


def queries(file: Path, drawn: PictureSet) -> None:
    """Pairs of queries about COCO's pictures of val2017."""
    places = range(1, len(drawn.classes), len(drawn.classes) // 12)
    names = [drawn.classes[place].name for place in places]
    rows = [f"a {name}\tone {name} alone\t{number:012d}.jpg" for number, name in enumerate(names)]
    file.write_text("\n".join(["query\tparaphrase\timage", *rows]) + "\n", encoding="utf-8")


def aro(folder: Path, drawn: PictureSet) -> None:
    """ARO's two files, with boxes on two pictures: 25 items are the fewest of a pair of attributes."""
    save(
        [image for place in (0, 1) for image in variants(drawn, place)[:1]],
        [folder / "images" / f"{n}.jpg" for n in (0, 1)],
    )
    box = {"bbox_x": 10, "bbox_y": 10, "bbox_w": 200, "bbox_h": 200}
    items = [
        {"image_path": f"{n % 2}.jpg", "true_caption": f"{n} on red", "false_caption": f"red on {n}"} | box
        for n in range(25)
    ]
    for name, about in (("relation", {"relation_name": "on"}), ("attribution", {"attributes": ["a", "b"]})):
        file = folder / f"visual_genome_{name}.json"
        file.write_text(json.dumps([item | about for item in items]), encoding="utf-8")


def sentences(file: Path) -> None:
    """The seven tasks in full length, of a few sentences over and over."""
    rows = ["task\tsubset\tline\tscore\ts1_raw\ts2_raw"]
    for name in SEVEN:
        card = CARDS[name]
        rows += [
            f"{card.details['table_name']}\tall\t{n}\t{n % 5}\ta dog {n % 3}\ta cat {n % 5}"
            for n in range(card.rows)
        ]
    file.parent.mkdir(parents=True)
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")


def weights(file: Path) -> None:
    """Write seeded random numbers under the tensors' names of the papers' checkpoint, in half precision."""
    torch.manual_seed(0)
    model = open_clip.create_model(ARCHITECTURE)
    tensors = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    file.parent.mkdir(parents=True)
    save_file(tensors, file, metadata={"activation": "quickgelu"})


def command(paths: Path) -> str:
    """Return the command that runs all notebooks of the profile on a miniature."""
    given = " ".join(f"--set '{name}={json.dumps(value)}'" for name, value in TINY.items())
    return (
        f"lexclip notebooks run --profile paper --paths {paths} --output {paths.parent / 'executed'} {given}"
    )


if __name__ == "__main__":
    print(command(build(Path(sys.argv[1]))))
