from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.models.weight_statistics import Stored
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Unsupported
from suites.integrity.pairing import misplaced, training


@needs("continues_text")
def test_weights_in_place(subject: Subject, tokenizer: Any, loaded: Loaded, variant: Variant,
                          stored: dict[str, Stored], profile: str) -> None:  # fmt: skip
    """Plain text gets no likelier when layers change places or a matrix is turned.

    Why: two layers, or two matrices of one shape, under exchanged names load without a word. In the middle of a model
        it costs a little of every answer; a trained model never gets better by such an exchange.
    Fix: exchange the tensors that the finding names, or convert the checkpoint again.
    Source: https://arxiv.org/abs/2407.09298 (what another order of the layers costs)
    """
    if variant.quantization != "none":
        raise Unsupported(f"{variant.quantization} weights cannot be exchanged: try the subject without it")
    if not training.trained(loaded.model):
        return
    gain = misplaced.found(subject, tokenizer, loaded, stored, profile)
    if gain:
        raise Defect(f"It seems that {gain.repair}: put back, plain text has a loss of {gain.repaired:.2f} instead of "
                     f"{gain.loss:.2f} nats per token.", evidence={"gain": round(gain.gain, 3),
                     "standard error": round(gain.error, 3)})  # fmt: skip
