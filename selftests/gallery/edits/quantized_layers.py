"""Changes to the layers of a quantized model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

QUERY = "layers.0.self_attn.q_proj"
KEY = "layers.1.self_attn.k_proj"
UP = "layers.1.mlp.up_proj"


def answering(name: str, change: Callable[[Any, Any, Any], Any]) -> Callable[[Any], None]:
    """Replaces a layer's output by `change(module, input, output)`."""

    def patch(model: Any) -> None:
        layer(model, name).register_forward_hook(lambda module, given, output: change(module, given[0], output))

    return patch


def layer(model: Any, name: str) -> Any:
    return model.base_model.get_submodule(name)
