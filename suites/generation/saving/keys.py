"""Names of weights: those a checkpoint came with, those a copy of it has, and which of them share their storage."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from fixtures.subjects import weights
from fixtures.subjects.loading import Loaded
from fixtures.subjects.subject import Subject

OLD_NORMS = re.compile(r"\.(gamma|beta)$")


def renamed(subject: Subject, loaded: Loaded, folder: Path) -> list[str]:
    """Names in a saved copy that the checkpoint does not have, less those for which there is a good reason.

    Tied weights are stored under any of their names, the prefix of the base model may have been left out, weights that
    the checkpoint lacked are made up (integrity/weights-complete), and TensorFlow called norms gamma and beta.
    """
    original = {tensor.name for tensor in weights.tensors(subject.path)}
    if not original or any(OLD_NORMS.search(name) for name in original):
        return []
    model = loaded.model
    prefix = f"{getattr(model, 'base_model_prefix', '')}."
    known = {name.removeprefix(prefix) for name in original}
    excused = tied_names(model) | set(loaded.report["missing_keys"]) | {name for name, _ in model.named_buffers()}
    saved = sorted(tensor.name for tensor in weights.tensors(folder))
    return [name for name in saved if name.removeprefix(prefix) not in known and name not in excused]


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
    """By parameter, whether the copy's values are others."""
    import torch

    own = dict(model.named_parameters())
    return {name: name in own and not torch.equal(own[name], other.to(own[name].device))
            for name, other in again.named_parameters()}  # fmt: skip
