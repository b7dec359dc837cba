from __future__ import annotations

from typing import Any

from fixtures.inputs.corpora.corpus import Corpus
from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Blocked, Record
from suites.quality import ignorance
from suites.scoring import knowledge, other_knowledge


@needs("fills_masks")
@uses("task:fill-mask")
def test_fills_masks(
    subject: Subject, tokenizer: Any, loaded: Loaded, corpus: Corpus, profile: str, record: Record
) -> None:
    """The model predicts masked tokens of some kind of text better than a uniform guess and than their frequency.

    One token in seven is masked, in the text and in the text with its other tokens shuffled. The statistics are those
    of `quality/knows-language`.
    Why: random weights, shuffled values or a foreign tokenizer load without a message; fine-tuning starts from noise.
    Fix: load the original checkpoint again, and compare its sha256. If the weights are meant to be untrained, declare
        `trained = false` in the manifest; if they are for another kind of text, give some with --corpus or as canaries.
    Source: https://arxiv.org/abs/2104.06644 (masked language models and the order of words);
        https://arxiv.org/abs/2411.00640 (paired differences, standard errors)
    """
    if subject.untrained:
        record.capability("quality.knows_language", f"not tested: {subject.untrained}")
    knowledge.require_trained(subject)
    if tokenizer.mask_token_id is None:
        raise Blocked("pipelines/pipeline-runs", "the tokenizer has no mask token")
    found = other_knowledge.of_masks(subject, tokenizer, loaded, corpus)
    value = f"yes: {found.known}" if found.known else "no"
    record.capability("quality.knows_language", value, evidence=found.as_json())
    if not found.known:
        ignorance.refuse(subject, tokenizer, loaded, found, profile)
