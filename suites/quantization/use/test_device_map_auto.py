from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Hazard
from suites.quantization.outputs import largest_difference, outputs, random_ids
from suites.quantization.round_trip import round_trip
from suites.running import rounding


@needs("reads_text")
@uses("quantization")
def test_device_map_auto(subject: Subject, variant: Variant, quantized: Loaded, profile: str, memory_left: int) -> None:
    """Loaded with `device_map="auto"`, the model is on the accelerator and gives the same outputs.

    Why: every example loads quantized models this way. A part on the CPU of a machine with an accelerator is slow or
        not quantized, and a misplaced part computes with weights that are not there.
    Fix: pass a device map of your own; check `hf_device_map` in the evidence.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (device_map)
    """
    found = round_trip(subject, variant, quantized, profile, memory_left)
    away = {part: device for part, device in found.devices.items() if device in ("cpu", "disk")}
    if away and not variant.device.startswith("cpu"):
        part, device = next(iter(away.items()))
        raise Hazard(f'device_map="auto" puts {part or "the model"} on the {device}.', evidence={"map": found.devices})
    inputs = random_ids(quantized.model, 1)
    own = outputs(quantized.model, inputs)
    difference = largest_difference(own, found.output)
    explained = 0.0
    if difference and len({*found.devices.values()}) > 1:  # on one device both give the same bits
        explained = rounding.tolerance(quantized.model, lambda: outputs(quantized.model, inputs).flatten(0, -2))
    if not difference <= explained:
        raise Defect(
            f'With device_map="auto" the model gives other outputs (by up to {difference:.2g}; rounding explains'
            f" {explained:.1g}).",
            evidence={"largest difference": difference if difference < float("inf") else None, "map": found.devices},
        )
