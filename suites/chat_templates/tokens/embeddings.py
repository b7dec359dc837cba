"""Rows of embedding matrices, read from the weight files without loading a model."""

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

INPUT = ("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "tok_embeddings.weight", "embed_in.weight",
         "embeddings.weight", "embedding.weight", "shared.weight")  # fmt: skip
OUTPUT = ("lm_head.weight", "embed_out.weight", "output.weight", "output_layer.weight")
STORED = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
SAMPLE = 2048
"""Rows that stand for the bulk."""


@dataclass(frozen=True)
class Matrix:
    """One embedding matrix: rows are token ids."""

    name: str
    file: str
    rows: Array
    """Mapped from the file as it is stored, bfloat16 as 16-bit integers."""

    @property
    def count(self) -> int:
        return int(self.rows.shape[0])

    def floats(self, ids: Collection[int]) -> Array:
        """Some rows as float32."""
        import numpy

        taken = numpy.asarray(self.rows[list(ids)])
        if taken.dtype == numpy.uint16:
            return (taken.astype(numpy.uint32) << 16).view(numpy.float32)
        return taken.astype(numpy.float32)

    def norms(self, ids: Collection[int]) -> Array:
        import numpy

        return numpy.asarray(numpy.linalg.norm(self.floats(ids), axis=1))

    def spread(self) -> range:
        """Rows from the whole matrix, evenly."""
        return range(0, self.count, max(1, self.count // SAMPLE))

    def typical_norm(self) -> float:
        """The median norm of rows from the whole matrix."""
        import numpy

        return float(numpy.median(self.norms(self.spread())))

    def same_as(self, row: int, among: Collection[int]) -> list[int]:
        """Which of these rows are the same bit for bit as another one."""
        others = sorted({number for number in among if number != row and number < self.count})
        equal = (self.rows[others] == self.rows[row]).all(axis=1)
        return [number for number, same in zip(others, equal, strict=True) if same]


def find(directory: Path, endings: tuple[str, ...], vocabulary: int) -> Matrix | None:
    """The largest matrix with such a name, None where none has about as many rows as the vocabulary."""
    fitting = [tensor for tensor in weights.tensors(directory) if tensor.name.endswith(endings)
               and len(tensor.shape) == 2 and 2 * tensor.shape[0] >= vocabulary and tensor.dtype in STORED]  # fmt: skip
    if not fitting:
        return None
    largest = max(fitting, key=lambda tensor: tensor.shape[0])
    return Matrix(largest.name, largest.file, mapped(directory / largest.file, largest))


def mapped(path: Path, tensor: weights.Tensor) -> Array:
    """The tensor in the file, not read yet. Format: https://github.com/safetensors/safetensors#format."""
    import numpy

    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        start = json.loads(file.read(length))[tensor.name]["data_offsets"][0]
    return numpy.memmap(path, STORED[tensor.dtype], "r", 8 + length + start, tensor.shape)


def quantized(directory: Path) -> Iterator[str]:
    """Names of embedding matrices that are stored in a form that cannot be read here."""
    for tensor in weights.tensors(directory):
        if tensor.name.endswith(INPUT) and tensor.dtype not in STORED:
            yield tensor.name
