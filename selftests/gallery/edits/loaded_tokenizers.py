"""Defects put into a loaded tokenizer, where no file shows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Call = Callable[..., Any]


def overriding(tokenizer: Any, **methods: Callable[..., Any]) -> None:
    """Gives a tokenizer a class of its own, as remote code does; a method gets the original as its first argument."""
    family = type(tokenizer)

    def method(original: Call, change: Call) -> Call:
        return lambda self, *args, **options: change(original.__get__(self), *args, **options)

    changed = {name: method(getattr(family, name), change) for name, change in methods.items()}
    tokenizer.__class__ = type(family.__name__, (family,), changed)


def of_another_class(tokenizer: Any, **members: Any) -> None:
    """Gives one tokenizer other methods, as a class with a fault would have them."""
    kind = type(tokenizer)
    tokenizer.__class__ = type(kind.__name__, (kind,), members)
