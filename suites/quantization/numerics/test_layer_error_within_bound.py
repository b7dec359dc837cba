from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Record
from suites.quantization.linear import require_layers
from suites.quantization.numerics.error import errors

WORST = 5


@uses("quantization")
def test_layer_error_within_bound(quantized_here: Loaded, reference: Loaded, variant: Variant, record: Record) -> None:
    """Every block of quantized weights is as close to the full weights as its number format allows.

    Why: with a wrong scale, a shifted table or swapped halves of bytes the model still answers, but worse; the average
        of a benchmark does not name the layer.
    Fix: quantize the full weights again with another version of the library, and compare the layer that is named.
    Source: https://arxiv.org/abs/2305.14314 (section 3, block-wise k-bit quantization; appendix E, NormalFloat);
        https://arxiv.org/abs/2208.07339 (int8: a scale for each row)
    """
    found = errors(quantized_here, reference)
    require_layers(quantized_here.model, found)
    points = [[number, each.relative] for number, each in enumerate(found) if each.relative == each.relative]
    record.series("quantization.layer_error", points, x="quantized layer", y="relative error of the weights")
    whole = [sum(each.squares[part] for each in found) for part in (0, 1)]
    if whole[0] == whole[0]:
        relative, count = (whole[0] / max(whole[1], 1e-38)) ** 0.5, sum(each.parameters for each in found)
        record.metric("quantization.weight_error", relative, "share", better="lower", samples=count)
    wrong = sorted((each for each in found if each.beyond), key=lambda each: -each.beyond / each.blocks)
    if wrong:
        first, scheme = wrong[0], variant.quantization
        more = f"; {len(wrong) - 1} more layers are affected" if len(wrong) > 1 else ""
        raise Defect(
            f"{first.name}: {first.beyond} of {first.blocks} blocks are further from the full weights than {scheme}"
            f" explains: {first.cause}{more}.",
            evidence={each.name: each.as_json() | {"cause": each.cause} for each in wrong[:WORST]},
        )
