"""Error of each quantized layer, compared with the bound of its number format.

A format rounds each weight to the nearest of its numbers, times the scale of the weight's block. The distance to the
nearest number is computed here from the full weights, so the bound is the format's own, block by block. The error of
storing scales in few bits is added. There is nothing to tune.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.quantization.backend import Layer

NEAR_TIES = 1e-4
"""Share of the error by which kernels may miss the nearest number: their thresholds have few digits."""


@dataclass(frozen=True)
class Error:
    """Error of one quantized layer."""

    name: str
    parameters: int
    relative: float
    """Frobenius norm of the difference, relative to the full weight's."""
    of_format: float
    """The same for weights rounded to the nearest numbers of the format."""
    squares: tuple[float, float]
    """The squared norms of the difference and of the full weight."""
    beyond: int
    """Number of blocks whose error exceeds the bound."""
    blocks: int
    cause: str

    def as_json(self) -> dict[str, Any]:
        shown = {"relative error": self.relative, "of the format": self.of_format}
        return shown | {"blocks beyond": self.beyond, "blocks": self.blocks}


def errors(quantized: Loaded, reference: Loaded) -> list[Error]:
    """Returns the error of every quantized layer in the model's order, measured once for each variant."""
    if "layer errors" not in quantized.shared:
        full = dict(reference.model.named_modules())
        pairs = ((name, layer, full.get(name)) for name, layer in registry.layers(quantized.model).items())
        found = [error(name, layer, full_weight(module)) for name, layer, module in pairs if has_weight(module, layer)]
        quantized.shared["layer errors"] = found
    measured: list[Error] = quantized.shared["layer errors"]
    return measured


def has_weight(module: Any, layer: Layer) -> bool:
    return module is not None and full_weight(module).numel() == layer.shape[0] * layer.shape[1]


def full_weight(module: Any) -> Any:
    """Returns the weight as outputs x inputs; `Conv1D` stores inputs x outputs."""
    weight = module.weight.detach()
    return weight.T if type(module).__name__ == "Conv1D" else weight


def error(name: str, layer: Layer, weight: Any) -> Error:
    """Compares a layer with its full weight."""
    full = layer.blocks(weight.to(layer.module.weight.device).contiguous())
    scales = layer.ideal_scales(full)
    best = layer.nearest(full, scales)
    got = layer.blocks(layer.dequantized())
    full = full.float()
    mine, ideal = (got - full).norm(dim=1), (best - full).norm(dim=1)
    allowed = ideal * (1 + NEAR_TIES) + full.shape[1] ** 0.5 * layer.scale_error(scales)
    beyond = ~(mine <= allowed)  # also NaN
    whole = float(full.norm())
    cause = _cause(layer, got, full, best, beyond) if beyond.any() else ""
    return Error(
        name,
        weight.numel(),
        float(mine.norm()) / max(whole, 1e-38),
        float(ideal.norm()) / max(whole, 1e-38),
        (float(mine.square().sum()), whole**2),
        int(beyond.sum()),
        len(beyond),
        cause,
    )


def _cause(layer: Layer, got: Any, full: Any, best: Any, beyond: Any) -> str:
    """Describes the error of the blocks beyond the bound by the change that would correct them."""
    got, full, best = got[beyond], full[beyond], best[beyond]
    if not got.isfinite().all():
        return "some values are not finite numbers"
    if not got.any():
        return "the scales are 0"
    swapped = got.unflatten(1, (-1, 2)).flip(-1).flatten(1) if got.shape[1] % 2 == 0 else got
    if _near(swapped, full, best):
        return "the two numbers of each byte are swapped"
    factors = (got * best).sum(dim=1) / got.square().sum(dim=1).clamp(min=1e-38)
    if not _near(got * factors[:, None], full, best):
        return "the numbers are not the nearest ones, whatever the scale"
    usual = float((1 / factors.clamp(min=1e-38)).median())
    return f"the numbers are right and the scales are wrong, {usual:.2g} times what they should be (median)"


def _near(got: Any, full: Any, best: Any) -> bool:
    """True if nine of ten blocks are about as close as the format allows."""
    return bool(
        ((got - full).norm(dim=1) <= 1.1 * (best - full).norm(dim=1) + 1e-6 * full.norm(dim=1)).float().mean() > 0.9
    )
