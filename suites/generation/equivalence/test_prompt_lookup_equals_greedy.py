from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Record
from suites.generation.reference_runs import CACHE, CAUSAL, ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import must_agree
from suites.running.limits import positions


@uses("serving")
def test_prompt_lookup_equals_greedy(
    subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded, record: Record
) -> None:
    """Prompt lookup decoding gives the tokens of greedy decoding.

    Why: it must give the same output in less time. Drafts that are accepted without verification, or rejected tokens
        left in the cache, change the answer.
    Fix: crop the cache to the accepted tokens, and verify drafts with the logits that greedy decoding uses.
    Source: https://huggingface.co/docs/transformers/assisted_decoding (prompt lookup decoding)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    reference.require_cache(record)
    prompt = _repetitive(reference)
    # transformers 4.57 looks up drafts only with a stop token, so this sets one that is never generated
    options = {"eos_token_id": -1, "pad_token_id": reference.pad}
    with generate.refusals("generate(prompt_lookup_num_tokens=3)"):
        (expected,) = generate.generated(generator, prompt, reference.steps, **options)
        (actual,) = generate.generated(generator, prompt, reference.steps, prompt_lookup_num_tokens=3, **options)
    what = "Prompt lookup decoding generates other tokens than greedy decoding"
    with reference.blaming(CAUSAL, CACHE):
        must_agree([(expected, actual.first(len(expected.ids)))], reference.tolerance, what)


def _repetitive(reference: ReferenceRuns) -> dict[str, Any]:
    """A prompt with repetitions, so that drafts are found: the short prompt, its continuation, the short prompt."""
    import torch

    short = reference.short["input_ids"]
    ids = torch.cat([short, torch.tensor([list(reference.short_run.ids)]), short], dim=1)
    limit = positions(reference.model)
    if limit is not None and limit < ids.shape[1] + reference.steps:
        return reference.short
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
