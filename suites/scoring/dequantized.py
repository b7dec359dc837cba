"""Temporary replacement of quantized layers by ordinary ones with the dequantized weights.

On a CPU, kernels dequantize the weights at every call. Bulk figures may use weights that were dequantized once if a
sample through the real kernels agrees. Figures that depend on the kernel's arithmetic (8-bit activations) may not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.quantization import registry

AGREES = 0.01
"""Largest divergence of the real kernels from the dequantized weights, as a share of that of quantization itself."""
TEXTS = (
    "The harvest failed twice; in the third year they planted barley instead, and the mill turned again.",
    "def add(a, b):\n    return a + b\n\nprint(add(2, 3))  # 5\n\nfor each in range(3):\n    print(each)\n",
)
SAMPLE = 24
"""Ids of each text of the sample."""
KEY = "dense layers"


@dataclass(frozen=True)
class DequantizedLayers:
    """Ordinary layers by the names of the quantized ones; empty if the real kernels must run."""

    layers: dict[str, Any]
    reason: str
    """Reason for these layers or for none."""
    divergence: float | None = None
    """Divergence of the real kernels from the dequantized weights on the sample, nats/token."""


def prepare(loaded: Loaded, reference: Loaded, tokenizer: Any, memory: int) -> DequantizedLayers:
    """Makes the layers and tests them on the sample, once for a variant; `memory` is their limit in bytes."""
    return loaded.once(KEY, lambda: _tested(loaded, reference.model, _sample(reference.model, tokenizer), memory))


def _sample(model: Any, tokenizer: Any) -> list[list[int]]:
    from suites.running import forced_tokens

    return [forced_tokens.text_ids(model, tokenizer, text)[:SAMPLE] for text in TEXTS]


@contextmanager
def active(loaded: Loaded) -> Iterator[None]:
    """Puts the prepared layers, if any, into the model while the context is open."""
    prepared: DequantizedLayers | None = loaded.shared.get(KEY)
    own = _swap(loaded.model, prepared.layers if prepared else {})
    try:
        yield
    finally:
        _swap(loaded.model, own)


def _swap(model: Any, layers: dict[str, Any]) -> dict[str, Any]:
    """Replaces modules by name; returns the replaced ones."""
    before = {name: model.get_submodule(name) for name in layers}
    for name, module in layers.items():
        parent, _, child = name.rpartition(".")
        setattr(model.get_submodule(parent), child, module)
    return before


def _tested(loaded: Loaded, full: Any, texts: Sequence[Sequence[int]], memory: int) -> DequantizedLayers:
    if reason := _refusal(loaded.model, memory):
        return DequantizedLayers({}, reason)
    wanted, real = _logits(full, texts), _logits(loaded.model, texts)
    loaded.shared[KEY] = made = DequantizedLayers(_layers(loaded.model), "a sample through the real kernels agrees")
    with active(loaded):
        dequantized = _logits(loaded.model, texts)
    difference, whole = divergence(real, dequantized), divergence(wanted, real)
    if difference <= AGREES * whole:
        return DequantizedLayers(made.layers, made.reason, difference)
    return DequantizedLayers({}, "on a sample the real kernels and the dequantized weights do not agree", difference)


def _refusal(model: Any, memory: int) -> str | None:
    """Returns the reason why the real kernels must run."""
    import torch

    found = registry.layers(model)
    if model.device.type != "cpu":
        return "the kernels are fast on this device"
    if not found or not all(layer.weights_only for layer in found.values()):
        return "the scheme quantizes more than weights"
    if any(layer.compute_dtype not in (None, model.dtype) for layer in found.values()):
        return "the layers compute in another dtype than the model"
    size = torch.finfo(model.dtype).bits // 8 * sum(layer.shape[0] * layer.shape[1] for layer in found.values())
    return f"a copy would take {size / 1e9:.1f} GB, beyond the memory budget" if size > memory else None


def _layers(model: Any) -> dict[str, Any]:
    return {name: _ordinary(layer, model.dtype) for name, layer in registry.layers(model).items()}


def _ordinary(layer: Any, dtype: Any) -> Any:
    import torch

    bias = getattr(layer.module, "bias", None)
    with torch.device("meta"):
        made = torch.nn.Linear(layer.shape[1], layer.shape[0], bias=bias is not None)
    made.weight = torch.nn.Parameter(layer.dequantized().to(dtype), requires_grad=False)
    if bias is not None:
        made.bias = bias
    return made.eval()


def _logits(model: Any, texts: Sequence[Sequence[int]]) -> Any:
    """Returns the logits of all texts (positions x vocabulary), float32 on the CPU."""
    import torch

    from suites.running import generate

    return torch.cat([generate.logits(model, {"input_ids": torch.tensor([list(text)])})[0] for text in texts])


def divergence(one: Any, other: Any) -> float:
    """Returns the mean Kullback-Leibler divergence of `other` from `one` (logits, positions x vocabulary), nats."""
    p, q = one.double().log_softmax(dim=-1), other.double().log_softmax(dim=-1)
    return float((p.exp() * (p - q)).sum(dim=-1).mean())
