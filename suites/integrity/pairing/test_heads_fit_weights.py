from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect
from suites.integrity.pairing import head_counts, preconditions
from suites.scoring import knowledge


@needs("continues_text", "full_weights")
@uses("loading")
def test_heads_fit_weights(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> None:
    """The weights were trained with the numbers of heads that `config.json` declares.

    Why: twice as many heads of half the size have matrices of the same shape. Everything loads, and attention mixes
        unrelated dimensions.
    Fix: set `num_attention_heads`, `num_key_value_heads` and `head_dim` to the values that the finding names.
    Source: https://huggingface.co/docs/transformers/main_classes/configuration (common attributes)
    """
    knowledge.require_trained(subject)
    preconditions.refuse_noise_instead_of_text(subject, tokenizer, loaded, profile)
    better = head_counts.better_heads(subject, tokenizer, loaded, profile)
    if better:
        right, gain = better
        declared = head_counts.declared(loaded.model)
        raise Defect(
            f"config.json declares {declared}, but the weights were trained with {right}: with these, plain text has a "
            f"loss of {gain.repaired:.2f} instead of {gain.loss:.2f} nats per token.",
            evidence={
                "num_attention_heads": right.queries,
                "num_key_value_heads": right.keys,
                "head_dim": right.size,
                "gain": round(gain.gain, 3),
                "standard error": round(gain.error, 3),
            },
        )
