from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from suites.findings import Defect, Finding, Hazard


def test_compute_dtype(quantized: Loaded) -> None:
    """Layers multiply in the dtype of the quantization config, and that is the model's.

    Why: in float32, which is the library's default for 4-bit, every product of a half-precision model takes twice the
        memory traffic and none of the tensor cores; in float16, what was trained in bfloat16 may overflow.
    Fix: pass `bnb_4bit_compute_dtype` with the dtype of the model.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (compute data type);
        https://github.com/bitsandbytes-foundation/bitsandbytes/issues/2077
    """
    model = quantized.model
    asked = getattr(model.config.quantization_config, "bnb_4bit_compute_dtype", None)
    found = {
        name: layer.compute_dtype for name, layer in registry.layers(model).items() if layer.compute_dtype is not None
    }
    for name, dtype in found.items():
        if dtype != asked:
            others = sum(each != asked for each in found.values()) - 1
            raise Defect(
                f"{name} computes in {told(dtype)}, and the quantization config says {told(asked)}.",
                evidence={"layer": name, "others": others, "asked": told(asked), "model": told(model.dtype)},
            )
    if found and asked != model.dtype:
        raise of_config(asked, model.dtype, len(found))


def of_config(asked: Any, own: Any, layers: int) -> Finding:
    return Hazard(
        f"The quantization config computes in {told(asked)}, while the model is in {told(own)}.",
        evidence={"compute dtype": told(asked), "model": told(own), "layers": layers},
    )


def told(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")
