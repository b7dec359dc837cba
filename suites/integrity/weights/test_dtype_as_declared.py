from __future__ import annotations

from typing import Any

from fixtures.subjects.subject import Subject
from suites.findings import Hazard


def test_dtype_as_declared(weight_files: Subject, config: dict[str, Any]) -> None:
    """The weights are stored in the dtype that `config.json` declares.

    Why: transformers 5 loads in the declared dtype; weights stored in another one are converted without a word, and
    bfloat16 read as float16 can overflow.
    Fix: correct `dtype` in config.json, or save the weights in the declared one.
    Source: https://github.com/huggingface/transformers/issues/42805
    """
    declared = config.get("dtype") or config.get("torch_dtype")
    stored = weight_files.traits.dtype
    if declared and stored and declared != "auto" and str(declared).removeprefix("torch.") != stored:
        raise Hazard(
            f"config.json declares {declared}, but the weights are stored as {stored}: "
            f"a plain load converts them to {declared}.",
            evidence={"declared": declared, "stored": stored},
        )
