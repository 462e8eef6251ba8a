"""Losses on words: values by hand, gradients, laws, and independent implementations."""

from __future__ import annotations

import math

import pytest
import torch
from case_tables import each
from hypothesis import given, settings
from hypothesis import strategies as st

from lexclip_core.errors import InputError
from lexclip_core.training.losses import anchor_distance, lexical_loss, relation_loss

KINDS = ["square", "logcosh", "huber", "exp"]
PENALTY = {
    "square": lambda e: e * e,
    "logcosh": lambda e: math.log(math.cosh(e)),
    "huber": lambda e: e * e / 2 if abs(e) <= 1 else abs(e) - 1 / 2,
    "exp": lambda e: math.exp(abs(e)) / 10,
}


def at_degrees(*angles: float) -> torch.Tensor:
    radians = torch.tensor(angles, dtype=torch.float64).deg2rad()
    return torch.stack([radians.cos(), radians.sin()], dim=1)


def random_case(n: int, dim: int, seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn(2, n, dim, generator=generator, dtype=torch.float64)
    rows = torch.nn.functional.normalize(rows, dim=-1)
    targets = torch.rand(n, n, generator=generator, dtype=torch.float64)
    return rows[0], rows[1], (targets + targets.T) / 2


def naive_loop(embeddings, targets, reference, c, weight, kind, anchor):
    n, distance, pairs = len(embeddings), 0.0, 0
    for i in range(n):
        for j in range(i + 1, n):
            cosine = float((embeddings[i] * embeddings[j]).sum())
            distance += PENALTY[kind](c * (float(targets[i, j]) - cosine))
            pairs += 1
    moved = 0.0
    for i in range(n):
        squared = float(((embeddings[i] - reference[i]) ** 2).sum())
        moved += squared if anchor == "squared" else math.sqrt(squared)
    return distance / pairs, weight * moved / n


def test_three_words_by_hand():
    # cosines at 0, 60 and 90 degrees: 1/2, 0, sqrt(3)/2
    targets = torch.tensor([[1, 3 / 4, 1 / 4], [3 / 4, 1, 1 / 2], [1 / 4, 1 / 2, 1]], dtype=torch.float64)
    terms = lexical_loss(at_degrees(0, 60, 90), targets, at_degrees(0, 60, 30), c=2, weight=1 / 2)
    errors = [3 / 4 - 1 / 2, 1 / 4 - 0, 1 / 2 - math.sqrt(3) / 2]
    assert float(terms["distance"]) == pytest.approx(sum((2 * e) ** 2 for e in errors) / 3)
    assert float(terms["anchor"]) == pytest.approx(
        1 / 2 * 1 / 3
    )  # one word moved by a chord of 60 degrees: 1


@each("kind", KINDS)
@each("anchor", ["euclidean", "squared"])
def test_equals_the_naive_double_loop(kind, anchor):
    embeddings, reference, targets = random_case(7, 5, seed=3)
    terms = lexical_loss(embeddings, targets, reference, c=3, weight=0.08, penalty=kind, anchor=anchor)
    distance, moved = naive_loop(embeddings, targets, reference, 3, 0.08, kind, anchor)
    assert float(terms["distance"]) == pytest.approx(distance, rel=1e-12)
    assert float(terms["anchor"]) == pytest.approx(moved, rel=1e-12)


def test_square_is_c_squared_times_sentence_transformers_cosine_similarity_loss():
    from sentence_transformers.sentence_transformer.losses import CosineSimilarityLoss

    embeddings, _, targets = random_case(6, 4, seed=5)
    targets = targets.float().double()  # their loss casts labels to float32
    ours = embeddings.clone().requires_grad_()
    (ours_value,) = lexical_loss(ours, targets, c=3, weight=0).values()
    ours_value.backward()
    theirs = embeddings.clone().requires_grad_()
    first, second = torch.triu_indices(6, 6, offset=1)
    loss = CosineSimilarityLoss(model=torch.nn.Identity())
    value = 9 * loss.compute_loss_from_embeddings([theirs[first], theirs[second]], targets[first, second])
    value.backward()
    assert float(ours_value.detach()) == pytest.approx(float(value.detach()), rel=1e-12)
    # their cosine normalises, so its gradient has no radial part; ours is taken on unit rows
    radial = (ours.grad * embeddings).sum(dim=1, keepdim=True) * embeddings
    torch.testing.assert_close(ours.grad - radial, theirs.grad)


def test_mask_selects_pairs():
    targets = torch.zeros(4, 4, dtype=torch.float64)
    mask = torch.zeros(4, 4)
    mask[0, 1] = mask[2, 3] = 1
    terms = lexical_loss(at_degrees(0, 60, 0, 90), targets, c=1, weight=0, mask=mask)
    assert float(terms["distance"]) == pytest.approx((1 / 4 + 0) / 2)


def test_squared_anchor_is_twice_one_minus_cosine():
    value = anchor_distance(at_degrees(0, 90), at_degrees(60, 90), "squared")
    assert float(value) == pytest.approx((2 * (1 - 1 / 2) + 0) / 2)


def test_euclidean_anchor_has_a_finite_gradient_where_nothing_moved_yet():
    embeddings = at_degrees(0, 60).requires_grad_()
    anchor_distance(embeddings, embeddings.detach().clone()).backward()
    assert torch.equal(embeddings.grad, torch.zeros_like(embeddings))


@pytest.mark.parametrize("kind", KINDS)
def test_gradient_agrees_with_finite_differences(kind):
    embeddings, reference, targets = random_case(4, 3, seed=9)

    def total(rows):
        return sum(lexical_loss(rows, targets, reference, c=2, weight=0.1, penalty=kind).values())

    assert torch.autograd.gradcheck(total, embeddings.requires_grad_())


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 6), kind=st.sampled_from(KINDS))
def test_least_exactly_at_the_target_and_unchanged_by_word_order(seed, n, kind):
    embeddings, _, targets = random_case(n, 4, seed)
    met = lexical_loss(embeddings, embeddings @ embeddings.T, embeddings, c=3, weight=1, penalty=kind)
    least = 1 / 10 if kind == "exp" else 0
    assert float(sum(met.values())) == pytest.approx(least, abs=1e-9)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    one = lexical_loss(embeddings, targets, c=3, weight=0, penalty=kind)["distance"]
    other = lexical_loss(embeddings[order], targets[order][:, order], c=3, weight=0, penalty=kind)["distance"]
    assert float(one) == pytest.approx(float(other))
    assert float(one) >= least


