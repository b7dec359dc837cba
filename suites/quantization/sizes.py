"""Parameters and bytes of a loaded model; quantized layers count by the weights that they represent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.quantization import registry
from fixtures.quantization.backend import Layer


def parameters(model: Any) -> dict[str, int]:
    """Number of parameters by name, each once; for a quantized layer its outputs times its inputs."""
    small = {f"{name}.weight": layer.shape[0] * layer.shape[1] for name, layer in registry.layers(model).items()}
    return {name: small.get(name, parameter.numel()) for name, parameter in model.named_parameters()}


def share_quantized(model: Any) -> float:
    """Share of the parameters that are quantized."""
    small = sum(layer.shape[0] * layer.shape[1] for layer in registry.layers(model).values())
    return small / max(1, sum(parameters(model).values()))


def footprint(model: Any) -> int:
    """Bytes of weights, buffers and the state of quantized layers.

    The library's `get_memory_footprint` leaves that state out: an eighth of a 4-bit layer.
    """
    layers = registry.layers(model)
    tensors = (*model.named_parameters(), *model.named_buffers())
    others = [tensor for name, tensor in tensors if not _counted(name, layers)]
    in_full = sum(int(each.numel() * each.element_size()) for each in others)
    return in_full + sum(layer.stored_bytes() for layer in layers.values())


def _counted(name: str, layers: Mapping[str, Layer]) -> bool:
    """True if `Layer.stored_bytes` counts the tensor: the weight or the state of a quantized layer."""
    module, _, own = name.rpartition(".")
    return module in layers and (own == "weight" or registry.state_tensor(name))


def unexpected_sizes(model: Any) -> dict[str, tuple[int, int]]:
    """Quantized layers with (stored bytes, bytes that the format's definition predicts), where these differ."""
    found = {name: (layer.stored_bytes(), _predicted_bytes(layer)) for name, layer in registry.layers(model).items()}
    return {name: pair for name, pair in found.items() if pair[0] != pair[1]}


def _predicted_bytes(layer: Layer) -> int:
    return registry.backend_of(layer.scheme).predicted_bytes(layer.scheme, *layer.shape)


def of_other_dtypes(model: Any) -> dict[str, str]:
    """Unquantized parameters whose dtype is not the model's, except those that the class keeps in float32."""
    in_float32 = tuple(getattr(model, "_keep_in_fp32_modules", None) or ())
    in_float32 += tuple(getattr(model, "_keep_in_fp32_modules_strict", None) or ())
    return {
        name: str(tensor.dtype).removeprefix("torch.")
        for name, tensor in model.named_parameters()
        if tensor.is_floating_point() and tensor.dtype != model.dtype and not any(part in name for part in in_float32)
    }
