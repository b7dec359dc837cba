from __future__ import annotations

from typing import TYPE_CHECKING, Any

from suites.findings import Defect
from suites.running import forced_tokens, generate
from suites.running.seeds import seeded

if TYPE_CHECKING:
    from suites.generation.sampling.formulas import Law

STEPS = 2
SHOWN = 5


def test_processors_obey_their_law(tokenizer: Any, generator: Any) -> None:
    """Temperature, top-k, top-p, min-p, penalties, banned, forced and biased tokens change the model's own logits as
    their documentation says, and the token is chosen from what they leave.

    Why: sampling settings are tuned against these formulas; one that is applied twice, in another order or not at all
        changes every answer and raises no error.
    Fix: Look for a `generate` or a `_get_logits_processor` of the model's own code, and compare with another version
        of transformers.
    Source: https://huggingface.co/docs/transformers/internal/generation_utils (logits processors)
    """
    from suites.generation.sampling.formulas import laws

    inputs = forced_tokens.prompt(generator, tokenizer)
    prompt = [int(each) for each in inputs["input_ids"][0]]
    best = int(_run(generator, inputs, {}, steps=1).logits[0][0].argmax())
    broken = {law.name: found for law in laws(prompt, best, steps=STEPS) if (found := _broken(generator, inputs, law))}
    if broken:
        name, (first, *_) = next(iter(broken.items()))
        raise Defect(
            f"{name} does not obey its law: at new token {first['new token']} {first['what']}.", evidence=broken
        )


def _run(model: Any, inputs: dict[str, Any], settings: dict[str, Any], *, steps: int) -> Any:
    """Sequences, scores and the logits that they were made from."""
    with forced_tokens.plain_settings(model), seeded(model):
        return forced_tokens.generated(model, inputs, max_new_tokens=steps, return_dict_in_generate=True,
                                  output_scores=True, output_logits=True, **settings)  # fmt: skip


def _broken(model: Any, inputs: dict[str, Any], law: Law) -> list[dict[str, Any]]:
    """Where scores are not what the formula makes of the logits; [] where they are."""
    import numpy

    output = _run(model, inputs, law.settings, steps=STEPS)
    sequence = [int(each) for each in output.sequences[0]]
    start = generate.start_of_answer(model, inputs)
    found = []
    for new, (logits, scores) in enumerate(zip(output.logits, output.scores, strict=True)):
        row, given = (each[0].double().cpu().numpy() for each in (logits, scores))
        with numpy.errstate(invalid="ignore", over="ignore", divide="ignore"):
            found += _differences(law, row, given, sequence[: start + new], new)
        if given[sequence[start + new]] == -numpy.inf:
            found.append({"new token": new, "what": f"the forbidden id {sequence[start + new]} was chosen"})
    return found


def _differences(law: Law, logits: Any, given: Any, before: list[int], new: int) -> list[dict[str, Any]]:
    """Float32 rounds a handful of operations: a few units in the last place of the numbers involved."""
    import numpy

    from suites.generation.sampling.formulas import EPS

    right = law.formula(logits, before, new).astype(numpy.float32).astype(numpy.float64)
    slack = 16 * EPS * (1 + numpy.abs(right) + numpy.abs(logits) + numpy.abs(logits.max()))
    finite = numpy.isfinite(right) & numpy.isfinite(given)
    same = (right == given) | (finite & (numpy.abs(right - given) <= slack))
    wrong = numpy.flatnonzero(~same & ~(law.doubtful(logits) & ~finite) & numpy.isfinite(logits))
    if not len(wrong):
        return []
    cases = [{"id": int(each), "logit": float(logits[each]), "score": float(given[each]), "right": float(right[each])}
             for each in wrong[:SHOWN]]  # fmt: skip
    first = cases[0]
    what = f"id {first['id']} has the score {first['score']:.6g} where {first['right']:.6g} is right"
    return [{"new token": new, "what": what, "wrong ids": len(wrong), "cases": cases}]
