"""Rows of embedding matrices, read from the weight files one by one: no model is loaded, no file mapped."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixtures.subjects import weights

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, numpy.dtype[Any]]

INPUT = (
    *("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "tok_embeddings.weight", "embed_in.weight"),
    *("embeddings.weight", "embedding.weight", "shared.weight"),
)
OUTPUT = ("lm_head.weight", "embed_out.weight", "output.weight", "output_layer.weight")
STORED = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
SAMPLE = 2048
"""Rows that stand for the bulk."""


@dataclass(frozen=True)
class Matrix:
    """One embedding matrix: rows are token ids."""

    name: str
    path: Path
    start: int
    """Where its data begins in the file, in bytes."""
    dtype: str
    """As the header names it."""
    count: int
    width: int

    def raw(self, ids: Collection[int]) -> list[bytes]:
        """Some rows as they are stored."""
        size = self.width * weights.BYTES_OF[self.dtype]
        rows = []
        with self.path.open("rb") as file:
            for number in ids:
                file.seek(self.start + number * size)
                rows.append(file.read(size))
        return rows

    def norms(self, ids: Collection[int]) -> Array:
        import numpy

        rows = numpy.frombuffer(b"".join(self.raw(ids)), STORED[self.dtype]).reshape(len(ids), self.width)
        if self.dtype == "BF16":
            rows = (rows.astype(numpy.uint32) << 16).view(numpy.float32)
        return numpy.asarray(numpy.linalg.norm(rows.astype(numpy.float32), axis=1))

    def spread(self) -> range:
        """Rows from the whole matrix, evenly."""
        return range(0, self.count, max(1, self.count // SAMPLE))

    def typical_norm(self) -> float:
        """The median norm of rows from the whole matrix."""
        import numpy

        return float(numpy.median(self.norms(self.spread())))

    def twins(self, ids: Collection[int], among: Collection[int]) -> dict[int, list[int]]:
        """For each id the other rows that are the same bit for bit."""
        looked_at = sorted({number for number in {*ids, *among} if number < self.count})
        same: dict[bytes, list[int]] = {}
        for number, row in zip(looked_at, self.raw(looked_at), strict=True):
            same.setdefault(row, []).append(number)
        group_of = {number: group for group in same.values() for number in group}
        return {number: [other for other in group_of[number] if other != number] for number in ids}


def find(directory: Path, endings: tuple[str, ...], vocabulary: int) -> Matrix | None:
    """The largest matrix with such a name, None where none has about as many rows as the vocabulary."""
    fitting = [
        tensor
        for tensor in weights.tensors(directory)
        if tensor.name.endswith(endings) and len(tensor.shape) == 2 and tensor.dtype in STORED
    ]
    largest = max(fitting, key=lambda tensor: tensor.shape[0], default=None)
    if largest is None or 2 * largest.shape[0] < vocabulary:
        return None
    path = directory / largest.file
    return Matrix(largest.name, path, data_start(path, largest.name), largest.dtype, *largest.shape)


def data_start(path: Path, name: str) -> int:
    """Where a tensor's data begins. Format: https://github.com/safetensors/safetensors#format."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        return 8 + length + int(json.loads(file.read(length))[name]["data_offsets"][0])


def quantized(directory: Path) -> Iterator[str]:
    """Names of embedding matrices that are stored in a form that cannot be read here."""
    for tensor in weights.tensors(directory):
        if tensor.name.endswith(INPUT) and tensor.dtype not in STORED:
            yield tensor.name
