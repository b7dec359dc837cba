from __future__ import annotations

from collections.abc import Iterable, Mapping

from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.uses import uses
from suites.findings import Defect, Hazard, NotApplicable
from suites.integrity.tensor_names import NUMBER, few, siblings

TABLES = (".bias", ".masked_bias", ".mask", "inv_freq", "position_ids")
"""Names of untrained tables that old checkpoints store in every layer, such as GPT-2's causal mask."""
MIN_SIZE = 1000
"""Values of a tensor; smaller ones may be equal by chance or by design."""


@uses("loading")
def test_no_copied_weights(weight_statistics: dict[str, TensorStatistics]) -> None:
    """No matrix is an exact copy of the same matrix of another layer or expert.

    Why: a conversion that writes one tensor under two names loses the other one, and the model still loads and runs.
        Trained layers and experts are never equal in every value.
    Fix: convert the checkpoint again; if the model was grown by copying layers or experts, continue its training.
    Source: https://arxiv.org/abs/2312.15166 (models grown by copying layers need training);
        https://arxiv.org/abs/2212.05055 (likewise for experts)
    """
    matrices = {
        name: each
        for name, each in weight_statistics.items()
        if each.is_float
        and not each.constant
        and len(each.tensor.shape) in (2, 3)
        and each.tensor.size >= MIN_SIZE
        and not name.endswith(TABLES)
        and not _by_formula(each)
    }
    groups = siblings(matrices)
    if not any(len(group) > 1 for group in groups):
        raise NotApplicable("no two layers or experts have the same matrix")
    copies = dict(_copies(groups))
    if copies:
        raise _finding(copies, matrices)


def _finding(copies: dict[str, str], matrices: Mapping[str, TensorStatistics]) -> Defect | Hazard:
    """Returns a hazard if whole layers or experts were copied, as in a model grown by copying, else a defect."""
    name, original = next(iter(copies.items()))
    grown = _only_whole_copies(copies, matrices)
    what = f"{name} holds the same numbers as {original}"
    if len(copies) > 1:
        what = (
            f"{len(copies)} matrices are copies of others: {few(f'{one} of {other}' for one, other in copies.items())}"
        )
    return (Hazard if grown else Defect)(
        f"{what}{', as in a model grown by copying' if grown else ''}.",
        evidence={"copies": dict(list(copies.items())[:40])},
    )


def _by_formula(each: TensorStatistics) -> bool:
    """True if all rows or columns have the same norm: initial values that were not trained, like Mamba's `A_log`."""
    sides = [side for side in (each.rows, each.columns) if side is not None and len(side) > 1]
    return any(side.max() <= side.min() * (1 + 1e-6) for side in sides)


def _copies(groups: Iterable[list[TensorStatistics]]) -> Iterable[tuple[str, str]]:
    """Yields each copy with the name of its original, the first tensor of its kind with these values."""
    for group in groups:
        first: dict[str, str] = {}
        for each in group:
            name = first.setdefault(each.digest, each.tensor.name)
            if name != each.tensor.name:
                yield each.tensor.name, name


def _only_whole_copies(copies: Mapping[str, str], matrices: Mapping[str, TensorStatistics]) -> bool:
    """True if whole layers or experts were copied, as in a model grown by copying."""
    blocks = {(_block(one), _block(other)) for one, other in copies.items()}
    return all(_is_copied(one, other, copies, matrices) for one, other in blocks)


def _is_copied(one: str, other: str, copies: Mapping[str, str], matrices: Mapping[str, TensorStatistics]) -> bool:
    inside = [name for name in matrices if _block(name) == one]
    return all(copies.get(name) == other + name.removeprefix(one) for name in inside)


def _block(name: str) -> str:
    """The name up to its last number: the layer, or the expert in it."""
    last = max((match.end() for match in NUMBER.finditer(name)), default=0)
    return name[:last]
