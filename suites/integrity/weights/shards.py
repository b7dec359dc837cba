"""The index of sharded weights, compared with the shards."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from fixtures.files import weights
from suites.findings import Defect, Hazard
from suites.integrity.tensor_names import few

OF = re.compile(r"-(\d+)-of-(\d+)\.")


def index_of(directory: Path) -> dict[str, str] | None:
    """Returns the index that the loader follows; None if the weights are in one file."""
    return None if weights.files(directory) == [weights.SINGLE] else weights.read_index(directory)


def must_agree(index: dict[str, str], directory: Path) -> None:
    """Raises a finding if an index and its shards do not agree."""
    __tracebackhide__ = True
    files = sorted(set(index.values()))
    tensors = {file: {tensor.name for tensor in weights.header(directory / file)} for file in files}
    absent = sorted(name for name, file in index.items() if name not in tensors[file])
    if absent:
        name, file = absent[0], index[absent[0]]
        elsewhere = next((other for other in files if name in tensors[other]), None)
        where = f"but it is in {elsewhere}" if elsewhere else "but it is in no shard"
        more = f" ({len(absent) - 1} more tensors are not where the index says)" if len(absent) > 1 else ""
        raise Defect(
            f"{weights.INDEX} says that {name} is in {file}, {where}{more}.",
            evidence={"not where the index says": absent[:20]},
        )
    _must_name_all_shards(files)
    _must_have_each_once(index, tensors)


def _must_name_all_shards(files: list[str]) -> None:
    """Compares the shards in the index with the total in their file names."""
    __tracebackhide__ = True
    named = [(int(match[1]), int(match[2])) for file in files if (match := OF.search(file))]
    count = max((of for _, of in named), default=0)
    left_out = sorted(set(range(1, count + 1)) - {number for number, _ in named})
    if left_out and min((number for number, _ in named), default=1) > 0:
        raise Defect(
            f"The file names say that there are {count} shards, but {weights.INDEX} names {len(named)}: "
            f"number {left_out[0]} is left out.",
            evidence={"left out": left_out[:20]},
        )


def _must_have_each_once(index: dict[str, str], tensors: dict[str, set[str]]) -> None:
    __tracebackhide__ = True
    unnamed = sorted(name for names in tensors.values() for name in names if name not in index)
    twice = sorted(name for name, count in Counter(n for names in tensors.values() for n in names).items() if count > 1)
    if unnamed or twice:
        what = "not in the index" if unnamed else "in more than one shard"
        raise Hazard(
            f"{len(unnamed or twice)} stored tensors are {what}: {few(unnamed or twice)}.",
            evidence={"not in the index": unnamed[:20], "in several shards": twice[:20]},
        )
