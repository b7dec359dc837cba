"""How far each quantized layer is from the full one, held against what the number format allows.

A format rounds each weight to the nearest of its numbers, times the scale of the weight's block. The distance to the
nearest number is computed here from the full weights, so the bound is the format's own, block by block; only what the
format loses by storing scales in few bits is added. There is nothing to tune.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.quantization.backend import Layer

NEAR_TIES = 1e-4
"""Share of the error by which kernels may miss the nearest number: their thresholds are written with few digits."""


@dataclass(frozen=True)
class Error:
    """What quantization did to one layer."""

    name: str
    parameters: int
    relative: float
    """Frobenius norm of the difference, in units of the full weight's."""
    of_format: float
    """The same of the best that the format can do."""
    squares: tuple[float, float]
    """The squared norms of the difference and of the full weight."""
    beyond: int
    """Blocks whose error the format does not explain."""
    blocks: int
    cause: str

    def as_json(self) -> dict[str, Any]:
        shown = {"relative error": self.relative, "of the format": self.of_format}
        return shown | {"blocks beyond": self.beyond, "blocks": self.blocks}


def errors(quantized: Loaded, reference: Loaded) -> list[Error]:
    """Every quantized layer in the model's order; measured once for each variant."""
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
    """Outputs x inputs; `Conv1D` keeps its inputs first."""
    weight = module.weight.detach()
    return weight.T if type(module).__name__ == "Conv1D" else weight


def error(name: str, layer: Layer, weight: Any) -> Error:
    """Compares one layer with its full weight."""
    full = layer.blocks(weight.to(layer.module.weight.device).contiguous())
    scales = layer.ideal_scales(full)
    best = layer.nearest(full, scales)
    got = layer.blocks(layer.dequantized())
    full = full.float()
    mine, ideal = (got - full).norm(dim=1), (best - full).norm(dim=1)
    allowed = ideal * (1 + NEAR_TIES) + full.shape[1] ** 0.5 * layer.scale_error(scales)
    beyond = ~(mine <= allowed)  # so that NaN is beyond
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
    """What is wrong in the blocks that are beyond the bound, told from what would put them right."""
    got, full, best = got[beyond], full[beyond], best[beyond]
    if not got.isfinite().all():
        return "values that are no finite numbers"
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
    """Whether nine blocks of ten are about as near as the format can be."""
    return bool(
        ((got - full).norm(dim=1) <= 1.1 * (best - full).norm(dim=1) + 1e-6 * full.norm(dim=1)).float().mean() > 0.9
    )
