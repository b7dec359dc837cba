from __future__ import annotations

from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.uses import uses
from suites.findings import Defect


@uses("loading")
def test_weights_finite(weight_statistics: dict[str, TensorStatistics]) -> None:
    """Every stored weight is a finite number.

    Why: one NaN or infinity in a tensor spoils every activation after it, sometimes for rare inputs only.
    Fix: export the checkpoint again; values that overflow in half precision are saved as infinity.
    Source: https://github.com/huggingface/transformers/issues/13689 (NaN weights after a half-precision save)
    """
    broken = _not_finite(weight_statistics)
    if broken:
        name, count = next(iter(broken.items()))
        more = f" ({len(broken) - 1} more tensors have such values)" if len(broken) > 1 else ""
        raise Defect(f"{name} holds {count} values that are NaN or infinite{more}.", evidence={"not_finite": broken})


def _not_finite(stored: dict[str, TensorStatistics]) -> dict[str, int]:
    return {name: each.not_finite for name, each in stored.items() if each.not_finite}
