"""Parameters and bytes of a loaded model, quantized layers counted by the weights that they stand for."""

from __future__ import annotations

from typing import Any

from fixtures.quantization import registry


def parameters(model: Any) -> dict[str, int]:
    """Parameters by name, each once; of a quantized layer as many as its outputs times its inputs."""
    small = {f"{name}.weight": layer.shape[0] * layer.shape[1] for name, layer in registry.layers(model).items()}
    return {name: small.get(name, parameter.numel()) for name, parameter in model.named_parameters()}


def share_quantized(model: Any) -> float:
    """Parameters that are quantized, as a share of all."""
    small = sum(layer.shape[0] * layer.shape[1] for layer in registry.layers(model).values())
    return small / max(1, sum(parameters(model).values()))


def footprint(model: Any) -> int:
    """Bytes of weights, of buffers and of what quantized layers keep beside their weights.

    The library's `get_memory_footprint` leaves the latter out: an eighth of a 4-bit layer.
    """
    layers = registry.layers(model)
    own = {f"{name}.weight" for name in layers}
    tensors = [tensor for name, tensor in model.named_parameters() if name not in own]
    tensors += [*model.buffers()]
    plain = sum(int(each.numel() * each.element_size()) for each in tensors)
    return plain + sum(each.held() for each in layers.values())


def misjudged(model: Any) -> dict[str, tuple[int, int]]:
    """Quantized layers with (bytes held, bytes that the format's definition predicts), where these differ."""
    found = registry.layers(model).items()
    both = {
        name: (each.held(), registry.backend_of(each.form).predicted(each.form, *each.shape)) for name, each in found
    }
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def of_other_dtypes(model: Any) -> dict[str, str]:
    """Unquantized parameters whose dtype is neither the model's nor float32 where its class asks for that."""
    kept = tuple(getattr(model, "_keep_in_fp32_modules", None) or ())
    kept += tuple(getattr(model, "_keep_in_fp32_modules_strict", None) or ())
    return {
        name: str(tensor.dtype).removeprefix("torch.")
        for name, tensor in model.named_parameters()
        if tensor.is_floating_point() and tensor.dtype != model.dtype and not any(part in name for part in kept)
    }
