"""The image tower's material, scenes, loop and measure, on a handful of made-up drawings."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional

from lexclip_core.datasets.emoji import scenes, sprites
from lexclip_core.datasets.pictures.files import on_white
from lexclip_core.errors import DamagedFileError, DivergenceError, InputError, MissingResourceError
from lexclip_core.evaluation.zero_shot import accuracy, class_weights
from lexclip_core.towers import loading
from lexclip_core.training.losses import concept_contrast
from tools.emoji.build import write_sprites
from tools.image_tower import build, growth
from tools.image_tower import fit as fit_module
from tools.image_tower.augment import Augmentation
from tools.image_tower.fit import Checkpoints
from tools.image_tower.material import Material, load_material, sprite_pixels, training_styles
from tools.image_tower.measure import held_out_accuracy
from tools.image_tower.recipe import Recipe, Stage
from tools.image_tower.saving import new_visual
from tools.image_tower.scene_batches import TRAINING_SEED, scene_bank

DIM, CONCEPTS = 8, 4


def unit(rows: torch.Tensor) -> torch.Tensor:
    return functional.normalize(rows, dim=-1)


@pytest.fixture
def material() -> Material:
    """Four colours, each drawn as six full squares of slightly different shades."""
    generator = torch.Generator().manual_seed(0)
    colours = torch.tensor([[220, 20, 20], [20, 220, 20], [20, 20, 220], [220, 220, 20]])
    labels = torch.arange(CONCEPTS).repeat_interleave(6)
    drawings = torch.full((len(labels), 64, 64, 4), 255, dtype=torch.uint8)
    shades = torch.randint(-15, 16, (len(labels), 3), generator=generator)
    drawings[..., :3] = (colours[labels] + shades).clamp(0, 255)[:, None, None].to(torch.uint8)
    names = unit(torch.randn(2, CONCEPTS, DIM, generator=generator))
    return Material(
        concepts=("red", "green", "blue", "yellow"),
        drawings=drawings,
        labels=labels,
        mirrored=torch.ones(CONCEPTS, dtype=torch.bool),
        names=names,
        tags=unit(torch.randn(5, DIM, generator=generator)),
        tagged=torch.eye(CONCEPTS, 5),
        styles=("made-up",),
    )


RECIPE = Recipe(
    stages=(Stage(32, 3),), batch=8, lr=1e-3, average=0.5, augmentation=Augmentation().scaled(0.0)
)


def test_concept_contrast_is_the_cross_entropy_written_out():
    pictures, texts = torch.eye(2), torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    loss = concept_contrast(pictures, texts, torch.tensor([0, 1]), torch.tensor(2.0))
    first = -math.log(math.exp(2) / (math.exp(2) + 1 + math.exp(-2)))
    second = -math.log(math.exp(2) / (1 + math.exp(2) + 1))
    assert float(loss) == pytest.approx((first + second) / 2)


def test_concept_contrast_takes_shares_and_equals_the_naive_loop():
    generator = torch.Generator().manual_seed(1)
    pictures, texts = (unit(torch.randn(n, 5, generator=generator)) for n in (3, 4))
    shares = torch.softmax(torch.randn(3, 4, generator=generator), dim=1)
    total = 0.0
    for row in range(3):
        logits = [3.0 * float(pictures[row] @ text) for text in texts]
        partition = math.log(sum(map(math.exp, logits)))
        total -= sum(float(share) * (one - partition) for share, one in zip(shares[row], logits, strict=True))
    assert float(concept_contrast(pictures, texts, shares, torch.tensor(3.0))) == pytest.approx(
        total / 3, 1e-5
    )


def test_concept_contrast_on_the_batchs_own_texts_is_half_of_cliploss():
    open_clip = pytest.importorskip("open_clip")
    generator = torch.Generator().manual_seed(2)
    pictures, texts = (unit(torch.randn(6, 5, generator=generator)) for _ in range(2))
    scale, order = torch.tensor(7.0), torch.arange(6)
    halves = [concept_contrast(a, b, order, scale) for a, b in ((pictures, texts), (texts, pictures))]
    assert float(sum(halves) / 2) == pytest.approx(float(open_clip.ClipLoss()(pictures, texts, scale)), 1e-5)


def test_every_drawing_is_seen_once_an_epoch_and_the_seed_decides_the_order(material):
    seen = [rows for _, rows, _ in fit_module.batches(material, RECIPE)]
    assert len(seen) == 9  # 24 drawings in batches of 8, three times
    for epoch in range(3):
        assert sorted(torch.cat(seen[3 * epoch : 3 * epoch + 3]).tolist()) == list(range(24))
    again = [rows for _, rows, _ in fit_module.batches(material, RECIPE)]
    assert all(torch.equal(one, other) for one, other in zip(seen, again, strict=True))
    other = [rows for _, rows, _ in fit_module.batches(material, replace(RECIPE, seed=1))]
    assert not torch.equal(torch.cat(seen), torch.cat(other))


def test_training_lowers_every_term_and_freezes_nothing(material):
    longer = replace(RECIPE, stages=(Stage(32, 12),))
    state = fit_module.fit_tower(material, longer)
    first, last = state.rows[0], state.rows[-1]
    assert last["names"] < first["names"]
    assert last["classes"] < first["classes"] / 2
    assert state.step == 36


class Dying(Augmentation):
    """Dies when it is asked for the sixth time."""

    asked = 0

    def scaled(self, strength: float, **changes: float) -> Augmentation:
        Dying.asked += 1
        if Dying.asked == 6:
            raise KeyboardInterrupt
        return super().scaled(strength, **changes)


def test_a_killed_training_goes_on_and_ends_where_an_unbroken_one_does(material, tmp_path):
    whole = fit_module.fit_tower(material, RECIPE)
    checkpoints = Checkpoints(tmp_path / "state.pt", every=2)
    dying = replace(RECIPE, augmentation=Dying(**vars(RECIPE.augmentation)))
    with pytest.raises(KeyboardInterrupt):
        fit_module.fit_tower(material, dying, checkpoints=checkpoints)
    resumed = fit_module.fit_tower(material, RECIPE, checkpoints=checkpoints)
    assert [row["step"] for row in resumed.rows] == list(range(9))
    for name, value in whole.average.module.state_dict().items():
        assert torch.allclose(resumed.average.module.state_dict()[name].float(), value.float(), atol=1e-4), (
            name
        )


def test_a_checkpoint_of_another_recipe_or_a_damaged_one_is_refused(material, tmp_path):
    checkpoints = Checkpoints(tmp_path / "state.pt")
    fit_module.fit_tower(material, RECIPE, checkpoints=checkpoints)
    with pytest.raises(InputError, match="another recipe"):
        fit_module.fit_tower(material, replace(RECIPE, lr=1e-2), checkpoints=checkpoints)
    checkpoints.file.write_bytes(b"not a checkpoint")
    with pytest.raises(DamagedFileError, match="delete it"):
        fit_module.fit_tower(material, RECIPE, checkpoints=checkpoints)


def test_a_loss_that_is_no_number_stops_the_training(material):
    broken = replace(material, names=material.names * math.nan)
    with pytest.raises(DivergenceError, match="step 0"):
        fit_module.fit_tower(broken, RECIPE)


def test_a_stage_with_scenes_needs_a_bank(material):
    with pytest.raises(InputError, match="scene"):
        fit_module.fit_tower(material, replace(RECIPE, stages=(Stage(32, 1, scenes=4),)))


def test_snapshots_hold_the_averaged_weights(material, tmp_path):
    state = fit_module.fit_tower(
        material, RECIPE, checkpoints=Checkpoints(tmp_path / "state.pt", snapshots=tmp_path)
    )
    files = sorted(tmp_path.glob("step-*.pt"))
    assert files[-1].name == "step-000009.pt"
    saved = torch.load(files[-1], weights_only=True)
    assert all(torch.equal(value, saved[name]) for name, value in state.average.module.state_dict().items())


def test_all_drawings_of_a_style_come_in_order_from_either_file(tmp_path):
    names, pixels = sprite_pixels("noto")
    assert names == tuple(sprites.concepts()["concept"])
    assert (pixels.shape, pixels.dtype) == ((len(names), 64, 64, 4), np.uint8)
    assert (pixels[5] == np.asarray(sprites.sprite(names[5]))).all()
    with pytest.raises(ValueError, match="read-only"):
        pixels[0] = 0
    green = Image.new("RGBA", (64, 64), (0, 255, 0, 255))
    write_sprites({"fluent": {"dog": green}}, tmp_path / "fluent.parquet")
    names, pixels = sprite_pixels("fluent", tmp_path / "fluent.parquet")
    assert names == ("dog",)
    assert pixels[0, 0, 0].tolist() == [0, 255, 0, 255]


def test_the_held_out_style_cannot_be_trained_on():
    assert sprites.HELD_OUT not in training_styles()
    with pytest.raises(InputError, match="twemoji"):
        load_material(loading.load("tiny-random"), ("noto", sprites.HELD_OUT))


def test_material_of_shipped_styles_pairs_drawings_with_their_texts():
    tower = loading.load("tiny-random")
    material = load_material(tower, ("noto", "openmoji_black"))
    table = sprites.concepts()
    assert material.concepts == tuple(table["concept"])
    assert len(material.drawings) == 2 * len(table) == len(material.labels)
    place = material.concepts.index("dog")
    noto = int((material.labels == place).nonzero()[0, 0])
    assert np.array_equal(material.drawings[noto].numpy(), np.asarray(sprites.sprite("dog", "noto")))
    assert torch.allclose(
        material.names[0, place], torch.from_numpy(tower.encode_texts(["dog"])[0]), atol=1e-5
    )
    sums = material.tagged.sum(1)
    assert set(sums.round(decimals=4).unique().tolist()) <= {0.0, 1.0}
    assert not material.mirrored[material.concepts.index("right-arrow")]
    assert material.mirrored[place]


def styles() -> dict[str, dict[str, np.ndarray]]:
    known = scenes.objects()
    return {
        style: {concept: np.asarray(sprites.sprite(concept, style)) for concept in known}
        for style in ("noto", "openmoji")
    }


@pytest.fixture(scope="module")
def bank():
    return scene_bank(loading.load("tiny-random").encode_texts, styles(), count=40)


def test_a_drawn_scene_shows_its_two_things_where_its_caption_says(bank):
    drawn = bank.draw(30, torch.Generator().manual_seed(3))
    assert drawn.canvases.shape == (30, 128, 128, 4)
    ink = drawn.canvases[..., 3].float()
    for canvas, target in zip(ink, drawn.targets.tolist(), strict=True):
        sideways = bank.scenes[target].relation in ("left of", "right of")
        halves = (canvas[:, :64], canvas[:, 64:]) if sideways else (canvas[:64], canvas[64:])
        assert all(float(half.sum()) > 0 for half in halves)


def test_the_first_thing_of_a_scene_stands_where_it_should(bank):
    red = np.zeros((64, 64, 4), dtype=np.uint8)
    red[..., 0] = red[..., 3] = 255
    for place, scene in enumerate(bank.scenes):
        if scene.colour_first:
            continue
        marked = bank.parts.clone()
        marked[bank.pairs[place][0][0]] = torch.from_numpy(red)
        one = replace(
            bank, parts=marked, scenes=(scene,), pairs=(bank.pairs[place][:1],), texts=bank.texts[:, :1]
        )
        canvas = one.draw(1, torch.Generator().manual_seed(0)).canvases[0]
        row, column = {"left of": (64, 32), "right of": (64, 96), "above": (32, 64), "below": (96, 64)}[
            scene.relation
        ]
        assert canvas[row, column].tolist() == [255, 0, 0, 255], scene


def test_captions_of_the_bank_are_true_of_their_scenes(bank):
    tower = loading.load("tiny-random")
    drawn = bank.draw(5, torch.Generator().manual_seed(4))
    for target in drawn.targets.tolist():
        rows = torch.from_numpy(tower.encode_texts(scenes.scene_captions(bank.scenes[target])))
        assert float((rows @ drawn.texts[target]).max()) == pytest.approx(1, abs=1e-5)


def test_training_scenes_come_from_a_seed_of_their_own(bank):
    assert bank.scenes == scenes.make_scenes(TRAINING_SEED, 40)


def test_a_tower_that_gives_each_picture_its_own_name_is_always_right():
    places: dict[str, int] = {}
    directions = np.eye(2500, dtype=np.float32)

    def encode(texts):
        return directions[[places.setdefault(text, len(places)) for text in texts]]

    label_of = sprites.concepts().set_index("concept")["label"]

    def features(pictures):
        # both the label and the lemma, so that either way of naming finds it
        keys = [pictures.classes[label] for label in pictures.labels]
        both = [encode([one.name])[0] + encode([label_of.get(one.key, one.name)])[0] for one in keys]
        return np.stack([row / np.linalg.norm(row) for row in both])

    table = held_out_accuracy(features, encode)
    exact = table[(table["names"] == "label") & (table["classes"] != "100 mapped nouns, 20 draws")]
    assert (exact["value"] == 1).all()
    assert set(table["classes"]) == {
        "all concepts", "all mapped nouns", "100 mapped nouns, 20 draws", "faces by emotion",
    }  # fmt: skip


def test_a_saved_tower_is_the_averaged_one_and_says_how_it_was_made(material, tmp_path, monkeypatch):
    wide = replace(material, names=unit(torch.randn(2, CONCEPTS, 384)), tags=unit(torch.randn(5, 384)))
    state = fit_module.fit_tower(wide, RECIPE)
    monkeypatch.setattr(build, "measure", lambda folder, text: [{"value": 0.5}])
    text = loading.load("tiny-random")
    build.save(tmp_path / "tower", state, RECIPE, ("noto", "openmoji"), text)
    tower = loading.load_image(path=tmp_path / "tower")
    picture = sprites.picture_set("noto", "all").read(0)
    pixels = torch.from_numpy(np.array(picture.resize((64, 64)))).permute(2, 0, 1)[None] / 255
    state.average.module.eval()
    with torch.inference_mode():
        wanted = unit(state.average.module((pixels - 0.5) / 0.25))
    assert float((wanted @ torch.from_numpy(tower.encode_pictures([picture])[0]))[0]) > 0.999
    said = pd.read_json(tmp_path / "tower" / "open_clip_config.json", typ="series")["lexclip"]
    assert said["held_out_style"] == sprites.HELD_OUT
    assert said["recipe"]["batch"] == 8
    assert [entry["licence"] for entry in said["drawings"]] == ["OFL-1.1", "CC-BY-SA-4.0"]


@pytest.fixture(scope="module")
def shipped() -> Path:
    folder = build.image_tower_folder()
    assert (folder / "open_clip_model.safetensors").exists(), "the image tower is part of the repository"
    return folder


def test_the_shipped_tower_is_small_and_never_saw_the_held_out_style(shipped):
    weights = shipped / "open_clip_model.safetensors"
    assert weights.stat().st_size < 12_000_000
    sizes = [value.numel() for name, value in load_file(weights).items() if name.startswith("visual.")]
    assert sum(sizes) <= 6_000_000
    said = json.loads((shipped / "open_clip_config.json").read_text("utf-8"))["lexclip"]
    assert said["held_out_style"] == sprites.HELD_OUT
    assert "Twemoji" not in {entry["style"] for entry in said["drawings"]}


def test_the_shipped_accuracies_are_those_that_are_measured_again(shipped):
    stored = pd.DataFrame(json.loads((shipped / "accuracy.json").read_text("utf-8")))
    again = pd.DataFrame(build.measure(shipped, loading.load(build.TEXT_TOWER)))
    assert stored[["classes", "names", "k", "n"]].equals(again[["classes", "names", "k", "n"]])
    assert np.abs(stored["value"] - again["value"]).max() < 0.01  # processors round differently


def test_the_shipped_tower_sorts_a_drawing_it_never_saw(shipped):
    tower, text = loading.load_image(), loading.load(build.TEXT_TOWER)
    names = ["a cat", "a bicycle", "a strawberry", "a crown"]
    pictures = [
        sprites.sprite(concept, sprites.HELD_OUT) for concept in ("cat", "bicycle", "strawberry", "crown")
    ]
    cosines = tower.encode_pictures(map(on_white, pictures)) @ text.encode_texts(names).T
    assert cosines.argmax(axis=1).tolist() == [0, 1, 2, 3]


@pytest.fixture
def few_pictures(monkeypatch):
    """Growth is measured on a few of the faces alone."""

    def accuracy_of_faces(features, encode):
        faces = sprites.picture_set(sprites.HELD_OUT, "emotions")
        faces = faces.take(range(0, len(faces), 9))
        texts = class_weights(encode, [one.name for one in faces.classes])
        return pd.DataFrame([{"value": accuracy(features(faces), texts, faces.labels).value}])

    monkeypatch.setattr(growth, "held_out_accuracy", accuracy_of_faces)


@pytest.mark.usefixtures("few_pictures")
def test_growth_over_steps_measures_each_snapshot(tmp_path):
    text = loading.load("tiny-random")
    for steps in (20, 3):
        torch.save(new_visual(text.dim).state_dict(), tmp_path / f"step-{steps:06d}.pt")
    table = growth.over_steps(tmp_path, text)
    assert table["steps"].drop_duplicates().tolist() == [3, 20]
    assert table["value"].between(0, 1).all()
    with pytest.raises(MissingResourceError, match="no snapshots"):
        growth.over_steps(tmp_path / "empty", text)


@pytest.mark.usefixtures("few_pictures")
def test_growth_over_variants_gives_each_as_many_steps_and_its_own_styles(monkeypatch):
    asked: list[tuple[tuple[str, ...], float, int]] = []

    def fit(material, recipe):
        steps = sum(1 for _ in fit_module.batches(material, recipe))
        asked.append((material.styles, recipe.augmentation.rotation, steps))
        state = fit_module.new_state(material, recipe, torch.device("cpu"))
        state.step = steps
        return state

    variants = {"a": (("noto",), 1.0), "b": (("noto", "openmoji"), 0.5)}
    monkeypatch.setattr(growth, "VARIANTS", variants)
    monkeypatch.setattr(growth, "fit_tower", fit)
    table = growth.over_variants(16, loading.load("tiny-random"))
    assert asked == [(("noto",), 30.0, 16), (("noto", "openmoji"), 15.0, 16)]
    assert table["variant"].drop_duplicates().tolist() == ["a", "b"]
