from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect
from suites.integrity.pairing import preconditions, repair_search
from suites.scoring import knowledge


@needs("continues_text", "full_weights")
@uses("loading")
def test_weights_in_place(
    subject: Subject,
    tokenizer: Any,
    loaded: Loaded,
    variant: Variant,
    weight_statistics: dict[str, TensorStatistics],
    profile: str,
) -> None:
    """No layers or matrices are exchanged, and no matrix is transposed: no such change makes plain text likelier.

    Why: two layers, or two matrices of one shape, with exchanged names load without a message. In the middle of a model
        this makes every answer slightly worse; an exchange never improves a healthy model.
    Fix: exchange the tensors that the finding names, or convert the checkpoint again.
    Source: https://arxiv.org/abs/2407.09298 (cost of another order of the layers)
    """
    knowledge.require_trained(subject)
    preconditions.refuse_noise_instead_of_text(subject, tokenizer, loaded, profile)
    gain = repair_search.best_repair(subject, tokenizer, loaded, weight_statistics, profile)
    if gain:
        raise Defect(
            f"It seems that {gain.fault}: if this is undone, plain text has a loss of {gain.repaired:.2f} "
            f"instead of {gain.loss:.2f} nats per token.",
            evidence={"gain": round(gain.gain, 3), "standard error": round(gain.error, 3)},
        )
