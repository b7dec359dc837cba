from __future__ import annotations

from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.uses import uses
from suites.findings import Defect, NotApplicable
from suites.integrity.orientation import Orientation, orientations
from suites.integrity.tensor_names import few, siblings


@uses("loading")
def test_matrices_not_transposed(weight_statistics: dict[str, TensorStatistics]) -> None:
    """Each square matrix has the same orientation (inputs along the same side) as the same matrix of other layers.

    Why: a transposed square matrix has the right shape and loads without a message. One of them in one layer makes
        answers slightly worse, and nothing else shows it.
    Fix: transpose the tensor that the finding names, or convert the checkpoint again; libraries differ in whether a
        linear layer stores inputs or outputs first.
    Source: https://pytorch.org/docs/stable/generated/torch.nn.Linear.html (weight is outputs by inputs);
        https://arxiv.org/abs/2105.06990 (dimensions with outliers in every layer)
    """
    matrices = {name: each for name, each in weight_statistics.items() if each.is_float and each.rows is not None}
    compared = [each for group in siblings(matrices) for each in orientations(group)]
    if not compared:
        raise NotApplicable("the model has too few layers with square matrices to compare")
    found = [each for each in compared if each.is_transposed]
    if found:
        first = max(found, key=lambda each: each.transposed)
        names = few(each.matrix.tensor.name for each in found)
        what = f"{names} seems transposed" if len(found) == 1 else f"{len(found)} matrices seem transposed: {names}"
        which = "it" if len(found) == 1 else first.matrix.tensor.name
        raise Defect(
            f"{what}. Transposed back, {which} correlates with the same matrix of other layers by "
            f"{first.transposed:.2f}; as stored, by {first.as_stored:.2f}.",
            evidence={"correlations": [_as_json(each) for each in found]},
        )


def _as_json(found: Orientation) -> dict[str, float | str]:
    return {
        "tensor": found.matrix.tensor.name,
        "turned": round(found.transposed, 3),
        "as it lies": round(found.as_stored, 3),
    }
