"""Promise: what is stored beside packed weights is what the format says."""

from __future__ import annotations

from fixtures.subjects.loading import Loaded
from fixtures.subjects.quantized import backend
from suites.findings import Defect


def test_state_is_whole(quantized: Loaded) -> None:
    """The table of numbers is the format's, and every block has a scale that is a finite magnitude.

    Why: the table and the scales say what the bits mean; with another table, or a scale that is no number, the layer
        gives other outputs or NaN, and nothing checks it when a quantized checkpoint is loaded.
    Fix: quantize again from the full weights, or download the checkpoint again.
    Source: https://arxiv.org/abs/2305.14314 (appendix E, the numbers of NF4);
        https://github.com/bitsandbytes-foundation/bitsandbytes/blob/main/CHANGELOG.md
    """
    wrong = {name: told for name, layer in backend.layers(quantized.model).items() if (told := layer.wrong())}
    if wrong:
        name, told = next(iter(wrong.items()))
        raise Defect(f"{name}: {told}.", evidence={"layers": len(wrong), "first": dict(list(wrong.items())[:10])})
