from __future__ import annotations

from fixtures.machine import machine
from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Hazard
from suites.quantization.trip import saved


@needs("reads_text")
def test_saving_after_use(
    subject: Subject, variant: Variant, quantized: Loaded, profile: str, memory_left: int
) -> None:
    """A quantized model that has computed something is saved as itself, and goes on as before.

    Why: people try a model and then save it. On a CPU with AVX512-BF16 the first forward pass puts 4-bit weights into
        another order; what is saved after that loads without an error and is another model, and the saving spoils the
        model in memory too.
    Fix: save before the first forward pass, or load the model again to save it; do not ask a model that is in use for
        its `state_dict()`.
    Source: https://github.com/bitsandbytes-foundation/bitsandbytes/issues/2078 (the packing for CPUs is not undone);
        https://huggingface.co/docs/transformers/quantization/bitsandbytes (saving)
    """
    found = saved(subject, variant, quantized, profile, memory_left)
    if told := found.refused_after_use:
        raise Hazard(f"After a forward pass the model cannot be saved: {told}.", evidence={"refusal": told})
    if not (found.saved_after_use or found.kept_running):
        return
    what = "the saved model gives other outputs" if found.saved_after_use else "the model in memory gives other outputs"
    both = " and so does the model in memory afterwards" if found.saved_after_use and found.kept_running else ""
    apart = max(found.saved_after_use, found.kept_running)
    raise Hazard(
        f"Saved after a forward pass, {what}, by up to {apart:.2g} where the largest is {found.largest:.2g}{both}.",
        evidence={
            "largest difference of the saved model": found.saved_after_use,
            "largest difference of the model in memory": found.kept_running,
            "largest output": found.largest,
            **machine.installed([registry.backend_of_model(quantized.model).name]),
        },
    )
