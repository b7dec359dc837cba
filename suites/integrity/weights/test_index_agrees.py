from __future__ import annotations

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import NotApplicable
from suites.integrity.weights import shards


@uses("loading")
def test_index_agrees(weight_files: Subject) -> None:
    """The index and the shards agree: every tensor is in the shard that the index names, and no shard is left out.

    Why: some loaders follow the index, others the shards, so a tensor may be randomly initialised by one and found by
        another. A shard that the index does not name is never read.
    Fix: download the repository again, or write index and shards again with `save_pretrained`.
    Source: https://huggingface.co/docs/transformers/big_models (sharded checkpoints)
    """
    index = shards.index_of(weight_files.path)
    if index is None:
        raise NotApplicable("the weights are in one file")  # integrity/one-set-of-weights reports an index next to it
    shards.must_agree(index, weight_files.path)
