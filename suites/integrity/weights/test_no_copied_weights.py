from __future__ import annotations

from collections.abc import Iterable, Mapping

from fixtures.models.weight_statistics import Stored
from suites.findings import Defect, Hazard
from suites.integrity.tensor_names import NUMBER, few, siblings

TABLES = (".bias", ".masked_bias", ".mask", "inv_freq", "position_ids")
"""What old checkpoints store in every layer and nobody trains, such as GPT-2's causal mask."""
FEWEST = 1000
"""Numbers: below that two vectors may be alike by chance or by design."""


def test_no_copied_weights(stored: dict[str, Stored]) -> None:
    """No matrix holds exactly the numbers of the same matrix of another layer or expert.

    Why: a conversion that writes one tensor under two names loses the other one, and the model loads and runs; trained
        layers and experts are never equal in every number.
    Fix: convert the checkpoint again; of a model that was grown by copying layers or experts, train it on.
    Source: https://arxiv.org/abs/2312.15166 (models grown by copying layers need training);
        https://arxiv.org/abs/2212.05055 (and by copying experts)
    """
    matrices = {name: each for name, each in stored.items() if each.is_float and not each.constant
                and len(each.tensor.shape) in (2, 3) and each.tensor.size >= FEWEST
                and not name.endswith(TABLES) and not _by_formula(each)}  # fmt: skip
    copies = dict(_copies(siblings(matrices)))
    if not copies:
        return
    name, original = next(iter(copies.items()))
    grown = _whole(copies, matrices)
    what = f"{name} holds the same numbers as {original}"
    if len(copies) > 1:
        what = (
            f"{len(copies)} matrices are copies of others: {few(f'{one} of {other}' for one, other in copies.items())}"
        )
    raise (Hazard if grown else Defect)(f"{what}{', as in a model grown by copying' if grown else ''}.",
                                        evidence={"copies": dict(list(copies.items())[:40])})  # fmt: skip


def _by_formula(each: Stored) -> bool:
    """Rows or columns all of one length: what a family starts with and nobody trained, such as Mamba's `A_log`."""
    sides = [side for side in (each.rows, each.columns) if side is not None and len(side) > 1]
    return any(side.max() <= side.min() * (1 + 1e-6) for side in sides)


def _copies(groups: Iterable[list[Stored]]) -> Iterable[tuple[str, str]]:
    """Each tensor that another one of its kind was before, and that one."""
    for group in groups:
        first: dict[str, str] = {}
        for each in group:
            name = first.setdefault(each.digest, each.tensor.name)
            if name != each.tensor.name:
                yield each.tensor.name, name


def _whole(copies: Mapping[str, str], matrices: Mapping[str, Stored]) -> bool:
    """Whether whole layers or experts were copied: all matrices between two pairs of places, as growing does."""
    places = {(_place(one), _place(other)) for one, other in copies.items()}
    return all(_is_copied(one, other, copies, matrices) for one, other in places)


def _is_copied(one: str, other: str, copies: Mapping[str, str], matrices: Mapping[str, Stored]) -> bool:
    inside = [name for name in matrices if _place(name) == one]
    return all(copies.get(name) == other + name.removeprefix(one) for name in inside)


def _place(name: str) -> str:
    """Up to the last number: the layer, or the expert in it."""
    last = max((match.end() for match in NUMBER.finditer(name)), default=0)
    return name[:last]
