"""Defects put into a loaded tokenizer, where no file shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Call = Callable[..., Any]


def overriding(tokenizer: Any, **methods: Callable[..., Any]) -> None:
    """Gives a tokenizer its own class, as remote code does. Each method gets the original as first argument."""
    family = type(tokenizer)

    def method(original: Call, change: Call) -> Call:
        return lambda self, *args, **options: change(original.__get__(self), *args, **options)

    changed = {name: method(getattr(family, name), change) for name, change in methods.items()}
    tokenizer.__class__ = type(family.__name__, (family,), changed)


def of_another_class(tokenizer: Any, **members: Any) -> None:
    """Replaces methods of one tokenizer, as a faulty class would."""
    kind = type(tokenizer)
    tokenizer.__class__ = type(kind.__name__, (kind,), members)
