from __future__ import annotations

import copy
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Record
from suites.generation.reference_runs import CACHE, CAUSAL, ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import Run, must_agree


@uses("serving")
def test_assisted_equals_greedy(
    subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded, record: Record
) -> None:
    """Assisted decoding, with the model as its own assistant, gives the tokens of greedy decoding.

    Why: speculative decoding must give the same output in less time. A cache or mask that is not cropped after a
        rejected draft changes the answer.
    Fix: crop the caches of both models to the accepted tokens; compare the positions of the drafted tokens.
    Source: https://huggingface.co/docs/transformers/assisted_decoding (speculative decoding)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    reference.require_cache(record)
    expected = reference.run
    with generate.refusals("generate(assistant_model=...)"):
        assisted = _assisted(reference)
    what = "Assisted decoding generates other tokens than greedy decoding"
    with reference.blaming(CAUSAL, CACHE):
        must_agree([(expected, assisted.first(len(expected.ids)))], reference.tolerance, what)


def _assisted(reference: ReferenceRuns) -> Run:
    """Runs assisted decoding; the assistant gets its own generation config, because generate() changes it."""
    model = reference.model
    assistant = copy.copy(model)
    assistant.generation_config = copy.deepcopy(model.generation_config)
    with generate.plain_greedy(assistant):
        assistant.generation_config.num_assistant_tokens = 3
        (run,) = generate.generated(model, reference.prompt, reference.steps, assistant_model=assistant)
    return run
