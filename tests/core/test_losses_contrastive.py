"""ParaCLIP's terms: fractions by hand, open_clip's loss as oracle, and duplicates that are no negatives."""

from __future__ import annotations

import math

import pytest
import torch
from case_tables import each
from hypothesis import given, settings
from hypothesis import strategies as st
from open_clip.loss import ClipLoss
from torch import Tensor
from torch.nn import functional

from lexclip_core.errors import InputError
from lexclip_core.training.losses import PARACLIP_TERMS, info_nce, paraclip_loss
from lexclip_core.training.settings import TABLE_2, TERMS

FIELDS = ("image", "caption", "paraphrase_1", "paraphrase_2")
SIDES = {
    "image_caption": ("image", "caption"),
    "image_paraphrase_1": ("image", "paraphrase_1"),
    "image_paraphrase_2": ("image", "paraphrase_2"),
    "caption_paraphrase": ("caption", "paraphrase_1"),
    "paraphrase_paraphrase": ("paraphrase_1", "paraphrase_2"),
}
SCALES = {"image_text": torch.tensor(10.0), "text_text": torch.tensor(5.0)}


def unit(n: int = 6, dim: int = 8, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return functional.normalize(torch.randn(n, dim, generator=generator, dtype=torch.float64), dim=1)


def all_rows(n: int = 6) -> dict[str, Tensor]:
    return {field: unit(n, seed=seed) for seed, field in enumerate(FIELDS)}


def test_two_orthogonal_pairs_by_hand():
    eye = torch.eye(2, dtype=torch.float64)
    # both logits of a row are (scale, 0): -log(e^s / (e^s + 1)), with e^s = 3
    assert float(info_nce(eye, eye, torch.tensor(math.log(3)))) == pytest.approx(math.log(4 / 3))
    swapped = info_nce(eye, eye.flip(0), torch.tensor(math.log(3)))
    assert float(swapped) == pytest.approx(math.log(4))


def test_the_two_directions_are_averaged():
    left = torch.eye(2, dtype=torch.float64)
    right = torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    # with e^s = 3: from the left (1/2, 1/2), from the right (3/4, 1/4)
    expected = -(math.log(1 / 2) + math.log(1 / 2) + math.log(3 / 4) + math.log(1 / 4)) / 4
    assert float(info_nce(left, right, torch.tensor(math.log(3)))) == pytest.approx(expected)


@each("name", TERMS)
def test_each_term_is_open_clips_loss_on_its_two_sides(name):
    rows, (left, right) = all_rows(), SIDES[name]
    scale = SCALES["image_text" if left == "image" else "text_text"]
    [(found, value)] = paraclip_loss(rows, {name: 2}, SCALES).items()
    assert found == name
    torch.testing.assert_close(value, 2 * ClipLoss()(rows[left], rows[right], scale))


@each("row", TABLE_2)
def test_a_row_of_table_2_has_its_terms_and_no_others(row):
    weights = TABLE_2[row]
    terms = paraclip_loss(all_rows(), weights, SCALES)
    assert list(terms) == [name for name in TERMS if weights[name]]


def test_a_field_that_no_term_needs_may_be_missing():
    rows = all_rows()
    del rows["image"]
    terms = paraclip_loss(rows, TABLE_2["L2+L3"], SCALES)
    assert list(terms) == ["caption_paraphrase", "paraphrase_paraphrase"]


def test_every_term_of_the_settings_is_known_to_the_loss():
    assert tuple(PARACLIP_TERMS) == TERMS


def test_the_gradient_reaches_both_sides_and_the_scale():
    left, right = unit(seed=1).requires_grad_(), unit(seed=2).requires_grad_()
    scale = torch.tensor(3.0, requires_grad=True)
    info_nce(left, right, scale).backward()
    assert min(float(value.grad.abs().max()) for value in (left, right, scale)) > 1e-3


def naive(left: Tensor, right: Tensor, scale: float, same: list[list[bool]]) -> float:
    """Return the mean over both directions and all rows, negatives that are the same left out."""
    total, n = 0.0, len(left)
    for one, other in ((left, right), (right, left)):
        for i in range(n):
            kept = [j for j in range(n) if j == i or not same[i][j]]
            logits = [scale * float(one[i] @ other[j]) for j in kept]
            own = scale * float(one[i] @ other[i])
            total -= own - math.log(sum(math.exp(value) for value in logits))
    return total / (2 * n)


@settings(deadline=None, max_examples=30)
@given(
    st.lists(st.integers(0, 2), min_size=5, max_size=5),
    st.lists(st.integers(3, 6), min_size=5, max_size=5),
    st.lists(st.integers(3, 6), min_size=5, max_size=5),
)
def test_masked_records_are_left_out_of_each_others_negatives(pictures, captions, others):
    rows = all_rows(5)
    identities = {
        "image": torch.tensor(pictures),
        "caption": torch.tensor(captions),
        "paraphrase_1": torch.tensor(others),
    }
    weights = {"image_caption": 1, "caption_paraphrase": 1}
    terms = paraclip_loss(rows, weights, SCALES, identities=identities)
    n = range(5)
    shown = [[pictures[i] == pictures[j] or captions[i] == captions[j] for j in n] for i in n]
    said = [[bool({captions[i], others[i]} & {captions[j], others[j]}) for j in n] for i in n]
    expected = {
        "image_caption": naive(rows["image"], rows["caption"], 10, shown),
        "caption_paraphrase": naive(rows["caption"], rows["paraphrase_1"], 5, said),
    }
    assert {name: float(value) for name, value in terms.items()} == pytest.approx(expected)


def test_without_duplicates_the_mask_changes_nothing():
    rows, names = all_rows(), {field: torch.arange(6) + 10 * place for place, field in enumerate(FIELDS)}
    plain = paraclip_loss(rows, TABLE_2["L1''+L2+L3"], SCALES)
    masked = paraclip_loss(rows, TABLE_2["L1''+L2+L3"], SCALES, identities=names)
    assert {name: float(value) for name, value in plain.items()} == {
        name: float(value) for name, value in masked.items()
    }


def test_only_copies_in_a_batch_leave_nothing_to_push_apart():
    rows = {field: unit(1).repeat(3, 1) for field in FIELDS}
    same = {field: torch.zeros(3, dtype=torch.int64) for field in FIELDS}
    assert float(paraclip_loss(rows, {"image_caption": 1}, SCALES)["image_caption"]) == pytest.approx(
        math.log(3)
    )
    masked = paraclip_loss(rows, {"image_caption": 1}, SCALES, identities=same)
    assert float(masked["image_caption"]) == pytest.approx(0, abs=1e-9)


def test_an_unknown_term_and_sides_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match=r"unknown term 'L1'\n.*image_caption"):
        paraclip_loss(all_rows(), {"L1": 1}, SCALES)
    with pytest.raises(InputError, match=r"shapes \(6, 8\) and \(5, 8\)"):
        info_nce(unit(6), unit(5), torch.tensor(1.0))