def test_a_huge_error_does_not_overflow_logcosh():
    value = lexical_loss(at_degrees(0, 90), torch.ones(2, 2).double(), c=1000, weight=0, penalty="logcosh")
    assert float(value["distance"]) == pytest.approx(1000 - math.log(2))


@each(
    ("change", "message"),
    [
        ({"penalty": "cube"}, "unknown penalty 'cube'"),
        ({"anchor": "manhattan"}, "unknown anchor 'manhattan'"),
        ({"mask": torch.zeros(2, 2)}, "no pair of words is left"),
        ({"mask": torch.ones(3, 3)}, "mask has shape"),
        ({"reference": torch.ones(3, 2)}, "reference has shape"),
        ({"targets": torch.ones(3, 3)}, "targets have shape"),
    ],
)
def test_bad_input_is_named(change, message):
    call = {"targets": torch.ones(2, 2), "reference": torch.ones(2, 2), "c": 1, "weight": 1} | change
    with pytest.raises(InputError, match=message):
        lexical_loss(torch.eye(2), **call)


def test_one_word_alone_is_refused():
    with pytest.raises(InputError, match="no pair"):
        lexical_loss(torch.ones(1, 1), torch.ones(1, 1), c=1, weight=0)


def one_pair(n: int, i: int, j: int) -> torch.Tensor:
    mask = torch.zeros(n, n, dtype=torch.float64)
    mask[i, j] = 1
    return mask


def test_relation_terms_by_hand():
    embeddings = at_degrees(0, 60, 90)  # cosines 1/2 (0, 1), 0 (0, 2), sqrt(3)/2 (1, 2)
    targets = torch.zeros(3, 3, dtype=torch.float64)
    targets[0, 1], targets[0, 2], targets[1, 2] = 1 / 4, 3 / 4, 1
    masks = {"repel": one_pair(3, 0, 1), "attract": one_pair(3, 0, 2), "near": one_pair(3, 1, 2)}
    terms = relation_loss(embeddings, targets, masks, {"repel": 1, "attract": 2, "near": 4})
    assert float(terms["repel"]) == pytest.approx((1 / 2 - 1 / 4) ** 2)
    assert float(terms["attract"]) == pytest.approx(2 * (3 / 4) ** 2)
    assert float(terms["near"]) == pytest.approx(4 * (1 - math.sqrt(3) / 2) ** 2)


def test_relation_terms_are_one_sided():
    embeddings, everything = at_degrees(0, 60), one_pair(2, 0, 1)
    above, below = torch.full((2, 2), 3 / 4).double(), torch.full((2, 2), 1 / 4).double()
    assert float(relation_loss(embeddings, above, {"repel": everything}, {"repel": 1})["repel"]) == 0
    assert float(relation_loss(embeddings, below, {"attract": everything}, {"attract": 1})["attract"]) == 0


def test_relation_loss_equals_a_naive_loop_and_tolerates_an_empty_mask():
    embeddings, _, targets = random_case(6, 4, seed=11)
    mask = torch.rand(6, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    terms = relation_loss(embeddings, targets, {"far": mask, "near": 0 * mask}, {"far": 3, "near": 1})
    total = sum(
        float(mask[i, j]) * (float(embeddings[i] @ embeddings[j]) - float(targets[i, j])) ** 2
        for i in range(6)
        for j in range(6)
    )
    assert float(terms["far"]) == pytest.approx(3 * total / float(mask.sum()))
    assert float(terms["near"]) == 0


def test_relation_loss_names_bad_input():
    with pytest.raises(InputError, match="unknown term 'push'"):
        relation_loss(torch.eye(2), torch.eye(2), {"push": torch.eye(2)}, {"push": 1})
    with pytest.raises(InputError, match="has no weight"):
        relation_loss(torch.eye(2), torch.eye(2), {"near": torch.eye(2)}, {})
    with pytest.raises(InputError, match="one entry for each pair"):
        relation_loss(torch.eye(2), torch.eye(3), {"near": torch.eye(2)}, {"near": 1})
