"""Names of tensors: which are the same thing in several layers, and what a name stands for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from fixtures.models.embedding_rows import INPUT, OUTPUT
from fixtures.models.weight_statistics import TensorStatistics

T = TypeVar("T")
NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")
LAYER = re.compile(r"(?P<stack>(?:^|.*\.)(?:layers?|h|blocks?))\.(?P<number>\d+)\.")
HEADS = ("classifier.weight", "score.weight", "classification_head.out_proj.weight", "qa_outputs.weight",
         "classifier.out_proj.weight", "seq_relationship.weight")  # fmt: skip
OUTPUTS = (*OUTPUT, "cls.predictions.decoder.weight", "lm_head.decoder.weight")


def siblings(tensors: Mapping[str, TensorStatistics]) -> list[list[TensorStatistics]]:
    """Groups of tensors of one shape whose names differ in numbers only: the same part of every layer or expert."""
    groups: dict[tuple[str, tuple[int, ...]], list[TensorStatistics]] = {}
    for name, each in tensors.items():
        groups.setdefault((NUMBER.sub("N", name), each.tensor.shape), []).append(each)
    return list(groups.values())


def embedding(tensors: Mapping[str, TensorStatistics], endings: tuple[str, ...], rows: int) -> TensorStatistics | None:
    """The matrix with such a name whose rows are token ids: the largest, and no smaller than half of `rows`."""
    fitting = [each for name, each in tensors.items() if name.endswith(endings) and len(each.tensor.shape) == 2]
    largest = max(fitting, key=lambda each: each.tensor.shape[0], default=None)
    return largest if largest and 2 * largest.tensor.shape[0] >= rows else None


def layers_by_stack(names: Iterable[str]) -> dict[str, set[int]]:
    """The layer numbers that occur, by what stands before them."""
    found: dict[str, set[int]] = {}
    for name in names:
        if match := LAYER.match(name):
            found.setdefault(match["stack"], set()).add(int(match["number"]))
    return found


def few(names: Iterable[str], shown: int = 3) -> str:
    found = list(names)
    return ", ".join(found[:shown]) + (" ..." if len(found) > shown else "")


__all__ = ["HEADS", "INPUT", "LAYER", "OUTPUTS", "embedding", "few", "layers_by_stack", "siblings"]
