from __future__ import annotations

from fixtures.machine import library_versions
from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Hazard
from suites.quantization.trip import trip


@needs("reads_text")
def test_quantized_checkpoint_saves_again(
    subject: Subject, variant: Variant, quantized: Loaded, profile: str, memory_left: int
) -> None:
    """A model that was loaded from a quantized checkpoint can be saved.

    Why: adapters are merged, heads are exchanged and checkpoints are split on quantized models as well; where
        `save_pretrained` refuses, the work is lost at its end.
    Fix: quantize from the full weights and save that, or save with another version of transformers.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (saving);
        https://github.com/huggingface/transformers/blob/main/src/transformers/core_model_loading.py (reverse_op)
    """
    found = trip(subject, variant, quantized, profile, memory_left)
    told = found.refused or found.refused_again
    if told:
        raise Hazard(
            f"Loaded from a quantized checkpoint, the model cannot be saved: {told}"
            f" (transformers {library_versions.version()}).",
            evidence={"refusal": told, "transformers": library_versions.version()},
        )
