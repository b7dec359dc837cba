from __future__ import annotations

from fixtures.machine import library_versions
from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.session.uses import uses
from fixtures.subjects.variant import Variant
from suites.findings import Hazard, NotApplicable
from suites.quantization.modules.test_compute_dtype import dtype_name


@uses("quantization", worst="hazard")
def test_default_compute_dtype(quantized_here: Loaded, variant: Variant) -> None:
    """A quantization config without a compute dtype computes in the dtype of the model.

    Why: the default of bitsandbytes for 4-bit is float32 whatever the model's dtype: far slower on a half-precision
        model, and without a warning.
    Fix: set the compute dtype (`bnb_4bit_compute_dtype`) to the dtype of the model, as seatrial does for its own runs.
    Source: https://github.com/bitsandbytes-foundation/bitsandbytes/issues/2077;
        https://huggingface.co/docs/transformers/quantization/bitsandbytes (compute data type)
    """
    library = registry.backend_of(variant.quantization)
    default = library.compute_dtype(library.config(variant.quantization, None))
    own = quantized_here.model.dtype
    if default is None:
        raise NotApplicable(f"{variant.quantization} has no setting for the dtype of its products")
    if default != own:
        raise Hazard(
            f"Without {library.compute_dtype_option} this {dtype_name(own)} model computes in {dtype_name(default)}"
            f" with {variant.quantization} (transformers {library_versions.version()}).",
            evidence={"default": dtype_name(default), "model": dtype_name(own)},
            about="library",
        )
