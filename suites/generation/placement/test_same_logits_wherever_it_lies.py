from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded, drop_storage
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Blocked, Defect, NotApplicable, Record
from suites.running import copies, generate

SHARES = (0.6, 0.45, 0.75, 0.9)
"""Shares of the model to put into fast memory; layers are not split, so not every share is possible."""


@needs("full_weights")
@uses("loading")
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
    """The model has the same logits on one device, offloaded by a device map, and after moving to the CPU and back.

    Why: models that do not fit are offloaded. A weight that is not moved, or a tied head that is stored twice, gives
        fluent nonsense only then.
    Fix: Look for weights that modules share or store outside of parameters and buffers, and list the modules that must
        not be split in `_no_split_modules`.
    Source: https://huggingface.co/docs/accelerate/concept_guides/big_model_inference; https://github.com/huggingface/transformers/issues/46566
    """
    if loaded.report["missing_keys"] or loaded.report["mismatched_keys"]:
        raise Blocked("integrity/weights-complete", "some weights were initialised at random, so every load differs")
    record.capability("generation.offload", "supported" if _unsplit(generator) else "not declared by the class")
    if not _unsplit(generator):
        raise NotApplicable(f"{type(generator).__name__} declares no modules that must not be split, so no device map")
    inputs = copies.prompt(generator, tokenizer)
    if generator.device.type != "cpu":
        before = copies.logits(generator, inputs)
        generator.to("cpu").to(variant.device)
        _must_be_equal(generator, inputs, before, "Moved to the CPU and back", {})
    with copies.scratch(generator, profile, memory_left) as folder, generate.refusals("Loading with a device map"):
        device_map = offloading_map(generator)
        again, _ = copies.load(generator, subject.path, subject, device_map=device_map, offload_folder=str(folder))
        try:
            offloaded = copies.logits(again, inputs)
        finally:
            drop_storage(again)
    away = [part for part, device in device_map.items() if device != next(iter(device_map.values()))]
    what = f"Offloaded with {len(away)} of {len(device_map)} parts on {device_map[away[0]]},"
    _must_be_equal(generator, inputs, offloaded, what, {part: str(device) for part, device in device_map.items()})


def _must_be_equal(model: Any, inputs: dict[str, Any], other: Any, what: str, device_map: dict[str, str]) -> None:
    __tracebackhide__ = True
    if apart := copies.distance(model, inputs, other):
        raise Defect(
            f"{what} the model has logits that differ by up to {apart:.2g}, which rounding does not explain.",
            evidence={"largest_logit_difference": apart, "device_map": device_map},
        )


def _unsplit(model: Any) -> list[str]:
    """Returns the names of the classes that must not be split; a model without any supports no device map."""
    return list(getattr(model, "_no_split_modules", None) or [])


def offloading_map(model: Any) -> dict[str, Any]:
    """Returns a device map with parts in fast and in slow memory, computed as for `device_map="auto"`."""
    from accelerate import infer_auto_device_map

    size, device = model.get_memory_footprint(), model.device
    fast, slow = ("cpu", "disk") if device.type == "cpu" else (device.index or 0, "cpu")
    for share in SHARES:
        memory = {fast: int(share * size)} | ({"cpu": 2 * size} if slow == "cpu" else {})
        device_map = dict(infer_auto_device_map(model, max_memory=memory, no_split_module_classes=_unsplit(model)))
        if {fast, slow} <= set(device_map.values()):
            return device_map
    raise NotApplicable(f"accelerate finds no device map that splits the model between {fast} and {slow}")
