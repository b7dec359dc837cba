"""Changes to stored tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_weights, set_keys

Tensors = dict[str, Any]


def swapped(tensors: Tensors, one: str, other: str) -> Tensors:
    """Exchanges the tensors whose names contain `one` and `other`."""
    names = {name: name.replace(one, "\0").replace(other, one).replace("\0", other) for name in tensors}
    return {name: tensors[names[name]] for name in tensors}


def transposed(tensors: Tensors, name: str) -> Tensors:
    return tensors | {name: tensors[name].T.contiguous()}


def store_as(directory: Path, dtype: str) -> None:
    """Converts all tensors to a dtype of torch, and declares it."""
    import torch

    edit_weights(directory, lambda tensors: {name: each.to(getattr(torch, dtype)) for name, each in tensors.items()})
    set_keys(directory / "config.json", dtype=dtype)


def add_rows(directory: Path, count: int = 64) -> None:
    """Pads the embedding and the head with rows of zeros that no token uses, as for tensor cores."""
    import torch

    def padded(name: str, each: Any) -> Any:
        if not name.endswith(("embed_tokens.weight", "lm_head.weight")):
            return each
        return torch.cat([each, each.new_zeros(count, each.shape[1])])

    rows: list[int] = []

    def change(tensors: Tensors) -> Tensors:
        changed = {name: padded(name, each) for name, each in tensors.items()}
        rows.append(changed["model.embed_tokens.weight"].shape[0])
        return changed

    edit_weights(directory, change)
    set_keys(directory / "config.json", vocab_size=rows[0])


def reorder_neurons(directory: Path) -> None:
    """Reverses the hidden units of every gated MLP, which leaves the function as it is."""

    def change(tensors: Tensors) -> Tensors:
        def turned(name: str, each: Any) -> Any:
            if name.endswith(("gate_proj.weight", "up_proj.weight")):
                return each.flip(0).contiguous()
            return each.flip(1).contiguous() if name.endswith("down_proj.weight") else each

        return {name: turned(name, each) for name, each in tensors.items()}

    edit_weights(directory, change)
