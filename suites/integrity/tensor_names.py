"""Names of tensors: layer numbers, the same part in several layers, embeddings and heads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from fixtures.models.embedding_rows import INPUT, OUTPUT
from fixtures.models.weight_statistics import TensorStatistics

T = TypeVar("T")
NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")
LAYER = re.compile(r"(?P<stack>(?:^|.*\.)(?:layers?|h|blocks?))\.(?P<number>\d+)\.")
HEADS = (
    "classifier.weight",
    "score.weight",
    "classification_head.out_proj.weight",
    "qa_outputs.weight",
    "classifier.out_proj.weight",
    "seq_relationship.weight",
)
OUTPUTS = (*OUTPUT, "cls.predictions.decoder.weight", "lm_head.decoder.weight")


def siblings(tensors: Mapping[str, TensorStatistics]) -> list[list[TensorStatistics]]:
    """Groups tensors of one shape whose names differ only in numbers: the same part of every layer or expert."""
    groups: dict[tuple[str, tuple[int, ...]], list[TensorStatistics]] = {}
    for name, each in tensors.items():
        groups.setdefault((NUMBER.sub("N", name), each.tensor.shape), []).append(each)
    return list(groups.values())


def embedding(tensors: Mapping[str, TensorStatistics], endings: tuple[str, ...], rows: int) -> TensorStatistics | None:
    """Returns the largest matrix with such a name, if it has at least half of `rows` rows."""
    fitting = [each for name, each in tensors.items() if name.endswith(endings) and len(each.tensor.shape) == 2]
    largest = max(fitting, key=lambda each: each.tensor.shape[0], default=None)
    return largest if largest and 2 * largest.tensor.shape[0] >= rows else None


def layers_by_stack(names: Iterable[str]) -> dict[str, set[int]]:
    """Returns the layer numbers that occur, by the name before the number."""
    found: dict[str, set[int]] = {}
    for name in names:
        if match := LAYER.match(name):
            found.setdefault(match["stack"], set()).add(int(match["number"]))
    return found


def few(names: Iterable[str], shown: int = 3) -> str:
    """Returns the first names as text, followed by dots if there are more."""
    found = list(names)
    return ", ".join(found[:shown]) + (" ..." if len(found) > shown else "")


__all__ = ["HEADS", "INPUT", "LAYER", "OUTPUTS", "embedding", "few", "layers_by_stack", "siblings"]
