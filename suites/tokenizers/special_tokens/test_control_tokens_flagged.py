from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat, stop_ids
from suites.findings import Defect
from suites.tokenizers.encoding import encode


@uses("chat")
def test_control_tokens_flagged(subject: Subject, tokenizer: Any, chat: Chat) -> None:
    """Tokens that end an assistant's turn are removed by decode(skip_special_tokens=True).

    Why: the model writes them at the end of each answer; without the flag, users see them, and the next prompt has them
        twice.
    Fix: Set special: true for the token in tokenizer.json and in added_tokens_decoder of tokenizer_config.json.
    Source: https://github.com/huggingface/transformers/issues/10202
    """
    stops, _ = stop_ids(subject, tokenizer)
    added = tokenizer.added_tokens_decoder
    closing = [number for number in encode(tokenizer, chat.ending or "") if number in added]
    leaks = {
        str(added[number].content): number
        for number in dict.fromkeys([*closing[:1], *stops])
        if number in added and tokenizer.decode([number], skip_special_tokens=True)
    }
    if leaks:
        named = ", ".join(f"{token} (id {number})" for token, number in leaks.items())
        answer = tokenizer.decode([*encode(tokenizer, "Fine."), *leaks.values()], skip_special_tokens=True)
        raise Defect(
            f"{named} ends a turn but is not flagged special, so it stays in the decoded answer.",
            evidence={"tokens": leaks, "expected": "Fine.", "actual": answer},
        )
