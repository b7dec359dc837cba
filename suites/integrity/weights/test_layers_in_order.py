from __future__ import annotations

from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Hazard, NotApplicable
from suites.integrity.layer_order import MIN_LAYERS, Swap, swaps
from suites.integrity.tensor_names import layers_by_stack


@needs("no_likelihood")
@uses("loading", worst="hazard")
def test_layers_in_order(weight_statistics: dict[str, TensorStatistics]) -> None:
    """The layers are in the order in which they were trained: statistics of their weights change slowly with depth.

    Why: layers with exchanged names load without a message. In the middle of a model this makes every answer slightly
        worse.
    Fix: exchange the names of the two layers' tensors, or convert the checkpoint again.
    Source: https://arxiv.org/abs/2407.09298 (neighbouring layers are alike; cost of another order)
    """
    if max(map(len, layers_by_stack(weight_statistics).values()), default=0) < MIN_LAYERS:
        raise NotApplicable("the model has too few layers to compare")
    clear = [swap for swap in swaps(weight_statistics) if swap.clear]
    if clear:
        raise Hazard(
            f"Layers {clear[0].one} and {clear[0].other} ({clear[0].stack}) seem to be exchanged: if they are "
            f"swapped back, {clear[0].better} of {clear[0].kinds} kinds of tensors change more smoothly with "
            "depth.",
            evidence={"swaps": [as_json(swap) for swap in clear[:5]]},
        )


def as_json(swap: Swap) -> dict[str, object]:
    return {
        "layers": [swap.one, swap.other],
        "stack": swap.stack,
        "shorter": round(swap.shorter, 3),
        "kinds": swap.kinds,
        "better": swap.better,
    }
