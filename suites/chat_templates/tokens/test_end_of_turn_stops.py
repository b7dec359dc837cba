from __future__ import annotations

from typing import Any

from fixtures.inputs.conversations import PLAIN, QUESTION
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat, stop_ids
from suites.chat_templates.evidence import encoded, rendered
from suites.evidence import tokens
from suites.findings import Defect, Hazard, Record, Unsupported


def test_end_of_turn_stops(subject: Subject, tokenizer: Any, chat: Chat, record: Record) -> None:
    """What the template writes after the assistant's content holds a token at which generation stops.

    Why: otherwise the model ends its turn and goes on, playing the user, until the token limit; and training on
        the template never shows it where to stop.
    Fix: Write the end-of-turn token after each assistant message, and list its id in eos_token_id of
        generation_config.json.
    Source: https://github.com/vllm-project/vllm/issues/4180; https://github.com/huggingface/trl/issues/3299;
        https://github.com/huggingface/trl/issues/5988
    """
    rendered(chat, PLAIN["a question and its answer"])
    if chat.ending is None:
        raise Unsupported("the template does not show the assistant's content")
    last, middle = encoded(chat, chat.ending), encoded(chat, chat.before_next_user or "")
    stops, file = stop_ids(subject, tokenizer)
    evidence = {"ending": chat.ending, "ending ids": last, "ending tokens": tokens(tokenizer, last),
                "stop ids": stops, "stop tokens": tokens(tokenizer, stops), "declared in": file}  # fmt: skip
    if end := next((number for number in [*last, *middle] if number in stops), None):
        record.capability("chat.end_of_turn", str(tokens(tokenizer, [end])[0]))
        if end not in last and end not in _user_header(chat):
            raise Defect(f"The last assistant message is left open: {tokens(tokenizer, [end])[0]} (id {end}), at which "
                         "generation stops, ends it only when another turn follows.", evidence=evidence)  # fmt: skip
        return _ends_with_eos(tokenizer, last, evidence)
    if not last and not middle:
        raise Defect("The template writes nothing after the assistant's content, not even between turns.",
                     evidence=evidence)  # fmt: skip
    named = ", ".join(f"{token} (id {number})" for token, number in zip(tokens(tokenizer, stops), stops, strict=True))
    how = _how_it_ends(tokenizer, chat, last)
    summary = f"{how}, and generation stops only at {named or 'no token'}, as {file} declares."
    raise _severity(subject, file)(summary, evidence=evidence)


def _user_header(chat: Chat) -> list[int]:
    """What opens a user's turn: GLM's models write it themselves to end theirs."""
    return encoded(chat, rendered(chat, [QUESTION]).partition(str(QUESTION["content"]))[0])


def _severity(subject: Subject, file: str) -> type[Defect] | type[Hazard]:
    """A tokenizer alone cannot know what the model's generation_config.json will say."""
    return Defect if file != "tokenizer_config.json" or subject.has("config.json") else Hazard


def _how_it_ends(tokenizer: Any, chat: Chat, last: list[int]) -> str:
    added = tokenizer.added_tokens_decoder
    if marker := next((number for number in last if number in added), None):
        return f"The assistant's turn ends in {added[marker].content} (id {marker})"
    return f"No control token ends the assistant's turn, {chat.ending or chat.before_next_user!r} follows its content"


def _ends_with_eos(tokenizer: Any, last: list[int], evidence: dict[str, Any]) -> None:
    """Trainers append and look for the tokenizer's own EOS, whatever generation_config.json says."""
    __tracebackhide__ = True
    added = tokenizer.added_tokens_decoder
    marker = next((number for number in last if number in added), None)
    if marker is not None and tokenizer.eos_token_id not in (None, *last):
        raise Hazard(
            f"The assistant's turn ends in {added[marker].content} (id {marker}), and the tokenizer's eos_token is "
            f"{tokenizer.eos_token} (id {tokenizer.eos_token_id}): training on the latter never learns to stop.",
            evidence=evidence,
            remedy="Pass the end-of-turn token as eos_token to the trainer, or name it in tokenizer_config.json.",
        )
