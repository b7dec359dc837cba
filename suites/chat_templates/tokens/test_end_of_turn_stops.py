from __future__ import annotations

from typing import Any

from fixtures.inputs.conversations import PLAIN, QUESTION
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat, stop_ids
from suites.chat_templates.evidence import encoded, rendered
from suites.evidence import tokens
from suites.findings import Blocked, Defect, Hazard, Record


@uses("chat", "training")
def test_end_of_turn_stops(subject: Subject, tokenizer: Any, assistant_chat: Chat, record: Record) -> None:
    """After the assistant's content, the template writes a token at which generation stops.

    Why: otherwise the model continues after its turn, speaking for the user, until the token limit; and training on
        this template never shows it where to stop.
    Fix: Write the end-of-turn token after each assistant message, and list its id in eos_token_id of
        generation_config.json.
    Source: https://github.com/vllm-project/vllm/issues/4180; https://github.com/huggingface/trl/issues/3299;
        https://github.com/huggingface/trl/issues/5988
    """
    chat = assistant_chat
    rendered(chat, PLAIN["a question and its answer"])
    if chat.ending is None:
        raise Blocked("chat_templates/content-verbatim", "the template does not render the assistant's content")
    last, middle = encoded(chat, chat.ending), encoded(chat, chat.before_next_user or "")
    stops, file = stop_ids(subject, tokenizer)
    evidence = {
        "ending": chat.ending,
        "ending ids": last,
        "ending tokens": tokens(tokenizer, last),
        "stop ids": stops,
        "stop tokens": tokens(tokenizer, stops),
        "declared in": file,
    }
    end = next((number for number in [*last, *middle] if number in stops), None)
    if end is not None:
        record.capability("chat.end_of_turn", str(tokens(tokenizer, [end])[0]))
        if end not in last and end not in _user_header(chat):
            summary = (
                f"The last assistant message is not closed: the template writes {tokens(tokenizer, [end])[0]} (id "
                f"{end}), at which generation stops, only if another turn follows."
            )
            raise Defect(summary, evidence=evidence, uses=("training",))
        _ends_with_eos(tokenizer, last, evidence)
        return
    if not last and not middle:
        summary = "The template writes nothing after the assistant's content, not even between turns."
        raise Defect(summary, evidence=evidence)
    named = ", ".join(f"{token} (id {number})" for token, number in zip(tokens(tokenizer, stops), stops, strict=True))
    how = _how_it_ends(tokenizer, chat, last)
    summary = f"{how}, but generation stops only at {named or 'no token'}, as {file} declares."
    raise _severity(subject, file)(summary, evidence=evidence)


def _user_header(chat: Chat) -> list[int]:
    """Ids that open a user's turn, which GLM's models generate to end their own."""
    return encoded(chat, rendered(chat, [QUESTION]).partition(str(QUESTION["content"]))[0])


def _severity(subject: Subject, file: str) -> type[Defect] | type[Hazard]:
    """Hazard for a tokenizer without a model, whose generation_config.json may declare other tokens."""
    return Defect if file != "tokenizer_config.json" or subject.has("config.json") else Hazard


def _how_it_ends(tokenizer: Any, chat: Chat, last: list[int]) -> str:
    added = tokenizer.added_tokens_decoder
    marker = next((number for number in last if number in added), None)
    if marker is not None:
        return f"The assistant's turn ends with {added[marker].content} (id {marker})"
    return f"The assistant's turn ends with the text {chat.ending or chat.before_next_user!r} and no control token"


def _ends_with_eos(tokenizer: Any, last: list[int], evidence: dict[str, Any]) -> None:
    """Raises Hazard if the turn does not end with the tokenizer's EOS, which trainers use."""
    __tracebackhide__ = True
    added = tokenizer.added_tokens_decoder
    marker = next((number for number in last if number in added), None)
    if marker is not None and tokenizer.eos_token_id not in (None, *last):
        raise Hazard(
            f"The assistant's turn ends with {added[marker].content} (id {marker}), but the tokenizer's eos_token is "
            f"{tokenizer.eos_token} (id {tokenizer.eos_token_id}): training with the latter does not teach to stop.",
            evidence=evidence,
            uses=("training",),
            fix="Pass the end-of-turn token as eos_token to the trainer, or declare it in tokenizer_config.json.",
        )
