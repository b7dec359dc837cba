from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.evidence import finite
from suites.findings import Defect
from suites.quantization.trip import saved


@needs("reads_text")
def test_quantized_model_survives_saving(
    subject: Subject, variant: Variant, quantized: Loaded, profile: str, memory_left: int
) -> None:
    """Saved and loaded again, every tensor has the same bytes, and the model gives the same outputs.

    Why: quantized checkpoints are made once and loaded everywhere; a scale or a nested state that is not written, or
        packed bytes that a tool rewrites as numbers, give another model.
    Fix: try another version of the libraries, and compare the tensors in the evidence.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (saving);
        https://github.com/bitsandbytes-foundation/bitsandbytes/issues/1945 (packed bytes that were altered)
    """
    found = saved(subject, variant, quantized, profile, memory_left)
    if found.unloadable:
        raise Defect(
            f"What was saved cannot be loaded and run: {found.unloadable}.", evidence={"refusal": found.unloadable}
        )
    if found.lost:
        more = f", as {len(found.lost) - 1} others have" if len(found.lost) > 1 else ""
        raise Defect(
            f"{found.lost[0]} has other bytes after saving and loading, or is not there{more}.",
            evidence={"tensors": found.lost[:10], "of": found.tensors},
        )
    if found.reloaded:
        raise Defect(
            f"The saved model has the same tensors and gives other outputs (by up to {found.reloaded:.2g}).",
            evidence={"largest difference": finite(found.reloaded), "largest output": found.largest},
        )
