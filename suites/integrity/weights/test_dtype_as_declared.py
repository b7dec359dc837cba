from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Hazard, NotApplicable


@uses("loading", worst="hazard")
def test_dtype_as_declared(weight_files: Subject, config: dict[str, Any]) -> None:
    """The weights are stored in the dtype that `config.json` declares.

    Why: transformers 5 loads in the declared dtype and silently converts weights stored in another one; bfloat16
        converted to float16 can overflow.
    Fix: correct `dtype` in config.json, or save the weights in the declared dtype.
    Source: https://github.com/huggingface/transformers/issues/42805
    """
    declared = config.get("dtype") or config.get("torch_dtype")
    stored = weight_files.traits.dtype
    if not stored or declared in (None, "", "auto"):
        raise NotApplicable("config.json declares no dtype, or no weight has one")
    if str(declared).removeprefix("torch.") != stored:
        raise Hazard(
            f"config.json declares {declared}, but the weights are stored as {stored}: "
            f"from_pretrained() converts them to {declared}.",
            evidence={"declared": declared, "stored": stored},
        )
