"""Linear layers of a quantized model: which are quantized, and which should be by the documented rules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from fixtures.quantization import registry
from suites.findings import Blocked, NotApplicable

LINEAR = ("Linear", "Conv1D")
HEAD, TIED, LAST = "the output head", "tied to the embedding", "the head of a classifier"


@dataclass(frozen=True)
class Linear:
    """A linear layer, quantized or not."""

    name: str
    parameters: int
    quantized: bool
    expected_full: str | None
    """Reason to stay in full precision; None if the layer should be quantized."""

    @property
    def as_expected(self) -> bool:
        return self.quantized == (self.expected_full is None)


def linear_layers(model: Any, skipped: Sequence[str]) -> list[Linear]:
    """Every linear layer of a quantized model."""
    small, of_library = registry.layers(model), registry.replaced_modules(model)
    full = {name: module for name, module in model.named_modules() if name in of_library or _is_linear(module)}
    sizes = {name: layer.shape[0] * layer.shape[1] for name, layer in small.items()}
    sizes |= {name: module.weight.numel() for name, module in full.items() if name not in sizes}
    tied = set(_tied(model))
    return [Linear(name, sizes[name], name in small, _reason(model, name, tied, skipped)) for name in sizes]


def require_layers(model: Any, layers: Sized) -> None:
    """Raises a reason if a model has no quantized layer to test.

    Raises:
        Blocked: There are linear layers that should be quantized.
        NotApplicable: There are none.
    """
    __tracebackhide__ = True
    if len(layers):
        return
    if any(not each.as_expected for each in linear_layers(model, skip_list(model))):
        raise Blocked("quantization/linear-layers-quantized", "no layer of this model is quantized")
    raise NotApplicable("the model has no layer that quantization applies to")


def _is_linear(module: Any) -> bool:
    kind = type(module).__name__
    weight = getattr(module, "weight", None)
    return (kind in LINEAR or kind.startswith("Linear")) and weight is not None and weight.dim() == 2


def _reason(model: Any, name: str, tied: set[str], skipped: Sequence[str]) -> str | None:
    head = model.get_output_embeddings() if hasattr(model, "get_output_embeddings") else None
    if head is not None and model.get_submodule(name) is head:
        return HEAD
    if name in tied:
        return TIED
    if name == _last(model):
        return LAST
    if entry := next((each for each in _in_float32(model) if matches(name, each)), None):
        return f"kept in float32 by its class ('{entry}')"
    entry = next((each for each in skipped if matches(name, each)), None)
    return f"in the skip list ('{entry}')" if entry else None


def matches(name: str, entry: str) -> bool:
    """True if an entry of a list of modules matches this one by the rule of transformers."""
    from transformers.quantizers.quantizers_utils import should_convert_module

    return not should_convert_module(name, [entry])


def _in_float32(model: Any) -> list[str]:
    return [*(getattr(model, "_keep_in_fp32_modules", None) or ())]


def _last(model: Any) -> str | None:
    """Returns the module of the last parameter if it is outside of the body: the head of a classifier."""
    last = [name for name, _ in model.named_parameters()][-1].rpartition(".")[0]
    body = model.base_model
    return None if body is model or any(last == name for name, _ in _inside(model, body)) else last


def _inside(model: Any, body: Any) -> Iterator[tuple[str, Any]]:
    parts = {id(part) for part in body.modules()}
    return ((name, part) for name, part in model.named_modules() if id(part) in parts)


def _tied(model: Any) -> Iterator[str]:
    """Yields the modules that share their weight with another module."""
    owners: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        module = name.rpartition(".")[0]
        if id(parameter) in owners and name.endswith(".weight"):
            yield from (module, owners[id(parameter)])
        owners.setdefault(id(parameter), module)


def skip_list(model: Any) -> list[str]:
    """Returns the modules that the quantization config leaves unquantized on request."""
    return registry.backend_of_model(model).skipped_modules(model.config.quantization_config)
