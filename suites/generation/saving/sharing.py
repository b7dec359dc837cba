"""Weights of a model that share storage, and weights that differ from those of a copy."""

from __future__ import annotations

from typing import Any


def tied_names(model: Any) -> set[str]:
    """Returns the names of parameters that share their storage with another one."""
    owners: dict[int, list[str]] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        owners.setdefault(tensor.data_ptr(), []).append(name)
    return {name for names in owners.values() if len(names) > 1 for name in names}


def is_tied(model: Any) -> bool:
    """True if the output head and the input embeddings are one tensor."""
    head, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
    if head is None or embeddings is None:
        return False
    return bool(head.weight is embeddings.weight or head.weight.data_ptr() == embeddings.weight.data_ptr())


def differences(model: Any, copy: Any) -> dict[str, bool]:
    """Returns, by parameter, whether the copy's values differ; NaN equals NaN."""
    own = dict(model.named_parameters())
    return {
        name: name in own and not _same(own[name], other.to(own[name].device))
        for name, other in copy.named_parameters()
    }


def _same(one: Any, other: Any) -> bool:
    import torch

    return bool(torch.equal(one, other) or torch.equal(one.nan_to_num(), other.nan_to_num()))
