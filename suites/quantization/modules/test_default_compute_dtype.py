from __future__ import annotations

from fixtures.machine import library_versions
from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.subjects.variant import Variant
from suites.findings import Hazard
from suites.quantization.modules.test_compute_dtype import told


def test_default_compute_dtype(quantized_here: Loaded, variant: Variant) -> None:
    """A quantization config without a compute dtype computes in the dtype of the model.

    Why: the library's default for 4-bit is float32 whatever the model's dtype is: slower by far on a half-precision
        model, and no warning tells.
    Fix: pass `bnb_4bit_compute_dtype` with the dtype of the model, as this trial does for its own measurements.
    Source: https://github.com/bitsandbytes-foundation/bitsandbytes/issues/2077;
        https://huggingface.co/docs/transformers/quantization/bitsandbytes (compute data type)
    """
    usual = registry.backend_of(variant.quantization).config(variant.quantization, None)
    default = getattr(usual, "bnb_4bit_compute_dtype", None) if variant.quantization != "int8" else None
    own = quantized_here.model.dtype
    if default is None or default == own:
        return
    raise Hazard(
        f"Without bnb_4bit_compute_dtype this {told(own)} model computes in {told(default)} in 4-bit"
        f" (transformers {library_versions.version()}).",
        evidence={"default": told(default), "model": told(own)},
    )
