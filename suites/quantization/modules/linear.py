"""Which linear layers of a model are to be quantized, by what the library documents; and which are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fixtures.quantization import registry

LINEAR = ("Linear", "Conv1D")
HEAD, TIED, LAST = "the output head", "tied to the embedding", "the head of a classifier"


@dataclass(frozen=True)
class Linear:
    """A linear layer, quantized or not."""

    name: str
    parameters: int
    quantized: bool
    kept_for: str | None
    """Why it is to stay in full precision; None where it is to be quantized."""

    @property
    def right(self) -> bool:
        return self.quantized == (self.kept_for is None)


def linear_layers(model: Any, skipped: Sequence[str]) -> list[Linear]:
    """Every linear layer of a quantized model."""
    small = registry.layers(model)
    full = {name: module for name, module in model.named_modules() if _is_full(module)}
    sizes = {name: layer.shape[0] * layer.shape[1] for name, layer in small.items()}
    sizes |= {name: module.weight.numel() for name, module in full.items() if name not in sizes}
    tied = set(_tied(model))
    return [Linear(name, sizes[name], name in small, _reason(model, name, tied, skipped)) for name in sizes]


def _is_full(module: Any) -> bool:
    """A linear layer whose weight is not packed, whatever its class says."""
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
    if entry := next((each for each in _in_float32(model) if named(name, each)), None):
        return f"kept in float32 by its class ('{entry}')"
    entry = next((each for each in skipped if named(name, each)), None)
    return f"in the skip list ('{entry}')" if entry else None


def named(name: str, entry: str) -> bool:
    """Whether an entry of a list of modules means this one, by the library's own rule."""
    from transformers.quantizers.quantizers_utils import should_convert_module

    return not should_convert_module(name, [entry])


def _in_float32(model: Any) -> list[str]:
    return [*(getattr(model, "_keep_in_fp32_modules", None) or ())]


def _last(model: Any) -> str | None:
    """The module of the last parameter where it lies outside of the body: a classifier's head, no output embedding."""
    last = [name for name, _ in model.named_parameters()][-1].rpartition(".")[0]
    body = model.base_model
    return None if body is model or any(last == name for name, _ in _inside(model, body)) else last


def _inside(model: Any, body: Any) -> Iterator[tuple[str, Any]]:
    parts = {id(part) for part in body.modules()}
    return ((name, part) for name, part in model.named_modules() if id(part) in parts)


def _tied(model: Any) -> Iterator[str]:
    """Modules whose weight another module has too."""
    owners: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        module = name.rpartition(".")[0]
        if id(parameter) in owners and name.endswith(".weight"):
            yield from (module, owners[id(parameter)])
        owners.setdefault(id(parameter), module)


def skip_list(model: Any) -> list[str]:
    """What the user, or whoever stored the checkpoint, wanted left alone."""
    config = getattr(model.config, "quantization_config", None)
    return [*(getattr(config, "llm_int8_skip_modules", None) or ())]
