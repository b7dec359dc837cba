from __future__ import annotations

import inspect
from typing import Any

from fixtures.inputs.conversations import PLAIN, user
from fixtures.session.uses import uses
from fixtures.templates.chat import NEEDLE, Chat, TemplateFails
from suites.chat_templates.evidence import rendered
from suites.chat_templates.tokens.markers import emitted
from suites.findings import Defect, Hazard, NotApplicable, Record

OPTION = "sanitize_control_tokens"
"""Option of apply_chat_template; transformers 4 has none."""


@uses("serving")
def test_user_control_tokens(tokenizer: Any, assistant_chat: Chat, record: Record) -> None:
    """With sanitize_control_tokens=True, text that users type never becomes a control token.

    Why: otherwise a user who types the end-of-turn token can speak as the system. Nearly every template allows this by
        default, which is only recorded; the option must prevent it.
    Fix: Flag the tokens that the template writes as special, or list them in chat_control_tokens of
        tokenizer_config.json; otherwise remove control tokens from content.
    Source: https://github.com/huggingface/transformers/issues/29279;
        https://github.com/huggingface/transformers/pull/47386
    """
    chat = assistant_chat
    rendered(chat, PLAIN["a question"])
    control = emitted(chat)
    if not control:
        record.capability("chat.user_control_tokens", "no control tokens")
        raise NotApplicable("the template writes no control tokens")
    typed = " ".join([NEEDLE, *control.values()])
    forged = more(chat, control, typed)
    record.capability("chat.user_control_tokens", default(forged, control), evidence=sorted(control.values()))
    record.capability("chat.split_special_tokens", splitting(chat, control))
    record.capability("chat.control_token_protection", protection(tokenizer, chat, control, typed))


def default(forged: list[str] | None, control: dict[int, str]) -> str:
    if forged is None:
        return "rejected"
    return (
        "kept as text"
        if not forged
        else "parsed as control tokens by default"
        + ("" if len(forged) == len(control) else f" (not all: {' '.join(forged)})")
    )


def more(chat: Chat, control: dict[int, str], typed: str, **options: Any) -> list[str] | None:
    """The control tokens that the typed text adds, compared with harmless text; None if it is refused."""
    try:
        harmless, forged = (ids(chat, text, **options) for text in (NEEDLE, typed))
    except TemplateFails:
        return None
    return [text for number, text in control.items() if forged.count(number) > harmless.count(number)]


def ids(chat: Chat, content: str, **options: Any) -> list[int]:
    return chat.ids([user(content)], **options)


def splitting(chat: Chat, control: dict[int, str]) -> str:
    """Effect of split_special_tokens, which does not distinguish the template's tokens from the user's."""
    try:
        split = ids(chat, NEEDLE, tokenizer_kwargs={"split_special_tokens": True})
    except TemplateFails:
        return "refused"
    finally:
        chat.encode(NEEDLE)  # resets the setting of the backend
    intact = [text for number, text in control.items() if number in split]
    written = [text for number, text in control.items() if number in ids(chat, NEEDLE)]
    return "also splits the template's own tokens" if len(intact) < len(written) else "no effect"


def protection(tokenizer: Any, chat: Chat, control: dict[int, str], typed: str) -> str:
    """none, refused, or the name of the option if it protects. Raises a finding if it does not."""
    __tracebackhide__ = True
    if OPTION not in inspect.signature(tokenizer.apply_chat_template).parameters:
        return "none"
    forged = more(chat, control, typed, **{OPTION: True})
    if forged is None:
        return "refused"
    if forged:
        raise Defect(
            f"With {OPTION}=True, {' and '.join(forged)} in a user's message still becomes the control token: it is "
            "neither flagged special nor written literally in the template.",
            evidence={"content": typed, "forged": forged, "control tokens": sorted(control.values())},
        )
    if ids(chat, NEEDLE, **{OPTION: True}) != ids(chat, NEEDLE):
        raise Hazard(
            f"{OPTION}=True changes the ids of a message without control tokens.",
            evidence={
                "content": NEEDLE,
                "default": ids(chat, NEEDLE),
                "protected": ids(chat, NEEDLE, **{OPTION: True}),
            },
        )
    return OPTION
