from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Record, Unsupported
from suites.running import copies, generate

SHARES = (0.6, 0.45, 0.75, 0.9)
"""Parts of the model that are tried to stay in fast memory; layers are not split, so not every part can be had."""


@needs("full_weights")
def test_same_logits_wherever_it_lies(
    subject: Subject,
    variant: Variant,
    tokenizer: Any,
    loaded: Loaded,
    generator: Any,
    profile: str,
    memory_left: int,
    record: Record,
) -> None:
    """Spread over memory and disk by a device map, or moved from its device and back, the model has the same logits.

    Why: models that do not fit are offloaded; a weight that is left behind or a tied head that is stored twice gives
        fluent nonsense there, and only there.
    Fix: Look for weights that modules share or keep outside of parameters and buffers, and name the modules that must
        not be split in `_no_split_modules`.
    Source: https://huggingface.co/docs/accelerate/concept_guides/big_model_inference; https://github.com/huggingface/transformers/issues/46566
    """
    copies.refuse_quantized(variant)
    if loaded.report["missing_keys"] or loaded.report["mismatched_keys"]:
        raise Unsupported("parts of the weights are made up anew at every loading (see integrity/weights-complete)")
    record.capability("generation.offload", "supported" if _whole(generator) else "not declared by the class")
    if not _whole(generator):
        return
    inputs = copies.prompt(generator, tokenizer)
    if generator.device.type != "cpu":
        before = copies.logits(generator, inputs)
        generator.to("cpu").to(variant.device)
        _must_be_equal(generator, inputs, before, "Moved to the CPU and back", {})
    with copies.scratch(generator, profile, memory_left) as folder, generate.refusals("Loading with a device map"):
        places = spread(generator)
        again, _ = copies.load(generator, subject.path, subject, device_map=places, offload_folder=str(folder))
        spread_out = copies.logits(again, inputs)
    away = [part for part, place in places.items() if place != next(iter(places.values()))]
    what = f"Offloaded, with {len(away)} of {len(places)} parts on {places[away[0]]},"
    _must_be_equal(generator, inputs, spread_out, what, {part: str(place) for part, place in places.items()})


def _must_be_equal(model: Any, inputs: dict[str, Any], other: Any, what: str, places: dict[str, str]) -> None:
    __tracebackhide__ = True
    if apart := copies.distance(model, inputs, other):
        raise Defect(
            f"{what} the model has other logits, by up to {apart:.2g}, which rounding does not explain.",
            evidence={"largest_logit_difference": apart, "device_map": places},
        )


def _whole(model: Any) -> list[str]:
    """Names of the classes that must not be split; a class that names none supports no device map."""
    return list(getattr(model, "_no_split_modules", None) or [])


def spread(model: Any) -> dict[str, Any]:
    """A device map with something in fast memory and something outside of it, made as `device_map="auto"` makes it."""
    from accelerate import infer_auto_device_map

    size, device = model.get_memory_footprint(), model.device
    fast, slow = ("cpu", "disk") if device.type == "cpu" else (device.index or 0, "cpu")
    for share in SHARES:
        room = {fast: int(share * size)} | ({"cpu": 2 * size} if slow == "cpu" else {})
        places = dict(infer_auto_device_map(model, max_memory=room, no_split_module_classes=_whole(model)))
        if {fast, slow} <= set(places.values()):
            return places
    raise Unsupported("accelerate finds no way to spread the model over two places")
