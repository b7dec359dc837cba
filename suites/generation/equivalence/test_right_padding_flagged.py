from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Blocked, Hazard
from suites.generation.reference_runs import ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import difference
from suites.running.library_warnings import captured


@needs("continues_text")
@uses("generation", worst="hazard")
def test_right_padding_flagged(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded) -> None:
    """Right-padded prompts of a decoder-only model cause a warning, or get the same continuation as alone.

    Why: after right padding the model continues the padding, not the prompt. `generate` detects it by the pad token,
        and does not warn if generation_config.json has none, or another one than the tokenizer.
    Fix: set `pad_token_id` in generation_config.json to the tokenizer's, and `padding_side` to left.
    Source: https://huggingface.co/docs/transformers/llm_tutorial (wrong padding side)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else reference.pad
    if not 0 <= pad < reference.rows:
        raise Blocked("tokenizers/ids-have-embedding-rows", "the pad token has no embedding")
    prompts = [reference.prompt["input_ids"][0], reference.short["input_ids"][0]]
    batch = generate.padded(prompts, pad, left=False)
    del batch["position_ids"]
    with generate.refusals("generate() with right padding"), captured() as messages:
        generate.as_shipped(generator, batch, 1)
    if not any("right-padding" in message for message in messages):
        _must_continue_as_alone(reference, batch, pad)


def _must_continue_as_alone(reference: ReferenceRuns, batch: dict[str, Any], pad: int) -> None:
    __tracebackhide__ = True
    together = generate.generated(reference.model, batch, 1)
    found = difference(reference.short_run.first(1), together[1], reference.tolerance)
    if found:
        raise Hazard(
            f"Right-padded prompts are continued wrongly without a warning: the tokenizer pads with the id {pad}, but "
            f"the pad_token_id of generation_config.json is {reference.model.generation_config.pad_token_id}.",
            evidence=found.as_json() | {"padding": pad},
        )
