"""Which pairs of words a training step sees, and which words training never sees."""

from lexclip_core.pairs.relation_sampler import RelatedPairs, RelationPlan, RelationSampler
from lexclip_core.pairs.samplers import Batch, PairSampler, Sampler, WordSampler
from lexclip_core.pairs.splits import Split, digest, families, split_of, split_words

__all__ = [
    "Batch",
    "PairSampler",
    "RelatedPairs",
    "RelationPlan",
    "RelationSampler",
    "Sampler",
    "Split",
    "WordSampler",
    "digest",
    "families",
    "split_of",
    "split_words",
]
