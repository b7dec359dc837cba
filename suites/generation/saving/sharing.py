"""Which weights of a model share their storage, and which differ from those of another."""

from __future__ import annotations

from typing import Any


def tied_names(model: Any) -> set[str]:
    """Names of parameters that share their storage with another one."""
    owners: dict[int, list[str]] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        owners.setdefault(tensor.data_ptr(), []).append(name)
    return {name for names in owners.values() if len(names) > 1 for name in names}


def is_tied(model: Any) -> bool:
    """Whether the output head and the input embeddings are one."""
    head, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    if head is None or embeddings is None:
        return False
    return bool(head.weight is embeddings.weight or head.weight.data_ptr() == embeddings.weight.data_ptr())


def differences(model: Any, again: Any) -> dict[str, bool]:
    """By parameter, whether the copy's values are others; what is no number is the same as what is none."""
    own = dict(model.named_parameters())
    return {name: name in own and not _same(own[name], other.to(own[name].device))
            for name, other in again.named_parameters()}  # fmt: skip


def _same(one: Any, other: Any) -> bool:
    import torch

    return bool(torch.equal(one, other) or torch.equal(one.nan_to_num(), other.nan_to_num()))
