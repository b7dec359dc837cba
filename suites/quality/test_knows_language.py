from __future__ import annotations

import math
from typing import Any

from fixtures.inputs.corpora.corpus import Corpus
from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import NotApplicable, Record
from suites.quality import ignorance
from suites.scoring import knowledge, other_knowledge
from suites.scoring.knowledge import Knowledge

MASK_PREDICTORS = ("xlnet", "xlm", "flaubert")
"""Types of models that predict a mask token behind the text."""


@needs("generates")
@uses("generation")
def test_knows_language(
    subject: Subject, tokenizer: Any, loaded: Loaded, corpus: Corpus, profile: str, record: Record
) -> None:
    """The model predicts some kind of text better than a uniform guess and than the frequency of the tokens.

    It is judged by what it does best: a domain, a language, conversations in its own format, or the canaries that the
    subject declares. A kind of text is known if its loss is below that of a uniform guess over the vocabulary, and if
    its tokens have a lower loss in the order of the text than after shuffling it: the frequency of tokens is the same
    in both, so that a model which knows frequencies only gains nothing. The two losses of a token are paired; the mean
    gain must be over 4 standard errors above zero, because the best of some twenty kinds is chosen. The entropy of
    a short text's own tokens would be no measure: it is far below that of the language.

    Why: random weights, shuffled values, a failed merge or a foreign tokenizer load without a message and answer
        fluently shaped nonsense.
    Fix: load the original checkpoint again, and compare its sha256; train or merge again what was not. If the weights
        are meant to be untrained, declare `trained = false` in the manifest; if they are for another kind of text, give
        some with --corpus or as canaries.
    Source: https://arxiv.org/abs/1805.04623 (a language model loses by shuffled context);
        https://arxiv.org/abs/2411.00640 (paired differences, standard errors);
        https://huggingface.co/docs/transformers/perplexity (loss of a text)
    """
    if subject.untrained:
        record.capability("quality.knows_language", f"not tested: {subject.untrained}")
    knowledge.require_trained(subject)
    if loaded.model.config.model_type in MASK_PREDICTORS:
        raise NotApplicable("the model predicts masks behind a text, so a pass does not give the loss of the text")
    of = other_knowledge.of_encoder_decoder if loaded.model.config.is_encoder_decoder else knowledge.of_causal
    found = of(subject, tokenizer, loaded, corpus)
    record_knowledge(record, found)
    if not found.known:
        ignorance.refuse(subject, tokenizer, loaded, found, profile)


def record_knowledge(record: Record, found: Knowledge) -> None:
    """Records the kind of text that a model does best in, and how much the order of that text helps it."""
    known = f"yes: {found.known}" if found.known else "no"
    record.capability("quality.knows_language", known, evidence=found.as_json())
    best = found.best
    if best.gains and math.isfinite(best.error):
        record.metric(
            "quality.gain_from_order",
            best.gain,
            "nats/token",
            better="higher",
            samples=len(best.gains),
            interval=(best.gain - 2 * best.error, best.gain + 2 * best.error),
            version=best.name,
            compared=False,
        )
