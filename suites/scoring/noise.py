"""Tells matrices of random numbers from trained ones, by their largest singular value."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from fixtures.models.loading import Loaded

if TYPE_CHECKING:
    import torch

ROWS = 1024
STEPS = 16
NOISE = 1.05
"""Threshold of the excess. Random matrices have 0.85 to 1.02; of SmolLM2's 7% and of MiniLM's 5% are below, no layer
is with all its matrices."""
SMALLEST = 16
"""Rows or columns below which a matrix has no spectrum to speak of."""
LARGE = 192
"""Rows and columns from which on training shows in most matrices; a few hundred steps leave small ones as they were."""
NEARLY_ALL = 0.9
FEW = 4
SAMPLE = 65_536
DRAWN_TAIL = 0.2
"""Excess kurtosis; normal numbers have 0, uniform ones -1.2, and trained weights 0.3 to 30."""
LAYER = re.compile(r"(?P<stack>(?:^|.*?\.)(?:layers?|h|blocks?|block|stages))\.(?P<number>\d+)\.")


@dataclass(frozen=True)
class Matrix:
    """Statistics of a matrix of a loaded model."""

    name: str
    size: int
    smaller: int
    """The smaller of its numbers of rows and columns."""
    excess: float
    """Largest singular value, as a multiple of that of random numbers of the same variance."""
    tail: float
    """Excess kurtosis of its values."""

    @property
    def is_noise(self) -> bool:
        return self.excess < NOISE


@dataclass(frozen=True)
class Spectra:
    """The matrices of a model."""

    matrices: tuple[Matrix, ...]

    @cached_property
    def noise(self) -> list[Matrix]:
        return [each for each in self.matrices if each.is_noise]

    @property
    def structured(self) -> list[Matrix]:
        return [each for each in self.matrices if not each.is_noise]

    @property
    def all_noise(self) -> bool:
        """True if no matrix is anything but random numbers."""
        return bool(self.matrices) and not self.structured

    @cached_property
    def noisy_layers(self) -> dict[str, list[int]]:
        """By stack, the layers whose large matrices are all noise, at least two for each layer."""
        layers: dict[tuple[str, int], list[Matrix]] = defaultdict(list)
        for each in self._large:
            if match := LAYER.match(each.name):
                layers[match["stack"], int(match["number"])].append(each)
        found: dict[str, list[int]] = defaultdict(list)
        for (stack, number), members in layers.items():
            if len(members) > 1 and all(each.is_noise for each in members):
                found[stack].append(number)
        return {stack: sorted(numbers) for stack, numbers in found.items()}

    @property
    def mostly_noise(self) -> bool:
        """True if nearly all large matrices are noise, or all matrices of any size."""
        return self.all_noise or self.large_are_noise

    @property
    def large_are_noise(self) -> bool:
        """True if nearly all large matrices are noise, and there are some."""
        noise = sum(each.is_noise for each in self._large)
        return len(self._large) >= FEW and noise >= NEARLY_ALL * len(self._large)

    @property
    def drawn(self) -> bool:
        """True if the values of the noise are spread like those of an initialisation, not like trained ones."""
        tails = sorted(each.tail for each in self.noise)
        return bool(tails) and tails[len(tails) // 2] < DRAWN_TAIL

    @property
    def _large(self) -> list[Matrix]:
        return [each for each in self.matrices if each.smaller >= LARGE]

    def cause(self) -> str | None:
        """What is random, as a sentence without its end; None if trained matrices are all over the model."""
        layers = [number for numbers in self.noisy_layers.values() for number in numbers]
        if self.all_noise or self.mostly_noise:
            what = f"all {len(self.matrices)}" if self.all_noise else f"{len(self.noise)} of {len(self.matrices)}"
            which = f"{what} weight matrices"
        elif layers:
            which = f"all matrices of the layers {_ranges(layers)}"
        else:
            return None
        if self.drawn:
            return f"{which} are random numbers, as after a new initialisation"
        return f"the values of {which} stand in random order: they were shuffled or overwritten"

    def as_json(self) -> dict[str, Any]:
        ordered = sorted(each.excess for each in self.matrices)
        middle = round(ordered[len(ordered) // 2], 2) if ordered else None
        return {
            "matrices": len(self.matrices),
            "like random numbers": len(self.noise),
            "layers of random numbers": {stack: _ranges(numbers) for stack, numbers in self.noisy_layers.items()},
            "median of largest singular value / that of random numbers": middle,
        }


def spectra(loaded: Loaded) -> Spectra:
    """Returns the spectra of a variant, computed once; takes two passes over the weights of one token each, or less.

    A random matrix has a largest singular value of (sqrt(rows) + sqrt(columns)) times its standard deviation; training
    adds directions that all rows share. Source: V. Marchenko, L. Pastur, Math. USSR Sbornik 1 (1967);
    https://arxiv.org/abs/1810.01075 (spectra of trained and of newly initialised layers).
    """
    return loaded.once("spectra", lambda: Spectra(tuple(_matrices(loaded.model))))


def _matrices(model: Any) -> Iterator[Matrix]:
    seen: set[int] = set()
    for name, parameter in _parameters(model):
        if parameter.is_meta or not parameter.is_floating_point() or parameter.element_size() < 2:
            continue
        if parameter.dim() < 2 or parameter.data_ptr() in seen:
            continue
        seen.add(parameter.data_ptr())
        flat = _one_matrix(name, parameter.detach())
        if min(flat.shape) >= SMALLEST:
            yield Matrix(name, flat.numel(), min(flat.shape), excess(flat), _tail(flat))


def _one_matrix(name: str, weight: torch.Tensor) -> torch.Tensor:
    """A matrix; of stacked experts the first one, of the kernels of a convolution one row for each."""
    return weight[0].flatten(1) if "expert" in name and weight.dim() > 2 else weight.flatten(1)


def _parameters(model: Any) -> Iterator[tuple[str, Any]]:
    """Yields the parameters of a model, or those of the components of a pipeline."""
    if hasattr(model, "named_parameters"):
        yield from model.named_parameters()
        return
    for name, part in getattr(model, "components", {}).items():
        if hasattr(part, "named_parameters"):
            yield from ((f"{name}.{each}", parameter) for each, parameter in part.named_parameters())


def excess(weight: torch.Tensor) -> float:
    """Uses power iteration on rows of norm 1, so that rows of different variance do not count as structure."""
    import torch

    with torch.inference_mode():
        rows = weight[:: max(1, len(weight) // ROWS)].float()
        norms = rows.norm(dim=1)
        rows = rows[(norms > 0) & norms.isfinite()]
        if len(rows) < 2:
            return 0.0
        rows = rows / rows.norm(dim=1, keepdim=True) * math.sqrt(rows.shape[1])
        vector = torch.randn(rows.shape[1], generator=torch.Generator().manual_seed(0)).to(rows.device)
        for _ in range(STEPS):
            vector = rows.T @ (rows @ (vector / vector.norm()))
        return math.sqrt(float(vector.norm())) / (math.sqrt(rows.shape[0]) + math.sqrt(rows.shape[1]))


def _tail(weight: torch.Tensor) -> float:
    """Excess kurtosis of a sample of the values, taken whole rows at a time and from the whole matrix."""
    count = max(1, SAMPLE // weight.shape[1])
    values = weight[:: max(1, len(weight) // count)].float().flatten()
    centred = values - values.mean()
    square = float(centred.square().mean())
    return float(centred.pow(4).mean()) / square**2 - 3 if square > 0 else 0.0


def _ranges(numbers: list[int]) -> str:
    """The numbers as ranges: '0 to 4, 7'."""
    parts: list[list[int]] = []
    for number in sorted({*numbers}):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ", ".join(f"{part[0]} to {part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
