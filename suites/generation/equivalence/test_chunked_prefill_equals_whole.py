from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Record
from suites.generation.reference_runs import CACHE, CAUSAL, reference_runs
from suites.running import generate
from suites.running.agreement import must_agree

CHUNK = 5
"""Tokens of a chunk; few prompts are a multiple of it, so the last chunk is shorter."""


@needs("continues_text")
@uses("serving")
def test_chunked_prefill_equals_whole(
    subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded, record: Record
) -> None:
    """A prompt that is read in chunks gets the same continuation as one that is read at once.

    Why: long prompts are read in chunks to save memory. A chunk that does not see the chunks before it, or starts at
        position 0, changes the answers to long prompts only.
    Fix: count positions from the length of the cache, and let the mask of a chunk cover all earlier tokens.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation (`prefill_chunk_size`)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    reference.require_cache(record)
    expected = reference.run
    with generate.refusals(f"generate(prefill_chunk_size={CHUNK})"):
        (chunked,) = generate.generated(
            generator, reference.prompt, reference.steps, prefill_chunk_size=CHUNK, disable_compile=True
        )
    what = "A prompt that is read in chunks gets another continuation than one read at once"
    with reference.blaming(CAUSAL, CACHE):
        must_agree([(expected, chunked)], reference.tolerance, what)
