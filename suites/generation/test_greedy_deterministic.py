from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import also_quantized
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.text.differences import first_difference
from suites.findings import Defect
from suites.generation.reference_runs import reference_runs
from suites.running import generate


@also_quantized
@uses("generation")
def test_greedy_deterministic(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded) -> None:
    """Greedy generation of the same prompt gives the same tokens every time.

    Why: evaluation, caching and debugging rely on it. A layer left in training mode, or state that leaks from one call
        into the next, breaks it without an error.
    Fix: look for layers in training mode (dropout), and for a cache that survives the call.
    Source: https://huggingface.co/docs/transformers/generation_strategies (greedy search)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    first = list(reference.run.ids)
    second = list(generate.generated(generator, reference.prompt, reference.steps)[0].ids)
    if first != second:
        position = first_difference(first, second)
        raise Defect(
            f"Two greedy generations of one prompt differ from new token {position} on{_in_training(generator)}.",
            evidence={"first": tokenizer.decode(first), "second": tokenizer.decode(second), "position": position},
        )


def _in_training(model: Any) -> str:
    left = [name or "the model" for name, module in model.named_modules() if module.training]
    return f": {left[0]} is in training mode, with dropout" if left else ""
