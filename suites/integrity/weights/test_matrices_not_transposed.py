from __future__ import annotations

from fixtures.models.weight_statistics import Stored
from suites.findings import Defect
from suites.integrity.tensor_names import few, siblings
from suites.integrity.weights.profiles import Lie, lies


def test_matrices_not_transposed(stored: dict[str, Stored]) -> None:
    """Each square matrix reads the hidden state along the same side as the same matrix of other layers.

    Why: a transposed square matrix has the right shape and loads without a word; one of them in one layer makes the
        answers a little worse, and nothing else shows it.
    Fix: transpose the tensor that the finding names, or convert the checkpoint again; libraries differ in whether a
        linear layer stores inputs or outputs first.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.Linear.html (weight is outputs by inputs);
        https://arxiv.org/abs/2105.06990 (dimensions that stand out in every layer)
    """
    matrices = {name: each for name, each in stored.items() if each.is_float and each.rows is not None}
    found = [lie for group in siblings(matrices) for lie in lies(group) if lie.transposed]
    if found:
        first = max(found, key=lambda lie: lie.turned)
        names = few(lie.matrix.tensor.name for lie in found)
        what = f"{names} is transposed" if len(found) == 1 else f"{len(found)} matrices are transposed: {names}"
        raise Defect(
            f"{what}; turned, it fits the same matrix of other layers ({first.turned:.2f}), as it lies it does not "
            f"({first.straight:.2f}).",
            evidence={"correlations": [_as_json(lie) for lie in found]},
        )


def _as_json(lie: Lie) -> dict[str, float | str]:
    return {"tensor": lie.matrix.tensor.name, "turned": round(lie.turned, 3), "as it lies": round(lie.straight, 3)}
