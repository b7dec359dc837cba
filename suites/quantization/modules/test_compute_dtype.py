from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.session.uses import uses
from suites.findings import Defect, Hazard, NotApplicable


@uses("quantization")
def test_compute_dtype(quantized: Loaded) -> None:
    """Layers multiply in the dtype of the quantization config, and that is the model's dtype.

    Why: in float32, the default of bitsandbytes for 4-bit, every product of a half-precision model takes twice the
        memory traffic and uses no tensor cores; in float16, a model that was trained in bfloat16 may overflow.
    Fix: set the compute dtype of the quantization config (`bnb_4bit_compute_dtype`) to the dtype of the model.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (compute data type);
        https://github.com/bitsandbytes-foundation/bitsandbytes/issues/2077
    """
    model = quantized.model
    asked = registry.backend_of_model(model).compute_dtype(model.config.quantization_config)
    dtypes = {name: layer.compute_dtype for name, layer in registry.layers(model).items() if layer.compute_dtype}
    if not dtypes:
        raise NotApplicable("the scheme has no setting for the dtype of its products, or quantizes no layer")
    for name, dtype in dtypes.items():
        if dtype != asked:
            others = sum(each != asked for each in dtypes.values()) - 1
            asked_name, model_name = dtype_name(asked), dtype_name(model.dtype)
            raise Defect(
                f"{name} computes in {dtype_name(dtype)}, and the quantization config says {asked_name}.",
                evidence={"layer": name, "others": others, "asked": asked_name, "model": model_name},
            )
    if asked != model.dtype:
        raise config_differs(asked, model.dtype, len(dtypes))


def config_differs(asked: Any, own: Any, layers: int) -> Hazard:
    return Hazard(
        f"The quantization config computes in {dtype_name(asked)}, but the model is in {dtype_name(own)}.",
        evidence={"compute dtype": dtype_name(asked), "model": dtype_name(own), "layers": layers},
    )


def dtype_name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")
