from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat, stop_ids
from suites.findings import Defect, Hazard, Record, Unsupported
from suites.integrity.pairing import fit, markers, training
from suites.integrity.pairing.answers import Finish, finishes
from suites.integrity.pairing.markers import Foreign

SELDOM, NEVER = 0.05, 0.01
"""Probabilities of the end of a turn: the first is not reached after any finished answer, nor the second after most.
SmolLM2 gives 0.8 at best and 0.3 at the median with its own template, and 0.02 at best with those of other families."""
FEWEST = 3


@needs("continues_text")
def test_template_fits_weights(
    subject: Subject, tokenizer: Any, chat: Chat, loaded: Loaded, profile: str, record: Record
) -> None:
    """After a finished answer the model may well write the token with which its template ends the turn.

    Why: a template that the weights never saw, or a chat template beside a base model, gives a prompt that means
        nothing to the model: it does not stop, speaks for the user, and answers worse than it could.
    Fix: Ship the template of the repository that the weights come from; for a base model ship none, or train it.
    Source: https://huggingface.co/blog/chat-templates (another format than that of training degrades silently)
    """
    if not training.trained(loaded.model):
        return
    _, text = fit.plain_text(subject, tokenizer, loaded, profile)
    if fit.first_strange(text, fit.chance(tokenizer)) is not None:
        raise Unsupported("the tokenizer does not fit the weights: see integrity/tokenizer-fits-weights")
    stops, _ = stop_ids(subject, tokenizer)
    found = finishes(chat, loaded.model, set(stops))
    if len(found) >= FEWEST:
        _finished(tokenizer, found, record)
    if other := markers.foreign(chat, loaded.model):
        raise _foreign(other)
    if len(found) < FEWEST:
        raise Unsupported("the template shows no answer with something behind it")


def _finished(tokenizer: Any, found: list[Finish], record: Record) -> None:
    __tracebackhide__ = True
    chances = sorted(each.probability for each in found)
    typical = chances[len(chances) // 2]
    record.metric("integrity.end_of_turn_probability", typical, "probability",
                  better="higher", samples=len(found), effect=0.1)  # fmt: skip
    if chances[-1] < SELDOM and typical < NEVER:
        raise unknown(tokenizer, found)


def _foreign(found: Foreign) -> Hazard:
    others = ", ".join(found.unused[:2]) + (" are" if len(found.unused) > 1 else " is")
    return Hazard(
        f"The template marks turns with {found.marker!r}, which is no token of this vocabulary, while {others}, and "
        f"the weights do not expect its pieces ({found.loss:.1f} nats each): it seems to be another family's.",
        evidence={"marker": found.marker, "unused tokens of turns": found.unused[:20], "loss": round(found.loss, 2)},
    )


def unknown(tokenizer: Any, found: list[Finish]) -> Defect:
    """Names the token with which the model ends its turn instead, where that one stops generation."""
    best = max(found, key=lambda each: each.stop_probability)
    evidence = {"after finished answers": [each.as_json(tokenizer) for each in found]}
    ending = tokenizer.convert_ids_to_tokens(found[0].ending)
    highest = max(each.probability for each in found)
    told = f"After a finished answer the model gives {ending!r}, with which the template goes on, a probability of "
    told += f"{highest:.1g} at most"
    if best.stop is not None and best.stop_probability >= SELDOM:
        told += f", and ends its turn with {tokenizer.convert_ids_to_tokens(best.stop)!r}"
    return Defect(f"{told}: it was not trained with this template.", evidence=evidence)
