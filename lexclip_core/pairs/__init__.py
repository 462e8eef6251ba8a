"""Which words, pairs and records a training step sees, and which words training never sees."""

from lexclip_core.pairs.record_pictures import PictureRows
from lexclip_core.pairs.record_sampler import RecordSampler
from lexclip_core.pairs.record_shards import ShardPictures, iterate_shards, shard_captions
from lexclip_core.pairs.record_table import (
    RecordTable,
    open_records,
    picture_digest,
    read_table,
    text_digest,
    write_table,
)
from lexclip_core.pairs.relation_sampler import RelatedPairs, RelationPlan, RelationSampler
from lexclip_core.pairs.samplers import Batch, PairSampler, Sampler, TargetsOnDemand, WordSampler
from lexclip_core.pairs.splits import Split, digest, families, split_of, split_words

__all__ = [
    "Batch",
    "PairSampler",
    "PictureRows",
    "RecordSampler",
    "RecordTable",
    "RelatedPairs",
    "RelationPlan",
    "RelationSampler",
    "Sampler",
    "ShardPictures",
    "Split",
    "TargetsOnDemand",
    "WordSampler",
    "digest",
    "families",
    "iterate_shards",
    "open_records",
    "picture_digest",
    "read_table",
    "shard_captions",
    "split_of",
    "split_words",
    "text_digest",
    "write_table",
]
