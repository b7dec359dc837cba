"""Changes to tensors by name."""

from __future__ import annotations

from typing import Any

Tensors = dict[str, Any]


def swapped(tensors: Tensors, one: str, other: str) -> Tensors:
    """What stands under names with `one` and with `other` changes places."""
    names = {name: name.replace(one, "\0").replace(other, one).replace("\0", other) for name in tensors}
    return {name: tensors[names[name]] for name in tensors}


def transposed(tensors: Tensors, name: str) -> Tensors:
    return tensors | {name: tensors[name].T.contiguous()}
