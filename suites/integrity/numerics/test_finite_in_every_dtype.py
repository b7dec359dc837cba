from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from suites.findings import Hazard, Record, Unsupported
from suites.running import generate
from suites.running.dtypes import casting
from suites.running.dtypes.finite import Own, own, troubles
from suites.running.dtypes.precision import BYTES, Place, Runs, first_place, own_dtype


@needs("reads_text", "full_weights")
def test_finite_in_every_dtype(
    subject: Subject,
    tokenizer: Any,
    loaded: Loaded,
    profile: str,
    memory_left: int,
    record: Record,
) -> None:
    """Loaded in float32, bfloat16 or float16, the model gives finite numbers.

    Why: float16 ends at 65,504; a model that was trained in bfloat16 may have activations beyond that, which become
        infinite, then NaN, for some texts only, and whoever serves it in float16 gets nonsense.
    Fix: Say in the model card which dtypes it takes, declare bfloat16 as `dtype`, or keep the layer in float32
        (`_keep_in_fp32_modules`), as T5 does.
    Source: https://github.com/huggingface/transformers/issues/5651 (T5 overflows in float16);
        https://github.com/huggingface/transformers/pull/20683 (layers that stay in float32)
    """
    model = loaded.model
    if getattr(model, "is_quantized", False) or getattr(model, "quantization_method", None):
        raise Unsupported("quantized weights cannot be cast to another dtype")
    with generate.refusals("A forward pass"):
        mine, found = own_dtype(model), own(loaded, tokenizer, subject.traits.parameters, profile)
    told: dict[str, str] = {mine: "not finite" if any(found.wrong.values()) else "finite"}
    places: dict[str, tuple[str, Place | None]] = {}
    for dtype in [each for each in BYTES if each != mine]:
        fits = BYTES[dtype] * subject.traits.parameters <= memory_left
        told[dtype] = tried(model, dtype, found, places) if fits else "not tried: beyond the memory budget"
    record.capability("integrity.finite_in", ", ".join(each for each in told if told[each] == "finite"), evidence=told)
    if places:
        raise overflow(places, mine)


def tried(model: Any, dtype: str, found: Own, places: dict[str, tuple[str, Place | None]]) -> str:
    """What came of the dtype, in a word; a place is noted where an output is not finite that is in the own dtype.

    Casting by parts or layers leaves the model's own idea of its dtype, so what it finds is tried again, all cast at
    once; some models need tables cast too that are computed and not stored.
    """
    cases, wrong = list(found.inputs), None
    leanest = [(True, False, False)] if casting.large(model) else []
    for lean, whole, tables in (*leanest, (False, False, False), (False, True, False), (False, True, True)):
        runs = Runs(model, dtype, whole=whole, tables=tables, lean=lean)
        wrong = _first_wrong(runs, found, cases)
        if wrong is None:
            return "finite"
        if whole and not wrong.failed:
            places[dtype] = wrong.name, first_place(runs, found.inputs[wrong.name])
            return "not finite"
        cases = cases[cases.index(wrong.name) :]
    return f"not tried: {wrong.failed}" if wrong else "finite"


@dataclass(frozen=True)
class Wrong:
    """An input for which the outputs are not finite, or which cannot be run."""

    name: str
    failed: str = ""


def _first_wrong(runs: Runs, found: Own, cases: list[str]) -> Wrong | None:
    for case in cases:
        inputs = found.inputs[case]
        try:
            outputs = {} if found.wrong[case] else runs(inputs)
        except Exception as error:  # it ran in its own dtype: whatever the library says, it cannot do this one
            if isinstance(error, MemoryError) or "memory" in str(error):
                raise
            return Wrong(case, f"{type(error).__name__}: {error}".splitlines()[0][:200])
        if list(troubles(outputs, inputs["attention_mask"], found.meant)):
            return Wrong(case)
    return None


def overflow(places: dict[str, tuple[str, Place | None]], own: str) -> Hazard:
    dtype, (case, place) = next(iter(places.items()))
    where = f"{place} is the first layer whose output is not finite" if place else "the outputs are not finite"
    evidence = {each: {"input": text, "layer": str(found), "largest input": found.largest_input if found else None}
                for each, (text, found) in places.items()}  # fmt: skip
    return Hazard(f"In {dtype}, {case}: {where}, while {own} is well.", evidence=evidence)
