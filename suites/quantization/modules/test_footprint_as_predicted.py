from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect, Record
from suites.quantization.sizes import footprint, of_other_dtypes, share_quantized, unexpected_sizes


@needs("among_quantized")
@uses("quantization")
def test_footprint_as_predicted(loaded: Loaded, record: Record) -> None:
    """Weights take the bytes that shapes, block sizes and dtypes predict.

    Why: quantization is meant to save memory; scales in the wrong dtype, a second copy of the weights or a layer left
        in float32 undo that.
    Fix: compare the dtypes of the unquantized parameters with the model's dtype, and the quantization config with the
        requested one.
    Source: https://arxiv.org/abs/2305.14314 (section 3: bits per parameter of block-wise and of double quantization)
    """
    size = footprint(loaded.model)
    record.metric("quantization.memory_footprint", size, "bytes", better="lower", samples=1)
    share = share_quantized(loaded.model)
    record.metric("quantization.parameters_quantized", share, "share", better="higher", samples=1)
    if wrong := unexpected_sizes(loaded.model):
        name, (held, wanted) = next(iter(wrong.items()))
        what = f"{name} takes {held:,} bytes; its shape and format predict {wanted:,}"
        raise Defect(f"{what}.", evidence={"held, predicted": dict(list(wrong.items())[:10]), "layers": len(wrong)})
    if share and (other := of_other_dtypes(loaded.model)):
        name, dtype = next(iter(other.items()))
        own = str(loaded.model.dtype).removeprefix("torch.")
        what = f"{name} is in {dtype}, while the model is in {own}"
        raise Defect(f"{what}.", evidence={"parameters": len(other), "first": dict(list(other.items())[:10])})
