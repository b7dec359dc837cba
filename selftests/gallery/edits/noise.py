"""Random numbers in the place of trained weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_weights

LAYER = re.compile(r"(?:layers?|blocks?)\.(\d+)\.")


def layer_of(name: str) -> int:
    """The number of a tensor's layer; -1 for one outside of the layers."""
    match = LAYER.search(name)
    return int(match[1]) if match else -1


def drawn(like: Any, generator: Any) -> Any:
    """Normal numbers of the same standard deviation."""
    import torch

    return (torch.randn(like.shape, generator=generator) * like.float().std()).to(like.dtype)


def permuted(like: Any, generator: Any) -> Any:
    """The same values in another order."""
    import torch

    flat = like.flatten()
    return flat[torch.randperm(len(flat), generator=generator)].view(like.shape).contiguous()


def rows_permuted(like: Any, generator: Any) -> Any:
    import torch

    return like[torch.randperm(len(like), generator=generator)].contiguous()


def replace_matrices(directory: Path, change: Callable[[Any, Any], Any], where: Callable[[str], bool]) -> None:
    """Changes every floating-point tensor of two or more dimensions whose name `where` accepts."""
    import torch

    generator = torch.Generator().manual_seed(0)

    def edited(name: str, each: Any) -> Any:
        return change(each, generator) if each.dim() > 1 and each.is_floating_point() and where(name) else each

    edit_weights(directory, lambda tensors: {name: edited(name, each) for name, each in tensors.items()})


def everywhere(name: str) -> bool:
    return True


def in_layers(name: str) -> bool:
    return layer_of(name) >= 0
