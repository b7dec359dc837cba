from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Hazard, NotApplicable, Record, TooExpensive
from suites.running import generate
from suites.running.dtypes import casting
from suites.running.dtypes.finite import OwnResults, not_finite, own_results
from suites.running.dtypes.precision import BYTES, CastModel, FailingModule, first_failing, own_dtype

NOT_TRIED = "not tried: beyond the memory budget"


@needs("reads_text", "full_weights")
@uses("serving", "training", worst="hazard")
def test_finite_in_every_dtype(
    subject: Subject,
    tokenizer: Any,
    loaded: Loaded,
    profile: str,
    memory_left: int,
    record: Record,
) -> None:
    """The model's outputs are finite in float32, bfloat16 and float16.

    Why: float16 ends at 65,504. A model trained in bfloat16 may have larger activations; in float16 they become
        infinite and then NaN, for some texts only.
    Fix: State in the model card which dtypes work, declare bfloat16 as `dtype`, or keep the layer in float32
        (`_keep_in_fp32_modules`), as T5 does.
    Source: https://github.com/huggingface/transformers/issues/5651 (T5 overflows in float16);
        https://github.com/huggingface/transformers/pull/20683 (layers that stay in float32)
    """
    model = loaded.model
    if getattr(model, "is_quantized", False) or getattr(model, "quantization_method", None):
        raise NotApplicable("quantized weights cannot be cast to another dtype")
    with generate.refusals("A forward pass"):
        own, results = own_dtype(model), own_results(loaded, tokenizer, subject.traits.parameters, profile)
    outcomes: dict[str, str] = {own: "not finite" if any(results.not_finite.values()) else "finite"}
    failures: dict[str, Failure] = {}
    for dtype in [each for each in BYTES if each != own]:
        fits = BYTES[dtype] * subject.traits.parameters <= memory_left
        outcomes[dtype] = run_in(model, dtype, results, failures) if fits else NOT_TRIED
    finite = ", ".join(dtype for dtype, outcome in outcomes.items() if outcome == "finite")
    record.capability("integrity.finite_dtypes", finite, evidence=outcomes)
    if failures:
        raise overflow(failures, own)
    if len([outcome for outcome in outcomes.values() if outcome != NOT_TRIED]) == 1:
        raise TooExpensive("a copy in another dtype does not fit into the memory budget", "--memory-budget")


@dataclass(frozen=True)
class Failure:
    """An input whose outputs are not finite, or that cannot be run in a dtype."""

    input: str
    error: str = ""
    module: FailingModule | None = None


def run_in(model: Any, dtype: str, results: OwnResults, failures: dict[str, Failure]) -> str:
    """Runs the model in a dtype; returns the outcome, and adds to `failures` if only that dtype is not finite.

    Casting by parts or by layers leaves the model's own record of its dtype unchanged, so a failure is confirmed with
    the whole model cast at once. Some models also need computed tables cast.
    """
    names, failure = list(results.inputs), None
    leanest = [(True, False, False)] if casting.large(model) else []
    for lean, whole, tables in (*leanest, (False, False, False), (False, True, False), (False, True, True)):
        cast = CastModel(model, dtype, whole=whole, tables=tables, lean=lean)
        failure = _first_failure(cast, results, names)
        if failure is None:
            return "finite"
        if whole and not failure.error:
            module = first_failing(cast, results.inputs[failure.input])
            failures[dtype] = Failure(failure.input, module=module)
            return "not finite"
        names = names[names.index(failure.input) :]
    return f"not tried: {failure.error}" if failure else "finite"


def _first_failure(cast: CastModel, results: OwnResults, names: list[str]) -> Failure | None:
    for name in names:
        inputs = results.inputs[name]
        try:
            outputs = {} if results.not_finite[name] else cast(inputs)
        except Exception as error:  # it ran in its own dtype, so any error is due to this one
            if isinstance(error, MemoryError) or "memory" in str(error):
                raise
            return Failure(name, f"{type(error).__name__}: {error}".splitlines()[0][:200])
        if list(not_finite(outputs, inputs["attention_mask"], results.ruled_out)):
            return Failure(name)
    return None


def overflow(failures: dict[str, Failure], own: str) -> Hazard:
    dtype, failure = next(iter(failures.items()))
    where = "the outputs are not finite"
    if failure.module:
        where = f"{failure.module} is the first layer with an output that is not finite"
    evidence = {
        each: {
            "input": found.input,
            "layer": str(found.module),
            "largest input": found.module.largest_input if found.module else None,
        }
        for each, found in failures.items()
    }
    return Hazard(f"In {dtype}, {failure.input}: {where}, while {own} works.", evidence=evidence)
