from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fixtures.session.uses import uses
from suites.findings import Defect
from suites.running import forced_tokens, generate
from suites.running.seeds import seeded

if TYPE_CHECKING:
    from suites.generation.sampling.formulas import Case

STEPS = 2
SHOWN_IDS = 5


@uses("generation")
def test_processors_obey_their_law(tokenizer: Any, generator: Any) -> None:
    """Sampling settings (temperature, top-k, top-p, min-p, penalties, banned tokens ...) have their documented effect.

    Why: sampling settings are tuned for these formulas. One that is applied twice, in another order or not at all
        changes every answer without an error.
    Fix: Look for `generate` or `_get_logits_processor` in the model's own code, and compare with another version of
        transformers.
    Source: https://huggingface.co/docs/transformers/internal/generation_utils (logits processors)
    """
    from suites.generation.sampling.formulas import cases

    inputs = forced_tokens.prompt(generator, tokenizer)
    prompt = [int(each) for each in inputs["input_ids"][0]]
    best = int(_run(generator, inputs, {}, steps=1).logits[0][0].argmax())
    wrong = {
        case.name: found for case in cases(prompt, best, steps=STEPS) if (found := _errors(generator, inputs, case))
    }
    if wrong:
        name, (first, *_) = next(iter(wrong.items()))
        raise Defect(
            f"{name} does not compute what its documentation says: at new token {first['new token']}, {first['what']}.",
            evidence=wrong,
        )


def _run(model: Any, inputs: dict[str, Any], settings: dict[str, Any], *, steps: int) -> Any:
    """Generates; the output has sequences, scores and the logits that they were computed from."""
    with forced_tokens.plain_settings(model), seeded(model):
        return forced_tokens.generated(
            model,
            inputs,
            max_new_tokens=steps,
            return_dict_in_generate=True,
            output_scores=True,
            output_logits=True,
            **settings,
        )


def _errors(model: Any, inputs: dict[str, Any], case: Case) -> list[dict[str, Any]]:
    """Returns where scores differ from the formula applied to the logits."""
    import numpy

    output = _run(model, inputs, case.settings, steps=STEPS)
    sequence = [int(each) for each in output.sequences[0]]
    start = generate.start_of_answer(model, inputs)
    found = []
    for new, (logits, scores) in enumerate(zip(output.logits, output.scores, strict=True)):
        row, actual = (each[0].double().cpu().numpy() for each in (logits, scores))
        with numpy.errstate(invalid="ignore", over="ignore", divide="ignore"):
            found += _differences(case, row, actual, sequence[: start + new], new)
        if actual[sequence[start + new]] == -numpy.inf:
            found.append({"new token": new, "what": f"the forbidden id {sequence[start + new]} was chosen"})
    return found


def _differences(case: Case, logits: Any, actual: Any, before: list[int], new: int) -> list[dict[str, Any]]:
    """Compares scores; allows float32 rounding of a few operations."""
    import numpy

    from suites.generation.sampling.formulas import FLOAT32_EPS

    right = case.formula(logits, before, new).astype(numpy.float32).astype(numpy.float64)
    slack = 16 * FLOAT32_EPS * (1 + numpy.abs(right) + numpy.abs(logits) + numpy.abs(logits.max()))
    finite = numpy.isfinite(right) & numpy.isfinite(actual)
    same = (right == actual) | (finite & (numpy.abs(right - actual) <= slack))
    wrong = numpy.flatnonzero(~same & ~(case.near_threshold(logits) & ~finite) & numpy.isfinite(logits))
    if not len(wrong):
        return []
    examples = [
        {"id": int(each), "logit": float(logits[each]), "score": float(actual[each]), "right": float(right[each])}
        for each in wrong[:SHOWN_IDS]
    ]
    first = examples[0]
    what = f"id {first['id']} has the score {first['score']:.6g} instead of {first['right']:.6g}"
    return [{"new token": new, "what": what, "wrong ids": len(wrong), "cases": examples}]
