from __future__ import annotations

from fixtures.machine import machine
from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Hazard
from suites.quantization.round_trip import RoundTrip, saved_round_trip


@needs("reads_text")
@uses("sharing", worst="hazard")
def test_saving_after_use(
    subject: Subject, variant: Variant, quantized: Loaded, profile: str, memory_left: int
) -> None:
    """A quantized model that is saved after a forward pass is saved unchanged and stays unchanged in memory.

    Why: people try a model and then save it. On a CPU with AVX512-BF16 the first forward pass reorders 4-bit weights.
        What is saved after that loads without an error and is another model; saving also breaks the model in memory.
    Fix: save before the first forward pass, or load the model again to save it; do not call `state_dict()` on a model
        that is in use.
    Source: https://github.com/bitsandbytes-foundation/bitsandbytes/issues/2078 (the packing for CPUs is not undone);
        https://huggingface.co/docs/transformers/quantization/bitsandbytes (saving)
    """
    found = saved_round_trip(subject, variant, quantized, profile, memory_left)
    if error := found.used_save_error:
        summary = f"After a forward pass the model cannot be saved: {error}."
        raise Hazard(summary, evidence={"refusal": error}, about="library")
    if found.used_save_difference or found.running_difference:
        raise _other_outputs(found, registry.backend_of_model(quantized.model).name)


def _other_outputs(found: RoundTrip, package: str) -> Hazard:
    saved, running = found.used_save_difference, found.running_difference
    what = "the saved model gives other outputs" if saved else "the model in memory gives other outputs"
    both = " and so does the model in memory afterwards" if saved and running else ""
    by = f"by up to {max(saved, running):.2g} where the largest is {found.largest_output:.2g}"
    return Hazard(
        f"Saved after a forward pass, {what}, {by}{both}.",
        evidence={
            "largest difference of the saved model": saved,
            "largest difference of the model in memory": running,
            "largest output": found.largest_output,
            **machine.installed([package]),
        },
        about="library",
    )
