from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat, stop_ids
from suites.findings import Blocked, Defect, Hazard, NotApplicable, Record
from suites.integrity.pairing import preconditions
from suites.integrity.pairing.turn_ends import TurnEnd, turn_ends
from suites.integrity.pairing.turn_markers import ForeignMarker, foreign_marker
from suites.scoring import knowledge, tokenizer_fit

MIN_HIGHEST, MIN_MEDIAN = 0.05, 0.01
"""Thresholds of the probability of the end of a turn: of the maximum and of the median over finished answers.

SmolLM2 has a maximum of 0.8 and a median of 0.3 with its own template, and a maximum of 0.02 with other families'.
"""
MIN_ANSWERS = 3


@needs("continues_text")
@uses("chat")
def test_template_fits_weights(
    subject: Subject, tokenizer: Any, chat: Chat, loaded: Loaded, profile: str, record: Record
) -> None:
    """The model ends its turn with the token that its template puts after an answer.

    Why: with a template of another model, or a chat template for a base model, the prompt means nothing to the model:
        it does not stop, continues with the user's turn, and answers worse than it could.
    Fix: Ship the template of the repository that the weights come from; for a base model ship none, or train it.
    Source: https://huggingface.co/blog/chat-templates (another format than in training degrades quality silently)
    """
    knowledge.require_trained(subject)
    preconditions.refuse_noise_instead_of_text(subject, tokenizer, loaded, profile)
    _, text = tokenizer_fit.plain_text(subject, tokenizer, loaded, profile)
    if tokenizer_fit.first_unknown_id(text, tokenizer_fit.chance_loss(tokenizer)) is not None:
        summary = "the weights were trained on other ids than the tokenizer's"
        raise Blocked("integrity/tokenizer-fits-weights", summary)
    stops, _ = stop_ids(subject, tokenizer)
    found = turn_ends(chat, loaded.model, set(stops))
    if len(found) >= MIN_ANSWERS:
        _must_end_turns(tokenizer, found, record)
    if other := foreign_marker(chat, loaded.model):
        raise _foreign_template(other)
    if len(found) < MIN_ANSWERS:
        raise NotApplicable("the template writes nothing after an assistant's answer, so there is no end of a turn")


def _must_end_turns(tokenizer: Any, found: list[TurnEnd], record: Record) -> None:
    __tracebackhide__ = True
    probabilities = sorted(each.probability for each in found)
    typical = probabilities[len(probabilities) // 2]
    record.metric(
        "integrity.end_of_turn_probability", typical, "probability", better="higher", samples=len(found), effect=0.1
    )
    if probabilities[-1] < MIN_HIGHEST and typical < MIN_MEDIAN:
        raise untrained_template(tokenizer, found)


def _foreign_template(found: ForeignMarker) -> Hazard:
    return Hazard(
        f"The template seems to be another family's: it marks turns with {found.marker!r}, which is no token of this "
        f"vocabulary, and does not use {', '.join(found.unused[:2])}; the model does not expect the pieces of the "
        f"marker ({found.loss:.1f} nats each).",
        evidence={"marker": found.marker, "unused tokens of turns": found.unused[:20], "loss": round(found.loss, 2)},
    )


def untrained_template(tokenizer: Any, found: list[TurnEnd]) -> Defect:
    """Returns the defect; names the stop token with which the model ends its turn instead, if there is one."""
    best = max(found, key=lambda each: each.stop_probability)
    evidence = {"after finished answers": [each.as_json(tokenizer) for each in found]}
    ending = tokenizer.convert_ids_to_tokens(found[0].ending)
    highest = max(each.probability for each in found)
    summary = "The model was not trained with this template: after a finished answer it gives "
    summary += f"{ending!r}, the template's next token, a probability of at most {highest:.1g}"
    if best.stop is not None and best.stop_probability >= MIN_HIGHEST:
        summary += f", and ends its turn with {tokenizer.convert_ids_to_tokens(best.stop)!r}"
    return Defect(f"{summary}.", evidence=evidence)
