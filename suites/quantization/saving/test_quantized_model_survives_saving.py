from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.evidence import finite
from suites.findings import Defect
from suites.quantization.round_trip import saved_round_trip


@needs("reads_text")
@uses("sharing")
def test_quantized_model_survives_saving(
    subject: Subject, variant: Variant, quantized: Loaded, profile: str, memory_left: int
) -> None:
    """After saving and loading, every tensor has the same bytes and the model gives the same outputs.

    Why: quantized checkpoints are made once and loaded everywhere. A missing scale or nested state, or packed bytes
        that a tool rewrites as numbers, give another model.
    Fix: try another version of the libraries, and compare the tensors in the evidence.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (saving);
        https://github.com/bitsandbytes-foundation/bitsandbytes/issues/1945 (packed bytes that were altered)
    """
    found = saved_round_trip(subject, variant, quantized, profile, memory_left)
    if found.load_error:
        raise Defect(
            f"What was saved cannot be loaded and run: {found.load_error}.", evidence={"refusal": found.load_error}
        )
    if found.changed_tensors:
        more = f", and so do {len(found.changed_tensors) - 1} others" if len(found.changed_tensors) > 1 else ""
        raise Defect(
            f"{found.changed_tensors[0]} has other bytes after saving and loading, or is missing{more}.",
            evidence={"tensors": found.changed_tensors[:10], "of": found.tensor_count},
        )
    if found.reload_difference:
        raise Defect(
            f"The saved model has the same tensors and gives other outputs (by up to {found.reload_difference:.2g}).",
            evidence={"largest difference": finite(found.reload_difference), "largest output": found.largest_output},
        )
