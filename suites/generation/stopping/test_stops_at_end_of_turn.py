from __future__ import annotations

from typing import Any

from fixtures.inputs import questions
from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat
from suites.findings import Defect, Record
from suites.intervals import wilson
from suites.running import answers


@uses("chat")
def test_stops_at_end_of_turn(
    subject: Subject, tokenizer: Any, chat: Chat, loaded: Loaded, generator: Any, profile: str, record: Record
) -> None:
    """Generation ends when the model ends its turn.

    Why: if the end-of-turn token is not among the stop tokens, the model goes on and invents the user's next message,
        up to the length limit.
    Fix: add the token that ends an assistant turn to `eos_token_id` in generation_config.json.
    Source: https://github.com/vllm-project/vllm/issues/4180 (Llama 3)
    """
    end = _end_of_turn(chat)
    given = answers.to_questions(subject, tokenizer, loaded, profile)
    texts = {answer.asked.text: tokenizer.decode(list(answer.ids)) for answer in given}
    for answer in given:
        ids = list(answer.ids)
        if end in ids[:-1] and not _only_padding(ids[ids.index(end) :], tokenizer.pad_token_id):
            raise Defect(
                f"The model ended its turn with {tokenizer.convert_ids_to_tokens(end)!r} (id {end}), but "
                "generation went on: the token is not among the stop tokens.",
                evidence={"prompt": answer.asked.text, "generated": texts[answer.asked.text]},
            )
    stopped = sum(answer.stopped for answer in given)
    record.metric(
        "generation.stopped_before_limit",
        stopped / len(given),
        "share of prompts",
        better="higher",
        samples=len(given),
        interval=wilson(stopped, len(given)),
        version=questions.version(),
    )
    often = "always" if stopped == len(given) else "sometimes" if stopped else "never"
    record.capability("generation.stops_before_limit", often, evidence=texts)


def _only_padding(ids: list[int], padding: int | None) -> bool:
    return all(token in (ids[0], padding) for token in ids)


def _end_of_turn(chat: Chat) -> int | None:
    """Returns the control token that the template puts after an assistant's answer, or None."""
    ids = chat.encode((chat.ending or "").strip())
    return ids[0] if ids and ids[0] in chat.tokenizer.added_tokens_decoder else None
