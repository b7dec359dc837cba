from __future__ import annotations

from fixtures.machine import library_versions
from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Hazard
from suites.quantization.round_trip import round_trip


@needs("reads_text")
@uses("sharing", worst="hazard")
def test_quantized_checkpoint_saves_again(
    subject: Subject, variant: Variant, quantized: Loaded, profile: str, memory_left: int
) -> None:
    """A model that was loaded from a quantized checkpoint can be saved.

    Why: users also merge adapters, replace heads and split checkpoints of quantized models; if `save_pretrained` fails,
        that work is lost at the end.
    Fix: quantize the full weights and save the result, or save with another version of transformers.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (saving);
        https://github.com/huggingface/transformers/blob/main/src/transformers/core_model_loading.py (reverse_op)
    """
    found = round_trip(subject, variant, quantized, profile, memory_left)
    if error := found.save_error or found.second_save_error:
        raise Hazard(
            f"Loaded from a quantized checkpoint, the model cannot be saved: {error}"
            f" (transformers {library_versions.version()}).",
            evidence={"refusal": error, "transformers": library_versions.version()},
            about="library",
        )
