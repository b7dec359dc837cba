from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.subjects import weights
from fixtures.subjects.subject import Subject
from suites.findings import Defect


def test_weights_finite(weight_files: Subject) -> None:
    """Every stored weight is a finite number.

    Why: one NaN or infinity in a tensor poisons every activation after it, sometimes for rare inputs only.
    Fix: export the checkpoint again; a half-precision overflow is saved as infinity.
    Source: https://github.com/huggingface/transformers/issues/13689 (NaN weights after a half-precision save)
    """
    broken = {name: int(count) for name, count in _not_finite(weight_files)}
    if broken:
        name, count = next(iter(broken.items()))
        more = f" and {len(broken) - 1} more tensors" if len(broken) > 1 else ""
        raise Defect(f"{name} holds {count} values that are NaN or infinite{more}.", evidence={"not_finite": broken})


def _not_finite(subject: Subject) -> Iterator[tuple[str, int]]:
    """Name and number of such values; one tensor in memory at a time."""
    from safetensors import safe_open

    for file in weights.files(subject.path):
        with safe_open(subject.path / file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 - not a mapping
                count = _count(tensors.get_tensor(name))
                if count:
                    yield name, count


def _count(tensor: Any) -> int:
    import torch

    if not tensor.is_floating_point() or tensor.element_size() < 2:
        return 0
    # a finite sum settles it without a mask as large as the tensor
    if tensor.sum(dtype=torch.float64).isfinite():
        return 0
    return int((~tensor.isfinite()).sum())
