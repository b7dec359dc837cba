"""Measures how far back an attention layer looks: changes one token of its input and compares the outputs after it.

Each layer is measured by itself with its real masks and inputs, so the reach is exact at any depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from suites.running import generate, rounding
from suites.running.limits import vocabulary

CHANGED = 2
"""The position to change; not the first, which some models use as an attention sink."""
DRAWS = 3
STRENGTH = 8.0
"""Size of the change relative to the input; large enough for the token to get attention in some heads."""


@dataclass
class Layer:
    """The measured reach of an attention layer."""

    index: int
    name: str
    reaches: set[int] = field(default_factory=set)
    """Distances at which an output changed; 1 is the token itself."""
    length: int = 0

    @property
    def longest(self) -> int:
        return max(self.reaches, default=0)

    @property
    def sees_everything(self) -> bool:
        return self.longest == self.length - CHANGED


def layers(model: Any, length: int) -> list[Layer]:
    """Returns the reach of every causal attention layer, from one pass over random ids of this length."""
    import torch

    source = torch.Generator().manual_seed(0)
    rows = vocabulary(model)
    ids = torch.randint(rows, (1, length), generator=source)
    with _watched(model) as found:
        generate.forward(model, {"input_ids": ids, "attention_mask": torch.ones_like(ids)})
    return found


@contextmanager
def _watched(model: Any) -> Iterator[list[Layer]]:
    import torch

    found: list[Layer] = []
    source = torch.Generator(device=model.device).manual_seed(0)
    hooks = []
    for name, module in model.named_modules():
        index = getattr(module, "layer_idx", None)
        kind = type(module).__name__
        if isinstance(index, int) and kind.endswith("Attention") and "Cross" not in kind:
            layer = Layer(index, name)
            found.append(layer)
            hooks.append(module.register_forward_hook(_watcher(layer, source), with_kwargs=True))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _watcher(layer: Layer, source: Any) -> Any:
    def watch(module: Any, inputs: Any, options: dict[str, Any], output: Any) -> None:
        hidden = options["hidden_states"] if "hidden_states" in options else inputs[0]
        before = _tensor(output)
        layer.length = int(hidden.shape[1])
        for _ in range(DRAWS):
            changed = _with_change(hidden, source)
            named = options | {"hidden_states": changed} if "hidden_states" in options else options
            rest = inputs if "hidden_states" in options else (changed, *inputs[1:])
            layer.reaches |= _reached(before, _tensor(module.forward(*rest, **named)))

    return watch


def _with_change(hidden: Any, source: Any) -> Any:
    """The input (1 x length x width) with random values added at one position."""
    import torch

    noise = torch.randn(hidden.shape[-1], generator=source, device=source.device).to(hidden.device, hidden.dtype)
    changed = hidden.clone()
    changed[:, CHANGED] += STRENGTH * noise * hidden[:, CHANGED].square().mean().sqrt().clamp(min=1e-3)
    return changed


def _reached(before: Any, after: Any) -> set[int]:
    """Distances at which the output changed by more than rounding."""
    change = (after - before)[0].float().abs().amax(dim=-1)
    threshold = 4 * rounding.roundoff(before.dtype) * float(before[0].float().abs().max())
    return {int(position) - CHANGED + 1 for position in (change > threshold).nonzero().flatten()}


def _tensor(output: Any) -> Any:
    return output[0] if isinstance(output, tuple) else output
