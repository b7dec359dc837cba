"""Runs a loaded model in another dtype, and finds the first module whose output is not finite."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suites.running.dtypes.casting import cast, units

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


class CastModel:
    """A model that is cast to a dtype during each call."""

    def __init__(self, model: Any, dtype: str, *, whole: bool = False, tables: bool = False, lean: bool = False):
        self.model, self.dtype = model, dtype
        own = dtype == own_dtype(model)
        self._units = [] if own else units(model, dtype, whole=whole, tables=tables, lean=lean)

    def __call__(self, inputs: dict[str, Any]) -> Tensors:
        """Returns every floating-point output of the model by name, except caches."""
        import torch

        taken = inspect.signature(self.model.forward).parameters  # FNet takes no mask
        known = {name: value for name, value in inputs.items() if name in taken or "kwargs" in taken}
        with torch.inference_mode(), cast(self._units):
            output = self.model(**known, return_dict=True)
        tensors = {name: value for name, value in output.items() if torch.is_tensor(value) and value.dim()}  # no losses
        return {name: value for name, value in tensors.items() if value.is_floating_point()}


def own_dtype(model: Any) -> str:
    """Returns the dtype of most parameters."""
    sizes: dict[str, int] = {}
    for parameter in model.parameters():
        if parameter.is_floating_point():
            name = str(parameter.dtype).removeprefix("torch.")
            sizes[name] = sizes.get(name, 0) + parameter.numel()
    return max(sizes, key=lambda name: sizes[name], default="float32")


@dataclass(frozen=True)
class FailingModule:
    """A module whose output is not finite."""

    module: str
    kind: str
    dtype: str
    not_finite: int
    largest_input: float

    def __str__(self) -> str:
        return f"{self.module} ({self.kind})" if self.module else self.kind


class _Found(Exception):
    """Ends a forward pass early."""


def first_failing(cast_model: CastModel, inputs: dict[str, Any]) -> FailingModule | None:
    """Returns the first module, in order of execution, whose output is not finite."""
    found: list[FailingModule] = []
    with _watched(cast_model.model, found), suppress(_Found):
        cast_model(inputs)
    return found[0] if found else None


@contextmanager
def _watched(model: Any, found: list[FailingModule]) -> Iterator[None]:
    def watch(name: str) -> Any:
        def look(module: Any, args: Any, output: Any) -> None:
            for tensor in _tensors(output):
                if wrong := int((~tensor.isfinite()).sum()):
                    largest = max((float(each.abs().max()) for each in _tensors(args) if each.numel()), default=0.0)
                    dtype = str(tensor.dtype).removeprefix("torch.")
                    found.append(FailingModule(name, type(module).__name__, dtype, wrong, largest))
                    raise _Found

        return look

    hooks = [module.register_forward_hook(watch(name)) for name, module in model.named_modules()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """Yields the floating-point tensors in a module's inputs or outputs, except caches."""
    import torch

    if torch.is_tensor(value):
        if value.is_floating_point():
            yield value
    elif isinstance(value, (tuple, list)):
        for each in value:
            yield from _tensors(each)
    elif hasattr(value, "to_tuple"):
        yield from _tensors(value.to_tuple())
