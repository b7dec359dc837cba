from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fixtures.models import skeletons
from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Limit, Record


@uses("quantization")
def test_casts_refused(subject: Subject, variant: Variant, quantized_here: Loaded, record: Record) -> None:
    """`half()`, `float()` and `to(dtype)` of a quantized model raise an error.

    Why: packed bits cannot be cast. If a cast is accepted, the layers around the quantized ones change their dtype, and
        the model computes in an unintended mixture of dtypes.
    Fix: load the model in the dtype that you need.
    Source: https://huggingface.co/docs/transformers/main_classes/model (half, float and to of quantized models);
        https://huggingface.co/docs/transformers/quantization/bitsandbytes
    """
    import torch

    model = skeletons.skeleton(type(quantized_here.model), subject, variant)
    if model is None:
        raise Limit(f"{type(quantized_here.model).__name__} cannot be built without weights to try casts on")
    casts: dict[str, Callable[[], Any]] = {
        "half()": model.half,
        "float()": model.float,
        "to(float16)": lambda: model.to(torch.float16),
        "to(dtype=bfloat16)": lambda: model.to(dtype=torch.bfloat16),
    }
    accepted = [name for name, cast in casts.items() if not refused(cast)]
    others = {"bfloat16()": model.bfloat16, "double()": model.double}
    silent = [name for name, cast in others.items() if not refused(cast)]
    record.capability("quantization.casts_accepted", ", ".join([*accepted, *silent]) or "none")
    if accepted:
        summary = f"{accepted[0]} of the quantized model is accepted."
        raise Defect(summary, evidence={"accepted": accepted}, about="library")


def refused(cast: Callable[[], Any]) -> bool:
    try:
        cast()
    except ValueError:
        return True
    return False
