"""Changes to the methods of a loaded model, for defects that no file shows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

Options = dict[str, Any]


def before_forward(model: Any, change: Callable[[Any, Options], None]) -> None:
    """Lets `change(model's body, options)` edit the arguments of each forward pass of the body."""
    body = model.base_model
    own = body.forward
    names = list(inspect.signature(own).parameters)

    def forward(*args: Any, **options: Any) -> Any:
        options |= dict(zip(names, args, strict=False))
        change(body, options)
        return own(**options)

    body.forward = forward


def new(options: Options) -> int:
    """Tokens of this pass."""
    given = options.get("input_ids")
    return int((options["inputs_embeds"] if given is None else given).shape[1])


def past(options: Options) -> int:
    """Tokens in the cache."""
    cache = options.get("past_key_values")
    return int(cache.get_seq_length()) if cache is not None else 0


def rows(options: Options) -> int:
    given = options.get("input_ids")
    return int((options["inputs_embeds"] if given is None else given).shape[0])


def see_all(options: Options, length: int | None = None) -> None:
    """Every token sees all others."""
    import torch

    options["attention_mask"] = torch.zeros(rows(options), 1, new(options), length or new(options))


def around(model: Any, name: str, change: Callable[..., Any]) -> None:
    """Replaces a method of this one model by `change(own method, *arguments)`."""
    own = getattr(model, name)
    setattr(model, name, lambda *args, **options: change(own, *args, **options))
