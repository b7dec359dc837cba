from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Hazard
from suites.quantization.running import answer, furthest, random_ids
from suites.quantization.trip import trip
from suites.running import rounding


@needs("reads_text")
def test_device_map_auto(subject: Subject, variant: Variant, quantized: Loaded, profile: str, memory_left: int) -> None:
    """Loaded with `device_map="auto"`, the model lies where it should and gives the same outputs.

    Why: it is how quantized models are loaded in every example; a part that lands on the CPU beside an accelerator is
        slow or not quantized, and a part that is placed wrongly computes with weights that are not there.
    Fix: pass a device map of one's own; look at `hf_device_map` in the evidence.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (device_map)
    """
    found = trip(subject, variant, quantized, profile, memory_left)
    away = {part: device for part, device in found.devices.items() if device in ("cpu", "disk")}
    if away and not variant.device.startswith("cpu"):
        part, device = next(iter(away.items()))
        raise Hazard(f'device_map="auto" puts {part or "the model"} on the {device}.', evidence={"map": found.devices})
    inputs = random_ids(quantized.model, 1)
    own = answer(quantized.model, inputs)
    apart = furthest(own, found.answer)
    if not apart:
        return
    spread = len({*found.devices.values()}) > 1  # on one device both do the same, bit for bit
    explained = rounding.tolerance(quantized.model, lambda: answer(quantized.model, inputs).flatten(0, -2)) * spread
    if not apart <= explained:
        raise Defect(
            f'With device_map="auto" the model gives other outputs (by up to {apart:.2g}; rounding explains'
            f" {explained:.1g}).",
            evidence={"largest difference": apart if apart < float("inf") else None, "map": found.devices},
        )
